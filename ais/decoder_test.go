package ais

import (
	"errors"
	"math/bits"
	"strings"
	"testing"
	"time"
)

const (
	plain = "!AIVDM,1,1,,A,15RTgt0PAso;90TKcjM8h6g208CQ,0*4A"
	first = "!AIVDM,2,1,9,B,58KvN<42ACikUKW77F1H4hF0<PTp622222222216`0`cF5BF0RT13H0T,0*70"
	last  = "!AIVDM,2,2,9,B,PFRC88888888880,2*29"
)

func TestLineForms(t *testing.T) {
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		lines   []string
		time    string
		station string
	}{
		"bare":               {[]string{plain}, "", ""},
		"line end":           {[]string{plain + "\r\n"}, "", ""},
		"clock":              {[]string{"2016-03-31 00:00:01, " + plain}, "2016-03-30T22:00:01Z", ""},
		"clock in UTC":       {[]string{"2016-03-31T00:00:01.5Z " + plain}, "2016-03-31T00:00:01.5Z", ""},
		"epoch before":       {[]string{"1328133720,\t" + plain}, "2012-02-01T22:02:00Z", ""},
		"epoch after":        {[]string{plain + ",1328133720012"}, "2012-02-01T22:02:00.012Z", ""},
		"station and epoch":  {[]string{plain + ",x161433,s25723,d-112,T34.35063660,r3669961,1152921695"}, "2006-07-15T00:01:35Z", "r3669961"},
		"tag block":          {[]string{`\s:rEV02,c:1334337317*58\` + plain}, "2012-04-13T17:15:17Z", "rEV02"},
		"tag block alone":    {[]string{`\s:rEV02,c:1334337317*58\`, plain}, "2012-04-13T17:15:17Z", "rEV02"},
		"tag block over all": {[]string{"2016-03-31 00:00:01, " + `\s:rEV02,c:1334337317*58\` + plain + ",r1,1152921695"}, "2012-04-13T17:15:17Z", "rEV02"},
		"group":              {[]string{`\g:1-2-3985,s:rEV02,c:1334337317*2D\` + first, `\g:2-2-3985*5A\` + last}, "2012-04-13T17:15:17Z", "rEV02"},
		"group reversed":     {[]string{`\g:2-2-3985*5A\` + last, `\g:1-2-3985,s:rEV02,c:1334337317*2D\` + first}, "2012-04-13T17:15:17Z", "rEV02"},
		"$PGHP":              {[]string{"$PGHP,1,2010,6,11,11,46,11,390,231,45,992190934,1,2B*5B", "!AIVDM,1,1,,B,402=481uaUcf;OQ55JS9ITi025Jp,0*2B"}, "2010-06-11T11:46:11.39Z", "992190934"},
		"$PGHP of another":   {[]string{"$PGHP,1,2010,6,11,11,46,11,390,231,45,992190934,1,2B*5B", plain}, "", ""},
		"$PGHP of two": {[]string{"$PGHP,1,2010,6,11,11,46,11,929,244,0,,1,72*21",
			"!AIVDM,2,1,1,,53cMa3@000010WSW?V105=<45B2222222222220t388151:9e2UiDm851DTh,0*65", "!AIVDM,2,2,1,,j1C32CQp888,2*17"}, "2010-06-11T11:46:11.929Z", ""},
		"interleaved": {[]string{first, plain[:0] + "# comment", last}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			d := NewDecoder(Options{Zone: paris})
			var m Message
			var r Result
			for i, l := range c.lines {
				var err error
				if r, err = d.Decode([]byte(l), int64(i), &m); err != nil {
					t.Fatalf("%q: %v", l, err)
				}
			}
			if r != Complete {
				t.Fatalf("the last line gave %v", r)
			}
			got := ""
			if at := m.Frame.At(); !at.IsZero() {
				got = at.Format(time.RFC3339Nano)
			}
			if got != c.time || m.Frame.Station.String() != c.station {
				t.Errorf("time %q station %q, want %q %q", got, m.Frame.Station.String(), c.time, c.station)
			}
		})
	}
}

func TestRejects(t *testing.T) {
	for name, c := range map[string]struct {
		line string
		err  error
	}{
		"checksum":        {plain[:len(plain)-1] + "B", ErrChecksum},
		"lower-case sum":  {strings.ToLower(plain[:0]) + "!AIVDM,1,1,,A,15RTgt0PAso;90TKcjM8h6g208CQ,0*4a", nil},
		"no checksum":     {plain[:len(plain)-3], ErrNoChecksum},
		"cut checksum":    {plain[:len(plain)-1], ErrNoChecksum},
		"binary":          {"\x00\xff\x01binary", ErrNoSentence},
		"prefix":          {"hello " + plain, ErrPrefix},
		"31 February":     {"2016-02-31 00:00:01, " + plain, ErrPrefix},
		"tag block sum":   {`\s:rEV02,c:1334337317*59\` + plain, ErrTagChecksum},
		"tag block open":  {`\s:rEV02,c:1334337317*58` + plain, ErrTagBlock},
		"long":            {plain + strings.Repeat(" ", MaxLine), ErrTooLong},
		"fragment 0 of 1": {sealed("AIVDM,1,0,,A,15RTgt0PAso;90TKcjM8h6g208CQ,0"), ErrFragment},
		"armour":          {sealed("AIVDM,1,1,,A,15RTgt0PAso;90TKcjM8h6g208CX,0"), ErrArmour},
		"fill":            {sealed("AIVDM,1,1,,A,15RTgt0PAso;90TKcjM8h6g208CQ,6"), ErrFill},
		"empty":           {sealed("AIVDM,1,1,,A,,0"), ErrEmpty},
		"type 0":          {sealed("AIVDM,1,1,,A,05RTgt0PAso;90TKcjM8h6g208CQ,0"), ErrType},
		"type 41":         {sealed("AIVDM,1,1,,A,a5RTgt0PAso;90TKcjM8h6g208CQ,0"), ErrType},
		"short":           {sealed("AIVDM,1,1,,A,15RTgt0PAso;90TKcj,0"), ErrLength},
		"fields":          {sealed("AIVDM,1,1,,A"), ErrFields},
	} {
		t.Run(name, func(t *testing.T) {
			var m Message
			r, err := NewDecoder(Options{}).Decode([]byte(c.line), 0, &m)
			if !errors.Is(err, c.err) || (r == Rejected) != (c.err != nil) {
				t.Errorf("%q: %v, %v; want %v", c.line, r, err, c.err)
			}
		})
	}
}

// sealed gives a sentence its right checksum, so that what is inside is judged.
func sealed(body string) string {
	return string(appendSum([]byte("!"+body), []byte(body)))
}

// A fragment of an earlier message never completes a later one.
func TestFragmentsTimeOut(t *testing.T) {
	var dropped []int64
	d := NewDecoder(Options{Dropped: func(first int64) { dropped = append(dropped, first) }})
	var m Message
	for i, l := range []string{"1334337317 " + first, "1334337330 " + last} {
		if r, err := d.Decode([]byte(l), int64(i+1), &m); r != Waiting || err != nil {
			t.Fatalf("%q: %v %v", l, r, err)
		}
	}
	d.Flush()
	if len(dropped) != 2 || dropped[0] != 1 || dropped[1] != 2 || d.Unfinished() != 2 {
		t.Errorf("dropped %v, %d", dropped, d.Unfinished())
	}
}

// Sets of fragments are bounded, and the oldest gives way.
func TestFragmentsBounded(t *testing.T) {
	d := NewDecoder(Options{})
	var m Message
	for i := range 10000 {
		body := "AIVDM,2,1," + string(rune('0'+i%10)) + "," + string(rune('A'+i/10%26)) + ",58KvN<42ACikUKW77F1H4h,0"
		if _, err := d.Decode([]byte(sealed(body)+",r"+strings.Repeat("x", i%30)), int64(i), &m); err != nil {
			t.Fatal(err)
		}
	}
	if n := bits.OnesCount64(d.waiting); n != maxPending || d.Unfinished() != 10000-maxPending {
		t.Errorf("%d wait, %d were given up", n, d.Unfinished())
	}
}

func TestSteadyStateAllocatesNothing(t *testing.T) {
	d := NewDecoder(Options{})
	var m Message
	lines := [][]byte{[]byte(plain), []byte("2016-03-31 00:00:01, " + first), []byte("2016-03-31 00:00:01, " + last),
		[]byte(`\s:rEV02,c:1334337317*58\` + plain)}
	if n := testing.AllocsPerRun(1000, func() {
		for _, l := range lines {
			if _, err := d.Decode(l, 0, &m); err != nil {
				t.Fatal(err)
			}
		}
	}); n != 0 {
		t.Errorf("%g allocations", n)
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{plain, first + "\n" + last, `\g:1-2-3985,s:rEV02,c:1334337317*2D\` + first, "2016-03-31 00:00:01, " + plain,
		"$PGHP,1,2010,6,11,11,46,11,390,231,45,992190934,1,2B*5B\n" + plain, plain + ",r003669987,1152921693"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		d := NewDecoder(Options{})
		var m Message
		for i, l := range strings.Split(string(b), "\n") {
			r, err := d.Decode([]byte(l), int64(i), &m)
			if (r == Rejected) != (err != nil) {
				t.Fatalf("%v with %v", r, err)
			}
			if r == Complete {
				AppendJSON(nil, &m)
				if p := m.Position; m.Has&HasPosition != 0 && (p.Lat > 90 || p.Lat < -90 || p.Lon > 180 || p.Lon < -180) {
					t.Fatalf("position %v %v", p.Lat, p.Lon)
				}
			}
		}
	})
}

// FuzzPayload gets past the checksum, to the messages themselves.
func FuzzPayload(f *testing.F) {
	f.Add("15RTgt0PAso;90TKcjM8h6g208CQ", byte(0))
	f.Fuzz(func(t *testing.T, payload string, fill byte) {
		m, err := Parse(sealed("AIVDM,1,1,,A," + payload + "," + string(rune('0'+fill%6))))
		if err != nil {
			return
		}
		again, err := Encode(m, Envelope{})
		if err != nil {
			return // a name with '@' inside, or a type that is kept as bits
		}
		if n, err := Parse(again...); err != nil || n.MMSI != m.MMSI {
			t.Fatalf("%q then %q: %v", payload, again, err)
		}
	})
}
