package console

import (
	"cmp"
	"slices"
	"time"

	"github.com/quaywatch/quaywatch/internal/finding"
)

// alarmRow is one line of the alarm list: a finding with those that are links
// of it. A chain and the traffic it is made of are one thing to decide on, not four.
type alarmRow struct {
	finding.Finding
	Parts []finding.Finding
}

// factKey tells one fact from another: a chain carries the very facts of the
// findings that it joins.
type factKey struct {
	time   time.Time
	source string
	text   string
}

func keyOf(f finding.Fact) factKey { return factKey{f.Time.UTC(), f.Evidence.Source, f.Text} }

// isChain reports whether a finding joins others.
func isChain(f finding.Finding) bool { return f.Subject.Kind == "chain" }

// isPart reports whether f is a link of the chain: they share a fact. An
// exercise is never part of what is real, nor the other way round.
func isPart(chain, f finding.Finding) bool {
	if !isChain(chain) || isChain(f) || chain.Exercise != f.Exercise {
		return false
	}
	for _, a := range f.Facts {
		for _, b := range chain.Facts {
			if keyOf(a) == keyOf(b) {
				return true
			}
		}
	}
	return false
}

// fold orders findings by consequence and puts those that are links of a chain
// under it. A link that matters more than its chain stands by itself: folding
// must never hide the graver of the two.
func fold(findings []finding.Finding) []alarmRow {
	sorted := slices.Clone(findings)
	slices.SortStableFunc(sorted, byConsequence)
	rows := make([]alarmRow, 0, len(sorted))
	var chains []int
	for _, f := range sorted {
		if isChain(f) {
			chains = append(chains, len(rows))
			rows = append(rows, alarmRow{Finding: f})
		}
	}
	for _, f := range sorted {
		if isChain(f) {
			continue
		}
		at := slices.IndexFunc(chains, func(i int) bool {
			return isPart(rows[i].Finding, f) && unanswered(rows[i].Finding) <= unanswered(f) && f.Severity <= rows[i].Severity
		})
		if at >= 0 {
			rows[at].Parts = append(rows[at].Parts, f)
			continue
		}
		rows = append(rows, alarmRow{Finding: f})
	}
	slices.SortStableFunc(rows, func(a, b alarmRow) int { return byConsequence(a.Finding, b.Finding) })
	return rows
}

// byConsequence puts first what nobody has answered, then by severity and by how
// sure we are; among equals what still holds, a chain over several worlds, more
// services concerned, and the newest.
func byConsequence(a, b finding.Finding) int {
	return cmp.Or(
		cmp.Compare(unanswered(a), unanswered(b)),
		cmp.Compare(b.Severity, a.Severity),
		cmp.Compare(b.Grade, a.Grade),
		cmp.Compare(order(b.Present), order(a.Present)),
		cmp.Compare(worldsJoined(b), worldsJoined(a)),
		cmp.Compare(len(b.Services), len(a.Services)),
		b.Last.Compare(a.Last),
		cmp.Compare(a.ID, b.ID),
	)
}

// worldsJoined is how many worlds a chain joins, 0 for what is no chain.
func worldsJoined(f finding.Finding) int {
	if !isChain(f) {
		return 0
	}
	return len(f.Domains)
}

// unanswered orders rows: nobody has looked, then acknowledged.
func unanswered(f finding.Finding) int {
	if f.State == finding.Acknowledged {
		return 1
	}
	return 0
}
