package advisory

import (
	"fmt"
	"slices"
	"strings"

	"github.com/quaywatch/quaywatch/internal/port"
	"github.com/quaywatch/quaywatch/internal/sbom"
)

// ByComponent says that a part inside the asset matched.
const ByComponent By = "component"

// Inside adds to the matches of an asset those of its components. A weak part
// does not make a weak device: whether the device uses it in a way that can be
// attacked is not told by a list. Such a match is therefore undecided, and one
// that the advisory has of the asset itself comes before it. A component that
// is not surely the advisory's product, or not affected, adds nothing.
func (s *Set) Inside(matches []Match, list *sbom.List) []Match {
	out := slices.Clone(matches)
	own := map[string]bool{}
	for i := range matches {
		own[matches[i].ID] = true
	}
	at := map[string]int{}
	for _, c := range list.Components {
		for _, m := range s.Matches(&port.Asset{Vendor: c.Supplier, Product: c.Name, Firmware: c.Version}) {
			if m.Verdict == NotAffected || !m.Certain || own[m.ID] {
				continue
			}
			part := strings.TrimSpace(c.Supplier + " " + c.Name + " " + c.Version)
			state := "is affected (" + m.Reason + "), and whether the device exposes it is not told"
			if m.Verdict == Undecided {
				state = "may be affected (" + m.Reason + ")"
			}
			m.Reason = fmt.Sprintf("its component %s %s", part, state)
			m.Verdict, m.By, m.Certain = Undecided, ByComponent, false
			if i, known := at[m.ID]; known {
				if n := len(out[i].Products); n < maxTexts {
					out[i].Products = slices.Concat(out[i].Products, m.Products[:min(len(m.Products), maxTexts-n)])
				}
				continue
			}
			at[m.ID] = len(out)
			out = append(out, m)
		}
	}
	sortMatches(out)
	return out
}
