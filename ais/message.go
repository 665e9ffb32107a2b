package ais

import (
	"math"
	"time"
)

// Part names a group of values that a message carries.
type Part uint16

// Parts of a message. Only the parts named in Message.Has mean anything; the
// others hold what an earlier message left.
const (
	HasPosition Part = 1 << iota // Message.Position: types 1-4, 9, 11, 18, 19, 21, 27
	HasName                      // Static.Name: types 5, 19, 21, 24 part A
	HasStatic                    // ShipType, dimensions: types 5, 19, 24 part B; dimensions only: 21
	HasCall                      // Static.CallSign: types 5 and 24 part B
	HasVoyage                    // IMO number, draught, destination, ETA: type 5
	HasVendor                    // vendor fields: type 24 part B
	HasClock                     // Message.Clock: types 4 and 11
	HasAid                       // Message.Aid: type 21
	HasText                      // Message.SafetyText: type 14
)

// Message is one AIS message, whole in itself: it can be copied, kept and
// reused. A decoder fills it again and again.
type Message struct {
	Type     uint8  // message type 1..27 (M.1371-5 table 45)
	Repeat   uint8  // repeat indicator 0..3
	MMSI     uint32 // source, 0..1073741823 as sent: thirty bits hold more than nine digits
	Has      Part   // which of the parts below this message carries
	Position Position
	Static   Static
	Clock    Clock
	Aid      Aid
	Frame    Frame // what the lines told of it
	Bits     Bits  // the content as sent
}

// Position is a dynamic report (M.1371-5 tables 48, 51, 61, 67, 70, 85).
type Position struct {
	Lat      float64 // degrees north, -90..90, NaN absent
	Lon      float64 // degrees east, -180..180, NaN absent
	SOG      float32 // knots over ground, 0..102.2 (102.2: that or more; type 9: 0..1022, type 27: 0..62), NaN absent
	COG      float32 // degrees over ground, 0..359.9, NaN absent
	Heading  float32 // degrees true, 0..359, NaN absent
	Turn     float32 // rate of turn, degrees a minute, right positive, (ROTAIS/4.733)², NaN absent; see TurnRaw
	Altitude float32 // metres, type 9: 0..4094 (4094: that or more), NaN absent
	Radio    uint32  // communication state as sent, 19 or 20 bits, its selector first
	TurnRaw  int8    // ROTAIS -128..127: ±127 turns faster than 5° in 30 s without an indicator, -128 absent
	Status   int8    // navigational status 0..15 (15 undefined), -1 absent
	Second   int8    // UTC second of the fix 0..59; 60 no time stamp, 61 manual, 62 dead reckoning, 63 inoperative; -1 absent
	Maneuver uint8   // special manoeuvre 0 not available, 1 no, 2 yes
	Regional uint8   // bits kept for regional use
	Reserved uint8   // the eight bits before SOG of types 18 and 19
	Accurate bool    // better than 10 m
	RAIM     bool
	OffEarth bool // the coordinates sent lie outside ±180, ±90 and are not the "not available" marks
	ClassB   bool // types 18 and 19; ClassB flags below are of type 18
	CSUnit   bool // carrier sense rather than SOTDMA
	Display  bool
	DSC      bool
	Band     bool
	Msg22    bool
	Assigned bool
	DTE      bool // data terminal not ready (types 9, 19)
	Latency  bool // type 27: the fix is older than 5 s
}

// Static says who and how large (M.1371-5 tables 52, 70, 74, 78, 79).
type Static struct {
	Name        Text // 20 characters; type 21 with its extension 34; "" absent
	CallSign    Text // 7 characters
	Destination Text // 20 characters
	Vendor      Text // 3 characters, type 24 part B
	IMO         uint32
	Mothership  uint32  // MMSI, where an auxiliary craft (98…) sends it in the place of its dimensions
	Serial      uint32  // of the unit, type 24 part B
	Draught     float32 // metres, 0.1..25.5, NaN absent
	Bow         uint16  // metres from the reference point, 0 absent, 511: that or more
	Stern       uint16
	Port        uint8 // 63: that or more
	Starboard   uint8
	ShipType    uint8 // 0..255 (table 53), 0 absent
	EPFD        uint8 // position fixing device 0..15, 0 absent
	Version     uint8 // AIS version indicator
	Part        uint8 // type 24: 0 part A, 1 part B
	Model       uint8 // of the unit, type 24 part B
	ETAMonth    uint8 // 1..12, 0 absent
	ETADay      uint8 // 1..31, 0 absent
	ETAHour     uint8 // 0..23, 24 absent
	ETAMinute   uint8 // 0..59, 60 absent
	DTE         bool  // data terminal not ready
}

// Clock is the UTC that a base station or an inquired station tells
// (M.1371-5 table 51). Year and so on are as sent.
type Clock struct {
	Year           uint16 // 1..9999, 0 absent
	Month          uint8  // 1..12, 0 absent
	Day            uint8  // 1..31, 0 absent
	Hour           uint8  // 0..23, 24 absent
	Minute         uint8  // 0..59, 60 absent
	Second         uint8  // 0..59, 60 absent
	EPFD           uint8
	LongRangeAsked bool // transmission control for long-range broadcast
}

// UTC returns the time that was told, and false where a part of it is absent,
// not a date of the calendar, or a year that fourteen bits can hold and table 51
// does not have (10000 to 16383).
func (c *Clock) UTC() (time.Time, bool) {
	if c.Year == 0 || c.Year > 9999 || c.Month < 1 || c.Month > 12 || c.Day < 1 || c.Hour > 23 || c.Minute > 59 || c.Second > 59 {
		return time.Time{}, false
	}
	t := time.Date(int(c.Year), time.Month(c.Month), int(c.Day), int(c.Hour), int(c.Minute), int(c.Second), 0, time.UTC)
	return t, t.Day() == int(c.Day)
}

// Aid is what an aid to navigation tells of itself (M.1371-5 table 74).
type Aid struct {
	Kind        uint8 // 0..31 (table 75)
	Regional    uint8
	OffPosition bool // meaningful only for floating aids with Position.Second up to 59
	Virtual     bool
	Assigned    bool
}

// Frame is what the lines around a message tell: which talker, where and when.
type Frame struct {
	Time    int64  // UTC told by the line, nanoseconds since 1970; 0 where none was told
	First   int64  // the caller's mark of the first line that belongs to the message
	Station Text   // receiving station: tag block s:, $PGHP, or the suffix; "" where none is named
	Talker  string // "AI", "BS", "AB"…
	Form    TimeForm
	Channel byte  // 'A', 'B', or '1', '2' as some stations write; 0 where the field is empty
	Parts   uint8 // sentences that carried it
	Seq     int8  // sequential message identifier 0..9, -1 where none was sent
	Own     bool  // VDO: of the station's own ship
}

// At is the time that the line told; the zero time where none was told.
func (f *Frame) At() time.Time {
	if f.Time == 0 {
		return time.Time{}
	}
	return time.Unix(0, f.Time).UTC()
}

// TimeForm tells where the time of a line came from.
type TimeForm uint8

// Forms of time, the more trustworthy first: where a line has several, that one counts.
const (
	NoTime     TimeForm = iota
	TagTime             // tag block c:
	PGHPTime            // a $PGHP sentence before
	SuffixTime          // an epoch after the checksum
	PrefixTime          // an epoch or a date and time before the sentence
)

var timeForms = [...]string{"none", "tag block", "$PGHP", "suffix", "prefix"}

func (f TimeForm) String() string { return timeForms[f] }

// NewMessage returns a message of that type with every value absent, ready to
// be filled and encoded.
func NewMessage(kind uint8, mmsi uint32) Message {
	return Message{Type: kind, MMSI: mmsi, Position: noPosition, Static: noStatic,
		Clock: Clock{Hour: 24, Minute: 60, Second: 60}, Has: partsOf(kind)}
}

var nan32 = float32(math.NaN())

var noPosition = Position{Lat: math.NaN(), Lon: math.NaN(), SOG: nan32, COG: nan32, Heading: nan32,
	Turn: nan32, Altitude: nan32, TurnRaw: -128, Status: -1, Second: -1}

var noStatic = Static{Draught: nan32, ETAHour: 24, ETAMinute: 60}

// partsOf is what a message type carries; type 24 gets the rest by its part number.
func partsOf(kind uint8) Part {
	switch kind {
	case 1, 2, 3, 9, 18, 27:
		return HasPosition
	case 4, 11:
		return HasPosition | HasClock
	case 5:
		return HasName | HasStatic | HasCall | HasVoyage
	case 14:
		return HasText
	case 19:
		return HasPosition | HasName | HasStatic
	case 21:
		return HasPosition | HasName | HasStatic | HasAid
	}
	return 0
}

// SafetyText is the text of a safety related broadcast (type 14); "" for other types.
func (m *Message) SafetyText() string {
	if m.Type != 14 || m.Bits.n < 40 {
		return ""
	}
	return m.Bits.longText(40, (m.Bits.n-40)/6)
}
