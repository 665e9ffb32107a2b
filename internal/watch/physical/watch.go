// Package physical watches doors, badges and people: who is inside which area,
// and which use of a reader is wrong. It exists so that the physical world of
// the port stands beside IT and OT in one picture. It reads the port (readers,
// areas, badges, rights) and access events; it is fed from one goroutine, and
// its picture may be taken from any.
//
// The watch never accuses: a badge that was used is not the person it was
// given to, and a register can be out of date. Findings say what was seen and
// what is not known.
package physical

import (
	"crypto/sha256"
	"encoding/binary"
	"sync"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/port"
)

// Options set the limits of the rules. The zero value of each field means its default.
type Options struct {
	RefusedWindow time.Duration // in which refusals at one reader are counted together; 10 min
	RefusedQuiet  time.Duration // without a refusal after which the condition is over; 30 min
	RefusedMany   int           // refusals in the window that are more than a mistake; 3
	LongStay      time.Duration // inside for longer is doubted; 16 h
	Forget        time.Duration // without any use after which a presence is dropped; 7 days
	TopSpeed      float64       // metres a second that a person can cross the port at; 25 (90 km/h)
	ClockSlack    time.Duration // that clocks of two readers may differ by; 60 s
}

func (o Options) withDefaults() Options {
	or := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	or(&o.RefusedWindow, 10*time.Minute)
	or(&o.RefusedQuiet, 30*time.Minute)
	or(&o.LongStay, 16*time.Hour)
	or(&o.Forget, 7*24*time.Hour)
	or(&o.ClockSlack, time.Minute)
	if o.RefusedMany <= 0 {
		o.RefusedMany = 3
	}
	if o.TopSpeed <= 0 {
		o.TopSpeed = 25
	}
	return o
}

// Bounds of what the watch remembers.
const (
	maxPeople   = 200_000 // badges with a place; the longest unused is forgotten first
	maxReaders  = 50_000  // readers with a state, declared or not
	maxRefusals = 64      // of one reader in its window
	maxSeen     = 65_536  // rows that are remembered to know a repeat
	aheadLimit  = 5 * time.Minute
)

// Watch holds the state. Make one with New.
type Watch struct {
	port *port.Port
	o    Options
	emit func(finding.Occurrence)

	mu       sync.Mutex
	asOf     time.Time
	people   map[key]*person
	readers  map[key]*door
	areas    map[string]*areaState
	services map[string][]string // of an area, computed once
	vitals   map[string]bool     // of an area, computed once
	badges   bool                // the port file declares badges, so an unknown one means something
	seen     map[[16]byte]struct{}
	ring     [][16]byte // of seen, oldest at next
	next     int
}

// key keeps what belongs to an exercise apart from what is real.
type key struct{ exercise, id string }

// door is a reader with what was heard of it.
type door struct {
	state    ReaderState
	refusals []refusal // in the window, by event time
	refused  time.Time // last refusal told as a finding; zero: not present
	held     time.Time // last told as held; zero: seen working since
	unknown  bool      // told that it is not in the port file
}

type refusal struct {
	at    time.Time
	badge string
	fact  finding.Fact
}

// areaState is what was heard of the readers of an area.
type areaState struct {
	heard bool
	outs  uint64 // uses of an exit reader
}

// New makes a watch over p that tells what it finds to emit, in the order in
// which it is fed. emit is called with the watch locked and must not call it.
func New(p *port.Port, o Options, emit func(finding.Occurrence)) *Watch {
	w := &Watch{port: p, o: o.withDefaults(), emit: emit,
		people: map[key]*person{}, readers: map[key]*door{}, areas: map[string]*areaState{},
		services: map[string][]string{}, vitals: map[string]bool{}, seen: map[[16]byte]struct{}{}}
	for i := range p.Parties {
		w.badges = w.badges || len(p.Parties[i].Badges) > 0
	}
	for i := range p.Areas {
		for j := range p.Areas[i].AccessPoints {
			for _, id := range p.Areas[i].AccessPoints[j].Readers {
				w.readers[key{"", id}] = &door{state: ReaderState{Reader: id, Area: p.Areas[i].ID, Declared: true}}
			}
		}
	}
	return w
}

// Observe applies the access events of a batch.
func (w *Watch) Observe(b *event.Batch) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range b.Access {
		e := &b.Access[i]
		if w.repeated(e) {
			continue
		}
		w.apply(w.understand(e))
	}
}

// repeated reports whether the same use was told before: exports overlap, and a
// restart reads some rows again. Two real uses that agree to the second in
// everything count once.
func (w *Watch) repeated(e *event.AccessEvent) bool {
	h := sha256.New()
	var at [8]byte
	binary.BigEndian.PutUint64(at[:], uint64(e.Time.UnixNano()))
	h.Write(at[:])
	for _, s := range []string{e.Reader, e.Badge, e.Person, string(e.Result), e.Direction, e.Exercise} {
		h.Write([]byte(s))
		h.Write([]byte{0})
	}
	id := [16]byte(h.Sum(nil)[:16])
	if _, known := w.seen[id]; known {
		return true
	}
	if len(w.ring) < maxSeen {
		w.ring = append(w.ring, id)
	} else {
		delete(w.seen, w.ring[w.next])
		w.ring[w.next] = id
		w.next = (w.next + 1) % maxSeen
	}
	w.seen[id] = struct{}{}
	return false
}

// use is an access event with what the port file knows of it.
type use struct {
	*event.AccessEvent
	at    time.Time // event time, or arrival where the reader's clock is far ahead
	ahead time.Duration
	point *port.AccessPoint // nil: reader not in the port file
	area  *port.Area        // nil with point
	party *port.Party       // nil: badge not in the register, or none told
	card  *port.Badge       // nil with party
}

// understand joins an event with the port. A reader whose clock runs far ahead
// would make all that follows look late, so its rows count from their arrival.
func (w *Watch) understand(e *event.AccessEvent) use {
	u := use{AccessEvent: e, at: e.Time}
	if ahead := e.Time.Sub(e.Seen); e.Told && !e.Seen.IsZero() && ahead > aheadLimit {
		u.at, u.ahead = e.Seen, ahead
	}
	u.point, u.area = w.port.Reader(e.Reader)
	if e.Badge != "" {
		u.party, u.card = w.port.Badge(e.Badge)
	}
	return u
}

// apply counts a use, moves the person, and asks each rule.
func (w *Watch) apply(u use) {
	if u.at.After(w.asOf) {
		w.asOf = u.at
	}
	d := w.door(u)
	if d == nil {
		return
	}
	if u.at.After(d.state.Last) {
		d.state.Last = u.at
	}
	switch u.Result {
	case event.AccessGranted:
		d.state.Granted++
	case event.AccessRefused:
		d.state.Refused++
	}
	if u.area != nil && u.Exercise == "" {
		a := w.areas[u.area.ID]
		if a == nil {
			a = &areaState{}
			w.areas[u.area.ID] = a
		}
		a.heard = true
		if u.Direction == "out" && u.Result == event.AccessGranted {
			a.outs++
		}
	}
	w.judge(u, d)
	if u.Result == event.AccessGranted {
		w.move(u)
	}
}

// door returns the state of the reader; nil where there are too many readers to
// be real.
func (w *Watch) door(u use) *door {
	k := key{u.Exercise, u.Reader}
	d := w.readers[k]
	if d == nil {
		if len(w.readers) >= maxReaders {
			return nil
		}
		d = &door{state: ReaderState{Reader: u.Reader}}
		if u.area != nil {
			d.state.Area, d.state.Declared = u.area.ID, true
		}
		w.readers[k] = d
	}
	return d
}
