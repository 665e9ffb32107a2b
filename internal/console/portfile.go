package console

import (
	"net/http"
	"slices"
	"strings"

	"github.com/a-h/templ"

	"github.com/quaywatch/quaywatch/internal/identity"
	"github.com/quaywatch/quaywatch/internal/port"
)

const portRows = 200 // of one section

// portView is the declared port, section by section.
type portView struct {
	frame
	P        *port.Port
	Source   string // path it was read from
	Problems port.Problems
	People   bool // contact details may be shown
	Parts    []partCount
	Assets   map[string]int // assets by zone
}

type partCount struct {
	ID, Name string
	N        int
}

func (c *Console) portFile(_ http.ResponseWriter, r *http.Request) (templ.Component, error) {
	p := c.d.Port()
	v := portView{P: p, Assets: assetsIn(p), Source: c.d.PortPath, People: c.d.Allowed(r.Context(), identity.ViewPeople, identity.ThePort)}
	if c.d.PortProblems != nil {
		v.Problems = c.d.PortProblems()
	}
	v.Parts = []partCount{
		{"sites", "Sites", len(p.Sites)}, {"areas", "Areas", len(p.Areas)}, {"zones", "Zones", len(p.Zones)},
		{"conduits", "Conduits", len(p.Conduits)}, {"services", "Services", len(p.Services)}, {"parties", "Parties", len(p.Parties)},
		{"authorities", "Authorities", len(p.Authorities)}, {"vessels", "Vessels", len(p.Vessels)}, {"aids", "Aids", len(p.Aids)},
	}
	v.frame = c.frame(r, "Port file", "port")
	return portPage(v), nil
}

// first are at most portRows entries of a section.
func first[T any](all []T) []T { return all[:min(len(all), portRows)] }

// needWords writes what a service needs, such as "all of (A, any of (B, C))".
func needWords(n port.Need) string {
	list := func(head string, of []port.Need) string {
		parts := make([]string, len(of))
		for i, m := range of {
			parts[i] = needWords(m)
		}
		return head + " (" + strings.Join(parts, ", ") + ")"
	}
	switch {
	case n.ID != "":
		return n.ID
	case len(n.All) > 0:
		return list("all of", n.All)
	case len(n.Any) > 0:
		return list("any of", n.Any)
	case n.KOfN != nil:
		return list(amount(float64(n.KOfN.K))+" of", n.KOfN.Of)
	}
	return "nothing declared"
}

// networksOf writes the networks of a zone.
func networksOf(z port.Zone) string {
	if z.External {
		return "everything else"
	}
	var out []string
	for _, n := range z.Networks {
		out = append(out, n.String())
	}
	return strings.Join(out, ", ")
}

func kindsOfPoints(a port.Area) string {
	var out []string
	for _, ap := range a.AccessPoints {
		out = append(out, ap.Name+" ("+ap.Kind+")")
	}
	return strings.Join(out, ", ")
}

func badgesOf(p port.Party) string {
	n, revoked := len(p.Badges), 0
	for _, b := range p.Badges {
		if b.Revoked {
			revoked++
		}
	}
	if n == 0 {
		return "–"
	}
	out := plural(n, "badge", "badges")
	if revoked > 0 {
		out += ", " + number(revoked) + " revoked"
	}
	return out
}

// assetsIn counts the assets of each zone.
func assetsIn(p *port.Port) map[string]int {
	out := map[string]int{}
	for i := range p.Assets {
		out[p.Assets[i].Zone]++
	}
	return out
}

// warnings and faults of the file.
func (v portView) faults() int {
	n := 0
	for _, p := range v.Problems {
		if !p.Warning {
			n++
		}
	}
	return n
}

func sorted(s []string) string {
	s = slices.Clone(s)
	slices.Sort(s)
	return strings.Join(s, ", ")
}
