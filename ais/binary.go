package ais

import "fmt"

// AppID names an application of binary messages: the designated area code of
// who defined it and the function identifier (M.1371-5 annex 5).
type AppID struct {
	DAC uint16 // 0..1023: 1 international, 200 inland, else a country's MID
	FI  uint8  // 0..63
}

func (a AppID) String() string { return fmt.Sprintf("%d/%d", a.DAC, a.FI) }

// Application is the values of one application-specific message. Its fields
// method visits them from the first bit after the identifier on.
type Application interface {
	ID() AppID
	fields(w *walk)
}

// Binary is types 6 (addressed), 8 (broadcast), 25 and 26 (one slot, several
// slots). Of 25 and 26 only those with Structured set name an application.
type Binary struct {
	App         AppID
	Addressed   bool   // to Destination; types 6, 25, 26
	Structured  bool   // an application is named; always for 6 and 8
	Retransmit  bool   // type 6
	Seq         uint8  // 0..3, type 6
	Destination uint32 // MMSI
	Radio       uint32 // communication state as sent, 20 bits, type 26
	At, Len     int    // place of the application's data in the message, bits; reading only

	Application Application // writing: the values; reading: left nil, see Message.Application
	Raw         []byte      // writing, where Application is nil: the data,
	RawBits     int         // so many bits of it
	kind        uint8
}

func (v *Binary) fits(kind uint8) bool {
	v.kind = kind
	return kind == 6 || kind == 8 || kind == 25 || kind == 26
}

// Binary reads types 6, 8, 25 and 26, without their data.
func (m *Message) Binary() (v Binary, ok bool) {
	if ok = v.fits(m.Type); ok {
		v.head(&walk{b: &m.Bits, at: 38, end: m.Bits.n})
	}
	return v, ok
}

// head visits what stands before the data and, reading, finds the data.
func (v *Binary) head(w *walk) {
	switch v.kind {
	case 6:
		v.Addressed, v.Structured = true, true
		whole(w, "seqno", 2, &v.Seq)
		whole(w, "dest_mmsi", 30, &v.Destination)
		w.flag("retransmit", &v.Retransmit)
		w.spare(1)
	case 8:
		v.Addressed, v.Structured = false, true
		w.spare(2)
	default:
		w.flag("addressed", &v.Addressed)
		w.flag("structured", &v.Structured)
		if v.Addressed {
			whole(w, "dest_mmsi", 30, &v.Destination)
		} else if v.Destination = 0; w.out.shows("dest_mmsi", true) {
			w.out.int("dest_mmsi", 0)
		}
	}
	v.App = v.identifier(w)
	if w.write {
		return
	}
	if v.kind == 26 { // the communication state ends it
		w.end = max(w.end-20, w.at)
	}
	v.At, v.Len = w.at, w.left()
	if v.kind == 26 {
		v.Radio = uint32(w.b.Uint(w.end, 20))
	}
}

func (v *Binary) identifier(w *walk) AppID {
	a := v.App
	switch {
	case !v.Structured:
		if w.out.shows("app_id", true) {
			w.out.int("app_id", 0)
		}
		return AppID{}
	case v.kind > 8:
		id := a.DAC<<6 | uint16(a.FI)&63
		whole(w, "app_id", 16, &id)
		return AppID{id >> 6, uint8(id & 63)}
	}
	whole(w, "dac", 10, &a.DAC)
	whole(w, "fid", 6, &a.FI)
	return a
}

func (v *Binary) layout(w *walk) {
	if w.write && v.Application != nil {
		v.App, v.Structured = v.Application.ID(), true
	}
	v.head(w)
	switch {
	case w.write && v.Application != nil:
		v.Application.fields(w)
	case w.write:
		v.writeRaw(w)
	case w.out != nil:
		v.json(w)
	}
	if w.write && v.kind == 26 {
		whole(w, "", 20, &v.Radio)
	}
}

func (v *Binary) writeRaw(w *walk) {
	if v.RawBits > len(v.Raw)*8 {
		w.fail("data", v.RawBits, "bits are more than are given")
		return
	}
	for at := 0; at < v.RawBits; at += 8 {
		width := min(8, v.RawBits-at)
		w.put(width, uint64(v.Raw[at/8]>>(8-width)))
	}
}

// json prints the application's fields where it is known, else its bits.
// Types 25 and 26 show bits always, as gpsd does.
func (v *Binary) json(w *walk) {
	if a := v.known(); a != nil && v.kind <= 8 {
		a.fields(w)
		return
	}
	w.out.data("data", w.b, v.At, v.Len)
	if v.kind == 26 {
		w.out.int("radio", int64(v.Radio))
	}
}

// known makes the values' struct for the application, nil where it is unknown
// or the data has not the length of its table.
func (v *Binary) known() Application {
	e, ok := applications[v.App]
	if !v.Structured || !ok || v.Len < e.low || v.Len > e.high+8 { // filled up by some with as much as a byte
		return nil
	}
	return e.make()
}

// Application reads the application-specific message in types 6, 8, 25 and 26;
// false where the application is not known here or its data has not the length
// of its table: then Binary tells where its bits are.
func (m *Message) Application() (Application, bool) {
	v, ok := m.Binary()
	if !ok {
		return nil, false
	}
	a := v.known()
	if a == nil {
		return nil, false
	}
	a.fields(&walk{b: &m.Bits, at: v.At, end: v.At + v.Len})
	return a, true
}

// ReadApplication is Application for a caller that keeps the memory: it reads
// into a where the message is of that application.
func (m *Message) ReadApplication(a Application) bool {
	v, ok := m.Binary()
	if !ok || v.App != a.ID() || v.known() == nil {
		return false
	}
	a.fields(&walk{b: &m.Bits, at: v.At, end: v.At + v.Len})
	return true
}

// application is how long the data of one may be, and how its values are made.
type application struct {
	low, high int // bits after the identifier
	make      func() Application
}

// applications are those known. The lengths are those of the tables; the
// lower one leaves out spare bits at the end.
var applications = map[AppID]application{
	{1, 0}:    {12, 936, func() Application { return &TextTelegram{} }},
	{1, 2}:    {16, 80, func() Application { return &FunctionInquiry{} }},
	{1, 3}:    {10, 80, func() Application { return &CapabilityInquiry{} }},
	{1, 4}:    {138, 264, func() Application { return &Capability{} }},
	{1, 5}:    {31, 80, func() Application { return &ApplicationAck{} }},
	{1, 11}:   {290, 296, func() Application { return &MetHydro236{} }},
	{1, 12}:   {269, 272, func() Application { return &DangerousCargo236{} }},
	{1, 13}:   {412, 416, func() Application { return &FairwayClosed{} }},
	{1, 14}:   {9, 288, func() Application { return &TidalWindow236{} }},
	{1, 15}:   {11, 16, func() Application { return &AirDraught{} }},
	{1, 16}:   {13, 48, func() Application { return &PersonsOnBoard{} }},
	{1, 17}:   {120, 480, func() Application { return &SyntheticTargets{} }},
	{1, 18}:   {229, 272, func() Application { return &Clearance{} }},
	{1, 19}:   {202, 304, func() Application { return &TrafficSignal{} }},
	{1, 20}:   {272, 272, func() Application { return &Berthing{} }},
	{1, 21}:   {301, 304, func() Application { return &ShipWeather{} }},
	{1, 22}:   {55, 925, func() Application { return &AreaNotice{} }},
	{1, 23}:   {55, 925, func() Application { return &AreaNotice{Addressed: true} }},
	{1, 24}:   {294, 304, func() Application { return &ExtendedStatic{} }},
	{1, 25}:   {12, 488, func() Application { return &DangerousCargo{} }},
	{1, 26}:   {112, 896, func() Application { return &Environmental{} }},
	{1, 27}:   {61, 941, func() Application { return &Route{} }},
	{1, 28}:   {61, 941, func() Application { return &Route{Addressed: true} }},
	{1, 29}:   {10, 976, func() Application { return &Description{} }},
	{1, 30}:   {10, 940, func() Application { return &Description{Addressed: true} }},
	{1, 31}:   {294, 304, func() Application { return &MetHydro{} }},
	{1, 32}:   {9, 273, func() Application { return &TidalWindow{} }},
	{1, 40}:   {13, 16, func() Application { return &PersonsOnBoard{Old: true} }},
	{200, 10}: {104, 112, func() Application { return &InlandShip{} }},
	{200, 21}: {155, 160, func() Application { return &InlandETA{} }},
	{200, 22}: {142, 144, func() Application { return &InlandRTA{} }},
	{200, 23}: {194, 200, func() Application { return &InlandWarning{} }},
	{200, 24}: {12, 112, func() Application { return &InlandLevels{} }},
	{200, 40}: {101, 112, func() Application { return &InlandSignal{} }},
	{200, 55}: {29, 80, func() Application { return &InlandPersons{} }},
	{235, 10}: {44, 48, func() Application { return &AidMonitor{Area: 235} }},
	{250, 10}: {44, 48, func() Application { return &AidMonitor{Area: 250} }},
}
