package ais

// Environmental is IMO SN.1/Circ.289 FI 26: one to eight reports of sensors.
type Environmental struct{ Reports []SensorReport }

// SensorReport is one report. Its kind is that of Reading.
type SensorReport struct {
	At      When  // without month
	Site    uint8 // 0..127
	Reading Reading
}

// Reading is what a sensor tells: SensorSite, SensorName, SensorWind,
// SensorLevel, SensorCurrent, SensorCurrent3D, SensorCurrentAside, SensorSea,
// SensorSalt, SensorWeather, SensorAirGap or SensorOther.
type Reading interface {
	kind() uint8
	fields(w *walk)
}

// ID is 1/26.
func (*Environmental) ID() AppID { return AppID{1, 26} }

func (a *Environmental) fields(w *walk) {
	items(w, "reports", &a.Reports, 112, 8, (*SensorReport).fields)
}

func (r *SensorReport) fields(w *walk) {
	end := w.at + 112
	kind := uint8(15)
	if r.Reading != nil {
		kind = r.Reading.kind()
	}
	whole(w, "sensor", 4, &kind)
	w.dayTime("timestamp", &r.At)
	whole(w, "site", 7, &r.Site)
	if !w.write {
		r.Reading = reading(kind)
	}
	if r.Reading != nil {
		r.Reading.fields(w)
	}
	w.spare(end - w.at)
}

func reading(kind uint8) Reading {
	switch kind {
	case 0:
		return &SensorSite{}
	case 1:
		return &SensorName{}
	case 2:
		return &SensorWind{}
	case 3:
		return &SensorLevel{}
	case 4:
		return &SensorCurrent{}
	case 5:
		return &SensorCurrent3D{}
	case 6:
		return &SensorCurrentAside{}
	case 7:
		return &SensorSea{}
	case 8:
		return &SensorSalt{}
	case 9:
		return &SensorWeather{}
	case 10:
		return &SensorAirGap{}
	}
	return &SensorOther{Kind: kind}
}

// SensorSite is where the sensor stands.
type SensorSite struct {
	Lat, Lon float64 // degrees, NaN absent
	Altitude float64 // metres above mean sea level, 0..200.1, NaN absent
	Owner    uint8   // 0 unknown, 1 hydrographic office, 2 inland authority, 3 coastal directorate, 4 weather service, 5 port, 6 coast guard
	Timeout  uint8   // 0 none, 1 ten minutes, 2 one hour, 3 six, 4 twelve, 5 twenty-four hours
}

var altitude = &unit{div: 10, high: 2001, absent: 2002, digits: 1}

func (*SensorSite) kind() uint8 { return 0 }

func (s *SensorSite) fields(w *walk) {
	w.measure("lon", 28, lon4, &s.Lon)
	w.measure("lat", 27, lat4, &s.Lat)
	w.measure("alt", 11, altitude, &s.Altitude)
	code(w, "owner", 4, &s.Owner, 0)
	code(w, "timeout", 3, &s.Timeout, 0)
}

// SensorName is what the sensor is called, 14 characters.
type SensorName struct{ Name string }

func (*SensorName) kind() uint8 { return 1 }

func (s *SensorName) fields(w *walk) { w.text("name", 14, &s.Name) }

// SensorWind is wind now and forecast.
type SensorWind struct {
	Wind, Gust, WindFrom, GustFrom       float64 // knots, degrees true
	Sensor                               uint8   // 0 none, 1 raw, 2 checked, 3 predicted, 4 forecast, 5 nowcast, 7 not available
	ForecastWind, ForecastGust, Forecast float64 // knots, knots, degrees true
	Valid                                When    // without month
	Duration                             uint8   // minutes, 0 cancelled, 255 undefined
}

func (*SensorWind) kind() uint8 { return 2 }

func (s *SensorWind) fields(w *walk) {
	w.measure("wspeed", 7, windKnots, &s.Wind)
	w.measure("wgust", 7, windKnots, &s.Gust)
	w.measure("wdir", 9, bearing, &s.WindFrom)
	w.measure("wgustdir", 9, bearing, &s.GustFrom)
	whole(w, "sensortype", 3, &s.Sensor)
	w.measure("fwspeed", 7, windKnots, &s.ForecastWind)
	w.measure("fwgust", 7, windKnots, &s.ForecastGust)
	w.measure("fwdir", 9, bearing, &s.Forecast)
	w.dayTime("valid", &s.Valid)
	whole(w, "duration", 8, &s.Duration)
}

// SensorLevel is the water level now and forecast.
type SensorLevel struct {
	AgainstDatum         bool    // rather than against the chart's
	Level                float64 // metres, -327.67..327.67, NaN absent
	Trend                uint8   // 0 steady, 1 decreasing, 2 increasing, 3 absent
	Datum                uint8   // 0..13, 14 unknown
	Sensor               uint8
	ForecastAgainstDatum bool
	Forecast             float64
	Valid                When
	Duration             uint8
}

var level16 = &unit{div: 100, low: -32767, high: 32767, absent: -32768, digits: 2, signed: true}

func (*SensorLevel) kind() uint8 { return 3 }

func (s *SensorLevel) fields(w *walk) {
	w.flag("absolute", &s.AgainstDatum)
	w.measure("level", 16, level16, &s.Level)
	w.word("leveltrend", 2, &s.Trend, trends)
	code(w, "datum", 5, &s.Datum, 14)
	whole(w, "sensortype", 3, &s.Sensor)
	w.flag("fabsolute", &s.ForecastAgainstDatum)
	w.measure("flevel", 16, level16, &s.Forecast)
	w.dayTime("valid", &s.Valid)
	whole(w, "duration", 8, &s.Duration)
}

var (
	speed8      = &unit{div: 10, high: 246, absent: 247, digits: 1}
	depth9      = &unit{high: 361, absent: 362}
	distance7   = &unit{high: 121, absent: 122}
	flowKeys    = [3][3]string{{"cspeed1", "cdir1", "cdepth1"}, {"cspeed2", "cdir2", "cdepth2"}, {"cspeed3", "cdir3", "cdepth3"}}
	flow3DKeys  = [2][4]string{{"cnorth1", "ceast1", "cup1", "cdepth1"}, {"cnorth2", "ceast2", "cup2", "cdepth2"}}
	asideKeys   = [2][5]string{{"bearing1", "distance1", "speed1", "direction1", "depth1"}, {"bearing2", "distance2", "speed2", "direction2", "depth2"}}
	waterSensor = &unit{off: -100, div: 10, high: 600, absent: 601, digits: 1}
)

// SensorCurrent is the current at three depths (knots, degrees, metres).
type SensorCurrent struct {
	Flow   [3]Current
	Sensor uint8
}

func (*SensorCurrent) kind() uint8 { return 4 }

func (s *SensorCurrent) fields(w *walk) {
	for i := range s.Flow {
		w.measure(flowKeys[i][0], 8, speed8, &s.Flow[i].Speed)
		w.measure(flowKeys[i][1], 9, bearing, &s.Flow[i].Toward)
		w.measure(flowKeys[i][2], 9, depth9, &s.Flow[i].Depth)
	}
	whole(w, "sensortype", 3, &s.Sensor)
}

// Flow3D is a current by its components, knots, and the depth in metres.
type Flow3D struct{ North, East, Up, Depth float64 }

// SensorCurrent3D is the current at two depths by its components.
type SensorCurrent3D struct {
	Flow   [2]Flow3D
	Sensor uint8
}

func (*SensorCurrent3D) kind() uint8 { return 5 }

func (s *SensorCurrent3D) fields(w *walk) {
	for i := range s.Flow {
		w.measure(flow3DKeys[i][0], 8, speed8, &s.Flow[i].North)
		w.measure(flow3DKeys[i][1], 8, speed8, &s.Flow[i].East)
		w.measure(flow3DKeys[i][2], 8, speed8, &s.Flow[i].Up)
		w.measure(flow3DKeys[i][3], 9, depth9, &s.Flow[i].Depth)
	}
	whole(w, "sensortype", 3, &s.Sensor)
}

// FlowAside is a current at a bearing (degrees) and distance (metres) from the sensor.
type FlowAside struct{ Bearing, Distance, Speed, Toward, Depth float64 }

// SensorCurrentAside is the current at two places beside the sensor.
type SensorCurrentAside struct{ Flow [2]FlowAside }

func (*SensorCurrentAside) kind() uint8 { return 6 }

func (s *SensorCurrentAside) fields(w *walk) {
	for i := range s.Flow {
		f, k := &s.Flow[i], &asideKeys[i]
		w.measure(k[0], 9, bearing, &f.Bearing)
		w.measure(k[1], 7, distance7, &f.Distance)
		w.measure(k[2], 8, speed8, &f.Speed)
		w.measure(k[3], 9, bearing, &f.Toward)
		w.measure(k[4], 9, depth9, &f.Depth)
	}
}

// SensorSea is swell, waves and water.
type SensorSea struct {
	Swell, Wave                                Wave
	SeaState                                   uint8 // Beaufort, 13 absent
	Water                                      float64
	WaterDepth                                 float64 // metres, 0..12.0
	Salinity                                   float64 // per mille
	SwellSensor, TemperatureSensor, WaveSensor uint8
}

var waterDepth = &unit{div: 10, high: 121, absent: 122, digits: 1}

func (*SensorSea) kind() uint8 { return 7 }

func (s *SensorSea) fields(w *walk) {
	w.measure("swheight", 8, speed8, &s.Swell.Height)
	w.measure("swperiod", 6, seconds6, &s.Swell.Period)
	w.measure("swelldir", 9, bearing, &s.Swell.From)
	code(w, "seastate", 4, &s.SeaState, 13)
	whole(w, "swelltype", 3, &s.SwellSensor)
	w.measure("watertemp", 10, waterSensor, &s.Water)
	w.measure("waterdepth", 7, waterDepth, &s.WaterDepth)
	whole(w, "depthtype", 3, &s.TemperatureSensor)
	w.measure("waveheight", 8, speed8, &s.Wave.Height)
	w.measure("waveperiod", 6, seconds6, &s.Wave.Period)
	w.measure("wavedir", 9, bearing, &s.Wave.From)
	whole(w, "wavetype", 3, &s.WaveSensor)
	w.measure("salinity", 9, saltTenths, &s.Salinity)
}

// SensorSalt is water temperature and salinity.
type SensorSalt struct {
	Water        float64 // °C
	Conductivity float64 // siemens per metre, 0..7.01
	Pressure     float64 // decibars, 0..6000.1
	Salinity     float64 // per mille
	How          uint8   // 0 measured, 1 computed from the others, 2 by another way
	Sensor       uint8
}

var (
	siemens  = &unit{div: 100, high: 701, absent: 702, digits: 2}
	decibars = &unit{div: 10, high: 60001, absent: 60002, digits: 1}
)

func (*SensorSalt) kind() uint8 { return 8 }

func (s *SensorSalt) fields(w *walk) {
	w.measure("watertemp", 10, waterSensor, &s.Water)
	w.measure("conductivity", 10, siemens, &s.Conductivity)
	w.measure("pressure", 16, decibars, &s.Pressure)
	w.measure("salinity", 9, saltTenths, &s.Salinity)
	whole(w, "salinitytype", 2, &s.How)
	whole(w, "sensortype", 3, &s.Sensor)
}

// SensorWeather is the air.
type SensorWeather struct {
	Air, DewPoint                        float64 // °C
	Precipitation                        uint8   // as sent, 3 absent
	Visibility                           float64 // nautical miles, 0..24.1
	Pressure                             float64 // hPa
	PressureTrend                        uint8
	Salinity                             float64
	AirSensor, DewSensor, PressureSensor uint8
}

var sight8 = &unit{div: 10, high: 241, absent: 243, digits: 1}

func (*SensorWeather) kind() uint8 { return 9 }

func (s *SensorWeather) fields(w *walk) {
	w.measure("temperature", 11, airTenths, &s.Air)
	whole(w, "sensortype", 3, &s.AirSensor)
	code(w, "preciptype", 2, &s.Precipitation, 3)
	w.measure("visibility", 8, sight8, &s.Visibility)
	w.measure("dewpoint", 10, dewTenths, &s.DewPoint)
	whole(w, "dewtype", 3, &s.DewSensor)
	w.measure("pressure", 9, pressureHPa, &s.Pressure)
	w.word("pressuretend", 2, &s.PressureTrend, trends)
	whole(w, "pressuretype", 3, &s.PressureSensor)
	w.measure("salinity", 9, saltTenths, &s.Salinity)
}

// SensorAirGap is the height under a bridge, metres, 0.01..81.91, NaN absent.
type SensorAirGap struct {
	AirDraught, Gap, Forecast float64
	Trend                     uint8
	Valid                     When
}

func (*SensorAirGap) kind() uint8 { return 10 }

func (s *SensorAirGap) fields(w *walk) {
	w.measure("airdraught", 13, air13, &s.AirDraught)
	w.measure("airgap", 13, air13, &s.Gap)
	w.word("gaptrend", 2, &s.Trend, trends)
	w.measure("fairgap", 13, air13, &s.Forecast)
	w.dayTime("valid", &s.Valid)
}

// SensorOther is a kind that the circular reserves, 11 to 15, as sent.
type SensorOther struct {
	Kind uint8
	Raw  [2]uint64 // 43 and 42 bits
}

func (s *SensorOther) kind() uint8 { return s.Kind }

func (s *SensorOther) fields(w *walk) {
	whole(w, "", 43, &s.Raw[0])
	whole(w, "", 42, &s.Raw[1])
}
