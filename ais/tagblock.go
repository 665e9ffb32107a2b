package ais

import (
	"bytes"
	"errors"
	"time"
)

// tags is what NMEA 0183 4.10 tag blocks before a sentence tell.
type tags struct {
	time    int64 // c:, nanoseconds since 1970; 0 absent
	station []byte
	group   int32 // g: identifier; -1 absent
	index   uint8
	count   uint8
	line    int64 // n: line count; 0 absent
}

func (t *tags) any() bool { return t.time != 0 || len(t.station) > 0 || t.group >= 0 }

// parse reads one block that begins at line[0] == '\\' and returns what follows.
func (t *tags) parse(line []byte) (rest []byte, err error) {
	end := bytes.IndexByte(line[1:], '\\') + 1
	if end < 1 {
		return nil, ErrTagBlock
	}
	block := line[1:end]
	star := bytes.LastIndexByte(block, '*')
	if star < 0 || star+3 != len(block) {
		return nil, ErrTagBlock
	}
	if _, err := sum(block, 0, star); err != nil {
		if errors.Is(err, ErrNoChecksum) {
			return nil, ErrTagBlock
		}
		return nil, ErrTagChecksum
	}
	block = block[:star]
	for len(block) > 0 {
		field := block
		if i := bytes.IndexByte(block, ','); i >= 0 {
			field, block = block[:i], block[i+1:]
		} else {
			block = nil
		}
		if err := t.field(field); err != nil {
			return nil, err
		}
	}
	return line[end+1:], nil
}

// field reads one parameter. Parameters that this package has no use for
// (d:, r:, t:, and makers' own) are passed over.
func (t *tags) field(f []byte) error {
	colon := bytes.IndexByte(f, ':')
	if colon < 0 {
		return ErrTagValue
	}
	key, value := f[:colon], f[colon+1:]
	if len(key) == 3 && key[1] == 'G' { // "1G2:33", the group of older stations
		return t.grouping(key[0:1], key[2:3], value)
	}
	if len(key) != 1 {
		return nil
	}
	switch key[0] {
	case 's':
		t.station = value
	case 'c':
		ns, ok := epoch(value)
		if !ok {
			return ErrTagValue
		}
		t.time = ns
	case 'n':
		n, ok := number(value)
		if !ok {
			return ErrTagValue
		}
		t.line = n
	case 'g':
		a := bytes.IndexByte(value, '-')
		if a < 0 {
			return ErrTagValue
		}
		b := bytes.IndexByte(value[a+1:], '-')
		if b < 0 {
			return ErrTagValue
		}
		b += a + 1
		return t.grouping(value[:a], value[a+1:b], value[b+1:])
	}
	return nil
}

func (t *tags) grouping(index, count, id []byte) error {
	i, ok1 := number(index)
	n, ok2 := number(count)
	g, ok3 := number(id)
	if !ok1 || !ok2 || !ok3 || i < 1 || n < i || n > 99 || g > 1<<30 {
		return ErrTagValue
	}
	t.index, t.count, t.group = uint8(i), uint8(n), int32(g)
	return nil
}

// number reads a decimal number of at most 18 digits.
func number(b []byte) (int64, bool) {
	if len(b) == 0 || len(b) > 18 {
		return 0, false
	}
	var v int64
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		v = v*10 + int64(c-'0')
	}
	return v, true
}

// epoch reads seconds (9 or 10 digits, perhaps with a fraction) or
// milliseconds (12 or 13 digits) since 1970 and returns nanoseconds.
func epoch(b []byte) (int64, bool) {
	frac := int64(0)
	if dot := bytes.IndexByte(b, '.'); dot >= 0 {
		digits := b[dot+1:]
		if len(digits) == 0 || len(digits) > 9 {
			return 0, false
		}
		f, ok := number(digits)
		if !ok {
			return 0, false
		}
		for range 9 - len(digits) {
			f *= 10
		}
		b, frac = b[:dot], f
		if len(b) > 10 {
			return 0, false
		}
	}
	v, ok := number(b)
	switch {
	case !ok || v == 0:
		return 0, false
	case len(b) == 9 || len(b) == 10:
		return v*1e9 + frac, v < 1<<33 // year 2242: what is later is no clock
	case len(b) == 12 || len(b) == 13:
		return v * 1e6, v < 1000<<33
	}
	return 0, false
}

// TagBlock reads the NMEA 0183 4.10 tag block before a sentence of any kind, for
// programs that read other sentences of the same line: the time of its parameter
// c: (zero where it tells none), the station of s:, and the sentence behind it. A
// line without a block is returned as it is. Errors: ErrTagBlock, ErrTagChecksum,
// ErrTagValue.
func TagBlock(line []byte) (at time.Time, station string, rest []byte, err error) {
	if len(line) == 0 || line[0] != '\\' {
		return time.Time{}, "", line, nil
	}
	t := tags{group: -1}
	if rest, err = t.parse(line); err != nil {
		return time.Time{}, "", nil, err
	}
	if t.time != 0 {
		at = time.Unix(0, t.time).UTC()
	}
	return at, string(t.station), rest, nil
}

// Checksum verifies the sum at the end of a sentence that begins with '$' or '!' and
// returns its fields, the first of which is talker and type. Errors: ErrChecksum,
// ErrNoChecksum.
func Checksum(sentence []byte) (fields [][]byte, err error) {
	star := bytes.LastIndexByte(sentence, '*')
	if len(sentence) < 2 || star < 1 {
		return nil, ErrNoChecksum
	}
	if _, err := sum(sentence, 1, star); err != nil {
		return nil, err
	}
	return bytes.Split(sentence[1:star], []byte{','}), nil
}
