package ais

import "math/bits"

// Bounds of what waits for the rest of its message.
const (
	maxPending = 64  // messages that wait at once; the oldest gives way. One bit each in Decoder.waiting
	maxSeconds = 10  // told or arrival time that a fragment waits
	maxLines   = 500 // lines that a fragment waits where no time is told
	nsPerSec   = int64(1e9)
)

// fragKey tells which sentences belong together. A tag block group names them
// best; else the station and the sequential identifier do.
type fragKey struct {
	station uint64 // hash of the station, 0 where a group or no station is told
	group   int32  // -1: none
	talker  [2]byte
	seq     int8
	channel byte
	count   uint8
	own     bool
}

// pending is a message of which some sentences have come.
type pending struct {
	key   fragKey
	have  uint16 // bit i: sentence i+1 is here
	frame Frame
	pghp  pghp
	sum   byte
	fill  uint8
	line  uint64 // count of lines when it began
	at    int64  // clock when it began, 0 unknown
	parts [9][]byte
	place uint8 // index among Decoder.pending
}

// add keeps a sentence. It returns the message when that was the last one.
func (d *Decoder) add(s *Sentence, key fragKey, f *Frame, p *pghp, at int64) *pending {
	d.expire(at)
	bit := uint16(1) << (s.Index - 1)
	e := d.find(key, bit)
	if e != nil && e.have&bit != 0 {
		if string(e.parts[s.Index-1]) == string(s.Payload) {
			return nil // the same sentence by another way
		}
		d.drop(e) // the identifier came round: what waited is lost
		e = nil
	}
	if e == nil {
		e = d.take()
		e.key, e.have, e.sum, e.line, e.at = key, 0, 0, d.lines, at
		e.frame, e.pghp = *f, *p
	} else {
		e.frame.inherit(f)
	}
	e.parts[s.Index-1] = append(e.parts[s.Index-1][:0], s.Payload...)
	e.have |= bit
	e.sum ^= s.Sum
	if s.Index == s.Count {
		e.fill = s.Fill
	}
	if e.have != 1<<s.Count-1 {
		return nil
	}
	d.free(e)
	return e
}

// inherit takes what a later sentence of the same message tells and the first did not.
func (f *Frame) inherit(o *Frame) {
	if f.Time == 0 {
		f.Time, f.Form = o.Time, o.Form
	}
	if f.Station.n == 0 {
		f.Station = o.Station
	}
}

// find gives the message that waits for the sentence bit of that key. Stations
// that put their name behind the checksum often put it behind one sentence of
// the message only: where nothing of the same station waits, the one message of
// the same key waits for it of which only one of the two names a station.
func (d *Decoder) find(key fragKey, bit uint16) *pending {
	var loose *pending
	several := false
	for left := d.waiting; left != 0; left &= left - 1 {
		e := &d.pending[bits.TrailingZeros64(left)]
		if e.key == key {
			return e
		}
		if k := e.key; (k.station == 0) != (key.station == 0) && e.have&bit == 0 {
			if k.station = key.station; k == key {
				several, loose = loose != nil, e
			}
		}
	}
	if several {
		return nil
	}
	return loose
}

// take gives a free place, or that of the oldest.
func (d *Decoder) take() *pending {
	if d.waiting == 1<<maxPending-1 {
		oldest := &d.pending[0]
		for i := range d.pending {
			if e := &d.pending[i]; e.line < oldest.line {
				oldest = e
			}
		}
		d.drop(oldest)
	}
	i := bits.TrailingZeros64(^d.waiting)
	d.waiting |= 1 << i
	return &d.pending[i]
}

// free gives a place back.
func (d *Decoder) free(e *pending) { d.waiting &^= 1 << e.place }

// expire gives up on what has waited too long.
func (d *Decoder) expire(at int64) {
	for left := d.waiting; left != 0; left &= left - 1 {
		e := &d.pending[bits.TrailingZeros64(left)]
		timed := at != 0 && e.at != 0
		if timed && (at-e.at > maxSeconds*nsPerSec || e.at-at > maxSeconds*nsPerSec) || d.lines-e.line > maxLines {
			d.drop(e)
		}
	}
}

func (d *Decoder) drop(e *pending) {
	d.free(e)
	d.dropped++
	if d.o.Dropped != nil {
		d.o.Dropped(e.frame.First)
	}
}
