package ais

// Station is what the form of an MMSI says that its holder is
// (ITU-R M.585-9, annexes 1 and 2).
type Station uint8

// Stations by the form of the number.
const (
	Invalid       Station = iota // no form of M.585-9
	Ship                         // MIDxxxxxx
	Group                        // 0MIDxxxxx, a group of ships
	Coast                        // 00MIDxxxx, coast and base stations
	SARAircraft                  // 111MIDxxx
	Handheld                     // 8MIDxxxxx, handheld VHF with GNSS
	SART                         // 970xxyyyy, search and rescue transmitter
	ManOverboard                 // 972xxyyyy
	EPIRB                        // 974xxyyyy
	Auxiliary                    // 98MIDxxxx, craft of a parent ship
	AidToNavigate                // 99MIDxxxx
)

var stations = [...]string{"unknown", "ship", "group", "base-station", "sar-aircraft", "handheld", "sart", "man-overboard", "epirb", "auxiliary", "aid"}

func (s Station) String() string { return stations[s] }

// StationOf tells the form of an MMSI. The country code (MID) is judged by its
// range 201 to 775 and not by the list of those assigned, which grows.
func StationOf(mmsi uint32) Station {
	mid := func(n uint32) bool { return n >= 201 && n <= 775 }
	switch {
	case mmsi > 999999999 || mmsi < 2010000:
		return Invalid
	case mmsi < 10000000:
		return when(mid(mmsi/10000), Coast)
	case mmsi < 100000000:
		return when(mid(mmsi/100000), Group)
	case mmsi/1000000 == 111:
		return when(mid(mmsi/1000%1000), SARAircraft)
	case mmsi/100000000 == 8:
		return when(mid(mmsi/100000%1000), Handheld)
	case mmsi/1000000 == 970:
		return SART
	case mmsi/1000000 == 972:
		return ManOverboard
	case mmsi/1000000 == 974:
		return EPIRB
	case mmsi/10000000 == 98:
		return when(mid(mmsi/10000%1000), Auxiliary)
	case mmsi/10000000 == 99:
		return when(mid(mmsi/10000%1000), AidToNavigate)
	}
	return when(mid(mmsi/1000000), Ship)
}

func when(ok bool, s Station) Station {
	if ok {
		return s
	}
	return Invalid
}

// ValidIMO reports whether n may stand in the IMO field of type 5 (M.1371-5
// table 52): an IMO number with its check digit (the sum of the first six
// digits times 7 to 2 ends in the seventh), or an official number of the flag
// state above 9,999,999. 0 is "not available" and no error.
func ValidIMO(n uint32) bool {
	if n == 0 || n > 9999999 {
		return true
	}
	if n < 1000000 {
		return false
	}
	sum, rest := uint32(0), n/10
	for weight := uint32(2); weight <= 7; weight++ {
		sum += rest % 10 * weight
		rest /= 10
	}
	return sum%10 == n%10
}
