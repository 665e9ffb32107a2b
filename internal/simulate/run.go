package simulate

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
)

// Sinks take what the port emits; a nil one drops its part. Run writes whole
// items: a sink that is a connection gets whole lines and whole packets.
type Sinks struct {
	AIS    io.Writer // NMEA lines
	Pcap   io.Writer // a capture with its header first (pcap, nanoseconds, Ethernet)
	Access io.Writer // CSV, header first
	Truth  io.Writer // JSON lines
	Radar  io.Writer // TTM sentences of the first radar
}

// Pace says how fast to run. The zero value is as fast as possible to Until.
type Pace struct {
	Until time.Time // simulated; zero: without end
	Live  time.Time // from this simulated moment on, keep to the clock; zero: never
	Speed float64   // simulated seconds in one second of the clock when live; 0 is 1
	// Wait sleeps when live; nil is a timer. It returns the error of ctx when that is done.
	Wait func(ctx context.Context, d time.Duration) error
}

// tick is how much of the simulated time is made at once when live.
const tick = 250 * time.Millisecond

// Run drives a simulation into sinks until Pace.Until (nil), an error of a sink,
// or the end of ctx (its error).
func Run(ctx context.Context, s *Simulation, pace Pace, sinks Sinks) error {
	take, err := sinks.open()
	if err != nil {
		return err
	}
	if pace.Wait == nil {
		pace.Wait = wait
	}
	if pace.Speed <= 0 {
		pace.Speed = 1
	}
	for next := s.Now(); pace.Until.IsZero() || next.Before(pace.Until); {
		if err := ctx.Err(); err != nil {
			return err
		}
		live := !pace.Live.IsZero() && !next.Before(pace.Live)
		step := 10 * time.Second
		if live {
			step = time.Duration(float64(tick) * pace.Speed)
			if err := pace.Wait(ctx, tick); err != nil {
				return err
			}
		}
		next = next.Add(step)
		if !live && !pace.Live.IsZero() && next.After(pace.Live) {
			next = pace.Live
		}
		if !pace.Until.IsZero() && next.After(pace.Until) {
			next = pace.Until
		}
		if err := s.Step(next, take); err != nil {
			return err
		}
	}
	return nil
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// open writes the headers and returns where items go.
func (k Sinks) open() (func(Item) error, error) {
	var capture *pcapgo.Writer
	if k.Pcap != nil {
		capture = pcapgo.NewWriterNanos(k.Pcap)
		if err := capture.WriteFileHeader(65535, layers.LinkTypeEthernet); err != nil {
			return nil, fmt.Errorf("write the header of the capture: %w", err)
		}
	}
	if k.Access != nil {
		if _, err := io.WriteString(k.Access, AccessHeader); err != nil {
			return nil, fmt.Errorf("write the header of the access file: %w", err)
		}
	}
	return func(i Item) error {
		var w io.Writer
		switch i.Kind {
		case Packet:
			if capture == nil {
				return nil
			}
			return capture.WritePacket(gopacket.CaptureInfo{Timestamp: i.Time, CaptureLength: len(i.Data), Length: len(i.Data)}, i.Data)
		case AIS:
			w = k.AIS
		case Access:
			w = k.Access
		case Radar:
			w = k.Radar
		case Told:
			w = k.Truth
		}
		if w == nil {
			return nil
		}
		_, err := w.Write(i.Data)
		return err
	}, nil
}
