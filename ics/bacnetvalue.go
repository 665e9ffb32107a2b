package ics

import (
	"strconv"
	"unicode/utf16"
)

// tags walks tagged values (ASHRAE 135 clause 20.2.1) at one level; opening and
// closing tags are given like values, with depth counted.
type tags struct {
	b       []byte
	number  byte
	context bool
	opening bool
	closing bool
	value   []byte
	count   int
	broken  bool // a value is longer than what is left
}

// next moves on; false at the end, at damage, and after 1,024 tags.
func (t *tags) next() bool {
	if len(t.b) == 0 || t.count >= maxBACnetTags {
		return false
	}
	t.count++
	c := cursor{b: t.b}
	head := c.u8()
	t.number, t.context = byte(head>>4), head&0x08 != 0
	if t.number == 15 {
		t.number = byte(c.u8())
	}
	t.opening, t.closing, t.value = false, false, nil
	n := head & 7
	switch {
	case t.context && n == 6:
		t.opening, n = true, 0
	case t.context && n == 7:
		t.closing, n = true, 0
	case !t.context && t.number == 1: // boolean: the value is in the tag
		n = 0
	case n == 5:
		if n = c.u8(); n == 254 {
			n = c.u16()
		} else if n == 255 {
			n = c.u16()<<16 | c.u16()
		}
	}
	if !c.ok(n) {
		t.b, t.broken = nil, true
		return false
	}
	t.value, t.b = c.take(n), c.b
	return true
}

func (t *tags) unsigned() uint32 {
	if len(t.value) > 4 {
		return 0
	}
	var v uint32
	for _, b := range t.value {
		v = v<<8 | uint32(b)
	}
	return v
}

// words is a character string (clause 20.2.9): one octet of encoding, then text.
func (t *tags) words() string {
	if t.context || t.number != 7 || len(t.value) < 1 {
		return ""
	}
	v := t.value[1:]
	switch t.value[0] {
	case 4: // UCS-2
		return text([]byte(utf16Text(v, true)))
	case 5: // ISO 8859-1
		return text([]byte(latin1(v)))
	}
	return text(v)
}

func latin1(b []byte) string {
	out := make([]rune, 0, len(b))
	for _, c := range b[:min(len(b), maxText)] {
		out = append(out, rune(c))
	}
	return string(out)
}

// utf16Text reads at most 256 code units.
func utf16Text(b []byte, big bool) string {
	units := make([]uint16, 0, min(len(b)/2, maxText))
	for i := 0; i+1 < len(b) && len(units) < maxText; i += 2 {
		if big {
			units = append(units, be16(b[i:]))
		} else {
			units = append(units, le16(b[i:]))
		}
	}
	return string(utf16.Decode(units))
}

// identityProperties of the device object (clause 12.11).
var identityProperties = map[uint32]bool{12: true, 28: true, 44: true, 58: true, 70: true, 77: true, 120: true, 121: true, 372: true}

// asksIdentity: a read of the device object's identity properties only.
func (a *apdu) asksIdentity() bool {
	if a.service != 12 && a.service != 14 {
		return false
	}
	device, found := false, false
	for t := (tags{b: a.body}); t.next(); {
		switch {
		case !t.context || t.opening || t.closing:
		case t.number == 0 && len(t.value) == 4:
			if device = t.unsigned()>>22 == bacnetDevice; !device {
				return false
			}
		case a.service == 12 && t.number == 1 || a.service == 14 && t.number == 0:
			if !identityProperties[t.unsigned()] {
				return false
			}
			found = true
		}
	}
	return device && found
}

// answer reads what a device object says of itself in the answers to
// read-property and read-property-multiple (clauses 15.5 and 15.7).
func (a *apdu) answer(n *npdu, f *bacnetService, r *Result) {
	if a.service != 12 && a.service != 14 {
		return
	}
	var d Device
	instance, property, object := uint32(0), uint32(0), uint32(0)
	depth, told := 0, false
	for t := (tags{b: a.body}); t.next(); {
		switch {
		case t.opening:
			depth++
		case t.closing:
			depth--
		case !t.context:
			if object == bacnetDevice && a.valueDepth(depth) && d.set(property, &t) {
				told = true
			}
		case t.number == 0 && len(t.value) == 4 && depth == 0:
			object, instance = t.unsigned()>>22, t.unsigned()&0x3fffff
		case a.service == 12 && t.number == 1 && depth == 0, a.service == 14 && t.number == 2 && depth == 1:
			property = t.unsigned()
		}
	}
	if !told {
		return
	}
	f.ops = Identify
	d.Facts = append(d.Facts, Fact{"bacnet-device", strconv.Itoa(int(instance))})
	n.give(d, r)
}

func (a *apdu) valueDepth(depth int) bool {
	return a.service == 12 && depth == 1 || a.service == 14 && depth == 2
}

// set takes one property of the device object; false where it is none of identity.
func (d *Device) set(property uint32, t *tags) bool {
	fact := ""
	switch property {
	case 121:
		take(&d.Identity.Vendor, t.words())
	case 70:
		d.Identity.Model = t.words()
	case 44:
		d.Identity.Firmware = t.words()
	case 77:
		d.Identity.Name = t.words()
	case 372:
		d.Identity.Serial = t.words()
	case 12:
		fact = "bacnet-application-software"
	case 28:
		fact = "bacnet-description"
	case 58:
		fact = "bacnet-location"
	case 120:
		if !t.context && t.number == 2 {
			d.Facts = append(d.Facts, Fact{"bacnet-vendor-id", strconv.Itoa(int(t.unsigned()))})
			if d.Identity.Vendor == "" {
				d.Identity.Vendor = bacnetVendor(t.unsigned())
			}
		}
	default:
		return false
	}
	if fact != "" {
		if v := t.words(); v != "" {
			d.Facts = append(d.Facts, Fact{fact, v})
		}
	}
	return true
}

// bacnetVendors are numbers of the register that ASHRAE keeps, those met most
// in ports and plants; one that is not here is told as a number.
var bacnetVendors = map[uint32]string{
	0: "ASHRAE", 2: "The Trane Company", 5: "Johnson Controls, Inc.", 7: "Siemens Schweiz AG (Formerly: Landis & Staefa Division Europe)",
	8: "Delta Controls", 10: "Schneider Electric", 17: "Honeywell Inc.", 18: "Alerton / Honeywell",
	24: "Automated Logic Corporation", 35: "Reliable Controls Corporation", 36: "Tridium Inc.",
}

func bacnetVendor(n uint32) string {
	if name, ok := bacnetVendors[n]; ok {
		return name
	}
	return "BACnet vendor " + strconv.Itoa(int(n))
}
