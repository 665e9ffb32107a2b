package risk

import "time"

// Standing is the newest assessment of a running system, with how it came about.
type Standing struct {
	Assessment *Assessment // nil until one was made
	Declared   *File       // the risk file that it was made from
	Plan       *Plan       // nil where there are no treatments
	Scored     time.Time   // when what it rests on changed last
	Checked    time.Time   // when that was looked at last
	File       string      // the risk file
	Problem    string      // why there is none, or no newer one
	Notes      []string    // what is not part of the figures, and why
	History    []Move      // oldest first
}

// Move is one change of the expected year, with its causes.
type Move struct {
	Time   time.Time `json:"time"`
	Before Money     `json:"before"` // zero in the first of a run
	After  Money     `json:"after"`  // expected year, middle figures
	Low    float64   `json:"low"`    // operator's money at the least frequency
	High   float64   `json:"high"`   // and at the most
	Steps  []Step    `json:"steps"`  // the largest ten
	First  bool      `json:"first"`  // the first of a run of the program: what came before is not compared
}

// MaxSteps bounds the causes that are kept of a move.
const MaxSteps = 10

// MoveTo is the step from one assessment, nil for the first, to the next.
func MoveTo(before, after *Assessment, at time.Time) Move {
	m := Move{Time: at, After: after.Yearly.Mid, Low: after.Yearly.Low.Operator, High: after.Yearly.High.Operator, Steps: []Step{}, First: before == nil}
	if before != nil {
		w := Explain(before, after)
		m.Before, m.Steps = w.Before, w.Steps[:min(len(w.Steps), MaxSteps)]
	}
	return m
}
