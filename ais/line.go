package ais

import (
	"bytes"
	"time"
)

// prefixClock reads the date and time that some stations write before the
// sentence, in a zone that the line does not name.
type prefixClock struct {
	zone   *time.Location
	key    [16]byte // "2016-03-31 00:00"
	minute int64    // of key, seconds since 1970
}

// read takes a prefix such as "2016-03-31 00:00:01, ", "2016-03-31T00:00:01.5Z ",
// "1459375201," or "1459375201123 ". ns is 0 for a prefix of blanks.
func (c *prefixClock) read(p []byte) (ns int64, ok bool) {
	p = bytes.TrimRight(bytes.TrimLeft(p, " \t"), " \t,;:")
	if len(p) == 0 {
		return 0, true
	}
	if len(p) >= 19 && p[4] == '-' {
		return c.date(p)
	}
	return epoch(p)
}

// date reads "YYYY-MM-DD HH:MM:SS", with an optional fraction and Z. Which of
// the two hours is meant when summer time ends can't be told; the first counts.
func (c *prefixClock) date(p []byte) (int64, bool) {
	if p[7] != '-' || (p[10] != ' ' && p[10] != 'T') || p[13] != ':' || p[16] != ':' {
		return 0, false
	}
	sec, ok := number(p[17:19])
	if !ok || sec > 60 {
		return 0, false
	}
	rest, zone, cached := p[19:], c.zone, true
	if n := len(rest); n > 0 && rest[n-1] == 'Z' {
		rest, zone, cached = rest[:n-1], time.UTC, zone == time.UTC
	}
	frac, ok := fraction(rest)
	if !ok {
		return 0, false
	}
	if cached && c.minute != 0 && [16]byte(p[:16]) == c.key {
		return (c.minute+sec)*1e9 + frac, true
	}
	minute, ok := minuteOf(p, zone)
	if !ok {
		return 0, false
	}
	if cached {
		c.key, c.minute = [16]byte(p[:16]), minute
	}
	return (minute+sec)*1e9 + frac, true
}

// fraction reads ".123" of a second in nanoseconds; nothing is zero.
func fraction(b []byte) (int64, bool) {
	if len(b) == 0 {
		return 0, true
	}
	if (b[0] != '.' && b[0] != ',') || len(b) > 10 {
		return 0, false
	}
	v, ok := number(b[1:])
	for range 10 - len(b) {
		v *= 10
	}
	return v, ok
}

// minuteOf is the start of the minute "YYYY-MM-DD?HH:MM" in seconds since 1970.
func minuteOf(p []byte, zone *time.Location) (int64, bool) {
	y, ok1 := number(p[0:4])
	mo, ok2 := number(p[5:7])
	d, ok3 := number(p[8:10])
	h, ok4 := number(p[11:13])
	mi, ok5 := number(p[14:16])
	if !ok1 || !ok2 || !ok3 || !ok4 || !ok5 || y < 1970 || mo < 1 || mo > 12 || d < 1 || d > 31 || h > 23 || mi > 59 {
		return 0, false
	}
	t := time.Date(int(y), time.Month(mo), int(d), int(h), int(mi), 0, 0, zone)
	return t.Unix(), t.Month() == time.Month(mo) // 31 February is no date
}

// suffix reads what stations append after the checksum, separated by commas:
// "1328133720012", or "r003669987,1152921693" with signal fields between. Of
// several epochs the first counts (it is the arrival at the station's logger).
func suffix(rest []byte) (station []byte, ns int64) {
	for len(rest) > 0 {
		if rest[0] != ',' {
			return station, ns
		}
		rest = rest[1:]
		field := rest
		if i := bytes.IndexByte(rest, ','); i >= 0 {
			field, rest = rest[:i], rest[i:]
		} else {
			rest = nil
		}
		field = bytes.TrimRight(field, " \r\n")
		switch {
		case len(field) == 0:
		case field[0] == 'r' || field[0] == 'b':
			station = field
		case ns == 0:
			ns, _ = epoch(field)
		}
	}
	return station, ns
}

// pghp is a $PGHP,1 sentence: the time at which, and the station by which, the
// following message was received. Its last field is the checksum of that
// message (of several sentences: the exclusive or of theirs), so that it can't
// be taken for another one.
type pghp struct {
	time    int64 // nanoseconds since 1970
	station Text
	sum     byte
	set     bool
	mark    int64
}

// read takes the fields of "PGHP,1,year,month,day,hour,minute,second,ms,country,region,station,online,sum".
// What is not of that form is no time and no station.
func (p *pghp) read(b []byte) {
	p.set = false
	var f [16][]byte
	n := 0
	for n < len(f) {
		i := bytes.IndexByte(b, ',')
		if i < 0 {
			f[n] = b
			n++
			break
		}
		f[n], b = b[:i], b[i+1:]
		n++
	}
	if n < 14 || string(f[1]) != "1" || len(f[13]) != 2 {
		return
	}
	var v [7]int64
	for i := range v {
		var ok bool
		if v[i], ok = number(f[2+i]); !ok {
			return
		}
	}
	hi, lo := hexDigit[f[13][0]], hexDigit[f[13][1]]
	if (hi|lo)&0x80 != 0 || v[0] < 1970 || v[0] > 9999 || v[1] < 1 || v[1] > 12 || v[2] < 1 || v[2] > 31 || v[3] > 23 || v[4] > 59 || v[5] > 60 || v[6] > 999 {
		return
	}
	p.time = time.Date(int(v[0]), time.Month(v[1]), int(v[2]), int(v[3]), int(v[4]), int(v[5]), int(v[6])*1e6, time.UTC).UnixNano()
	p.station.set(f[11])
	p.sum, p.set = hi<<4|lo, true
}
