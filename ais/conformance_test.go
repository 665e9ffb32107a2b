package ais

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
)

// expectations reads the JSON that gpsd prints for sample.aivdm, of the types
// that this package decodes to values, by MMSI and type in the order told.
func expectations(t *testing.T, file string) []map[string]any {
	var out []map[string]any
	for line := range bytes.Lines(sharedBytes(t, file)) {
		var o map[string]any
		if err := json.Unmarshal(line, &o); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if kind := uint8(o["type"].(float64)); partsOf(kind) != 0 || kind == 24 {
			out = append(out, o)
		}
	}
	return out
}

// normal is the documented normalisation of an object of gpsd or libais, so
// that it can be compared with ours:
//   - texts that only explain a number (status_text, epfd_text…), the device and
//     the class are left out;
//   - marks of "not available" are left out: they are no values;
//   - numbers are compared to the digits that both print;
//   - type 24 is told by gpsd once for parts A and B: each of our parts must
//     agree with it in the fields that it has;
//   - turn: gpsd prints the rounded square, ours has two digits; ±127 and -128
//     are words there ("fastleft", "n/a") and turn_raw here;
//   - libais says null for an absent turn, and a text for the IMO number.
func normal(o map[string]any) map[string]any {
	out := map[string]any{}
	absent := map[string]float64{"heading": 511, "course": 360, "speed": 102.3, "lon": 181, "lat": 91, "alt": 4095,
		"epfd": 0, "imo": 0, "shiptype": 0, "to_bow": 0, "to_stern": 0, "to_port": 0, "to_starboard": 0, "draught": 0}
	kind := o["type"].(float64)
	if kind == 9 {
		absent["speed"] = 1023
	}
	if kind == 27 {
		absent["speed"], absent["course"] = 63, 511
	}
	for k, v := range o {
		switch {
		case strings.HasSuffix(k, "_text"), slices.Contains([]string{"class", "device", "scaled", "turn", "turn_raw", "dte", "assigned",
			"vendorid", "time", "station", "talker", "channel", "bits", "data", "tagblock", "timestamp_local"}, k):
			continue
		case v == nil, v == "":
			continue
		}
		if s, text := v.(string); text {
			if k == "imo" {
				if s != "0" {
					out[k] = strings.TrimSuffix(s, ".0") + ".0000"
				}
				continue
			}
			if k == "eta" && s == "00-00T24:60Z" || k == "timestamp" && !realTime(s) {
				continue
			}
			out[k] = s
			continue
		}
		if f, number := v.(float64); number {
			if a, has := absent[k]; has && math.Abs(f-a) < 1e-4 || k == "lon" && math.Abs(f) > 180 || k == "lat" && math.Abs(f) > 90 {
				continue
			}
			out[k] = fmt.Sprintf("%.4f", math.Round(f*2000)/2000)
			continue
		}
		out[k] = v
	}
	return out
}

// realTime tells a date of the calendar from the marks and the nonsense of a
// damaged type 4 that gpsd prints as it is.
func realTime(s string) bool {
	return len(s) == 20 && !strings.HasPrefix(s, "0000") && !strings.Contains(s, "-00") && !strings.Contains(s, "T24")
}

// decodeFile decodes all messages of a file of sentences.
func decodeFile(t *testing.T, name string) []map[string]any {
	var out []map[string]any
	r := NewReader(bytes.NewReader(sharedBytes(t, name)), Options{})
	for m, err := range r.All() {
		if err != nil {
			t.Log(name, err)
			continue
		}
		if m.Has == 0 {
			continue
		}
		var o map[string]any
		if err := json.Unmarshal(AppendJSON(nil, &m), &o); err != nil {
			t.Fatalf("our JSON: %v\n%s", err, AppendJSON(nil, &m))
		}
		out = append(out, o)
	}
	return out
}

// disagreement lists the fields in which ours differs; nothing of ours may be
// missing in theirs, and nothing of theirs in ours, but for partial (type 24).
func disagreement(theirs, ours map[string]any, partial bool) []string {
	var out []string
	a, b := normal(theirs), normal(ours)
	for _, k := range slices.Sorted(maps.Keys(a)) {
		if v, has := b[k]; has && v != a[k] || !has && !partial {
			out = append(out, fmt.Sprintf("%s: expected %v, got %v", k, a[k], b[k]))
		}
	}
	return out
}

func TestConformsToGPSD(t *testing.T) {
	ours := decodeFile(t, "conformance/sample.aivdm")
	want := expectations(t, "conformance/sample.aivdm.js.chk")
	if len(want) < 20 {
		t.Fatalf("only %d expected messages: the file is not what it was", len(want))
	}
	const missing = "no such message decoded"
	matched := 0
	for _, w := range want {
		best := []string{missing}
		for _, o := range ours {
			if o["type"] != w["type"] || o["mmsi"] != w["mmsi"] {
				continue
			}
			if d := disagreement(w, o, w["type"] == 24.0); len(d) < len(best) || best[0] == missing {
				if best = d; len(d) == 0 {
					break
				}
			}
		}
		if w["mmsi"] == 244740981.0 && w["radio"] == 1076.0 {
			continue // 163 bits by its fill bits: gpsd reads what is there, table 48 has 168, so here it is rejected
		}
		if len(best) > 0 {
			t.Errorf("type %v of %v: %s", w["type"], w["mmsi"], strings.Join(best, "; "))
			continue
		}
		matched++
	}
	t.Logf("%d of %d agree", matched, len(want))
}

// libaisDiffers explains where libais says something else, and why we don't.
var libaisDiffers = map[string]string{
	"27 974291422 lat":       "the longitude sent is off the earth: half a position is none",
	"2 277315048 lon":        "the latitude sent is off the earth",
	"9 400214919 lon":        "the latitude sent is off the earth",
	"9 400214919 speed":      "table 61 tells speed in whole knots; libais divides by ten",
	"2 277315048 heading":    "table 48 ends at 359; 472 is no heading",
	"11 367342360 timestamp": "hour 26 and minute 60 are no time",
	"21 852992994 name":      "table 47: 31 is '_' and 39 is an apostrophe",
}

// The examples of libais, a second opinion.
func TestConformsToLibais(t *testing.T) {
	ours := decodeFile(t, "conformance/libais_typeexamples.nmea")
	compared := 0
	for _, w := range expectations(t, "conformance/libais_typeexamples.json") {
		for _, o := range ours {
			if o["type"] != w["type"] || o["mmsi"] != w["mmsi"] || o["type"] == 24.0 && (o["shipname"] == nil) != (w["shipname"] == nil) {
				continue
			}
			compared++
			for _, k := range []string{"lat", "lon", "speed", "course", "heading", "second", "accuracy", "raim", "status", "imo", "callsign",
				"shipname", "shiptype", "to_bow", "to_stern", "to_port", "to_starboard", "epfd", "draught", "destination", "timestamp", "name"} {
				a, b := normal(w)[k], normal(o)[k]
				if a == nil && b == nil || a == b || libaisDiffers[fmt.Sprintf("%v %.0f %s", w["type"], w["mmsi"], k)] != "" {
					continue
				}
				t.Errorf("type %v of %v: %s: libais %v, ours %v", w["type"], w["mmsi"], k, a, b)
			}
		}
	}
	if compared < 10 {
		t.Errorf("only %d messages compared", compared)
	}
}

// What is on the air a thousand times over: the corrupt lines of Vernon are told
// from good ones by an oracle that shares no code with the decoder.
func TestNoCorruptLineAccepted(t *testing.T) {
	d := NewDecoder(Options{})
	var m Message
	corrupt, good := 0, 0
	for line := range bytes.Lines(sharedBytes(t, "captures/ais_vernon_20160331.log")) {
		r, err := d.Decode(line, 0, &m)
		if sound(string(line)) {
			if good++; err != nil && !strings.Contains(string(line), ",B0,4*50") { // that one is a type 18 of eight bits
				t.Errorf("good line rejected: %v: %q", err, line)
			}
			continue
		}
		if corrupt++; err == nil || r != Rejected {
			t.Errorf("corrupt line was %v: %q", r, line)
		}
	}
	if corrupt < 170 || good < 50000 {
		t.Errorf("%d corrupt and %d good lines: the oracle is wrong", corrupt, good)
	}
}

// sound is the oracle: the checksum byte by byte, by the text of IEC 61162-1.
func sound(line string) bool {
	_, s, _ := strings.Cut(line, "!")
	body, tail, ok := strings.Cut(s, "*")
	if !ok || len(tail) < 2 {
		return false
	}
	x := rune(0)
	for _, c := range body {
		x ^= c
	}
	return fmt.Sprintf("%02X", x) == strings.ToUpper(tail[:2])
}
