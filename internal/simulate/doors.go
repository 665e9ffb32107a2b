package simulate

import (
	"bytes"
	"encoding/csv"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/port"
)

// AccessHeader is the first line of the access-control file, ended by LF.
const AccessHeader = "time,reader,badge,person,result,direction,reason\n"

// doors is the access-control system and the people who use it.
type doors struct {
	s      *Simulation
	r      *rand.Rand
	ways   map[string][]way // area to the ways out of it; "" is the public side
	slow   string           // door controller whose clock is wrong
	behind time.Duration    // by how much
	buf    bytes.Buffer
	csv    *csv.Writer
}

// way is one access point passed in one direction.
type way struct {
	to     string
	reader string // "" where none is passed
	in     bool
}

// person is one holder of a card at work.
type person struct {
	party *port.Party
	badge string
	goals []string // areas where the work is
	at    string   // area, "" outside
	from  int      // hour UTC of the shift
	truck bool
}

// shift is how long people stay.
const shift = 8 * time.Hour

func newDoors(s *Simulation) *doors {
	d := &doors{s: s, r: s.random("doors"), ways: map[string][]way{}, behind: 6 * time.Minute}
	d.csv = csv.NewWriter(&d.buf)
	for i := range s.port.Areas {
		a := &s.port.Areas[i]
		for k := range a.AccessPoints {
			d.link(a, &a.AccessPoints[k])
		}
	}
	if s.o.Campaign {
		d.slow = d.controllerWithWrongClock()
	}
	for i := range s.port.Parties {
		d.employ(&s.port.Parties[i], i)
	}
	return d
}

// link makes the two ways through an access point. With two readers the first
// is on the way in. Cabinets are opened, not entered.
func (d *doors) link(a *port.Area, p *port.AccessPoint) {
	if p.Kind == "cabinet" {
		return
	}
	in, out := "", ""
	if len(p.Readers) > 0 {
		in, out = p.Readers[0], p.Readers[len(p.Readers)-1]
	}
	if strings.HasSuffix(in, "-out") {
		in = ""
	}
	if strings.HasSuffix(out, "-in") {
		out = ""
	}
	if in != "" || len(p.Readers) == 0 {
		d.ways[p.From] = append(d.ways[p.From], way{a.ID, in, true})
	}
	if out != "" || len(p.Readers) == 0 {
		d.ways[a.ID] = append(d.ways[a.ID], way{p.From, out, false})
	}
}

// controllerWithWrongClock is the one whose readers serve the last ro-ro site:
// the first controller of readers that no attack touches.
func (d *doors) controllerWithWrongClock() string {
	for i := range d.s.port.Assets {
		if a := &d.s.port.Assets[i]; a.Kind == "door-controller" && strings.Contains(a.ID, "roro") {
			return a.ID
		}
	}
	return ""
}

// employ gives a person with a valid card a shift and a place of work.
func (d *doors) employ(p *port.Party, n int) {
	if p.Kind != "person" {
		return
	}
	i := slices.IndexFunc(p.Badges, func(b port.Badge) bool {
		return !b.Revoked && (b.Expires.IsZero() || b.Expires.After(d.s.o.Start))
	})
	if i < 0 {
		return
	}
	w := &person{party: p, badge: p.Badges[i].Number, from: []int{6, 14, 22}[n%3], truck: strings.HasPrefix(p.ID, "truck-driver")}
	for k := range d.s.port.Areas {
		a := &d.s.port.Areas[k]
		cabinet := len(a.AccessPoints) > 0 && a.AccessPoints[0].Kind == "cabinet"
		if a.Restricted && !cabinet && d.s.port.MayEnter(p.ID, a.ID) && d.route(p.ID, "", a.ID) != nil && d.route(p.ID, a.ID, "") != nil {
			w.goals = append(w.goals, a.ID)
		}
	}
	if len(w.goals) == 0 {
		return
	}
	home := w.goals[d.r.IntN(len(w.goals))]
	w.goals = slices.DeleteFunc(w.goals, func(g string) bool { return d.ground(g) != d.ground(home) })
	if w.truck {
		d.s.at(d.s.o.Start.Add(time.Duration(d.r.IntN(50))*time.Minute), func() { d.haul(w) })
		return
	}
	start := time.Date(d.s.o.Start.Year(), d.s.o.Start.Month(), d.s.o.Start.Day(), w.from, 0, 0, 0, time.UTC).Add(-24 * time.Hour)
	for start.Add(shift).Before(d.s.o.Start) {
		start = start.Add(24 * time.Hour)
	}
	if start.Before(d.s.o.Start) { // at work already: seen when they next pass a door
		w.at = w.goals[d.r.IntN(len(w.goals))]
		d.s.at(d.s.o.Start.Add(time.Duration(d.r.IntN(1800))*time.Second), func() { d.work(w, start.Add(shift)) })
		return
	}
	d.s.at(start.Add(time.Duration(d.r.IntN(1500)-900)*time.Second), func() { d.work(w, start.Add(shift)) })
}

// ground is the site of an area: people stay on one ground for a shift.
func (d *doors) ground(area string) string {
	if a := d.s.port.Area(area); a != nil {
		return a.Site
	}
	return ""
}

// work goes to a place of work, stays, goes to another, and home at the end.
func (d *doors) work(w *person, end time.Time) {
	if !d.s.now.Before(end) {
		d.walk(w, "", func() {
			d.s.at(end.Add(16*time.Hour+time.Duration(d.r.IntN(1500))*time.Second), func() { d.work(w, end.Add(24*time.Hour)) })
		})
		return
	}
	stay := time.Duration(12+d.r.IntN(40)) * time.Minute
	d.walk(w, w.goals[d.r.IntN(len(w.goals))], func() { d.s.after(stay, func() { d.work(w, end) }) })
}

// haul drives in, loads, and drives out again.
func (d *doors) haul(w *person) {
	d.walk(w, w.goals[0], func() {
		d.s.after(time.Duration(20+d.r.IntN(30))*time.Minute, func() {
			d.walk(w, "", func() { d.s.after(time.Duration(40+d.r.IntN(90))*time.Minute, func() { d.haul(w) }) })
		})
	})
}

// walk passes the doors on the way, a minute or two apart, then goes on.
func (d *doors) walk(w *person, to string, then func()) {
	ways := d.route(w.party.ID, w.at, to)
	var step func(i int)
	step = func(i int) {
		if i == len(ways) {
			then()
			return
		}
		dir := "out"
		if ways[i].in {
			dir = "in"
		}
		w.at = ways[i].to
		if ways[i].reader != "" {
			d.row(ways[i].reader, w.badge, w.party.Name, event.AccessGranted, dir, "")
		}
		d.s.after(time.Duration(70+d.r.IntN(90))*time.Second+time.Duration(d.r.IntN(1000))*time.Millisecond, func() { step(i + 1) })
	}
	step(0)
}

// route is the shortest way by doors that the person may pass; nil where there is none.
func (d *doors) route(party, from, to string) []way {
	type place struct {
		area string
		path []way
	}
	seen := map[string]bool{from: true}
	todo := []place{{area: from}}
	for len(todo) > 0 {
		p := todo[0]
		todo = todo[1:]
		if p.area == to {
			return append(p.path, []way{}...)
		}
		for _, w := range d.ways[p.area] {
			if seen[w.to] || (w.to != "" && !d.s.port.MayEnter(party, w.to)) {
				continue
			}
			seen[w.to] = true
			todo = append(todo, place{w.to, append(slices.Clone(p.path), w)})
		}
	}
	return nil
}

// row writes one event as the system of the port tells it: with the clock of
// the door controller.
func (d *doors) row(reader, badge, name string, result event.AccessResult, dir, reason string) {
	told := d.s.now
	if a := d.s.port.Asset(reader); d.slow != "" && a != nil && slices.Contains(a.ControlledBy, d.slow) {
		told = told.Add(-d.behind)
	}
	d.buf.Reset()
	if err := d.csv.Write([]string{told.Format("2006-01-02T15:04:05.000Z07:00"), reader, badge, name, string(result), dir, reason}); err != nil {
		d.s.fail(err)
		return
	}
	d.csv.Flush()
	d.s.emit(Access, d.buf.Bytes())
}
