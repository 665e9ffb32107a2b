// Package advisory joins published vulnerability notices with the catalogue of
// exploited vulnerabilities and with the port's assets. It exists to answer
// "which notices are about this device?" without pretending to know more than
// the notice and the register say. It imports port, event and csaf.
//
// An answer has three values: affected, not affected, and undecided with the
// reason. Names are resolved by a table and by likeness ([Match.Certain] and
// [Match.Likeness] tell which), versions by a grammar of the texts that notices
// really have ([span]). What is not understood is undecided. That no notice
// matches means that there is none for what the register says of the asset; it
// never means that the asset is not affected.
package advisory

import (
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
	cache     map[deviceKey][]Match      // of the index as it is
	epss      *EPSS                      // nil: none was given
	devices   map[deviceKey]*device      // assets made ready
}

// New makes an empty set.
func New() *Set {
	return &Set{byID: map[string]event.Advisory{}, exploited: map[string]event.Exploited{}, devices: map[deviceKey]*device{}}
}

// Observe takes the advisories and exploited vulnerabilities of a batch. A
// newer release of an advisory replaces the older one, in whichever order they come.
func (s *Set) Observe(b *event.Batch) {
	if len(b.Advisories)+len(b.Exploited) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cache = nil
	if len(b.Exploited) > 0 {
		s.index = nil // its entries hold what is exploited
	}
	for _, a := range b.Advisories {
		was, known := s.byID[a.ID]
		if known && a.Time.Before(was.Time) || !known && len(s.byID) >= maxAdvisories {
			continue
		}
		s.byID[a.ID] = a
		if s.index != nil {
			s.index.add(s.entry(a))
		}
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
	Predicted  time.Time `json:"epss_date,omitzero"` // day of the exploit predictions; zero: none were given
}

// Summary counts what is loaded.
func (s *Set) Summary() Summary {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := Summary{Advisories: len(s.byID), Exploited: len(s.exploited), Vendors: len(s.built().vendors)}
	if s.epss != nil {
		out.Predicted = s.epss.Date
	}
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
