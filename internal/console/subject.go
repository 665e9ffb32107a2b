package console

import (
	"net/netip"
	"net/url"
	"strings"

	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/port"
)

// subjectAsset is the asset that a subject is or stands for, nil where the
// register has none.
func subjectAsset(p *port.Port, s finding.Subject) *port.Asset {
	if a := p.Asset(s.ID); a != nil {
		return a
	}
	id := strings.TrimPrefix(s.ID, "ip:")
	if ip, err := netip.ParseAddr(id); err == nil {
		return p.AssetByIP(ip)
	}
	if mac, ok := strings.CutPrefix(s.ID, "mac:"); ok {
		return p.AssetByMAC(mac)
	}
	return nil
}

// subjectName is what people call it.
func subjectName(p *port.Port, s finding.Subject) string {
	if s.Name != "" {
		return s.Name
	}
	if a := subjectAsset(p, s); a != nil && a.Name != "" {
		return a.Name
	}
	if z := p.Zone(s.ID); z != nil {
		return z.Name
	}
	if a := p.Area(s.ID); a != nil {
		return a.Name
	}
	return s.ID
}

// subjectPath is the page about a subject, "" where there is none.
func subjectPath(p *port.Port, s finding.Subject) string {
	switch s.Kind {
	case "vessel":
		mmsi, _, _ := strings.Cut(strings.TrimPrefix(s.ID, "mmsi:"), "/")
		return "/vessels/" + url.PathEscape(mmsi)
	case "source":
		return "/sources#" + url.PathEscape(s.ID)
	case "area":
		return "/people#" + url.PathEscape(s.ID)
	}
	if a := subjectAsset(p, s); a != nil {
		return "/inventory/" + url.PathEscape(a.ID)
	}
	if s.Kind == "host" {
		return "/hosts/" + url.PathEscape(s.ID)
	}
	return ""
}
