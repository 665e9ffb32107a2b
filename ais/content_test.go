package ais

import (
	"encoding/json"
	"maps"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var nanEqual = cmp.FilterValues(func(x, y float64) bool { return math.IsNaN(x) && math.IsNaN(y) },
	cmp.Comparer(func(_, _ float64) bool { return true }))

// contents makes one empty content for each type that has one.
var contents = map[uint8]func() Content{
	6: func() Content { return &Binary{} }, 7: func() Content { return &Acknowledgement{} }, 8: func() Content { return &Binary{} },
	10: func() Content { return &Inquiry{} }, 12: func() Content { return &Safety{} }, 13: func() Content { return &Acknowledgement{} },
	14: func() Content { return &Safety{} }, 15: func() Content { return &Interrogation{} }, 16: func() Content { return &Assignment{} },
	17: func() Content { return &Corrections{} }, 20: func() Content { return &DataLink{} }, 22: func() Content { return &ChannelManagement{} },
	23: func() Content { return &GroupAssignment{} }, 25: func() Content { return &Binary{} }, 26: func() Content { return &Binary{} },
}

// noise is a message of that type and length with random content.
func noise(r *rand.Rand, kind uint8, n int) Message {
	var m Message
	for i := range (n + 7) / 8 {
		m.Bits.b[i] = byte(r.Uint32())
	}
	m.Bits.b[0] = kind<<2 | m.Bits.b[0]&3
	m.Bits.n = n
	return m
}

// Whatever bits come, the values read from them are those read again after
// writing them: for each type, at each length that it may have.
func TestContentRoundTrip(t *testing.T) {
	kinds := slices.Sorted(maps.Keys(contents))
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom(kinds).Draw(t, "type")
		l := typeLimits[kind]
		n := rapid.IntRange(l.low, min(l.high, 1000)).Draw(t, "bits")
		m := noise(rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1)), kind, n)
		if err := m.decodeBits(); err != nil {
			t.Fatal(err)
		}
		got := contents[kind]()
		if !m.ReadContent(got) {
			t.Fatalf("type %d of %d bits was not read", kind, n)
		}
		// what is written must be given as bytes where reading only points at it
		switch v := got.(type) {
		case *Binary:
			v.Raw, v.RawBits = cut(&m.Bits, v.At, v.Len), v.Len
		case *Corrections:
			v.Words = cut(&m.Bits, v.At, v.Len)
			v.Len = len(v.Words) * 8
		}
		again := Message{Type: m.Type, Repeat: m.Repeat, MMSI: m.MMSI}
		if err := again.SetContent(got); err != nil {
			if len(m.Bits.Bytes(nil)) > 100 && kind == 17 {
				return // rounding the last word up to a byte passed the longest type 17
			}
			t.Fatalf("%+v: %v", got, err)
		}
		lines, err := Encode(again, Envelope{Channel: 'A'})
		if err != nil {
			t.Fatal(err)
		}
		back, err := Parse(lines...)
		if err != nil {
			t.Fatalf("%q: %v", lines, err)
		}
		second := contents[kind]()
		back.ReadContent(second)
		switch v := second.(type) {
		case *Binary:
			v.Raw, v.RawBits = cut(&back.Bits, v.At, v.Len), v.Len
		case *Corrections:
			v.Words = cut(&back.Bits, v.At, v.Len)
		}
		if d := cmp.Diff(got, second, nanEqual, cmp.AllowUnexported(Binary{})); d != "" {
			t.Fatalf("type %d of %d bits: -read +again\n%s", kind, n, d)
		}
	})
}

// cut copies bits into bytes, the last one filled up with zero bits.
func cut(b *Bits, at, n int) []byte {
	out := make([]byte, 0, (n+7)/8)
	for ; n > 0; at, n = at+8, n-8 {
		width := min(n, 8)
		out = append(out, byte(b.Uint(at, width)<<(8-width)))
	}
	return out
}

// The same for each application: any bits of a length of its table.
func TestApplicationRoundTrip(t *testing.T) {
	ids := applicationIDs()
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.SampledFrom(ids).Draw(t, "application")
		e := applications[id]
		n := rapid.IntRange(e.low, e.high).Draw(t, "bits")
		kind := rapid.SampledFrom([]uint8{6, 8}).Draw(t, "type")
		m := noise(rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 2)), kind, 56+n)
		at := 40
		if kind == 6 {
			at, m.Bits.n = 72, 88+n
		}
		place(&m.Bits, at, id)
		if err := m.decodeBits(); err != nil {
			t.Fatal(err)
		}
		a, ok := m.Application()
		if !ok || a.ID() != id {
			t.Fatalf("%v of %d bits was not read: %T", id, n, a)
		}
		head, _ := m.Binary()
		head.Application = a
		again := Message{Type: kind, Repeat: m.Repeat, MMSI: m.MMSI}
		if err := again.SetContent(&head); err != nil {
			t.Fatalf("%v: %v\n%+v", id, err, a)
		}
		second, ok := again.Application()
		if !ok {
			t.Fatalf("%v: what was written (%d bits) was not read", id, again.Bits.n)
		}
		if d := cmp.Diff(a, second, nanEqual); d != "" {
			t.Fatalf("%v of %d bits: -read +again\n%s", id, n, d)
		}
		for _, f := range []Form{{}, {Unscaled: true}, {Marks: true}} {
			if out := AppendJSONForm(nil, &m, f); !json.Valid(out) {
				t.Fatalf("%v: %s", id, out)
			}
		}
	})
}

// place puts the identifier into random bits.
func place(b *Bits, at int, id AppID) {
	v := id.DAC<<6 | uint16(id.FI)
	b.b[at/8], b.b[at/8+1] = byte(v>>8), byte(v)
}

func applicationIDs() []AppID {
	return slices.SortedFunc(maps.Keys(applications), func(a, b AppID) int {
		return int(a.DAC)<<8 + int(a.FI) - int(b.DAC)<<8 - int(b.FI)
	})
}

// Each application fills its table exactly: what is written with its lists full
// is as long as the longest form in the register.
func TestApplicationLengths(t *testing.T) {
	for _, id := range applicationIDs() {
		e := applications[id]
		var m Message
		m.Type = 8
		m.Bits.n = 56 + e.high
		m.Bits.b[0] = 8 << 2
		place(&m.Bits, 40, id)
		if id == (AppID{1, 27}) || id == (AppID{1, 28}) {
			m.Bits.put(56+56, 5, 16) // the count of waypoints
		}
		a, ok := m.Application()
		if !ok {
			t.Errorf("%v: an empty message of %d bits was not read", id, e.high)
			continue
		}
		if e.make().ID() != id {
			t.Errorf("%v is registered as %v", e.make().ID(), id)
		}
		w := &walk{b: new(Bits), write: true}
		a.fields(w)
		if textual := id.DAC == 1 && (id.FI == 0 || id.FI == 29 || id.FI == 30); !textual && id.FI != 16 && w.at != e.high {
			t.Errorf("%v writes %d bits, its table has %d", id, w.at, e.high)
		}
	}
}

// Reading the small types allocates nothing.
func TestAccessorsDoNotAllocate(t *testing.T) {
	for _, kind := range []uint8{6, 7, 8, 10, 13, 15, 16, 17, 20, 22, 23, 25, 26} {
		m := noise(rand.New(rand.NewPCG(1, uint64(kind))), kind, 168)
		m.Type = kind
		n := testing.AllocsPerRun(100, func() {
			m.Binary()
			m.Acknowledgement()
			m.Inquiry()
			m.Interrogation()
			m.Assignment()
			m.Corrections()
			m.DataLink()
			m.ChannelManagement()
			m.GroupAssignment()
		})
		if n != 0 {
			t.Errorf("type %d: %v allocations", kind, n)
		}
	}
}

// A content of another type, values too large, and lists too long are refused.
func TestSetContentRefuses(t *testing.T) {
	for name, f := range map[string]func(*Message) Content{
		"type":    func(m *Message) Content { m.Type = 10; return &Safety{Text: "HELLO"} },
		"repeat":  func(m *Message) Content { m.Type, m.Repeat = 10, 4; return &Inquiry{} },
		"mmsi":    func(m *Message) Content { m.Type = 10; return &Inquiry{Destination: 1 << 30} },
		"letters": func(m *Message) Content { m.Type = 14; return &Safety{Text: "Ä"} },
		"long":    func(m *Message) Content { m.Type = 14; return &Safety{Text: string(make([]byte, 162))} },
		"list": func(m *Message) Content {
			m.Type = 8
			return &Binary{Application: &InlandLevels{Gauges: make([]InlandGauge, 5)}}
		},
		"scale": func(m *Message) Content {
			m.Type = 8
			return &Binary{Application: &AreaNotice{Parts: []Subarea{{Scale: 1, Radius: 15}}}}
		},
		"measure": func(m *Message) Content {
			m.Type = 8
			return &Binary{Application: &InlandShip{Length: 801, Kind: 8010}}
		},
		"latitude": func(m *Message) Content { m.Type = 17; return &Corrections{Lat: 91} },
		"raw":      func(m *Message) Content { m.Type = 8; return &Binary{Raw: []byte{1}, RawBits: 9} },
		"endless":  func(m *Message) Content { m.Type = 8; return &Binary{Raw: make([]byte, 500), RawBits: 4000} },
	} {
		m := NewMessage(0, 227006760)
		if err := m.SetContent(f(&m)); err == nil {
			t.Errorf("%s: %+v was written", name, m.Bits.Bytes(nil))
		}
	}
}

// FuzzContent: any bits of any type are read or refused, never worse, and the
// JSON of each form is JSON.
func FuzzContent(f *testing.F) {
	for kind := byte(1); kind <= 27; kind++ {
		f.Add([]byte{kind << 2, 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf0}, uint16(168))
	}
	for _, id := range applicationIDs() {
		f.Add([]byte{8 << 2, 1, 2, 3, 0, byte(id.DAC >> 2), byte(id.DAC<<6) | id.FI, 0xff, 0x77}, uint16(56+applications[id].high))
	}
	f.Fuzz(func(t *testing.T, b []byte, n uint16) {
		var m Message
		copy(m.Bits.b[:payloadBytes], b)
		m.Bits.n = min(int(n), MaxPayload*6)
		if m.decodeBits() != nil {
			return
		}
		m.Application()
		if c := contents[m.Type]; c != nil && !m.ReadContent(c()) {
			t.Fatalf("type %d of %d bits was not read", m.Type, m.Bits.n)
		}
		for _, form := range []Form{{}, {Unscaled: true}, {Marks: true}} {
			var o map[string]any
			if out := AppendJSONForm(nil, &m, form); json.Unmarshal(out, &o) != nil || len(o) < 4 {
				t.Fatalf("type %d: %s", m.Type, out)
			}
		}
		if lines, err := Encode(m, Envelope{}); err == nil {
			if again, err := Parse(lines...); err != nil || !reflect.DeepEqual(again.Type, m.Type) {
				t.Fatalf("%q: %v", lines, err)
			}
		}
	})
}

// A station that puts its name behind the last sentence only does not keep the
// message from its other sentences; two such messages at once are not mixed.
func TestStationBehindOneSentence(t *testing.T) {
	const first, last = "!AIVDM,2,1,6,A,8>qc9wiKf>d=Cq5r0mdew:?DLq>1LmhHrsqmBCKnJ50,0*30", "!AIVDM,2,2,6,A,3OLc=UCRp,0*4A"
	m, err := Parse(first, last+",b003660465")
	if err != nil || m.MMSI != 999999999 || m.Frame.Station.String() != "b003660465" {
		t.Fatalf("%v: %d from %q", err, m.MMSI, m.Frame.Station.String())
	}
	if m, err := Parse(first+",b1", first+",b2", last); err == nil {
		t.Errorf("a sentence of no station was joined to one of two: %+v", m.Frame)
	}
	if m, err := Parse(first+",b1", last+",b2"); err == nil {
		t.Errorf("sentences of two stations were joined: %+v", m.Frame)
	}
}

// The communication state is read whatever its bits are, and a state that has
// no slot names none.
func TestRadioState(t *testing.T) {
	for _, c := range []struct {
		kind uint8
		bits uint32
		want RadioState
	}{
		{1, 2<<14 | 1249, RadioState{Timeout: 2, Slot: 1249}}, // sample.aivdm, 371798000: its comment tells the same
		{1, 3<<14 | 6, RadioState{Timeout: 3, Stations: 6}},
		{2, 1<<17 | 1<<14 | 23<<9 | 59<<2, RadioState{Sync: 1, Timeout: 1, Hour: 23, Minute: 59}},
		{4, 3<<17 | 2249, RadioState{Sync: 3, Offset: 2249}},
		{3, 8191<<4 | 5<<1 | 1, RadioState{ITDMA: true, Increment: 8191, Slots: 5, Keep: true}},
		{9, 1<<19 | 100<<4, RadioState{ITDMA: true, Increment: 100}},
		{18, 4<<14 | 7, RadioState{Timeout: 4, Slot: 7}},
	} {
		m := NewMessage(c.kind, 371798000)
		m.Position.Radio = c.bits
		if got, ok := m.RadioState(); !ok || got != c.want {
			t.Errorf("type %d, %b: %+v, want %+v", c.kind, c.bits, got, c.want)
		}
	}
	m := NewMessage(18, 371798000)
	m.Position.CSUnit = true
	if s, ok := m.RadioState(); ok {
		t.Errorf("a unit that senses the carrier has %+v", s)
	}
}

// An application is found in the slots of types 25 and 26 too, whether the
// message is addressed or not.
func TestApplicationInSlots(t *testing.T) {
	want := &InlandPersons{Crew: 4, Passengers: 300, Personnel: 2}
	for _, kind := range []uint8{25, 26} {
		for _, to := range []uint32{0, 211169650} {
			m := NewMessage(kind, 244700185)
			if err := m.SetContent(&Binary{Application: want, Addressed: to != 0, Destination: to, Radio: 0x12345}); err != nil {
				t.Fatal(err)
			}
			a, ok := m.Application()
			if d := cmp.Diff(Application(want), a); !ok || d != "" {
				t.Errorf("type %d to %d: %s", kind, to, d)
			}
			if b, _ := m.Binary(); b.Destination != to || kind == 26 && b.Radio != 0x12345 {
				t.Errorf("type %d to %d: %+v", kind, to, b)
			}
			var into InlandPersons
			if !m.ReadApplication(&into) || into != *want || m.ReadApplication(&InlandShip{}) {
				t.Errorf("type %d to %d: read %+v", kind, to, into)
			}
		}
	}
}
