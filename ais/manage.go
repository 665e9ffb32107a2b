package ais

import "fmt"

// Content is the values of a message of types 6 to 8, 10, 12 to 17, 20, 22, 23,
// 25 and 26, which are not parts of Message: they are rare, and Message must
// stay cheap to refill. They are read on demand from Message.Bits. Its layout
// visits the fields from bit 38 on.
type Content interface {
	layout(w *walk)
	fits(kind uint8) bool
}

// SetContent writes the values of c into m.Bits, after the type, repeat
// indicator and MMSI of m, so that m can be encoded. The error wraps ErrRange
// and names the field, or is ErrNotEncodable where c is not of the type of m.
func (m *Message) SetContent(c Content) error {
	if !c.fits(m.Type) {
		return fmt.Errorf("type %d with %T: %w", m.Type, c, ErrNotEncodable)
	}
	m.Bits = Bits{}
	w := &walk{b: &m.Bits, at: 38, write: true}
	w.b.put(0, 6, uint64(m.Type))
	w.b.put(6, 2, uint64(m.Repeat&3))
	w.b.put(8, 30, uint64(m.MMSI)&(1<<30-1))
	if m.Repeat > 3 || m.MMSI >= 1<<30 {
		w.fail("repeat or MMSI", m.MMSI, "does not fit its field")
	}
	c.layout(w)
	m.Bits.n = w.at
	if w.err == nil && (w.at < typeLimits[m.Type].low || w.at > typeLimits[m.Type].high) {
		w.fail("length", w.at, "bits is not one of this message type")
	}
	if w.err != nil {
		m.Bits = Bits{}
		return fmt.Errorf("type %d of MMSI %d: %w", m.Type, m.MMSI, w.err)
	}
	m.Has = partsOf(m.Type)
	return nil
}

// ReadContent reads the content of m into c, whose memory it reuses; false where
// c is not of the type of m.
func (m *Message) ReadContent(c Content) bool {
	if !c.fits(m.Type) || m.Bits.n < typeLimits[m.Type].low {
		return false
	}
	c.layout(&walk{b: &m.Bits, at: 38, end: m.Bits.n})
	return true
}

// contentBits tells whether m.Bits holds a whole content of that type and sender.
func (m *Message) contentBits() bool {
	b := &m.Bits
	return b.n > 38 && b.Uint(0, 6) == uint64(m.Type) && b.n >= typeLimits[m.Type].low
}

// Acknowledgement is types 7 (of binary messages) and 13 (of safety related
// ones), M.1371-5 annex 8: one to four stations. A station of 0 is none.
type Acknowledgement struct {
	Count    uint8     // 1..4 stations that the message has room for
	Stations [4]uint32 // MMSI
	Seq      [4]uint8  // sequence number 0..3 of the message acknowledged
}

func (a *Acknowledgement) fits(kind uint8) bool { return kind == 7 || kind == 13 }

var ackKeys = [4]string{"mmsi1", "mmsi2", "mmsi3", "mmsi4"}

func (a *Acknowledgement) layout(w *walk) {
	w.spare(2)
	if !w.write {
		a.Count = uint8(min(w.left()/32, 4))
	}
	for i := range 4 {
		if i >= int(a.Count) {
			if w.write {
				break
			}
			w.end = min(w.end, w.at) // what is left is no whole station
		}
		code(w, ackKeys[i], 30, &a.Stations[i], 0)
		whole(w, "", 2, &a.Seq[i])
	}
}

// Acknowledgement reads types 7 and 13.
func (m *Message) Acknowledgement() (v Acknowledgement, ok bool) {
	if ok = v.fits(m.Type); ok {
		v.layout(&walk{b: &m.Bits, at: 38, end: m.Bits.n})
	}
	return v, ok
}

// Inquiry is type 10: a station asks another one for its UTC.
type Inquiry struct {
	Destination uint32 // MMSI
}

func (q *Inquiry) fits(kind uint8) bool { return kind == 10 }

func (q *Inquiry) layout(w *walk) {
	w.spare(2)
	whole(w, "dest_mmsi", 30, &q.Destination)
	w.spare(2)
}

// Inquiry reads type 10.
func (m *Message) Inquiry() (v Inquiry, ok bool) {
	if ok = v.fits(m.Type); ok {
		v.layout(&walk{b: &m.Bits, at: 38, end: m.Bits.n})
	}
	return v, ok
}

// Safety is types 12 (addressed) and 14 (broadcast): a text about safety.
type Safety struct {
	Addressed   bool   // type 12
	Destination uint32 // MMSI, type 12
	Seq         uint8  // 0..3, type 12
	Retransmit  bool   // type 12
	Text        string // at most 156 characters (type 12) or 161 (type 14)
}

func (s *Safety) fits(kind uint8) bool {
	return kind == 12 || kind == 14
}

func (s *Safety) layout(w *walk) {
	if !w.write {
		s.Addressed = w.b.Uint(0, 6) == 12
	}
	if s.Addressed {
		whole(w, "seqno", 2, &s.Seq)
		whole(w, "dest_mmsi", 30, &s.Destination)
		w.flag("retransmit", &s.Retransmit)
		w.spare(1)
		w.rest("text", 156, &s.Text)
		return
	}
	w.spare(2)
	w.rest("text", 161, &s.Text)
}

// Safety reads types 12 and 14.
func (m *Message) Safety() (v Safety, ok bool) {
	if ok = v.fits(m.Type); ok {
		v.layout(&walk{b: &m.Bits, at: 38, end: m.Bits.n})
	}
	return v, ok
}

// Interrogation is type 15: a station asks one or two others for messages. The
// form of 88 bits asks the first for one, of 110 for two, of 160 the second too.
type Interrogation struct {
	Station1 uint32 // MMSI
	Type1    uint8  // message type asked of it
	Offset1  uint16 // slots after which it answers, 0 its own choice
	Type2    uint8  // second message type asked of it, 0 none
	Offset2  uint16
	Station2 uint32 // MMSI, 0 none
	Type3    uint8  // asked of the second station
	Offset3  uint16
}

func (q *Interrogation) fits(kind uint8) bool { return kind == 15 }

func (q *Interrogation) layout(w *walk) {
	w.spare(2)
	whole(w, "mmsi1", 30, &q.Station1)
	whole(w, "type1_1", 6, &q.Type1)
	whole(w, "offset1_1", 12, &q.Offset1)
	second := q.Station2 != 0 || q.Type3 != 0 || q.Offset3 != 0
	if w.write && !second && q.Type2 == 0 && q.Offset2 == 0 {
		return
	}
	w.spare(2)
	code(w, "type1_2", 6, &q.Type2, 0)
	code(w, "offset1_2", 12, &q.Offset2, 0)
	w.spare(2)
	if w.write && !second {
		return
	}
	code(w, "mmsi2", 30, &q.Station2, 0)
	code(w, "type2_1", 6, &q.Type3, 0)
	code(w, "offset2_1", 12, &q.Offset3, 0)
	w.spare(2)
}

// Interrogation reads type 15.
func (m *Message) Interrogation() (v Interrogation, ok bool) {
	if ok = v.fits(m.Type); ok {
		v.layout(&walk{b: &m.Bits, at: 38, end: m.Bits.n})
	}
	return v, ok
}

// Assignment is type 16: a base station orders when one or two stations report.
// Where Increment is 0, Offset is the number of reports in ten minutes; else
// both are slots.
type Assignment struct {
	Station1   uint32 // MMSI
	Offset1    uint16 // 0..4095
	Increment1 uint16 // 0..1023
	Station2   uint32 // MMSI, 0 none
	Offset2    uint16
	Increment2 uint16
}

func (a *Assignment) fits(kind uint8) bool { return kind == 16 }

func (a *Assignment) layout(w *walk) {
	w.spare(2)
	whole(w, "mmsi1", 30, &a.Station1)
	whole(w, "offset1", 12, &a.Offset1)
	whole(w, "increment1", 10, &a.Increment1)
	if w.write && a.Station2 == 0 && a.Offset2 == 0 && a.Increment2 == 0 {
		w.spare(4)
		return
	}
	if !w.write && w.left() < 52 { // the short form has four spare bits here
		w.end = w.at
	}
	code(w, "mmsi2", 30, &a.Station2, 0)
	code(w, "offset2", 12, &a.Offset2, 0)
	code(w, "increment2", 10, &a.Increment2, 0)
}

// Assignment reads type 16.
func (m *Message) Assignment() (v Assignment, ok bool) {
	if ok = v.fits(m.Type); ok {
		v.layout(&walk{b: &m.Bits, at: 38, end: m.Bits.n})
	}
	return v, ok
}
