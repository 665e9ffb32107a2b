package ais

import (
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// same compares messages by what they say: NaN equals NaN, bits and frame are left out.
func same(a, b Message) string {
	nanEqual := cmp.FilterValues(func(x, y float64) bool { return math.IsNaN(x) && math.IsNaN(y) },
		cmp.Comparer(func(x, y float64) bool { return true }))
	nanEqual32 := cmp.FilterValues(func(x, y float32) bool { return x != x && y != y },
		cmp.Comparer(func(x, y float32) bool { return true }))
	for _, m := range []*Message{&a, &b} { // what a message does not carry means nothing
		m.Bits, m.Frame = Bits{}, Frame{}
		if m.Has&HasPosition == 0 {
			m.Position = Position{}
		}
		if m.Has&(HasName|HasStatic|HasCall|HasVoyage|HasVendor) == 0 {
			m.Static = Static{}
		}
		if m.Has&HasClock == 0 {
			m.Clock = Clock{}
		}
		if m.Has&HasAid == 0 {
			m.Aid = Aid{}
		}
	}
	return cmp.Diff(a, b, nanEqual, nanEqual32, cmp.Transformer("text", func(t Text) string { return t.String() }), cmp.Comparer(func(x, y Bits) bool { return true }))
}

// draw makes any message of an encodable type, with values on the grid of the
// message so that they come back exactly.
func draw(t *rapid.T) Message {
	kind := rapid.SampledFrom([]uint8{1, 2, 3, 4, 5, 9, 11, 18, 19, 21, 24, 27}).Draw(t, "type")
	m := NewMessage(kind, uint32(rapid.IntRange(0, 1<<30-1).Draw(t, "mmsi")))
	m.Repeat = uint8(rapid.IntRange(0, 3).Draw(t, "repeat"))
	n := func(name string, high int) int { return rapid.IntRange(0, high).Draw(t, name) }
	yes := func(name string) bool { return rapid.Bool().Draw(t, name) }
	text := func(name string, chars int) Text {
		s := rapid.StringMatching(`[A-Z0-9 .,<>?!-]{0,`+strconv.Itoa(chars)+`}`).Draw(t, name)
		return TextOf(strings.TrimRight(s[:min(len(s), chars)], " "))
	}
	drawPosition(&m, n, yes)
	drawStatic(&m, n, yes, text)
	if m.Has&HasClock != 0 {
		m.Clock = Clock{Year: uint16(n("year", 9999)), Month: uint8(n("month", 12)), Day: uint8(n("day", 31)),
			Hour: uint8(n("hour", 24)), Minute: uint8(n("minute", 60)), Second: uint8(n("sec", 60)), EPFD: uint8(n("epfd", 15)), LongRangeAsked: yes("long")}
	}
	return m
}

func drawPosition(m *Message, n func(string, int) int, yes func(string) bool) {
	p := &m.Position
	if m.Has&HasPosition == 0 {
		return
	}
	grid, knots, course := 600000, float32(10), float32(10)
	if m.Type == 27 {
		grid, knots, course = 600, 1, 1
	}
	if yes("fix") {
		p.Lat = float64(n("lat", 180*grid)-90*grid) / float64(grid)
		p.Lon = float64(n("lon", 360*grid)-180*grid) / float64(grid)
	}
	p.Accurate, p.RAIM = yes("accurate"), yes("raim")
	if m.Type == 4 || m.Type == 11 {
		p.Radio = uint32(n("radio", 1<<19-1))
		return
	}
	if m.Type != 21 && yes("moving") {
		top := 1022
		switch m.Type {
		case 27:
			top = 62
		case 9:
			knots = 1
		}
		p.SOG = float32(n("sog", top)) / knots
		p.COG = float32(n("cog", 360*int(course)-1)) / course
	}
	if m.Type != 27 {
		p.Second = int8(n("second", 63))
	} else {
		p.Latency = yes("latency")
	}
	switch m.Type {
	case 1, 2, 3:
		p.Radio = uint32(n("radio", 1<<19-1))
		p.TurnRaw = int8(n("rot", 255) - 128)
		p.Turn = turns[uint8(p.TurnRaw)]
		p.Maneuver, p.Regional = uint8(n("manoeuvre", 3)), uint8(n("spare", 7))
	case 9:
		p.Radio = uint32(n("radio", 1<<20-1))
		p.Altitude = float32(n("alt", 4094))
		p.DTE, p.Assigned, p.Regional = yes("dte"), yes("assigned"), uint8(n("regional", 255))
	case 18, 19:
		p.ClassB, p.Assigned, p.Reserved = true, yes("assigned"), uint8(n("reserved", 255))
	}
	if m.Type == 18 {
		p.Radio, p.Regional = uint32(n("radio", 1<<20-1)), uint8(n("regional", 3))
		p.CSUnit, p.Display, p.DSC, p.Band, p.Msg22 = yes("cs"), yes("display"), yes("dsc"), yes("band"), yes("m22")
	}
	if m.Type == 19 {
		p.DTE, p.Regional = yes("dte"), uint8(n("regional", 15))
	}
	if m.Type <= 3 || m.Type == 27 {
		p.Status = int8(n("status", 15))
	}
	if (m.Type <= 3 || m.Type == 18 || m.Type == 19) && yes("heads") {
		p.Heading = float32(n("heading", 359))
	}
}

func drawStatic(m *Message, n func(string, int) int, yes func(string) bool, text func(string, int) Text) {
	s := &m.Static
	if m.Type == 24 {
		if s.Part = uint8(n("part", 1)); s.Part == 0 {
			m.Has = partA
		} else {
			m.Has = partB
			s.Vendor, s.Model, s.Serial, s.EPFD = text("vendor", 3), uint8(n("model", 15)), uint32(n("serial", 1<<20-1)), uint8(n("epfd", 15))
		}
	}
	if m.Has&HasName != 0 {
		if s.Name = text("name", 20); m.Type == 21 {
			s.Name = text("aid name", 34)
			m.Aid = Aid{Kind: uint8(n("kind", 31)), Regional: uint8(n("regional", 255)), OffPosition: yes("off"), Virtual: yes("virtual"), Assigned: yes("assigned")}
			s.EPFD = uint8(n("epfd", 15))
		}
	}
	if m.Has&HasStatic != 0 {
		if m.MMSI/10000000 == 98 && m.Type == 24 {
			s.Mothership = uint32(n("mothership", 1<<30-1))
		} else {
			s.Bow, s.Stern, s.Port, s.Starboard = uint16(n("bow", 511)), uint16(n("stern", 511)), uint8(n("port", 63)), uint8(n("starboard", 63))
		}
		if m.Type != 21 {
			s.ShipType = uint8(n("ship type", 255))
		}
	}
	if m.Type == 5 || m.Type == 19 {
		s.EPFD = uint8(n("epfd", 15))
	}
	if m.Has&HasCall != 0 {
		s.CallSign = text("call sign", 7)
	}
	if m.Has&HasVoyage != 0 {
		s.IMO, s.Destination, s.Version, s.DTE = uint32(n("imo", 1<<30-1)), text("destination", 20), uint8(n("version", 3)), yes("dte")
		s.ETAMonth, s.ETADay, s.ETAHour, s.ETAMinute = uint8(n("mo", 12)), uint8(n("d", 31)), uint8(n("h", 24)), uint8(n("mi", 60))
		if v := n("draught", 255); v > 0 {
			s.Draught = float32(v) / 10
		}
	}
}

// What is encoded is decoded to the same values, over the lines, whatever the envelope.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := draw(t)
		e := Envelope{Channel: 'A', Seq: uint8(rapid.IntRange(0, 9).Draw(t, "seq"))}
		if rapid.Bool().Draw(t, "tagged") {
			e.Station, e.Time = "rSALT1", time.Unix(1459382401, 0).UTC()
		}
		lines, err := Encode(m, e)
		if err != nil {
			t.Fatalf("encode: %v", err)
		}
		for _, l := range lines {
			if at := strings.IndexByte(l, '!'); len(l)-at > 80 {
				t.Fatalf("sentence of %d characters: %s", len(l)-at, l)
			}
		}
		if len(lines) > 1 && rapid.Bool().Draw(t, "reversed") {
			lines[0], lines[1] = lines[1], lines[0]
		}
		got, err := Parse(lines...)
		if err != nil {
			t.Fatalf("decode %q: %v", lines, err)
		}
		if d := same(m, got); d != "" {
			t.Fatalf("%q: -put +got\n%s", lines, d)
		}
		if !e.Time.IsZero() && (!got.Frame.At().Equal(e.Time) || got.Frame.Station.String() != e.Station) {
			t.Fatalf("%q: time %v station %q", lines, got.Frame.At(), got.Frame.Station)
		}
	})
}

// Values that don't fit are told, not cut.
func TestEncodeRefuses(t *testing.T) {
	for name, change := range map[string]func(*Message){
		"type":      func(m *Message) { m.Type = 8 },
		"mmsi":      func(m *Message) { m.MMSI = 1 << 30 },
		"latitude":  func(m *Message) { m.Position.Lat = 90.1 },
		"speed":     func(m *Message) { m.Position.SOG = 103 },
		"name long": func(m *Message) { m.Type = 5; m.Static.Name = TextOf("123456789012345678901") },
		"name":      func(m *Message) { m.Type = 5; m.Static.Name = TextOf("Ä") },
		"course":    func(m *Message) { m.Position.COG = 361 },
	} {
		m := NewMessage(1, 227006760)
		change(&m)
		if lines, err := Encode(m, Envelope{}); err == nil {
			t.Errorf("%s: encoded as %q", name, lines)
		}
	}
}
