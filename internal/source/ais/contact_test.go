package ais

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
)

func (s *sink) Contacts() []event.Contact { s.mu.Lock(); defer s.mu.Unlock(); return s.contacts }

// sentence closes a body with its sum.
func sentence(body string) string {
	var sum byte
	for i := range len(body) {
		sum ^= body[i]
	}
	return fmt.Sprintf("$%s*%02X", body, sum)
}

// contactsOf reads lines as those of a radar at 45° N 12° W.
func contactsOf(t *testing.T, now time.Time, lines ...string) *sink {
	t.Helper()
	file := filepath.Join(t.TempDir(), "radar.nmea")
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\r\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	return run(t, Config{ID: "radar", Address: file, Clock: func() time.Time { return now }, Contacts: &Contacts{Sensor: "head", Lat: 45, Lon: -12}})
}

func TestContactsOfSentences(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 5, 0, time.UTC)
	for name, c := range map[string]struct {
		line string
		want event.Contact
		at   time.Time
	}{
		"TLL":                    {sentence("RATLL,07,4530.0000,N,01215.0000,W,BUOY,120000.50,T,"), event.Contact{Track: "07", Lat: 45.5, Lon: -12.25, SOG: nan32, COG: nan32}, now.Add(-4500 * time.Millisecond)},
		"TLL on the other side":  {sentence("RATLL,1,4530.0000,S,01215.0000,E,,120003,T,"), event.Contact{Track: "1", Lat: -45.5, Lon: 12.25, SOG: nan32, COG: nan32}, now.Add(-2 * time.Second)},
		"TLL of before midnight": {sentence("RATLL,1,4530.0000,N,01215.0000,W,,235959,T,"), event.Contact{Track: "1", Lat: 45.5, Lon: -12.25, SOG: nan32, COG: nan32}, time.Date(2026, 11, 23, 23, 59, 59, 0, time.UTC)},
		"TLL lost":               {sentence("RATLL,9,,,,,,120000,L,"), event.Contact{Track: "9", Lat: math.NaN(), Lon: math.NaN(), SOG: nan32, COG: nan32, Lost: true}, now.Add(-5 * time.Second)},
		// Ten nautical miles east is about ten minutes of longitude over the cosine of 45°.
		"TTM":               {sentence("RATTM,03,10.0,90.0,T,12.0,181.5,T,,,N,,T,,120001,A"), event.Contact{Track: "03", Lat: 45, Lon: -12 + 10.0/60*math.Sqrt2, SOG: 12, COG: 181.5}, now.Add(-4 * time.Second)},
		"TTM in kilometres": {sentence("RATTM,03,1.852,0.0,T,18.52,0,T,,,K,,T,,,A"), event.Contact{Track: "03", Lat: 45 + 1.0/60, Lon: -12, SOG: 10, COG: 0}, now},
		"tag block":         {`\c:1795435200*53\` + sentence("RATTM,03,1,0.0,T,,,T,,,N,,T,,,A"), event.Contact{Track: "03", Lat: 45 + 1.0/60, Lon: -12, SOG: nan32, COG: nan32}, time.Unix(1795435200, 0).UTC()},
		"JSON":              {`{"time":"2026-11-23T12:00:00Z","track":17,"lat":45.1,"lon":-12.1,"sog":6.5,"cog":360,"accuracy":8,"class":"ship"}`, event.Contact{Track: "17", Lat: 45.1, Lon: -12.1, SOG: 6.5, COG: 0, Accuracy: 8, Class: "ship"}, now.Add(-5 * time.Second)},
	} {
		t.Run(name, func(t *testing.T) {
			k := contactsOf(t, now, c.line)
			got := k.Contacts()
			if len(got) != 1 {
				t.Fatalf("%d contacts; health %+v", len(got), k.health.Reasons)
			}
			g := got[0]
			far := func(a, b float64) bool { return math.Abs(a-b) > 2e-4 || math.IsNaN(a) != math.IsNaN(b) }
			if g.Track != c.want.Track || far(g.Lat, c.want.Lat) || far(g.Lon, c.want.Lon) || far(float64(g.SOG), float64(c.want.SOG)) || far(float64(g.COG), float64(c.want.COG)) ||
				g.Lost != c.want.Lost || g.Class != c.want.Class || g.Accuracy != c.want.Accuracy || g.Sensor != "head" {
				t.Errorf("got %+v\nwant %+v", g, c.want)
			}
			if !g.Time.Equal(c.at) {
				t.Errorf("seen at %s, want %s", g.Time, c.at)
			}
			if string(g.Raw.Text) != c.line {
				t.Errorf("evidence %q", g.Raw.Text)
			}
		})
	}
}

var nan32 = float32(math.NaN())

func TestContactsThatAreNone(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 5, 0, time.UTC)
	for line, why := range map[string]string{
		sentence("RATTM,03,10.0,90.0,R,12.0,181.5,T,,,N,,T,,120001,A"): "relative",
		sentence("RATTM,03,10.0,90.0,T,12.0,181.5,T,,,X,,T,,120001,A"): "unit",
		sentence("RATTM,03,10.0"):                                      "too few",
		sentence("RATLL,07,9930.0000,N,01215.0000,W,,120000,T,"):       "place",
		sentence("RATLL,07,4530.0000,N,01215.0000,W,,126100,T,"):       "hhmmss",
		"$RATLL,07,4530.0000,N,01215.0000,W,,120000,T,*00":             "checksum",
		"$RATLL,07,4530.0000,N,01215.0000,W,,120000,T,":                "checksum",
		`{"lat": 1, "lon": 2}`:                                         "track",
		`{"track": 1, "lat": 1, "lon": 2, "time": "noon"}`:             "RFC 3339",
		`{"track": 1, "lat": 1`:                                        "JSON",
	} {
		k := contactsOf(t, now, line)
		if len(k.Contacts()) != 0 || k.health.Rejected != 1 || !strings.Contains(k.health.Reasons[0].Text, why) {
			t.Errorf("%s: %d contacts, rejected %d: %+v", line, len(k.Contacts()), k.health.Rejected, k.health.Reasons)
		}
	}
	if k := contactsOf(t, now, sentence("RARSD,1,2"), "", "# comment", sentence("GPGGA,1")); k.health.Rejected != 0 || k.health.Accepted != 0 {
		t.Errorf("sentences of other kinds: %+v", k.health)
	}
	// A recording has no arrival, and a time of day without a day is no time.
	if k := contactsOf(t, time.Time{}, sentence("RATLL,07,4530.0000,N,01215.0000,W,,120000,T,")); len(k.Contacts()) != 0 || k.health.Rejected != 1 {
		t.Errorf("a contact of no day was taken: %+v", k.Contacts())
	}
}

// FuzzContact: whatever a line holds, the source goes on, and what it takes is on
// earth and has a number.
func FuzzContact(f *testing.F) {
	for _, line := range []string{sentence("RATTM,03,10.0,90.0,T,12.0,181.5,T,,,N,,T,,120001,A"), sentence("RATLL,07,4530.0000,N,01215.0000,W,,120000,T,"),
		`{"track":1,"lat":45,"lon":-12}`, `\c:1795435200*53\` + sentence("RATTM,03,1,0.0,T,,,T,,,N,,T,,,A")} {
		f.Add([]byte(line))
	}
	now := time.Date(2026, 11, 23, 12, 0, 5, 0, time.UTC)
	f.Fuzz(func(t *testing.T, line []byte) {
		s, err := New(Config{ID: "radar", Address: "-", Stdin: strings.NewReader(string(line)), Clock: func() time.Time { return now }, Contacts: &Contacts{Sensor: "head", Lat: 45, Lon: -12}})
		if err != nil {
			t.Fatal(err)
		}
		k := newSink()
		k.got = make(chan struct{}, 1<<16)
		if err := s.Run(context.Background(), k); err != nil {
			t.Fatal(err)
		}
		for _, c := range k.Contacts() {
			if c.Track == "" || !c.Lost && !onEarth(c.Lat, c.Lon) {
				t.Errorf("took %+v", c)
			}
		}
	})
}
