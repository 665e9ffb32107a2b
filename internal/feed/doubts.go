package feed

import (
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/quaywatch/quaywatch/internal/finding"
)

// doubting are the rules after which the place or the identity that a vessel
// tells can't be relied on. The others tell what a vessel does (it drifts, it is
// silent, it sends a distress signal), which is no reason to hide where it is.
var doubting = map[string]bool{
	"vessel.impossible-movement":    true,
	"vessel.contradictory-movement": true,
	"vessel.circling":               true,
	"vessel.fix-lost":               true,
	"vessel.out-of-range":           true,
	"vessel.on-land":                true,
	"vessel.two-hulls":              true,
	"vessel.invalid-identity":       true,
	"vessel.identity-flip":          true,
	"vessel.false-base-station":     true,
	"vessel.false-aid":              true,
	"vessel.gnss-interference":      true,
	"vessel.sensor-disagrees":       true,
	"vessel.not-seen":               true,
}

// Mark is a doubt: the surest finding that holds, of several alike the first by id.
type Mark struct {
	Grade   finding.Grade
	Finding string // its id; "" there is no doubt
}

// Text is the mark in a tag block, such as "L/F-2QZ7K4MW3BPA": the first letter
// of the grade and the id of the finding; sixteen characters, which is what NMEA
// 0183 4.10 allows.
func (m Mark) Text() string {
	if m.Finding == "" {
		return ""
	}
	return strings.ToUpper(m.Grade.String()[:1]) + "/" + m.Finding
}

// Doubts are the findings that hold of each vessel, as the watches tell them.
// Several feeds share one.
type Doubts struct {
	mu     sync.Mutex
	of     map[uint32][]Mark   // by MMSI, surest first
	whom   map[string][]uint32 // by finding
	ledger int
}

// maxDoubts bounds the marks that are kept: more than any port has findings.
const maxDoubts = 200_000

// NewDoubts makes an empty ledger.
func NewDoubts() *Doubts { return &Doubts{of: map[uint32][]Mark{}, whom: map[string][]uint32{}} }

// Observe takes what the watches told, in their order. Findings of an exercise
// are none of other systems.
func (d *Doubts) Observe(occs []finding.Occurrence) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range occs {
		if o := &occs[i]; doubting[o.Rule] && o.Exercise == "" {
			d.observe(o)
		}
	}
}

func (d *Doubts) observe(o *finding.Occurrence) {
	id := o.FindingID()
	if o.Cleared {
		for _, mmsi := range d.whom[id] {
			d.drop(mmsi, id)
		}
		delete(d.whom, id)
		return
	}
	d.put(o.Subject, Mark{o.Grade, id})
	if o.Subject.Kind == "area" {
		for _, s := range o.Links {
			d.put(s, Mark{o.Grade, id})
		}
	}
}

// put notes the mark of a vessel; an occurrence of the same finding replaces it.
func (d *Doubts) put(s finding.Subject, m Mark) {
	digits, ok := strings.CutPrefix(s.ID, "mmsi:")
	n, err := strconv.ParseUint(digits, 10, 30)
	if !ok || err != nil {
		return
	}
	mmsi := uint32(n)
	if !d.drop(mmsi, m.Finding) {
		if d.ledger >= maxDoubts {
			return
		}
		d.whom[m.Finding] = append(d.whom[m.Finding], mmsi)
	}
	marks := append(d.of[mmsi], m)
	slices.SortFunc(marks, func(a, b Mark) int {
		if a.Grade != b.Grade {
			return int(b.Grade) - int(a.Grade)
		}
		return strings.Compare(a.Finding, b.Finding)
	})
	d.of[mmsi] = marks
	d.ledger++
}

// drop takes the mark of a finding off a vessel and reports whether it was there.
func (d *Doubts) drop(mmsi uint32, id string) bool {
	marks := d.of[mmsi]
	i := slices.IndexFunc(marks, func(m Mark) bool { return m.Finding == id })
	if i < 0 {
		return false
	}
	d.ledger--
	if marks = slices.Delete(marks, i, i+1); len(marks) == 0 {
		delete(d.of, mmsi)
	} else {
		d.of[mmsi] = marks
	}
	return true
}

// Of is the surest doubt about a vessel, and whether there is one.
func (d *Doubts) Of(mmsi uint32) (Mark, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if marks := d.of[mmsi]; len(marks) > 0 {
		return marks[0], true
	}
	return Mark{}, false
}
