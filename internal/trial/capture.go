package trial

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"sort"
	"time"

	"github.com/quaywatch/quaywatch/ais"
	"github.com/quaywatch/quaywatch/internal/port"
)

// Bounds of what a trial reads.
const (
	MaxCapture = 1 << 30 // bytes of one capture: it is kept in memory
	maxHeld    = 64      // lines that may belong to one message
)

// Group says what a capture is to the thresholds of the watch.
type Group string

// Groups of captures. A figure on captures that thresholds were set on says how
// well they were set; only the other two say how well the watch will do.
const (
	Tuned     Group = "tuned"     // thresholds were set while looking at it
	HeldOut   Group = "held out"  // a recording that nobody looked at while setting thresholds
	Generated Group = "generated" // traffic of the project's own simulator
)

// Capture is a recording, cut into lines and messages, from which trials take
// their windows. It is not changed after reading and may be used from many
// goroutines.
type Capture struct {
	Name  string // as reports show it
	Group Group
	Bad   int // lines rejected

	// Port is the port that the capture belongs to; nil: that of Options.Port.
	Port *port.Port

	zone    *time.Location
	lines   [][]byte   // with their line ends
	clock   []int64    // newest time told up to each line, nanoseconds since 1970
	idle    []bool     // no message is unfinished after the line
	recs    []record   // in the order of completion
	vessels []*history // by MMSI
}

// record is one message of a capture.
type record struct {
	lines    []int // its sentences and the lines that tell about them, in order
	at       int64 // told time, or the clock where the lines tell none
	mmsi     uint32
	kind     uint8
	lat, lon float64 // NaN absent
}

// history is what one sender told.
type history struct {
	mmsi      uint32
	positions []int // records with a position (types 1 to 3, 18, 19), in order
	all       []int // all records, in order
	statics   []int // records of type 5
}

// Read takes a capture from r; zone is that of dates before sentences.
func Read(r io.Reader, name string, group Group, zone *time.Location) (*Capture, error) {
	b, err := io.ReadAll(io.LimitReader(r, MaxCapture+1))
	if err != nil {
		return nil, fmt.Errorf("reading capture %s: %w", name, err)
	}
	if len(b) > MaxCapture {
		return nil, fmt.Errorf("capture %s is longer than %d bytes: cut it into shorter ones", name, MaxCapture)
	}
	c := &Capture{Name: name, Group: group, zone: zone, lines: bytes.SplitAfter(b, []byte("\n"))}
	if n := len(c.lines); n > 0 && len(c.lines[n-1]) == 0 {
		c.lines = c.lines[:n-1]
	}
	c.index()
	if len(c.recs) == 0 {
		return nil, fmt.Errorf("capture %s holds no AIS message with a right checksum", name)
	}
	if c.clock[len(c.clock)-1] == 0 {
		return nil, fmt.Errorf("capture %s tells no time: a trial needs to know when each line came", name)
	}
	return c, nil
}

// indexer follows the decoder through the lines.
type indexer struct {
	c     *Capture
	notes []int            // lines that tell about the next sentence
	frags map[string][]int // lines of unfinished messages
	by    map[uint32]*history
}

// index finds the messages, the time of each line and the places where a line
// can be put in without coming between the sentences of a message.
func (c *Capture) index() {
	x := &indexer{c: c, frags: map[string][]int{}, by: map[uint32]*history{}}
	c.clock, c.idle = make([]int64, len(c.lines)), make([]bool, len(c.lines))
	d := ais.NewDecoder(ais.Options{Zone: c.zone})
	m := new(ais.Message)
	var now int64
	for i, line := range c.lines {
		result, err := d.Decode(line, int64(i), m)
		if err != nil {
			c.Bad++
		}
		if result == ais.Complete {
			now = max(now, m.Frame.Time)
		}
		c.clock[i], c.idle[i] = now, d.Idle()
		x.line(i, result, m)
	}
	for _, h := range x.by {
		c.vessels = append(c.vessels, h)
	}
	slices.SortFunc(c.vessels, func(a, b *history) int { return int(a.mmsi) - int(b.mmsi) })
}

func (x *indexer) line(i int, result ais.Result, m *ais.Message) {
	switch result {
	case ais.Noted:
		if x.notes = append(x.notes, i); len(x.notes) > maxHeld {
			x.notes = nil
		}
	case ais.Waiting:
		key := fragment(x.c.lines[i])
		if x.frags[key] = append(x.frags[key], append(x.notes, i)...); len(x.frags[key]) > maxHeld {
			delete(x.frags, key)
		}
		x.notes = nil
	case ais.Complete:
		own := append(x.notes, i)
		x.notes = nil
		if m.Frame.Parts > 1 {
			key := fragment(x.c.lines[i])
			own = append(x.frags[key], own...)
			delete(x.frags, key)
		}
		x.complete(own, m)
	default:
		x.notes = nil
	}
}

// complete notes the message of the lines.
func (x *indexer) complete(lines []int, m *ais.Message) {
	r := record{lines: slices.Clone(lines), at: m.Frame.Time, mmsi: m.MMSI, kind: m.Type, lat: math.NaN(), lon: math.NaN()}
	if r.at == 0 {
		r.at = x.c.clock[r.last()]
	}
	if m.Has&ais.HasPosition != 0 {
		r.lat, r.lon = m.Position.Lat, m.Position.Lon
	}
	n := len(x.c.recs)
	x.c.recs = append(x.c.recs, r)
	h := x.by[m.MMSI]
	if h == nil {
		h = &history{mmsi: m.MMSI}
		x.by[m.MMSI] = h
	}
	h.all = append(h.all, n)
	switch {
	case m.Type == 5:
		h.statics = append(h.statics, n)
	case r.dynamic() && !math.IsNaN(r.lat):
		h.positions = append(h.positions, n)
	}
}

// dynamic reports whether the record is a position report of a vessel.
func (r *record) dynamic() bool {
	return r.kind >= 1 && r.kind <= 3 || r.kind == 18 || r.kind == 19
}

// last is the line that completes the record.
func (r *record) last() int { return r.lines[len(r.lines)-1] }

// fragment names the message that a sentence is a part of: talker, count,
// sequence and channel, as the sentence tells them.
func fragment(line []byte) string {
	i := bytes.IndexByte(line, '!')
	if i < 0 {
		return ""
	}
	f := bytes.SplitN(line[i:], []byte(","), 6)
	if len(f) < 6 {
		return ""
	}
	return string(f[0]) + " " + string(f[1]) + " " + string(f[3]) + " " + string(f[4])
}

// message decodes a record again.
func (c *Capture) message(r *record) (ais.Message, error) {
	d := ais.NewDecoder(ais.Options{Zone: c.zone})
	var m ais.Message
	for _, i := range r.lines {
		result, err := d.Decode(c.lines[i], int64(i), &m)
		if err != nil {
			return ais.Message{}, fmt.Errorf("line %d of %s: %w", i+1, c.Name, err)
		}
		if result == ais.Complete {
			return m, nil
		}
	}
	return ais.Message{}, fmt.Errorf("line %d of %s: %w", r.last()+1, c.Name, errNotWhole)
}

var errNotWhole = errors.New("the lines do not hold a whole message")

// span is the first and the newest time that the lines tell.
func (c *Capture) span() (first, last time.Time) {
	return time.Unix(0, c.recs[0].at).UTC(), time.Unix(0, c.clock[len(c.clock)-1]).UTC()
}

// lineAt is the first line that came at or after t.
func (c *Capture) lineAt(t int64) int {
	return sort.Search(len(c.clock), func(i int) bool { return c.clock[i] >= t })
}

// gapBefore is the first place at or after line i where lines can be put in
// without coming between the sentences of a message.
func (c *Capture) gapBefore(i int) int {
	for i > 0 && i < len(c.lines) && !c.idle[i-1] {
		i++
	}
	return i
}

// has reports whether anybody sends under the number.
func (c *Capture) has(mmsi uint32) bool { return c.sender(mmsi) != nil }

func (c *Capture) sender(mmsi uint32) *history {
	i := sort.Search(len(c.vessels), func(i int) bool { return c.vessels[i].mmsi >= mmsi })
	if i < len(c.vessels) && c.vessels[i].mmsi == mmsi {
		return c.vessels[i]
	}
	return nil
}

// movers are the senders whose movement the watch judges: ships by the form of
// their number (ITU-R M.585-9).
func (c *Capture) movers() []*history {
	var out []*history
	for _, h := range c.vessels {
		if ais.StationOf(h.mmsi) == ais.Ship && len(h.positions) > 0 {
			out = append(out, h)
		}
	}
	return out
}
