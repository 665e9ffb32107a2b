package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/quaywatch/quaywatch/ais"
	source "github.com/quaywatch/quaywatch/internal/source/ais"
)

func newAISDecode() *cobra.Command {
	var o decodeOptions
	var zone string
	c := &cobra.Command{
		Use:   "decode [FILE…]",
		Short: "Print the messages, one a line",
		Long: `Decode prints every message: with --json as objects with the field names of
gpsd's scaled AIS JSON, where what is not available is left out.

A FILE may be - for standard input, tcp://host:port (connects, and ends when the
server closes) or udp://host:port (listens, until Ctrl-C or --count messages).

Exit codes: 0 done; 1 failed; 2 used wrongly.`,
		RunE: func(c *cobra.Command, args []string) error {
			var err error
			if o.zone, err = time.LoadLocation(zone); err != nil {
				return usagef("--zone %q: %v: use an IANA name such as Europe/Paris", zone, err)
			}
			if o.count < 0 {
				return usagef("--count %d: use 0 or more", o.count)
			}
			defer startProgress(c, "decoding")()
			out := bufio.NewWriterSize(c.OutOrStdout(), 1<<16)
			for _, name := range inputs(args) {
				if err := decodeInput(c, name, o, out); err != nil {
					return errors.Join(err, out.Flush())
				}
			}
			return out.Flush()
		},
	}
	c.Flags().BoolVar(&o.json, "json", false, "print one JSON object a line")
	c.Flags().IntVar(&o.count, "count", 0, "end each input after so many messages (0: at its end)")
	c.Flags().DurationVar(&o.retry, "retry", 0, "for how long to look for a TCP server that is not there yet")
	c.Flags().StringVar(&zone, "zone", "UTC", "time zone of a date and time written before sentences")
	return c
}

// decodeOptions are how messages are printed.
type decodeOptions struct {
	zone  *time.Location
	json  bool
	count int           // messages of an input; 0: all
	retry time.Duration // for how long a TCP server is looked for
}

// decodeInput prints the messages of one input and accounts for its bad lines.
// From the network each message is printed at once, and Ctrl-C is a clean end.
func decodeInput(c *cobra.Command, name string, o decodeOptions, out *bufio.Writer) error {
	in, err := o.open(c, name)
	if errors.Is(err, source.ErrAddress) {
		return usageError{err}
	}
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }() // opened for reading: closing can't lose anything
	live := strings.Contains(name, "://")
	r := ais.NewReader(in, ais.Options{Zone: o.zone})
	good, bad := 0, 0
	defer func() { fmt.Fprintf(c.ErrOrStderr(), "%s: %d messages, %d lines rejected\n", name, good, bad) }()
	var line []byte
	for o.count == 0 || good < o.count {
		m, err := r.Next()
		var lineErr *ais.LineError
		switch {
		case err == nil:
			good++
			line = o.append(line[:0], m)
			if err := write(out, line, live); err != nil {
				return err
			}
		case errors.As(err, &lineErr):
			bad++
			fmt.Fprintf(c.ErrOrStderr(), "%s: %v\n", name, lineErr)
		case errors.Is(err, io.EOF), live && c.Context().Err() != nil:
			return nil
		default:
			return fmt.Errorf("%s: %w", name, err)
		}
		if c.Context().Err() != nil && !live {
			return c.Context().Err()
		}
	}
	return nil
}

// open opens an input. A TCP server may come up a little later than its reader.
func (o *decodeOptions) open(c *cobra.Command, name string) (io.ReadCloser, error) {
	for begun := time.Now(); ; {
		in, err := source.Open(c.Context(), name, c.InOrStdin())
		if err == nil || errors.Is(err, source.ErrAddress) || !strings.HasPrefix(name, "tcp://") || time.Since(begun) >= o.retry {
			return in, err
		}
		select {
		case <-c.Context().Done():
			return nil, c.Context().Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// append writes one message and its line end.
func (o *decodeOptions) append(b []byte, m *ais.Message) []byte {
	if o.json {
		b = ais.AppendJSON(b, m)
	} else {
		b = appendMessage(b, m)
	}
	return append(b, '\n')
}

// write writes b, and what waits before it where it must be seen now.
func write(out *bufio.Writer, b []byte, now bool) error {
	if _, err := out.Write(b); err != nil || !now {
		return err
	}
	return out.Flush()
}

// appendMessage writes a message for people: time, MMSI, type and what matters of it.
func appendMessage(b []byte, m *ais.Message) []byte {
	at := "-"
	if t := m.Frame.At(); !t.IsZero() {
		at = t.Format("2006-01-02T15:04:05Z")
	}
	b = fmt.Appendf(b, "%-20s %09d %-2d", at, m.MMSI, m.Type)
	if p := &m.Position; m.Has&ais.HasPosition != 0 && !math.IsNaN(p.Lat) {
		b = fmt.Appendf(b, " %.5f %.5f", p.Lat, p.Lon)
		if p.SOG == p.SOG {
			b = fmt.Appendf(b, " %.1f kn", p.SOG)
		}
		if p.COG == p.COG {
			b = fmt.Appendf(b, " %.1f°", p.COG)
		}
	}
	if m.Has&ais.HasName != 0 {
		b = fmt.Appendf(b, " %q", m.Static.Name.String())
	}
	if m.Has&ais.HasClock != 0 {
		if t, ok := m.Clock.UTC(); ok {
			b = fmt.Appendf(b, " clock %s", t.Format("2006-01-02T15:04:05Z"))
		}
	}
	if m.Has == 0 {
		b = fmt.Appendf(b, " (%d bits)", m.Bits.Len())
	}
	return b
}
