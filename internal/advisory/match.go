package advisory

import (
	"slices"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/port"
)

// Verdict is whether an advisory applies to an asset.
type Verdict string

// Undecided is the only verdict of today.
const Undecided Verdict = "undecided"

// By is what an advisory and an asset have in common besides the vendor.
type By string

// Ways to match, from the strongest.
const (
	ByModel   By = "model"   // a product text holds every telling word of the asset's model
	ByProduct By = "product" // …of the asset's product
)

func (b By) rank() int {
	if b == ByModel {
		return 2
	}
	return 1
}

// Candidate is an advisory that could be about an asset.
type Candidate struct {
	ID        string            `json:"id"`
	Title     string            `json:"title"`
	Verdict   Verdict           `json:"verdict"`
	Reason    string            `json:"reason"` // why it is not decided
	By        By                `json:"matched_by"`
	Products  []string          `json:"products"` // texts that matched, at most five
	CVEs      []string          `json:"cves"`
	CVSS      float64           `json:"cvss,omitempty"` // highest base score, 0..10
	Exploited []event.Exploited `json:"exploited"`      // its CVEs that are known to be exploited
	Released  time.Time         `json:"released,omitzero"`
	Current   time.Time         `json:"current"` // release date of this version
}

const (
	reasonVersions = "version ranges are not read yet"
	maxTexts       = 5
)

// Candidates returns the advisories whose vendor is the asset's and of which a
// product text holds the telling words of its product or model; exploited ones
// first, then by match and score. None is "affected" or "not affected". The
// slices must not be changed.
func (s *Set) Candidates(a *port.Asset) []Candidate {
	key := [3]string{a.Vendor, a.Product, a.Model}
	s.mu.RLock()
	if s.index != nil {
		if known, ok := s.index.cache[key]; ok {
			s.mu.RUnlock()
			return known
		}
	}
	s.mu.RUnlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.built()
	found := x.candidates(a)
	if len(x.cache) < maxAdvisories {
		x.cache[key] = found
	}
	return found
}

func (x *index) candidates(a *port.Asset) []Candidate {
	out := []Candidate{}
	hits := map[int]*Candidate{}
	for _, key := range vendorKeys(a.Vendor) {
		byWord := x.vendors[key]
		if byWord == nil {
			continue
		}
		for _, part := range []struct {
			text string
			by   By
		}{{a.Model, ByModel}, {a.Product, ByProduct}} {
			for _, at := range x.holding(key, part.text, a.Vendor) {
				c := hits[at.advisory]
				if c == nil {
					c = x.entries[at.advisory].candidate(part.by)
					hits[at.advisory] = c
				}
				text := x.entries[at.advisory].Products[at.product]
				if len(c.Products) < maxTexts && !slices.Contains(c.Products, text) {
					c.Products = append(c.Products, text)
				}
			}
		}
	}
	for _, c := range hits {
		out = append(out, *c)
	}
	sortCandidates(out)
	return out
}

// holding finds the product texts of a vendor that hold the telling words of a
// text. Ports have many devices of few products, so answers are kept.
func (x *index) holding(vendor, text, told string) []place {
	key := [3]string{vendor, text, told}
	found, known := x.texts[key]
	if !known {
		found = holding(x.vendors[vendor], telling(text, told))
		if len(x.texts) < maxAdvisories {
			x.texts[key] = found
		}
	}
	return found
}

func (e *Entry) candidate(by By) *Candidate {
	return &Candidate{ID: e.ID, Title: e.Title, Verdict: Undecided, Reason: reasonVersions, By: by,
		CVEs: e.CVEs, CVSS: e.CVSS, Exploited: e.Exploited, Released: e.Released, Current: e.Time}
}

// holding are the product texts that hold every one of the words; none for no
// words. It begins with the rarest word and looks the places up in the others.
func holding(byWord map[string][]place, all []string) []place {
	if len(all) == 0 {
		return nil
	}
	rarest := slices.MinFunc(all, func(a, b string) int { return len(byWord[a]) - len(byWord[b]) })
	found := byWord[rarest]
	for _, w := range all {
		if w == rarest || len(found) == 0 {
			continue
		}
		there := byWord[w]
		kept := make([]place, 0, len(found))
		for _, p := range found {
			if _, ok := slices.BinarySearchFunc(there, p, place.compare); ok {
				kept = append(kept, p)
			}
		}
		found = kept
	}
	return found
}

// Silence says why an asset has no candidates, so that nobody reads an empty
// list as good news; "" where it has some.
func (s *Set) Silence(a *port.Asset) string {
	if len(s.Candidates(a)) > 0 {
		return ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.built()
	covered := slices.ContainsFunc(vendorKeys(a.Vendor), func(k string) bool { return x.vendors[k] != nil })
	switch {
	case a.Vendor == "":
		return "the register names no vendor"
	case !covered:
		return "no loaded advisory is of this vendor: no coverage, which says nothing about safety"
	case len(telling(a.Product, a.Vendor))+len(telling(a.Model, a.Vendor)) == 0:
		return "the register names no product or model that tells this device from others"
	}
	return "no loaded advisory of this vendor names this product or model"
}
