package system

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/feed"
	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/server"
)

// newFeeds makes the configured feeds out. They listen when the system runs.
func (s *System) newFeeds() []*feed.Feed {
	var out []*feed.Feed
	for _, c := range s.cfg.Feed {
		o := feed.Options{ID: c.ID, Mode: feed.Mode(c.Mode), Types: c.Types}
		for _, n := range c.Clients {
			if p, err := netip.ParsePrefix(n); err == nil { // checked when the configuration was read
				o.Clients = append(o.Clients, p)
			}
		}
		out = append(out, feed.New(o, s.doubts))
	}
	return out
}

// listenFeeds opens the addresses of the feeds, all or none.
func (s *System) listenFeeds(ctx context.Context, told io.Writer) ([]net.Listener, error) {
	var out []net.Listener
	for i, f := range s.feeds {
		l, err := f.Listen(ctx, s.cfg.Feed[i].Listen)
		if err != nil {
			for _, l := range out {
				err = errors.Join(err, l.Close())
			}
			return nil, err
		}
		fmt.Fprintf(told, "The AIS feed %s is at tcp://%s, without a login\n", s.cfg.Feed[i].ID, l.Addr())
		out = append(out, l)
	}
	return out, nil
}

// serveFeeds serves the feeds until the context ends.
func (s *System) serveFeeds(ctx context.Context, g *errgroup.Group, open []net.Listener) {
	for i, l := range open {
		g.Go(func() error { return s.feeds[i].Serve(ctx, l) })
	}
}

// feedOut tells the feeds what came in, after what the watches make of it: a
// position that opened a finding is carried with its mark.
func (s *System) feedOut(got []event.Stored, occs []finding.Occurrence) {
	s.doubts.Observe(occs)
	for _, f := range s.feeds {
		for _, m := range got {
			f.Observe(m.Batch)
		}
	}
}

// feedStatus is how the feeds stand, for the API.
func (s *System) feedStatus() []server.FeedStatus {
	out := []server.FeedStatus{}
	for _, f := range s.feeds {
		st := f.Status()
		out = append(out, server.FeedStatus{ID: st.ID, Mode: string(st.Mode), Address: st.Address, Clients: st.Clients, FeedCounts: server.FeedCounts(st.Counts),
			DelayP50: st.DelayP50.Seconds(), DelayP99: st.DelayP99.Seconds()})
	}
	return out
}

// feedCollectors are the metrics of the feeds out. The labels are the ids of the configuration.
func (s *System) feedCollectors() []prometheus.Collector {
	var out []prometheus.Collector
	for _, f := range s.feeds {
		id := prometheus.Labels{"feed": f.Status().ID}
		counter := func(name, help string, pick func(feed.Status) float64) {
			out = append(out, prometheus.NewCounterFunc(prometheus.CounterOpts{Namespace: "quaywatch", Subsystem: "feed", Name: name, Help: help, ConstLabels: id},
				func() float64 { return pick(f.Status()) }))
		}
		gauge := func(name, help string, pick func(feed.Status) float64) {
			out = append(out, prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "quaywatch", Subsystem: "feed", Name: name, Help: help, ConstLabels: id},
				func() float64 { return pick(f.Status()) }))
		}
		gauge("clients", "Clients of the AIS feed out.", func(st feed.Status) float64 { return float64(len(st.Clients)) })
		gauge("delay_p99_seconds", "From the arrival of a report to the clients, 99th percentile of the newest 1024.", func(st feed.Status) float64 { return st.DelayP99.Seconds() })
		counter("sent_total", "Messages told.", func(st feed.Status) float64 { return float64(st.Sent) })
		counter("marked_total", "Messages told with a mark of doubt.", func(st feed.Status) float64 { return float64(st.Marked) })
		counter("left_out_total", "Doubted positions left out.", func(st feed.Status) float64 { return float64(st.LeftOut) })
		counter("copies_total", "Copies left out.", func(st feed.Status) float64 { return float64(st.Copies) })
		counter("slow_clients_total", "Clients cut off because they did not keep up.", func(st feed.Status) float64 { return float64(st.Slow) })
		counter("refused_clients_total", "Connections refused.", func(st feed.Status) float64 { return float64(st.Refused) })
	}
	return out
}
