package feed

import (
	"bytes"

	"github.com/quaywatch/quaywatch/ais"
	"github.com/quaywatch/quaywatch/internal/event"
)

// lines reads the sentences that a report was made from and writes them anew.
type lines struct {
	dec *ais.Decoder
	msg ais.Message
	seq uint8
}

// read decodes the raw lines of a report: the message that its last line
// completes. It returns nil where the lines are not there whole. Every checksum
// is verified again on the way.
func (l *lines) read(r *event.VesselReport) *ais.Message {
	if r.Raw.Length > len(r.Raw.Text) {
		return nil
	}
	defer l.dec.Flush()
	result := ais.Skipped
	for text := r.Raw.Text; len(text) > 0; {
		line, rest, _ := bytes.Cut(text, []byte{'\n'})
		text = rest
		var err error
		if result, err = l.dec.Decode(line, 0, &l.msg); err != nil {
			result = ais.Rejected
		}
	}
	if result != ais.Complete || l.msg.MMSI != r.MMSI || l.msg.Type != r.Type {
		return nil
	}
	return &l.msg
}

// write appends the sentences, bit by bit as they came, under a tag block of our
// own: source, time, and the mark of doubt.
func (l *lines) write(dst []byte, m *ais.Message, r *event.VesselReport, mark Mark) ([]byte, error) {
	station := r.Station
	if station == "" {
		station = r.Source
	}
	l.seq = (l.seq + 1) % 10
	return ais.AppendBits(dst, &m.Bits, ais.Envelope{Channel: channel(m.Frame.Channel), Seq: l.seq,
		Time: r.Time, Station: tagName(station), Text: mark.Text()})
}

// channel is A or B; stations that count write 1 and 2.
func channel(c byte) byte {
	switch c {
	case '1':
		return 'A'
	case '2':
		return 'B'
	}
	return c
}

// tagName is a source as a tag block can carry it: fifteen characters without
// those that end a value.
func tagName(s string) string {
	b := make([]byte, 0, 15)
	for i := 0; i < len(s) && len(b) < cap(b); i++ {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_', c == '.':
			b = append(b, c)
		default:
			b = append(b, '_')
		}
	}
	return string(b)
}
