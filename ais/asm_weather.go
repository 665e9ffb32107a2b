package ais

// MetHydro236 is IMO SN/Circ.236 FI 11, weather and water at a place.
// It is superseded by FI 31 and still met.
type MetHydro236 struct{ Weather }

// MetHydro is IMO SN.1/Circ.289 FI 31, weather and water at a place.
type MetHydro struct {
	Weather
	Accurate bool // the position is better than 10 m
	Beyond   bool // the visibility is more than the sensor can tell
}

// Weather is what both of them tell. NaN is absent.
type Weather struct {
	Lat, Lon      float64 // degrees
	At            When    // UTC without month; FI 11: hour 31, minute 63 absent
	Wind, Gust    float64 // knots over ten minutes, 0..126
	WindFrom      float64 // degrees true, 0..359
	GustFrom      float64
	Air           float64 // °C, -60.0..60.0
	Humidity      float64 // percent
	DewPoint      float64 // °C, -20.0..50.0
	Pressure      float64 // hPa, 799 (that or less)..1201 (that or more)
	PressureTrend uint8   // 0 steady, 1 decreasing, 2 increasing, 3 absent
	Visibility    float64 // nautical miles, FI 11: 0..25.0, FI 31: 0..12.6
	Level         float64 // metres, -10..30, FI 11 to 0.1, FI 31 to 0.01
	LevelTrend    uint8   // as PressureTrend
	Current       [3]Current
	Wave, Swell   Wave
	SeaState      uint8   // Beaufort 0..12, 13 absent
	Water         float64 // °C, -10.0..50.0
	Precipitation uint8   // 1 rain, 2 thunderstorm, 3 freezing rain, 4 mixed, 5 snow, 7 absent
	Salinity      float64 // per mille, 0..50.0
	Ice           uint8   // 0 no, 1 yes, 3 absent
}

// Current of the water; the first of the three is at the surface.
type Current struct {
	Speed  float64 // knots, 0..25.1
	Toward float64 // degrees true
	Depth  float64 // metres, 0..30
}

// Wave is height, period and direction of waves or swell.
type Wave struct {
	Height float64 // metres, 0..25.1
	Period float64 // seconds, 0..60
	From   float64 // degrees true
}

// ID is 1/11.
func (*MetHydro236) ID() AppID { return AppID{1, 11} }

// ID is 1/31.
func (*MetHydro) ID() AppID { return AppID{1, 31} }

var (
	windKnots   = &unit{high: 126, absent: 127}
	bearing     = &unit{high: 359, absent: 360}
	percent     = &unit{high: 100, absent: 101}
	percent236  = &unit{high: 100, absent: 127}
	air236      = &unit{off: -600, div: 10, high: 1200, absent: 2047, digits: 1}
	dew236      = &unit{off: -200, div: 10, high: 700, absent: 1023, digits: 1}
	pressure236 = &unit{off: 800, high: 400, absent: 511}
	sight236    = &unit{div: 10, high: 250, absent: 255, digits: 1}
	level236    = &unit{off: -100, div: 10, high: 400, absent: 511, digits: 1}
	water236    = &unit{off: -100, div: 10, high: 600, absent: 1023, digits: 1}
	salt236     = &unit{div: 10, high: 500, absent: 511, digits: 1}
	airTenths   = &unit{div: 10, low: -600, high: 600, absent: -1024, digits: 1, signed: true}
	dewTenths   = &unit{div: 10, low: -200, high: 500, absent: 501, digits: 1, signed: true}
	pressureHPa = &unit{off: 799, high: 402, absent: 403}
	sightTenths = &unit{div: 10, high: 126, absent: 127, digits: 1}
	levelCenti  = &unit{off: -1000, div: 100, high: 4000, absent: 4001, digits: 2}
	waterTenths = &unit{div: 10, low: -100, high: 500, absent: 501, digits: 1, signed: true}
	saltTenths  = &unit{div: 10, high: 501, absent: 510, digits: 1}
	tenths8     = &unit{div: 10, high: 251, absent: 255, digits: 1}
	metres5     = &unit{high: 30, absent: 31}
	seconds6    = &unit{high: 60, absent: 63}
	currentKeys = [3][3]string{{"cspeed", "cdir", ""}, {"cspeed2", "cdir2", "cdepth2"}, {"cspeed3", "cdir3", "cdepth3"}}
)

func (a *MetHydro236) fields(w *walk) {
	w.measure("lat", 24, lat3, &a.Lat)
	w.measure("lon", 25, lon3, &a.Lon)
	w.dayTime("timestamp", &a.At)
	a.wind(w)
	w.measure("airtemp", 11, air236, &a.Air)
	w.measure("humidity", 7, percent236, &a.Humidity)
	w.measure("dewpoint", 10, dew236, &a.DewPoint)
	w.measure("pressure", 9, pressure236, &a.Pressure)
	w.word("pressuretend", 2, &a.PressureTrend, trends)
	w.measure("visibility", 8, sight236, &a.Visibility)
	w.measure("waterlevel", 9, level236, &a.Level)
	a.sea(w)
	w.measure("watertemp", 10, water236, &a.Water)
	code(w, "preciptype", 3, &a.Precipitation, 7)
	w.measure("salinity", 9, salt236, &a.Salinity)
	code(w, "ice", 2, &a.Ice, 3)
	w.spare(6)
}

func (a *MetHydro) fields(w *walk) {
	w.measure("lon", 25, lon3, &a.Lon)
	w.measure("lat", 24, lat3, &a.Lat)
	w.flag("accuracy", &a.Accurate)
	w.dayTime("timestamp", &a.At)
	a.wind(w)
	w.measure("airtemp", 11, airTenths, &a.Air)
	w.measure("humidity", 7, percent, &a.Humidity)
	w.measure("dewpoint", 10, dewTenths, &a.DewPoint)
	w.measure("pressure", 9, pressureHPa, &a.Pressure)
	w.word("pressuretend", 2, &a.PressureTrend, trends)
	w.flag("visgreater", &a.Beyond)
	w.measure("visibility", 7, sightTenths, &a.Visibility)
	w.measure("waterlevel", 12, levelCenti, &a.Level)
	a.sea(w)
	w.measure("watertemp", 10, waterTenths, &a.Water)
	w.word("preciptype", 3, &a.Precipitation, rains)
	w.measure("salinity", 9, saltTenths, &a.Salinity)
	w.word("ice", 2, &a.Ice, iceSeen)
	w.spare(10)
}

func (a *Weather) wind(w *walk) {
	w.measure("wspeed", 7, windKnots, &a.Wind)
	w.measure("wgust", 7, windKnots, &a.Gust)
	w.measure("wdir", 9, bearing, &a.WindFrom)
	w.measure("wgustdir", 9, bearing, &a.GustFrom)
}

func (a *Weather) sea(w *walk) {
	w.word("leveltrend", 2, &a.LevelTrend, trends)
	for i := range a.Current {
		c, k := &a.Current[i], &currentKeys[i]
		w.measure(k[0], 8, tenths8, &c.Speed)
		w.measure(k[1], 9, bearing, &c.Toward)
		if i > 0 { // the first is at the surface: its depth is 0
			w.measure(k[2], 5, metres5, &c.Depth)
		}
	}
	w.measure("waveheight", 8, tenths8, &a.Wave.Height)
	w.measure("waveperiod", 6, seconds6, &a.Wave.Period)
	w.measure("wavedir", 9, bearing, &a.Wave.From)
	w.measure("swellheight", 8, tenths8, &a.Swell.Height)
	w.measure("swellperiod", 6, seconds6, &a.Swell.Period)
	w.measure("swelldir", 9, bearing, &a.Swell.From)
	code(w, "seastate", 4, &a.SeaState, 13)
}

// ShipWeather is IMO SN.1/Circ.289 FI 21 in its first form, a weather
// observation from a ship. The second form (WMO, the first bit set) keeps its
// bits in Rest.
type ShipWeather struct {
	WMO           bool
	Place         string // 20 characters
	Lat, Lon      float64
	At            When  // without month
	Present       uint8 // 0 clear, 1 cloudy, 2 rain, 3 fog, 4 snow, 5 typhoon, 6 monsoon, 7 thunderstorm, 8 absent
	Beyond        bool  // the visibility is more than can be told
	Visibility    float64
	Humidity      float64
	Wind          float64
	WindFrom      float64
	Pressure      float64 // hPa
	PressureTrend uint8   // WMO FM13 code, 15 absent
	Air, Water    float64 // °C
	Wave, Swell   Wave
	Rest          [6]uint64 // WMO form: 303 bits, 51 in each of the first five, 48 in the last
}

// ID is 1/21.
func (*ShipWeather) ID() AppID { return AppID{1, 21} }

func (a *ShipWeather) fields(w *walk) {
	w.flag("wmo", &a.WMO)
	if a.WMO {
		for i := range a.Rest {
			width := 51
			if i == 5 {
				width = 48
			}
			whole(w, "", width, &a.Rest[i])
		}
		return
	}
	w.text("location", 20, &a.Place)
	w.measure("lon", 25, lon3, &a.Lon)
	w.measure("lat", 24, lat3, &a.Lat)
	w.dayTime("timestamp", &a.At)
	code(w, "weather", 4, &a.Present, 8)
	w.flag("vislimit", &a.Beyond)
	w.measure("visibility", 7, sightTenths, &a.Visibility)
	w.measure("humidity", 7, percent, &a.Humidity)
	w.measure("wspeed", 7, windKnots, &a.Wind)
	w.measure("wdir", 9, bearing, &a.WindFrom)
	w.measure("pressure", 9, pressureHPa, &a.Pressure)
	code(w, "pressuretend", 4, &a.PressureTrend, 15)
	w.measure("airtemp", 11, airTenths, &a.Air)
	w.measure("watertemp", 10, waterTenths, &a.Water)
	w.measure("waveperiod", 6, seconds6, &a.Wave.Period)
	w.measure("waveheight", 8, tenths8, &a.Wave.Height)
	w.measure("wavedir", 9, bearing, &a.Wave.From)
	w.measure("swellheight", 8, tenths8, &a.Swell.Height)
	w.measure("swelldir", 9, bearing, &a.Swell.From)
	w.measure("swellperiod", 6, seconds6, &a.Swell.Period)
	w.spare(3)
}
