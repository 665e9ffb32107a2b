package advisory

import (
	"regexp"
	"testing"

	"github.com/quaywatch/quaywatch/internal/port"
)

// Texts whose meaning is beyond doubt, read here without the grammar: the whole,
// an upper bound that is included, a lower one, one version.
var (
	plainAll   = regexp.MustCompile(`^(vers:all/\*|[Aa]ll [Vv]ersions)$`)
	plainUpTo  = regexp.MustCompile(`^(?:vers:all/)?<=\s*[Vv]?(\d+(?:\.\d+)+)$`)
	plainFrom  = regexp.MustCompile(`^(?:vers:all/)?>=\s*[Vv]?(\d+(?:\.\d+)+)$`)
	plainOne   = regexp.MustCompile(`^[Vv]?(\d+(?:\.\d+)+)$`)
	plainRange = regexp.MustCompile(`^>=\s*[Vv]?(\d+(?:\.\d+)+)\s*\|?\s*<=?\s*[Vv]?\d`)
)

// TestEveryAffectedProductIsFound registers every product of every public OT
// notice under the notice's own words, with a version that is surely affected:
// none may be missed or be called not affected.
func TestEveryAffectedProductIsFound(t *testing.T) {
	s := real(t)
	asked, affected := 0, 0
	for id, a := range s.byID {
		for _, p := range a.Advised {
			if len(p.Affected) == 0 || p.Joined {
				continue
			}
			firmware := ""
			switch {
			case plainAll.MatchString(p.Version):
			default:
				for _, re := range []*regexp.Regexp{plainUpTo, plainFrom, plainOne, plainRange} {
					if m := re.FindStringSubmatch(p.Version); m != nil {
						firmware = m[1]
						break
					}
				}
				if firmware == "" {
					continue
				}
			}
			asked++
			for _, model := range p.Models {
				if m := verdictOn(s, &port.Asset{Vendor: p.Vendor, Model: model, Firmware: firmware}, id); m.Verdict == "" || m.Verdict == NotAffected {
					t.Errorf("%s: %q with article %q is %q (%s)", id, p.Vendor, model, m.Verdict, m.Reason)
				}
			}
			m := verdictOn(s, &port.Asset{Vendor: p.Vendor, Product: p.Name, Firmware: firmware}, id)
			switch m.Verdict {
			case Affected:
				affected++
			case Undecided:
			default:
				t.Errorf("%s: %q %q %q is %q (%s)", id, p.Vendor, p.Name, firmware, m.Verdict, m.Reason)
			}
		}
	}
	t.Logf("%d products asked, %d affected, the others undecided", asked, affected)
	if asked < 6_500 || affected*100 < asked*99 {
		t.Errorf("%d of %d are affected; want 99 of 100, of at least 6,500", affected, asked)
	}
}
