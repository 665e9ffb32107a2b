package advisory

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/quaywatch/quaywatch/internal/csaf"
	"github.com/quaywatch/quaywatch/internal/strictyaml"
)

// Decision is what a person says of one asset and one advisory against, or
// besides, what matching says. It has an author, a reason and an end.
type Decision struct {
	Asset         string   `yaml:"asset" json:"asset"`
	Advisory      string   `yaml:"advisory" json:"advisory"`
	Verdict       Verdict  `yaml:"verdict" json:"verdict,omitempty"`             // empty: the verdict of matching stays
	Justification string   `yaml:"justification" json:"justification,omitempty"` // why not affected, a label of CSAF (3.2.3.5)
	Controls      []string `yaml:"controls" json:"controls,omitempty"`           // compensating controls that are in place
	Reason        string   `yaml:"reason" json:"reason"`
	Author        string   `yaml:"author" json:"author"`
	Made          string   `yaml:"made" json:"made"`       // day, such as 2026-11-26
	Expires       string   `yaml:"expires" json:"expires"` // the last day on which it holds; at most a year after it was made

	made, expires time.Time
}

// Justifications are the labels of CSAF 2.0 (3.2.3.5) for why something is not affected.
var Justifications = csaf.Justifications

// Override is the decision that stands over a match.
type Override = Decision

// Decisions are the decisions of a port. The zero value has none.
type Decisions struct{ list []Decision }

// maxStanding is how long a decision may hold.
const maxStanding = 366 * 24 * time.Hour

// ReadDecisions reads a YAML document with the list "decisions". Every fault is
// told with its line; a file with one is not used at all.
func ReadDecisions(file string, data []byte) (*Decisions, error) {
	var doc struct {
		Decisions []Decision `yaml:"decisions"`
	}
	pos, problems := strictyaml.Decode(file, data, &doc)
	seen := map[[2]string]bool{}
	for i := range doc.Decisions {
		d := &doc.Decisions[i]
		at := fmt.Sprintf("decisions[%d]", i)
		tell := func(key, text string) { problems = append(problems, pos.Problem(at+"."+key, key+": "+text, "")) }
		d.check(tell)
		key := [2]string{d.Asset, d.Advisory}
		if seen[key] {
			tell("asset", fmt.Sprintf("there is a decision on %s and %s already", d.Asset, d.Advisory))
		}
		seen[key] = true
	}
	if err := problems.Err(); err != nil {
		return nil, err
	}
	return &Decisions{doc.Decisions}, nil
}

// NewDecisions checks decisions that come from elsewhere than a file; later ones on
// the same pair replace earlier ones. The faults of one that is wrong are told, and
// it is left out.
func NewDecisions(list []Decision) (d *Decisions, faults []string) {
	d = &Decisions{}
	for i := range list {
		one := list[i]
		if texts := one.Faults(); len(texts) > 0 {
			faults = append(faults, fmt.Sprintf("the decision of %s on %s and %s: %s", one.Author, one.Asset, one.Advisory, strings.Join(texts, "; ")))
			continue
		}
		one.check(func(string, string) {}) // reads the days
		d.list = slices.DeleteFunc(d.list, func(o Decision) bool { return o.Asset == one.Asset && o.Advisory == one.Advisory })
		d.list = append(d.list, one)
	}
	return d, faults
}

// List are the decisions.
func (d *Decisions) List() []Decision { return slices.Clone(d.list) }

// Faults says what is wrong with a decision, field by field.
func (d Decision) Faults() (texts []string) {
	d.check(func(key, text string) { texts = append(texts, key+" "+text) })
	return texts
}

func (d *Decision) check(tell func(key, text string)) {
	for _, f := range []struct{ key, value string }{{"asset", d.Asset}, {"advisory", d.Advisory}, {"reason", d.Reason}, {"author", d.Author}} {
		if strings.TrimSpace(f.value) == "" {
			tell(f.key, "must be given")
		}
	}
	switch {
	case d.Verdict != "" && d.Verdict.rank() < 0:
		tell("verdict", fmt.Sprintf("%q is none of affected, undecided, not affected", d.Verdict))
	case d.Verdict == "" && len(d.Controls) == 0:
		tell("verdict", "neither a verdict nor controls are given, so it decides nothing")
	case d.Verdict == NotAffected && !slices.Contains(csaf.Justifications, d.Justification):
		tell("justification", "must be one of "+strings.Join(csaf.Justifications, ", "))
	case d.Verdict != NotAffected && d.Justification != "":
		tell("justification", "belongs to the verdict not affected")
	}
	var err error
	if d.made, err = time.Parse(time.DateOnly, d.Made); err != nil {
		tell("made", "must be a day such as 2026-11-26")
	}
	if d.expires, err = time.Parse(time.DateOnly, d.Expires); err != nil {
		tell("expires", "must be a day such as 2027-02-26")
		return
	}
	if d.expires.Before(d.made) || d.expires.Sub(d.made) > maxStanding {
		tell("expires", "must be on or after the day it was made, and within a year of it")
	}
}

// holds is whether a decision stands at a moment: through the whole of its last day, UTC.
func (d *Decision) holds(at time.Time) bool {
	return !at.Before(d.made) && at.Before(d.expires.AddDate(0, 0, 1))
}

// Apply returns the matches of an asset with the decisions that stand at a
// moment, worst first, and the controls to count for each.
func (d *Decisions) Apply(asset string, matches []Match, at time.Time) []Match {
	out := slices.Clone(matches)
	if d == nil {
		return out
	}
	for i := range out {
		for j := range d.list {
			one := &d.list[j]
			if one.Asset != asset || one.Advisory != out[i].ID || !one.holds(at) {
				continue
			}
			m := &out[i]
			m.Override = one
			if one.Verdict != "" && one.Verdict != m.Verdict {
				m.Was, m.Verdict = m.Verdict, one.Verdict
				m.Reason = fmt.Sprintf("decided by %s until %s: %s (matching says %s: %s)", one.Author, one.Expires, one.Reason, m.Was, m.Reason)
			}
		}
	}
	sortMatches(out)
	return out
}

// Idle are the decisions that do nothing at a moment, with the reason: expired,
// not begun, or without a match.
func (d *Decisions) Idle(at time.Time, matched func(asset, advisory string) bool) []string {
	out := []string{}
	if d == nil {
		return out
	}
	for i := range d.list {
		one := &d.list[i]
		name := fmt.Sprintf("the decision of %s on %s and %s", one.Author, one.Asset, one.Advisory)
		switch {
		case at.Before(one.made):
			out = append(out, name+" holds only from "+one.Made)
		case !one.holds(at):
			out = append(out, name+" expired on "+one.Expires)
		case !matched(one.Asset, one.Advisory):
			out = append(out, name+" is about a pair that does not match")
		}
	}
	return out
}
