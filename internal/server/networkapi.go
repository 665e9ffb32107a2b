package server

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"strings"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/identity"
	"github.com/quaywatch/quaywatch/internal/watch/network"
)

type hostsQuery struct {
	Zone       string `query:"zone" maxLength:"100"`
	Role       string `query:"role" maxLength:"40"`
	Registered string `query:"registered" enum:"true,false" doc:"whether the port file has it as an asset"`
	Text       string `query:"text" maxLength:"200" doc:"part of id, name, address, vendor or product"`
	Paging
}

type usesQuery struct {
	From    string `query:"from" maxLength:"100" doc:"zone"`
	To      string `query:"to" maxLength:"100" doc:"zone"`
	Verdict string `query:"verdict" enum:"allowed and seen,allowed and unseen,undeclared,undecided,same zone"`
	Paging
}

type flowsQuery struct {
	FromZone string `query:"from_zone" maxLength:"100" doc:"zone of the side that opened"`
	ToZone   string `query:"to_zone" maxLength:"100" doc:"zone of the side that served"`
	Port     uint16 `query:"port" doc:"of the server; 0: any"`
	Span
	Limit int `query:"limit" minimum:"1" maximum:"10000" default:"1000" doc:"most rows, the largest first"`
}

type operationsQuery struct {
	Device    string `query:"device" maxLength:"100" doc:"asset, device id, or address of the device"`
	Client    string `query:"client" maxLength:"100" doc:"asset, device id, or address of who asked"`
	Operation string `query:"operation" enum:"firmware,program,set-time,start,stop,upload,write"`
	Span
	Limit int `query:"limit" minimum:"1" maximum:"10000" default:"1000" doc:"most rows, the newest first"`
}

func (s *Server) addNetwork(a *api) {
	get(a, "network", identity.ViewNetwork, "/hosts", "listHosts", "Devices that were seen on the networks", s.listHosts)
	get(a, "network", identity.ViewNetwork, "/hosts/{id}", "getHost", "One device that was seen", s.host)
	get(a, "network", identity.ViewNetwork, "/conduit-uses", "listConduitUses", "What went between zones, and whether a conduit allows it", s.listUses)
	get(a, "network", identity.ViewNetwork, "/flows", "listFlows", "Totals of past conversations by client, server and service", s.flows)
	get(a, "network", identity.ViewNetwork, "/device-operations", "listDeviceOperations", "What was asked of devices, by whom and when: changes, copies of programs, starts and stops", s.operated)
}

func (s *Server) listHosts(_ context.Context, in *hostsQuery) (list[network.Host], error) {
	p := s.deps.Network()
	kept := sorted(p.Hosts, func(h *network.Host) bool {
		return is(in.Zone, h.Zone) && is(in.Role, h.Role) &&
			(in.Registered == "" || (h.Asset != "") == (in.Registered == "true")) &&
			matches(in.Text, h.ID, h.Vendor, h.Product, strings.Join(h.Names, "\n"), strings.Join(h.IPs, "\n"), strings.Join(h.MACs, "\n"))
	}, func(h *network.Host) network.Host { return *h }, hostKey)
	out, err := page(kept, hostKey, in.Paging)
	out.AsOf = p.AsOf
	return out, err
}

func hostKey(h network.Host) string { return h.ID }

func (s *Server) host(_ context.Context, in *idPath) (network.Host, error) {
	for _, h := range s.deps.Network().Hosts {
		if h.ID == in.ID {
			return h, nil
		}
	}
	return network.Host{}, problem(http.StatusNotFound, "No device of this id was seen.")
}

func (s *Server) listUses(_ context.Context, in *usesQuery) (list[network.ConduitUse], error) {
	p := s.deps.Network()
	kept := sorted(p.Uses, func(u *network.ConduitUse) bool {
		return is(in.From, u.From) && is(in.To, u.To) && is(in.Verdict, string(u.Verdict))
	}, func(u *network.ConduitUse) network.ConduitUse { return *u }, useKey)
	out, err := page(kept, useKey, in.Paging)
	out.AsOf = p.AsOf
	return out, err
}

func useKey(u network.ConduitUse) string {
	return fmt.Sprintf("%s\x00%s\x00%s\x00%05d\x00%s\x00%s", u.From, u.To, u.Transport, u.Port, u.Application, u.Conduit)
}

func (s *Server) flows(ctx context.Context, in *flowsQuery) (found[event.FlowTotal], error) {
	out := found[event.FlowTotal]{Items: []event.FlowTotal{}}
	if s.deps.Flows == nil {
		return out, missing("history of flows")
	}
	from, to, err := in.bounds(s.now())
	if err != nil {
		return out, err
	}
	q := event.FlowQuery{From: from, To: to, Port: in.Port, Limit: in.Limit}
	if q.Client, err = s.networks("from_zone", in.FromZone); err != nil {
		return out, err
	}
	if q.Server, err = s.networks("to_zone", in.ToZone); err != nil {
		return out, err
	}
	rows, err := s.deps.Flows.FlowTotals(ctx, q)
	if err != nil {
		return out, err
	}
	out.Items, out.Cut = append(out.Items, rows...), len(rows) >= in.Limit
	return out, nil
}

func (s *Server) operated(ctx context.Context, in *operationsQuery) (found[event.DeviceOperation], error) {
	out := found[event.DeviceOperation]{Items: []event.DeviceOperation{}}
	if s.deps.Operated == nil {
		return out, missing("history of operations")
	}
	from, to, err := in.bounds(s.now())
	if err != nil {
		return out, err
	}
	rows, err := s.deps.Operated.Operations(ctx, event.OperationQuery{From: from, To: to, Operation: in.Operation, Limit: in.Limit,
		Servers: s.addresses(in.Device), Clients: s.addresses(in.Client)})
	if err != nil {
		return out, err
	}
	out.Items, out.Cut = append(out.Items, rows...), len(rows) >= in.Limit
	return out, nil
}

// addresses are those of an asset or a device that was seen, declared and
// observed; another text is taken for an address by itself.
func (s *Server) addresses(name string) []string {
	if name == "" {
		return nil
	}
	return network.AddressesOf(s.deps.Port(), s.deps.Network().Hosts, name)
}

// networks are those of a zone. A zone without any, such as the outside, can't
// be asked for: an empty filter would mean everything.
func (s *Server) networks(name, zone string) ([]netip.Prefix, error) {
	if zone == "" {
		return nil, nil
	}
	for _, z := range s.deps.Port().Zones {
		if z.ID != zone {
			continue
		}
		if len(z.Networks) == 0 {
			return nil, badQuery(name, "is a zone without networks, so its flows can't be selected")
		}
		return z.Networks, nil
	}
	return nil, badQuery(name, "is not a zone of the port file")
}
