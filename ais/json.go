package ais

import (
	"math"
	"slices"
)

// roomForJSON is what most messages take: room is made once, not field by field.
const roomForJSON = 512

// AppendJSON appends m as one JSON object. Field names and units are those of
// the scaled AIS objects of gpsd, with two differences: what is not available
// is left out rather than shown as its mark (181, 511, 3600…), and the
// rate of turn is a number (degrees a minute) with ROTAIS beside it as
// "turn_raw". "time", "station", "talker" and "channel" come from the lines.
// It uses no memory but dst.
func AppendJSON(dst []byte, m *Message) []byte {
	b := append(slices.Grow(dst, roomForJSON), `{"class":"AIS"`...)
	b = m.Frame.json(b)
	b = digits(append(b, `,"type":`...), uint32(m.Type))
	b = digits(append(b, `,"repeat":`...), uint32(m.Repeat))
	b = digits(append(b, `,"mmsi":`...), m.MMSI)
	b = append(b, `,"scaled":true`...)
	if m.Has&HasClock != 0 {
		b = m.Clock.json(b)
	}
	if m.Has&HasPosition != 0 {
		b = m.Position.json(b, m.Type)
	}
	if m.Has&(HasName|HasStatic|HasCall|HasVoyage|HasVendor) != 0 {
		b = m.Static.json(b, m)
	}
	if m.Has&HasAid != 0 {
		b = m.Aid.json(b)
	}
	if m.Has&HasText != 0 {
		if t := m.SafetyText(); t != "" {
			b = quoted(append(b, `,"text":`...), t)
		}
	}
	if m.Has == 0 {
		var ok bool
		if b, ok = appendContent(b, m, Form{}); !ok {
			b = m.Bits.json(b)
		}
	}
	return append(b, '}')
}

// known appends key and v unless v is 0, the mark of "not available" of the field.
func known[T uint8 | uint16 | uint32](b []byte, key string, v T) []byte {
	if v == 0 {
		return b
	}
	return digits(append(b, key...), uint32(v))
}

// finite tells a value from NaN, which is absent, and from what no JSON can hold.
func finite[T float32 | float64](v T) bool { return math.Abs(float64(v)) <= math.MaxFloat64 }

// truth appends v.
func truth(b []byte, v bool) []byte {
	if v {
		return append(b, "true"...)
	}
	return append(b, "false"...)
}

// json appends key and t unless it is empty.
func (t *Text) json(b []byte, key string) []byte {
	if t.n == 0 {
		return b
	}
	return quoted(append(b, key...), t.b[:t.n])
}

func (f *Frame) json(b []byte) []byte {
	if f.Time != 0 {
		b = append(instant(append(b, `,"time":"`...), f.Time), '"')
	}
	b = f.Station.json(b, `,"station":`)
	if f.Talker != "" {
		b = quoted(append(b, `,"talker":`...), f.Talker)
	}
	if f.Channel != 0 {
		c := [1]byte{f.Channel}
		b = quoted(append(b, `,"channel":`...), c[:])
	}
	return b
}

func (c *Clock) json(b []byte) []byte {
	if _, ok := c.UTC(); ok {
		b = append(b, `,"timestamp":"`...)
		b = moment(b, uint32(c.Year), uint32(c.Month), uint32(c.Day), uint32(c.Hour)*3600+uint32(c.Minute)*60+uint32(c.Second))
		b = append(b, 'Z', '"')
	}
	return known(b, `,"epfd":`, c.EPFD)
}

func (p *Position) json(b []byte, kind uint8) []byte {
	if kind <= 3 || kind == 27 {
		b = small(append(b, `,"status":`...), p.Status)
	}
	if kind <= 3 {
		b = p.turnJSON(b)
	}
	if finite(p.Altitude) {
		b = ones(append(b, `,"alt":`...), p.Altitude)
	}
	if finite(p.SOG) {
		b = append(b, `,"speed":`...)
		if kind == 9 || kind == 27 {
			b = ones(b, p.SOG)
		} else {
			b = tenths(b, p.SOG)
		}
	}
	b = truth(append(b, `,"accuracy":`...), p.Accurate)
	if finite(p.Lon) {
		b = seventh(append(b, `,"lon":`...), p.Lon)
	}
	if finite(p.Lat) {
		b = seventh(append(b, `,"lat":`...), p.Lat)
	}
	if finite(p.COG) {
		b = tenths(append(b, `,"course":`...), p.COG)
	}
	if finite(p.Heading) {
		b = ones(append(b, `,"heading":`...), p.Heading)
	}
	if p.Second >= 0 {
		b = small(append(b, `,"second":`...), p.Second)
	}
	b = truth(append(b, `,"raim":`...), p.RAIM)
	return p.kindJSON(b, kind)
}

func (p *Position) turnJSON(b []byte) []byte {
	if finite(p.Turn) {
		b = hundredths(append(b, `,"turn":`...), p.Turn)
	}
	if p.TurnRaw != -128 {
		b = small(append(b, `,"turn_raw":`...), p.TurnRaw)
	}
	return digits(append(b, `,"maneuver":`...), uint32(p.Maneuver))
}

// kindJSON appends what only some message types have.
func (p *Position) kindJSON(b []byte, kind uint8) []byte {
	switch kind {
	case 27:
		return truth(append(b, `,"gnss":`...), p.Latency) // gpsd names the bit so; true is an old fix
	case 18:
		b = truth(append(b, `,"cs":`...), p.CSUnit)
		b = truth(append(b, `,"display":`...), p.Display)
		b = truth(append(b, `,"dsc":`...), p.DSC)
		b = truth(append(b, `,"band":`...), p.Band)
		b = truth(append(b, `,"msg22":`...), p.Msg22)
	}
	if kind == 18 || kind == 19 {
		b = digits(append(b, `,"reserved":`...), uint32(p.Reserved))
	}
	if kind == 9 || kind == 18 || kind == 19 {
		b = digits(append(b, `,"regional":`...), uint32(p.Regional))
	}
	if kind != 19 && kind != 21 {
		b = digits(append(b, `,"radio":`...), p.Radio)
	}
	return b
}

func (s *Static) json(b []byte, m *Message) []byte {
	if m.Has&HasName != 0 {
		key := `,"shipname":`
		if m.Type == 21 {
			key = `,"name":`
		}
		b = s.Name.json(b, key)
	}
	if m.Has&HasCall != 0 {
		b = s.CallSign.json(b, `,"callsign":`)
	}
	if m.Has&HasStatic != 0 {
		b = known(b, `,"shiptype":`, s.ShipType)
		b = known(b, `,"to_bow":`, s.Bow)
		b = known(b, `,"to_stern":`, s.Stern)
		b = known(b, `,"to_port":`, s.Port)
		b = known(b, `,"to_starboard":`, s.Starboard)
		b = known(b, `,"epfd":`, s.EPFD)
		b = known(b, `,"mothership_mmsi":`, s.Mothership)
	}
	if m.Has&HasVoyage != 0 {
		b = s.voyageJSON(b)
	}
	if m.Has&HasVendor != 0 {
		b = s.Vendor.json(b, `,"vendor":`)
		b = digits(append(b, `,"model":`...), uint32(s.Model))
		b = digits(append(b, `,"serial":`...), s.Serial)
	}
	return b
}

func (s *Static) voyageJSON(b []byte) []byte {
	b = known(b, `,"imo":`, s.IMO)
	b = digits(append(b, `,"ais_version":`...), uint32(s.Version))
	if s.ETAMonth != 0 || s.ETADay != 0 || s.ETAHour < 24 || s.ETAMinute < 60 {
		b = two(append(b, `,"eta":"`...), s.ETAMonth%100)
		b = two(append(b, '-'), s.ETADay%100)
		b = two(append(b, 'T'), s.ETAHour%100)
		b = append(two(append(b, ':'), s.ETAMinute%100), 'Z', '"')
	}
	if finite(s.Draught) {
		b = tenths(append(b, `,"draught":`...), s.Draught)
	}
	return s.Destination.json(b, `,"destination":`)
}

func (a *Aid) json(b []byte) []byte {
	b = digits(append(b, `,"aid_type":`...), uint32(a.Kind))
	b = digits(append(b, `,"regional":`...), uint32(a.Regional))
	b = truth(append(b, `,"off_position":`...), a.OffPosition)
	return truth(append(b, `,"virtual_aid":`...), a.Virtual)
}

// json appends the content in hexadecimal, the last byte filled up with zero bits.
func (b *Bits) json(dst []byte) []byte {
	dst = digits(append(dst, `,"bits":`...), uint32(b.n))
	dst = append(dst, `,"data":"`...)
	for i, c := range b.b[:(b.n+7)/8] {
		if over := i*8 + 8 - b.n; over > 0 {
			c = c >> over << over
		}
		dst = append(dst, hexDigits[c>>4], hexDigits[c&15])
	}
	return append(dst, '"')
}
