package vessel

import (
	"bufio"
	"cmp"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
)

// segmented is one line of the file that the reference segmenter wrote
// (GlobalFishingWatch/gpsdio-segment).
type segmented struct {
	SSVID     uint32
	Lat, Lon  float64
	Timestamp time.Time
	Segment   string
}

func readSegmented(t *testing.T) []segmented {
	root := cmp.Or(os.Getenv("QUAYWATCH_TESTDATA"), filepath.Join("..", "..", "..", "..", "shared", "data"))
	f, err := os.Open(filepath.Join(root, "ais", "anomaly", "gfw_segment_segmented-416000000.json"))
	if err != nil {
		t.Skipf("test data is not there: %v (set QUAYWATCH_TESTDATA)", err)
	}
	defer func() { _ = f.Close() }()
	var out []segmented
	for s := bufio.NewScanner(f); s.Scan(); {
		var p segmented
		if err := json.Unmarshal(s.Bytes(), &p); err != nil {
			t.Fatal(err)
		}
		out = append(out, p)
	}
	slices.SortStableFunc(out, func(a, b segmented) int { return a.Timestamp.Compare(b.Timestamp) })
	return out
}

// watersOf tells the ships of the file apart that can't be one: in its 1,668
// reports one is always in the Indian Ocean, one once off Cameroon, all others
// around Taiwan.
func watersOf(lat, lon float64) string {
	switch {
	case lat < 0:
		return "in the Indian Ocean"
	case lon < 20:
		return "off Cameroon"
	}
	return "around Taiwan"
}

// No report of a ship in one ocean may lie in a track of one in another: the
// ships of the file are separated as the reference separates them, to the last
// report. Around Taiwan, where several call at three ports within 300 km, the
// reports of a segment of the reference must lie in one of our tracks, nine in
// ten of them over all. The watch keeps six hulls of a number where the reference
// keeps any, and joins what lies within reach, so its tracks are longer: how many
// reports lie in a track that another segment of the same time shares is told.
func TestSegmentsAgreeWithTheReference(t *testing.T) {
	points := readSegmented(t)
	w := New(nil, Options{}, func(finding.Occurrence) {})
	waters := map[int64]string{} // beginning of our track: where its reports are
	nan := float32(math.NaN())
	type span struct{ from, to time.Time }
	spans, size := map[string]span{}, map[string]int{}
	tracks := map[string]map[int64]int{} // segment, beginning of our track: reports
	for i, p := range points {
		r := event.VesselReport{Head: event.Head{Time: p.Timestamp, Seen: p.Timestamp, Told: true, Source: "test", Raw: event.Raw{Offset: int64(i)}}, MMSI: p.SSVID, Type: 1,
			Lat: p.Lat, Lon: p.Lon, SOG: nan, COG: nan, Heading: nan, Turn: nan, Status: -1, Second: -1}
		w.Observe(&event.Batch{Vessels: []event.VesselReport{r}})
		s := w.ships[p.SSVID]
		if tracks[p.Segment] == nil {
			tracks[p.Segment] = map[int64]int{}
			spans[p.Segment] = span{p.Timestamp, p.Timestamp}
		}
		track := s.hulls[s.cur].since
		tracks[p.Segment][track]++
		if known, at := waters[track], watersOf(p.Lat, p.Lon); known == "" {
			waters[track] = at
		} else if known != at {
			t.Errorf("%s: the report at %.2f, %.2f (%s) is put into a track %s", p.Timestamp, p.Lat, p.Lon, at, known)
		}
		spans[p.Segment] = span{spans[p.Segment].from, p.Timestamp}
		size[p.Segment]++
	}
	whole, pure, all := 0, 0, 0
	var names []string
	for name := range tracks {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		most := 0
		for _, n := range tracks[name] {
			most = max(most, n)
		}
		whole, all = whole+most, all+size[name]
		t.Logf("%s: %d reports in %d tracks, %d of them in one", name, size[name], len(tracks[name]), most)
		for track, n := range tracks[name] {
			alone := true
			for _, other := range names {
				if other != name && tracks[other][track] > n && spans[other].from.Before(spans[name].to) && spans[name].from.Before(spans[other].to) {
					alone = false
				}
			}
			if alone {
				pure += n
			}
		}
	}
	t.Logf("%d of %d reports lie in the main track of their segment, %d in a track that is theirs", whole, all, pure)
	if whole < all*9/10 {
		t.Errorf("%d of %d reports lie in the main track of their segment, want nine in ten", whole, all)
	}
}
