package ais

// DangerousCargo236 is IMO SN/Circ.236 FI 12, superseded by FI 25.
type DangerousCargo236 struct {
	LastPort  string // UN location code, 5 characters
	Departure When
	NextPort  string
	ETA       When
	Goods     string // 20 characters
	Category  string // IMD category, 4 characters
	UN        uint16 // UN number 1..3363, 0 absent
	Amount    uint16 // in Unit, 0..1023
	Unit      uint8  // 0 absent, 1 kg, 2 t, 3 kt
}

// ID is 1/12.
func (*DangerousCargo236) ID() AppID { return AppID{1, 12} }

func (a *DangerousCargo236) fields(w *walk) {
	w.text("lastport", 5, &a.LastPort)
	w.when("departure", &a.Departure)
	w.text("nextport", 5, &a.NextPort)
	w.when("eta", &a.ETA)
	w.text("dangerous", 20, &a.Goods)
	w.text("imdcat", 4, &a.Category)
	code(w, "unid", 13, &a.UN, 0)
	code(w, "amount", 10, &a.Amount, 0)
	code(w, "unit", 2, &a.Unit, 0)
	w.spare(3)
}

// DangerousCargo is IMO SN.1/Circ.289 FI 25.
type DangerousCargo struct {
	Unit   uint8  // 0 absent, 1 kg, 2 t, 3 kt
	Amount uint16 // in Unit, 0..1023, 0 absent
	Cargos []CargoCode
}

// CargoCode is one cargo: 17 bits of which the first four say under which code.
type CargoCode struct {
	Code  uint8  // 1 IMDG, 2 IGC, 3 BC, 4 MARPOL annex I, 5 annex II, 6 regional, 0 absent
	Under uint16 // thirteen bits, their meaning is the code's
}

// ID is 1/25.
func (*DangerousCargo) ID() AppID { return AppID{1, 25} }

func (a *DangerousCargo) fields(w *walk) {
	code(w, "unit", 2, &a.Unit, 0)
	code(w, "amount", 10, &a.Amount, 0)
	items(w, "cargos", &a.Cargos, 17, 28, func(c *CargoCode, w *walk) {
		whole(w, "code", 4, &c.Code)
		whole(w, "subtype", 13, &c.Under)
	})
}

// FairwayClosed is IMO SN/Circ.236 FI 13.
type FairwayClosed struct {
	Reason   string // 20 characters
	From, To string // places, 20 characters each
	Radius   uint16 // in Unit, 0..1000, 1001 absent
	Unit     uint8  // 0 m, 1 km, 2 nautical miles, 3 cables
	Begin    When
	End      When
}

// ID is 1/13.
func (*FairwayClosed) ID() AppID { return AppID{1, 13} }

func (a *FairwayClosed) fields(w *walk) {
	w.text("reason", 20, &a.Reason)
	w.text("closefrom", 20, &a.From)
	w.text("closeto", 20, &a.To)
	code(w, "radius", 10, &a.Radius, 1001)
	whole(w, "extunit", 2, &a.Unit)
	for i, t := range [2]*When{&a.Begin, &a.End} { // day before month, here only
		whole(w, "", 5, &t.Day)
		whole(w, "", 4, &t.Month)
		whole(w, "", 5, &t.Hour)
		whole(w, "", 6, &t.Minute)
		if key := [2]string{"from", "to"}[i]; w.out.shows(key, t.Month == 0 && t.Day == 0) {
			w.out.text(key, t.short())
		}
	}
	w.spare(4)
}

// AirDraught is IMO SN/Circ.236 FI 15.
type AirDraught struct {
	Height float64 // metres, 0.1..204.7, NaN absent
}

// ID is 1/15.
func (*AirDraught) ID() AppID { return AppID{1, 15} }

var airDecimetres = &unit{div: 10, low: 1, high: 2047, digits: 1}

func (a *AirDraught) fields(w *walk) {
	w.measure("airdraught", 11, airDecimetres, &a.Height)
	w.spare(5)
}

// PersonsOnBoard is FI 16 of both circulars, and FI 40 of the first edition of
// the recommendation (Old).
type PersonsOnBoard struct {
	Persons uint16 // 1..8191 (that or more), 0 absent
	Old     bool
}

// ID is 1/16 or 1/40.
func (a *PersonsOnBoard) ID() AppID {
	if a.Old {
		return AppID{1, 40}
	}
	return AppID{1, 16}
}

func (a *PersonsOnBoard) fields(w *walk) {
	code(w, "persons", 13, &a.Persons, 0)
	w.spare(3)
}

// SyntheticTarget is one that a VTS makes known: it has no AIS of its own.
type SyntheticTarget struct {
	IDType   uint8   // 0 MMSI, 1 IMO number, 2 call sign, 3 other or none
	Name     uint64  // as sent, 42 bits: a number, or seven characters of six bits
	Lat, Lon float64 // degrees, NaN absent
	Course   float64 // degrees over ground, NaN absent
	Second   uint8   // 0..59, 60 and more as in message 1
	Speed    float64 // knots, 0..254, NaN absent
}

// SyntheticTargets is FI 17, one to four of them.
type SyntheticTargets struct{ Targets []SyntheticTarget }

// ID is 1/17.
func (*SyntheticTargets) ID() AppID { return AppID{1, 17} }

var knots8 = &unit{high: 254, absent: 255}

func (a *SyntheticTargets) fields(w *walk) {
	items(w, "targets", &a.Targets, 120, 4, func(t *SyntheticTarget, w *walk) {
		whole(w, "idtype", 2, &t.IDType)
		whole(w, "id", 42, &t.Name)
		w.spare(4)
		w.measure("lat", 24, lat3, &t.Lat)
		w.measure("lon", 25, lon3, &t.Lon)
		w.measure("course", 9, bearing, &t.Course)
		whole(w, "second", 6, &t.Second)
		w.measure("speed", 8, knots8, &t.Speed)
	})
}

// Clearance is IMO SN.1/Circ.289 FI 18: when a ship may enter the port.
type Clearance struct {
	Linkage     uint16 // 1..1023, 0 none
	Time        When
	Port        string // and berth, 20 characters
	Destination string // UN location code, 5 characters
	Lat, Lon    float64
}

// ID is 1/18.
func (*Clearance) ID() AppID { return AppID{1, 18} }

func (a *Clearance) fields(w *walk) {
	code(w, "linkage", 10, &a.Linkage, 0)
	w.when("arrival", &a.Time)
	w.text("portname", 20, &a.Port)
	w.text("destination", 5, &a.Destination)
	w.measure("lon", 25, lon3, &a.Lon)
	w.measure("lat", 24, lat3, &a.Lat)
	w.spare(43)
}

// TrafficSignal is IMO SN.1/Circ.289 FI 19.
type TrafficSignal struct {
	Linkage  uint16
	Station  string // 20 characters
	Lat, Lon float64
	Status   uint8 // 0 absent, 1 in service, 2 irregular
	Signal   uint8 // 0 absent, 1..7 IALA port traffic signals, 8..13 Japanese ones
	Next     uint8 // the next expected, the same codes,
	Hour     uint8 // at that time: 0..23, 24 absent
	Minute   uint8 // 0..59, 60 absent
}

// ID is 1/19.
func (*TrafficSignal) ID() AppID { return AppID{1, 19} }

func (a *TrafficSignal) fields(w *walk) {
	code(w, "linkage", 10, &a.Linkage, 0)
	w.text("station", 20, &a.Station)
	w.measure("lon", 25, lon3, &a.Lon)
	w.measure("lat", 24, lat3, &a.Lat)
	code(w, "status", 2, &a.Status, 0)
	code(w, "signal", 5, &a.Signal, 0)
	code(w, "hour", 5, &a.Hour, 24)
	code(w, "minute", 6, &a.Minute, 60)
	code(w, "nextsignal", 5, &a.Next, 0)
	w.spare(102)
}

// Berthing is IMO SN.1/Circ.289 FI 20.
type Berthing struct {
	Linkage   uint16
	Length    float64 // metres of berth, 1..511 (511: that or more), NaN absent
	Depth     float64 // metres of water, 0.1..25.5, NaN absent
	Position  uint8   // 0 absent, 1 port side, 2 starboard side, 3 end on, 4 buoy, 5 anchorage
	Arrival   When
	Available bool // services are known
	Services  [26]uint8
	Berth     string // 20 characters
	BerthLat  float64
	BerthLon  float64
}

// ID is 1/20.
func (*Berthing) ID() AppID { return AppID{1, 20} }

var (
	berthLength = &unit{low: 1, high: 511}
	berthDepth  = &unit{div: 10, low: 1, high: 255, digits: 1}
	// serviceKeys are Berthing.Services in their order; each is 0 absent,
	// 1 available, 2 unknown.
	serviceKeys = [26]string{"agent", "fuel", "chandler", "stevedore", "electrical", "water", "customs", "cartage", "crane",
		"lift", "medical", "navrepair", "provisions", "shiprepair", "surveyor", "steam", "tugs", "solidwaste", "liquidwaste",
		"hazardouswaste", "ballast", "additional", "regional1", "regional2", "future1", "future2"}
)

func (a *Berthing) fields(w *walk) {
	code(w, "linkage", 10, &a.Linkage, 0)
	w.measure("berth_length", 9, berthLength, &a.Length)
	w.measure("berth_depth", 8, berthDepth, &a.Depth)
	code(w, "position", 3, &a.Position, 0)
	w.when("arrival", &a.Arrival)
	w.flag("availability", &a.Available)
	for i := range a.Services {
		code(w, serviceKeys[i], 2, &a.Services[i], 0)
	}
	w.text("berth_name", 20, &a.Berth)
	w.measure("berth_lon", 25, lon3, &a.BerthLon)
	w.measure("berth_lat", 24, lat3, &a.BerthLat)
}

// ExtendedStatic is IMO SN.1/Circ.289 FI 24.
type ExtendedStatic struct {
	Linkage    uint16
	AirDraught float64 // metres, 0.01..81.91, NaN absent
	LastPort   string  // UN location codes, 5 characters
	NextPort   string
	SecondPort string
	Equipment  [26]uint8 // SOLAS equipment: 0 absent, 1 operational, 2 not operational, 3 unknown
	IceClass   uint8     // 0..10, 15 absent
	Horsepower uint32    // shaft, 1..262143, 0 absent
	VHF        uint16    // working channel, 0 absent
	LloydsType string    // 7 characters
	Tonnage    uint32    // gross, 0 absent
	Lading     uint8     // 0 absent, 1 laden, 2 in ballast
	HeavyOil   uint8     // 0 absent, 1 no, 2 yes
	LightOil   uint8
	DieselOil  uint8
	BunkerOil  uint16 // tonnes, 0..16381 (that or more 16382), 16383 absent
	Persons    uint16 // 0 absent
}

// ID is 1/24.
func (*ExtendedStatic) ID() AppID { return AppID{1, 24} }

var (
	air13         = &unit{div: 100, low: 1, high: 8191, digits: 2}
	equipmentKeys = [26]string{"ais_state", "ata_state", "bnwas_state", "ecdisb_state", "chart_state", "sounder_state",
		"epaid_state", "steer_state", "gnss_state", "gyro_state", "lrit_state", "magcomp_state", "navtex_state", "arpa_state",
		"sband_state", "xband_state", "hfradio_state", "inmarsat_state", "mfradio_state", "vhfradio_state", "grndlog_state",
		"waterlog_state", "thd_state", "tcs_state", "vdr_state", ""}
)

func (a *ExtendedStatic) fields(w *walk) {
	code(w, "linkage", 10, &a.Linkage, 0)
	w.measure("airdraught", 13, air13, &a.AirDraught)
	w.text("lastport", 5, &a.LastPort)
	w.text("nextport", 5, &a.NextPort)
	w.text("secondport", 5, &a.SecondPort)
	for i := range a.Equipment { // the last is reserved
		code(w, equipmentKeys[i], 2, &a.Equipment[i], 0)
	}
	code(w, "iceclass", 4, &a.IceClass, 15)
	code(w, "horsepower", 18, &a.Horsepower, 0)
	code(w, "vhfchan", 12, &a.VHF, 0)
	w.text("lshiptype", 7, &a.LloydsType)
	code(w, "tonnage", 18, &a.Tonnage, 0)
	code(w, "lading", 2, &a.Lading, 0)
	code(w, "heavyoil", 2, &a.HeavyOil, 0)
	code(w, "lightoil", 2, &a.LightOil, 0)
	code(w, "dieseloil", 2, &a.DieselOil, 0)
	code(w, "totaloil", 14, &a.BunkerOil, 16383)
	code(w, "persons", 13, &a.Persons, 0)
	w.spare(10)
}

// Tide is one window of a tidal window message.
type Tide struct {
	Lat, Lon             float64 // degrees, NaN absent
	FromHour, FromMinute uint8   // UTC, 24 and 60 absent
	ToHour, ToMinute     uint8
	Toward               float64 // degrees, of the predicted current
	Speed                float64 // knots, NaN absent
}

func (t *Tide) hours(w *walk) {
	code(w, "from_hour", 5, &t.FromHour, 24)
	code(w, "from_min", 6, &t.FromMinute, 60)
	code(w, "to_hour", 5, &t.ToHour, 24)
	code(w, "to_min", 6, &t.ToMinute, 60)
	w.measure("cdir", 9, bearing, &t.Toward)
}

// TidalWindow236 is IMO SN/Circ.236 FI 14, at most three windows of a day.
type TidalWindow236 struct {
	Month, Day uint8 // 0 absent
	Tides      []Tide
}

// ID is 1/14.
func (*TidalWindow236) ID() AppID { return AppID{1, 14} }

var tenths7 = &unit{div: 10, high: 126, absent: 127, digits: 1}

func (a *TidalWindow236) fields(w *walk) {
	code(w, "month", 4, &a.Month, 0)
	code(w, "day", 5, &a.Day, 0)
	items(w, "tidals", &a.Tides, 93, 3, func(t *Tide, w *walk) {
		w.measure("lat", 27, lat4, &t.Lat)
		w.measure("lon", 28, lon4, &t.Lon)
		t.hours(w)
		w.measure("cspeed", 7, tenths7, &t.Speed)
	})
}

// TidalWindow is IMO SN.1/Circ.289 FI 32, at most three windows of a day.
type TidalWindow struct {
	Month, Day uint8 // 0 absent
	Tides      []Tide
}

// ID is 1/32.
func (*TidalWindow) ID() AppID { return AppID{1, 32} }

func (a *TidalWindow) fields(w *walk) {
	code(w, "month", 4, &a.Month, 0)
	code(w, "day", 5, &a.Day, 0)
	items(w, "tidals", &a.Tides, 88, 3, func(t *Tide, w *walk) {
		w.measure("lon", 25, lon3, &t.Lon)
		w.measure("lat", 24, lat3, &t.Lat)
		t.hours(w)
		w.measure("cspeed", 8, tenths8, &t.Speed)
	})
}
