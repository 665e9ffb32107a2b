package vessel

import (
	"github.com/quaywatch/quaywatch/internal/event"
)

// Bounds of the trust in the times of a station.
const (
	maxStations  = 4096
	clockLearned = 8   // reports before a station's clock is judged
	clockMemory  = 256 // reports after which older ones count half
	clockSteady  = 0.7 // share of reports within 20 s of lag from which the times are those of reception
	lagBin       = 5   // seconds
	steadyRow    = 8   // reports of one vessel with one lag that make its times good whatever the station's others say
	lagJump      = 10  // seconds by which the lag of one vessel may change between two reports
	bulkSlack    = 3600.0
	lateSlack    = 120.0
)

// stationKey names who told the time.
type stationKey struct{ source, station string }

// stationClock compares the time of the lines with the UTC second inside the
// reports. A receiver on the air has a steady lag, whatever its clock says;
// satellites and stores that deliver in bulk have none: the time of their lines
// is that of delivery, and Δt between two reports means nothing. A vessel whose
// own clock is wrong (met: 37 s, for hours) does not spoil the measure, because
// the largest group decides.
type stationClock struct {
	bins  [60 / lagBin]uint16
	n     int
	since int64 // first and newest position, by the line
	last  int64
}

// lagOf is the time of the line less the report's own second, 0..59; -1 where
// the report names no second.
func lagOf(r *event.VesselReport) int {
	if r.Second < 0 || r.Second > 59 {
		return -1
	}
	return (r.Time.Second() - int(r.Second) + 60) % 60
}

// learn takes a report into the account of its station.
func (w *Watch) learn(r *event.VesselReport, lag int) {
	if key := (stationKey{r.Source, r.Station}); w.clock == nil || key != w.clockOf {
		c := w.clocks[key]
		if c == nil {
			if len(w.clocks) >= maxStations {
				clear(w.clocks) // they are learned again in a few reports
			}
			c = &stationClock{}
			w.clocks[key] = c
		}
		w.clock, w.clockOf = c, key
	}
	if lag < 0 {
		return
	}
	c := w.clock
	if c.n == clockMemory {
		c.n = 0
		for i := range c.bins {
			c.bins[i] /= 2
			c.n += int(c.bins[i])
		}
	}
	c.bins[lag/lagBin]++
	c.n++
}

// bulk reports whether the times of the station are not those of reception: no
// 20 s of lag hold most of its reports.
func (c *stationClock) bulk() bool {
	if c.n < clockLearned {
		return false
	}
	most := 0
	for i := range c.bins {
		sum := 0
		for j := range 4 {
			sum += int(c.bins[(i+j)%len(c.bins)])
		}
		most = max(most, sum)
	}
	return float64(most) < clockSteady*float64(c.n)
}

// steps is how far apart two lags are on the circle of the minute, 0..30 s; -1
// where one is not known.
func steps(a, b int) int {
	if a < 0 || b < 0 {
		return -1
	}
	d := (a - b + 60) % 60
	return min(d, 60-d)
}

// slack is by how many seconds Δt between two reports of a vessel may be wrong.
func (w *Watch) slack(s *ship, before, now int) float64 {
	d := steps(before, now)
	switch {
	case d >= 0 && d <= lagJump && s.steady >= steadyRow:
		return 0
	case w.clock.bulk():
		return bulkSlack
	case d > lagJump:
		return lateSlack // one of the two came late
	}
	return 0
}

// keepLag counts the reports in a row that have one lag.
func (s *ship) keepLag(lag int) {
	switch d := steps(s.lag, lag); {
	case d >= 0 && d <= lagJump:
		s.steady = min(s.steady+1, steadyRow)
	case lag >= 0:
		s.steady = 0
	}
	if lag >= 0 {
		s.lag = lag
	}
}
