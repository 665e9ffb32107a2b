package vessel

import (
	"fmt"
	"math"
	"slices"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
)

// maxRecent is how many of the newest fixes a hull keeps for the rules of shape.
const maxRecent = 24

// markEvery is the least time between two of them, seconds: a ring must fit into
// the four minutes that they then cover.
const markEvery = 8

// mark is a fix in twenty bytes.
type mark struct {
	sec      uint32
	lat, lon int32   // 1e-7 degree
	sog, cog float32 // knots and degrees, NaN absent
}

// remember keeps the newest fix for the rules of shape, and tells when a new
// look is due: each fourth one.
func (h *hull) remember() bool {
	m := mark{sec: uint32(h.at / 1e9), lat: int32(math.Round(h.lat * 1e7)), lon: int32(math.Round(h.lon * 1e7)), sog: h.sog, cog: h.cog}
	if n := len(h.recent); n > 0 && m.sec-h.recent[(h.nrecent-1)%maxRecent].sec < markEvery {
		return false
	}
	if h.recent == nil {
		h.recent = make([]mark, 0, maxRecent)
	}
	if len(h.recent) < maxRecent {
		h.recent = append(h.recent, m)
	} else {
		h.recent[h.nrecent%maxRecent] = m
	}
	h.nrecent++
	return h.nrecent%4 == 0 && len(h.recent) >= 12
}

// judgePath looks at the shape of the path and at how the vessel behaves.
func (w *Watch) judgePath(s *ship, h *hull, r *event.VesselReport, at int64) {
	if !s.movable() {
		return
	}
	w.judgeDrift(s, h, r, at)
	w.judgeStop(s, h, r, at)
	w.judgePlace(s, r, at)
	if h.remember() {
		w.judgeCircle(s, h, r, at)
	}
}

// ring is a circle through the recent fixes.
type ring struct {
	lat, lon float64 // centre
	radius   float64 // metres
	residual float64 // root mean square, part of the radius
	sweep    float64 // degrees that hold fixes: 360 less the widest gap
	offset   float64 // mean angle between course told and tangent, degrees; NaN where no courses are told
	speed    float64 // mean speed told, knots; NaN where none
	from     uint32
}

// judgeCircle finds a path on a ring that no ship sails: too tight for its
// speed, or not in the direction of its own course.
func (w *Watch) judgeCircle(s *ship, h *hull, r *event.VesselReport, at int64) {
	c, ok := fit(h.recent, w.lim.CircleLeast, w.lim.CircleMost)
	if !ok || c.residual > w.lim.CircleResidual || c.sweep < w.lim.CircleSweep || at/1e9-int64(c.from) > 7200 {
		return
	}
	speed := c.speed * knot
	lateral := speed * speed / c.radius
	tangential := c.offset <= w.lim.CircleOffset
	if c.speed < 1.5 || c.speed != c.speed || c.offset != c.offset || tangential && lateral < w.lim.CircleLateral {
		return // a swing at anchor, or a ship that does sail a ring
	}
	g := finding.Suspected
	if !tangential {
		g = finding.Likely
	}
	o, tell := w.hold(s, circling, g, at)
	if !tell {
		return
	}
	o.Title = fmt.Sprintf("%s is reported on a ring of %.0f m radius, which a vessel does not sail so", s.title(), c.radius)
	o.Summary = fmt.Sprintf("The newest %d fixes lie within %.1f %% of a circle and cover %.0f° of it, at %.1f kn. Rings like this were seen where satellite navigation was falsified.",
		len(h.recent), 100*c.residual, c.sweep, c.speed)
	o.Facts = []finding.Fact{fact(r.Head, fmt.Sprintf("MMSI %s at %s; centre %s, mean angle between course and tangent %.0f°, sideways acceleration %.2f m/s².",
		digits(s.mmsi), place(r.Lat, r.Lon), place(c.lat, c.lon), c.offset, lateral))}
	o.RuledOut = []string{"a swing at anchor: faster than 1.5 kn", "a damaged sentence: the checksums are right"}
	if tangential {
		o.RuledOut = append(o.RuledOut, "a turning circle of a ship: it would be wider at that speed")
	} else {
		o.RuledOut = append(o.RuledOut, "a turning circle: the course told does not follow the ring")
	}
	o.Unknown = []string{"where the vessel is; the centre of such rings was near to the transmitter that caused them, and far from the ships"}
	o.Next = []string{"Look for the vessel by radar, not at its reported place.", "Ask other vessels whether their positions agree with the radar."}
	o.Place = &finding.Place{Lat: c.lat, Lon: c.lon, Outline: outlineOf([][2]float64{{c.lon, c.lat}}, c.radius)}
	w.emit(o)
}

// fit lays a circle through the marks by least squares (Kåsa). It reports false
// where they lie in a line, on a point, or on a circle of another size.
func fit(marks []mark, least, most float64) (ring, bool) {
	lat0, lon0 := float64(marks[0].lat)/1e7, float64(marks[0].lon)/1e7
	k := math.Cos(lat0 * degree)
	var xs, ys [maxRecent]float64
	var mx, my float64
	n := float64(len(marks))
	for i, m := range marks {
		xs[i] = (float64(m.lon)/1e7 - lon0) * degree * earthRadius * k
		ys[i] = (float64(m.lat)/1e7 - lat0) * degree * earthRadius
		mx, my = mx+xs[i]/n, my+ys[i]/n
	}
	var xx, yy, xy, xz, yz, zz float64
	for i := range marks {
		x, y := xs[i]-mx, ys[i]-my
		z := x*x + y*y
		xx, yy, xy, xz, yz, zz = xx+x*x, yy+y*y, xy+x*y, xz+x*z, yz+y*z, zz+z
	}
	det := xx*yy - xy*xy
	if zz/n < least*least/2 || zz/n > most*most || det < 1e-3*zz*zz {
		return ring{}, false
	}
	cx, cy := (xz*yy-yz*xy)/(2*det), (yz*xx-xz*xy)/(2*det)
	c := ring{radius: math.Sqrt(cx*cx + cy*cy + zz/n), from: marks[0].sec}
	if c.radius < least || c.radius > most {
		return ring{}, false
	}
	cx, cy = cx+mx, cy+my
	c.lat, c.lon = lat0+cy/degree/earthRadius, lon0+cx/degree/earthRadius/k
	c.measure(marks, xs[:len(marks)], ys[:len(marks)], cx, cy)
	return c, true
}

// measure takes how well the marks lie on the ring.
func (c *ring) measure(marks []mark, xs, ys []float64, cx, cy float64) {
	var at [maxRecent]float64
	var square, speed, offset, told float64
	for i, m := range marks {
		x, y := xs[i]-cx, ys[i]-cy
		square += math.Pow(math.Hypot(x, y)-c.radius, 2)
		at[i] = math.Atan2(x, y) / degree
		c.from = min(c.from, m.sec)
		if m.sog == m.sog && m.cog == m.cog {
			told++
			speed += float64(m.sog)
			along := math.Abs(math.Mod(float64(m.cog)-at[i]+720, 180) - 90) // 0 on the tangent, either way round
			offset += along
		}
	}
	n := float64(len(marks))
	c.residual = math.Sqrt(square/n) / c.radius
	if told < n/2 {
		c.speed, c.offset = math.NaN(), math.NaN()
	} else {
		c.speed, c.offset = speed/told, offset/told // courses of chance are 45° off on the mean
	}
	angles := at[:len(marks)]
	slices.Sort(angles)
	gap := angles[0] + 360 - angles[len(angles)-1]
	for i := 1; i < len(angles); i++ {
		gap = max(gap, angles[i]-angles[i-1])
	}
	c.sweep = 360 - gap
}
