package ais

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// Envelope is how a message is put on lines.
type Envelope struct {
	Talker  string    // two characters; "" is "AI"
	Own     bool      // VDO instead of VDM
	Channel byte      // 'A', 'B', '1', '2'; 0 leaves the field empty
	Seq     uint8     // sequential identifier 0..9 of a message of several sentences: count it up for each
	Time    time.Time // UTC for a tag block c:; zero: none
	Station string    // for a tag block s:, at most 15 characters; "": none
	Text    string    // for a tag block t:, at most 16 printable characters without , * and \; "": none
}

// maxChars is the most payload characters in one sentence: NMEA 0183 allows 82
// characters with "!", checksum and line end, of which 20 at most are not payload.
const maxChars = 60

// Encode returns the sentences of m, without line ends.
func Encode(m Message, e Envelope) ([]string, error) {
	b, err := AppendSentences(nil, &m, e)
	if err != nil {
		return nil, err
	}
	var out []string
	for len(b) > 0 {
		i := 0
		for b[i] != '\r' {
			i++
		}
		out = append(out, string(b[:i]))
		b = b[i+2:]
	}
	return out, nil
}

// AppendSentences appends the sentences of m, each ended with "\r\n", and uses
// no memory but dst. Types 1 to 5, 9, 11, 18, 19, 21, 24 and 27 are encoded from
// their values, the others from Bits, as decoded or as SetContent made them.
// Absent values become the "not available" marks of M.1371-5.
// The error wraps ErrNotEncodable or ErrRange and names the field.
func AppendSentences(dst []byte, m *Message, e Envelope) ([]byte, error) {
	var b Bits
	if err := m.encodeBits(&b); err != nil {
		return dst, err
	}
	return b.appendSentences(dst, e)
}

// encodeContent takes the bits of a type whose values are not parts of Message:
// those decoded, or set by SetContent. Type, repeat indicator and MMSI come from m.
func (m *Message) encodeContent(b *Bits) error {
	if !m.contentBits() {
		return fmt.Errorf("type %d without a content of that type (see SetContent): %w", m.Type, ErrNotEncodable)
	}
	if m.Repeat > 3 || m.MMSI >= 1<<30 {
		return fmt.Errorf("type %d: repeat %d or MMSI %d: %w", m.Type, m.Repeat, m.MMSI, ErrRange)
	}
	*b = m.Bits
	keep := b.Uint(38, 2)
	clear(b.b[:5])
	b.put(0, 6, uint64(m.Type))
	b.put(6, 2, uint64(m.Repeat))
	b.put(8, 30, uint64(m.MMSI))
	b.put(38, 2, keep)
	return nil
}

// AppendBits is AppendSentences for a content that is given as bits: any type.
func AppendBits(dst []byte, b *Bits, e Envelope) ([]byte, error) { return b.appendSentences(dst, e) }

func (b *Bits) appendSentences(dst []byte, e Envelope) ([]byte, error) {
	if e.Talker == "" {
		e.Talker = "AI"
	}
	if len(e.Talker) != 2 || e.Seq > 9 || len(e.Station) > 15 || len(e.Text) > 16 || !tagText(e.Station) || !tagText(e.Text) {
		return dst, fmt.Errorf("envelope with talker %q, sequence %d, station %q, text %q: %w", e.Talker, e.Seq, e.Station, e.Text, ErrRange)
	}
	var buf [MaxPayload]byte
	payload, fill := b.armour(buf[:0])
	count := (len(payload) + maxChars - 1) / maxChars
	if count > 9 {
		return dst, fmt.Errorf("a message of %d sentences: %w", count, ErrRange)
	}
	for i := 1; len(payload) > 0; i++ {
		part := payload[:min(maxChars, len(payload))]
		payload = payload[len(part):]
		last := 0
		if len(payload) == 0 {
			last = fill
		}
		dst = appendTag(dst, e, i, count)
		dst = appendSentence(dst, e, i, count, part, last)
	}
	return dst, nil
}

// appendTag writes the tag block of NMEA 0183 4.10 where there is something to tell.
func appendTag(dst []byte, e Envelope, i, count int) []byte {
	if e.Station == "" && e.Text == "" && e.Time.IsZero() {
		return dst
	}
	dst = append(dst, '\\')
	from := len(dst)
	if count > 1 {
		dst = fmt.Appendf(dst, "g:%d-%d-%d,", i, count, e.Seq)
	}
	if e.Station != "" {
		dst = append(append(dst, "s:"...), e.Station...)
		dst = append(dst, ',')
	}
	if !e.Time.IsZero() {
		dst = strconv.AppendInt(append(dst, "c:"...), e.Time.Unix(), 10)
		dst = append(dst, ',')
	}
	if e.Text != "" {
		dst = append(append(dst, "t:"...), e.Text...)
		dst = append(dst, ',')
	}
	dst = dst[:len(dst)-1]
	dst = appendSum(dst, dst[from:])
	return append(dst, '\\')
}

// tagText reports whether s can stand as a value in a tag block: what ends a
// value, a block or a line can't.
func tagText(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == ',' || c == '*' || c == '\\' {
			return false
		}
	}
	return true
}

func appendSentence(dst []byte, e Envelope, i, count int, part []byte, fill int) []byte {
	dst = append(dst, '!')
	from := len(dst)
	dst = append(dst, e.Talker...)
	if e.Own {
		dst = append(dst, "VDO,"...)
	} else {
		dst = append(dst, "VDM,"...)
	}
	dst = append(dst, byte('0'+count), ',', byte('0'+i), ',')
	if count > 1 {
		dst = append(dst, '0'+e.Seq)
	}
	dst = append(dst, ',')
	if e.Channel != 0 {
		dst = append(dst, e.Channel)
	}
	dst = append(dst, ',')
	dst = append(dst, part...)
	dst = append(dst, ',', byte('0'+fill))
	dst = appendSum(dst, dst[from:])
	return append(dst, '\r', '\n')
}

func appendSum(dst, of []byte) []byte {
	const hex = "0123456789ABCDEF"
	c := checksum(of)
	return append(dst, '*', hex[c>>4], hex[c&15])
}

// writer puts values into bits and keeps the first error.
type writer struct {
	b   *Bits
	at  int
	err error
}

func (w *writer) uint(name string, width int, v uint64) {
	if v >= 1<<width && w.err == nil {
		w.err = fmt.Errorf("%s %d does not fit %d bits: %w", name, v, width, ErrRange)
		v = 0
	}
	w.b.put(w.at, width, v&(1<<width-1))
	w.at += width
}

func (w *writer) bool(v bool) {
	if v {
		w.b.put(w.at, 1, 1)
	}
	w.at++
}

func (w *writer) skip(width int) { w.at += width }

// scaled writes round(v·factor), or absent where v is NaN.
func (w *writer) scaled(name string, width int, v, factor, low, high float64, absent int64) {
	n := absent
	if !math.IsNaN(v) {
		if v < low || v > high {
			if w.err == nil {
				w.err = fmt.Errorf("%s %g is not within %g and %g: %w", name, v, low, high, ErrRange)
			}
			v = 0
		}
		n = int64(math.Round(v * factor))
	}
	w.b.put(w.at, width, uint64(n)&(1<<width-1))
	w.at += width
}

func (w *writer) text(name string, chars int, s string) {
	if !w.b.putText(w.at, chars, s) && w.err == nil {
		w.err = fmt.Errorf("%s %q is not %d characters of six-bit ASCII: %w", name, s, chars, ErrRange)
	}
	w.at += chars * 6
}

// circle is an angle in degrees below 360; 359.96 rounds to north, not to "absent".
func (w *writer) circle(name string, width int, v float32, factor float64, absent int64) {
	x := float64(v)
	if math.Round(x*factor) == 360*factor {
		x = 0
	}
	w.scaled(name, width, x, factor, 0, 360, absent)
}

func (w *writer) small(name string, width int, v int8, absent uint64) {
	if v < 0 {
		w.uint(name, width, absent)
		return
	}
	w.uint(name, width, uint64(v))
}

func (m *Message) encodeBits(b *Bits) error {
	w := &writer{b: b}
	w.uint("type", 6, uint64(m.Type))
	w.uint("repeat", 2, uint64(m.Repeat))
	w.uint("MMSI", 30, uint64(m.MMSI))
	switch m.Type {
	case 1, 2, 3:
		m.Position.writeClassA(w)
	case 4, 11:
		m.writeBase(w)
	case 5:
		m.Static.writeVoyage(w)
	case 9:
		m.Position.writeAircraft(w)
	case 18:
		m.Position.writeClassB(w)
	case 19:
		m.writeClassBLong(w)
	case 21:
		m.writeAid(w)
	case 24:
		m.writePart(w)
	case 27:
		m.Position.writeLongRange(w)
	default:
		return m.encodeContent(b)
	}
	b.n = w.at
	if w.err != nil {
		return fmt.Errorf("type %d of MMSI %d: %w", m.Type, m.MMSI, w.err)
	}
	return nil
}

func (p *Position) writeFix(w *writer) {
	w.scaled("longitude", 28, p.Lon, 600000, -180, 180, 181*600000)
	w.scaled("latitude", 27, p.Lat, 600000, -90, 90, 91*600000)
}

func (p *Position) writeClassA(w *writer) {
	w.small("status", 4, p.Status, 15)
	w.uint("turn", 8, uint64(uint8(p.rot())))
	w.scaled("SOG", 10, float64(p.SOG), 10, 0, 102.2, 1023)
	w.bool(p.Accurate)
	p.writeFix(w)
	w.circle("COG", 12, p.COG, 10, 3600)
	w.circle("heading", 9, p.Heading, 1, 511)
	w.small("second", 6, p.Second, 60)
	w.uint("manoeuvre", 2, uint64(p.Maneuver))
	w.uint("spare", 3, uint64(p.Regional))
	w.bool(p.RAIM)
	w.uint("radio", 19, uint64(p.Radio))
}

// rot is ROTAIS: from Turn where it is there, else the raw ±127 or -128. At most
// ±126 comes from a rate (708° a minute or more).
func (p *Position) rot() int8 {
	if p.Turn != p.Turn {
		if p.TurnRaw == 127 || p.TurnRaw == -127 {
			return p.TurnRaw
		}
		return -128
	}
	v := math.Round(4.733 * math.Sqrt(math.Abs(float64(p.Turn))))
	return int8(math.Copysign(min(v, 126), float64(p.Turn)))
}

func (m *Message) writeBase(w *writer) {
	c, p := &m.Clock, &m.Position
	w.uint("year", 14, uint64(c.Year))
	w.uint("month", 4, uint64(c.Month))
	w.uint("day", 5, uint64(c.Day))
	w.uint("hour", 5, uint64(c.Hour))
	w.uint("minute", 6, uint64(c.Minute))
	w.uint("second", 6, uint64(c.Second))
	w.bool(p.Accurate)
	p.writeFix(w)
	w.uint("EPFD", 4, uint64(c.EPFD))
	w.bool(c.LongRangeAsked)
	w.skip(9)
	w.bool(p.RAIM)
	w.uint("radio", 19, uint64(p.Radio))
}

func (s *Static) writeDimensions(w *writer) {
	w.uint("bow", 9, uint64(s.Bow))
	w.uint("stern", 9, uint64(s.Stern))
	w.uint("port", 6, uint64(s.Port))
	w.uint("starboard", 6, uint64(s.Starboard))
}

func (s *Static) writeVoyage(w *writer) {
	w.uint("version", 2, uint64(s.Version))
	w.uint("IMO", 30, uint64(s.IMO))
	w.text("call sign", 7, s.CallSign.String())
	w.text("name", 20, s.Name.String())
	w.uint("ship type", 8, uint64(s.ShipType))
	s.writeDimensions(w)
	w.uint("EPFD", 4, uint64(s.EPFD))
	w.uint("ETA month", 4, uint64(s.ETAMonth))
	w.uint("ETA day", 5, uint64(s.ETADay))
	w.uint("ETA hour", 5, uint64(s.ETAHour))
	w.uint("ETA minute", 6, uint64(s.ETAMinute))
	w.scaled("draught", 8, float64(s.Draught), 10, 0, 25.5, 0)
	w.text("destination", 20, s.Destination.String())
	w.bool(s.DTE)
	w.skip(1)
}

func (p *Position) writeAircraft(w *writer) {
	w.scaled("altitude", 12, float64(p.Altitude), 1, 0, 4094, 4095)
	w.scaled("SOG", 10, float64(p.SOG), 1, 0, 1022, 1023)
	w.bool(p.Accurate)
	p.writeFix(w)
	w.circle("COG", 12, p.COG, 10, 3600)
	w.small("second", 6, p.Second, 60)
	w.uint("regional", 8, uint64(p.Regional))
	w.bool(p.DTE)
	w.skip(3)
	w.bool(p.Assigned)
	w.bool(p.RAIM)
	w.uint("radio", 20, uint64(p.Radio))
}

func (p *Position) writeClassBHead(w *writer) {
	w.uint("reserved", 8, uint64(p.Reserved))
	w.scaled("SOG", 10, float64(p.SOG), 10, 0, 102.2, 1023)
	w.bool(p.Accurate)
	p.writeFix(w)
	w.circle("COG", 12, p.COG, 10, 3600)
	w.circle("heading", 9, p.Heading, 1, 511)
	w.small("second", 6, p.Second, 60)
}

func (p *Position) writeClassB(w *writer) {
	p.writeClassBHead(w)
	w.uint("regional", 2, uint64(p.Regional))
	for _, f := range [...]bool{p.CSUnit, p.Display, p.DSC, p.Band, p.Msg22, p.Assigned, p.RAIM} {
		w.bool(f)
	}
	w.uint("radio", 20, uint64(p.Radio))
}

func (m *Message) writeClassBLong(w *writer) {
	p, s := &m.Position, &m.Static
	p.writeClassBHead(w)
	w.uint("regional", 4, uint64(p.Regional))
	w.text("name", 20, s.Name.String())
	w.uint("ship type", 8, uint64(s.ShipType))
	s.writeDimensions(w)
	w.uint("EPFD", 4, uint64(s.EPFD))
	w.bool(p.RAIM)
	w.bool(p.DTE)
	w.bool(p.Assigned)
	w.skip(4)
}

func (m *Message) writeAid(w *writer) {
	p, s := &m.Position, &m.Static
	name, more := s.Name.String(), ""
	if len(name) > 20 {
		name, more = name[:20], name[20:]
	}
	w.uint("kind", 5, uint64(m.Aid.Kind))
	w.text("name", 20, name)
	w.bool(p.Accurate)
	p.writeFix(w)
	s.writeDimensions(w)
	w.uint("EPFD", 4, uint64(s.EPFD))
	w.small("second", 6, p.Second, 60)
	w.bool(m.Aid.OffPosition)
	w.uint("regional", 8, uint64(m.Aid.Regional))
	w.bool(p.RAIM)
	w.bool(m.Aid.Virtual)
	w.bool(m.Aid.Assigned)
	w.skip(1)
	w.text("name extension", len(more), more)
	if rest := w.at % 8; len(more) > 0 && rest > 0 {
		w.skip(8 - rest) // table 74: fill to the byte
	}
}

// writePart writes type 24: part A where Static.Part is 0, part B where it is 1.
func (m *Message) writePart(w *writer) {
	s := &m.Static
	w.uint("part", 2, uint64(s.Part))
	if s.Part == 0 {
		w.text("name", 20, s.Name.String())
		return
	}
	if s.Part > 1 && w.err == nil {
		w.err = fmt.Errorf("part %d: %w", s.Part, ErrRange)
	}
	w.uint("ship type", 8, uint64(s.ShipType))
	w.text("vendor", 3, s.Vendor.String())
	w.uint("model", 4, uint64(s.Model))
	w.uint("serial", 20, uint64(s.Serial))
	w.text("call sign", 7, s.CallSign.String())
	if m.MMSI/10000000 == 98 {
		w.uint("mothership", 30, uint64(s.Mothership))
	} else {
		s.writeDimensions(w)
	}
	w.uint("EPFD", 4, uint64(s.EPFD))
	w.skip(2)
}

func (p *Position) writeLongRange(w *writer) {
	w.bool(p.Accurate)
	w.bool(p.RAIM)
	w.small("status", 4, p.Status, 15)
	w.scaled("longitude", 18, p.Lon, 600, -180, 180, 181*600)
	w.scaled("latitude", 17, p.Lat, 600, -90, 90, 91*600)
	w.scaled("SOG", 6, float64(p.SOG), 1, 0, 62, 63)
	w.circle("COG", 9, p.COG, 1, 511)
	w.bool(p.Latency)
	w.skip(1)
}
