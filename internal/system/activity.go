package system

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/port"
)

// activitySpan is how long the counts behind the timeline are kept.
const activitySpan = 26 * time.Hour

// activity counts observations a minute of event time and world, for the
// timeline. It is held in memory: after a restart it begins with what the
// warm-up reads again.
type activity struct {
	mu      sync.Mutex
	minutes map[int64]map[finding.Domain]int // unix minute
	newest  int64
	heard   map[finding.Domain]bool // worlds that any observation was ever of
}

func newActivity() *activity {
	return &activity{minutes: map[int64]map[finding.Domain]int{}, heard: map[finding.Domain]bool{}}
}

func (a *activity) add(p *port.Port, b *event.Batch) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := 0; i < len(b.Vessels); { // most reports are of the minute of the one before
		minute, n := b.Vessels[i].Time.Unix()/60, 1
		for ; i+n < len(b.Vessels) && b.Vessels[i+n].Time.Unix()/60 == minute; n++ {
		}
		a.count(b.Vessels[i].Time, finding.Sea, n)
		i += n
	}
	for i := range b.Access {
		a.count(b.Access[i].Time, finding.Physical, 1)
	}
	for i := range b.Flows {
		a.count(b.Flows[i].Time, worldOf(p, &b.Flows[i]), 1)
	}
}

// worldOf is the world of the side that served.
func worldOf(p *port.Port, f *event.Flow) finding.Domain {
	ip, err := netip.ParseAddr(f.Server.IP)
	if err != nil {
		return finding.OT // below IP: a fieldbus
	}
	if z := p.ZoneOf(ip); z != nil {
		return finding.Domain(z.Domain)
	}
	return finding.IT
}

func (a *activity) count(at time.Time, d finding.Domain, n int) {
	minute := at.Unix() / 60
	slot := a.minutes[minute]
	if slot == nil {
		slot = map[finding.Domain]int{}
		a.minutes[minute] = slot
		if minute > a.newest {
			a.newest = minute
			a.forget()
		}
	}
	slot[d] += n
	a.heard[d] = true
}

func (a *activity) forget() {
	oldest := a.newest - int64(activitySpan/time.Minute)
	for m := range a.minutes {
		if m < oldest {
			delete(a.minutes, m)
		}
	}
}

// Activity counts the observations of each world in equal parts of [from, to).
// A world that nothing was ever heard of is absent, which is not the same as quiet.
func (a *activity) Activity(_ context.Context, from, to time.Time, buckets int) (map[finding.Domain][]int, error) {
	out := map[finding.Domain][]int{}
	span := to.Sub(from)
	if buckets <= 0 || span <= 0 {
		return out, nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for d := range a.heard {
		out[d] = make([]int, buckets)
	}
	for m, slot := range a.minutes {
		at := time.Unix(m*60, 0)
		if at.Before(from) || !at.Before(to) {
			continue
		}
		i := int(float64(at.Sub(from)) / float64(span) * float64(buckets))
		for d, n := range slot {
			out[d][min(i, buckets-1)] += n
		}
	}
	return out, nil
}
