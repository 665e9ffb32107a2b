package ais

import (
	"bytes"
	"encoding/binary"
)

// Sentence is one VDM or VDO sentence. Payload points into the line.
type Sentence struct {
	Payload []byte
	Talker  [2]byte
	Count   uint8 // sentences of the message, 1..9
	Index   uint8 // of this one, 1..Count
	Seq     int8  // sequential message identifier 0..9, -1 where the field is empty
	Fill    uint8 // fill bits 0..5
	Sum     uint8 // the checksum
	Channel byte  // 'A', 'B', '1', '2', '0'…; 0 where the field is empty
	Own     bool  // VDO
}

// checksum is the exclusive or of all bytes (IEC 61162-1), eight at a time.
func checksum(b []byte) byte {
	var x uint64
	for len(b) >= 8 {
		x ^= binary.LittleEndian.Uint64(b)
		b = b[8:]
	}
	x ^= x >> 32
	x ^= x >> 16
	c := byte(x) ^ byte(x>>8)
	for _, v := range b {
		c ^= v
	}
	return c
}

// hexDigit gives the value of a hexadecimal digit; 0x80 marks the others.
var hexDigit = func() (t [256]uint8) {
	for i := range t {
		switch {
		case i >= '0' && i <= '9':
			t[i] = uint8(i - '0')
		case i >= 'A' && i <= 'F':
			t[i] = uint8(i - 'A' + 10)
		case i >= 'a' && i <= 'f':
			t[i] = uint8(i - 'a' + 10)
		default:
			t[i] = 0x80
		}
	}
	return t
}()

// sum reads the two digits after '*' at star and compares them with the
// checksum of the bytes from from to star.
func sum(line []byte, from, star int) (byte, error) {
	if star+2 >= len(line) {
		return 0, ErrNoChecksum
	}
	hi, lo := hexDigit[line[star+1]], hexDigit[line[star+2]]
	if (hi|lo)&0x80 != 0 {
		return 0, ErrNoChecksum
	}
	c := hi<<4 | lo
	if checksum(line[from:star]) != c {
		return 0, ErrChecksum
	}
	return c, nil
}

// isVDM reports whether the sentence after '!' is VDM or VDO of any talker.
func isVDM(b []byte) bool {
	return len(b) > 6 && b[2] == 'V' && b[3] == 'D' && (b[4] == 'M' || b[4] == 'O') && b[5] == ','
}

// parse reads the sentence that begins at line[at] ('!') and returns what
// follows its checksum. The checksum is verified before anything is believed.
func (s *Sentence) parse(line []byte, at int) (rest []byte, err error) {
	star := bytes.IndexByte(line[at:], '*') + at
	if star < at {
		return nil, ErrNoChecksum
	}
	if s.Sum, err = sum(line, at+1, star); err != nil {
		return nil, err
	}
	return line[star+3:], s.fields(line[at+1 : star])
}

// fields reads AIVDM,count,index,seq,channel,payload,fill.
func (s *Sentence) fields(b []byte) error {
	if len(b) < 13 || b[7] != ',' || b[9] != ',' {
		return ErrFields
	}
	s.Talker = [2]byte{b[0], b[1]}
	s.Own = b[4] == 'O'
	s.Count, s.Index = b[6]-'0', b[8]-'0'
	if s.Count < 1 || s.Count > 9 || s.Index < 1 || s.Index > s.Count {
		return ErrFragment
	}
	i := 10
	s.Seq = -1
	if b[i] != ',' {
		if b[i] < '0' || b[i] > '9' {
			return ErrFragment
		}
		s.Seq = int8(b[i] - '0')
		i++
	}
	if b[i] != ',' {
		return ErrFields
	}
	i++
	s.Channel = 0
	if i < len(b) && b[i] != ',' {
		s.Channel = b[i]
		i++
	}
	if i >= len(b) || b[i] != ',' {
		return ErrFields
	}
	i++
	end := len(b) - 2
	if end < i || b[end] != ',' {
		return s.emptyFill(b, i)
	}
	s.Payload, s.Fill = b[i:end], b[end+1]-'0'
	if s.Fill > 5 {
		return ErrFill
	}
	return s.bounds()
}

// emptyFill allows an empty last field, which some encoders write for zero.
func (s *Sentence) emptyFill(b []byte, i int) error {
	end := len(b) - 1
	if end < i || b[end] != ',' {
		return ErrFields
	}
	s.Payload, s.Fill = b[i:end], 0
	return s.bounds()
}

func (s *Sentence) bounds() error {
	switch {
	case len(s.Payload) == 0:
		return ErrEmpty
	case len(s.Payload) > MaxPayload:
		return ErrPayloadLong
	}
	return nil
}
