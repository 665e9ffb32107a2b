package ais

import (
	"math"
	"strconv"
)

// object writes one JSON object.
type object struct {
	b    []byte
	more bool
}

func (o *object) key(k string) {
	if o.more {
		o.b = append(o.b, ',')
	}
	o.more = true
	o.b = append(append(append(o.b, '"'), k...), '"', ':')
}

func (o *object) int(k string, v int64) {
	o.key(k)
	o.b = strconv.AppendInt(o.b, v, 10)
}

// known writes v unless it is 0, which is the mark of "not available" of that field.
func (o *object) known(k string, v int64) {
	if v != 0 {
		o.int(k, v)
	}
}

func (o *object) bool(k string, v bool) {
	o.key(k)
	o.b = strconv.AppendBool(o.b, v)
}

func (o *object) float(k string, v float64, digits int) {
	if !math.IsNaN(v) {
		o.key(k)
		o.b = strconv.AppendFloat(o.b, v, 'f', digits, 64)
	}
}

func (o *object) text(k, v string) {
	if v == "" {
		return
	}
	o.key(k)
	o.b = append(o.b, '"')
	for i := range len(v) {
		switch c := v[i]; {
		case c == '"' || c == '\\':
			o.b = append(o.b, '\\', c)
		case c < ' ' || c > '~': // text of a line may be any byte: shown as the code point of that number
			const hex = "0123456789abcdef"
			o.b = append(o.b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			o.b = append(o.b, c)
		}
	}
	o.b = append(o.b, '"')
}

// plainJSON is AppendJSON as the standard library writes it: the oracle of the
// hand-written one. It appends m as one JSON object. Field names and units are those of
// the scaled AIS objects of gpsd, with two differences: what is not available
// is left out rather than shown as its mark (181, 511, 3600…), and the
// rate of turn is a number (degrees a minute) with ROTAIS beside it as
// "turn_raw". "time", "station", "talker" and "channel" come from the lines.
func plainJSON(dst []byte, m *Message) []byte {
	o := &object{b: append(dst, '{')}
	o.text("class", "AIS")
	if m.Frame.Time != 0 {
		o.text("time", m.Frame.At().Format("2006-01-02T15:04:05.999Z07:00"))
	}
	o.text("station", m.Frame.Station.String())
	o.text("talker", m.Frame.Talker)
	if m.Frame.Channel != 0 {
		o.text("channel", string([]byte{m.Frame.Channel}))
	}
	o.int("type", int64(m.Type))
	o.int("repeat", int64(m.Repeat))
	o.int("mmsi", int64(m.MMSI))
	o.bool("scaled", true)
	if m.Has&HasClock != 0 {
		m.Clock.plain(o)
	}
	if m.Has&HasPosition != 0 {
		m.Position.plain(o, m.Type)
	}
	m.Static.plain(o, m)
	if m.Has&HasAid != 0 {
		o.int("aid_type", int64(m.Aid.Kind))
		o.int("regional", int64(m.Aid.Regional))
		o.bool("off_position", m.Aid.OffPosition)
		o.bool("virtual_aid", m.Aid.Virtual)
	}
	o.text("text", m.SafetyText())
	if b, ok := appendContent(o.b, m, Form{}); ok && m.Has == 0 { // written once, compared with gpsd elsewhere
		return append(b, '}')
	}
	if m.Has == 0 {
		o.int("bits", int64(m.Bits.n))
		const hex = "0123456789abcdef"
		o.key("data")
		o.b = append(o.b, '"')
		for _, c := range m.Bits.Bytes(nil) {
			o.b = append(o.b, hex[c>>4], hex[c&15])
		}
		o.b = append(o.b, '"')
	}
	return append(o.b, '}')
}

func (c *Clock) plain(o *object) {
	if t, ok := c.UTC(); ok {
		o.text("timestamp", t.Format("2006-01-02T15:04:05Z"))
	}
	o.known("epfd", int64(c.EPFD))
}

func (p *Position) plain(o *object, kind uint8) {
	if kind <= 3 || kind == 27 {
		o.int("status", int64(p.Status))
	}
	if kind <= 3 {
		o.float("turn", float64(p.Turn), 2)
		if p.TurnRaw != -128 {
			o.int("turn_raw", int64(p.TurnRaw))
		}
		o.int("maneuver", int64(p.Maneuver))
	}
	digits := 1
	if kind == 9 || kind == 27 {
		digits = 0
	}
	o.float("alt", float64(p.Altitude), 0)
	o.float("speed", float64(p.SOG), digits)
	o.bool("accuracy", p.Accurate)
	o.float("lon", p.Lon, 7)
	o.float("lat", p.Lat, 7)
	o.float("course", float64(p.COG), 1)
	o.float("heading", float64(p.Heading), 0)
	if p.Second >= 0 {
		o.int("second", int64(p.Second))
	}
	o.bool("raim", p.RAIM)
	switch kind {
	case 27:
		o.bool("gnss", p.Latency) // gpsd names the bit so; true is an old fix
		return
	case 18:
		o.bool("cs", p.CSUnit)
		o.bool("display", p.Display)
		o.bool("dsc", p.DSC)
		o.bool("band", p.Band)
		o.bool("msg22", p.Msg22)
	}
	if kind == 18 || kind == 19 {
		o.int("reserved", int64(p.Reserved))
	}
	if kind == 9 || kind == 18 || kind == 19 {
		o.int("regional", int64(p.Regional))
	}
	if kind != 19 && kind != 21 {
		o.int("radio", int64(p.Radio))
	}
}

func (s *Static) plain(o *object, m *Message) {
	if m.Has&HasName != 0 {
		name := "shipname"
		if m.Type == 21 {
			name = "name"
		}
		o.text(name, s.Name.String())
	}
	if m.Has&HasCall != 0 {
		o.text("callsign", s.CallSign.String())
	}
	if m.Has&HasStatic != 0 {
		o.known("shiptype", int64(s.ShipType))
		o.known("to_bow", int64(s.Bow))
		o.known("to_stern", int64(s.Stern))
		o.known("to_port", int64(s.Port))
		o.known("to_starboard", int64(s.Starboard))
		o.known("epfd", int64(s.EPFD))
		o.known("mothership_mmsi", int64(s.Mothership))
	}
	if m.Has&HasVoyage != 0 {
		o.known("imo", int64(s.IMO))
		o.int("ais_version", int64(s.Version))
		o.text("eta", s.eta())
		o.float("draught", float64(s.Draught), 1)
		o.text("destination", s.Destination.String())
	}
	if m.Has&HasVendor != 0 {
		o.text("vendor", s.Vendor.String())
		o.int("model", int64(s.Model))
		o.int("serial", int64(s.Serial))
	}
}

// eta is the estimated time of arrival as gpsd writes it, "" where no part is told.
func (s *Static) eta() string {
	if s.ETAMonth == 0 && s.ETADay == 0 && s.ETAHour >= 24 && s.ETAMinute >= 60 {
		return ""
	}
	two := func(v uint8) string { return string([]byte{'0' + v/10, '0' + v%10}) }
	return two(s.ETAMonth) + "-" + two(s.ETADay) + "T" + two(s.ETAHour) + ":" + two(s.ETAMinute) + "Z"
}
