package system

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"golang.org/x/sync/errgroup"

	"github.com/quaywatch/quaywatch/internal/config"
	"github.com/quaywatch/quaywatch/internal/console"
	"github.com/quaywatch/quaywatch/internal/datadir"
	"github.com/quaywatch/quaywatch/internal/port"
	"github.com/quaywatch/quaywatch/internal/server"
	"github.com/quaywatch/quaywatch/internal/watch/network"
	"github.com/quaywatch/quaywatch/internal/watch/vessel"
)

// RunOptions are what a run adds to an open system.
type RunOptions struct {
	// Told gets what a person at the terminal must know: the address, the
	// one-time code of the set-up, the fingerprint of the own certificate.
	Told io.Writer
	// Wrap, where set, stands in front of the server (the demo logs itself in).
	Wrap func(http.Handler) http.Handler
	// Exercise names a run whose data is all made up, such as the demo: it stands
	// on every page and report. The observations themselves are not marked, since
	// nothing real is beside them. "" for real data.
	Exercise string
	// Sources, where set, runs beside the configured sources.
	Sources func(ctx context.Context) error
	// Listening, where set, is told the address as soon as it is open.
	Listening func(address string)
}

// Run runs the system until the context ends: sources, stream, watches, regular
// work, API and console. It returns nil after an orderly end.
func (s *System) Run(ctx context.Context, o RunOptions) error {
	if err := s.checkSources(); err != nil {
		return err
	}
	if o.Told == nil {
		o.Told = io.Discard
	}
	srv, err := s.server(o)
	if err != nil {
		return err
	}
	listener, address, err := s.listen(ctx, o.Told)
	if err != nil {
		return err
	}
	defer listener.Close()
	if err := s.lock.SetAddress(address); err != nil {
		return err
	}
	if err := s.greet(ctx, o.Told, address); err != nil {
		return err
	}
	open, err := s.listenFeeds(ctx, o.Told)
	if err != nil {
		return err
	}
	if o.Listening != nil {
		o.Listening(address)
	}
	s.watchMu.Lock()
	for _, c := range s.cfg.Source {
		s.watches.Health.Declare(c.ID, c.Kind, domainOf(c.Kind), c.Expect)
	}
	s.watchMu.Unlock()

	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.pipeline(ctx) })
	s.keepHouse(ctx, g)
	s.serveFeeds(ctx, g, open)
	for _, c := range s.cfg.Source {
		g.Go(func() error { return s.runSource(ctx, c) })
	}
	if o.Sources != nil {
		g.Go(func() error { return o.Sources(ctx) })
	}
	g.Go(func() error {
		if o.Wrap == nil {
			return srv.Serve(ctx, listener)
		}
		return serveWrapped(ctx, listener, srv.End, o.Wrap(srv))
	})
	err = g.Wait()
	last := context.WithoutCancel(ctx)
	if ended := errors.Join(s.saveVessels(last), s.saveNetwork(last)); err == nil || errors.Is(err, context.Canceled) {
		return ended
	}
	return err
}

// serveWrapped serves a handler that stands in front of the server. end ends the
// requests that last. It returns when no request is under way any more: what they
// work with is closed after it.
func serveWrapped(ctx context.Context, l net.Listener, end func(), h http.Handler) error {
	ctx, stop := context.WithCancel(ctx)
	hs := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		<-ctx.Done()
		end()
		wait, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if hs.Shutdown(wait) != nil {
			_ = hs.Close() // what is still open after that is cut
		}
	}()
	err := hs.Serve(l)
	stop()
	<-ended
	if !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving on %s: %w", l.Addr(), err)
	}
	return nil
}

// listen opens the address of the configuration, with TLS unless it is turned off.
func (s *System) listen(ctx context.Context, told io.Writer) (net.Listener, string, error) {
	var tlsConfig *tls.Config
	scheme := "https"
	switch c := s.cfg.TLS; {
	case c.Off:
		scheme = "http"
	case c.Certificate != "":
		var err error
		if tlsConfig, err = server.TLSFromFiles(c.Certificate, c.Key); err != nil {
			return nil, "", err
		}
	default:
		own, fingerprint, err := server.TLSOwn(filepath.Join(s.cfg.Data, datadir.TLS), c.Names, time.Now())
		if err != nil {
			return nil, "", err
		}
		tlsConfig = own
		fmt.Fprintf(told, "The console uses a certificate of its own. Compare its fingerprint (SHA-256) with what the browser shows:\n  %s\n", fingerprint)
	}
	l, err := server.Listen(ctx, s.cfg.Listen, tlsConfig)
	if err != nil {
		return nil, "", err
	}
	return l, scheme + "://" + l.Addr().String(), nil
}

// greet tells the address and, where nobody has an account yet, the code of the set-up.
func (s *System) greet(ctx context.Context, told io.Writer, address string) error {
	code, err := s.identity.SetUpCode(ctx)
	if err != nil {
		return err
	}
	if code != "" {
		fmt.Fprintf(told, "There is no account yet. Open %s%s and enter this one-time code:\n  %s\n", address, server.PathSetup, code)
	}
	fmt.Fprintf(told, "The console is at %s\n", address)
	return nil
}

// server joins the faces.
func (s *System) server(o RunOptions) (*server.Server, error) {
	getPort := func() *port.Port { return s.port.Load() }
	page := &situationPage{s: s, exercise: o.Exercise}
	sea, wire := &drawn[vessel.Picture]{draw: s.watches.Vessel.Picture}, &drawn[network.Picture]{draw: s.watches.Network.Picture, keep: networkFor}
	con, err := console.New(console.Deps{
		Port: getPort, Desk: server.Guard(s.register),
		Vessels: sea.Picture, Network: wire.Picture,
		Physical: s.watches.Physical.Picture, Health: s.watches.Health.Picture,
		Activity: s.activity, Raw: s, History: s.telemetry, Tiles: s.cfg.Chart, PortPath: s.cfg.Port,
		PortProblems: func() port.Problems { return s.problems },
		Report:       page, Feeds: s.feedStatus, Risk: s.risk.Standing, Graph: s.risk.Graph, Walls: s.walls.Walls,
		Narrow: s.watches.Network.Narrow, Listening: s.watches.Network.Listening, Paper: s.paper.State, Boards: s.boards, Weak: s.exposure, Reconcile: reconcileDesk{s}, Past: s.watches.Network, Exercise: func() string { return o.Exercise }, Log: s.log,
	})
	if err != nil {
		return nil, fmt.Errorf("making the console: %w", err)
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	srv, err := server.New(server.Deps{
		Identity: s.identity, Port: getPort, Findings: s.register,
		Vessels: sea.Picture, Network: wire.Picture,
		People: s.watches.Physical.Picture, Sources: s.watches.Health.Picture, Receivers: s.watches.Vessel.Receivers,
		Positions: s.telemetry, Flows: s.telemetry, Operated: s.telemetry, Access: s.telemetry, Audit: auditLog{s.records}, Feeds: s.feedStatus,
		Console: con, Pages: con, Metrics: registry, Ready: s.readiness(), Log: s.log, Version: s.o.Version,
		Secure: !s.cfg.TLS.Off || s.cfg.Proxy.Header != "", Origins: s.cfg.Proxy.Origins, ProxyHeader: s.cfg.Proxy.Header,
	})
	if err != nil {
		return nil, err
	}
	registry.MustRegister(srv.Collectors()...)
	registry.MustRegister(s.collectors()...)
	registry.MustRegister(s.feedCollectors()...)
	return srv, nil
}

// readiness is what /healthz asks.
func (s *System) readiness() []server.Check {
	return []server.Check{
		{Name: "records", Test: func(ctx context.Context) error { _, err := s.records.Position(ctx, watchPosition); return err }},
		{Name: "stream", Test: func(ctx context.Context) error { _, err := s.stream.State(ctx); return err }},
		{Name: "stream content", Test: func(context.Context) error {
			if n := s.stream.Unreadable(); n > 0 {
				return fmt.Errorf("%d messages could not be read and were passed over; the log names their places", n)
			}
			return nil
		}},
		{Name: "telemetry", Test: func(context.Context) error { return s.telemetry.Err() }},
		{Name: "watches", Test: func(context.Context) error {
			if !s.warmed.Load() {
				return errors.New("still reading what the stream holds")
			}
			return nil
		}},
	}
}

// collectors are the metrics of the pipeline.
func (s *System) collectors() []prometheus.Collector {
	gauge := func(name, help string, value func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "quaywatch", Name: name, Help: help}, value)
	}
	state := func(pick func(first, last uint64, bytes int64) float64) func() float64 {
		return func() float64 {
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
			defer cancel()
			st, err := s.stream.State(ctx)
			if err != nil {
				return -1
			}
			return pick(st.First, st.Last, st.Bytes)
		}
	}
	return []prometheus.Collector{
		gauge("stream_bytes", "Bytes held in the stream.", state(func(_, _ uint64, b int64) float64 { return float64(b) })),
		gauge("stream_last", "Place of the newest batch in the stream.", state(func(_, last uint64, _ int64) float64 { return float64(last) })),
		gauge("telemetry_position", "Place in the stream up to which telemetry is durable.", func() float64 { return float64(s.telemetry.Position()) }),
		gauge("watches_seen", "Place in the stream that the watches have seen.", func() float64 { return float64(s.seen.Load()) }),
		gauge("stream_unreadable", "Messages of the stream that could not be decoded and were passed over since the start.", func() float64 { return float64(s.stream.Unreadable()) }),
		gauge("watches_position", "Place in the stream up to which findings are durable.", func() float64 { return float64(s.position.Load()) }),
	}
}

// Sources are the configured sources, for the command line.
func (s *System) Sources() []config.Source { return s.cfg.Source }
