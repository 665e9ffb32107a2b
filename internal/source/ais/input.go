package ais

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/source"
)

// Back-off of a TCP client that finds nobody.
const (
	retryFirst  = time.Second
	retryLast   = time.Minute
	dialTimeout = 10 * time.Second
)

// headBytes of a file are hashed into its bookmark, so that another file under
// the same name is read from its start.
const headBytes = 512

func (s *Source) readFile(ctx context.Context, feed *source.Feed) error {
	f, err := os.Open(s.c.Address)
	if err != nil {
		return fmt.Errorf("AIS source %s: %w", s.c.ID, err)
	}
	defer func() { _ = f.Close() }() // opened for reading: closing can't lose anything
	feed.Connected()
	in := s.intake(feed, s.c.Address)
	if err := s.resume(ctx, f, in); err != nil {
		return err
	}
	in.marks = s.c.Bookmarks != nil
	return in.run(ctx, f)
}

// resume goes to the bookmark, where there is one and it is of this file.
func (s *Source) resume(ctx context.Context, f *os.File, in *intake) error {
	head := make([]byte, headBytes)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return fmt.Errorf("AIS source %s: %w", s.c.ID, err)
	}
	in.head = head[:n]
	var offset, line int64
	if s.c.Bookmarks != nil {
		mark, err := s.c.Bookmarks.Bookmark(ctx, s.c.ID)
		if err != nil {
			return fmt.Errorf("AIS source %s: reading the bookmark: %w", s.c.ID, err)
		}
		offset, line = in.place(mark)
		if info, err := f.Stat(); err != nil || info.Size() < offset {
			offset, line = 0, 0
		}
	}
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		return fmt.Errorf("AIS source %s: going to offset %d: %w", s.c.ID, offset, err)
	}
	in.lines.base, in.lines.number = offset, line
	return nil
}

// mark is the bookmark after a line: offset, lines read, and the hash of the
// head of the file as far as it was read then.
func (in *intake) mark(offset, line int64) string {
	n := min(int64(len(in.head)), offset)
	if n != in.headLen || in.headSum == "" {
		in.headLen, in.headSum = n, event.SumOf(in.head[:n]).String()[:16]
	}
	return strconv.FormatInt(offset, 10) + " " + strconv.FormatInt(line, 10) + " " + in.headSum
}

// place reads a bookmark; one that is not of this file is the start.
func (in *intake) place(mark string) (offset, line int64) {
	f := strings.Fields(mark)
	if len(f) != 3 {
		return 0, 0
	}
	offset, err1 := strconv.ParseInt(f[0], 10, 64)
	line, err2 := strconv.ParseInt(f[1], 10, 64)
	if err1 != nil || err2 != nil || offset < 0 || line < 0 || in.mark(offset, line) != mark {
		return 0, 0
	}
	return offset, line
}

// dial connects, reads, and connects again, until ctx is done.
func (s *Source) dial(ctx context.Context, feed *source.Feed) error {
	in := s.intake(feed, s.c.Address)
	dialer := net.Dialer{Timeout: dialTimeout}
	wait := retryFirst
	for {
		conn, err := dialer.DialContext(ctx, "tcp", s.host)
		if err == nil {
			feed.Connected()
			before := in.lines.number
			err = in.runConn(ctx, conn)
			if in.fatal != nil {
				return in.fatal
			}
			if in.lines.number > before {
				wait = retryFirst
			}
			if err == nil {
				err = errors.New("the server closed the connection")
			}
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		feed.Connecting(fmt.Errorf("%s: %w; next try in %s", s.c.Address, err, wait))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
		wait = min(2*wait, retryLast)
	}
}

// listen takes datagrams until ctx is done.
func (s *Source) listen(ctx context.Context, feed *source.Feed) error {
	var lc net.ListenConfig
	conn, err := lc.ListenPacket(ctx, "udp", s.host)
	if err != nil {
		return fmt.Errorf("AIS source %s: %w", s.c.ID, err)
	}
	if s.bound != nil {
		s.bound(conn.LocalAddr())
	}
	feed.Connected()
	return s.intake(feed, s.c.Address).runConn(ctx, &datagrams{PacketConn: conn})
}

// runConn reads a connection, which ends with ctx.
func (in *intake) runConn(ctx context.Context, conn io.ReadCloser) error {
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() }) // to end a read that waits
	defer func() { stop(); _ = conn.Close() }()
	err := in.run(ctx, conn)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// datagrams reads UDP as a stream of lines: the end of a datagram ends a line.
type datagrams struct {
	net.PacketConn
	left []byte
	buf  [65536]byte
}

func (d *datagrams) Read(p []byte) (int, error) {
	if len(d.left) == 0 {
		n, _, err := d.ReadFrom(d.buf[:len(d.buf)-1])
		if err != nil {
			return 0, err
		}
		d.left = d.buf[:n]
		if !bytes.HasSuffix(d.left, []byte("\n")) {
			d.left = append(d.left, '\n')
		}
	}
	n := copy(p, d.left)
	d.left = d.left[n:]
	return n, nil
}
