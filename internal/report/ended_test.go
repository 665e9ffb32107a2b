package report

import (
	"strings"
	"testing"

	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/watch/health"
)

// A file that was read to its end watches nothing in a system that runs: the
// report must not call that world watched, nor its source live.
func TestAnEndedSourceIsNotLive(t *testing.T) {
	ended := health.Picture{Sources: []health.Source{{ID: "ais-file", Kind: "ais", Domain: "sea", Status: health.Ended}}}
	for _, oneShot := range []bool{false, true} {
		s := NewSituation(Input{Sources: ended, OneShot: oneShot})
		for _, d := range s.Domains {
			if d.Domain == finding.Sea && d.Watched != oneShot {
				t.Errorf("one shot %v: watched %v (%s)", oneShot, d.Watched, d.Blind)
			}
		}
		if strings.Contains(s.Answer, "All sources are live") {
			t.Errorf("one shot %v: %s", oneShot, s.Answer)
		}
	}
}
