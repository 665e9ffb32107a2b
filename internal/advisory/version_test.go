package advisory

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestSpans(t *testing.T) {
	tests := []struct {
		span          string
		in, out, open string // versions parted by |
	}{
		{"< V4.33", "4.32|V4.32.9|4.9.1|v 4.0", "4.33|4.33.1|5", ""},
		{"<= 3.07.11", "3.07.11|3.7.11|3.06", "3.08|4", "3.07.11.2|3.07.11 SP1"},
		{"vers:all/*", "1|anything 3", "", ""},
		{"All versions", "1", "", ""},
		{"All versions < V4.7 HF33", "4.6 SP9|V4.7 HF32", "4.7 HF33|4.7 HF34|4.8", "4.7|4.7.1|4.7 SP1"},
		{"vers:all/>=V3.0.1<V3.0.3", "3.0.1|3.0.2", "3.0.0|3.0.3", ""},
		{">= 4.4 | <= 4.12", "4.4|4.12|4.5.1", "4.3|4.13", "4.12.1"},
		{">= V3.0 and < V4.1", "3.0|4.0.9", "2.9|4.1", ""},
		{">=5.3|<=6.4", "6.0", "5.2|6.5", ""},
		{"9.6 | 9.8", "9.6|9.8", "9.9", "9.7|9.5|9.8.1"},
		{"V4.4, V4.5, V5.0, and V5.1", "4.5|5.1", "5.2", "4.6"},
		{"<= 1.12.0.25 | 1.12.13.2 | 1.12.14.5", "1.12.0.1|1.12.13.2", "1.12.14.6", "1.12.13.1"},
		{"4.2 and prior", "4.1|4.2", "4.3", "4.2.1"},
		{"2.3.6 and  below", "2.3.5", "2.4", ""},
		{"prior to 4.2", "4.1", "4.2", ""},
		{"4.2 and later", "4.2|4.3|5", "4.1", ""},
		{"from 2.0 to 3.5", "2.0|3.5|3.1", "1.9|3.6", ""},
		{"up to and including 2.1", "2.1|2.0", "2.2", ""},
		{"8.1.x", "8.1.2|8.1", "8.2", "8|8.0.4"},
		{"<= V5.x", "5.9|4.1", "6.0", ""},
		{"< V5.x", "4.9", "6.0", "5.1"},
		{"<V16_Update_4", "V16 Update 3|15.1 Upd 9", "V16 Upd 4|V17", "V16"},
		{"<=(R4.10)", "4.10|R4.9", "4.11", ""},
		{"<= 1.04E", "1.04D|1.04E|1.03", "1.05|1.04F", "1.04"},
		{"< 02.07.07(10)", "02.07.07(09)|2.7.6", "02.07.07(10)|2.8", "02.07.07"},
		{"<= 3.4.4 Build 16102416", "3.4.4 Build 16102415", "3.4.4 build 16102417|3.5", "3.4.4"},
		{"<= 1.060", "1.050|0.9", "1.100|2.0", "1.12"}, // the numbers could be decimals
		{"<=20081", "20080", "20082", "3.2"},
		{"< V2.1.5 | < V2.2.3", "2.1.4|2.0", "2.2.3|3", "2.1.6"}, // two branches
		{"MX-V4.0.1.15", "MX-V4.0.1.15", "MX-V4.0.1.16", "MX-V4.0.1.14|4.0.1.15"},
		{"SV4.10", "SV4.10|V4.10", "4.11", ""},
		{"Version v4.75", "4.75", "4.76", ""},
		{"< v1.0-rc2", "1.0-rc1", "1.0-rc2|1.1|1.0", ""},
		// What is not understood, leaves open.
		{"<=the_first_5_digits_of_serial_number_24031", "", "", "1|24030"},
		{"<April/17/2023", "", "", "1|2023"},
		{"All BIOS versions < V22.01.08", "", "", "22.01.07|23"},
		{"< V3.X.17", "", "", "3.3.1"},
		{"1.0-2.0", "", "", "1.5|1.0"},
		{"20000-21150", "", "", "20100"},
		{"1.0 to be announced", "", "", "1.0|2"},
		{"No version", "", "", "1"},
		{"", "", "", "1"},
		{"<v36.011_v35.013_v34.014", "", "", "35.014"},
		{"NMC2 <= 6.9.6", "", "", "6.9.5|7"},
		{"> 3 < 1", "", "", "2"},
		{"* (with option G28)", "", "", "1"},
	}
	for _, tt := range tests {
		s := readSpan(tt.span)
		for want, list := range map[answer]string{yes: tt.in, no: tt.out, unknown: tt.open} {
			for _, text := range strings.Split(list, "|") {
				if text == "" {
					continue
				}
				v, ok := readVersion(text)
				if !ok && !s.all {
					t.Fatalf("%q is no version", text)
				}
				if got, why := s.holds(&v); got != want {
					t.Errorf("%q in %q: %d (%s), want %d", text, tt.span, got, why, want)
				}
			}
		}
	}
}

func TestTextsThatAreNoVersions(t *testing.T) {
	for _, text := range []string{"", "Windows 10", "TIA Portal V17", "WinCC V7.5", "as delivered", "1.0 and 1.1", "2.0-2.5", "1.0 with option 5", "🙂", strings.Repeat("1.", 90)} {
		if v, ok := readVersion(text); ok {
			t.Errorf("%q is taken for %+v", text, v)
		}
	}
}

// TestOrder: numbers with as many parts are ordered as numbers are, and turning
// the question round turns the answer.
func TestOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.IntRange(0, 999), 2, 4)
		a, b := parts.Draw(t, "a"), parts.Draw(t, "b")
		text := func(p []int) string { return strings.Trim(strings.ReplaceAll(fmt.Sprint(p), " ", "."), "[]") }
		v, okV := readVersion(text(a))
		w, okW := readVersion(text(b))
		if !okV || !okW {
			t.Fatalf("%v or %v is no version", a, b)
		}
		one, other := v.against(&w), w.against(&v)
		if one.sign != -other.sign || one.open != other.open || (one.why == "") != (other.why == "") {
			t.Fatalf("%v against %v is %+v, and the other way round %+v", a, b, one, other)
		}
		want := 0
		for i := range min(len(a), len(b)) {
			if a[i] != b[i] {
				want = 1
				if a[i] < b[i] {
					want = -1
				}
				break
			}
		}
		if want != 0 && one.why == "" && one.sign != want {
			t.Fatalf("%v against %v: %+v, want %d", a, b, one, want)
		}
	})
}

// TestRealSpans counts how many of the version texts of the public OT notices
// are read.
func TestRealSpans(t *testing.T) {
	s := real(t)
	all, read := 0, 0
	for _, a := range s.byID {
		for _, p := range a.Advised {
			if p.Version == "" || p.Joined {
				continue
			}
			all++
			if sp := readSpan(p.Version); sp.unread == "" {
				read++
			}
		}
	}
	t.Logf("%d of %d version texts are read", read, all)
	if all < 15_000 || read*1000 < all*930 {
		t.Errorf("%d of %d version texts are read; want at least 93 %%", read, all)
	}
}

func FuzzSpan(f *testing.F) {
	for _, seed := range []string{">= 4.4 | <= 4.12", "All versions < V4.7 HF33", "1.0-2.0", "vers:all/*", "<=(R4.10)", "4.2 and prior"} {
		f.Add(seed, "4.7")
	}
	f.Fuzz(func(t *testing.T, text, version string) {
		s := readSpan(text)
		v, ok := readVersion(version)
		if !ok {
			return
		}
		if a, _ := s.holds(&v); a == no && s.unread != "" {
			t.Errorf("%q is not understood, and %q is outside of it", text, version)
		}
		if w, ok := readVersion(version); ok {
			if o := v.against(&w); o.sign != 0 {
				t.Errorf("%q differs from itself: %+v", version, o)
			}
		}
	})
}
