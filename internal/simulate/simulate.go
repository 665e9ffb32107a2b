// Package simulate is a port that does not exist, told in the wire formats of
// one that does: AIS sentences, Ethernet frames, rows of an access-control
// system. It exists so that the product can be shown, measured and tested
// against a truth that is known; it therefore never produces observations, only
// bytes that the product must read like any others. The demo, the command
// "quaywatch simulate" and tests of the whole chain may import it.
//
// Everything follows from the port file, the seed and the start: the same three
// give the same bytes. Nothing here reads the wall clock.
package simulate

import (
	"container/heap"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"time"

	"github.com/quaywatch/quaywatch/internal/port"
)

// Kind is what an item is a piece of.
type Kind uint8

// Kinds of item.
const (
	AIS    Kind = iota + 1 // one or more whole NMEA lines of one message, each ended by CR LF
	Packet                 // one Ethernet frame without check sequence
	Access                 // one CSV row ended by LF, see AccessHeader
	Radar                  // one TTM sentence with a tag block, ended by CR LF, of the first radar of the port file
	Told                   // one JSON object of the truth ended by LF, see Truth
)

// Item is one thing that the port emitted.
type Item struct {
	Time time.Time // when it really happened, UTC; what Data tells may differ (a wrong clock)
	Kind Kind
	Data []byte // valid until the function that got it returns
}

// Options of a simulation. The zero value of each field but Start works.
type Options struct {
	Seed       uint64
	Start      time.Time // UTC; required
	Campaign   bool      // the attack, the AIS deceptions and the innocent look-alikes
	Works      bool      // maintenance, a scan by a management server, and newcomers
	CampaignAt time.Time // first step of the attack; zero: 45 minutes after Start
}

// Simulation is a port under way. It is used from one goroutine.
type Simulation struct {
	port  *port.Port
	o     Options
	now   time.Time
	queue queue
	order uint64
	take  func(Item) error
	err   error

	sea   *sea
	net   *fabric
	doors *doors
	radar *radar // nil where the port has none
}

var errNoStart = errors.New("a simulation needs a start time")

// New prepares a port. Nothing is emitted before Step.
func New(p *port.Port, o Options) (*Simulation, error) {
	if o.Start.IsZero() {
		return nil, errNoStart
	}
	o.Start = o.Start.UTC().Truncate(time.Second)
	if o.CampaignAt.IsZero() {
		o.CampaignAt = o.Start.Add(45 * time.Minute)
	}
	s := &Simulation{port: p, o: o, now: o.Start}
	s.sea = newSea(s)
	s.net = newFabric(s)
	s.doors = newDoors(s)
	s.radar = newRadar(s)
	if o.Campaign {
		if err := s.planCampaign(); err != nil {
			return nil, fmt.Errorf("plan the campaign: %w", err)
		}
	}
	return s, nil
}

// Now is how far the simulation has come.
func (s *Simulation) Now() time.Time { return s.now }

// Step emits everything before until, in order of time, to take. An error of
// take ends the step and is returned; the simulation is then no longer usable.
func (s *Simulation) Step(until time.Time, take func(Item) error) error {
	s.take = take
	defer func() { s.take = nil }()
	for len(s.queue) > 0 && s.err == nil && s.queue[0].at.Before(until) {
		e := heap.Pop(&s.queue).(entry)
		if e.at.After(s.now) { // packets of one burst take a little time each
			s.now = e.at
		}
		e.do()
	}
	if s.err == nil && until.After(s.now) {
		s.now = until
	}
	return s.err
}

// emit hands over one item of the present moment.
func (s *Simulation) emit(k Kind, data []byte) {
	if s.err == nil {
		s.err = s.take(Item{Time: s.now, Kind: k, Data: data})
	}
}

// fail ends the simulation: something could not be written as a wire format.
func (s *Simulation) fail(err error) {
	if s.err == nil {
		s.err = err
	}
}

// at plans do; moments before Start are not played.
func (s *Simulation) at(t time.Time, do func()) {
	if t.Before(s.o.Start) {
		return
	}
	s.order++
	heap.Push(&s.queue, entry{at: t, order: s.order, do: do})
}

// after plans do from now.
func (s *Simulation) after(d time.Duration, do func()) { s.at(s.now.Add(d), do) }

// random is a source of chance of its own for each part of the port, so that a
// change in one does not move the others.
func (s *Simulation) random(part string) *rand.Rand {
	h := fnv.New64a()
	_, _ = h.Write([]byte(part))                      // never fails
	return rand.New(rand.NewPCG(s.o.Seed, h.Sum64())) //nolint:gosec // a simulation must repeat; nothing here is a secret
}

// entry is one planned moment; equal times keep the order of planning.
type entry struct {
	at    time.Time
	order uint64
	do    func()
}

type queue []entry

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	if !q[i].at.Equal(q[j].at) {
		return q[i].at.Before(q[j].at)
	}
	return q[i].order < q[j].order
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)   { *q = append(*q, x.(entry)) }
func (q *queue) Pop() any {
	old := *q
	e := old[len(old)-1]
	old[len(old)-1] = entry{}
	*q = old[:len(old)-1]
	return e
}

// spread is a duration about d, from 0.75 to 1.25 of it.
func spread(r *rand.Rand, d time.Duration) time.Duration {
	return time.Duration(float64(d) * (0.75 + r.Float64()/2)).Truncate(time.Microsecond)
}
