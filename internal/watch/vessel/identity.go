package vessel

import (
	"fmt"

	"github.com/quaywatch/quaywatch/ais"
	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
)

// identityTold remembers what was told of a vessel's numbers.
type identityTold struct {
	number bool
	imo    uint32 // the wrong IMO number that was told last, 0 none
	wrong  uint32 // a wrong IMO number heard once
}

// judgeIdentity looks at the numbers. Everything must be heard twice: a receiver
// that decodes noise makes up numbers once.
func (w *Watch) judgeIdentity(s *ship, r *event.VesselReport) {
	if s.station == ais.Invalid && s.reports == 2 && !s.told.number {
		s.told.number = true
		o := s.occurrence(ruleIdentity, finding.Suspected, r.Time.UnixNano())
		o.Title = fmt.Sprintf("%s is not the number of any kind of station", digits(s.mmsi))
		o.Summary = "The MMSI has no form of ITU-R M.585-9: a transmitter that was never set up, or set up wrongly. Its tracks are not judged, because many may use such a number."
		o.Facts = []finding.Fact{fact(r.Head, fmt.Sprintf("Message type %d with MMSI %s.", r.Type, digits(s.mmsi)))}
		o.RuledOut = []string{"a damaged sentence: the checksum is right, and it was heard twice"}
		o.Unknown = []string{"which vessel it is"}
		o.Next = []string{"Ask the vessel for its MMSI by VHF, and to correct it."}
		w.emit(o)
	}
	if r.Type == 5 {
		w.judgeIMO(s, r)
	}
}

func (w *Watch) judgeIMO(s *ship, r *event.VesselReport) {
	o := s.occurrence(ruleIdentity, finding.Suspected, r.Time.UnixNano())
	switch {
	case ais.ValidIMO(r.IMO):
		if s.told.wrong = 0; s.told.imo != 0 && r.IMO != 0 {
			s.told.imo = 0
			o.Title, o.Summary, o.Cleared = s.title()+": the IMO number is right now", "The check digit agrees.", true
			w.emit(o)
		}
	case s.told.imo == r.IMO:
	case s.told.wrong != r.IMO:
		s.told.wrong = r.IMO
	default:
		s.told.imo = r.IMO
		o.Title = fmt.Sprintf("%s tells an IMO number that cannot be: %d", s.title(), r.IMO)
		o.Summary = "An IMO number has seven digits, of which the last is a check digit (the first six times 7 to 2, summed). This one does not agree: usually a mistake in typing."
		o.Facts = []finding.Fact{fact(r.Head, fmt.Sprintf("Static report of MMSI %s with IMO number %d.", digits(s.mmsi), r.IMO))}
		o.RuledOut = []string{"a damaged sentence: the checksum is right, and it was heard twice", "an official number of the flag state: those are above 9999999"}
		o.Unknown = []string{"which ship it is, as far as the number would tell"}
		o.Next = []string{"Compare the name and call sign with the register of ships."}
		w.emit(o)
	}
}
