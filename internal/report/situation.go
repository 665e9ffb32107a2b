// Package report makes documents for people out of what the stages know: here
// the situation report, which says what is wrong now in each world, how sure we
// are and since when, what changed in 24 hours, and what is silent. It exists so
// that the page, the file and the paper say the same. It imports stages to its
// left; the faces and system import it.
package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/port"
	"github.com/quaywatch/quaywatch/internal/watch/health"
)

// Bounds of a report: what is left out is counted in it.
const (
	maxPerDomain = 100
	maxChanges   = 60
	window       = 24 * time.Hour
)

// Input is what a situation report is made from.
type Input struct {
	Port     *port.Port
	AsOf     time.Time         // the moment that it speaks of, UTC
	Findings []finding.Finding // all that are present or changed in the 24 hours before AsOf
	Sources  health.Picture
	Notes    []string // further sentences for the section on what is known and not
	OneShot  bool     // made from files once, not from a running system
	// Hidden are the worlds whose findings are kept from the reader; one of
	// several worlds may be in Findings all the same.
	Hidden []finding.Domain
}

// Situation is the report, ready to be drawn.
type Situation struct {
	Port        string
	Local       *time.Location
	AsOf        time.Time
	Level       int // ISPS security level
	Exercise    bool
	OneShot     bool
	Answer      string // the report in one or two sentences
	Domains     []DomainPart
	Changes     []Change
	MoreChanges int
	Silent      []health.Source // silent, failed or never heard
	Sources     []health.Source
	Notes       []string
}

// DomainPart is what is wrong in one world.
type DomainPart struct {
	Domain   finding.Domain
	Name     string
	Findings []finding.Finding // present, worst first
	More     int               // left out
	Watched  bool              // a source of this world is live or was read
	Blind    string            // why it isn't, or isn't fully
	Hidden   bool              // the findings of this world alone are kept from the reader
}

// Change is one line of the last 24 hours.
type Change struct {
	Time    time.Time
	What    string // "new", "gone", "back", "acted upon"
	Finding finding.Finding
}

// local is the time zone of the port; UTC where it is not known here.
func local(p *port.Port) *time.Location {
	loc, err := time.LoadLocation(p.Identity.TimeZone)
	if err != nil {
		return time.UTC
	}
	return loc
}

// domainNames in the order of the lanes.
var domainNames = []struct {
	domain finding.Domain
	name   string
}{{finding.IT, "IT"}, {finding.OT, "OT"}, {finding.Physical, "Physical"}, {finding.Sea, "Sea"}, {finding.Cargo, "Cargo"}}

// NewSituation works the report out. The same input gives the same report.
func NewSituation(in Input) *Situation {
	s := &Situation{AsOf: in.AsOf.UTC(), Local: time.UTC, Notes: in.Notes, OneShot: in.OneShot, Sources: in.Sources.Sources}
	if in.Port != nil {
		s.Port, s.Level, s.Local = in.Port.Identity.Name, in.Port.Identity.SecurityLevel, local(in.Port)
	}
	findings := slices.Clone(in.Findings)
	slices.SortStableFunc(findings, finding.Compare)
	for _, f := range findings {
		s.Exercise = s.Exercise || f.Exercise != ""
	}
	for _, src := range in.Sources.Sources {
		if src.Status == health.Silent || src.Status == health.Failed || src.Status == health.Waiting {
			s.Silent = append(s.Silent, src)
		}
	}
	for _, d := range domainNames {
		part := s.part(d.domain, d.name, findings)
		if part.Hidden = slices.Contains(in.Hidden, d.domain); part.Hidden {
			part.Blind = strings.TrimSpace("Not shown to your role, but where it also touches a world that is: nothing told here means nothing. " + part.Blind)
		}
		s.Domains = append(s.Domains, part)
	}
	s.changes(findings)
	s.Answer = s.answer()
	return s
}

// open reports whether a finding needs to be told as wrong now.
func open(f finding.Finding) bool { return f.Present && f.State != finding.Resolved }

func (s *Situation) part(d finding.Domain, name string, findings []finding.Finding) DomainPart {
	p := DomainPart{Domain: d, Name: name}
	for _, f := range findings {
		if !open(f) || !slices.Contains(f.Domains, d) {
			continue
		}
		if len(p.Findings) < maxPerDomain {
			p.Findings = append(p.Findings, f)
		} else {
			p.More++
		}
	}
	var dark []string
	declared := 0
	for _, src := range s.Sources {
		if !watches(src, d) {
			continue
		}
		declared++
		// A file that was read to its end is all that a one-shot report has; in a
		// system that runs it tells nothing of now.
		if src.Status == health.Live || src.Status == health.Ended && s.OneShot {
			p.Watched = true
		} else {
			dark = append(dark, src.ID+" "+string(src.Status))
		}
	}
	switch {
	case declared == 0:
		p.Blind = "No source watches this world: nothing found here means nothing."
	case !p.Watched:
		p.Blind = "Not watched now: " + strings.Join(dark, ", ") + ". Nothing found here means nothing."
	case len(dark) > 0:
		p.Blind = "Partly watched: " + strings.Join(dark, ", ") + "."
	}
	return p
}

// watches reports whether a source sees a world. Traffic shows IT and OT alike.
func watches(src health.Source, d finding.Domain) bool {
	switch src.Kind {
	case "pcap", "zeek", "eve":
		return d == finding.IT || d == finding.OT
	case "advisories", "kev":
		return false // they tell what could be wrong, not what happens
	}
	return src.Domain == string(d)
}

func (s *Situation) changes(findings []finding.Finding) {
	from := s.AsOf.Add(-window)
	in := func(t time.Time) bool { return t.After(from) && !t.After(s.AsOf) }
	for _, f := range findings {
		switch {
		case in(f.Gone):
			s.Changes = append(s.Changes, Change{f.Gone, "gone", f})
		case in(f.First):
			s.Changes = append(s.Changes, Change{f.First, "new", f})
		case in(f.Since):
			s.Changes = append(s.Changes, Change{f.Since, "back", f})
		case in(f.ChangedAt):
			s.Changes = append(s.Changes, Change{f.ChangedAt, "changed", f})
		}
	}
	slices.SortStableFunc(s.Changes, func(a, b Change) int {
		return cmp.Or(b.Time.Compare(a.Time), strings.Compare(a.Finding.ID, b.Finding.ID))
	})
	if over := len(s.Changes) - maxChanges; over > 0 {
		s.MoreChanges = over
		s.Changes = s.Changes[:maxChanges]
	}
}

// answer says the report in words.
func (s *Situation) answer() string {
	seen := map[string]finding.Finding{}
	more := 0
	for _, d := range s.Domains {
		more += d.More
		for _, f := range d.Findings {
			seen[f.ID] = f
		}
	}
	var alarms, sure, shelved int
	for _, f := range seen {
		if f.Severity == finding.Alarm {
			alarms++
			if f.Grade == finding.Confirmed {
				sure++
			}
		}
		if f.State == finding.Shelved {
			shelved++
		}
	}
	var b strings.Builder
	switch {
	case len(seen) == 0 && s.hides():
		b.WriteString("Nothing that is shown to you is known to be wrong")
	case len(seen) == 0:
		b.WriteString("Nothing is known to be wrong")
	case alarms == 0:
		fmt.Fprintf(&b, "%s, none of them an alarm", count(len(seen)+more, "open finding"))
	default:
		fmt.Fprintf(&b, "%s, %d of them confirmed, among %s", count(alarms, "alarm"), sure, count(len(seen)+more, "open finding"))
	}
	if shelved > 0 {
		fmt.Fprintf(&b, " (%d shelved)", shelved)
	}
	b.WriteString(". ")
	var blind, hidden []string
	for _, d := range s.Domains {
		if d.Hidden {
			hidden = append(hidden, d.Name)
		}
		if !d.Watched {
			blind = append(blind, d.Name)
		}
	}
	if len(hidden) > 0 {
		fmt.Fprintf(&b, "Not shown to your role: %s. ", strings.Join(hidden, ", "))
	}
	if len(blind) > 0 {
		fmt.Fprintf(&b, "Not watched: %s. ", strings.Join(blind, ", "))
	}
	switch n := len(s.Silent); {
	case len(s.Sources) == 0:
		b.WriteString("No source is configured.")
	case n > 0:
		fmt.Fprintf(&b, "%d of %s give no data: what they would show is unknown.", n, count(len(s.Sources), "source"))
	case s.OneShot:
		b.WriteString("All files were read.")
	case s.ended() > 0:
		fmt.Fprintf(&b, "%d of %s have ended: nothing new comes from them.", s.ended(), count(len(s.Sources), "source"))
	default:
		b.WriteString("All sources are live.")
	}
	return b.String()
}

// ended counts the sources of what happens that were read to their end.
// Catalogues end each time they were read, and are read again.
func (s *Situation) ended() (n int) {
	for _, src := range s.Sources {
		if src.Status == health.Ended && src.Kind != "advisories" && src.Kind != "kev" {
			n++
		}
	}
	return n
}

// hides reports whether anything is kept from the reader.
func (s *Situation) hides() bool {
	return slices.ContainsFunc(s.Domains, func(d DomainPart) bool { return d.Hidden })
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// Age is the time from then to now in words, such as "12 min" or "3 days".
func Age(then, now time.Time) string {
	d := now.Sub(then)
	switch {
	case then.IsZero():
		return "never"
	case d < 0:
		return "in the future"
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	default:
		return fmt.Sprintf("%d days", int(d.Hours()/24))
	}
}
