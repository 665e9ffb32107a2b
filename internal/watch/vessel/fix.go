package vessel

import (
	"fmt"
	"math"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
)

// fixState is how a vessel's position fixing usually does: its own baseline.
type fixState struct {
	sound    uint8 // reports with a fix, less twenty for each without, at most 200
	lost     uint8 // in a row
	accurate uint8 // the same account of the accuracy flag, RAIM and EPFD below
	dropped  uint8
	raim     uint8
	epfd     uint8
	epfdSeen uint8 // times that the device was told
	upset    bool  // told to the area's rule
	at       int64 // of the newest report without a fix
}

// withoutFix reports whether a position report says that its receiver has no
// fix: no position, or a UTC second of 61 (manual), 62 (dead reckoning) or 63
// (inoperative), M.1371-5 table 48.
func withoutFix(r *event.VesselReport) bool {
	return math.IsNaN(r.Lat) || math.IsNaN(r.Lon) || r.Second >= 61
}

func dynamic(r *event.VesselReport) bool {
	return r.Type >= 1 && r.Type <= 3 || r.Type == 9 || r.Type == 18 || r.Type == 19
}

// judgeFix compares the flags of a report with the vessel's own habit.
func (w *Watch) judgeFix(s *ship, r *event.VesselReport, at int64) {
	f := &s.fix
	if r.Static && r.Type == 5 && s.movable() {
		w.judgeDevice(s, r, at)
	}
	if !dynamic(r) || !s.movable() {
		return
	}
	if !withoutFix(r) {
		f.lost, f.upset = 0, f.upset && f.dropped > 0
		f.sound = min(f.sound+1, 200)
		w.judgeQuality(s, r, at)
		return
	}
	if f.at == at {
		return // a copy
	}
	f.at = at
	habit := int(f.sound) >= w.lim.FixSound
	if f.lost < math.MaxUint8 {
		f.lost++
	}
	if f.lost > uint8(min(w.lim.FixLost, 200)) && f.sound > 0 {
		f.sound-- // after long it becomes the habit
	}
	if f.sound > 0 && len(s.hulls) > 0 && !f.upset {
		f.upset = true
		w.disturb(s, deprived, &s.hulls[s.cur], r, at)
	}
	if !habit || len(s.hulls) == 0 {
		f.sound -= min(f.sound, 1)
		return
	}
	h := &s.hulls[s.cur]
	if s.area != nil && s.area.kind == deprived {
		s.area.at = max(s.area.at, at)
		return
	}
	if int(f.lost) < w.lim.FixLost {
		return
	}
	o, tell := w.hold(s, fixLost, finding.Suspected, at)
	if !tell {
		return
	}
	o.Title = fmt.Sprintf("%s has lost its position fix", s.title())
	o.Summary = fmt.Sprintf("Its last %d reports carry no fix of a satellite receiver; those before did. A fault on board, or the beginning of a disturbance in the area.", f.lost)
	o.Facts = []finding.Fact{fact(h.head, fmt.Sprintf("MMSI %s was at %s.", digits(s.mmsi), place(h.lat, h.lon))),
		fact(r.Head, fmt.Sprintf("Report without a fix, UTC second field %d.", r.Second))}
	o.RuledOut = []string{"a vessel that never has a fix: its reports before had one", "loss of the receiver: the vessel is still heard"}
	o.Unknown = []string{"whether others are affected: fewer than three have told so"}
	o.Next = []string{"Ask the vessel.", "Watch its neighbours for the same."}
	o.Place = &finding.Place{Lat: h.lat, Lon: h.lon}
	w.emit(o)
}

// judgeQuality notes where accuracy and RAIM are lost by a vessel that always
// has them. Alone it means nothing and is not told; three vessels together are
// an area's trouble.
func (w *Watch) judgeQuality(s *ship, r *event.VesselReport, at int64) {
	f := &s.fix
	drop := !r.Accurate && f.accurate >= 100 || !r.RAIM && f.raim >= 100
	f.accurate, f.raim = account(f.accurate, r.Accurate), account(f.raim, r.RAIM)
	if !drop {
		f.dropped = 0
		return
	}
	if f.dropped++; f.dropped == 3 && len(s.hulls) > 0 {
		w.disturb(s, deprived, &s.hulls[s.cur], r, at)
	}
}

// account counts the reports with a flag, less twenty for each without.
func account(n uint8, has bool) uint8 {
	if has {
		return min(n+1, 200)
	}
	return n - min(n, 20)
}

// judgeDevice notes a change of the kind of position fixing device after it was
// told the same five times.
func (w *Watch) judgeDevice(s *ship, r *event.VesselReport, at int64) {
	f := &s.fix
	if r.EPFD == f.epfd {
		f.epfdSeen = min(f.epfdSeen+1, 200)
		return
	}
	if f.epfdSeen >= 5 && r.EPFD != 0 && len(s.hulls) > 0 {
		w.disturb(s, rechosen, &s.hulls[s.cur], r, at)
	}
	f.epfd, f.epfdSeen = r.EPFD, 1
}
