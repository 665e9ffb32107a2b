package attackgraph

import "fmt"

// FromAdvisories is the origin of published weaknesses.
const FromAdvisories = "advisories"

// Weakness is a published weakness that an asset has, or may have.
type Weakness struct {
	Asset, Advisory, Title string
	Affected               bool    // decided; false: undecided
	Exploited              bool    // known to be exploited somewhere (KEV)
	EPSS                   float64 // probability of exploitation within 30 days, 0 where not known
	CVSS                   float64 // highest base score, 0..10, 0 where not known
}

// Weak gives a weakness. The chance that one serious try against it succeeds is
// a range by what is known of it: exploited ones succeed often; others lie
// between what EPSS tells for attackers in general and what a high base score
// allows for a skilled one. The figures are judgement but EPSS.
func Weak(m *Model, w Weakness) error {
	r := Range{0.01, 0.3}
	switch {
	case w.Exploited:
		r = Range{0.4, 0.95}
	case w.CVSS >= 9:
		r = Range{0.05, 0.7}
	case w.CVSS >= 7:
		r = Range{0.02, 0.5}
	}
	if w.EPSS > 0 {
		r[0] = min(r[1], max(r[0], w.EPSS))
	}
	text := w.Title
	if !w.Affected {
		// It may not have the weakness at all.
		r[0] /= 10
		text += " (whether this version has it is not decided)"
	}
	if w.Exploited {
		text += "; known to be exploited"
	}
	return m.Give(Given{Atom: A("weak", w.Asset, w.Advisory), Origin: FromAdvisories, Chance: r, Unsure: !w.Affected, Text: text, Where: w.Advisory,
		Change: fmt.Sprintf("patch %s against %s", w.Asset, w.Advisory)})
}
