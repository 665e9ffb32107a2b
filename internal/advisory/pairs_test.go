package advisory

import (
	"os"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/quaywatch/quaywatch/internal/port"
)

// pair is one labelled pair.
type pair struct {
	notice string
	asset  port.Asset
	want   Verdict
	reason string
}

func pairs(t testing.TB) []pair {
	t.Helper()
	b, err := os.ReadFile("testdata/pairs.tsv")
	if err != nil {
		t.Fatal(err)
	}
	var out []pair
	for line := range strings.Lines(string(b)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Split(strings.TrimRight(line, "\n"), "\t")
		if len(f) != 7 || f[6] == "" || Verdict(f[5]).rank() < 0 {
			t.Fatalf("%q is no pair with verdict and reason", line)
		}
		out = append(out, pair{f[0], port.Asset{Vendor: f[1], Product: f[2], Model: f[3], Firmware: f[4]}, Verdict(f[5]), f[6]})
	}
	return out
}

// verdictOn is the match of one notice; Verdict "" where there is none.
func verdictOn(s *Set, a *port.Asset, notice string) Match {
	for _, m := range s.Matches(a) {
		if m.ID == notice {
			return m
		}
	}
	return Match{}
}

// TestLabelledPairs: no affected device is called not affected or missed, and no
// undecided one is called not affected. Agreement is counted besides.
func TestLabelledPairs(t *testing.T) {
	s := real(t)
	all := pairs(t)
	agree := 0
	for _, p := range all {
		m := verdictOn(s, &p.asset, p.notice)
		if m.Verdict == p.want {
			agree++
			continue
		}
		t.Logf("%s, %+q: %q (%s), want %q (%s)", p.notice, []string{p.asset.Vendor, p.asset.Product, p.asset.Model, p.asset.Firmware}, m.Verdict, m.Reason, p.want, p.reason)
		if m.Verdict == "" || m.Verdict == NotAffected {
			t.Errorf("%s: an %s device is taken for %q", p.notice, p.want, m.Verdict)
		}
	}
	t.Logf("%d of %d verdicts as labelled", agree, len(all))
	if len(all) < 200 || agree*100 < len(all)*95 {
		t.Errorf("%d of %d agree; want at least 95 of 100, of at least 200", agree, len(all))
	}
}

// TestVendorSpelling: another way to write the vendor changes no verdict, and a
// typing mistake makes no affected device disappear.
func TestVendorSpelling(t *testing.T) {
	s := real(t)
	all := pairs(t)
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.SampledFrom(all).Draw(t, "pair")
		before := verdictOn(s, &p.asset, p.notice)
		same := p.asset
		same.Vendor = rapid.SampledFrom([]func(string) string{
			strings.ToUpper, strings.ToLower,
			func(v string) string { return " " + v + "  " },
			func(v string) string { return v + " GmbH" },
			func(v string) string { return v + ", Inc." },
			func(v string) string { return strings.ReplaceAll(v, " ", "  ") },
			func(v string) string { return strings.ReplaceAll(v, " ", "-") },
		}).Draw(t, "spelling")(p.asset.Vendor)
		if got := verdictOn(s, &same, p.notice); got.Verdict != before.Verdict {
			t.Fatalf("%s: vendor %q gives %q, %q gives %q (%s)", p.notice, p.asset.Vendor, before.Verdict, same.Vendor, got.Verdict, got.Reason)
		}
		name := []rune(fold(p.asset.Vendor))
		if len(name) < 5 {
			return
		}
		i := rapid.IntRange(1, len(name)-2).Draw(t, "at")
		switch rapid.IntRange(0, 2).Draw(t, "mistake") {
		case 0:
			name[i], name[i+1] = name[i+1], name[i]
		case 1:
			name = append(name[:i], name[i+1:]...)
		case 2:
			name = append(name[:i+1], name[i:]...)
		}
		wrong := p.asset
		wrong.Vendor = string(name)
		if got := verdictOn(s, &wrong, p.notice); before.Verdict == Affected && (got.Verdict == "" || got.Verdict == NotAffected) {
			t.Fatalf("%s: %q is affected, and with vendor %q it is %q", p.notice, p.asset.Product, wrong.Vendor, got.Verdict)
		}
	})
}

// TestProductSpelling: another way to write a product makes no affected device
// disappear.
func TestProductSpelling(t *testing.T) {
	s := real(t)
	for _, p := range pairs(t) {
		if p.want != Affected {
			continue
		}
		for name, change := range map[string]func(string) string{
			"large":      strings.ToUpper,
			"small":      strings.ToLower,
			"no hyphens": func(v string) string { return strings.ReplaceAll(v, "-", "") },
			"spaces":     func(v string) string { return strings.ReplaceAll(v, "-", " ") },
			"vendor too": func(v string) string { return p.asset.Vendor + " " + v },
			"series":     func(v string) string { return v + " series" },
		} {
			a := p.asset
			a.Product, a.Model = change(a.Product), strings.TrimSuffix(change(a.Model), " series")
			if m := verdictOn(s, &a, p.notice); m.Verdict == "" || m.Verdict == NotAffected {
				t.Errorf("%s, %s: %q %q %q is %q (%s)", p.notice, name, a.Vendor, a.Product, a.Model, m.Verdict, m.Reason)
			}
		}
	}
}

// TestUnknownFirmware: a register that does not tell the version, or tells
// something else, never makes a device "not affected", unless the notice clears
// the product in all versions.
func TestUnknownFirmware(t *testing.T) {
	s := real(t)
	for _, p := range pairs(t) {
		for _, firmware := range []string{"", "  ", "as delivered", "Windows 10", "see label", "v", "rev. unknown"} {
			a := p.asset
			a.Firmware = firmware
			if m := verdictOn(s, &a, p.notice); m.Verdict == NotAffected && !strings.HasPrefix(m.Reason, "the notice says") {
				t.Errorf("%s: %q with firmware %q is %q (%s)", p.notice, a.Product, firmware, m.Verdict, m.Reason)
			}
		}
	}
}
