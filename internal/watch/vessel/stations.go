package vessel

import (
	"fmt"
	"math"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/port"
)

// fixed is what is known of a base station or an aid from hearing it.
type fixed struct {
	first    int64
	new      bool    // its receiver had been heard for long when it came
	lat, lon float64 // where it was at first
	n        int     // reports from there
	off      int     // reports from one place elsewhere, which is:
	offLat   float64
	offLon   float64
	offAt    int64
	skew     int64 // its UTC less the time of the line, ns, as it usually is
	skewed   int   // reports in a row with another
	clocks   int   // reports with its usual one
	virtual  int   // reports in a row that contradict the register
	astray   int   // reports in a row with the off-position flag
}

// station finds the account of a fixed station. It reports false where the
// report tells no place.
func (w *Watch) station(s *ship, r *event.VesselReport, at int64) (*fixed, bool) {
	if math.IsNaN(r.Lat) || math.IsNaN(r.Lon) {
		return nil, false
	}
	if s.fixed == nil {
		s.fixed = &fixed{first: at, lat: r.Lat, lon: r.Lon,
			new: r.Told && w.clock != nil && w.clock.since != 0 && r.Time.UnixNano()-w.clock.since > int64(w.lim.Listened) && !w.clock.bulk()}
	}
	return s.fixed, true
}

// judgeBase compares a base station (type 4) with the register, with its own
// place and with its own clock before.
func (w *Watch) judgeBase(s *ship, r *event.VesselReport, at int64) {
	f, ok := w.station(s, r, at)
	if !ok {
		return
	}
	a := w.known.aids[s.mmsi]
	switch {
	case a != nil && w.moved(f, a, r, w.lim.BaseMoved, w.lim.BaseMoved):
		w.tellStation(s, r, falseBase, gradeOf(f.off), at, fmt.Sprintf("Base station %s is reported %.1f km from its place", s.title(), distance(a.Position.Lat(), a.Position.Lon(), r.Lat, r.Lon)/1000),
			"The port file has its place, and a base station does not move. Somebody sends under its number, or its position was changed.", "a floating station: base stations stand ashore")
	case a == nil && w.moved(f, nil, r, w.lim.BaseMoved, w.lim.BaseMoved):
		w.tellStation(s, r, falseBase, gradeOf(f.off), at, fmt.Sprintf("Base station %s is reported %.1f km from where it was", s.title(), distance(f.lat, f.lon, r.Lat, r.Lon)/1000),
			fmt.Sprintf("It was heard %d times from one place; a base station does not move.", f.n), "a station that is set up: it had one place before")
	case a == nil && w.unknown(s, f, r, w.declares()):
		w.tellStation(s, r, falseBase, w.strange(s, r, w.declares()), at, fmt.Sprintf("An unknown base station (MMSI %s) is heard", digits(s.mmsi)),
			"Base stations give time, reserve slots and command reporting. This one is not in the port file, and was never heard before.", "one heard before: its receiver had listened for half an hour without it")
	}
	w.judgeBaseClock(s, f, r, at)
}

// judgeBaseClock compares the UTC that a base station tells with its own habit,
// so that a receiver with a wrong clock blames nobody.
func (w *Watch) judgeBaseClock(s *ship, f *fixed, r *event.VesselReport, at int64) {
	if r.Clock.IsZero() || !r.Told || w.clock == nil || w.clock.bulk() {
		return
	}
	skew := r.Clock.UnixNano() - r.Time.UnixNano()
	off := seconds(skew - f.skew)
	if f.clocks < 5 || off <= (w.lim.BaseSkew+time.Second).Seconds() { // lines are cut to whole seconds
		if f.clocks == 0 {
			f.skew = skew
		}
		f.skew += (skew - f.skew) / 8
		f.clocks++
		f.skewed = 0
		return
	}
	if f.skewed++; f.skewed < 2 {
		return
	}
	g := finding.Suspected
	if off > 60 {
		g = finding.Likely
	}
	o, tell := w.hold(s, falseBase, g, at)
	if !tell {
		return
	}
	o.Title = fmt.Sprintf("Base station %s tells a wrong time: %.0f s off its habit", s.title(), off)
	o.Summary = "Stations without a fix of their own take their time, and so their slots, from base stations."
	o.Facts = []finding.Fact{fact(r.Head, fmt.Sprintf("MMSI %s tells %s.", digits(s.mmsi), r.Clock.Format(time.RFC3339)))}
	o.RuledOut = []string{fmt.Sprintf("a wrong clock of the receiver: in %d reports before the two differed steadily", f.clocks), "a damaged sentence: the checksums are right"}
	o.Unknown = []string{"whether the clock of the receiver was set meanwhile; then all base stations seem wrong together"}
	o.Next = []string{"Compare with another base station.", "Ask its operator."}
	o.Place = &finding.Place{Lat: r.Lat, Lon: r.Lon}
	w.emit(o)
}

// judgeAid compares an aid to navigation (type 21) with the register, and with
// its own place before.
func (w *Watch) judgeAid(s *ship, r *event.VesselReport, at int64) {
	f, ok := w.station(s, r, at)
	if !ok {
		return
	}
	a := w.known.aids[s.mmsi]
	if a != nil && a.Kind != "base-station" && r.Virtual != (a.Kind == "virtual-aid") {
		if f.virtual++; f.virtual >= 1 {
			w.tellStation(s, r, falseAid, gradeOf(f.virtual), at, fmt.Sprintf("Aid %s does not tell what it is: virtual or real", s.title()),
				"The port file has it otherwise. A real aid that is replaced by a virtual one may be gone; a false one may stand in its place.", "a report of another aid: number and place are its own")
		}
		return
	}
	f.virtual = 0
	switch {
	case a != nil && w.moved(f, a, r, w.lim.AidMoved, w.lim.AidMoved):
		w.tellStation(s, r, falseAid, gradeOf(f.off), at, fmt.Sprintf("Aid %s is reported %.0f m from its place", s.title(), distance(a.Position.Lat(), a.Position.Lon(), r.Lat, r.Lon)),
			"It has broken loose, or somebody sends under its number.", fmt.Sprintf("a swing on its chain: it is over %.0f m", w.lim.AidMoved))
	case a == nil && w.moved(f, nil, r, w.lim.AidStrayed, w.lim.AidStrayed):
		w.tellStation(s, r, falseAid, gradeOf(f.off), at, fmt.Sprintf("Aid %s is reported %.0f m from where it was", s.title(), distance(f.lat, f.lon, r.Lat, r.Lon)),
			fmt.Sprintf("It was heard %d times from one place. It has broken loose, was laid elsewhere, or somebody sends under its number.", f.n), fmt.Sprintf("a swing on its chain: it is over %.0f m", w.lim.AidStrayed))
	case a == nil && w.unknown(s, f, r, w.declares()):
		what := "aid to navigation"
		if r.Virtual {
			what = "virtual aid to navigation"
		}
		w.tellStation(s, r, falseAid, w.strange(s, r, w.declares()), at, fmt.Sprintf("An unknown %s (MMSI %s) is heard", what, digits(s.mmsi)),
			"It is not in the port file, and was never heard before. A false aid leads ships aground.", "one heard before: its receiver had listened for half an hour without it")
	}
	if !r.OffPosition || r.Second > 59 {
		f.astray = 0
	} else if f.astray++; f.astray >= 2 {
		w.tellStation(s, r, falseAid, finding.Suspected, at, fmt.Sprintf("Aid %s says that it is off its position", s.title()), "A floating aid measures that itself (M.1371-5 table 74).", "a single report: it was told twice")
	}
}

// moved counts the reports from one other place than the declared one, or,
// without one, than its own before.
func (w *Watch) moved(f *fixed, a *port.Aid, r *event.VesselReport, declared, own float64) bool {
	lat, lon, limit := f.lat, f.lon, own
	if a != nil {
		lat, lon, limit = a.Position.Lat(), a.Position.Lon(), declared
	} else if f.n < 3 {
		if distance(lat, lon, r.Lat, r.Lon) > limit {
			f.lat, f.lon, f.n = r.Lat, r.Lon, 0 // not settled yet
		}
		f.n++
		return false
	}
	if distance(lat, lon, r.Lat, r.Lon) <= limit {
		f.n++
		return false // the true one may go on beside a false one: it takes nothing back
	}
	at := r.Time.UnixNano()
	if f.off == 0 || seconds(at-f.offAt) > 3600 || distance(f.offLat, f.offLon, r.Lat, r.Lon) > limit {
		f.off, f.offLat, f.offLon = 0, r.Lat, r.Lon
	}
	f.off, f.offAt = f.off+1, at
	return true
}

// gradeOf is the grade of something seen so many times in a row.
func gradeOf(times int) finding.Grade {
	switch {
	case times >= 4:
		return finding.Confirmed
	case times >= 2:
		return finding.Likely
	}
	return finding.Suspected
}

// unknown reports whether a station that is not declared is to be told: where
// the register has stations of its kind and it is near, or where it came after
// its receiver had been heard for long.
func (w *Watch) unknown(s *ship, f *fixed, r *event.VesselReport, declared bool) bool {
	if s.reports < 2 {
		return false
	}
	return declared && w.close(r) || f.new
}

// close reports whether a place is within the port's own waters, by its centre
// or by what it declares there.
func (w *Watch) close(r *event.VesselReport) bool {
	k := &w.known
	if k.placed && distance(k.centre.Lat(), k.centre.Lon(), r.Lat, r.Lon) < w.lim.StationNear {
		return true
	}
	for _, a := range k.aids {
		if distance(a.Position.Lat(), a.Position.Lon(), r.Lat, r.Lon) < w.lim.StationNear {
			return true
		}
	}
	return false
}

// declares reports whether the port file has a register of stations: one
// section holds the aids and the base stations.
func (w *Watch) declares() bool { return len(w.known.aids) > 0 }

// strange is how sure it is that an unknown station does not belong: near to a
// port that declares its stations, likely; elsewhere it may be anybody's.
func (w *Watch) strange(s *ship, r *event.VesselReport, declared bool) finding.Grade {
	if declared && w.close(r) && s.reports >= 2 {
		return finding.Likely
	}
	return finding.Suspected
}

func (w *Watch) tellStation(s *ship, r *event.VesselReport, n ruleNo, g finding.Grade, at int64, title, summary, ruledOut string) {
	o, tell := w.hold(s, n, g, at)
	if !tell {
		return
	}
	o.Title, o.Summary = title, summary
	o.Facts = []finding.Fact{fact(r.Head, fmt.Sprintf("Message type %d of MMSI %s at %s.", r.Type, digits(s.mmsi), place(r.Lat, r.Lon)))}
	o.RuledOut = []string{ruledOut, "a damaged sentence: the checksum is right"}
	o.Unknown = []string{"who sends it: AIS is not signed", "whether it is a new one that the port file lacks, or was moved on purpose"}
	o.Next = []string{"Ask the authority that runs it.", "Find the transmitter by its bearing and strength.", "Warn traffic not to rely on it until then."}
	o.Place = &finding.Place{Lat: r.Lat, Lon: r.Lon}
	w.emit(o)
}
