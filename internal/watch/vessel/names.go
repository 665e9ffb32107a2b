package vessel

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
)

// maxIdentities bounds what is kept of a vessel's identities; the one unused
// the longest gives way.
const maxIdentities = 4

// identities is who a vessel said it is. It is made at the first change: most
// vessels never have one.
type identities struct {
	list    [maxIdentities]identityOf
	n       int
	cur     int
	changes [8]int64 // times of changes, a ring
	nchange int
	returns int64 // last time that it came back to an earlier one
}

// identityOf is one of them; a field that was not told is empty.
type identityOf struct {
	name, call string
	imo        uint32
	head       event.Head
	last       int64
	heard      int
}

// judgeNames looks for an identity that alternates. One change is a new flag or
// owner; going back is not.
func (w *Watch) judgeNames(s *ship, r *event.VesselReport, at int64) {
	if !s.movable() || r.Name == "" && r.CallSign == "" && r.IMO == 0 {
		return
	}
	if s.who == nil {
		before := identityOf{name: s.name, call: s.callSign, imo: s.imo, last: s.last}
		if before.agrees(r, w.lim.FlipEdits) {
			return
		}
		s.who = &identities{n: 1}
		s.who.list[0] = before
	}
	k := s.who
	i := k.find(r, w.lim.FlipEdits)
	back := i >= 0
	if !back {
		i = k.add()
	}
	d := &k.list[i]
	d.take(r, at)
	if i == k.cur {
		return
	}
	from := k.list[k.cur].words()
	k.cur = i
	k.changes[k.nchange%len(k.changes)] = at
	k.nchange++
	if back {
		k.returns = at
	}
	recent := 0
	for _, t := range k.changes[:min(k.nchange, len(k.changes))] {
		if seconds(at-t) <= w.lim.FlipTime.Seconds() {
			recent++
		}
	}
	if recent >= 2 && k.returns != 0 && seconds(at-k.returns) <= w.lim.FlipTime.Seconds() {
		w.tellFlip(s, r, at, recent, from)
	}
}

func (w *Watch) tellFlip(s *ship, r *event.VesselReport, at int64, changes int, from string) {
	k := s.who
	g := finding.Likely
	if changes >= 4 {
		g = finding.Confirmed
	}
	o, tell := w.hold(s, identityFlip, g, at)
	if !tell {
		return
	}
	o.Title = fmt.Sprintf("MMSI %s tells %d identities in turn", digits(s.mmsi), k.n)
	o.Summary = fmt.Sprintf("The identity changed %d times in a day and went back to one told before. Two transmitters share the number, or one pretends.", changes)
	o.Facts = []finding.Fact{fact(r.Head, "Told to be "+k.list[k.cur].words()+", before that "+from+".")}
	for i := range k.list[:k.n] {
		if d := &k.list[i]; i != k.cur && d.heard > 0 {
			o.Facts = append(o.Facts, fact(d.head, "Told to be "+d.words()+"."))
		}
	}
	o.RuledOut = []string{"a change of name or flag: it went back", "a mistake in typing or a damaged letter: more than two letters differ", "a damaged sentence: the checksums are right"}
	o.Unknown = []string{"which identity is right"}
	o.Next = []string{"Compare all identities with the register of ships.", "Look whether two tracks share the number.", "Ask the vessel by VHF."}
	if len(s.hulls) > 0 {
		h := &s.hulls[s.cur]
		o.Place = &finding.Place{Lat: h.lat, Lon: h.lon}
	}
	w.emit(o)
}

// find is the identity that agrees with a report, the present one first; -1 none.
func (k *identities) find(r *event.VesselReport, edits int) int {
	if k.list[k.cur].agrees(r, edits) {
		return k.cur
	}
	for i := range k.list[:k.n] {
		if k.list[i].agrees(r, edits) {
			return i
		}
	}
	return -1
}

func (k *identities) add() int {
	if k.n < maxIdentities {
		k.n++
		return k.n - 1
	}
	old := (k.cur + 1) % maxIdentities
	for i := range k.list {
		if i != k.cur && k.list[i].last < k.list[old].last {
			old = i
		}
	}
	k.list[old] = identityOf{}
	return old
}

// agrees reports whether the report can be of the same ship: what both tell does
// not differ.
func (d *identityOf) agrees(r *event.VesselReport, edits int) bool {
	if d.imo != 0 && r.IMO != 0 {
		if d.imo != r.IMO {
			return false
		}
		return true // the number of the hull does not change with its name
	}
	if d.call != "" && r.CallSign != "" && !sameText(d.call, r.CallSign, edits) {
		return false
	}
	return d.name == "" || r.Name == "" || sameText(d.name, r.Name, edits)
}

func (d *identityOf) take(r *event.VesselReport, at int64) {
	if r.Name != "" {
		d.name = r.Name
	}
	if r.CallSign != "" {
		d.call = r.CallSign
	}
	if r.IMO != 0 {
		d.imo = r.IMO
	}
	d.head, _ = own(&r.Head, nil)
	d.last = at
	d.heard++
}

func (d *identityOf) words() string {
	out := "an unnamed vessel"
	if d.name != "" {
		out = d.name
	}
	if d.call != "" {
		out += ", call sign " + d.call
	}
	if d.imo != 0 {
		out += fmt.Sprintf(", IMO %d", d.imo)
	}
	return out
}

// sameText reports whether two names differ in no more letters than edits. One
// that begins with the other is the same, cut short.
func sameText(a, b string, edits int) bool {
	a, b = strings.TrimSpace(a), strings.TrimSpace(b)
	if a == b || strings.HasPrefix(a, b) || strings.HasPrefix(b, a) {
		return true
	}
	return editDistance(a, b) <= min(edits, (min(utf8.RuneCountInString(a), utf8.RuneCountInString(b))-1)/2)
}

// editDistance is Levenshtein's, over bytes: AIS has six-bit characters.
func editDistance(a, b string) int {
	var row [64]int
	a, b = a[:min(len(a), 63)], b[:min(len(b), 63)]
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}

// said lists the identities that were told, the one told longest ago first; nil
// where there was one only.
func (k *identities) said() []Said {
	if k == nil {
		return nil
	}
	var out []Said
	for _, d := range k.list[:k.n] {
		if d.name+d.call != "" || d.imo != 0 {
			out = append(out, Said{Name: d.name, CallSign: d.call, IMO: d.imo, Last: time.Unix(0, d.last).UTC()})
		}
	}
	slices.SortStableFunc(out, func(a, b Said) int { return a.Last.Compare(b.Last) })
	return out
}
