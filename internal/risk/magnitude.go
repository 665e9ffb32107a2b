package risk

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/quaywatch/quaywatch/internal/continuity"
	"github.com/quaywatch/quaywatch/internal/risk/loss"
)

// magnitude is what one event of a scenario costs.
type magnitude struct {
	forms       []loss.Form
	rows        []loss.Amounts // of the standstill, as simulated
	leaves      float64        // of the whole event, by controls that respond
	assumptions []string
}

func (m *magnitude) mean() Money {
	s := loss.Scenario{Forms: m.forms}
	return moneyOf(s.Mean())
}

// bad is the standstill that one event in twenty exceeds, by the operator's loss,
// with the means of the other costs.
func (m *magnitude) bad() Money {
	rows := slices.Clone(m.rows)
	slices.SortFunc(rows, func(a, b loss.Amounts) int {
		switch {
		case a[loss.Operator] < b[loss.Operator]:
			return -1
		case a[loss.Operator] > b[loss.Operator]:
			return 1
		}
		return 0
	})
	other := loss.Scenario{Forms: m.forms[1:]}
	return moneyOf(rows[min(len(rows)-1, len(rows)*19/20)]).times(m.leaves).plus(moneyOf(other.Mean()))
}

// magnitude simulates the standstill for the shortest, the middle and the longest
// time, in equal parts, and adds the declared costs.
func (in *Inputs) magnitude(s *Scenario) (*magnitude, error) {
	m := &magnitude{leaves: leavesOf(s.Controls, "respond").Mid}
	hours, shown := in.hours(s)
	if shown != "" {
		m.assumptions = append(m.assumptions, shown)
	}
	for _, h := range []float64{hours.Low, hours.Mid, hours.High} {
		if h <= 0 {
			m.rows = append(m.rows, make([]loss.Amounts, in.Runs)...)
			continue
		}
		rows, assumed, err := in.standstill(s.Down, h)
		if err != nil {
			return nil, err
		}
		m.rows = append(m.rows, rows...)
		for _, x := range assumed {
			if !slices.Contains(m.assumptions, x) {
				m.assumptions = append(m.assumptions, x)
			}
		}
	}
	sample, err := loss.NewSample(m.rows)
	if err != nil {
		return nil, err
	}
	m.forms = []loss.Form{{Name: "standstill", Probability: 1, Severity: sample, Scale: m.leaves}}
	for _, c := range s.Costs {
		on := loss.Operator
		if c.Bears == "economy" {
			on = loss.Economy
		}
		severity := fixedOn(on, c.Money.Low)
		if c.Money.High > c.Money.Low {
			if severity, err = loss.LognormalBetween(on, c.Money.Low, c.Money.High); err != nil {
				return nil, fmt.Errorf("cost %s: %w", c.Name, err)
			}
		}
		m.forms = append(m.forms, loss.Form{Name: c.Name, Probability: spanOf(c.Chance, 1).Mid, Severity: severity, Scale: m.leaves})
	}
	return m, nil
}

// hours is how long a scenario lasts: as declared, and no shorter than the newest
// restore of the same things took, whatever its result.
func (in *Inputs) hours(s *Scenario) (Span, string) {
	var newest *Exercise
	for i := range in.File.Exercises {
		e := &in.File.Exercises[i]
		if e.Hours > 0 && slices.ContainsFunc(e.Of, func(id string) bool { return id == s.Target || slices.Contains(s.Down, id) }) && (newest == nil || e.Date > newest.Date) {
			newest = e
		}
	}
	if newest == nil || newest.Hours <= s.Hours.Low {
		return spanOf(s.Hours, 0), ""
	}
	return between(newest.Hours, max(newest.Hours, s.Hours.High)),
		fmt.Sprintf("scenario %s lasts at least the %g h that the restore %s of %s took, not the %g h declared", s.ID, newest.Hours, newest.ID, newest.Date, s.Hours.Low)
}

func fixedOn(on loss.Account, money float64) loss.Severity {
	var a loss.Amounts
	a[on] = money
	return loss.Fixed(a)
}

// standstill simulates a length of time once.
func (in *Inputs) standstill(down []string, hours float64) ([]loss.Amounts, []string, error) {
	hours = math.Round(hours*4) / 4 // to a quarter of an hour
	key := ""
	if in.Cache != nil {
		key = in.Cache.key(in, down, hours)
		if kept, ok := in.Cache.get(key); ok {
			return kept.rows, kept.assumptions, nil
		}
	}
	var downs []continuity.Down
	for _, id := range down {
		downs = append(downs, continuity.Down{ID: id, Until: max(hours, 1)})
	}
	r, err := continuity.Outage(in.Port, downs, continuity.Options{Runs: in.Runs, Seed: in.Seed})
	if err != nil {
		return nil, nil, err
	}
	kept := standstill{}
	for _, s := range r.Samples() {
		var a loss.Amounts
		a[loss.Operator], a[loss.Economy], a[loss.Hours], a[loss.Containers] = max(0, s.Operator), max(0, s.Economy), max(0, s.Hours), max(0, s.Containers)
		kept.rows = append(kept.rows, a)
	}
	for _, x := range r.Assumptions {
		kept.assumptions = append(kept.assumptions, x.String())
	}
	if in.Cache != nil {
		in.Cache.put(key, kept)
	}
	return kept.rows, kept.assumptions, nil
}

type standstill struct {
	rows        []loss.Amounts
	assumptions []string
}

// Cache keeps simulated standstills, so that a change of the network alone costs
// no simulation of the port. It may be used from several goroutines.
type Cache struct {
	mu sync.Mutex
	m  map[string]standstill
}

// maxKept bounds the cache; it is emptied when full.
const maxKept = 1000

func (c *Cache) get(key string) (standstill, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, ok := c.m[key]
	return s, ok
}

func (c *Cache) put(key string, s standstill) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.m == nil || len(c.m) >= maxKept {
		c.m = map[string]standstill{}
	}
	c.m[key] = s
}

// key is all that a standstill follows from.
func (c *Cache) key(in *Inputs, down []string, hours float64) string {
	type control struct{ ID, By any }
	var controls []control
	for i := range in.Port.Assets {
		if a := &in.Port.Assets[i]; len(a.ControlledBy) > 0 {
			controls = append(controls, control{a.ID, a.ControlledBy})
		}
	}
	b, err := json.Marshal([]any{in.Port.Services, in.Port.Terminals, controls, down, hours, in.Runs, in.Seed})
	if err != nil {
		return fmt.Sprint(down, hours, err) // not reached: all of it is plain data
	}
	sum := sha256.Sum256(b)
	return string(sum[:])
}
