package trial

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/quaywatch/quaywatch/ais"
)

var (
	errForm  = errors.New("the time of the line is in a form that can't be written anew")
	errParts = errors.New("the message does not fill as many sentences as before")
)

// rewrite gives the lines of a record with another content in the sentence.
// Everything around the sentence stays: date, tag block, station, suffix. Only a
// $PGHP before it gets the new checksum, which binds it to its sentence.
func (c *Capture) rewrite(r *record, m *ais.Message) ([][]byte, error) {
	sentences, err := ais.Encode(*m, envelope(m, 0))
	if err != nil {
		return nil, fmt.Errorf("line %d of %s: %w", r.last()+1, c.Name, err)
	}
	line := c.lines[r.last()]
	from, to := sentenceIn(line)
	if len(sentences) != 1 || m.Frame.Parts != 1 || from < 0 {
		return nil, fmt.Errorf("line %d of %s: %w", r.last()+1, c.Name, errParts)
	}
	var out [][]byte
	for _, i := range r.lines[:len(r.lines)-1] {
		out = append(out, bindNote(c.lines[i], sumOf(sentences[0])))
	}
	return append(out, bytes.Join([][]byte{line[:from], []byte(sentences[0]), line[to:]}, nil)), nil
}

// compose gives the lines of a new message at a time, dressed as the template
// record of the same capture is.
func (c *Capture) compose(like *record, m *ais.Message, at time.Time, seq uint8) ([][]byte, error) {
	sentences, err := ais.Encode(*m, envelope(m, seq))
	if err != nil {
		return nil, fmt.Errorf("as line %d of %s: %w", like.last()+1, c.Name, err)
	}
	notes := like.lines[:len(like.lines)-1] // of several sentences the first is the one to copy, with what stands before it
	for k, i := range like.lines {
		if bytes.IndexByte(c.lines[i], '!') >= 0 {
			notes = like.lines[:k]
			break
		}
	}
	line := c.lines[like.lines[len(notes)]]
	from, to := sentenceIn(line)
	if from < 0 {
		return nil, fmt.Errorf("line %d of %s: %w", like.last()+1, c.Name, errForm)
	}
	head, err := c.retime(line[:from], at)
	if err != nil {
		return nil, fmt.Errorf("line %d of %s: %w", like.last()+1, c.Name, err)
	}
	tail := retail(line[to:], at)
	var sum byte
	for _, s := range sentences {
		sum ^= sumOf(s)
	}
	var out [][]byte
	for _, i := range notes {
		note, err := c.retime(c.lines[i], at)
		if err != nil {
			return nil, fmt.Errorf("line %d of %s: %w", i+1, c.Name, err)
		}
		out = append(out, bindNote(note, sum))
	}
	for _, s := range sentences {
		out = append(out, bytes.Join([][]byte{head, []byte(s), tail}, nil))
	}
	return out, nil
}

// envelope repeats how the message came.
func envelope(m *ais.Message, seq uint8) ais.Envelope {
	return ais.Envelope{Talker: m.Frame.Talker, Own: m.Frame.Own, Channel: m.Frame.Channel, Seq: seq}
}

// sentenceIn finds the encapsulated sentence of a line: from its "!" to behind
// its checksum; -1 where there is none.
func sentenceIn(line []byte) (from, to int) {
	from = bytes.IndexByte(line, '!')
	if from < 0 {
		return -1, -1
	}
	star := bytes.IndexByte(line[from:], '*')
	if star < 0 || from+star+3 > len(line) {
		return -1, -1
	}
	return from, from + star + 3
}

// checksum is the exclusive or of the bytes (NMEA 0183).
func checksum(b []byte) (c byte) {
	for _, v := range b {
		c ^= v
	}
	return c
}

// sumOf is the checksum of a whole sentence such as "!AIVDM,…*hh".
func sumOf(sentence string) byte { return checksum([]byte(sentence[1 : len(sentence)-3])) }

// bindNote gives a $PGHP the checksum of the sentences that it is about; other
// lines stay.
func bindNote(line []byte, sum byte) []byte {
	at := bytes.Index(line, []byte("$PGHP,"))
	if at < 0 {
		return line
	}
	star := bytes.IndexByte(line[at:], '*')
	if star < 0 {
		return line
	}
	star += at
	comma := bytes.LastIndexByte(line[:star], ',')
	out := fmt.Appendf(bytes.Clone(line[:comma]), ",%02X", sum)
	return append(fmt.Appendf(out, "*%02X", checksum(out[at+1:])), line[star+3:]...)
}

// retime writes what stands before a sentence, or tells about it, for another
// time: dates and epochs, the c: of tag blocks, the fields of $PGHP.
func (c *Capture) retime(head []byte, at time.Time) ([]byte, error) {
	switch {
	case len(bytes.TrimSpace(head)) == 0:
		return head, nil
	case head[0] == '\\':
		end := bytes.IndexByte(head[1:], '\\') + 1
		if end < 1 {
			return nil, errForm
		}
		rest, err := c.retime(head[end+1:], at)
		if err != nil {
			return nil, err
		}
		return append(retag(head[:end+1], at), rest...), nil
	case bytes.HasPrefix(head, []byte("$PGHP,")):
		return renote(head, at)
	case len(head) >= 19 && head[4] == '-' && head[7] == '-':
		rest := head[19:]
		zone, sep := c.zone, head[10]
		if bytes.HasPrefix(bytes.TrimLeft(rest, ".0123456789"), []byte("Z")) {
			zone = time.UTC
		}
		layout := "2006-01-02" + string(sep) + "15:04:05"
		return append(at.In(zone).AppendFormat(nil, layout), rest...), nil
	}
	digits := len(head) - len(bytes.TrimLeft(head, "0123456789"))
	if epoch, ok := epochOf(digits, at); ok {
		return append(epoch, head[digits:]...), nil
	}
	return nil, errForm
}

// epochOf writes t as seconds or milliseconds since 1970, by the number of
// digits that stood there.
func epochOf(digits int, t time.Time) ([]byte, bool) {
	switch digits {
	case 9, 10:
		return strconv.AppendInt(nil, t.Unix(), 10), true
	case 12, 13:
		return strconv.AppendInt(nil, t.UnixMilli(), 10), true
	}
	return nil, false
}

// retag writes a tag block "\…*hh\" for another time. A grouping is left out:
// the message that it groups is another one.
func retag(block []byte, at time.Time) []byte {
	body := block[1 : len(block)-1]
	if star := bytes.LastIndexByte(body, '*'); star >= 0 {
		body = body[:star]
	}
	out := []byte{'\\'}
	for f := range bytes.SplitSeq(body, []byte(",")) {
		switch {
		case bytes.HasPrefix(f, []byte("g:")):
			continue
		case bytes.HasPrefix(f, []byte("c:")):
			if epoch, ok := epochOf(len(f)-2, at); ok {
				f = append([]byte("c:"), epoch...)
			}
		}
		out = append(append(out, f...), ',')
	}
	out = bytes.TrimSuffix(out, []byte(","))
	return append(fmt.Appendf(out, "*%02X", checksum(out[1:])), '\\')
}

// renote writes "$PGHP,1,year,month,day,hour,minute,second,ms,…" for another
// time; its checksum is mended by bindNote.
func renote(line []byte, at time.Time) ([]byte, error) {
	f := bytes.SplitN(line, []byte(","), 10)
	if len(f) != 10 {
		return nil, errForm
	}
	at = at.UTC()
	for i, v := range []int{at.Year(), int(at.Month()), at.Day(), at.Hour(), at.Minute(), at.Second(), at.Nanosecond() / 1e6} {
		f[2+i] = strconv.AppendInt(nil, int64(v), 10)
	}
	return bytes.Join(f, []byte(",")), nil
}

// retail writes what stands behind the checksum for another time: every epoch.
func retail(tail []byte, at time.Time) []byte {
	body := bytes.TrimRight(tail, " \r\n")
	end := tail[len(body):]
	f := bytes.Split(body, []byte(","))
	for i := range f {
		if i == 0 || len(bytes.Trim(f[i], "0123456789")) > 0 {
			continue
		}
		if epoch, ok := epochOf(len(f[i]), at); ok {
			f[i] = epoch
		}
	}
	return append(bytes.Join(f, []byte(",")), end...)
}
