package ais

import "math"

// Corrections is type 17: differential corrections of a reference station. The
// correction itself (M.823 words) stays in Message.Bits, Len bits from bit At.
type Corrections struct {
	Lat, Lon float64 // of the reference station, degrees, to 0.1 minute, NaN absent
	At, Len  int     // place of the corrections in the message, bits; reading only
	Words    []byte  // writing only: the corrections, whole bytes
}

func (c *Corrections) fits(kind uint8) bool { return kind == 17 }

func (c *Corrections) layout(w *walk) {
	w.spare(2)
	w.measure("lon", 18, lon1, &c.Lon)
	w.measure("lat", 17, lat1, &c.Lat)
	w.spare(5)
	if w.write {
		for _, v := range c.Words {
			w.put(8, uint64(v))
		}
		return
	}
	c.At, c.Len = w.at, w.left()
	if w.out != nil {
		w.out.data("data", w.b, c.At, c.Len)
	}
}

// Corrections reads type 17.
func (m *Message) Corrections() (v Corrections, ok bool) {
	if ok = v.fits(m.Type); ok {
		v.layout(&walk{b: &m.Bits, at: 38, end: m.Bits.n})
	}
	return v, ok
}

// Reservation is slots that a base station keeps for itself.
type Reservation struct {
	Offset    uint16 // slots from the one of the message, 0..4095
	Slots     uint8  // how many one after another, 1..15
	Timeout   uint8  // minutes, 0..7
	Increment uint16 // slots to the next of the block, 0..2047
}

// DataLink is type 20: one to four reservations.
type DataLink struct {
	Count        uint8 // reservations that the message has room for, 1..4
	Reservations [4]Reservation
}

func (d *DataLink) fits(kind uint8) bool { return kind == 20 }

var linkKeys = [4][4]string{
	{"offset1", "number1", "timeout1", "increment1"}, {"offset2", "number2", "timeout2", "increment2"},
	{"offset3", "number3", "timeout3", "increment3"}, {"offset4", "number4", "timeout4", "increment4"},
}

func (d *DataLink) layout(w *walk) {
	w.spare(2)
	if !w.write {
		d.Count = uint8(min(w.left()/30, 4))
	}
	for i := range 4 {
		if i >= int(d.Count) {
			if w.write {
				break
			}
			w.end = min(w.end, w.at) // what is left is no whole reservation
		}
		r, k := &d.Reservations[i], &linkKeys[i]
		absent := int64(0) // the first is always there
		if i == 0 {
			absent = -1
		}
		code(w, k[0], 12, &r.Offset, absent)
		code(w, k[1], 4, &r.Slots, absent)
		code(w, k[2], 3, &r.Timeout, absent)
		code(w, k[3], 11, &r.Increment, absent)
	}
	if rest := w.at % 8; w.write && rest > 0 {
		w.spare(8 - rest)
	}
}

// DataLink reads type 20.
func (m *Message) DataLink() (v DataLink, ok bool) {
	if ok = v.fits(m.Type); ok {
		v.layout(&walk{b: &m.Bits, at: 38, end: m.Bits.n})
	}
	return v, ok
}

// Area is a rectangle by its corners, degrees to 0.1 minute; NaN absent.
type Area struct {
	North, East, South, West float64
}

var areaLon, areaLat = coordinate(600, 180, 6), coordinate(600, 90, 6)

func (a *Area) layout(w *walk) {
	w.measure("ne_lon", 18, areaLon, &a.East)
	w.measure("ne_lat", 17, areaLat, &a.North)
	w.measure("sw_lon", 18, areaLon, &a.West)
	w.measure("sw_lat", 17, areaLat, &a.South)
}

// ChannelManagement is type 22: the channels of an area, or of two stations.
type ChannelManagement struct {
	ChannelA, ChannelB uint16    // ITU-R M.1084 numbers, 0..4095
	TxRx               uint8     // 0..15: which channels are used to send and to receive
	LowPower           bool      // 1 W instead of 12.5 W
	Addressed          bool      // to Stations rather than to Area
	Area               Area      // all NaN where Addressed
	Stations           [2]uint32 // MMSI
	NarrowA, NarrowB   bool      // 12.5 kHz
	ZoneSize           uint8     // nautical miles less one, 0..7
}

func (c *ChannelManagement) fits(kind uint8) bool { return kind == 22 }

func (c *ChannelManagement) layout(w *walk) {
	w.spare(2)
	whole(w, "channel_a", 12, &c.ChannelA)
	whole(w, "channel_b", 12, &c.ChannelB)
	whole(w, "txrx", 4, &c.TxRx)
	w.flag("power", &c.LowPower)
	if !w.write { // what the next 70 bits are is told behind them
		c.Addressed = w.b.Uint(139, 1) == 1
	}
	if c.Addressed {
		nan := math.NaN()
		c.Area = Area{nan, nan, nan, nan}
		whole(w, "dest1", 30, &c.Stations[0])
		w.spare(5)
		whole(w, "dest2", 30, &c.Stations[1])
		w.spare(5)
	} else {
		c.Stations = [2]uint32{}
		c.Area.layout(w)
	}
	w.flag("addressed", &c.Addressed)
	w.flag("band_a", &c.NarrowA)
	w.flag("band_b", &c.NarrowB)
	whole(w, "zonesize", 3, &c.ZoneSize)
	w.spare(23)
}

// ChannelManagement reads type 22.
func (m *Message) ChannelManagement() (v ChannelManagement, ok bool) {
	if ok = v.fits(m.Type); ok {
		v.layout(&walk{b: &m.Bits, at: 38, end: m.Bits.n})
	}
	return v, ok
}

// GroupAssignment is type 23: a base station orders a group of stations in an area.
type GroupAssignment struct {
	Area        Area
	StationType uint8 // 0..15: 0 all mobiles, 1 class A, 2 class B, 6 inland waterways…
	ShipType    uint8 // 0 all, else the ship type of message 5
	TxRx        uint8 // 0..3
	Interval    uint8 // 0..15: a code of the reporting interval
	Quiet       uint8 // minutes of silence, 0..15, 0 none
}

func (g *GroupAssignment) fits(kind uint8) bool { return kind == 23 }

func (g *GroupAssignment) layout(w *walk) {
	w.spare(2)
	g.Area.layout(w)
	whole(w, "stationtype", 4, &g.StationType)
	whole(w, "shiptype", 8, &g.ShipType)
	w.spare(22)
	whole(w, "txrx", 2, &g.TxRx)
	whole(w, "interval", 4, &g.Interval)
	whole(w, "quiet", 4, &g.Quiet)
	w.spare(6)
}

// GroupAssignment reads type 23.
func (m *Message) GroupAssignment() (v GroupAssignment, ok bool) {
	if ok = v.fits(m.Type); ok {
		v.layout(&walk{b: &m.Bits, at: 38, end: m.Bits.n})
	}
	return v, ok
}
