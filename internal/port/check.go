package port

import (
	"reflect"
	"time"
)

// checker judges the merged port. Every problem points at the line where the
// value was written, whichever file that was.
type checker struct {
	port       *Port
	sources    *sources
	now        time.Time // what has expired is judged here; zero: not judged
	incomplete bool      // parts could not be read, so what is not declared may be there
	plans      map[reflect.Type]plan
	ids        map[string]declared
	names      map[kind][]string // ids by kind, for suggestions
	guesses    int               // suggestions looked up so far
	told       map[spot]bool     // where the reader told a fault already
	problems   Problems
}

// declared is what an id stands for.
type declared struct {
	kind kind
	at   place
}

type spot struct {
	file         string
	line, column int
}

func newChecker(r *reader, now time.Time) *checker {
	c := &checker{port: &r.port, sources: r.sources, now: now, plans: map[reflect.Type]plan{},
		incomplete: r.incomplete(), ids: make(map[string]declared, len(r.port.Assets)+256),
		names: map[kind][]string{}, told: map[spot]bool{}}
	for _, p := range r.problems {
		c.told[spot{p.File, p.Line, p.Column}] = true
	}
	return c
}

// check runs all checks: first each field by itself, then what they say together.
func (c *checker) check() {
	c.declare()
	c.fields()
	c.identity()
	c.areas()
	c.zones()
	c.conduits()
	c.firewalls()
	c.assets()
	c.services()
	c.terminals()
	c.parties()
	c.authorities()
	c.work()
	c.seamarks()
	c.cycles()
	c.complete()
}

// fields holds every field against the table of rules.
func (c *checker) fields() {
	p := c.port
	if c.sources.ident != nil {
		c.walk(place{section: "port"}, reflect.ValueOf(p.Identity))
	} else if !c.incomplete {
		c.fault(place{section: "port"}, "the section port is missing", "say which port this is: name, locode, time_zone, currency, security_level, centre")
	}
	walkAll(c, "sites", p.Sites)
	walkAll(c, "areas", p.Areas)
	walkAll(c, "zones", p.Zones)
	walkAll(c, "conduits", p.Conduits)
	walkAll(c, "assets", p.Assets)
	walkAll(c, "services", p.Services)
	walkAll(c, "terminals", p.Terminals)
	walkAll(c, "parties", p.Parties)
	walkAll(c, "authorities", p.Authorities)
	walkAll(c, "approvals", p.Approvals)
	walkAll(c, "work_orders", p.WorkOrders)
	walkAll(c, "waters", p.Waters)
	walkAll(c, "land", p.Land)
	walkAll(c, "vessels", p.Vessels)
	walkAll(c, "aids", p.Aids)
	walkAll(c, "sensors", p.Sensors)
	walkAll(c, "firewalls", p.Firewalls)
}

func walkAll[T any](c *checker, section string, all []T) {
	v := reflect.ValueOf(all)
	for i := range all {
		c.walk(place{section, i, ""}, v.Index(i))
	}
}

// fault tells what keeps the port from being used.
func (c *checker) fault(at place, text, hint string) { c.tell(at, text, hint, false) }

// warn tells what is likely a mistake and can be lived with.
func (c *checker) warn(at place, text, hint string) { c.tell(at, text, hint, true) }

// tell adds a problem, unless the reader told one at the same spot: what could
// not be read is not also missing or wrong.
func (c *checker) tell(at place, text, hint string, warning bool) {
	p := c.sources.problem(at, text, hint)
	if c.told[spot{p.File, p.Line, p.Column}] {
		return
	}
	p.Warning = warning
	c.problems = append(c.problems, p)
}
