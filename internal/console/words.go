package console

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/quaywatch/quaywatch/internal/finding"
)

// whySteps is how many first steps the selected alarm shows.
const whySteps = 3

const (
	floodWords = "More than ten alarms in ten minutes is a flood (ISA-18.2): more than one person can take in. Work from the top; what belongs to one chain is folded under it."
	sortWords  = "Unacknowledged first, then severity, then how sure we are; among equals what still holds, chains over several worlds, the number of services concerned, and the newest."
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

// exerciseWords are the banner over data that is not real.
func exerciseWords(name string) string {
	if strings.EqualFold(name, "demo") {
		return "DEMO: simulated data. Nothing here is real and nobody is notified."
	}
	return "EXERCISE " + name + ": nothing here is real and nobody is notified."
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

// currentSpan is the window that the reader chose, "" where none was: it then
// follows the selected finding.
func currentSpan(t timeline) string {
	if !t.Asked {
		return ""
	}
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

// pinTab lets the keyboard reach the facts of the selected finding; the others
// stand in the list.
func pinTab(p pin) string {
	if p.Selected {
		return "0"
	}
	return "-1"
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
	const most = 2
	var names []string
	for _, s := range more[:min(len(more), most)] {
		names = append(names, s.Name)
	}
	out := "; then " + strings.Join(names, ", ")
	if left := len(more) - most; left > 0 {
		out += " and " + plural(left, "service more", "services more")
	}
	return out
}

// stopGist is stopWords without the objective, for the list.
func stopGist(s serviceLine) string {
	if !trade(s) {
		return "; " + s.Manual
	}
	return " (" + s.Capacity + "); " + s.Manual
}

// trade reports whether a service has a capacity of its own, rather than a share
// of itself: moves, trucks, trains and messages are what a port lives on.
func trade(s serviceLine) bool { return s.Capacity != "" && !strings.HasSuffix(s.Capacity, "%") }

// stopTitle lists all services that would fail, for the title of the short form.
func stopTitle(all []serviceLine) string {
	var out []string
	for _, s := range all {
		out = append(out, s.Name+stopWords(s))
	}
	return strings.Join(out, "\n")
}
