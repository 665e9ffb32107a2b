package port

import (
	"fmt"
	"time"
	_ "time/tzdata" // the same zones on every machine, also one without a zone database

	"github.com/quaywatch/quaywatch/internal/strictyaml"
)

// identity checks what names the port.
func (c *checker) identity() {
	if name := c.port.Identity.TimeZone; name != "" {
		if _, err := location(name); err != nil {
			c.fault(place{section: "port", path: "time_zone"}, fmt.Sprintf("%q is no time zone", name), "write an IANA name, such as Europe/London")
		}
	}
}

// location loads an IANA time zone; "Local" is refused, for it differs from machine to machine.
func location(name string) (*time.Location, error) {
	if name == "" || name == "Local" {
		return nil, fmt.Errorf("%q names no time zone", name)
	}
	return time.LoadLocation(name)
}

// areas checks access points, readers and cameras.
func (c *checker) areas() {
	readers := map[string]place{}
	for i := range c.port.Areas {
		a := &c.port.Areas[i]
		count := 0
		for j := range a.AccessPoints {
			at := place{"areas", i, strictyaml.Item("access_points", j)}
			c.accessPoint(at, a, &a.AccessPoints[j], readers)
			count += len(a.AccessPoints[j].Readers)
		}
		if a.Restricted && count == 0 {
			c.warn(place{"areas", i, "restricted"}, fmt.Sprintf("the restricted area %q has no reader", a.ID), "nobody sees who enters; name the readers of its access points")
		}
	}
}

func (c *checker) accessPoint(at place, a *Area, p *AccessPoint, readers map[string]place) {
	if p.From != "" && p.From == a.ID {
		c.fault(place{at.section, at.index, at.path + ".from"}, "the access point leads from its own area", "from is the area on the outer side; leave it out for the public side")
	}
	for k, id := range p.Readers {
		here := place{at.section, at.index, strictyaml.Item(at.path+".readers", k)}
		c.assetKind(here, id, "badge-reader")
		if first, twice := readers[id]; twice {
			c.fault(here, fmt.Sprintf("the reader %q serves another access point already", id), "it is named in "+c.sources.where(first))
		}
		readers[id] = here
	}
	for k, id := range p.Cameras {
		c.assetKind(place{at.section, at.index, strictyaml.Item(at.path+".cameras", k)}, id, "camera")
	}
}

// assetKind checks that an asset that is used as something is that.
func (c *checker) assetKind(at place, id, kind string) {
	if a := c.asset(id); a != nil && a.Kind != kind {
		c.fault(at, fmt.Sprintf("%q is of kind %s, not %s", id, a.Kind, kind), "name an asset of kind "+kind)
	}
}

// seamarks checks the numbers of vessels and aids.
func (c *checker) seamarks() {
	mmsis, imos := map[int]place{}, map[int]place{}
	for i := range c.port.Vessels {
		v := &c.port.Vessels[i]
		if v.IMO != 0 {
			at := place{"vessels", i, "imo"}
			if text, hint := imoFault(v.IMO); text != "" {
				c.fault(at, text, hint)
			}
			once(c, imos, v.IMO, at, fmt.Sprintf("the IMO number %d", v.IMO))
		}
		c.mmsi(place{"vessels", i, "mmsi"}, v.MMSI, mmsis, shipMMSI, craftMMSI)
	}
	for i := range c.port.Aids {
		use := aidMMSI
		if c.port.Aids[i].Kind == "base-station" {
			use = stationMMSI
		}
		c.mmsi(place{"aids", i, "mmsi"}, c.port.Aids[i].MMSI, mmsis, use)
	}
	for i := range c.port.Sensors {
		s := &c.port.Sensors[i]
		if a := c.asset(s.Asset); s.Position == (Point{}) && (a == nil || a.Position == (Point{})) {
			c.fault(place{"sensors", i, "position"}, "nothing says where the sensor stands", "give its position, or name an asset that has one")
		}
		if s.Range > 0 && s.Blind >= s.Range {
			c.fault(place{"sensors", i, "blind_m"}, fmt.Sprintf("within %g m nothing is seen, and beyond %g m neither", s.Blind, s.Range), "give the blind distance in metres, less than range_m")
		}
	}
}

func (c *checker) mmsi(at place, n int, seen map[int]place, uses ...mmsiUse) {
	if n == 0 {
		return // told as missing
	}
	if text, hint, warning := mmsiFault(n, uses...); text != "" {
		c.tell(at, text, hint, warning)
	}
	once(c, seen, n, at, fmt.Sprintf("the MMSI %09d", n))
}

// once tells what is given twice and shall be given once.
func once[K comparable](c *checker, seen map[K]place, key K, at place, what string) {
	if first, twice := seen[key]; twice {
		c.fault(at, what+" is given twice", "first in "+c.sources.where(first))
		return
	}
	seen[key] = at
}
