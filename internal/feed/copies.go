package feed

import (
	"hash/maphash"
	"time"

	"github.com/quaywatch/quaywatch/ais"
)

// How long after a message the same bits are a copy of it. Position reports of
// types 1 to 3 hold the second of the fix and the slot, so that equal bits are
// one transmission even where a network delivers late. The others repeat
// themselves by rights, the fastest each minute; a second receiver tells its
// copy within half of one.
const (
	copyLong  = 10 * time.Minute
	copyShort = 30 * time.Second
)

// remembered is how many messages are known again: 50 s of 5,000 messages a
// second, ten minutes of 400. One that is forgotten is told twice.
const remembered = 1 << 18

// copies knows the messages that were told. Places are found by the hash of the
// content; a later message takes the place of an earlier one.
type copies struct {
	seed  maphash.Seed
	place []told
	buf   []byte
}

type told struct {
	sum uint64
	at  int64
}

func newCopies() *copies { return &copies{seed: maphash.MakeSeed(), place: make([]told, remembered)} }

// seen reports whether the message was told at about that time, and notes it.
func (c *copies) seen(m *ais.Message, at time.Time) bool {
	c.buf = append(m.Bits.Bytes(c.buf[:0]), byte(m.Bits.Len()))
	c.buf[0] &^= 3 // the repeat indicator: what a repeater sends again is a copy
	sum := maphash.Bytes(c.seed, c.buf)
	window := copyShort
	if m.Type <= 3 {
		window = copyLong
	}
	p, now := &c.place[sum%remembered], at.UnixNano()
	known := p.sum == sum && max(p.at, now)-min(p.at, now) <= int64(window)
	if !known {
		*p = told{sum, now}
	}
	return known
}
