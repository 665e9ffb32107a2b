package source

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/quaywatch/quaywatch/internal/event"
)

// What a source tells must be such that every later stage can keep it: text is
// valid UTF-8 (a stream message with a wrong byte can't be read back, and takes
// its whole batch with it), and times have a year of four digits (RFC 3339).
// Both can be chosen by whoever sends: a base station may radio the year 16383.
// A wrong byte becomes U+FFFD and a time that can't be is absent; the raw bytes
// keep what was really sent, and the observation is never refused for it.

func fitText(texts ...*string) {
	for _, s := range texts {
		if !utf8.ValidString(*s) {
			*s = strings.ToValidUTF8(*s, "\uFFFD")
		}
	}
}

func fitTexts(list []string) {
	for i := range list {
		fitText(&list[i])
	}
}

// fitTime makes a time that can't be written absent.
func fitTime(times ...*time.Time) {
	for _, t := range times {
		if y := t.Year(); y < 1 || y > 9999 {
			*t = time.Time{}
		}
	}
}

// fitHead makes a head fit; a told time that can't be is replaced by the arrival.
func fitHead(h *event.Head) {
	if y := h.Time.Year(); y < 1 || y > 9999 {
		h.Time, h.Told = h.Seen, false
	}
	fitTime(&h.Time, &h.Seen)
	fitText(&h.Exercise, &h.Source, &h.Raw.Input)
}

func fitVessel(r *event.VesselReport) {
	fitHead(&r.Head)
	fitTime(&r.Clock)
	fitText(&r.Name, &r.CallSign, &r.Destination, &r.Station)
}

func fitEnd(e *event.Endpoint) { fitText(&e.MAC, &e.IP) }

func fitFlow(r *event.Flow) {
	fitHead(&r.Head)
	if fitTime(&r.Last); r.Last.Before(r.Time) {
		r.Last = r.Time
	}
	fitEnd(&r.Client)
	fitEnd(&r.Server)
	fitText(&r.Transport, &r.Application)
	fitTexts(r.Operations)
}

func fitDevice(r *event.DeviceSighting) {
	fitHead(&r.Head)
	fitText(&r.MAC, &r.IP, &r.Protocol, &r.Name, &r.Vendor, &r.Product, &r.Model, &r.Firmware, &r.Serial, &r.Behind)
	for i := range r.Facts {
		fitText(&r.Facts[i].Name, &r.Facts[i].Value)
	}
}

func fitOperation(r *event.DeviceOperation) {
	fitHead(&r.Head)
	if fitTime(&r.Last); r.Last.Before(r.Time) {
		r.Last = r.Time
	}
	fitEnd(&r.Client)
	fitEnd(&r.Server)
	fitText(&r.Transport, &r.Protocol, &r.Operation, &r.Function)
}

func fitAccess(r *event.AccessEvent) {
	fitHead(&r.Head)
	fitText(&r.Reader, &r.Badge, &r.Person, &r.Direction, &r.Reason)
}

func fitAlert(r *event.Alert) {
	fitHead(&r.Head)
	fitEnd(&r.Client)
	fitEnd(&r.Server)
	fitText(&r.Product, &r.Signature, &r.Severity, &r.Asset, &r.Text)
}

func fitAdvisory(r *event.Advisory) {
	fitHead(&r.Head)
	fitTime(&r.Released)
	fitText(&r.ID, &r.Title, &r.Version, &r.TLP, &r.Publisher)
	fitTexts(r.CVEs)
	fitTexts(r.Vendors)
	fitTexts(r.Products)
	for i := range r.Weaknesses {
		w := &r.Weaknesses[i]
		fitText(&w.ID, &w.Title, &w.System, &w.Vector)
	}
	for i := range r.Fixes {
		fitText(&r.Fixes[i].Kind, &r.Fixes[i].Details, &r.Fixes[i].URL)
	}
	for i := range r.Advised {
		a := &r.Advised[i]
		fitText(&a.Vendor, &a.Name, &a.Kind, &a.Version, &a.CPE, &a.PURL)
		fitTexts(a.Models)
		fitTexts(a.Serials)
		fitTexts(a.Assets)
	}
}

func fitExploited(r *event.Exploited) {
	fitHead(&r.Head)
	fitText(&r.CVE, &r.Vendor, &r.Product, &r.Name)
}

func fitContact(r *event.Contact) {
	fitHead(&r.Head)
	fitText(&r.Sensor, &r.Track, &r.Class)
}

func fitHealth(r *event.SourceHealth) {
	fitHead(&r.Head)
	fitTime(&r.LastSeen, &r.LastTold)
	fitText(&r.Error, &r.DriftFrom)
	for i := range r.Reasons {
		fitText(&r.Reasons[i].Text, &r.Reasons[i].Last.Input)
	}
}
