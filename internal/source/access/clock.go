package access

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Reasons why a time is no time.
var (
	errNotTime = errors.New("is not a time in the declared layout")
	errNoSuch  = errors.New("is a local time that does not exist (clocks were put forward)")
	errFarAway = errors.New("is outside the years 1990 to 2100")
	errEmpty   = errors.New("is empty")
)

// disorder is how far rows of one file may stand in the wrong order without
// being taken for the hour that comes twice.
const disorder = 2 * time.Minute

// clock reads the times of one file. Local times of the hour that comes twice
// when clocks are put back are told apart by the order of the rows: the first
// reading is taken unless it would go far back behind the row before.
type clock struct {
	layout string // of package time, or "unix", "unix-ms"
	zone   *time.Location
	offset bool      // the text carries its own offset from UTC
	last   time.Time // of the row before; zero at the start
}

func newClock(layout, zone string) (*clock, error) {
	loc, err := time.LoadLocation(zone) // "" is UTC
	if err != nil || zone == "Local" {
		return nil, fmt.Errorf("time_zone %q is not known: use an IANA name such as Europe/London, or leave it out for UTC", zone)
	}
	switch {
	case layout == "" || layout == "rfc3339":
		layout = time.RFC3339
	case layout == "unix" || layout == "unix-ms":
		return &clock{layout: layout, zone: loc, offset: true}, nil
	case strings.Contains(layout, "MST"):
		return nil, fmt.Errorf("time_layout %q uses a zone abbreviation, which names no certain offset: leave it out and set time_zone", layout)
	}
	// A layout is good when a time survives being written and read again, to
	// the minute at least. It carries an offset when the same wall clock reads
	// differently in two zones.
	east := time.FixedZone("", 3600)
	probe := time.Date(2026, 11, 23, 14, 32, 8, 0, east)
	back, err := time.ParseInLocation(layout, probe.Format(layout), east)
	if err != nil || !back.Truncate(time.Minute).Equal(probe.Truncate(time.Minute)) {
		return nil, fmt.Errorf("time_layout %q does not hold a date and a time of day: write the moment 2006-01-02 15:04:05 in the form of the file, such as 02.01.2006 15:04:05", layout)
	}
	utc := time.Date(2026, 11, 23, 14, 32, 8, 0, time.UTC)
	return &clock{layout: layout, zone: loc, offset: probe.Format(layout) != utc.Format(layout)}, nil
}

// read returns the UTC time of text.
func (c *clock) read(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, errEmpty
	}
	t, err := c.parse(text)
	if err != nil {
		return time.Time{}, err
	}
	if t.Year() < 1990 || t.Year() > 2100 {
		return time.Time{}, errFarAway
	}
	c.last = t
	return t, nil
}

func (c *clock) parse(text string) (time.Time, error) {
	switch c.layout {
	case "unix":
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(f) || math.Abs(f) > 1e11 {
			return time.Time{}, errNotTime
		}
		whole, part := math.Modf(f)
		// Microseconds are what a float of this size can tell apart.
		return time.Unix(int64(whole), int64(math.Round(part*1e6))*1e3).UTC(), nil
	case "unix-ms":
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return time.Time{}, errNotTime
		}
		return time.UnixMilli(n).UTC(), nil
	}
	t, err := time.Parse(c.layout, text)
	switch {
	case err != nil:
		return time.Time{}, errNotTime
	case c.offset:
		return t.UTC(), nil
	}
	return c.local(t)
}

// local finds the moment of a wall clock reading, given as if it were UTC, in
// the zone of the file. A reading is real where the zone's offset at that
// moment leads back to it; the offsets in force a day before and a day after
// are the only ones that it can have.
func (c *clock) local(wall time.Time) (time.Time, error) {
	var found []time.Time
	for _, around := range [...]time.Duration{-24 * time.Hour, 24 * time.Hour} {
		_, offset := wall.Add(around).In(c.zone).Zone()
		t := wall.Add(-time.Duration(offset) * time.Second)
		if _, there := t.In(c.zone).Zone(); there == offset && !slices.ContainsFunc(found, t.Equal) {
			found = append(found, t)
		}
	}
	switch len(found) {
	case 0:
		return time.Time{}, errNoSuch
	case 2: // the earlier offset is the larger one, so found is in order of time
		if c.last.Sub(found[0]) > disorder {
			return found[1], nil
		}
	}
	return found[0], nil
}
