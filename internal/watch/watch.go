// Package watch joins the watches of one port: it hands each batch to all of
// them, lets the cross watch see what the others found, and collects what they
// tell. It exists so that the running system, the one-shot analysis and the
// tests run exactly the same watches in the same order. System imports it.
package watch

import (
	"slices"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/port"
	"github.com/quaywatch/quaywatch/internal/watch/cross"
	"github.com/quaywatch/quaywatch/internal/watch/health"
	"github.com/quaywatch/quaywatch/internal/watch/network"
	"github.com/quaywatch/quaywatch/internal/watch/physical"
	"github.com/quaywatch/quaywatch/internal/watch/vessel"
)

// Set is all the watches of one port. Observe, Advance and Take are called from
// one goroutine; the pictures from any.
type Set struct {
	Vessel   *vessel.Watch
	Network  *network.Watch
	Physical *physical.Watch
	Health   *health.Watch
	cross    *cross.Watch

	told []finding.Occurrence
}

// New makes the watches with their defaults.
func New(p *port.Port) *Set {
	s := new(Set)
	first := func(o finding.Occurrence) {
		s.told = append(s.told, o)
		s.cross.Observe(o)
	}
	s.cross = cross.New(p, cross.Options{}, func(o finding.Occurrence) { s.told = append(s.told, o) })
	s.Vessel = vessel.New(p, vessel.Options{}, first)
	s.Network = network.New(p, network.Options{}, first)
	s.Physical = physical.New(p, physical.Options{}, first)
	s.Health = health.New(health.Options{}, first)
	return s
}

// Resume gives the watches the findings of an earlier run that still hold, so
// that this run can tell their end. Call it before the first batch.
func (s *Set) Resume(open []finding.Finding) {
	s.Network.Resume(open)
	s.cross.Resume(open)
}

// Observe hands a batch to every watch.
func (s *Set) Observe(b *event.Batch) {
	if len(b.Vessels)+len(b.Contacts) > 0 {
		s.Vessel.Observe(b)
	}
	s.ObserveButVessels(b)
}

// ObserveButVessels hands a batch to the watches but that of vessels, which
// knows it already.
func (s *Set) ObserveButVessels(b *event.Batch) {
	s.Health.Observe(b)
	if len(b.Flows)+len(b.Devices)+len(b.Operations) > 0 {
		s.Network.Observe(b)
	}
	if len(b.Access) > 0 {
		s.Physical.Observe(b)
	}
}

// Advance lets time pass: live the arrival clock, in an analysis the time of
// the input.
func (s *Set) Advance(now time.Time) {
	s.Health.Advance(now)
	s.Vessel.Advance(now)
	s.Network.Advance(now)
	s.Physical.Advance(now)
	s.cross.Advance(now)
}

// Ends are the newest times that the input of each world tells.
type Ends struct{ Vessels, Network, Physical, Documents time.Time }

// Observe moves the ends on.
func (e *Ends) Observe(b *event.Batch) {
	for i := range b.Vessels {
		move(&e.Vessels, b.Vessels[i].Time)
	}
	for i := range b.Flows {
		move(&e.Network, b.Flows[i].Last)
	}
	for i := range b.Contacts {
		move(&e.Vessels, b.Contacts[i].Time)
	}
	for i := range b.Devices {
		move(&e.Network, b.Devices[i].Time)
	}
	for i := range b.Operations {
		move(&e.Network, b.Operations[i].Last)
	}
	for i := range b.Access {
		move(&e.Physical, b.Access[i].Time)
	}
	for i := range b.Advisories {
		move(&e.Documents, b.Advisories[i].Time)
	}
	for i := range b.Exploited {
		move(&e.Documents, b.Exploited[i].Time)
	}
}

// Newest is the newest of the ends of recordings; of the documents where
// nothing was recorded. An advisory is no observation of the port, so it does
// not move the moment of a recording.
func (e *Ends) Newest() time.Time {
	newest := e.Vessels
	move(&newest, e.Network)
	move(&newest, e.Physical)
	if newest.IsZero() {
		return e.Documents
	}
	return newest
}

func move(t *time.Time, to time.Time) {
	if to.After(*t) {
		*t = to
	}
}

// End lets time pass in each world to where its recording ends, and not
// further: recordings of different years, analysed together, must not make each
// other's vessels or people look long gone.
func (s *Set) End(e Ends) {
	if !e.Vessels.IsZero() {
		s.Vessel.Advance(e.Vessels)
	}
	if !e.Network.IsZero() {
		s.Network.Advance(e.Network)
	}
	if !e.Physical.IsZero() {
		s.Physical.Advance(e.Physical)
	}
}

// Take returns what was told since the last call, in the order of telling.
func (s *Set) Take() []finding.Occurrence {
	out := slices.Clone(s.told)
	s.told = s.told[:0]
	return out
}
