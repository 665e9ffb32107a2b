package ais

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
)

// ErrAddress is an address that no feed of AIS has.
var ErrAddress = errors.New("not an address of a feed")

// Open opens an address as the sources do, for commands that read it once: a
// file, "-" (stdin), "tcp://host:port" (connects, and ends when the server closes),
// "udp://host:port" (listens; each datagram ends a line). The end of ctx ends a
// read that waits. An address that can't be one wraps ErrAddress.
func Open(ctx context.Context, a string, stdin io.Reader) (io.ReadCloser, error) {
	scheme, host, err := address(a)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAddress, err)
	}
	switch scheme {
	case "stdin":
		return io.NopCloser(stdin), nil
	case "file":
		return os.Open(a)
	case "tcp":
		d := net.Dialer{Timeout: dialTimeout}
		conn, err := d.DialContext(ctx, "tcp", host)
		if err != nil {
			return nil, err
		}
		return ending(ctx, conn), nil
	}
	var lc net.ListenConfig
	conn, err := lc.ListenPacket(ctx, "udp", host)
	if err != nil {
		return nil, err
	}
	return ending(ctx, &datagrams{PacketConn: conn}), nil
}

// ended is a connection that the end of a context closes.
type ended struct {
	io.ReadCloser
	stop func() bool
}

func ending(ctx context.Context, c io.ReadCloser) io.ReadCloser {
	return &ended{c, context.AfterFunc(ctx, func() { _ = c.Close() })} // to end a read that waits
}

func (e *ended) Close() error {
	e.stop()
	return e.ReadCloser.Close()
}
