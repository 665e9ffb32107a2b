package pcap

import (
	"context"
	"slices"

	"github.com/quaywatch/quaywatch/ics"
	"github.com/quaywatch/quaywatch/internal/event"
)

// watched are the operations that are told one by one, with the packet: what
// changes a device or its program, and copies of the program. Reading and cyclic
// data are in the flow.
const watched = ics.Write | ics.Upload | ics.Program | ics.Start | ics.Stop | ics.SetTime | ics.Firmware

// urgent are those that a screen should show within seconds.
const urgent = watched &^ ics.Write

// maxActs bounds the kinds of operation in one slice of a conversation. Further
// functions are counted with the first of the same operation.
const maxActs = 64

// act counts one kind of operation in a slice of a flow.
type act struct {
	operation                ics.Operations // one bit
	protocol, function       string
	code                     uint16
	client                   ics.Side
	first, last              int64
	raw                      event.Raw // of the first packet
	asked, accepted, refused uint64
}

// note counts the watched functions of a segment that side sent.
func (t *table) note(fr *frame, f *flow, side ics.Side, r *ics.Result) {
	if r.Operations&watched == 0 {
		return
	}
	for i := range r.Functions {
		fn := &r.Functions[i]
		client := side
		if !fn.Request {
			client = 1 - side
		}
		for _, op := range ics.Each(fn.Operations & watched) {
			a := f.act(op, fn, client)
			if a.first == 0 {
				a.first, a.raw = fr.time, t.rawOf(fr)
			}
			a.last = max(a.last, fr.time)
			switch {
			case fn.Request:
				a.asked++
			case fn.Failed:
				a.refused++
			default:
				a.accepted++
			}
			f.hurried = f.hurried || op&urgent != 0
		}
	}
}

// act finds the counter of an operation, or begins one.
func (f *flow) act(op ics.Operations, fn *ics.Function, client ics.Side) *act {
	i := slices.IndexFunc(f.acts, func(a act) bool {
		return a.operation == op && a.client == client && a.protocol == fn.Protocol && (a.code == fn.Code || a.function == fn.Name)
	})
	if i < 0 && len(f.acts) >= maxActs {
		i = slices.IndexFunc(f.acts, func(a act) bool { return a.operation == op && a.client == client })
		if i < 0 {
			i = len(f.acts) - 1
		}
	}
	if i < 0 {
		i = len(f.acts)
		f.acts = append(f.acts, act{operation: op, protocol: fn.Protocol, function: fn.Name, code: fn.Code, client: client})
	}
	return &f.acts[i]
}

// observation writes an act of f.
func (a *act) observation(f *flow, n *names) event.DeviceOperation {
	return event.DeviceOperation{
		Last: unix(a.last), Client: f.ends[a.client].endpoint(n), Server: f.ends[1-a.client].endpoint(n),
		Transport: f.transport, Protocol: a.protocol, Operation: a.operation.String(), Function: a.function,
		Asked: a.asked, Accepted: a.accepted, Refused: a.refused,
	}
}

// tellActs puts the operations of the present slice of f.
func (s *Source) tellActs(ctx context.Context, f *flow) error {
	for i := range f.acts {
		o := f.acts[i].observation(f, &s.table.names)
		o.Head = s.feed.Head(unix(f.acts[i].first), f.acts[i].raw)
		s.stats.Operations++
		if err := s.feed.Operation(ctx, o); err != nil {
			return err
		}
	}
	return nil
}
