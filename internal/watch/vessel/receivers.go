package vessel

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
)

// maxReceivers bounds how many receivers are told apart; reports of further ones
// are judged like all others and not counted by receiver.
const maxReceivers = 4096

// centreOf is how many positions make the middle of what a receiver hears.
const centreOf = 1000

// receiver is what one receiving station has brought.
type receiver struct {
	reports, copies uint64
	first, last     int64 // by the line
	placed          uint64
	lat, lon        float64 // mean of the first positions
	heard           box
	far             [36]float32 // metres from that middle, by ten degrees
}

// Receiver is how a receiving station does: the source of a feed, and the station
// that its lines name.
type Receiver struct {
	Source   string    `json:"source"`
	Station  string    `json:"station,omitempty"` // as the lines name it; empty: they name none
	First    time.Time `json:"first"`
	Last     time.Time `json:"last"`
	Reports  uint64    `json:"reports"`          // heard, copies with them
	Copies   uint64    `json:"copies"`           // of what another line had told before
	Rate     float64   `json:"rate"`             // reports a minute, since the first
	Delivery string    `json:"delivery"`         // "on the air", "in bulk" (times are of delivery), "not known yet"
	Box      []float64 `json:"box,omitempty"`    // south, west, north, east of all positions heard; absent before there is one
	Centre   []float64 `json:"centre,omitempty"` // latitude, longitude: middle of the first thousand positions
	Far      []Reach   `json:"far,omitempty"`    // farthest heard by bearing from that middle; absent before a thousand positions
}

// receive counts a report for its receiver; copied says that it told nothing new.
func (w *Watch) receive(r *event.VesselReport, copied bool) {
	key := stationKey{r.Source, r.Station}
	if w.receiver == nil || key != w.receiverOf {
		c := w.receivers[key]
		if c == nil {
			if len(w.receivers) >= maxReceivers {
				w.receiver = nil
				return
			}
			c = &receiver{first: r.Time.UnixNano(), heard: box{90, 180, -90, -180}}
			w.receivers[key] = c
		}
		w.receiver, w.receiverOf = c, key
	}
	c := w.receiver
	c.reports++
	if copied {
		c.copies++
	}
	c.last = max(c.last, r.Time.UnixNano())
	if math.IsNaN(r.Lat) || math.IsNaN(r.Lon) || math.Abs(r.Lat) > 90 || math.Abs(r.Lon) > 180 {
		return
	}
	c.heard = c.heard.with(r.Lat, r.Lon)
	if c.placed++; c.placed <= centreOf {
		c.lat += (r.Lat - c.lat) / float64(c.placed)
		c.lon += (r.Lon - c.lon) / float64(c.placed)
		return
	}
	d := float32(distance(c.lat, c.lon, r.Lat, r.Lon))
	i := int(bearing(c.lat, c.lon, r.Lat, r.Lon)/10) % len(c.far)
	c.far[i] = max(c.far[i], d)
}

// Receivers lists the receiving stations by source and station.
func (w *Watch) Receivers() []Receiver {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := make([]Receiver, 0, len(w.receivers))
	for k, c := range w.receivers {
		v := Receiver{Source: k.source, Station: k.station, First: time.Unix(0, c.first).UTC(), Last: time.Unix(0, c.last).UTC(), Reports: c.reports, Copies: c.copies, Delivery: "not known yet"}
		if minutes := float64(c.last-c.first) / float64(time.Minute); minutes >= 1 {
			v.Rate = float64(c.reports) / minutes
		}
		if clock := w.clocks[k]; clock != nil && clock.n >= clockLearned {
			v.Delivery = "on the air"
			if clock.bulk() {
				v.Delivery = "in bulk"
			}
		}
		if c.placed > 0 {
			v.Box, v.Centre = []float64{c.heard.south, c.heard.west, c.heard.north, c.heard.east}, []float64{c.lat, c.lon}
		}
		if c.placed > centreOf {
			for i, m := range c.far {
				v.Far = append(v.Far, Reach{Bearing: float64(i)*10 + 5, Metres: float64(m)})
			}
		}
		out = append(out, v)
	}
	slices.SortFunc(out, func(a, b Receiver) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Station, b.Station))
	})
	return out
}
