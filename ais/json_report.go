package ais

import "fmt"

// content visits the fields of a message whose values are not parts of Message;
// false where it is another type.
func (w *walk) content(kind uint8) bool {
	switch kind {
	case 6, 8, 25, 26:
		v := Binary{kind: kind}
		v.layout(w)
	case 7, 13:
		new(Acknowledgement).layout(w)
	case 10:
		new(Inquiry).layout(w)
	case 12, 14:
		new(Safety).layout(w)
	case 15:
		new(Interrogation).layout(w)
	case 16:
		new(Assignment).layout(w)
	case 17:
		new(Corrections).layout(w)
	case 20:
		new(DataLink).layout(w)
	case 22:
		new(ChannelManagement).layout(w)
	case 23:
		new(GroupAssignment).layout(w)
	default:
		return false
	}
	return true
}

// Numbers of the reports, as gpsd scales them.
var (
	sogTenths   = &unit{div: 10, high: 1022, absent: 1023, digits: 1}
	cogTenths   = &unit{div: 10, high: 3599, absent: 3600, digits: 1}
	headingUnit = &unit{high: 359, absent: 511}
	draughts    = &unit{div: 10, low: 1, high: 255, digits: 1}
	wholeSOG    = &unit{high: 1022, absent: 1023}
	farSOG      = &unit{high: 62, absent: 63}
	farCOG      = &unit{high: 359, absent: 511}
	heights     = &unit{high: 4094, absent: 4095}
)

// report prints the types whose values are parts of Message, from their bits:
// for the forms that show them as sent. The layouts are those of decodeBits,
// written a second time; a test compares the two.
func (w *walk) report(m *Message) {
	switch m.Type {
	case 1, 2, 3:
		w.reportA()
	case 4, 11:
		w.reportBase()
	case 5:
		w.reportVoyage()
	case 9:
		w.reportAircraft()
	case 18, 19:
		w.reportB(m.Type)
	case 21:
		w.reportAid(m)
	case 24:
		w.reportPart(m)
	case 27:
		w.reportFar()
	}
}

func (w *walk) number(key string, width int) {
	var v uint64
	whole(w, key, width, &v)
}

func (w *walk) yes(key string) {
	var v bool
	w.flag(key, &v)
}

func (w *walk) scaled(key string, width int, u *unit) {
	var v float64
	w.measure(key, width, u, &v)
}

func (w *walk) string(key string, chars int) {
	var s string
	w.text(key, chars, &s)
}

func (w *walk) place() {
	w.scaled("lon", 28, lon4)
	w.scaled("lat", 27, lat4)
}

func (w *walk) reportA() {
	w.number("status", 4)
	w.turn()
	w.scaled("speed", 10, sogTenths)
	w.yes("accuracy")
	w.place()
	w.scaled("course", 12, cogTenths)
	w.scaled("heading", 9, headingUnit)
	w.number("second", 6)
	w.number("maneuver", 2)
	w.spare(3)
	w.yes("raim")
	w.number("radio", 19)
}

// turn prints the rate of turn: as sent, or in degrees a minute with gpsd's
// words for what is no rate (M.1371-5 table 48).
func (w *walk) turn() {
	var raw int16
	if w.out.form.Unscaled {
		w.signed("turn", 8, &raw, -129)
		return
	}
	w.signed("", 8, &raw, -129)
	switch raw {
	case -128:
		w.out.text("turn", "n/a")
	case -127:
		w.out.text("turn", "fastleft")
	case 127:
		w.out.text("turn", "fastright")
	default:
		w.out.float("turn", float64(turns[uint8(raw)]), 2)
	}
}

func (w *walk) reportBase() {
	var c Clock
	whole(w, "", 14, &c.Year)
	whole(w, "", 4, &c.Month)
	whole(w, "", 5, &c.Day)
	whole(w, "", 5, &c.Hour)
	whole(w, "", 6, &c.Minute)
	whole(w, "", 6, &c.Second)
	w.out.text("timestamp", fmt.Sprintf("%04d-%02d-%02dT%02d:%02d:%02dZ", c.Year, c.Month, c.Day, c.Hour, c.Minute, c.Second))
	w.yes("accuracy")
	w.place()
	w.number("epfd", 4)
	w.spare(10)
	w.yes("raim")
	w.number("radio", 19)
}

func (w *walk) dimensions() {
	w.number("to_bow", 9)
	w.number("to_stern", 9)
	w.number("to_port", 6)
	w.number("to_starboard", 6)
}

func (w *walk) reportVoyage() {
	w.number("ais_version", 2)
	w.number("imo", 30)
	w.string("callsign", 7)
	w.string("shipname", 20)
	w.number("shiptype", 8)
	w.dimensions()
	w.number("epfd", 4)
	var eta When
	w.when("eta", &eta)
	w.scaled("draught", 8, draughts)
	w.string("destination", 20)
	w.number("dte", 1)
}

func (w *walk) reportAircraft() {
	w.scaled("alt", 12, heights)
	w.scaled("speed", 10, wholeSOG)
	w.yes("accuracy")
	w.place()
	w.scaled("course", 12, cogTenths)
	w.number("second", 6)
	w.number("regional", 8)
	w.number("dte", 1)
	w.spare(3)
	w.yes("assigned")
	w.yes("raim")
	w.number("radio", 20)
}

func (w *walk) reportB(kind uint8) {
	w.number("reserved", 8)
	w.scaled("speed", 10, sogTenths)
	w.yes("accuracy")
	w.place()
	w.scaled("course", 12, cogTenths)
	w.scaled("heading", 9, headingUnit)
	w.number("second", 6)
	if kind == 19 {
		w.number("regional", 4)
		w.string("shipname", 20)
		w.number("shiptype", 8)
		w.dimensions()
		w.number("epfd", 4)
		w.yes("raim")
		w.number("dte", 1)
		w.yes("assigned")
		return
	}
	w.number("regional", 2)
	for _, key := range [...]string{"cs", "display", "dsc", "band", "msg22", "assigned", "raim"} {
		w.yes(key)
	}
	w.number("radio", 20)
}

func (w *walk) reportAid(m *Message) {
	w.number("aid_type", 5)
	w.spare(120)
	var whole Message
	whole.Bits = *w.b
	if whole.Bits.n >= typeLimits[21].low {
		whole.readAid(&whole.Bits)
		w.out.text("name", whole.Static.Name.String())
	}
	w.yes("accuracy")
	w.place()
	w.dimensions()
	w.number("epfd", 4)
	w.number("second", 6)
	w.yes("off_position")
	w.number("regional", 8)
	w.yes("raim")
	w.yes("virtual_aid")
	w.yes("assigned")
}

func (w *walk) reportPart(m *Message) {
	part := uint8(w.get(2))
	switch part {
	case 0:
		w.string("shipname", 20)
	case 1:
		w.number("shiptype", 8)
		w.string("vendorid", 3)
		w.number("model", 4)
		w.number("serial", 20)
		w.string("callsign", 7)
		if m.MMSI/10000000 == 98 {
			w.number("mothership_mmsi", 30)
		} else {
			w.dimensions()
		}
	default:
		w.out.data("data", w.b, w.at, w.left())
	}
}

func (w *walk) reportFar() {
	w.yes("accuracy")
	w.yes("raim")
	w.number("status", 4)
	w.scaled("lon", 18, lon1)
	w.scaled("lat", 17, lat1)
	w.scaled("speed", 6, farSOG)
	w.scaled("course", 9, farCOG)
	w.yes("gnss")
}
