// Package live reads packets from a network interface and hands them to the
// reader of captures as a capture stream. It exists so that a mirror port can be
// watched without another program. The composition root makes a source of it; it
// imports source and source/pcap only.
//
// It can't send: the one socket that it opens takes packets in (AF_PACKET with a
// ring that only the kernel fills), and no call that writes to a socket stands in
// this package; tests hold both. It needs the capability CAP_NET_RAW and no other.
package live

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/quaywatch/quaywatch/internal/source"
	"github.com/quaywatch/quaywatch/internal/source/pcap"
)

// Options set up a Source.
type Options struct {
	ID          string
	Interface   string // such as eth1
	Promiscuous bool   // take packets that are not for this machine: a mirror port needs it
	Expect      time.Duration
	Clock       func() time.Time
}

// Source reads one interface. Run may be called again after it ended.
type Source struct{ o Options }

// New checks the options. The interface is opened by Run: it may come later.
func New(o Options) (*Source, error) {
	if o.ID == "" || o.Interface == "" || len(o.Interface) > 15 {
		return nil, errors.New("live source: an id and the name of an interface (at most 15 characters) are needed")
	}
	return &Source{o: o}, nil
}

// ID is the id of the source.
func (s *Source) ID() string { return s.o.ID }

// Run reads until the context ends, or the interface goes away.
func (s *Source) Run(ctx context.Context, sink source.Sink) error {
	r, err := open(s.o.Interface, s.o.Promiscuous)
	if err != nil {
		return fmt.Errorf("source %s: interface %s: %w", s.o.ID, s.o.Interface, err)
	}
	return s.run(ctx, sink, r)
}

func (s *Source) run(ctx context.Context, sink source.Sink, r *ring) error {
	p := pcap.NewReader(s.o.ID, r, pcap.Options{Clock: s.o.Clock, Expect: s.o.Expect, Input: "interface " + s.o.Interface, Lost: r.lost})
	return errors.Join(p.Run(ctx, sink), r.Close())
}
