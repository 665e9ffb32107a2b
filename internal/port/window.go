package port

import (
	"fmt"
	"strings"
	"time"
)

// Window is a time in which something may be changed.
type Window struct{ From, Until time.Time }

// PatchWindow is the next window in which an asset may be changed, of its own or of
// its zone: the one that is open at a moment, else the one that opens first after it.
// ok is false where none is declared, which is not the same as always. Times are in
// the time zone of the port.
func (p *Port) PatchWindow(a *Asset, at time.Time) (next Window, ok bool) {
	text := a.Window
	if z := p.Zone(a.Zone); text == "" && z != nil {
		text = z.Window
	}
	loc, err := time.LoadLocation(p.Identity.TimeZone)
	if err != nil {
		loc = time.UTC
	}
	at = at.In(loc)
	for _, part := range strings.Split(text, ", ") {
		day, hours, _ := strings.Cut(part, " ")
		from, until, _ := strings.Cut(hours, "-")
		weekday, known := weekdays[day]
		if !known {
			continue
		}
		// From yesterday on: a window may go over midnight.
		for days := -1; days <= 7; days++ {
			d := at.AddDate(0, 0, days)
			if d.Weekday() != weekday {
				continue
			}
			w := Window{clock(d, from), clock(d, until)}
			if !w.Until.After(w.From) {
				w.Until = clock(d.AddDate(0, 0, 1), until)
			}
			if w.Until.After(at) && (!ok || w.From.Before(next.From)) {
				next, ok = w, true
			}
		}
	}
	return next, ok
}

// String writes a window with its day, in the time zone that it is in.
func (w Window) String() string {
	return fmt.Sprintf("%s to %s", w.From.Format("Mon 2006-01-02 15:04"), w.Until.Format("15:04"))
}

var weekdays = map[string]time.Weekday{"Mon": time.Monday, "Tue": time.Tuesday, "Wed": time.Wednesday, "Thu": time.Thursday, "Fri": time.Friday, "Sat": time.Saturday, "Sun": time.Sunday}

// clock is a time of day such as 02:00 on a day.
func clock(day time.Time, text string) time.Time {
	t, _ := time.Parse("15:04", text) // of the form that the loader has checked
	return time.Date(day.Year(), day.Month(), day.Day(), t.Hour(), t.Minute(), 0, 0, day.Location())
}
