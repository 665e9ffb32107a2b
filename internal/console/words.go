package console

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/quaywatch/quaywatch/internal/finding"
)

// whyFacts is how many facts the selected alarm shows: how it began and the newest.
const whyFacts = 5

// numbered is a fact with its number in the finding.
type numbered struct {
	finding.Fact
	N int
}

// newestFacts are the first two facts and the newest, at most whyFacts.
func newestFacts(f finding.Finding) []numbered {
	var out []numbered
	for i, fact := range f.Facts {
		if i < 2 || i >= len(f.Facts)-(whyFacts-2) {
			out = append(out, numbered{fact, i + 1})
		}
	}
	return out
}

func upper(s string) string { return strings.ToUpper(s) }

func selectedID(v alarmView) string {
	if v.Selected == nil {
		return ""
	}
	return v.Selected.ID
}

// stopWords say what is declared of a service that would fail.
func stopWords(s serviceLine) string {
	out := ""
	if s.Capacity != "" {
		out += " (" + s.Capacity + ")"
	}
	out += "; " + s.Manual
	if s.Recovery != "" {
		out += "; " + s.Recovery
	}
	return out
}

func currentSpan(t timeline) string {
	for _, s := range t.Spans {
		if s.Current {
			return strconv.Itoa(s.Index)
		}
	}
	return strconv.Itoa(defaultSpan)
}

func moreWords(t timeline) string {
	if t.More == 0 {
		return ""
	}
	return " · " + plural(t.More, "fact", "facts") + " of lesser findings not drawn"
}

// lineWords are the timeline for those who cannot see it.
func lineWords(t timeline) string {
	per := map[string]int{}
	for _, p := range t.Pins {
		per[p.Y]++
	}
	parts := []string{fmt.Sprintf("Timeline from %s to %s UTC.", t.From.UTC().Format("15:04"), t.To.UTC().Format("15:04"))}
	for _, l := range t.Lanes {
		what := plural(per[l.Y], "fact", "facts")
		if !l.Known {
			what += ", not watched"
		}
		parts = append(parts, domainNames[l.Domain]+": "+what+".")
	}
	return strings.Join(parts, " ")
}

func laneTop(l lane) string {
	base, _ := strconv.ParseFloat(strings.TrimSuffix(l.Base, "%"), 64) // written by fillLanes
	return percent(base - 18)
}

// alsoWords name the further services that would fail.
func alsoWords(more []serviceLine) string {
	if len(more) == 0 {
		return ""
	}
	var names []string
	for _, s := range more {
		name := s.Name
		if s.Capacity != "" {
			name += " (" + s.Capacity + ")"
		}
		names = append(names, name)
	}
	return "; then " + strings.Join(names, ", ")
}
