// Command load is the bench under load: it runs the real program (quaywatch
// serve, embedded stores), sends it the AIS of a whole sea over TCP, makes single
// vessels jump at known times, and measures how long each alarm takes from the
// sentence on the wire to the console. It exists because the parts are fast one
// by one, and only the whole has the time that an officer waits. tools/bench.sh
// runs it; it imports the library ais only, to write sentences.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"
)

// options are what a run is made of.
type options struct {
	binary   string
	port     string
	duration time.Duration
	vessels  int
	rate     int
	extra    string
	trace    bool
}

func main() {
	var o options
	flag.StringVar(&o.binary, "binary", "bin/quaywatch", "the program")
	flag.StringVar(&o.port, "port", "examples/saltmere/port.yaml", "port file")
	flag.DurationVar(&o.duration, "for", time.Minute, "how long, after the fleet is known")
	flag.IntVar(&o.vessels, "vessels", 20_000, "vessels at sea")
	flag.IntVar(&o.rate, "rate", 5_000, "reports a second")
	flag.BoolVar(&o.trace, "trace", false, "tell the memory each second on standard error")
	flag.StringVar(&o.extra, "config", "", "further lines of quaywatch.yaml")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

// run measures once and prints what came out.
func run(ctx context.Context, o options) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	sea, err := newSea(ctx, o)
	if err != nil {
		return err
	}
	defer sea.close()
	p, err := start(ctx, o, sea.address())
	if err != nil {
		return err
	}
	defer p.stop()
	if err := p.setUp(ctx); err != nil {
		return err
	}
	alarms := newAlarms(sea)
	if err := p.listen(ctx, alarms); err != nil {
		return err
	}
	if err := sea.connected(ctx); err != nil {
		return err
	}
	watched := make(chan account, 1)
	ended := make(chan struct{})
	var trace io.Writer
	if o.trace {
		trace = os.Stderr
	}
	go func() { watched <- p.watch(ctx, ended, trace) }()
	err = sea.sail(ctx)
	settle := time.NewTimer(3 * time.Second) // the last alarms
	select {
	case <-settle.C:
	case <-ctx.Done():
	}
	close(ended)
	if err != nil {
		return err
	}
	return report(os.Stdout, o, sea, alarms, <-watched)
}
