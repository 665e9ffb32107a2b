package finding

import (
	"cmp"
	"slices"
)

// Fold folds occurrences into findings in memory, in the order given, for
// analysis without a register. The result is in the order of Compare, so the
// same occurrences give the same findings in the same order.
func Fold(occs []Occurrence) []Finding {
	place := make(map[string]int)
	var out []Finding
	for _, o := range occs {
		o = normalise(o)
		id := o.FindingID()
		i, known := place[id]
		switch {
		case known:
			out[i].Merge(o)
		case !o.Cleared: // the end of something that never began is no finding
			place[id] = len(out)
			out = append(out, New(o))
		}
	}
	slices.SortFunc(out, Compare)
	return out
}

// Compare orders findings as lists show them: the most severe first, then the
// surest, then the newest, then by id.
func Compare(a, b Finding) int {
	return cmp.Or(cmp.Compare(b.Severity, a.Severity), cmp.Compare(b.Grade, a.Grade),
		b.Last.Compare(a.Last), cmp.Compare(a.ID, b.ID))
}
