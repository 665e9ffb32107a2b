// Package finding holds the finding: a condition that matters, with its
// evidence, how sure we are, and its life cycle after ISA-18.2. It exists so
// that every watch reports in one form and every face (console, report, API)
// shows the same thing. It imports port and event only.
//
// A watch tells an [Occurrence]: one time that a rule held for a subject, or
// that the condition went away. Occurrences of one rule and subject fold into
// one [Finding] by [Finding.Merge], which is pure; the [Register] keeps the
// folded findings, their states and what people did with them. What belongs to
// an exercise folds apart from what is real.
package finding

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
)

// Domain is the world that a finding belongs to.
type Domain string

// Domains, in the order in which screens show their lanes.
const (
	IT       Domain = "it"
	OT       Domain = "ot"
	Physical Domain = "physical"
	Sea      Domain = "sea"
	Cargo    Domain = "cargo"
)

// Grade is how sure we are. It never accuses: a confirmed finding says that
// the condition holds, not who meant it.
type Grade uint8

// Grades from the least to the most certain.
const (
	Suspected Grade = iota + 1
	Likely
	Confirmed
)

// Severity is how much it matters if it is true.
type Severity uint8

// Severities; the first three follow marine practice (advice, warning, alarm).
const (
	Advice  Severity = iota + 1 // worth knowing
	Warning                     // needs attention in this watch
	Alarm                       // needs action now
)

var gradeNames = []string{"", "suspected", "likely", "confirmed"}
var severityNames = []string{"", "advice", "warning", "alarm"}

func (g Grade) String() string    { return nameOf(gradeNames, int(g)) }
func (s Severity) String() string { return nameOf(severityNames, int(s)) }

// MarshalText implements encoding.TextMarshaler.
func (g Grade) MarshalText() ([]byte, error) { return []byte(g.String()), nil }

// MarshalText implements encoding.TextMarshaler.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (g *Grade) UnmarshalText(b []byte) error {
	i, err := indexOf("grade", gradeNames, string(b))
	*g = Grade(i)
	return err
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Severity) UnmarshalText(b []byte) error {
	i, err := indexOf("severity", severityNames, string(b))
	*s = Severity(i)
	return err
}

func nameOf(names []string, i int) string {
	if i < 0 || i >= len(names) {
		return fmt.Sprintf("unknown(%d)", i)
	}
	return names[i]
}

func indexOf(what string, names []string, s string) (int, error) {
	if i := slices.Index(names, s); i > 0 {
		return i, nil
	}
	return 0, fmt.Errorf("unknown %s %q: use one of %s", what, s, strings.Join(names[1:], ", "))
}

// Subject is what a finding is about.
type Subject struct {
	Kind string `json:"kind"`           // "vessel", "asset", "host", "conduit", "zone-pair", "badge", "party", "area", "reader", "source", "chain", "appetite"
	ID   string `json:"id"`             // asset id, "mmsi:227006760", "10.20.4.7", …: stable, so that occurrences fold
	Name string `json:"name,omitempty"` // for people
}

// Fact is one numbered reason of a finding, with the observation that shows it.
type Fact struct {
	Time     time.Time `json:"time"` // of the observation, UTC
	Text     string    `json:"text"` // one sentence with units
	Domain   Domain    `json:"domain"`
	Evidence Evidence  `json:"evidence"`
}

// Evidence is the way back to the observation: source, time seen, time told,
// place of the raw bytes, and their hash.
type Evidence struct {
	Source string    `json:"source"`
	Time   time.Time `json:"time"`
	Seen   time.Time `json:"seen"`
	Told   bool      `json:"told"`
	Raw    event.Raw `json:"raw"`
}

// EvidenceOf takes the evidence from the head of an observation.
func EvidenceOf(h event.Head) Evidence {
	return Evidence{Source: h.Source, Time: h.Time, Seen: h.Seen, Told: h.Told, Raw: h.Raw}
}

// Place is where it is, for maps.
type Place struct {
	Lat  float64 `json:"lat"` // degrees north
	Lon  float64 `json:"lon"` // degrees east
	Area string  `json:"area,omitempty"`

	// Outline is the ring of longitude and latitude (degrees, the order of RFC
	// 7946) around all that it is about, where that is an area; empty where it is
	// a point. The last point joins the first.
	Outline [][2]float64 `json:"outline,omitempty"`
}

// Occurrence is what a watch tells: the rule held for the subject (or, with
// Cleared, holds no longer). Title, Summary and Facts describe the condition as
// it is now; the finding shows the newest.
type Occurrence struct {
	Rule      string    `json:"rule"` // "vessel.impossible-movement": watch and rule
	Subject   Subject   `json:"subject"`
	Domains   []Domain  `json:"domains"`
	Grade     Grade     `json:"grade"`
	Severity  Severity  `json:"severity"`
	Title     string    `json:"title"`   // one sentence a port officer understands at 3 a.m.
	Summary   string    `json:"summary"` // why, and what would stop
	Facts     []Fact    `json:"facts"`
	RuledOut  []string  `json:"ruled_out,omitempty"` // innocent explanations that were tested and excluded
	Unknown   []string  `json:"unknown,omitempty"`   // what is not known and would change the grade
	Next      []string  `json:"next,omitempty"`      // first safe steps, in order
	Links     []Subject `json:"links,omitempty"`     // other subjects in it: hops of a chain, the second hull
	Services  []string  `json:"services,omitempty"`  // ids of services that depend on the subject
	Technique string    `json:"technique,omitempty"` // ATT&CK id, such as "T0886"
	Place     *Place    `json:"place,omitempty"`
	Time      time.Time `json:"time"` // event time, UTC
	Exercise  string    `json:"exercise,omitempty"`
	Cleared   bool      `json:"cleared,omitempty"`
}

// State is where a finding stands for the people who work on it (ISA-18.2).
type State string

// States. Active is unacknowledged and present; returned is a condition that
// went away before anybody acknowledged it.
const (
	Active       State = "active"
	Acknowledged State = "acknowledged"
	Shelved      State = "shelved"
	Returned     State = "returned"
	Resolved     State = "resolved"
)

// MaxFacts is the most facts that a finding keeps: the first two (how it
// began) and the newest.
const MaxFacts = 24

// MaxComments is the most comments that a finding carries, and MaxText the
// longest text of a person in characters.
const (
	MaxComments = 500
	MaxText     = 4000
)

// Finding is a folded run of occurrences with its state. The embedded
// occurrence is the newest; Facts are gathered from all.
type Finding struct {
	ID string `json:"id"` // from rule, subject and exercise: the same input gives the same id
	Occurrence
	First        time.Time `json:"first"`
	Since        time.Time `json:"since"`         // start of the present run, or of the last one where it has gone
	Last         time.Time `json:"last"`          // newest occurrence
	Gone         time.Time `json:"gone,omitzero"` // when the condition went away; zero while Present
	Count        int       `json:"count"`         // occurrences, repeats of the same observation not counted
	Present      bool      `json:"present"`       // the condition holds as far as is known
	State        State     `json:"state"`
	ShelvedUntil time.Time `json:"shelved_until,omitzero"`
	Assignee     string    `json:"assignee,omitempty"` // account
	ChangedAt    time.Time `json:"changed_at"`         // last change of state, grade, severity, assignment or comment
	Revision     int64     `json:"revision"`           // one more at each change that a person would want to know, not at mere repeats; the ETag
	Comments     []Comment `json:"comments,omitempty"` // oldest first, at most MaxComments
}

// Comment is a note by a person.
type Comment struct {
	Time   time.Time `json:"time"`
	Author string    `json:"author"`
	Text   string    `json:"text"`
}

// ID names the finding of a rule and subject, such as "F-2QZ7K4MW3BPA": sixty
// bits of a SHA-256, so a register of a million findings has a chance of about
// one in two million of two sharing a name.
func ID(rule string, s Subject) string { return idOf(rule, s, "") }

// FindingID is the id of the finding that the occurrence belongs to. An
// exercise has findings of its own, so that a drill never hides, changes or
// clears a real alarm.
func (o Occurrence) FindingID() string { return idOf(o.Rule, o.Subject, o.Exercise) }

func idOf(rule string, s Subject, exercise string) string {
	key := rule + "\x00" + s.Kind + "\x00" + s.ID
	if exercise != "" {
		key += "\x00" + exercise
	}
	h := sha256.Sum256([]byte(key))
	return "F-" + base32.StdEncoding.EncodeToString(h[:])[:12]
}
