package ics

import (
	"bytes"
	"strconv"
)

// Ship and shore instruments: sentences of IEC 61162-1 (NMEA 0183), alone in a
// datagram or framed by IEC 61162-450, and AIS in VDM and VDO (ITU-R M.1371-5).

const (
	maxSentence  = 128 // longer than the 82 of the standard: some senders do not keep it
	maxSentences = 64
	maxTalkers   = 16
)

// talkers are what the two letters before the sentence say (IEC 61162-1 table 4).
var talkers = map[string]string{
	"AB": "AIS base station", "AI": "AIS", "BS": "AIS base station", "AG": "autopilot", "AP": "autopilot", "CD": "digital selective calling",
	"EC": "ECDIS", "EI": "ECDIS", "GA": "GNSS receiver", "GB": "GNSS receiver", "GL": "GNSS receiver", "GN": "GNSS receiver", "GP": "GNSS receiver",
	"HC": "magnetic compass", "HE": "gyro compass", "HN": "compass", "II": "integrated instruments", "IN": "integrated navigation",
	"RA": "radar", "SD": "echo sounder", "TI": "rate of turn", "VD": "Doppler log", "VM": "speed log", "VR": "voyage data recorder",
	"VW": "speed log", "WI": "weather instruments",
}

// sentence splits the first line off b and checks it: start, address, checksum.
// The tag block of IEC 61162-450 is skipped, its source is told.
func sentence(b []byte) (line, source, rest []byte, ok bool) {
	end := bytes.IndexByte(b, '\n')
	if end < 0 {
		end = len(b)
		rest = nil
	} else {
		rest = b[end+1:]
	}
	line = bytes.TrimRight(b[:end], "\r\n\x00")
	if len(line) > 0 && line[0] == '\\' {
		if close := bytes.IndexByte(line[1:], '\\'); close >= 0 {
			if at := bytes.Index(line[1:1+close], []byte("s:")); at >= 0 {
				source = line[1+at+2 : 1+close]
				if stop := bytes.IndexAny(source, ",*"); stop >= 0 {
					source = source[:stop]
				}
			}
			line = line[close+2:]
		}
	}
	return line, source, rest, wholeSentence(line)
}

func wholeSentence(b []byte) bool {
	if len(b) < 9 || len(b) > maxSentence || b[0] != '$' && b[0] != '!' {
		return false
	}
	star := len(b) - 3
	if b[star] != '*' {
		return false
	}
	sum := byte(0)
	for _, c := range b[1:star] {
		if c < ' ' || c > '~' {
			return false
		}
		sum ^= c
	}
	want, err := strconv.ParseUint(string(b[star+1:]), 16, 8)
	return err == nil && byte(want) == sum && b[1] >= 'A' && b[1] <= 'Z'
}

// payload450 takes the datagram header of IEC 61162-450 off.
func payload450(b []byte) []byte {
	if hasPrefix(b, "UdPbC\x00") {
		return b[6:]
	}
	return b
}

func recogniseNMEA(m *message) (string, bool) {
	_, _, _, ok := sentence(payload450(m.data))
	return "IEC 61162-1 sentence with a right checksum", ok
}

// nmeaState keeps what was told, so that a stream of sentences costs nothing.
type nmeaState struct {
	talkers [maxTalkers][2]byte
	count   int
	mmsi    uint32
	source  string
}

func dissectNMEA(m *message, r *Result) (used, need int) {
	st, _ := m.c.state.(*nmeaState)
	if st == nil {
		st = &nmeaState{}
		m.c.state = st
	}
	rest := payload450(m.data)
	r.function(Function{Protocol: "nmea", Name: "sentences", Operations: Read})
	for n := 0; n < maxSentences && len(rest) > 0; n++ {
		line, source, after, ok := sentence(rest)
		rest = after
		if len(source) > 0 && string(source) != st.source {
			st.source = string(source)
			r.fact("iec61162-source", text(source))
		}
		if ok {
			st.tell(line, r)
		}
	}
	return len(m.data), 0
}

func (st *nmeaState) tell(line []byte, r *Result) {
	talker := [2]byte{line[1], line[2]}
	if line[1] == 'P' { // of a maker: three letters follow
		return
	}
	if len(line) > 6 && string(line[3:6]) == "VDO" {
		if mmsi := ownMMSI(line); mmsi != 0 && mmsi != st.mmsi {
			st.mmsi = mmsi
			r.fact("ais-mmsi", strconv.FormatUint(uint64(mmsi), 10))
		}
	}
	for _, t := range st.talkers[:st.count] {
		if t == talker {
			return
		}
	}
	if st.count < maxTalkers {
		st.talkers[st.count] = talker
		st.count++
		name := string(talker[:])
		if what, known := talkers[name]; known {
			name += " (" + what + ")"
		}
		r.fact("nmea-talker", name)
	}
}

// ownMMSI reads the number of the own ship out of the first part of a VDO sentence:
// six bits of type, two of repeat, thirty of MMSI.
func ownMMSI(line []byte) uint32 {
	fields := bytes.SplitN(line, []byte{','}, 7)
	if len(fields) < 7 || string(fields[2]) != "1" || len(fields[5]) < 7 {
		return 0
	}
	var bits uint64
	for _, c := range fields[5][:7] {
		v := c - '0'
		if v > 40 {
			v -= 8
		}
		if v > 63 {
			return 0
		}
		bits = bits<<6 | uint64(v)
	}
	return uint32(bits >> 4 & 0x3fffffff)
}
