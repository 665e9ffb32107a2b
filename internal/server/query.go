package server

import (
	"math"
	"strconv"
	"strings"
	"time"
)

const (
	maxSpan  = 31 * 24 * time.Hour // of one question to the history
	maxCells = 200_000             // of one heat map
)

// Span is the time that a question to the history is about.
type Span struct {
	From time.Time `query:"from" doc:"event time at or after; a day before to where absent"`
	To   time.Time `query:"to" doc:"event time before; now where absent"`
}

// bounds fills in what is absent and checks the length.
func (s Span) bounds(now time.Time) (from, to time.Time, err error) {
	from, to = s.From.UTC(), s.To.UTC()
	if s.To.IsZero() {
		to = now.UTC()
	}
	if s.From.IsZero() {
		from = to.Add(-24 * time.Hour)
	}
	switch {
	case !from.Before(to):
		return from, to, badQuery("from", "must be before to")
	case to.Sub(from) > maxSpan:
		return from, to, badQuery("from", "at most 31 days before to")
	}
	return from, to, nil
}

// theWorld is the box of everything.
var theWorld = [4]float64{-90, -180, 90, 180}

// parseBox reads "south,west,north,east" in degrees; "" is the world. West may
// be greater than east, which crosses the antimeridian.
func parseBox(s string) ([4]float64, error) {
	if s == "" {
		return theWorld, nil
	}
	const want = `is "south,west,north,east" in degrees, such as 50.7,-1.6,51,-1`
	part := strings.Split(s, ",")
	if len(part) != 4 {
		return theWorld, badQuery("box", want)
	}
	var box [4]float64
	for i, p := range part {
		v, err := strconv.ParseFloat(strings.TrimSpace(p), 64)
		limit := 90.0
		if i%2 == 1 {
			limit = 180
		}
		if err != nil || !(math.Abs(v) <= limit) { // NaN fails too
			return theWorld, badQuery("box", want)
		}
		box[i] = v
	}
	if box[0] > box[2] {
		return theWorld, badQuery("box", "has its south north of its north")
	}
	return box, nil
}

// inBox reports whether a position lies in the box; NaN does not.
func inBox(box [4]float64, lat, lon float64) bool {
	if !(lat >= box[0] && lat <= box[2]) {
		return false
	}
	if box[1] <= box[3] {
		return lon >= box[1] && lon <= box[3]
	}
	return lon >= box[1] || lon <= box[3]
}

// cells is how many cells of a size cover the box.
func cells(box [4]float64, size float64) float64 {
	width := box[3] - box[1]
	if width < 0 {
		width += 360
	}
	return (math.Floor((box[2]-box[0])/size) + 1) * (math.Floor(width/size) + 1)
}

// number is a measurement for JSON, which has no NaN: absent is null.
func number[F float32 | float64](v F) *float64 {
	f := float64(v)
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil
	}
	if _, ok := any(v).(float32); ok {
		f = math.Round(f*1e4) / 1e4 // 12.3, not 12.300000190734863
	}
	return &f
}
