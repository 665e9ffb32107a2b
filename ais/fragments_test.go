package ais

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Sentences of several messages, mixed in any order among others, give each
// message once and whole, whatever tells them apart: the sequential number, the
// channel, the station, or the group of a tag block.
func TestFragmentsInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		apart := rapid.SampledFrom([]string{"sequence", "channel", "station", "group"}).Draw(t, "told apart by")
		var lines []string
		want := map[uint32]string{}
		for i := range rapid.IntRange(1, 8).Draw(t, "messages") {
			m := NewMessage(8, uint32(227000001+i))
			data := rapid.SliceOfN(rapid.Byte(), 40, 110).Draw(t, "data") // 2 to 3 sentences
			if err := m.SetContent(&Binary{App: AppID{DAC: 999, FI: 1}, Structured: true, Raw: data, RawBits: 8 * len(data)}); err != nil {
				t.Fatal(err)
			}
			e := Envelope{Channel: 'A', Seq: 5}
			switch apart {
			case "sequence":
				e.Seq = uint8(i)
			case "channel":
				e.Channel = "AB12CDEF"[i]
			case "station":
				e.Station, e.Time = fmt.Sprintf("r%d", i), time.Unix(1459382401, 0)
			case "group":
				e.Seq, e.Time = uint8(i), time.Unix(1459382401, 0)
			}
			out, err := Encode(m, e)
			if err != nil {
				t.Fatal(err)
			}
			if apart == "station" { // the group would tell them apart as well
				for k, l := range out {
					_, sentence, _ := strings.Cut(l[1:], `\`)
					body := fmt.Sprintf("s:%s,c:1459382401", e.Station)
					out[k] = `\` + string(appendSum([]byte(body), []byte(body))) + `\` + sentence
				}
			}
			lines = append(lines, out...)
			want[m.MMSI] = string(m.Bits.Bytes(nil))
		}
		lines = append(lines, plain, "# a comment")
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "order"), 1))
		r.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
		d := NewDecoder(Options{})
		var m Message
		for _, l := range lines {
			result, err := d.Decode([]byte(l), 0, &m)
			if err != nil {
				t.Fatalf("%q: %v", l, err)
			}
			if result != Complete || m.Type == 1 {
				continue
			}
			if got := string(m.Bits.Bytes(nil)); got != want[m.MMSI] {
				t.Fatalf("%d: %x, want %x", m.MMSI, got, want[m.MMSI])
			}
			delete(want, m.MMSI)
		}
		if len(want) != 0 || d.Unfinished() != 0 || !d.Idle() {
			t.Fatalf("%d messages did not come, %d were given up", len(want), d.Unfinished())
		}
	})
}

// A line count, a text and makers' own parameters of a tag block are read over;
// what has not the form of its parameter is an error.
func TestTagParameters(t *testing.T) {
	for body, want := range map[string]error{
		"n:157,s:rEV02,c:1334337317":           nil,
		"c:1334337317,t:L/F-2QZ7K4MW3BPA":      nil,
		"c:1334337317,d:VTS,r:12,i:<T>A:1</T>": nil,
		"n:x,c:1334337317":                     ErrTagValue,
		"n:,c:1334337317":                      ErrTagValue,
		"c:13343x7317":                         ErrTagValue,
		"g:1-2":                                ErrTagValue,
		"g:3-2-1":                              ErrTagValue,
		"s":                                    ErrTagValue,
	} {
		var m Message
		line := `\` + string(appendSum([]byte(body), []byte(body))) + `\` + plain
		r, err := NewDecoder(Options{}).Decode([]byte(line), 0, &m)
		if !errors.Is(err, want) || (r == Complete) != (want == nil) {
			t.Errorf("%s: %v %v, want %v", body, r, err, want)
		}
		if want == nil && m.Frame.Time != 1334337317e9 {
			t.Errorf("%s: time %d", body, m.Frame.Time)
		}
	}
}

// What would end a parameter, a block or a line is not written into one.
func TestEnvelopeRefuses(t *testing.T) {
	m := NewMessage(1, 227006760)
	for _, e := range []Envelope{{Text: "a,b"}, {Text: `a\b`}, {Text: "a*b"}, {Text: "a\nb"}, {Text: "ä"}, {Text: "12345678901234567"},
		{Station: "a,b"}, {Station: "a\r"}, {Station: "1234567890123456"}, {Talker: "A"}, {Seq: 10}} {
		if lines, err := Encode(m, e); !errors.Is(err, ErrRange) {
			t.Errorf("%+v: %q %v", e, lines, err)
		}
	}
	lines, err := Encode(m, Envelope{Text: "L/F-2QZ7K4MW3BPA"})
	if err != nil || !strings.HasPrefix(lines[0], `\t:L/F-2QZ7K4MW3BPA*`) {
		t.Errorf("%q %v", lines, err)
	}
}
