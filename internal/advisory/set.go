// Package advisory joins published vulnerability notices with the catalogue of
// exploited vulnerabilities and with the port's assets. It exists to answer
// "which notices could be about this device?" without pretending to know more
// than the notice and the register say. It imports port and event.
//
// Today the answer is a list of candidates, all [Undecided]: version ranges are
// not read yet. That no advisory matches means that there is none for what the
// register says of the asset; it never means that the asset is not affected.
package advisory

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
)

// maxAdvisories bounds the set; all public OT advisories of eight years are 2,379.
const maxAdvisories = 200_000

// Set is the loaded advisories and exploited vulnerabilities. Its methods may
// be called from several goroutines.
type Set struct {
	mu        sync.RWMutex
	byID      map[string]event.Advisory
	exploited map[string]event.Exploited // by CVE
	index     *index                     // nil: to be built
}

// New makes an empty set.
func New() *Set {
	return &Set{byID: map[string]event.Advisory{}, exploited: map[string]event.Exploited{}}
}

// Observe takes the advisories and exploited vulnerabilities of a batch. A
// newer release of an advisory replaces the older one, in whichever order they come.
func (s *Set) Observe(b *event.Batch) {
	if len(b.Advisories)+len(b.Exploited) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.index = nil
	for _, a := range b.Advisories {
		was, known := s.byID[a.ID]
		if known && a.Time.Before(was.Time) || !known && len(s.byID) >= maxAdvisories {
			continue
		}
		s.byID[a.ID] = a
	}
	for _, e := range b.Exploited {
		if _, known := s.exploited[e.CVE]; known || len(s.exploited) < maxAdvisories {
			s.exploited[e.CVE] = e
		}
	}
}

// Entry is an advisory with those of its CVEs that are known to be exploited.
type Entry struct {
	event.Advisory
	Exploited []event.Exploited `json:"exploited"` // sorted by CVE
}

func (s *Set) entry(a event.Advisory) Entry {
	e := Entry{Advisory: a, Exploited: []event.Exploited{}}
	for _, cve := range a.CVEs {
		if x, known := s.exploited[cve]; known {
			e.Exploited = append(e.Exploited, x)
		}
	}
	return e
}

// ByID returns the advisory of that tracking id.
func (s *Set) ByID(id string) (Entry, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	a, known := s.byID[id]
	return s.entry(a), known
}

// ByCVE returns the advisories that name a CVE, ordered by id.
func (s *Set) ByCVE(cve string) []Entry {
	return s.list(func(a *event.Advisory) bool { return slices.Contains(a.CVEs, cve) })
}

// ByVendor returns the advisories of a vendor, by any of its names, ordered by id.
func (s *Set) ByVendor(name string) []Entry {
	keys := vendorKeys(name)
	return s.list(func(a *event.Advisory) bool {
		return slices.ContainsFunc(a.Vendors, func(v string) bool {
			return slices.ContainsFunc(vendorKeys(v), func(k string) bool { return slices.Contains(keys, k) })
		})
	})
}

func (s *Set) list(want func(*event.Advisory) bool) []Entry {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := []Entry{}
	for _, id := range slices.Sorted(maps.Keys(s.byID)) {
		if a := s.byID[id]; want(&a) {
			out = append(out, s.entry(a))
		}
	}
	return out
}

// Summary counts what is loaded.
type Summary struct {
	Advisories int       `json:"advisories"`
	Vendors    int       `json:"vendors"`   // after names of one company were joined
	CVEs       int       `json:"cves"`      // distinct
	Exploited  int       `json:"exploited"` // entries of the catalogue
	Known      int       `json:"known"`     // CVEs of the advisories that the catalogue has
	Newest     time.Time `json:"newest,omitzero"`
}

// Summary counts what is loaded.
func (s *Set) Summary() Summary {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := Summary{Advisories: len(s.byID), Exploited: len(s.exploited), Vendors: len(s.built().vendors)}
	cves := map[string]bool{}
	for _, a := range s.byID {
		if a.Time.After(out.Newest) {
			out.Newest = a.Time
		}
		for _, c := range a.CVEs {
			cves[c] = true
		}
	}
	out.CVEs = len(cves)
	for c := range cves {
		if _, known := s.exploited[c]; known {
			out.Known++
		}
	}
	return out
}

// index finds the product texts of a vendor by their words.
type index struct {
	vendors map[string]map[string][]place // vendor key, then word
	entries []Entry                       // ordered by id; place.advisory points into it
	cache   map[[3]string][]Candidate     // by vendor, product and model
	texts   map[[3]string][]place         // by vendor key, text and vendor as told
}

// place is one product text. The places of a word are in ascending order.
type place struct{ advisory, product int }

func (p place) compare(q place) int {
	return cmp.Or(cmp.Compare(p.advisory, q.advisory), cmp.Compare(p.product, q.product))
}

// built returns the index, making it where something was loaded since. The
// write lock is held.
func (s *Set) built() *index {
	if s.index != nil {
		return s.index
	}
	x := &index{vendors: map[string]map[string][]place{}, cache: map[[3]string][]Candidate{}, texts: map[[3]string][]place{}}
	for _, id := range slices.Sorted(maps.Keys(s.byID)) {
		x.entries = append(x.entries, s.entry(s.byID[id]))
		x.add(len(x.entries) - 1)
	}
	s.index = x
	return x
}

func (x *index) add(at int) {
	a := &x.entries[at]
	var keys []string
	for _, v := range a.Vendors {
		keys = append(keys, vendorKeys(v)...)
	}
	slices.Sort(keys)
	for _, key := range slices.Compact(keys) {
		byWord := x.vendors[key]
		if byWord == nil {
			byWord = map[string][]place{}
			x.vendors[key] = byWord
		}
		for i, p := range a.Products {
			for _, w := range words(p) {
				byWord[w] = append(byWord[w], place{at, i})
			}
		}
	}
}

func sortCandidates(all []Candidate) {
	slices.SortFunc(all, func(a, b Candidate) int {
		return cmp.Or(cmp.Compare(len(b.Exploited), len(a.Exploited)), cmp.Compare(b.By.rank(), a.By.rank()),
			cmp.Compare(b.CVSS, a.CVSS), cmp.Compare(a.ID, b.ID))
	})
}
