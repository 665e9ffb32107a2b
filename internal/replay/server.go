package replay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// Bounds of a server.
const (
	MaxClients   = 256              // more are turned away
	queued       = 1024             // pieces that may wait for one client
	writeTimeout = 30 * time.Second // for a client that takes nothing: it is given up
)

// Server sends what is played to every TCP client. A client gets what is played
// from the moment it connected.
//
// Each has a queue. With Block, the replay waits for the slowest client. Else a
// client that does not keep up loses whole pieces, which are counted, and the
// others go on in time.
type Server struct {
	Block bool

	l       net.Listener
	mu      sync.Mutex
	clients map[*client]struct{}
	joined  chan struct{} // closed when the number of clients asked for was there
	need    int
	total   int
	lost    int
	closed  bool
	wg      sync.WaitGroup
}

type client struct {
	conn  net.Conn
	queue chan []byte
	gone  chan struct{} // closed when it takes no more
}

// Listen opens a server at host:port and takes clients at once. Ready tells
// when need clients are there.
func Listen(ctx context.Context, address string, need int) (*Server, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("opening the feed: %w", err)
	}
	s := &Server{l: l, clients: map[*client]struct{}{}, joined: make(chan struct{}), need: need}
	if need <= 0 {
		close(s.joined)
	}
	s.wg.Go(s.accept)
	return s, nil
}

// Addr is where the server listens.
func (s *Server) Addr() net.Addr { return s.l.Addr() }

// Ready waits until the clients asked for have connected.
func (s *Server) Ready(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-s.joined:
		return nil
	}
}

func (s *Server) accept() {
	for {
		conn, err := s.l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // one that went away before it was taken
		}
		s.join(conn)
	}
}

// join takes a client, or turns it away where there are too many.
func (s *Server) join(conn net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || len(s.clients) >= MaxClients {
		_ = conn.Close() // turned away
		return
	}
	c := &client{conn: conn, queue: make(chan []byte, queued), gone: make(chan struct{})}
	s.clients[c] = struct{}{}
	if s.total++; s.total == s.need {
		close(s.joined)
	}
	s.wg.Go(func() { s.serve(c) })
}

// serve writes what is queued for a client until the queue ends or the client goes.
func (s *Server) serve(c *client) {
	defer func() {
		_ = c.conn.Close() // what was written is on its way
		s.mu.Lock()
		delete(s.clients, c)
		s.mu.Unlock()
	}()
	for b := range c.queue {
		_ = c.conn.SetWriteDeadline(time.Now().Add(writeTimeout)) // a failure shows in Write
		if _, err := c.conn.Write(b); err != nil {
			close(c.gone)
			return
		}
	}
}

// Send implements Sink.
func (s *Server) Send(ctx context.Context, lines []byte) error {
	piece := bytes.Clone(lines)
	s.mu.Lock()
	list := make([]*client, 0, len(s.clients))
	for c := range s.clients {
		list = append(list, c)
	}
	s.mu.Unlock()
	for _, c := range list {
		select {
		case c.queue <- piece:
			continue
		case <-c.gone:
			continue
		default:
		}
		if !s.Block {
			s.mu.Lock()
			s.lost++
			s.mu.Unlock()
			continue
		}
		select {
		case c.queue <- piece:
		case <-c.gone:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// Close takes no more clients, writes what is queued, and closes all. After it
// nothing may be sent. It returns how many clients there were and how many
// pieces were lost to those that did not keep up.
func (s *Server) Close() (clients, lost int, err error) {
	s.mu.Lock()
	s.closed = true
	for c := range s.clients {
		close(c.queue)
	}
	s.mu.Unlock()
	err = s.l.Close()
	s.wg.Wait()
	return s.total, s.lost, err
}

// Datagrams sends each piece as one UDP datagram, or line by line where it is
// longer than a datagram should be.
type Datagrams struct{ conn net.Conn }

// maxDatagram is what passes an Ethernet network whole.
const maxDatagram = 1472

// Dial prepares to send to one address, host:port.
func Dial(ctx context.Context, address string) (*Datagrams, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "udp", address)
	if err != nil {
		return nil, fmt.Errorf("opening the feed: %w", err)
	}
	return &Datagrams{conn}, nil
}

// Send implements Sink. That nobody listens is no error: UDP does not know.
func (d *Datagrams) Send(ctx context.Context, lines []byte) error {
	for len(lines) > 0 && ctx.Err() == nil {
		n := len(lines)
		if n > maxDatagram {
			n = bytes.LastIndexByte(lines[:maxDatagram], '\n') + 1
		}
		if n <= 0 { // one line that is longer than that
			if n = bytes.IndexByte(lines, '\n') + 1; n <= 0 {
				n = len(lines)
			}
			n = min(n, maxDatagram)
		}
		_, _ = d.conn.Write(lines[:n]) // refused: nobody listens at the moment
		lines = lines[n:]
	}
	return ctx.Err()
}

// Close ends the sending.
func (d *Datagrams) Close() error { return d.conn.Close() }
