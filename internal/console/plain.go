package console

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/port"
)

// Sentences of findings are exact: they carry whole names and addresses. On a
// list that is read at a glance the same sentence stands in the port's short
// names; the whole one is always in the title of the element.

// addressPattern finds what may be an address, with the brackets that sentences
// put round it; what does not parse stays as it is.
var addressPattern = regexp.MustCompile(` ?\(?\b[0-9]{1,3}(?:\.[0-9]{1,3}){3}\b\)?`)

// shortName is the name of an asset without the place behind the comma, where
// that still tells it from every other asset of the port.
func shortName(p *port.Port, a *port.Asset) string {
	name := a.Name
	if name == "" {
		return a.ID
	}
	short, _, cut := strings.Cut(name, ", ")
	if !cut {
		return name
	}
	for i := range p.Assets {
		other := &p.Assets[i]
		if other != a && (other.Name == short || strings.HasPrefix(other.Name, short+", ")) {
			return name
		}
	}
	return short
}

// shortSubject is what a subject is called on the map and in the walk.
func shortSubject(p *port.Port, s finding.Subject) string {
	if a := subjectAsset(p, s); a != nil {
		return shortName(p, a)
	}
	return subjectName(p, s)
}

// plain is a sentence of a finding in short names: assets instead of their
// addresses, and without the place that the register puts behind a name.
func plain(p *port.Port, f finding.Finding, text string) string {
	var named []*port.Asset
	note := func(a *port.Asset) {
		if a != nil && a.Name != "" && !slices.Contains(named, a) {
			named = append(named, a)
		}
	}
	for _, s := range append([]finding.Subject{f.Subject}, f.Links...) {
		note(subjectAsset(p, s))
	}
	text = addressPattern.ReplaceAllStringFunc(text, func(m string) string {
		ip, err := netip.ParseAddr(strings.Trim(m, " ()"))
		if err != nil {
			return m
		}
		a := p.AssetByIP(ip)
		if a == nil || a.Name == "" {
			return m
		}
		note(a)
		if strings.Contains(m, "(") {
			return "" // it stands behind the name
		}
		if strings.HasPrefix(m, " ") {
			return " " + a.Name
		}
		return a.Name
	})
	for _, a := range named {
		text = strings.ReplaceAll(text, a.Name, shortName(p, a))
	}
	return text
}

// firstSentence is the part of a summary that stands on a list; the whole is a
// key away.
func firstSentence(s string) string {
	if i := strings.Index(s, ". "); i >= 0 {
		return s[:i+1]
	}
	return s
}

// gist is a fact without the counts behind its colon, where it is long; the
// whole fact is in the title and in the explanation.
func gist(text string) string {
	const long = 60
	if head, _, ok := strings.Cut(text, ": "); ok && len(text) > long && len(head) > long/4 {
		return head
	}
	return text
}

// way is the walk of a finding in short names, "" where it has no stops.
func way(p *port.Port, f finding.Finding) string {
	if len(f.Links) < 2 {
		return ""
	}
	all := hops(f)
	names := make([]string, 0, len(all))
	for _, s := range all[:min(len(all), maxHops)] {
		names = append(names, shortSubject(p, s))
	}
	return strings.Join(names, " → ")
}
