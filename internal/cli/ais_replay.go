package cli

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/quaywatch/quaywatch/internal/replay"
)

// replayFlags are what the command takes.
type replayFlags struct {
	speed   float64
	listen  string
	udp     string
	zone    string
	clients int
	loop    int
	bare    bool
}

func newAISReplay() *cobra.Command {
	var f replayFlags
	c := &cobra.Command{
		Use:   "replay FILE",
		Short: "Play a capture as a live feed, over TCP or UDP",
		Long: `Replay sends the lines of a capture as they came, with the times between them
kept: to every client of a TCP server (--listen tcp://127.0.0.1:4001), or as UDP
datagrams to one address (--udp 127.0.0.1:4002). It opens and uses only the
address that is given. FILE may be - for standard input.

A TCP replay begins when --clients have connected. At --speed 0 it goes as fast
as the slowest client takes it; at any other speed it keeps time, and a client
that falls 1024 pieces behind loses lines, which is told at the end. With --bare
the sentences go alone, so that a reader takes their arrival for their time.

Exit codes: 0 done, also when ended by Ctrl-C; 1 failed; 2 used wrongly.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("name one capture, or - for standard input")
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error { return runReplay(c, &f, args[0]) },
	}
	fl := c.Flags()
	fl.Float64Var(&f.speed, "speed", 1, "times the speed of the recording; 0: as fast as it is taken")
	fl.StringVar(&f.listen, "listen", "", "serve TCP clients at tcp://HOST:PORT (port 0: any that is free)")
	fl.StringVar(&f.udp, "udp", "", "send datagrams to HOST:PORT")
	fl.StringVar(&f.zone, "zone", "", "time zone of a date and time written before sentences (UTC)")
	fl.IntVar(&f.clients, "clients", 1, "TCP clients to wait for before it begins")
	fl.IntVar(&f.loop, "loop", 1, "how often to play it; 0: until Ctrl-C")
	fl.BoolVar(&f.bare, "bare", false, "send the sentences without the times and tags around them")
	return c
}

// address checks a host:port that the user gave; a host must be named, so that
// nothing is opened to the world by leaving it out.
func (f *replayFlags) address(flag, a, scheme string) (string, error) {
	host, port, err := net.SplitHostPort(strings.TrimPrefix(a, scheme+"://"))
	if err != nil || host == "" || port == "" {
		return "", usagef("%s %q: use %s://HOST:PORT, such as %s://127.0.0.1:4001", flag, a, scheme, scheme)
	}
	return net.JoinHostPort(host, port), nil
}

// outlet is where a replay goes, with the end of it.
type outlet interface {
	replay.Sink
	io.Closer
}

func runReplay(c *cobra.Command, f *replayFlags, name string) error {
	zone, err := time.LoadLocation(f.zone)
	switch {
	case err != nil:
		return usagef("--zone %q: %v: use an IANA name such as Europe/Paris", f.zone, err)
	case !(f.speed >= 0): // NaN too
		return usagef("--speed %g: use 0 or more", f.speed)
	case (f.listen == "") == (f.udp == ""):
		return usagef("say where to: --listen tcp://HOST:PORT or --udp HOST:PORT")
	case f.loop < 0 || f.clients < 0:
		return usagef("--loop and --clients: use 0 or more")
	case f.loop != 1 && name == "-":
		return usagef("standard input can be played once only: leave --loop out")
	}
	open := func() (io.ReadCloser, error) {
		if name == "-" {
			return io.NopCloser(c.InOrStdin()), nil
		}
		return os.Open(name)
	}
	first, err := open() // before anything listens: a wrong name is told at once
	if err != nil {
		return err
	}
	out, err := f.open(c)
	if err != nil {
		return errors.Join(err, first.Close())
	}
	if s, ok := out.(*served); ok {
		err = s.Ready(c.Context()) // the clock of the replay begins after it
	}
	if err == nil {
		err = f.play(c, out, first, open, zone)
	}
	if c.Context().Err() != nil {
		err = nil // asked to end
	}
	return errors.Join(err, out.Close())
}

// play runs through the capture as often as asked.
func (f *replayFlags) play(c *cobra.Command, out outlet, in io.ReadCloser, open func() (io.ReadCloser, error), zone *time.Location) error {
	for n := 1; ; n++ {
		stats, err := replay.Play(c.Context(), in, out, replay.Options{Speed: f.speed, Zone: zone, Bare: f.bare})
		_ = in.Close() // opened for reading: closing can't lose anything
		fmt.Fprintf(c.ErrOrStderr(), "played %d lines, %d messages, %s of recording\n", stats.Lines, stats.Messages, stats.Recorded.Round(time.Second))
		if stats.Messages > 0 && stats.Timed == 0 && f.speed > 0 {
			fmt.Fprintln(c.ErrOrStderr(), "no line told a time: all was sent at once")
		}
		if err != nil || n == f.loop {
			return err
		}
		if in, err = open(); err != nil {
			return err
		}
	}
}

// open makes the outlet that the flags ask for.
func (f *replayFlags) open(c *cobra.Command) (outlet, error) {
	if f.udp != "" {
		address, err := f.address("--udp", f.udp, "udp")
		if err != nil {
			return nil, err
		}
		return replay.Dial(c.Context(), address)
	}
	address, err := f.address("--listen", f.listen, "tcp")
	if err != nil {
		return nil, err
	}
	s, err := replay.Listen(c.Context(), address, f.clients)
	if err != nil {
		return nil, err
	}
	s.Block = f.speed == 0
	fmt.Fprintf(c.ErrOrStderr(), "listening at tcp://%s, waiting for %d clients\n", s.Addr(), f.clients)
	return &served{Server: s, c: c}, nil
}

// served is a server that tells at the end what became of its clients.
type served struct {
	*replay.Server
	c *cobra.Command
}

// Close implements io.Closer.
func (s *served) Close() error {
	clients, lost, err := s.Server.Close()
	fmt.Fprintf(s.c.ErrOrStderr(), "%d clients\n", clients)
	if lost > 0 {
		fmt.Fprintf(s.c.ErrOrStderr(), "%d pieces were lost to clients that did not keep up\n", lost)
	}
	return err
}
