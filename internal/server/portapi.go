package server

import (
	"context"
	"net/http"
	"slices"

	"github.com/quaywatch/quaywatch/internal/identity"
)

type TextQuery struct {
	Text string `query:"text" maxLength:"200" doc:"part of an id or name"`
	Paging
}

type areasQuery struct {
	Site       string `query:"site" maxLength:"100"`
	Restricted string `query:"restricted" enum:"true,false"`
	TextQuery
}

type zonesQuery struct {
	Domain string `query:"domain" enum:"it,ot,physical"`
	Site   string `query:"site" maxLength:"100"`
	TextQuery
}

type conduitsQuery struct {
	From string `query:"from" maxLength:"100" doc:"zone that opens"`
	To   string `query:"to" maxLength:"100" doc:"zone that serves"`
	TextQuery
}

type assetsQuery struct {
	Domain      string `query:"domain" enum:"it,ot,physical"`
	Kind        string `query:"kind" maxLength:"100"`
	Zone        string `query:"zone" maxLength:"100"`
	Area        string `query:"area" maxLength:"100"`
	Owner       string `query:"owner" maxLength:"100"`
	Criticality string `query:"criticality" enum:"low,medium,high,critical"`
	Service     string `query:"service" maxLength:"100" doc:"service that needs the asset, directly or not"`
	Text        string `query:"text" maxLength:"200" doc:"part of id, name, vendor, product, model, serial or address"`
	Paging
}

type partiesQuery struct {
	Kind string `query:"kind" enum:"person,team,company,agency"`
	TextQuery
}

type nothing struct{}

type idPath struct {
	ID string `path:"id" maxLength:"200"`
}

func (s *Server) port() *portView { return s.views.get(s.deps.Port()) }

func (s *Server) addPort(a *api) {
	get(a, "port", identity.ViewPort, "/port", "getPort", "The port: name, level, shapes, and how much is declared",
		func(context.Context, *nothing) (portAnswer, error) { return s.port().port, nil })
	declared(a, "/sites", "listSites", "Sites", func() []siteView { return s.port().sites },
		func(v *siteView) string { return v.ID }, func(in *TextQuery) Paging { return in.Paging },
		func(in *TextQuery, v *siteView) bool { return matches(in.Text, v.ID, v.Name) })
	declared(a, "/areas", "listAreas", "Areas with perimeters and access points", func() []areaView { return s.port().areas },
		func(v *areaView) string { return v.ID }, func(in *areasQuery) Paging { return in.Paging },
		func(in *areasQuery, v *areaView) bool {
			return is(in.Site, v.Site) && (in.Restricted == "" || v.Restricted == (in.Restricted == "true")) && matches(in.Text, v.ID, v.Name)
		})
	declared(a, "/zones", "listZones", "Zones", func() []zoneView { return s.port().zones },
		func(v *zoneView) string { return v.ID }, func(in *zonesQuery) Paging { return in.Paging },
		func(in *zonesQuery, v *zoneView) bool {
			return is(in.Domain, v.Domain) && is(in.Site, v.Site) && matches(in.Text, v.ID, v.Name)
		})
	declared(a, "/conduits", "listConduits", "Conduits: what is allowed between zones", func() []conduitView { return s.port().conduits },
		func(v *conduitView) string { return v.ID }, func(in *conduitsQuery) Paging { return in.Paging },
		func(in *conduitsQuery, v *conduitView) bool {
			return is(in.From, v.From) && is(in.To, v.To) && matches(in.Text, v.ID, v.Name)
		})
	declared(a, "/assets", "listAssets", "Assets", func() []assetView { return s.port().assets },
		func(v *assetView) string { return v.ID }, func(in *assetsQuery) Paging { return in.Paging }, (*assetsQuery).keeps)
	declared(a, "/services", "listServices", "Services and what they need", func() []serviceView { return s.port().services },
		func(v *serviceView) string { return v.ID }, func(in *TextQuery) Paging { return in.Paging },
		func(in *TextQuery, v *serviceView) bool { return matches(in.Text, v.ID, v.Name) })
	declared(a, "/authorities", "listAuthorities", "Who may decide what", func() []authorityView { return s.port().authorities },
		func(v *authorityView) string { return v.ID }, func(in *TextQuery) Paging { return in.Paging },
		func(in *TextQuery, v *authorityView) bool { return matches(in.Text, v.ID, v.Decision) })
	s.addParties(a)
}

func (in *assetsQuery) keeps(v *assetView) bool {
	if !is(in.Domain, v.Domain) || !is(in.Kind, v.Kind) || !is(in.Zone, v.Zone) || !is(in.Area, v.Area) ||
		!is(in.Owner, v.Owner) || !is(in.Criticality, v.Criticality) ||
		in.Service != "" && !slices.Contains(v.Services, in.Service) {
		return false
	}
	return matches(in.Text, v.ID, v.Name, v.Vendor, v.Product, v.Model, v.Serial) ||
		slices.ContainsFunc(v.Addresses, func(a addressView) bool { return matches(in.Text, a.IP, a.MAC) })
}

// declared registers a list of one kind of the port file, and one item by id.
func declared[I, T any](a *api, path, id, summary string, all func() []T, key func(*T) string, paged func(*I) Paging, keep func(*I, *T) bool) {
	listed(a, path, id, summary, all, key, paged, keep, func(context.Context, *T) {})
}

// listed is declared with a last touch to what is shown to who asks.
func listed[I, T any](a *api, path, id, summary string, all func() []T, key func(*T) string, paged func(*I) Paging, keep func(*I, *T) bool, touch func(context.Context, *T)) {
	keyOf := func(v T) string { return key(&v) }
	get(a, "port", identity.ViewPort, path, id, summary, func(ctx context.Context, in *I) (list[T], error) {
		kept := []T{}
		items := all()
		for i := range items {
			if keep(in, &items[i]) {
				kept = append(kept, items[i])
			}
		}
		out, err := page(kept, keyOf, paged(in))
		for i := range out.Items {
			touch(ctx, &out.Items[i])
		}
		return out, err
	})
	get(a, "port", identity.ViewPort, path+"/{id}", singular(id), "One of these by its id", func(ctx context.Context, in *idPath) (T, error) {
		items := all()
		i, ok := slices.BinarySearchFunc(items, in.ID, func(v T, id string) int {
			switch k := key(&v); {
			case k < id:
				return -1
			case k > id:
				return 1
			}
			return 0
		})
		if !ok {
			var none T
			return none, problem(http.StatusNotFound, "The port file declares nothing of this kind with this id.")
		}
		one := items[i]
		touch(ctx, &one)
		return one, nil
	})
}

// singular makes getAsset of listAssets.
func singular(id string) string {
	switch id {
	case "listParties":
		return "getParty"
	case "listAuthorities":
		return "getAuthority"
	}
	return "get" + id[len("list"):len(id)-1]
}

func (s *Server) addParties(a *api) {
	listed(a, "/parties", "listParties", "People, teams, companies and agencies", func() []partyView { return s.port().parties },
		func(v *partyView) string { return v.ID }, func(in *partiesQuery) Paging { return in.Paging },
		func(in *partiesQuery, v *partyView) bool {
			return is(in.Kind, v.Kind) && matches(in.Text, v.ID, v.Name)
		},
		func(ctx context.Context, v *partyView) {
			if v.Kind != "agency" && !identity.Allowed(ctx, identity.ViewPeople, identity.ThePort) {
				v.Phone, v.Email, v.Areas = "", "", nil
			}
		})
}
