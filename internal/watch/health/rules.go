package health

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
)

// Rules of this watch.
const (
	RuleSilent    = "source.silent"
	RuleFailed    = "source.failed"
	RuleRejecting = "source.rejecting"
	RuleDrift     = "source.clock-drift"
)

// blind says what can't be seen while a kind of source is silent.
var blind = map[string]string{
	"ais":        "Vessels are shown where they were last heard; spoofing, jamming and arrivals are not seen.",
	"pcap":       "Traffic between zones is not seen: a new device or an undeclared conversation would go unnoticed.",
	"access":     "Doors and badges are not seen: the count of people inside is old, and a forced door would go unnoticed.",
	"advisories": "New advisories are not known; the match of devices to vulnerabilities is old.",
	"kev":        "Newly exploited vulnerabilities are not known.",
	"alerts":     "Judgements of the other system do not arrive.",
}

const blindOther = "What this source watches is not seen."

func (w *Watch) start(rule string, s *state, at time.Time) finding.Occurrence {
	domain := finding.Domain(cmp.Or(s.Domain, string(finding.IT)))
	return finding.Occurrence{
		Rule: rule, Subject: finding.Subject{Kind: "source", ID: s.ID, Name: s.ID}, Domains: []finding.Domain{domain},
		Grade: finding.Confirmed, Severity: finding.Warning, Time: at,
	}
}

func (s *state) fact(at time.Time, domain finding.Domain, text string) []finding.Fact {
	h := s.last
	if h.Source == "" {
		h = event.Head{Time: at, Seen: at, Source: s.ID}
	}
	return []finding.Fact{{Time: at, Text: text, Domain: domain, Evidence: finding.EvidenceOf(h)}}
}

func (w *Watch) tellSilent(s *state, why string) {
	s.to(Silent, w.asOf, why)
	o := w.start(RuleSilent, s, w.asOf)
	o.Title = fmt.Sprintf("Source %s is silent: %s", s.ID, why)
	o.Summary = "No data is not good news. " + cmp.Or(blind[s.Kind], blindOther)
	told := "Never heard since the start at " + s.begun.UTC().Format("2006-01-02 15:04:05") + " UTC"
	if !s.input.IsZero() {
		told = "Last input at " + s.input.UTC().Format("2006-01-02 15:04:05") + " UTC"
	}
	o.Facts = s.fact(w.asOf, o.Domains[0], told+"; "+why)
	o.Unknown = []string{"Whether the sending system, the line to it, or the receiver is down", "Everything that it would have told since"}
	o.Next = []string{"Look whether the sending system runs", "Look at the network between it and Quaywatch", "Watch by other means until it speaks again"}
	w.emit(o)
}

func (w *Watch) tellFailed(s *state, h *event.SourceHealth) {
	o := w.start(RuleFailed, s, h.Seen)
	reason := cmp.Or(h.Error, "no reason told")
	o.Title = fmt.Sprintf("Source %s has stopped", s.ID)
	o.Summary = sentence(reason) + ". " + cmp.Or(blind[s.Kind], blindOther)
	s.last = h.Head
	o.Facts = s.fact(h.Seen, o.Domains[0], "The source gave up: "+reason)
	o.Unknown = []string{"Everything that it would have told since"}
	o.Next = []string{"Remove the cause that is named", "Start the source again"}
	w.emit(o)
}

// window is the stretch of input over which the share of rejected lines is taken.
type window struct {
	begun              time.Time
	accepted, rejected uint64 // counters at its beginning
	telling            bool   // the share was too high and is told
}

// A window closes when it holds enough lines or has lasted long enough.
const (
	windowLines = 1000
	windowTime  = 5 * time.Minute
	endedLines  = 10 // enough for a file that will not grow
)

func (w *Watch) judgeRejected(s *state, h *event.SourceHealth) {
	n := &s.window
	if n.begun.IsZero() {
		n.begun = h.Seen
	}
	if h.Accepted < n.accepted || h.Rejected < n.rejected {
		return // counters of another run, told late
	}
	rejected, total := h.Rejected-n.rejected, h.Accepted-n.accepted+h.Rejected-n.rejected
	ended := h.State == "ended"
	if total < w.o.RejectMin && (!ended || total < endedLines) {
		return
	}
	share := float64(rejected) / float64(total)
	switch {
	case share >= w.o.RejectShare && (!n.telling || s.unsaid[ofRejection]):
		n.telling, s.unsaid[ofRejection] = true, false
		w.tellRejecting(s, h, rejected, total)
	case share < w.o.RejectShare/2 && (n.telling || s.unsaid[ofRejection]):
		n.telling, s.unsaid[ofRejection] = false, false
		w.clear(RuleRejecting, s, h.Seen)
	}
	if total >= windowLines || h.Seen.Sub(n.begun) >= windowTime {
		n.begun, n.accepted, n.rejected = h.Seen, h.Accepted, h.Rejected
	}
}

func (w *Watch) tellRejecting(s *state, h *event.SourceHealth, rejected, total uint64) {
	o := w.start(RuleRejecting, s, h.Seen)
	share := 100 * float64(rejected) / float64(total)
	if share < 50 {
		o.Severity = finding.Advice
	}
	o.Title = fmt.Sprintf("%.0f %% of what source %s sends can't be read", share, s.ID)
	o.Summary = fmt.Sprintf("%d of %d lines were set aside. What they told is not in any picture.", rejected, total)
	reasons := slices.Clone(h.Reasons)
	slices.SortStableFunc(reasons, func(a, b event.Reason) int { return cmp.Compare(b.Count, a.Count) })
	for _, r := range reasons[:min(3, len(reasons))] {
		head := h.Head
		head.Raw = r.Last
		o.Facts = append(o.Facts, finding.Fact{Time: h.Seen, Domain: o.Domains[0], Evidence: finding.EvidenceOf(head),
			Text: fmt.Sprintf("%d × %s; last at %s", r.Count, r.Text, r.Last.Where())})
	}
	if len(o.Facts) == 0 {
		o.Facts = s.fact(h.Seen, o.Domains[0], o.Summary)
	}
	o.Unknown = []string{"What the rejected lines told"}
	o.Next = []string{"Compare a rejected line with the settings of the source", "Ask whether the sending system was changed"}
	w.emit(o)
}

func (w *Watch) judgeDrift(s *state, h *event.SourceHealth) {
	off := h.Drift.Abs()
	switch {
	case h.HasDrift && off > w.o.DriftLimit && (!s.drifting || s.unsaid[ofDrift]):
		s.drifting, s.unsaid[ofDrift] = true, false
		w.tellDrift(s, h)
	case (!h.HasDrift || off <= w.o.DriftLimit/2) && (s.drifting || s.unsaid[ofDrift]):
		s.drifting, s.unsaid[ofDrift] = false, false
		w.clear(RuleDrift, s, h.Seen)
	}
}

func (w *Watch) tellDrift(s *state, h *event.SourceHealth) {
	o := w.start(RuleDrift, s, h.Seen)
	off, way := h.Drift.Abs(), "ahead"
	if h.Drift < 0 {
		way = "behind"
	}
	if off < 5*time.Minute {
		o.Severity = finding.Advice
	}
	against := cmp.Or(h.DriftFrom, "another clock")
	o.Title = fmt.Sprintf("Clock of source %s is %s %s", s.ID, spell(off), way)
	o.Summary = "What it tells stands at the wrong place of the timeline, so the order of events across sources can mislead."
	o.Facts = s.fact(h.Seen, o.Domains[0], fmt.Sprintf("%s %s, measured against %s", spell(off), way, against))
	o.Unknown = []string{"Since when the clock is wrong", "Whether " + against + " is right"}
	o.Next = []string{"Check the time server of the sending system", "Read its times with that difference in mind"}
	w.emit(o)
}

func (w *Watch) clear(rule string, s *state, at time.Time) {
	o := w.start(rule, s, at)
	o.Grade, o.Severity, o.Cleared = 0, 0, true
	w.emit(o)
}

// spell writes a duration in the unit that a person would use.
func spell(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}

func sentence(s string) string {
	if s != "" && s[0] >= 'a' && s[0] <= 'z' {
		return string(s[0]-'a'+'A') + s[1:]
	}
	return s
}
