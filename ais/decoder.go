package ais

import (
	"bytes"
	"math/bits"
	"time"
)

// MaxLine is the longest line that is looked at, in bytes. NMEA allows 82
// characters; tag blocks, prefixes, suffixes and stations that write a whole
// message in one sentence need more.
const MaxLine = 4096

// Result says what a line was.
type Result uint8

// Results of Decode. With an error the result is Rejected.
const (
	Rejected Result = iota
	Complete        // the message is filled
	Waiting         // a fragment was kept; the rest of the message is to come
	Noted           // a time or station for the next sentence ($PGHP, a tag block alone)
	Skipped         // blank, a comment, or another sentence: understood and of no concern
)

// Options sets up a Decoder. The zero value works.
type Options struct {
	// Zone is the time zone of a date and time written before sentences; nil is UTC.
	Zone *time.Location
	// Dropped, where set, is told the mark of the first line of each message
	// whose other fragments did not come.
	Dropped func(first int64)
}

// Decoder reads lines of one input. It allocates nothing once it is warm. It
// is for one goroutine.
type Decoder struct {
	o       Options
	clock   prefixClock
	lines   uint64
	arrival int64
	note    pghp // of the line before
	carried carried
	group   carried // of the last grouped tag block
	groupID int32
	talkers [16]string // that the input has named, so that none costs memory twice
	pending [maxPending]pending
	waiting uint64 // bit i: pending[i] is in use
	dropped uint64
}

// carried is what one line tells about the next.
type carried struct {
	time    int64
	station Text
	mark    int64
	set     bool
}

// NewDecoder makes a decoder.
func NewDecoder(o Options) *Decoder {
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	d := &Decoder{o: o, clock: prefixClock{zone: o.Zone}, groupID: -1}
	for i := range d.pending {
		d.pending[i].place = uint8(i)
	}
	return d
}

// SetArrival gives the arrival time of the lines to come, UTC. A live feed
// calls it, so that fragments age where lines tell no time.
func (d *Decoder) SetArrival(t time.Time) { d.arrival = t.UnixNano() }

// Unfinished counts the messages given up because fragments were missing.
func (d *Decoder) Unfinished() uint64 { return d.dropped }

// Flush gives up on all messages that wait for fragments: the input has ended.
func (d *Decoder) Flush() {
	for left := d.waiting; left != 0; left &= left - 1 {
		d.drop(&d.pending[bits.TrailingZeros64(left)])
	}
}

// Decode reads one line, without its line end or with it. The mark is the
// caller's own (a line number or an offset); Frame.First gives back the mark of
// the first line that belongs to the message. Only with Complete is m filled;
// the error is one of the Err values of this package.
func (d *Decoder) Decode(line []byte, mark int64, m *Message) (Result, error) {
	d.lines++
	if len(line) > MaxLine {
		d.forget()
		return Rejected, ErrTooLong
	}
	if len(line) > 0 && line[0] == '!' && !d.note.set && !d.carried.set {
		return d.bare(line, mark, m)
	}
	return d.dressed(line, mark, m)
}

// bare reads a line that begins with its sentence.
func (d *Decoder) bare(line []byte, mark int64, m *Message) (Result, error) {
	if !isVDM(line[1:]) {
		return d.other(line)
	}
	var s Sentence
	rest, err := s.parse(line, 0)
	if err != nil {
		return Rejected, err
	}
	f := &m.Frame
	f.Time, f.Form, f.First, f.Station.n = 0, NoTime, mark, 0
	if len(rest) > 0 && rest[0] == ',' {
		d.afterSum(rest, f)
	}
	if s.Count == 1 {
		return d.single(&s, m)
	}
	return d.fragment(&s, m, -1, &d.note)
}

// single decodes a message of one sentence; its frame is in m already.
func (d *Decoder) single(s *Sentence, m *Message) (Result, error) {
	f := &m.Frame
	f.Talker, f.Channel, f.Parts, f.Seq, f.Own = d.talker(s.Talker), s.Channel, 1, s.Seq, s.Own
	if !m.Bits.fill(s.Payload, int(s.Fill)) {
		return Rejected, ErrArmour
	}
	if err := m.decodeBits(); err != nil {
		return Rejected, err
	}
	return Complete, nil
}

// dressed reads a line with something before the sentence, or after a note.
func (d *Decoder) dressed(line []byte, mark int64, m *Message) (Result, error) {
	line = bytes.TrimRight(line, " \t\r\n")
	if len(bytes.TrimLeft(line, " \t")) == 0 || line[0] == '#' {
		return Skipped, nil
	}
	t := tags{group: -1}
	rest, prefix, err := d.head(line, &t)
	if err != nil {
		d.forget()
		return Rejected, err
	}
	f := &m.Frame
	*f = Frame{First: mark}
	d.told(f, &t, prefix)
	switch {
	case len(rest) == 0:
		return d.alone(&t, f)
	case rest[0] == '$':
		return d.dollar(rest, mark)
	case !isVDM(rest[1:]):
		d.forget()
		return d.other(rest)
	}
	return d.sentence(rest, m, &t)
}

// sentence reads the VDM sentence of a line whose tags and prefix are in m.Frame.
func (d *Decoder) sentence(rest []byte, m *Message, t *tags) (Result, error) {
	f, note := &m.Frame, d.note
	d.carry(f)
	d.forget()
	var s Sentence
	tail, err := s.parse(rest, 0)
	if err != nil {
		return Rejected, err
	}
	d.afterSum(tail, f)
	if s.Count > 1 {
		return d.fragment(&s, m, t.group, &note)
	}
	f.apply(&note, s.Sum)
	return d.single(&s, m)
}

// head passes over tag blocks and a clock, up to the sentence.
func (d *Decoder) head(line []byte, t *tags) (rest []byte, prefix int64, err error) {
	rest = line
	for len(rest) > 0 {
		switch rest[0] {
		case '!', '$':
			return rest, prefix, nil
		case '\\':
			if rest, err = t.parse(rest); err != nil {
				return nil, 0, err
			}
		default:
			i := bytes.IndexAny(rest, "!$\\")
			if i < 0 {
				return nil, 0, ErrNoSentence
			}
			ns, ok := d.clock.read(rest[:i])
			if !ok {
				return nil, 0, ErrPrefix
			}
			prefix, rest = ns, rest[i:]
		}
	}
	if !t.any() && prefix != 0 {
		return nil, 0, ErrNoSentence
	}
	return nil, prefix, nil
}

// told puts what tags and prefix tell into the frame; a tag block counts more.
func (d *Decoder) told(f *Frame, t *tags, prefix int64) {
	if prefix != 0 {
		f.Time, f.Form = prefix, PrefixTime
	}
	if t.group >= 0 && t.group == d.groupID && t.index > 1 { // later lines of a group leave out what the first told
		if t.time == 0 {
			t.time = d.group.time
		}
		if f.Station = d.group.station; len(t.station) == 0 {
			t.station = f.Station.Bytes()
		}
	}
	if t.time != 0 {
		f.Time, f.Form = t.time, TagTime
	}
	f.Station.set(t.station)
	if t.group >= 0 && t.index == 1 {
		d.groupID = t.group
		d.group = carried{time: t.time, station: f.Station}
	}
}

// alone is a tag block on a line of its own: it tells about the next sentence.
func (d *Decoder) alone(t *tags, f *Frame) (Result, error) {
	if t.any() {
		d.carried = carried{time: t.time, station: f.Station, mark: f.First, set: true}
	}
	return Noted, nil
}

// carry takes what a tag block on the line before told.
func (d *Decoder) carry(f *Frame) {
	if !d.carried.set {
		return
	}
	f.First = d.carried.mark
	if f.Form != TagTime && d.carried.time != 0 {
		f.Time, f.Form = d.carried.time, TagTime
	}
	if f.Station.n == 0 {
		f.Station = d.carried.station
	}
}

func (d *Decoder) forget() { d.note.set, d.carried.set = false, false }

// afterSum takes station and epoch behind the checksum where nothing better told them.
func (d *Decoder) afterSum(tail []byte, f *Frame) {
	station, ns := suffix(tail)
	if ns != 0 && (f.Form == NoTime || f.Form > SuffixTime) {
		f.Time, f.Form = ns, SuffixTime
	}
	if f.Station.n == 0 {
		f.Station.set(station)
	}
}

// apply takes time and station of a $PGHP that was about this very message.
func (f *Frame) apply(p *pghp, sum byte) {
	if !p.set || p.sum != sum {
		return
	}
	f.First = min(f.First, p.mark)
	if f.Form != TagTime {
		f.Time, f.Form = p.time, PGHPTime
	}
	if f.Station.n == 0 {
		f.Station = p.station
	}
}

// fragment keeps one sentence of several and decodes the message with the last.
func (d *Decoder) fragment(s *Sentence, m *Message, group int32, note *pghp) (Result, error) {
	f := &m.Frame
	key := fragKey{group: group, talker: s.Talker, seq: s.Seq, channel: s.Channel, count: s.Count, own: s.Own}
	if group < 0 {
		key.station = hash(f.Station.Bytes())
	}
	at := f.Time
	if at == 0 {
		at = d.arrival
	}
	e := d.add(s, key, f, note, at)
	if e == nil {
		return Waiting, nil
	}
	*f = e.frame
	f.apply(&e.pghp, e.sum)
	f.Talker, f.Channel, f.Parts, f.Seq, f.Own = d.talker(s.Talker), s.Channel, s.Count, s.Seq, s.Own
	var buf [MaxPayload]byte
	payload := buf[:0]
	for i := range s.Count {
		if len(payload)+len(e.parts[i]) > MaxPayload {
			return Rejected, ErrPayloadLong
		}
		payload = append(payload, e.parts[i]...)
	}
	if !m.Bits.fill(payload, int(e.fill)) {
		return Rejected, ErrArmour
	}
	if err := m.decodeBits(); err != nil {
		return Rejected, err
	}
	return Complete, nil
}

// dollar reads a parametric sentence; only $PGHP concerns AIS.
func (d *Decoder) dollar(b []byte, mark int64) (Result, error) {
	star := bytes.IndexByte(b, '*')
	if star < 0 {
		d.forget()
		return Rejected, ErrNoChecksum
	}
	if _, err := sum(b, 1, star); err != nil {
		d.forget()
		return Rejected, err
	}
	if !bytes.HasPrefix(b, []byte("$PGHP,")) {
		return Skipped, nil
	}
	if d.carried.set {
		mark = d.carried.mark
	}
	d.note.read(b[1:star])
	d.note.mark = mark
	return Noted, nil
}

// other is an encapsulated sentence that is not VDM or VDO (ABM, BBM, …), or
// not even a sentence: that is told by its checksum.
func (d *Decoder) other(b []byte) (Result, error) {
	star := bytes.IndexByte(b, '*')
	if star < 0 {
		return Rejected, ErrNoChecksum
	}
	if _, err := sum(b, 1, star); err != nil {
		return Rejected, err
	}
	return Skipped, nil
}

// talker gives the two characters as a string without allocating for those
// that an input repeats.
func (d *Decoder) talker(t [2]byte) string {
	for i, s := range d.talkers {
		if s == "" {
			d.talkers[i] = string(t[:])
			return d.talkers[i]
		}
		if s[0] == t[0] && s[1] == t[1] {
			return s
		}
	}
	return string(t[:])
}

// hash is FNV-1a; 0 stands for no station.
func hash(b []byte) uint64 {
	if len(b) == 0 {
		return 0
	}
	h := uint64(14695981039346656037)
	for _, c := range b {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return h | 1
}

// Idle reports whether nothing is held over to the next line: no fragment
// waits, and no line told about the next. A restart may begin at such a place.
func (d *Decoder) Idle() bool { return d.waiting == 0 && !d.note.set && !d.carried.set }
