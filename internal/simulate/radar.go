package simulate

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/quaywatch/quaywatch/internal/port"
)

// radar is the first radar of the port file: a tracker that tells every hull in
// its sight with TTM sentences (IEC 61162-1), whatever AIS says of it.
type radar struct {
	s       *Simulation
	r       *rand.Rand
	p       *port.Sensor
	at      xy
	numbers map[*ship]int
	next    int
	dark    []*ship // hulls without AIS
	buf     []byte
}

// newRadar starts the turns; nil where the port has no radar.
func newRadar(s *Simulation) *radar {
	for i := range s.port.Sensors {
		if p := &s.port.Sensors[i]; p.Kind == "radar" {
			t := &radar{s: s, r: s.random("radar"), p: p, at: s.sea.plane.xy(p.Position), numbers: map[*ship]int{}}
			s.at(s.o.Start.Add(time.Second), t.turn)
			return t
		}
	}
	return nil
}

func (t *radar) every() time.Duration {
	if t.p.Every > 0 {
		return time.Duration(t.p.Every * float64(time.Second))
	}
	return 3 * time.Second
}

// turn tells what one turn of the antenna sees. One hull in twenty is missed.
func (t *radar) turn() {
	for _, v := range append(append([]*ship(nil), t.s.sea.ships...), t.dark...) {
		v.sail(t.s.now)
		if !v.gone && t.r.IntN(20) != 0 {
			t.tell(v)
		}
	}
	t.s.after(t.every(), t.turn)
}

// tell writes what is seen of a hull.
func (t *radar) tell(v *ship) {
	away, bearing := t.at.to(v.pos)
	n, known := t.numbers[v]
	status := byte('T')
	switch {
	case away >= t.p.Range || away <= t.p.Blind || t.hidden(v.pos):
		if !known {
			return
		}
		status = 'L'
		delete(t.numbers, v)
	case !known:
		t.next = t.next%999 + 1
		n = t.next
		t.numbers[v] = n
	}
	scatter := func(by float64) float64 { return t.r.NormFloat64() * by }
	away += scatter(15)
	bearing = math.Mod(bearing+scatter(0.08)+360, 360)
	speed, course := math.Max(0, v.sog+scatter(0.2)), math.Mod(v.heading+scatter(1.5)+360, 360)
	now := t.s.now
	body := fmt.Sprintf("RATTM,%02d,%.3f,%.2f,T,%.1f,%.1f,T,,,N,,%c,,%s,A", n, away/1852, bearing, speed, course, status, now.Format("150405.00"))
	tag := fmt.Sprintf("s:radar,c:%d", now.Unix())
	t.buf = fmt.Appendf(t.buf[:0], "\\%s*%02X\\$%s*%02X\r\n", tag, xored(tag), body, xored(body))
	t.s.emit(Radar, t.buf)
}

func (t *radar) hidden(pos xy) bool {
	for _, ring := range t.p.Shadows {
		in := false
		for i := range ring {
			a, b := t.s.sea.plane.xy(ring[i]), t.s.sea.plane.xy(ring[(i+1)%len(ring)])
			if (a.y > pos.y) != (b.y > pos.y) && pos.x < (b.x-a.x)*(pos.y-a.y)/(b.y-a.y)+a.x {
				in = !in
			}
		}
		if in {
			return true
		}
	}
	return false
}

func xored(text string) (sum byte) {
	for i := range len(text) {
		sum ^= text[i]
	}
	return sum
}

// darkBoat sends a hull without AIS along the main fairway.
func (t *radar) darkBoat(stay time.Duration) {
	w := t.s.sea
	from := w.in[0].moved(180, 2500)
	v := &ship{w: w, pos: from, heading: 75, sog: 9, maxSpeed: 9, at: t.s.now, path: []waypoint{{at: from.moved(75, 40_000), speed: 9}}}
	t.dark = append(t.dark, v)
	t.s.after(stay, func() { t.dark = nil })
}
