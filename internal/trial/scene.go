package trial

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/quaywatch/quaywatch/ais"
)

// Truth is what an attack did. It is kept beside the lines and never shown to
// the watch.
type Truth struct {
	Attacked []uint32  // MMSI that were lied about, silenced or made up, ascending
	Area     bool      // an attack on many at once, to be told as one
	False    []Heard   // false reports, or those withheld, in the order of the lines
	Start    time.Time // of the first of them
	Grown    time.Time // when the third attacked vessel was heard falsely (area attacks); else Start
	End      time.Time // of the window
	Lines    []Stretch // where the false lines are in the input
}

// Heard is one false report as it was received.
type Heard struct {
	Time time.Time
	MMSI uint32
	Copy bool // of a report that another receiver, or a late network, brought before
}

// Stretch is a stretch of the input that the attack wrote.
type Stretch struct{ Offset, Length int }

// scene is an attack under construction: a window of a capture, and what is
// changed in it.
type scene struct {
	c          *Capture
	r          *rand.Rand
	lo, hi     int   // lines of the window
	start, end int64 // of the attack, nanoseconds since 1970
	edits      map[int][][]byte
	inserts    map[int][]insert
	withheld   []Heard
	kept       map[int]Heard     // by the last line of an edited record
	heard      map[string]copied // by the bits of the true report
	attacked   map[uint32]bool
	area       bool
	seq        uint8
	err        error
}

// copied is what became of a report, so that its copies become the same.
type copied struct {
	at int64
	m  ais.Message
	do bool
}

// copyAge is how long after a report its copies come. It lies below three
// minutes: that is how often an aid or a moored ship says the same anew.
const copyAge = int64(2 * time.Minute)

type insert struct {
	at    int64
	mmsi  uint32
	lines [][]byte
}

func newScene(c *Capture, r *rand.Rand, s setup) *scene {
	from, to := s.at-int64(s.warm), s.at+int64(s.span)
	return &scene{c: c, r: r, lo: c.gapBefore(c.lineAt(from)), hi: c.gapBefore(c.lineAt(to)), start: s.at, end: to,
		edits: map[int][][]byte{}, inserts: map[int][]insert{}, kept: map[int]Heard{}, heard: map[string]copied{}, attacked: map[uint32]bool{}}
}

// within gives those records of a list that the attack covers.
func (s *scene) within(list []int) []*record {
	var out []*record
	for _, i := range list {
		r := &s.c.recs[i]
		if r.lines[0] >= s.lo && r.last() < s.hi && s.c.clock[r.last()] >= s.start && r.at >= s.start {
			out = append(out, r)
		}
	}
	return out
}

// change lets do change the message of a record. The report counts as false
// where do returns true; else the lines stay as they were.
func (s *scene) change(r *record, do func(*ais.Message) bool) {
	m, err := s.c.message(r)
	if err != nil {
		s.fail(err)
		return
	}
	isCopy := s.once(&m, r.at, do)
	if isCopy == nil {
		return
	}
	lines, err := s.c.rewrite(r, &m)
	if err != nil {
		s.fail(err)
		return
	}
	for k, i := range r.lines {
		s.edits[i] = lines[k : k+1]
	}
	s.kept[r.last()] = Heard{time.Unix(0, s.c.clock[r.last()]).UTC(), r.mmsi, *isCopy}
	s.attacked[r.mmsi] = true
}

// once changes a message, and a copy of it in the same way: what is sent once
// is heard alike by all receivers. It tells whether m is a copy; nil where the
// message stays.
func (s *scene) once(m *ais.Message, at int64, do func(*ais.Message) bool) *bool {
	key, frame := string(m.Bits.Bytes(nil)), m.Frame
	before, known := s.heard[key]
	if known = known && at-before.at < copyAge; !known {
		changed := do(m)
		before = copied{at: at, do: changed, m: *m}
		s.heard[key] = before
	}
	*m = before.m
	m.Frame = frame
	if !before.do {
		return nil
	}
	return &known
}

// withhold takes a record away.
func (s *scene) withhold(r *record) {
	for _, i := range r.lines {
		s.edits[i] = nil
	}
	s.attacked[r.mmsi] = true
	s.withheld = append(s.withheld, Heard{Time: time.Unix(0, s.c.clock[r.last()]).UTC(), MMSI: r.mmsi})
}

// add puts a new message in at a time, dressed as a record of the same capture.
func (s *scene) add(like *record, m *ais.Message, at time.Time) {
	s.seq = (s.seq + 1) % 10
	lines, err := s.c.compose(like, m, at, s.seq)
	if err != nil {
		s.fail(err)
		return
	}
	before := s.c.gapBefore(s.c.lineAt(at.UnixNano()))
	if before < s.lo || before > s.hi {
		return
	}
	s.inserts[before] = append(s.inserts[before], insert{at.UnixNano(), m.MMSI, lines})
	s.attacked[m.MMSI] = true
}

func (s *scene) fail(err error) {
	if s.err == nil {
		s.err = err
	}
}

// input is the window as the product reads it, and the truth about it.
func (s *scene) input() ([]byte, *Truth, error) {
	if s.err != nil {
		return nil, nil, s.err
	}
	t := &Truth{Area: s.area, False: s.withheld, End: time.Unix(0, s.end).UTC()}
	var out []byte
	for i := s.lo; i <= s.hi; i++ {
		add := s.inserts[i]
		slices.SortStableFunc(add, func(a, b insert) int { return int(a.at - b.at) })
		for _, in := range add {
			out = t.write(out, in.lines)
			t.False = append(t.False, Heard{Time: time.Unix(0, in.at).UTC(), MMSI: in.mmsi})
		}
		if i == s.hi || i == len(s.c.lines) {
			break
		}
		lines, edited := s.edits[i]
		if !edited {
			out = append(out, s.c.lines[i]...)
			continue
		}
		out = t.write(out, lines)
		if r, ok := s.kept[i]; ok {
			t.False = append(t.False, r)
		}
	}
	if len(t.False) == 0 {
		return nil, nil, fmt.Errorf("nothing was changed at %s in %s", time.Unix(0, s.start).UTC(), s.c.Name)
	}
	t.settle(s.attacked)
	return out, t, nil
}

// write appends false lines and notes where they are.
func (t *Truth) write(out []byte, lines [][]byte) []byte {
	from := len(out)
	for _, l := range lines {
		out = append(out, l...)
	}
	if n := len(out) - from; n > 0 {
		t.Lines = append(t.Lines, Stretch{from, n})
	}
	return out
}

// settle orders the truth and finds its moments.
func (t *Truth) settle(attacked map[uint32]bool) {
	slices.SortStableFunc(t.False, func(a, b Heard) int { return a.Time.Compare(b.Time) })
	t.Start = t.False[0].Time
	t.Grown = t.Start
	for mmsi := range attacked {
		t.Attacked = append(t.Attacked, mmsi)
	}
	slices.Sort(t.Attacked)
	if t.Area {
		t.Grown = nthVessel(t.False, areaLeast)
	}
}

// areaLeast is how many vessels make an area event.
const areaLeast = 3

// nthVessel is when the n-th different vessel was first heard falsely.
func nthVessel(reports []Heard, n int) time.Time {
	seen := map[uint32]bool{}
	for _, r := range reports {
		if seen[r.MMSI] = true; len(seen) == n {
			return r.Time
		}
	}
	return reports[0].Time
}

// before is the newest record of a list that came before the attack, and in its
// window; nil where there is none.
func (s *scene) before(list []int) *record {
	var out *record
	for _, i := range list {
		r := &s.c.recs[i]
		if s.c.clock[r.last()] >= s.start {
			break
		}
		if r.lines[0] >= s.lo {
			out = r
		}
	}
	return out
}

// template is the newest position report of the vessel before the attack and
// its message.
func (s *scene) template(mmsi uint32) (*record, ais.Message) {
	like := s.before(s.c.sender(mmsi).positions)
	if like == nil {
		return nil, ais.Message{}
	}
	m, err := s.c.message(like)
	if err != nil {
		s.fail(err)
		return nil, ais.Message{}
	}
	return like, m
}

// every calls do at each interval of the attack, with the seconds since its
// start. The first moment is left to chance.
func (s *scene) every(d time.Duration, do func(at time.Time, since float64)) {
	t := s.start + s.r.Int64N(int64(d))
	for ; t < s.end; t += int64(d) {
		do(time.Unix(0, t).UTC().Truncate(time.Second), float64(t-s.start)/1e9)
	}
}
