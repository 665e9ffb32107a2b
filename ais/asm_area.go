package ais

// AreaNotice is IMO SN.1/Circ.289 FI 22 (broadcast) and 23 (addressed): an area
// to know of, made of one to ten parts.
type AreaNotice struct {
	Addressed bool   // FI 23
	Linkage   uint16 // 0..1023
	Notice    uint8  // 0..127, a code of the circular's table; 126 cancels, 127 undefined
	Start     When
	Duration  uint32 // minutes, 262143 undefined
	Parts     []Subarea
}

// Shapes of a Subarea.
const (
	Circle uint8 = iota // or a point, where Radius is 0
	Rectangle
	Sector
	Polyline
	Polygon
	AreaText
)

// Subarea is one part of an area. Which fields count is told by Shape.
type Subarea struct {
	Shape       uint8   // Circle…; 6 and 7 are reserved and keep Raw
	Scale       uint8   // distances were sent in units of 10^Scale metres, 0..3
	Precision   uint8   // decimal places of the position, 0..4
	Lat, Lon    float64 // centre, or south-west corner; NaN absent
	Radius      uint32  // metres
	East, North uint32  // metres
	Orientation uint16  // degrees clockwise from north
	Left, Right uint16  // degrees, the boundaries of a sector
	Points      [4]AreaPoint
	Text        string    // 14 characters
	Raw         [2]uint64 // reserved shapes: 42 bits each
}

// AreaPoint is a point of a line, from the one before it.
type AreaPoint struct {
	Bearing  float64 // degrees true, 0..359.5, NaN absent
	Distance uint32  // metres
}

// ID is 1/22 or 1/23.
func (a *AreaNotice) ID() AppID {
	if a.Addressed {
		return AppID{1, 23}
	}
	return AppID{1, 22}
}

var halfDegrees = &unit{div: 2, high: 719, absent: 720, digits: 1}

func (a *AreaNotice) fields(w *walk) {
	whole(w, "linkage", 10, &a.Linkage)
	whole(w, "notice", 7, &a.Notice)
	w.when("start", &a.Start)
	code(w, "duration", 18, &a.Duration, 1<<18-1)
	items(w, "subareas", &a.Parts, 87, 10, (*Subarea).fields)
}

func (s *Subarea) fields(w *walk) {
	whole(w, "shape", 3, &s.Shape)
	switch s.Shape {
	case Circle, Rectangle, Sector:
		whole(w, "scale", 2, &s.Scale)
		w.measure("lon", 25, lon3, &s.Lon)
		w.measure("lat", 24, lat3, &s.Lat)
		whole(w, "precision", 3, &s.Precision)
		s.extent(w)
	case Polyline, Polygon:
		whole(w, "scale", 2, &s.Scale)
		s.line(w)
	case AreaText:
		w.text("text", 14, &s.Text)
	default:
		whole(w, "", 42, &s.Raw[0])
		whole(w, "", 42, &s.Raw[1])
	}
}

func (s *Subarea) extent(w *walk) {
	if s.Shape == Rectangle {
		w.metres("east", 8, s.Scale, &s.East)
		w.metres("north", 8, s.Scale, &s.North)
		whole(w, "orientation", 9, &s.Orientation)
		w.spare(5)
		return
	}
	w.metres("radius", 12, s.Scale, &s.Radius)
	if s.Shape == Sector {
		whole(w, "left", 9, &s.Left)
		whole(w, "right", 9, &s.Right)
		return
	}
	w.spare(18)
}

func (s *Subarea) line(w *walk) {
	key := "waypoints"
	if s.Shape == Polygon {
		key = "vertices"
	}
	json := w.out.shows(key, false)
	if json {
		w.out.begin(key, '[')
	}
	for i := range s.Points {
		if json {
			w.out.begin("", '{')
		}
		w.measure("bearing", 10, halfDegrees, &s.Points[i].Bearing)
		w.metres("distance", 10, s.Scale, &s.Points[i].Distance)
		if json {
			w.out.end('}')
		}
	}
	if json {
		w.out.end(']')
	}
	w.spare(2)
}

// metres is a distance that was sent in units of 10^scale metres.
func (w *walk) metres(key string, width int, scale uint8, p *uint32) {
	factor := [4]uint32{1, 10, 100, 1000}[scale&3]
	raw := *p / factor
	if w.write && raw*factor != *p {
		w.fail(key, *p, "metres are no multiple of the scale")
	}
	if w.out != nil && !w.out.form.Unscaled {
		whole(w, "", width, &raw)
		w.out.int(key, int64(raw*factor))
	} else {
		whole(w, key, width, &raw)
	}
	*p = raw * factor
}

// Waypoint is a point of a Route.
type Waypoint struct{ Lat, Lon float64 } // degrees, NaN absent

// Route is IMO SN.1/Circ.289 FI 27 (broadcast) and 28 (addressed).
type Route struct {
	Addressed bool // FI 28
	Linkage   uint16
	Sender    uint8 // 0 ship, 1 authority
	Kind      uint8 // 0 undefined, 1 mandatory, 2 recommended, 3 alternative, 4 through ice, 5 ship's plan, 31 cancelled
	Start     When
	Duration  uint32 // minutes, 262143 undefined
	Waypoints []Waypoint
}

// ID is 1/27 or 1/28.
func (a *Route) ID() AppID {
	if a.Addressed {
		return AppID{1, 28}
	}
	return AppID{1, 27}
}

func (a *Route) fields(w *walk) {
	whole(w, "linkage", 10, &a.Linkage)
	whole(w, "sender", 3, &a.Sender)
	whole(w, "rtype", 5, &a.Kind)
	w.when("start", &a.Start)
	code(w, "duration", 18, &a.Duration, 1<<18-1)
	count := uint8(len(a.Waypoints))
	whole(w, "", 5, &count)
	items(w, "waypoints", &a.Waypoints, 55, min(int(count), 16), func(p *Waypoint, w *walk) {
		w.measure("lon", 28, lon4, &p.Lon)
		w.measure("lat", 27, lat4, &p.Lat)
	})
}

// Description is IMO SN.1/Circ.289 FI 29 (broadcast) and 30 (addressed): text
// that belongs to the message of the same linkage.
type Description struct {
	Addressed bool // FI 30
	Linkage   uint16
	Text      string // at most 161 characters (FI 29) or 155 (FI 30)
}

// ID is 1/29 or 1/30.
func (a *Description) ID() AppID {
	if a.Addressed {
		return AppID{1, 30}
	}
	return AppID{1, 29}
}

func (a *Description) fields(w *walk) {
	most := 161
	if a.Addressed {
		most = 155
	}
	whole(w, "linkage", 10, &a.Linkage)
	w.rest("text", most, &a.Text)
}

// short is month, day, hour and minute without a zone, as gpsd writes some.
func (t *When) short() string {
	two := func(v uint8) string { return string([]byte{'0' + v/10, '0' + v%10}) }
	return two(t.Month) + "-" + two(t.Day) + "T" + two(t.Hour) + ":" + two(t.Minute)
}
