package advisory

import (
	"cmp"
	"slices"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/port"
)

// Verdict is whether an advisory applies to an asset.
type Verdict string

// Verdicts, from the one that asks for most.
const (
	Affected    Verdict = "affected"
	Undecided   Verdict = "undecided"
	NotAffected Verdict = "not affected"
)

func (v Verdict) rank() int { return slices.Index([]Verdict{Affected, Undecided, NotAffected}, v) }

// By is what an advisory and an asset have in common besides the vendor.
type By string

// Ways to match, from the strongest.
const (
	ByAsset   By = "asset"   // a notice of the port's own names the asset
	BySerial  By = "serial"  // the notice names the asset's serial number
	ByArticle By = "article" // the article number of the asset is one of the product's
	ByModel   By = "model"   // the product's words hold every telling word of the asset's model
	ByProduct By = "product" // …of the asset's product
	ByFamily  By = "family"  // the asset's words hold every telling word of the product
	ByLike    By = "likeness"
)

func (b By) rank() int {
	return slices.Index([]By{ByAsset, BySerial, ByArticle, ByModel, ByProduct, ByFamily, ByComponent, ByLike}, b)
}

// Remedy is whether something can be done, by what the advisory says.
type Remedy string

// Remedies.
const (
	FixOffered Remedy = "fix offered"  // by the vendor
	FixNone    Remedy = "no fix"       // none is available
	FixNever   Remedy = "no fix comes" // none is planned
	FixAround  Remedy = "mitigation only"
	FixUnknown Remedy = "not told"
)

// Match is one advisory and one asset: one verdict, with its reasons.
type Match struct {
	ID        string            `json:"id"`
	Title     string            `json:"title"`
	Verdict   Verdict           `json:"verdict"`
	Reason    string            `json:"reason"` // why this verdict
	By        By                `json:"matched_by"`
	Certain   bool              `json:"certain"`  // the product is surely the asset's
	Likeness  float64           `json:"likeness"` // 0..1 of the names; 1 where nothing was guessed
	Vendor    string            `json:"vendor"`   // as the advisory writes it
	Products  []string          `json:"products"` // with versions; at most five, the deciding ones first
	CVEs      []string          `json:"cves"`     // of the affected or undecided weaknesses; of all where none is
	CVSS      float64           `json:"cvss,omitempty"`
	System    string            `json:"cvss_version,omitempty"` // of that score
	Exploited []event.Exploited `json:"exploited"`              // of these CVEs
	EPSS      float64           `json:"epss,omitempty"`         // highest of these CVEs, 0..1; 0 not known
	Remedy    Remedy            `json:"remedy"`
	Fix       string            `json:"fix,omitempty"`         // the vendor's words
	Mitigate  []string          `json:"mitigations,omitempty"` // at most three
	Released  time.Time         `json:"released,omitzero"`
	Current   time.Time         `json:"current"` // release date of this version
	Override  *Override         `json:"override,omitempty"`
	Was       Verdict           `json:"was,omitempty"` // before the override
}

const maxTexts = 5

// Matches returns the advisories that name the asset's product or could, worst
// first. None means that there is none for what the register says; see
// [Set.Silence]. The slice must not be changed.
func (s *Set) Matches(a *port.Asset) []Match {
	key := deviceKey{a.Vendor, a.Product, a.Model, a.Firmware}
	s.mu.RLock()
	found, known := s.cache[key]
	known = known && s.index != nil && len(s.index.assets[a.ID]) == 0 && (a.Serial == "" || len(s.index.serials[squeezed(a.Serial)]) == 0)
	s.mu.RUnlock()
	if known {
		return found
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	x, d := s.built(), s.device(a)
	direct := x.direct(d, a)
	found = x.matches(d, direct)
	for i := range found {
		s.score(&found[i])
	}
	if len(direct) > 0 {
		return found // of this asset alone
	}
	if s.cache == nil {
		s.cache = map[deviceKey][]Match{}
	}
	if len(s.cache) < maxAdvisories {
		s.cache[key] = found
	}
	return found
}

// Concern is an asset that an advisory is or could be about.
type Concern struct {
	Asset string `json:"asset"`
	Match Match  `json:"match"`
}

// Concerning matches one advisory to assets, in their order: what to do when a
// new one comes, without asking all others again.
func (s *Set) Concerning(id string, assets []port.Asset) []Concern {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []Concern{}
	a, known := s.byID[id]
	if !known {
		return out
	}
	x := newIndex()
	x.add(s.entry(a))
	for i := range assets {
		one := &assets[i]
		d := s.device(one)
		for _, m := range x.matches(d, x.direct(d, one)) {
			s.score(&m)
			out = append(out, Concern{one.ID, m})
		}
	}
	return out
}

// Silence says why an asset has no matches, so that nobody reads an empty list
// as good news; "" where it has some.
func (s *Set) Silence(a *port.Asset) string {
	if len(s.Matches(a)) > 0 {
		return ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.built()
	switch {
	case fold(a.Vendor) == "":
		return "the register names no vendor"
	case len(x.resolve(a.Vendor)) == 0:
		return "no loaded advisory is of this vendor: no coverage, which says nothing about safety"
	case len(telling(a.Product, a.Vendor))+len(telling(a.Model, a.Vendor)) == 0:
		return "the register names no product or model that tells this device from others"
	}
	return "no loaded advisory of this vendor names this product or model"
}

func sortMatches(all []Match) {
	slices.SortFunc(all, func(a, b Match) int {
		return cmp.Or(cmp.Compare(a.Verdict.rank(), b.Verdict.rank()), cmp.Compare(len(b.Exploited), len(a.Exploited)),
			-compareBool(a.Certain, b.Certain), cmp.Compare(a.By.rank(), b.By.rank()), cmp.Compare(b.CVSS, a.CVSS), cmp.Compare(a.ID, b.ID))
	})
}
