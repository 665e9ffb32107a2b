package ais

import "fmt"

// Inland AIS (DAC 200): the standard for vessel tracking and tracing in inland
// navigation, CCNR/CESNI, annex of Implementing Regulation (EU) 2019/838.

// InlandShip is FI 10, inland ship static and voyage related data. Lengths are
// sent in decimetres and the draught in centimetres; here all is in metres.
type InlandShip struct {
	ENI            string  // European vessel identification number, 8 characters
	Length         float64 // metres, 0.1..800.0, NaN absent
	Beam           float64 // metres, 0.1..100.0, NaN absent
	Draught        float64 // metres, 0.01..20.00, NaN absent
	Kind           uint16  // ERI ship or combination type, 0..16383; 8000 unknown
	Hazard         uint8   // blue cones 0..3, 4 B flag, 5 unknown
	Loaded         uint8   // 0 absent, 1 unloaded, 2 loaded
	SpeedQuality   bool    // better than GNSS
	CourseQuality  bool
	HeadingQuality bool // a certified gyro
}

// ID is 200/10.
func (*InlandShip) ID() AppID { return AppID{200, 10} }

var (
	inlandLength  = &unit{div: 10, low: 1, high: 8000, digits: 1}
	inlandBeam    = &unit{div: 10, low: 1, high: 1000, digits: 1}
	inlandDraught = &unit{div: 100, low: 1, high: 2000, digits: 2}
	inlandAir     = &unit{div: 100, low: 1, high: 4000, digits: 2}
)

func (a *InlandShip) fields(w *walk) {
	w.text("vin", 8, &a.ENI)
	w.measure("length", 13, inlandLength, &a.Length)
	w.measure("beam", 10, inlandBeam, &a.Beam)
	whole(w, "shiptype", 14, &a.Kind)
	code(w, "hazard", 3, &a.Hazard, 5)
	w.measure("draught", 11, inlandDraught, &a.Draught)
	code(w, "loaded", 2, &a.Loaded, 0)
	w.flag("speed_q", &a.SpeedQuality)
	w.flag("course_q", &a.CourseQuality)
	w.flag("heading_q", &a.HeadingQuality)
	w.spare(8)
}

// InlandPlace is a lock, bridge or terminal by its ISRS location code.
type InlandPlace struct {
	Country    string // UN country code, 2 characters
	Locode     string // UN location code, 3
	Section    string // fairway section, 5
	Terminal   string // 5
	Hectometre string // 5
}

func (p *InlandPlace) fields(w *walk) {
	w.text("country", 2, &p.Country)
	w.text("locode", 3, &p.Locode)
	w.text("section", 5, &p.Section)
	w.text("terminal", 5, &p.Terminal)
	w.text("hectometre", 5, &p.Hectometre)
}

// InlandETA is FI 21: a ship tells when it will be there.
type InlandETA struct {
	Place      InlandPlace
	ETA        When
	Tugs       uint8   // assisting, 0..6, 7 unknown
	AirDraught float64 // metres, 0.01..40.00, NaN absent
}

// ID is 200/21.
func (*InlandETA) ID() AppID { return AppID{200, 21} }

func (a *InlandETA) fields(w *walk) {
	a.Place.fields(w)
	w.when("eta", &a.ETA)
	code(w, "tugs", 3, &a.Tugs, 7)
	w.measure("airdraught", 12, inlandAir, &a.AirDraught)
	w.spare(5)
}

// InlandRTA is FI 22, the answer of the lock, bridge or terminal.
type InlandRTA struct {
	Place  InlandPlace
	RTA    When
	Status uint8 // 0 operational, 1 limited, 2 out of order, 3 absent
}

// ID is 200/22.
func (*InlandRTA) ID() AppID { return AppID{200, 22} }

func (a *InlandRTA) fields(w *walk) {
	a.Place.fields(w)
	w.when("eta", &a.RTA) // gpsd's name for it
	code(w, "status", 2, &a.Status, 3)
	w.spare(2)
}

// InlandWarning is FI 23, a weather warning of EMMA for a stretch of fairway.
type InlandWarning struct {
	StartYear, EndYear uint8 // after 2000, 1..255, 0 absent
	Start, End         When
	StartLat, StartLon float64 // degrees, NaN absent
	EndLat, EndLon     float64
	Kind               uint8 // 0 absent, 1 wind, 2 rain, 3 snow and ice, 4 thunderstorm, 5 fog, 6 cold, 7 heat, 8 flood, 9 forest fire
	Min, Max           int16 // in the unit of the kind, -253..253, -255 and 255 absent
	Intensity          uint8 // 1 slight, 2 medium, 3 strong, 0 absent
	Wind               uint8 // 1 north, clockwise to 8 north-west, 0 absent
}

// ID is 200/23.
func (*InlandWarning) ID() AppID { return AppID{200, 23} }

func (a *InlandWarning) fields(w *walk) {
	date := func(year *uint8, t *When) {
		whole(w, "", 8, year)
		whole(w, "", 4, &t.Month)
		whole(w, "", 5, &t.Day)
	}
	clock := func(t *When) {
		whole(w, "", 5, &t.Hour)
		whole(w, "", 6, &t.Minute)
	}
	date(&a.StartYear, &a.Start)
	date(&a.EndYear, &a.End)
	clock(&a.Start)
	clock(&a.End)
	told := func(key string, year uint8, t *When) {
		if w.out.shows(key, year == 0 && t.Month == 0 && t.Day == 0) {
			w.out.text(key, fmt.Sprintf("%4d-%02d-%02dT%02d:%02d", 2000+int(year), t.Month, t.Day, t.Hour, t.Minute))
		}
	}
	told("start", a.StartYear, &a.Start)
	told("end", a.EndYear, &a.End)
	w.measure("start_lon", 28, lon4, &a.StartLon)
	w.measure("start_lat", 27, lat4, &a.StartLat)
	w.measure("end_lon", 28, lon4, &a.EndLon)
	w.measure("end_lat", 27, lat4, &a.EndLat)
	code(w, "warning", 4, &a.Kind, 0)
	w.signed("min", 9, &a.Min, -255)
	w.signed("max", 9, &a.Max, 255)
	code(w, "intensity", 2, &a.Intensity, 0)
	code(w, "wind", 4, &a.Wind, 0)
	w.spare(6)
}

// InlandGauge is one reading of a gauge.
type InlandGauge struct {
	Gauge uint16 // 1..2047, 0 unknown
	Level int16  // centimetres against its zero, -8191..8191, 0 absent
}

// InlandLevels is FI 24, water levels of at most four gauges.
type InlandLevels struct {
	Country string // UN country code
	Gauges  []InlandGauge
}

// ID is 200/24.
func (*InlandLevels) ID() AppID { return AppID{200, 24} }

func (a *InlandLevels) fields(w *walk) {
	w.text("country", 2, &a.Country)
	items(w, "gauges", &a.Gauges, 25, 4, func(g *InlandGauge, w *walk) {
		code(w, "id", 11, &g.Gauge, 0)
		w.signed("level", 14, &g.Level, 0)
	})
}

// InlandSignal is FI 40, the state of a light signal.
type InlandSignal struct {
	Lat, Lon  float64 // degrees, NaN absent
	Form      uint8   // 0..15, 0 unknown
	Facing    float64 // degrees, NaN absent
	Direction uint8   // of impact: 0 unknown, 1 upstream, 2 downstream, 3 left bank, 4 right bank
	Lights    uint32  // as sent, 30 bits: a decimal digit a light, at most nine
}

// ID is 200/40.
func (*InlandSignal) ID() AppID { return AppID{200, 40} }

var facing = &unit{high: 359, absent: 511}

func (a *InlandSignal) fields(w *walk) {
	w.measure("lon", 28, lon4, &a.Lon)
	w.measure("lat", 27, lat4, &a.Lat)
	code(w, "form", 4, &a.Form, 0)
	w.measure("facing", 9, facing, &a.Facing)
	code(w, "direction", 3, &a.Direction, 0)
	code(w, "status", 30, &a.Lights, 0)
	w.spare(11)
}

// InlandPersons is FI 55, persons on board.
type InlandPersons struct {
	Crew       uint8  // 0..254, 255 absent
	Passengers uint16 // 0..8190, 8191 absent
	Personnel  uint8  // on board for other work, 0..254, 255 absent
}

// ID is 200/55.
func (*InlandPersons) ID() AppID { return AppID{200, 55} }

func (a *InlandPersons) fields(w *walk) {
	code(w, "crew", 8, &a.Crew, 255)
	code(w, "passengers", 13, &a.Passengers, 8191)
	code(w, "personnel", 8, &a.Personnel, 255)
	w.spare(51)
}

// AidMonitor is FI 10 of the United Kingdom (DAC 235) and Ireland (250): what
// the General Lighthouse Authorities' aids tell of their health.
type AidMonitor struct {
	Area     uint16  // 235 or 250
	Supply   float64 // volts, 0.05..36.00 and above, NaN absent
	External [2]float64
	Racon    uint8 // 0 none, 1 not monitored, 2 operational, 3 error
	Light    uint8 // 0 none or not monitored, 1 on, 2 off, 3 error
	Alarm    bool
	Inputs   uint8 // eight digital inputs, the highest bit first
	Off      bool  // off position
}

// ID is 235/10 or 250/10.
func (a *AidMonitor) ID() AppID { return AppID{a.Area, 10} }

var volts = &unit{div: 20, low: 1, high: 1023, digits: 2}

func (a *AidMonitor) fields(w *walk) {
	w.measure("ana_int", 10, volts, &a.Supply)
	w.measure("ana_ext1", 10, volts, &a.External[0])
	w.measure("ana_ext2", 10, volts, &a.External[1])
	whole(w, "racon", 2, &a.Racon)
	whole(w, "light", 2, &a.Light)
	w.flag("alarm", &a.Alarm)
	whole(w, "stat_ext", 8, &a.Inputs)
	w.flag("off_pos", &a.Off)
	w.spare(4)
}
