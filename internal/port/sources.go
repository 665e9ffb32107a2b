package port

import (
	"fmt"

	"github.com/quaywatch/quaywatch/internal/strictyaml"
)

// sources remember where each part of the port was written, so that a problem
// that shows only in the whole still points at a line.
type sources struct {
	ident  *strictyaml.Positions // the file with the section port; nil: none yet
	first  *strictyaml.Positions // the first file
	origin map[string][]origin   // by section, parallel to the slices of Port
}

// origin is where one item of a section was written: item index of a YAML file,
// or a row of a CSV file.
type origin struct {
	yaml  *strictyaml.Positions
	index int
	csv   *table
}

func newSources() *sources { return &sources{origin: map[string][]origin{}} }

// place names a value of the merged port: an item of a section and a path in it.
type place struct {
	section string // yaml key of the section; "port" for the identity
	index   int
	path    string // such as "networks[0]"; empty for the item itself
}

// problem makes a problem that points at the place.
func (s *sources) problem(at place, text, hint string) Problem {
	if at.section == "port" {
		return s.identity(at, text, hint)
	}
	o := s.origin[at.section][at.index]
	if o.csv != nil {
		return o.csv.problem(o.index, at.path, text, hint)
	}
	return o.yaml.Problem(o.full(at), text, hint)
}

func (s *sources) identity(at place, text, hint string) Problem {
	p := s.ident
	if p == nil {
		p = s.first
	}
	if p == nil {
		return Problem{Line: 1, Column: 1, Path: "port", Text: text, Hint: hint}
	}
	if at.path == "" {
		return p.Problem("port", text, hint)
	}
	return p.Problem("port."+at.path, text, hint)
}

// full is the path of a place in its own file.
func (o origin) full(at place) string {
	path := strictyaml.Item(at.section, o.index)
	if at.path != "" {
		path += "." + at.path
	}
	return path
}

// has reports whether the file gives a value there.
func (s *sources) has(at place) bool {
	if at.section == "port" {
		return s.ident != nil && s.ident.Has("port."+at.path)
	}
	o := s.origin[at.section][at.index]
	if o.csv != nil {
		return o.csv.has(o.index, at.path)
	}
	return o.yaml.Has(o.full(at))
}

// text is the value there as it is written, "" where there is none.
func (s *sources) text(at place) string {
	if at.section == "port" || s.origin[at.section][at.index].csv != nil {
		return ""
	}
	o := s.origin[at.section][at.index]
	text, _ := o.yaml.Text(o.full(at))
	return text
}

// where is a place for a message about another place: "zones.yaml line 12".
func (s *sources) where(at place) string {
	p := s.problem(at, "", "")
	return fmt.Sprintf("%s line %d", p.File, p.Line)
}

// take adds what one YAML file declares to the port.
func (r *reader) take(p *Port, at *strictyaml.Positions) {
	if r.sources.first == nil {
		r.sources.first = at
	}
	if at.Has("port") {
		if first := r.sources.ident; first != nil {
			line, _ := first.At("port")
			r.problems = append(r.problems, at.Problem("port", "the section port is given twice", fmt.Sprintf("it is in %s line %d", first.File(), line)))
		} else {
			r.sources.ident, r.port.Identity = at, p.Identity
		}
	}
	add(r, "sites", &r.port.Sites, p.Sites, at)
	add(r, "areas", &r.port.Areas, p.Areas, at)
	add(r, "zones", &r.port.Zones, p.Zones, at)
	add(r, "conduits", &r.port.Conduits, p.Conduits, at)
	add(r, "assets", &r.port.Assets, p.Assets, at)
	add(r, "services", &r.port.Services, p.Services, at)
	add(r, "terminals", &r.port.Terminals, p.Terminals, at)
	add(r, "parties", &r.port.Parties, p.Parties, at)
	add(r, "authorities", &r.port.Authorities, p.Authorities, at)
	add(r, "approvals", &r.port.Approvals, p.Approvals, at)
	add(r, "work_orders", &r.port.WorkOrders, p.WorkOrders, at)
	add(r, "waters", &r.port.Waters, p.Waters, at)
	add(r, "land", &r.port.Land, p.Land, at)
	add(r, "vessels", &r.port.Vessels, p.Vessels, at)
	add(r, "aids", &r.port.Aids, p.Aids, at)
	add(r, "sensors", &r.port.Sensors, p.Sensors, at)
	add(r, "firewalls", &r.port.Firewalls, p.Firewalls, at)
}

func add[T any](r *reader, section string, all *[]T, more []T, at *strictyaml.Positions) {
	if len(*all)+len(more) > maxPerKind {
		r.problems = append(r.problems, at.Problem(section, fmt.Sprintf("more than %d %s", maxPerKind, section), "split the port"))
		return
	}
	*all = append(*all, more...)
	for i := range more {
		r.sources.origin[section] = append(r.sources.origin[section], origin{yaml: at, index: i})
	}
}
