package ais

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Every message of the public examples, as gpsd and libais tell it, is compared
// with ours field by field. What the comparison leaves out is said in the manual
// (docs/manual/ais-library.md, "Conformance"): texts that only explain a number
// (…_text), the class and the device; numbers are compared to the digits that
// both print; a boolean may be 0 and 1. Each remaining difference must stand in
// the manual's table with its count and the reason, and each row there must be
// met: an unexplained difference fails, and so does a stale row.

// shown is one message as JSON, numbers as they are written.
type shown map[string]any

func readTold(t *testing.T, line []byte) shown {
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	var o shown
	if err := d.Decode(&o); err != nil {
		t.Fatalf("%v in %s", err, line)
	}
	return o
}

func (o shown) kind() string {
	s := fmt.Sprint(o["type"])
	if o["dac"] != nil {
		s += fmt.Sprintf(" %v/%v", o["dac"], o["fid"])
	}
	return s
}

func (o shown) id() string { return fmt.Sprint(o["type"], " ", o["mmsi"]) }

func expected(t *testing.T, name string) []shown {
	var out []shown
	for line := range bytes.Lines(sharedBytes(t, "conformance/"+name)) {
		if bytes.HasPrefix(line, []byte("{")) {
			if o := readTold(t, line); o["class"] == "AIS" {
				out = append(out, o)
			}
		}
	}
	return out
}

// example is one message decoded here.
type example struct {
	m    Message
	o    shown
	id   string
	seen bool
}

func examples(t *testing.T, name string, f Form) []example {
	var out []example
	for m, err := range NewReader(bytes.NewReader(sharedBytes(t, "conformance/"+name)), Options{}).All() {
		if err == nil {
			o := readTold(t, AppendJSONForm(nil, &m, f))
			out = append(out, example{m: m, o: o, id: o.id()})
		}
	}
	return out
}

var leftOut = []string{"class", "device", "scaled"}

// frameKeys are ours alone: they come from the lines. gpsd does not print the
// assigned-mode flag of types 9, 18 and 21.
var frameKeys = []string{"time", "station", "talker", "channel", "assigned"}

// differences names the fields in which the two differ.
func differences(want, got shown) []string {
	var out []string
	for k := range want {
		if !slices.Contains(leftOut, k) && !strings.HasSuffix(k, "_text") && !alike(want[k], got[k]) {
			out = append(out, k)
		}
	}
	for k := range got {
		if _, has := want[k]; !has && !slices.Contains(leftOut, k) && !slices.Contains(frameKeys, k) {
			out = append(out, "+"+k)
		}
	}
	slices.Sort(out)
	return out
}

func alike(a, b any) bool {
	switch x := a.(type) {
	case map[string]any:
		y, ok := b.(map[string]any)
		return ok && maps.EqualFunc(x, y, alike)
	case []any:
		y, ok := b.([]any)
		return ok && slices.EqualFunc(x, y, alike)
	}
	s, u := fmt.Sprint(a), fmt.Sprint(b)
	if s == u {
		return true
	}
	truth := map[string]string{"true": "1", "false": "0"}
	if v, ok := truth[s]; ok {
		s = v
	}
	if v, ok := truth[u]; ok {
		u = v
	}
	x, err1 := strconv.ParseFloat(s, 64)
	y, err2 := strconv.ParseFloat(u, 64)
	if err1 != nil || err2 != nil || b == nil {
		return false
	}
	return math.Abs(x-y) <= 0.500001*math.Pow(10, -float64(min(decimals(s), decimals(u))))
}

func decimals(s string) int {
	if i := strings.IndexByte(s, '.'); i >= 0 {
		return len(s) - i - 1
	}
	return 0
}

// gpsdFiles are the examples of gpsd and the form of each expectation.
var gpsdFiles = []struct {
	lines, expected string
	form            Form
	atLeast         int
}{
	{"sample.aivdm", "sample.aivdm.js.chk", Form{Marks: true}, 97},
	{"sample.aivdm", "sample.aivdm.ju.chk", Form{Unscaled: true}, 97},
	{"ais-nmea.log", "ais-nmea.log.chk", Form{Unscaled: true}, 274},
	{"ais-nmea-type6-fid55.log", "ais-nmea-type6-fid55.log.chk", Form{Unscaled: true}, 1265},
	{"ais-18-27.log", "ais-18-27.log.chk", Form{Unscaled: true}, 138},
	{"ais-raw-messages.log", "ais-raw-messages.log.chk", Form{Unscaled: true}, 108},
	{"ais_unpack_sixbit.log", "ais_unpack_sixbit.log.chk", Form{Unscaled: true}, 12},
}

func TestConformance(t *testing.T) {
	met := map[string]int{}
	total := 0
	for _, f := range gpsdFiles {
		want := expected(t, f.expected)
		if len(want) < f.atLeast {
			t.Fatalf("%s has only %d messages: it is not what it was", f.expected, len(want))
		}
		ours := examples(t, f.lines, f.form)
		for _, w := range want {
			if w["scaled"] == f.form.Unscaled {
				t.Fatalf("%s is not of the form %+v", f.expected, f.form)
			}
			total++
			for _, d := range compareGPSD(w, ours) {
				met["gpsd | "+w.kind()+" | "+d]++
			}
		}
		for _, d := range untold(ours) {
			met["gpsd | "+d+" | (not told)"]++
		}
	}
	n := compareLibais(t, met)
	checkTable(t, met)
	t.Logf("%d messages of gpsd and %d of libais compared", total, n)
}

// compareGPSD compares one expectation with the nearest message of ours.
func compareGPSD(w shown, ours []example) []string {
	best, at, id := []string{"(rejected)"}, -1, w.id()
	for i := range ours {
		o := ours[i].o
		if ours[i].id != id {
			continue
		}
		if fmt.Sprint(w["type"]) == "24" {
			o = joined(ours, w)
		}
		d := differences(w, o)
		if at < 0 || len(d) < len(best) {
			best, at = d, i
		}
		if len(d) == 0 {
			ours[i].seen = true
		}
	}
	if at < 0 {
		return best
	}
	o := ours[at].o
	switch {
	case fmt.Sprint(w["radio"]) == "1076" && slices.Equal(best, []string{"radio"}):
		return []string{"(rejected)"} // the nearest is another message of that ship; this one has 163 bits
	case w["data"] == nil && o["data"] != nil:
		best = []string{"(bits)"}
	case w["data"] != nil && o["data"] == nil && o["dac"] != nil:
		b, _ := ours[at].m.Binary()
		form := jsonOut{}
		if form.data("data", &ours[at].m.Bits, b.At, b.Len); string(form.b) == fmt.Sprintf(`"data":"%v"`, w["data"]) {
			best = []string{"(decoded)"}
		}
	}
	ours[at].seen = true
	return best
}

// joined puts the parts of a type 24 together, as gpsd does, as far as it tells them.
func joined(ours []example, w shown) shown {
	out, id := shown{}, w.id()
	for i := range ours {
		o := ours[i].o
		if ours[i].id != id {
			continue
		}
		ours[i].seen = true
		for k, v := range o {
			if _, asked := w[k]; asked {
				out[k] = v
			}
		}
	}
	return out
}

// untold lists the types of our messages that the peer does not tell.
func untold(ours []example) []string {
	known := map[string]bool{}
	content := func(e *example) string {
		m := e.m
		m.Frame = Frame{}
		return string(AppendJSONForm(nil, &m, Form{Unscaled: true}))
	}
	for i := range ours {
		if ours[i].seen {
			known[content(&ours[i])] = true
		}
	}
	var out []string
	for i := range ours {
		if !known[content(&ours[i])] {
			out = append(out, ours[i].o.kind())
		}
	}
	return out
}

// compareLibais compares the examples of libais. Names that it has and gpsd's
// JSON does not are filled in from the message.
func compareLibais(t *testing.T, met map[string]int) int {
	n := 0
	for _, name := range []string{"libais_typeexamples", "libais_tagblock"} {
		ours := examples(t, name+".nmea", Form{Marks: true})
		for i := range ours {
			ours[i].extend()
		}
		for _, w := range expected(t, name+".json") {
			n++
			best := []string{"(rejected)"}
			for i := range ours {
				o := ours[i].o
				if ours[i].id != w.id() {
					continue
				}
				if d := differencesLibais(w, o); len(d) < len(best) || len(best) == 1 && best[0] == "(rejected)" {
					if best = d; len(d) == 0 {
						break
					}
				}
			}
			for _, d := range best {
				met["libais | "+w.kind()+" | "+d]++
			}
		}
	}
	return n
}

// differencesLibais leaves out spare bits, fields that libais makes up where the
// message ends before them (null or 0), and parameters of the tag block that are
// a maker's own (T, q) or told otherwise (the group, the timestamp again).
func differencesLibais(w, o shown) []string {
	var out []string
	for k, v := range w {
		switch {
		case slices.Contains(leftOut, k), strings.HasSuffix(k, "_text"), strings.HasSuffix(k, "_str"), strings.HasPrefix(k, "spare"), k == "utc_spare",
			k == "tagblock_T", k == "tagblock_q", k == "tagblock_group", k == "commstate_cs_fill",
			k == "timestamp" && w["tagblock_timestamp"] != nil:
			continue
		case o[k] == nil && (fmt.Sprint(v) == "0" || v == nil):
			continue
		}
		if !near(v, o[k]) {
			out = append(out, k)
		}
	}
	slices.Sort(out)
	return out
}

// near is alike for numbers that went through a float of 32 bits.
func near(a, b any) bool {
	if alike(a, b) {
		return true
	}
	if a == nil && b == "n/a" {
		return true
	}
	x, err1 := strconv.ParseFloat(strings.TrimSuffix(fmt.Sprint(a), ".0"), 64)
	y, err2 := strconv.ParseFloat(fmt.Sprint(b), 64)
	return err1 == nil && err2 == nil && math.Abs(x-y) < 2e-3*max(math.Abs(y)/100, 0.02)
}

// extend adds what libais tells and gpsd does not.
func (e *example) extend() {
	m, o := &e.m, e.o
	p := &m.Position
	if s, ok := m.RadioState(); ok {
		o["sync_state"] = s.Sync
		if s.ITDMA {
			o["slot_increment"], o["slots_to_allocate"], o["keep_flag"] = s.Increment, s.Slots, s.Keep
		} else {
			o["slot_timeout"] = s.Timeout
			maps.Copy(o, [8]shown{{"slot_offset": s.Offset}, {"utc_hour": s.Hour, "utc_min": s.Minute}, {"slot_number": s.Slot},
				{"received_stations": s.Stations}, {"slot_number": s.Slot}, {"received_stations": s.Stations}, {"slot_number": s.Slot},
				{"received_stations": s.Stations}}[s.Timeout])
		}
	}
	switch m.Type {
	case 4, 11:
		o["transmission_ctl"] = m.Clock.LongRangeAsked
	case 9:
		o["alt_sensor"] = p.Regional >> 7
	case 18:
		o["unit"], o["mode"] = p.CSUnit, p.Assigned
	case 24:
		o["part_num"] = m.Static.Part
	}
	if a, ok := m.Application(); ok {
		if n, ok := a.(*AreaNotice); ok {
			o["duration_minutes"], o["link_id"], o["notice_type"] = n.Duration, n.Linkage, n.Notice
			var parts []any
			for _, s := range n.Parts {
				parts = append(parts, map[string]any{"sub_area_type": s.Shape, "sub_area_type_str": "circle", "precision": s.Precision,
					"radius": s.Radius, "x": fmt.Sprintf("%.6f", s.Lon), "y": fmt.Sprintf("%.6f", s.Lat)})
			}
			o["sub_areas"] = parts
		}
	}
	if b, ok := m.Binary(); ok && b.Structured {
		o["dac"], o["fid"] = b.App.DAC, b.App.FI
	}
	if !m.Frame.At().IsZero() {
		o["tagblock_timestamp"] = m.Frame.At().Format("2006-01-02T15:04:05.000000Z")
	}
	o["tagblock_station"] = m.Frame.Station.String()
}

// checkTable holds the differences to the manual's table.
func checkTable(t *testing.T, met map[string]int) {
	page, err := os.ReadFile(filepath.Join("..", "docs", "manual", "ais-library.md"))
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]int{}
	for line := range strings.Lines(string(page)) {
		f := strings.Split(strings.TrimSpace(line), "|")
		if len(f) != 8 {
			continue
		}
		for i := range f {
			f[i] = strings.Trim(f[i], " `")
		}
		if f[1] != "gpsd" && f[1] != "libais" {
			continue
		}
		n, err := strconv.Atoi(f[4])
		if err != nil || len(f[5]) < 20 || len(f[6]) < 10 {
			t.Errorf("row %q has no count, reason or source", line)
		}
		rows[f[1]+" | "+f[2]+" | "+f[3]] = n
	}
	for _, k := range slices.Sorted(maps.Keys(met)) {
		if rows[k] != met[k] {
			t.Errorf("%s: %d differences, the manual explains %d", k, met[k], rows[k])
		}
	}
	for _, k := range slices.Sorted(maps.Keys(rows)) {
		if met[k] == 0 {
			t.Errorf("the manual explains %s, which was not met", k)
		}
	}
}

// The plain form is the compared one without the marks: what it prints has the
// same value there.
func TestPlainFormAgrees(t *testing.T) {
	ownNames := []string{"turn", "turn_raw", "vendor", "scaled", "epfd"} // gpsd leaves out the device of type 24
	for _, f := range gpsdFiles[1:] {
		for m, err := range NewReader(bytes.NewReader(sharedBytes(t, "conformance/"+f.lines)), Options{}).All() {
			if err != nil {
				continue
			}
			plain, marked := readTold(t, AppendJSON(nil, &m)), readTold(t, AppendJSONForm(nil, &m, Form{Marks: true}))
			for k, v := range plain {
				if slices.Contains(ownNames, k) || m.Type == 24 && m.Has == 0 {
					continue
				}
				if list, ok := v.([]any); ok && len(list) > 0 {
					continue // elements leave out their marks too
				}
				if !alike(v, marked[k]) {
					t.Errorf("type %d of %d: %s is %v, with marks %v", m.Type, m.MMSI, k, v, marked[k])
				}
			}
		}
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
