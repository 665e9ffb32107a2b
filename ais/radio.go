package ais

// RadioState is the communication state: how the station takes part in the data
// link (M.1371-5 annex 2 §3.3.7.2 and §3.3.7.3). What the submessage means is
// told by Timeout; fields that a state does not have are 0.
type RadioState struct {
	ITDMA     bool   // else SOTDMA
	Sync      uint8  // 0 UTC direct, 1 UTC indirect, 2 to a base station, 3 to another station
	Timeout   uint8  // SOTDMA: frames until another slot is chosen, 0 last one
	Stations  uint16 // SOTDMA, Timeout 3, 5, 7: stations received, 0..16383
	Slot      uint16 // SOTDMA, Timeout 2, 4, 6: number of the slot used, 0..2249
	Hour      uint8  // SOTDMA, Timeout 1: UTC
	Minute    uint8
	Offset    uint16 // SOTDMA, Timeout 0: slots to the one of the next frame
	Increment uint16 // ITDMA: slots to the next transmission, 0 none
	Slots     uint8  // ITDMA: code of the number of slots
	Keep      bool   // ITDMA: the slot stays allocated for one more frame
}

// RadioState reads the communication state of types 1 to 4, 9, 11, 18 and 26;
// false for the others, and for a class B unit that senses the carrier, which
// has none.
func (m *Message) RadioState() (RadioState, bool) {
	v := m.Position.Radio
	itdma := m.Type == 3
	switch m.Type {
	case 1, 2, 3, 4, 11:
	case 9, 18:
		if m.Type == 18 && m.Position.CSUnit {
			return RadioState{}, false
		}
		itdma = v>>19&1 == 1
	case 26:
		b, _ := m.Binary()
		v = b.Radio
		itdma = v>>19&1 == 1
	default:
		return RadioState{}, false
	}
	s := RadioState{ITDMA: itdma, Sync: uint8(v >> 17 & 3)}
	if itdma {
		s.Increment, s.Slots, s.Keep = uint16(v>>4&0x1fff), uint8(v>>1&7), v&1 == 1
		return s, true
	}
	s.Timeout = uint8(v >> 14 & 7)
	sub := uint16(v & 0x3fff)
	switch s.Timeout {
	case 0:
		s.Offset = sub
	case 1:
		s.Hour, s.Minute = uint8(sub>>9&31), uint8(sub>>2&127)
	case 2, 4, 6:
		s.Slot = sub
	default:
		s.Stations = sub
	}
	return s, true
}
