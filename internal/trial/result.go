package trial

import (
	"cmp"
	"encoding/json"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"
)

// size draws the size of an attack, evenly over the logarithm.
func (v *Variant) size(r *rand.Rand) float64 {
	if v.Unit == "" {
		return 0
	}
	return v.Low * math.Pow(v.High/v.Low, r.Float64())
}

// Result is what a trial measured.
type Result struct {
	Seed   uint64   `json:"seed"`
	Trials int      `json:"trials"`          // asked for, of each variant and group
	Grade  string   `json:"grade"`           // least that counts
	Known  []string `json:"known,omitempty"` // findings that are true in the captures
	Files  []File   `json:"files"`
	Rows   []Row    `json:"rows"`
	Sweeps []Least  `json:"smallest"`
	Untold []Class  `json:"untold"` // classes of which no rule told in any trial
}

// File is a capture and what was told of it unmodified.
type File struct {
	Name     string    `json:"name"`
	Group    Group     `json:"group"`
	First    time.Time `json:"first"`
	Last     time.Time `json:"last"`
	Messages int       `json:"messages"`
	Rejected int       `json:"lines_rejected"`
	Vessels  int       `json:"vessels"`
	Rate     Rate      `json:"false_alarms"` // on the unmodified capture
	Alarms   []Count   `json:"told"`
}

// Rate is events in an exposure.
type Rate struct {
	Events int      `json:"events"`
	Days   float64  `json:"vessel_days"`
	Per    Interval `json:"per_vessel_day_95"` // exact Poisson interval
}

// Count is how often something was told.
type Count struct {
	What string `json:"what"`
	N    int    `json:"n"`
}

// Row is one variant on one group of captures.
type Row struct {
	Class     Class    `json:"class"`
	Variant   string   `json:"variant"`
	Group     Group    `json:"group"`
	Blind     bool     `json:"blind,omitempty"` // AIS alone can't tell it
	Vessels   int      `json:"setups"`          // vessels (or moments, of attacks on many) that could be attacked
	Trials    int      `json:"trials"`
	Unplayed  int      `json:"unplayed"`  // could not be written in the form of the capture
	Found     int      `json:"found"`     // at the grade asked for
	Recall    Interval `json:"recall_95"` // Wilson interval of Found in Trials
	AtAny     int      `json:"found_at_any_grade"`
	WithinTwo int      `json:"found_within_two_reports"`
	Reports   Spread   `json:"delay_reports"`
	Seconds   Spread   `json:"delay_s"`
	Other     Rate     `json:"false_alarms_others"` // about vessels that were not attacked
	By        []Count  `json:"told_by"`             // rules that told it first
	Also      []Count  `json:"also_told"`           // rules outside the class, of the attacked
	Wrong     []Count  `json:"told_of_others"`
}

// Least is the smallest attack that is found.
type Least struct {
	Class   Class    `json:"class"`
	Group   Group    `json:"group"`
	Unit    string   `json:"unit"`
	Setups  int      `json:"setups"`
	Never   int      `json:"never_found"` // not even the largest
	Largest float64  `json:"largest"`
	Half    Number   `json:"half"`       // found in half of the set-ups
	Half95  Interval `json:"half_95"`    //
	Nine    Number   `json:"nine_in_10"` // found in nine of ten
	Nine95  Interval `json:"nine_in_10_95"`
}

// Number is a figure that may have no bound: +Inf and NaN are null in JSON.
type Number float64

// MarshalJSON implements json.Marshaler.
func (n Number) MarshalJSON() ([]byte, error) { return appendNumber(nil, float64(n)), nil }

var _, _ json.Marshaler = Number(0), Interval{}

// MarshalJSON writes [low, high].
func (i Interval) MarshalJSON() ([]byte, error) {
	b := append(appendNumber([]byte{'['}, i.Low), ',')
	return append(appendNumber(b, i.High), ']'), nil
}

func appendNumber(b []byte, v float64) []byte {
	if math.IsInf(v, 0) || math.IsNaN(v) {
		return append(b, "null"...)
	}
	return strconv.AppendFloat(b, math.Round(v*1e6)/1e6, 'f', -1, 64)
}

// tally counts words.
type tally map[string]int

func (t tally) add(words ...string) {
	for _, w := range words {
		t[w]++
	}
}

// counts are the words, the most frequent first.
func (t tally) counts() []Count {
	out := []Count{}
	for _, w := range slices.Sorted(maps.Keys(t)) {
		out = append(out, Count{w, t[w]})
	}
	slices.SortStableFunc(out, func(a, b Count) int { return cmp.Compare(b.N, a.N) })
	return out
}

// result sums the jobs up, in their order.
func (b *bench) result(jobs []job) *Result {
	out := &Result{Seed: b.o.Seed, Trials: b.o.Trials, Grade: b.o.Grade.String(), Known: b.o.Known, Rows: []Row{}, Sweeps: []Least{}, Untold: []Class{}}
	for i := range jobs {
		if jobs[i].clean != nil {
			out.Files = append(out.Files, fileOf(&jobs[i]))
		}
	}
	for i := range b.variants {
		for _, g := range b.groups() {
			key := poolKey{i, g}
			out.Rows = append(out.Rows, b.row(key, jobs))
			if l, ok := b.leastOf(key, jobs); ok {
				out.Sweeps = append(out.Sweeps, l)
			}
		}
	}
	out.Untold = untold(out.Rows)
	return out
}

func fileOf(j *job) File {
	c := j.clean
	f := File{Name: c.Name, Group: c.Group, Messages: len(c.recs), Rejected: c.Bad, Vessels: len(c.movers()), Alarms: []Count{},
		Rate: Rate{len(j.alarms), j.days, poisson(len(j.alarms), j.days)}}
	f.First, f.Last = c.span()
	t := tally{}
	t.add(j.alarms...)
	f.Alarms = t.counts()
	return f
}

// row sums up one variant on one group.
func (b *bench) row(key poolKey, jobs []job) Row {
	v := &b.variants[key.variant]
	r := Row{Class: v.Class, Variant: v.Name, Group: key.group, Blind: v.Blind, Vessels: len(b.pools[key])}
	var reports, seconds []float64
	by, also, wrong := tally{}, tally{}, tally{}
	for i := range jobs {
		j := &jobs[i]
		if j.clean != nil || j.sweep != nil || j.key != key {
			continue
		}
		if !j.done {
			r.Unplayed++
			continue
		}
		r.Trials++
		r.Other.Days += j.days
		r.Other.Events += len(j.least.False)
		also.add(j.any.Other...)
		wrong.add(j.least.False...)
		if j.any.Found || j.least.Found { // what was a suspicion before the attack may have risen
			r.AtAny++
		}
		if !j.least.Found {
			continue
		}
		r.Found++
		by.add(j.least.Rule)
		if j.least.Reports <= 2 {
			r.WithinTwo++
		}
		reports = append(reports, float64(j.least.Reports))
		seconds = append(seconds, j.least.Delay.Seconds())
	}
	r.Recall, r.Reports, r.Seconds = wilson(r.Found, r.Trials), spread(reports), spread(seconds)
	r.Other.Per = poisson(r.Other.Events, r.Other.Days)
	r.By, r.Also, r.Wrong = by.counts(), also.counts(), wrong.counts()
	return r
}

// leastOf sums up the sweep of one variant on one group.
func (b *bench) leastOf(key poolKey, jobs []job) (Least, bool) {
	l := Least{Class: b.variants[key.variant].Class, Group: key.group}
	var sizes []float64
	for i := range jobs {
		j := &jobs[i]
		if j.sweep == nil || j.key != key || !j.done {
			continue
		}
		l.Unit, l.Largest = j.sweep.unit, j.sweep.sizes[len(j.sweep.sizes)-1]
		sizes = append(sizes, j.size)
		if math.IsInf(j.size, 1) {
			l.Never++
		}
	}
	if len(sizes) == 0 {
		return l, false
	}
	slices.Sort(sizes)
	l.Setups = len(sizes)
	l.Half, l.Half95 = Number(quantile(sizes, 0.5)), quantileInterval(sizes, 0.5)
	l.Nine, l.Nine95 = Number(quantile(sizes, 0.9)), quantileInterval(sizes, 0.9)
	return l, true
}

// untold are the classes that were tried and that no rule told of at any grade.
func untold(rows []Row) []Class {
	tried, told := map[Class]bool{}, map[Class]bool{}
	out := []Class{}
	for i := range rows {
		r := &rows[i]
		tried[r.Class] = tried[r.Class] || r.Trials > 0
		told[r.Class] = told[r.Class] || r.AtAny > 0
	}
	for i := range rows {
		if c := rows[i].Class; tried[c] && !told[c] && !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	return out
}
