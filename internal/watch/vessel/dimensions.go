package vessel

import (
	"fmt"

	"github.com/quaywatch/quaywatch/ais"
	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
)

// judgeDimensions looks for a hull that changes its size. It stays a suspicion:
// crews correct what was typed wrongly. An auxiliary craft tells its parent ship
// where others tell dimensions.
func (w *Watch) judgeDimensions(s *ship, r *event.VesselReport, at int64) {
	length, beam := r.Bow+r.Stern, uint16(r.Port)+uint16(r.Starboard)
	if !s.movable() || s.length == 0 || length == 0 || s.station == ais.Auxiliary {
		return
	}
	if !w.otherSize(s.length, length) && !w.otherSize(s.beam, beam) {
		return
	}
	o, tell := w.hold(s, dimensions, finding.Suspected, at)
	if !tell {
		return
	}
	o.Title = fmt.Sprintf("%s tells other dimensions than before", s.title())
	o.Summary = fmt.Sprintf("It told %d m by %d m, and now tells %d m by %d m: two transmitters under one number, a transmitter that went to another ship, or a correction.", s.length, s.beam, length, beam)
	o.Facts = []finding.Fact{fact(r.Head, fmt.Sprintf("Static report of MMSI %s: %d m ahead, %d m astern, %d m to port, %d m to starboard of the antenna.", digits(s.mmsi), r.Bow, r.Stern, r.Port, r.Starboard))}
	o.RuledOut = []string{"dimensions that are not set: neither is zero", "rounding: the change is over a fifth", "a damaged sentence: the checksum is right"}
	o.Unknown = []string{"which dimensions are right"}
	o.Next = []string{"Compare with the register of ships, and with what is seen."}
	w.emit(o)
}

func (w *Watch) otherSize(was, is uint16) bool {
	if was == 0 || is == 0 {
		return false
	}
	return float64(max(was, is)-min(was, is)) > w.lim.Dimensions*float64(max(was, is)) && max(was, is)-min(was, is) > 3
}
