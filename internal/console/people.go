package console

import (
	"net/http"
	"time"

	"github.com/a-h/templ"

	"github.com/quaywatch/quaywatch/internal/port"
	"github.com/quaywatch/quaywatch/internal/watch/physical"
)

const peopleShown = 60 // of one area

// peopleView is who is inside, by area.
type peopleView struct {
	frame
	Areas  []areaView
	Inside int // in areas that are known
	Doubts int
	Dark   int        // areas of which no reader was ever heard
	AsOf   time.Time  // newest badge use at the doors listed
	Doors  *port.Port // names the readers
	Only   string     // area that alone is shown, "" for all
}

// areaView is one area with the people in it.
type areaView struct {
	Area    *port.Area // nil for an area that the port file does not have
	Name    string
	ID      string
	Count   physical.AreaCount
	People  []physical.Presence
	More    int
	Readers []physical.ReaderState
	Silent  int // readers never heard
}

func (c *Console) people(_ http.ResponseWriter, r *http.Request) (templ.Component, error) {
	p, pic := c.d.Port(), c.d.Physical()
	v := peopleView{Doors: p, Only: r.URL.Query().Get("area")}
	byArea := map[string]*areaView{}
	for i := range p.Areas {
		a := &p.Areas[i]
		if (a.Restricted || len(a.AccessPoints) > 0) && (v.Only == "" || v.Only == a.ID) {
			v.Areas = append(v.Areas, areaView{Area: a, Name: a.Name, ID: a.ID})
		}
	}
	for i := range v.Areas {
		byArea[v.Areas[i].ID] = &v.Areas[i]
	}
	for _, n := range pic.Areas {
		if a := byArea[n.Area]; a != nil {
			a.Count = n
		}
	}
	limit := peopleShown
	if v.Only != "" {
		limit = 1000
	}
	for _, pr := range pic.Presence {
		if a := byArea[pr.Area]; a != nil {
			if len(a.People) < limit {
				a.People = append(a.People, pr)
			} else {
				a.More++
			}
		}
	}
	for _, rs := range pic.Readers {
		if a := byArea[rs.Area]; a != nil {
			a.Readers = append(a.Readers, rs)
			if rs.Last.After(v.AsOf) {
				v.AsOf = rs.Last
			}
			if rs.Last.IsZero() {
				a.Silent++
			}
		}
	}
	for _, a := range v.Areas {
		if !a.Count.Known {
			v.Dark++
			continue
		}
		v.Inside += a.Count.Inside
		v.Doubts += a.Count.Doubtful
	}
	v.frame = c.frame(r, "People on site", "people")
	if fragment(r) {
		return peopleBody(v), nil
	}
	return peoplePage(v), nil
}

// areaClass colours the edge of an area by what is wrong there.
func areaClass(a areaView) string {
	switch {
	case !a.Count.Known:
		return "unknown"
	case a.Count.NotAllowed > 0:
		return "wrong"
	case a.Count.Doubtful > 0:
		return "doubtful"
	case a.Area != nil && a.Area.Restricted:
		return "restricted"
	}
	return ""
}
