package ais

import "testing"

// A clock is a time only where every part of it is one that M.1371-5 table 51
// has. Fourteen bits of year hold more than the 9999 of the table, and a year
// of five digits is no RFC 3339 time: nothing that reads the output could.
func TestClockUTC(t *testing.T) {
	for _, c := range []struct {
		clock Clock
		want  string // "" is no time
	}{
		{Clock{Year: 2026, Month: 2, Day: 28, Hour: 23, Minute: 59, Second: 59}, "2026-02-28T23:59:59Z"},
		{Clock{Year: 9999, Month: 12, Day: 31}, "9999-12-31T00:00:00Z"},
		{Clock{Year: 10000, Month: 1, Day: 1}, ""},
		{Clock{Year: 1<<14 - 1, Month: 12, Day: 31}, ""},
		{Clock{Month: 1, Day: 1}, ""},
		{Clock{Year: 2026, Month: 2, Day: 29}, ""},
		{Clock{Year: 2026, Month: 2, Day: 28, Hour: 24}, ""},
	} {
		got := ""
		if at, ok := c.clock.UTC(); ok {
			got = at.Format("2006-01-02T15:04:05Z07:00")
		}
		if got != c.want {
			t.Errorf("%+v is %q, want %q", c.clock, got, c.want)
		}
	}
}
