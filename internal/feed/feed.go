// Package feed is the AIS feed out: what the sources heard, cleaned, for the
// other systems of the port (a VTS display, a pilot's chart), over TCP. It exists
// so that they see which positions are doubted, or do not see those at all.
// Damaged sentences and copies are not carried, because the sources reject the
// first and this package leaves out the second. It listens only where the
// operator says, and takes nothing from its clients.
//
// The composition root makes it and hands it what the watches told and the
// batches they were told from, in that order. It imports the library ais, event
// and finding. The format is described in docs/manual/feed-nmea.md.
package feed

import (
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/quaywatch/quaywatch/ais"
	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
)

// Mode is what becomes of a doubted position.
type Mode string

// Modes of a feed.
const (
	Flag Mode = "flag" // it is carried with a mark in its tag block
	Drop Mode = "drop" // it is left out where the doubt is likely or confirmed, marked where suspected
)

// MaxAge is how long after its arrival a report is still carried. What the
// stream tells again after a restart is older, and a display would take it for now.
const MaxAge = time.Minute

// Options sets up a Feed. ID is needed; Mode "" is Flag.
type Options struct {
	ID      string
	Mode    Mode
	Clients []netip.Prefix // who may connect; none: this machine only
	Types   []int          // message types 1..27 that are carried; none: all
	// Now gives the time; nil is the system clock.
	Now func() time.Time
}

// Counts is what became of the reports since the start.
type Counts struct {
	Sent       uint64 // messages told to the clients, whether there was one or not
	Marked     uint64 // of those, with a mark of doubt
	LeftOut    uint64 // doubted positions left out (mode drop)
	Copies     uint64 // left out because another receiver, or the same one, had told it before
	Unselected uint64 // of message types that are not asked for
	Old        uint64 // arrived more than a minute before, such as what is read again after a restart
	Exercise   uint64 // of an exercise, which is never told to other systems
	Unreadable uint64 // whose sentences are not kept whole, so that they can't be told again
	Slow       uint64 // clients that were cut off because they did not keep up
	Refused    uint64 // connections refused: from elsewhere, or too many
}

// Feed is one feed out. Observe belongs to one goroutine, which is never made
// to wait by a client; Status may be called from any.
type Feed struct {
	o      Options
	doubts *Doubts
	copies *copies
	lines  lines
	out    []byte
	server server

	mu     sync.Mutex
	counts Counts
	delays [1024]time.Duration // the newest, a ring
	ndelay int
}

// New makes a feed that listens nowhere yet; Serve does.
func New(o Options, doubts *Doubts) *Feed {
	if o.Mode == "" {
		o.Mode = Flag
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	f := &Feed{o: o, doubts: doubts, copies: newCopies(), lines: lines{dec: ais.NewDecoder(ais.Options{})}}
	f.server.allowed, f.server.feed = o.Clients, f
	return f
}

// Observe tells the reports of a batch to the clients.
func (f *Feed) Observe(b *event.Batch) {
	if len(b.Vessels) == 0 {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.o.Now()
	f.out = f.out[:0]
	for i := range b.Vessels {
		f.report(&b.Vessels[i], now)
	}
	if len(f.out) > 0 {
		f.server.tell(f.out, &f.counts)
	}
}

// report appends one report to what is told, or counts why not.
func (f *Feed) report(r *event.VesselReport, now time.Time) {
	c := &f.counts
	switch {
	case r.Exercise != "":
		c.Exercise++
		return
	case len(f.o.Types) > 0 && !slices.Contains(f.o.Types, int(r.Type)):
		c.Unselected++
		return
	case now.Sub(r.Seen) > MaxAge:
		c.Old++
		return
	}
	m := f.lines.read(r)
	if m == nil {
		c.Unreadable++
		return
	}
	if f.copies.seen(m, r.Time) {
		c.Copies++
		return
	}
	mark, doubted := f.doubts.Of(r.MMSI)
	if doubted && f.o.Mode == Drop && mark.Grade >= finding.Likely && places(r.Type) && !distress(r.MMSI) {
		c.LeftOut++
		return
	}
	out, err := f.lines.write(f.out, m, r, mark)
	if err != nil {
		c.Unreadable++
		return
	}
	f.out = out
	if c.Sent++; doubted {
		c.Marked++
	}
	f.delays[f.ndelay%len(f.delays)] = now.Sub(r.Seen)
	f.ndelay++
}

// places reports whether messages of the type tell a position (M.1371-5 table 46).
func places(kind uint8) bool {
	switch kind {
	case 1, 2, 3, 4, 9, 11, 17, 18, 19, 21, 27:
		return true
	}
	return false
}

// distress reports whether the MMSI is of a search and rescue transmitter, a
// man-overboard device or an EPIRB (M.585-9): these are never left out.
func distress(mmsi uint32) bool {
	head := mmsi / 1_000_000
	return head == 970 || head == 972 || head == 974
}

func (f *Feed) count(add func(*Counts)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	add(&f.counts)
}

// Status is how a feed stands.
type Status struct {
	ID      string
	Mode    Mode
	Address string // where it listens, "" nowhere yet
	Clients []string
	Counts
	DelayP50, DelayP99 time.Duration // from the arrival of a report to the clients, of the newest 1024; 0 none yet
}

// Status is the account at this moment.
func (f *Feed) Status() Status {
	address, clients := f.server.state()
	f.mu.Lock()
	defer f.mu.Unlock()
	s := Status{ID: f.o.ID, Mode: f.o.Mode, Address: address, Clients: clients, Counts: f.counts}
	if n := min(f.ndelay, len(f.delays)); n > 0 {
		d := slices.Clone(f.delays[:n])
		slices.Sort(d)
		s.DelayP50, s.DelayP99 = d[n/2], d[n*99/100]
	}
	return s
}
