package network

import (
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
)

// maxAhead is how far the clock of a sensor may be ahead of arrival before the
// time that it told is not believed. Nothing is seen before it happens.
const maxAhead = time.Minute

// timed gives the flow with a time that can be: one that lies after its own
// arrival is replaced by the arrival, and Told says so. One row of the year 2099
// would otherwise stand before every true one of its finding until then.
func timed(f *event.Flow) *event.Flow {
	if !ahead(f.Last, f.Seen) && !ahead(f.Time, f.Seen) {
		return f
	}
	out := *f
	if ahead(out.Time, out.Seen) {
		out.Time, out.Told = out.Seen, false
	}
	if ahead(out.Last, out.Seen) {
		out.Last = laterOf(out.Time, out.Seen)
	}
	return &out
}

// timedSighting is timed for a sighting.
func timedSighting(d *event.DeviceSighting) *event.DeviceSighting {
	if !ahead(d.Time, d.Seen) {
		return d
	}
	out := *d
	out.Time, out.Told = out.Seen, false
	return &out
}

// timedOperation is timed for an operation.
func timedOperation(o *event.DeviceOperation) *event.DeviceOperation {
	if !ahead(o.Time, o.Seen) && !ahead(o.Last, o.Seen) {
		return o
	}
	out := *o
	if ahead(out.Time, out.Seen) {
		out.Time, out.Told = out.Seen, false
	}
	if ahead(out.Last, out.Seen) {
		out.Last = laterOf(out.Time, out.Seen)
	}
	return &out
}

func ahead(told, seen time.Time) bool { return !seen.IsZero() && told.Sub(seen) > maxAhead }

// listening counts the time over which rows of the network came in, by the clock
// of Advance. A condition ends after so much listening without it: while the
// sensor is dead nothing ends, because nobody looked.
type listening struct {
	total time.Duration
	at    time.Time // of the last Advance
	row   time.Time // the Advance after the newest row
	fresh bool      // rows came in since the last Advance
}

// advance moves the clock. A step longer than maxQuiet, or back, is another
// recording and no listening.
func (l *listening) advance(now time.Time) {
	if l.fresh {
		l.row, l.fresh = now, false
	}
	if step := now.Sub(l.at); !l.at.IsZero() && step > 0 && step <= maxQuiet && now.Sub(l.row) <= maxQuiet {
		l.total += step
	}
	l.at = now
}

// spell is since when a condition has not been seen.
type spell struct {
	last  time.Time     // that it was seen, event time
	heard time.Duration // listening.total then
	at    time.Time     // listening.at then
}

// renew notes that the condition was seen.
func (s *spell) renew(l *listening, at time.Time) {
	s.last = laterOf(s.last, at)
	s.heard, s.at = l.total, l.at
}

// over reports whether it was not seen over limit of listening.
func (s *spell) over(l *listening, limit time.Duration) bool { return l.total-s.heard >= limit }

// end is when it is over, in the time of the events: the clock of a sensor that
// is behind must not make the end older than what it ends.
func (s *spell) end(l *listening, limit time.Duration) time.Time {
	if s.at.IsZero() {
		return s.last.Add(limit)
	}
	return s.last.Add(max(limit, l.at.Sub(s.at)))
}

// maxTold is how many tellings of one condition are remembered.
const maxTold = 8

// tellings are the event times at which a condition was told, the newest last.
// There are several, because rows come late and sensors' clocks differ: one
// telling with a time far off must not silence the others, nor set them free.
type tellings []time.Time

// near reports whether it was told within d of at, before or after.
func (t tellings) near(at time.Time, d time.Duration) bool {
	for _, told := range t {
		if at.Sub(told).Abs() < d {
			return true
		}
	}
	return false
}

func (t *tellings) add(at time.Time) {
	if len(*t) >= maxTold {
		*t = append((*t)[:0], (*t)[1:]...)
	}
	*t = append(*t, at)
}

// whenText says in a fact that its time is that of arrival.
func whenText(h *event.Head) string {
	if h.Told || h.Seen.IsZero() {
		return ""
	}
	return " (time of arrival: the source told none that can be)"
}
