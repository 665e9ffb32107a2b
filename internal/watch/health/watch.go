// Package health watches the sources themselves: who speaks, who has fallen
// silent, who is mostly misunderstood, whose clock is wrong. It exists because
// silence of a source is never health: while a camera system says nothing,
// nobody knows whether the cameras see. It is fed from one goroutine, and its
// picture may be taken from any.
//
// Silence is judged by arrival time, never by the time that a source tells,
// and only against a declared longest normal silence; a connection that is lost
// for a minute is silence without one. A file that was read to its end has ended
// and is not silent.
package health

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
)

// Options set the limits of the rules. The zero value of each field means its default.
type Options struct {
	RejectShare float64       // of lines that can't be read from which it is told; 0.2
	RejectMin   uint64        // lines before a share means something; 50
	DriftLimit  time.Duration // of a source's clock, either way; 30 s
	FeedDeath   time.Duration // without a connection, or without any account of a declared source that should tell one every 10 s; 60 s
}

func (o Options) withDefaults() Options {
	if o.RejectShare <= 0 {
		o.RejectShare = 0.2
	}
	if o.RejectMin == 0 {
		o.RejectMin = 50
	}
	if o.DriftLimit <= 0 {
		o.DriftLimit = 30 * time.Second
	}
	if o.FeedDeath <= 0 {
		o.FeedDeath = time.Minute
	}
	return o
}

// maxSources bounds the sources that are followed; a port has dozens.
const maxSources = 10_000

// Watch holds the state. Make one with New.
type Watch struct {
	o    Options
	emit func(finding.Occurrence)

	mu      sync.Mutex
	asOf    time.Time // arrival time
	sources map[string]*state
}

// state is one source.
type state struct {
	Source
	declared bool
	expect   time.Duration // declared; else what the account says
	begun    time.Time     // silence is counted from here at the earliest: first heard of, or feed started again
	input    time.Time     // arrival of the last input; zero: none
	sign     time.Time     // arrival of the last batch of any kind, accounts too
	last     event.Head    // evidence of the last input or account
	lost     time.Time     // since when the feed has no connection; zero: it has one
	cut      bool          // the lost connection was told as silence
	unsaid   [3]bool       // see Restarted: silence and failure, rejection, drift
	window   window
	drifting bool
}

// New makes a watch that tells what it finds to emit, in the order in which it
// is fed. emit is called with the watch locked and must not call it.
func New(o Options, emit func(finding.Occurrence)) *Watch {
	return &Watch{o: o.withDefaults(), emit: emit, sources: map[string]*state{}}
}

// Declare says that a source is configured: its kind ("ais", "pcap",
// "access"…), the domain that it watches, and the longest silence that is
// normal (0: not judged). A declared source that never speaks is waiting, then silent.
func (w *Watch) Declare(id, kind, domain string, expect time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.source(id)
	if s == nil {
		return
	}
	s.declared, s.expect = true, expect
	s.Kind = cmp.Or(kind, s.Kind)
	s.Domain = cmp.Or(domain, domainOf[kind], s.Domain)
}

// source returns the state of id, made where it is new; nil where there are too
// many sources to be real.
func (w *Watch) source(id string) *state {
	s := w.sources[id]
	if s == nil && len(w.sources) < maxSources {
		s = &state{Source: Source{ID: id, Status: Waiting, Since: w.asOf, Why: "configured, nothing heard yet"}, begun: w.asOf,
			unsaid: [3]bool{true, true, true}} // an earlier run may have told things
		w.sources[id] = s
	}
	return s
}

// domainOf is the world that a kind of source watches where nothing is declared.
var domainOf = map[string]string{
	"ais": string(finding.Sea), "pcap": string(finding.OT), "access": string(finding.Physical),
	"advisories": string(finding.IT), "kev": string(finding.IT),
}

// Observe takes any batch as a sign of life of its source.
func (w *Watch) Observe(b *event.Batch) {
	if b.Source == "" {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.source(b.Source)
	if s == nil {
		return
	}
	if head, kind := newest(b); head != nil {
		if s.Kind == "" {
			s.Kind = kind
			s.Domain = cmp.Or(s.Domain, domainOf[kind])
		}
		w.heard(s, *head)
	}
	for i := range b.Health {
		w.account(s, &b.Health[i])
	}
}

// newest is the head of the last row of a batch that is an input, and the kind
// of source that such rows come from.
func newest(b *event.Batch) (*event.Head, string) {
	var found *event.Head
	var kind string
	take := func(n int, head func(int) *event.Head, of string) {
		if n == 0 {
			return
		}
		if h := head(n - 1); found == nil || h.Seen.After(found.Seen) {
			found, kind = h, of
		}
	}
	take(len(b.Vessels), func(i int) *event.Head { return &b.Vessels[i].Head }, "ais")
	take(len(b.Flows), func(i int) *event.Head { return &b.Flows[i].Head }, "pcap")
	take(len(b.Devices), func(i int) *event.Head { return &b.Devices[i].Head }, "pcap")
	take(len(b.Operations), func(i int) *event.Head { return &b.Operations[i].Head }, "pcap")
	take(len(b.Access), func(i int) *event.Head { return &b.Access[i].Head }, "access")
	take(len(b.Alerts), func(i int) *event.Head { return &b.Alerts[i].Head }, "alerts")
	take(len(b.Advisories), func(i int) *event.Head { return &b.Advisories[i].Head }, "advisories")
	take(len(b.Exploited), func(i int) *event.Head { return &b.Exploited[i].Head }, "kev")
	take(len(b.Contacts), func(i int) *event.Head { return &b.Contacts[i].Head }, "contacts")
	return found, kind
}

// heard notes an input that arrived.
func (w *Watch) heard(s *state, h event.Head) {
	w.signOfLife(s, h.Seen)
	if h.Seen.Before(s.input) {
		return
	}
	first := s.unsaid[ofSilence]
	s.unsaid[ofSilence] = false
	s.input, s.last = h.Seen, h
	if s.Status != Live || first {
		w.back(s, h.Seen, first)
	}
}

// Places of state.unsaid.
const (
	ofSilence = iota
	ofRejection
	ofDrift
)

// Restarted says that what was told so far was told by an earlier run, which may
// have told things since that this one does not know of. The next input of each
// source therefore ends silence and failure again, and the next judgement of its
// lines and its clock is told whichever way it goes: else a finding of before the
// restart could stay for ever.
func (w *Watch) Restarted() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.sources {
		s.unsaid = [3]bool{true, true, true}
	}
}

func (w *Watch) signOfLife(s *state, seen time.Time) {
	if seen.After(s.sign) {
		s.sign = seen
	}
	if seen.After(w.asOf) {
		w.asOf = seen
	}
	if s.begun.IsZero() {
		s.begun, s.Since = seen, seen
	}
}

// back makes a source live, and ends what was told of it. The first input after
// a start ends it too, because a silence may have been told before the start.
func (w *Watch) back(s *state, at time.Time, first bool) {
	was := s.Status
	s.to(Live, at, "")
	if was == Silent || first {
		w.clear(RuleSilent, s, at)
	}
	if was == Failed || first {
		w.clear(RuleFailed, s, at)
	}
}

func (s *state) to(status Status, at time.Time, why string) {
	if s.Status != status {
		s.Status, s.Since = status, at
	}
	s.Why = why
}

// account takes what a source says of itself.
func (w *Watch) account(s *state, h *event.SourceHealth) {
	w.signOfLife(s, h.Seen)
	if h.Seen.Before(s.Health.Seen) {
		return // late: a newer account is here
	}
	before := s.Health
	if h.Accepted+h.Rejected+h.Skipped < before.Accepted+before.Rejected+before.Skipped {
		s.begun = h.Seen // the feed was started again
		s.window = window{}
	}
	s.Health = *h
	if s.last.Source == "" {
		s.last = h.Head
	}
	if h.LastSeen.After(s.input) {
		w.heardBefore(s, h)
	}
	w.judgeState(s, h)
	w.judgeRejected(s, h)
	w.judgeDrift(s, h)
}

// heardBefore notes input that left no row, such as rejected lines.
func (w *Watch) heardBefore(s *state, h *event.SourceHealth) {
	first := s.unsaid[ofSilence]
	s.unsaid[ofSilence] = false
	s.input, s.last = h.LastSeen, h.Head
	if s.Status == Silent || s.Status == Waiting || s.Status == Live && first || s.Status == Ended && h.State == "live" {
		w.back(s, h.Seen, first)
	}
}

func (w *Watch) judgeState(s *state, h *event.SourceHealth) {
	if h.State != "connecting" {
		w.connected(s, h)
	} else if s.lost.IsZero() {
		s.lost = h.Seen
	}
	switch h.State {
	case "failed":
		if s.Status != Failed {
			s.to(Failed, h.Seen, "failed: "+cmp.Or(h.Error, "no reason told"))
			w.tellFailed(s, h)
		}
	case "ended":
		if s.Status != Ended {
			if s.Status == Failed || s.Status == Silent {
				w.back(s, h.Seen, false)
			}
			s.to(Ended, h.Seen, "read to its end")
		}
	case "live":
		if s.Status == Failed || s.Status == Ended {
			w.back(s, h.Seen, false)
			if s.input.IsZero() {
				s.to(Waiting, h.Seen, "connected, nothing heard yet")
			}
		}
	case "connecting":
		if s.Status == Waiting {
			s.Why = "connecting, nothing heard yet"
			if h.Error != "" {
				s.Why = "connecting: " + h.Error
			}
		}
	}
}

// connected ends a silence that was told for want of a connection alone.
func (w *Watch) connected(s *state, h *event.SourceHealth) {
	s.lost = time.Time{}
	if !s.cut {
		return
	}
	s.cut = false
	expect := cmp.Or(s.expect, s.Health.Expect)
	if s.Status != Silent || expect > 0 && h.Seen.Sub(later(s.input, s.begun)) > expect {
		return
	}
	w.back(s, h.Seen, false)
	if s.input.IsZero() {
		s.to(Waiting, h.Seen, "connected, nothing heard yet")
	}
}

// Advance lets arrival time pass, so that silence is noticed.
func (w *Watch) Advance(now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if now.After(w.asOf) {
		w.asOf = now
	}
	for _, id := range slices.Sorted(maps.Keys(w.sources)) {
		s := w.sources[id]
		if s.begun.IsZero() {
			s.begun, s.Since = w.asOf, w.asOf
		}
		w.judgeSilence(s)
	}
}

// judgeSilence tells when a source has said nothing for longer than is normal,
// or when a declared one has no connection or does not even tell of itself: that
// needs no declared longest silence.
func (w *Watch) judgeSilence(s *state) {
	if s.Status != Live && s.Status != Waiting {
		return
	}
	since := later(s.input, s.begun)
	if expect := cmp.Or(s.expect, s.Health.Expect); expect > 0 && w.asOf.Sub(since) > expect {
		w.tellSilent(s, "nothing for "+spell(w.asOf.Sub(since))+", expected every "+spell(expect))
		return
	}
	if s.declared && !s.lost.IsZero() && w.asOf.Sub(s.lost) > w.o.FeedDeath {
		why := "no connection for " + spell(w.asOf.Sub(s.lost))
		if s.Health.Error != "" {
			why += ": " + s.Health.Error
		}
		s.cut = true
		w.tellSilent(s, why)
		return
	}
	if sign := later(s.sign, s.begun); s.declared && s.Status == Live && w.asOf.Sub(sign) > w.o.FeedDeath {
		w.tellSilent(s, "the feed itself has told nothing for "+spell(w.asOf.Sub(sign))+", expected every 10 s")
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// Picture is all sources with their latest account, ordered by id.
func (w *Watch) Picture() Picture {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := Picture{AsOf: w.asOf, Sources: make([]Source, 0, len(w.sources))}
	for _, id := range slices.Sorted(maps.Keys(w.sources)) {
		s := w.sources[id]
		shown := s.Source
		shown.Health.Reasons = slices.Clone(shown.Health.Reasons)
		if shown.Status == Silent {
			if expect := cmp.Or(s.expect, s.Health.Expect); expect > 0 {
				shown.Why = "nothing for " + spell(w.asOf.Sub(later(s.input, s.begun))) + ", expected every " + spell(expect)
			}
		}
		out.Sources = append(out.Sources, shown)
	}
	return out
}
