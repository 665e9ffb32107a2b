package continuity

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/quaywatch/quaywatch/internal/port"
)

// smallPort has two zones, a conduit, and services of every kind of need.
func smallPort(t *testing.T) *port.Port {
	t.Helper()
	p, problems := port.Parse("t", []byte(`
port: {name: T, locode: ZZTST, time_zone: UTC, currency: EUR, security_level: 1, centre: [0, 50]}
zones: [{id: it, domain: it, level: 4}, {id: ot, domain: ot, level: 1}, {id: far, domain: ot, level: 1}]
conduits: [{id: it-ot, from: it, to: ot, allow: [{transport: tcp}]}]
assets:
  - {id: app, domain: it, kind: server, zone: it}
  - {id: app-2, domain: it, kind: server, zone: far}
  - {id: plc, domain: ot, kind: plc, zone: ot}
  - {id: crane, domain: ot, kind: crane, zone: ot, controlled_by: [plc]}
  - {id: mill, domain: ot, kind: crane, zone: far, controlled_by: [plc]}
services:
  - {id: orders, needs: {any: [app, app-2]}}
  - {id: lifting, needs: {all: [crane, app]}, recovery: {rto_hours: 4, mtpd_hours: 10}, manual: {fraction: 0.1, limit_hours: 6}}
  - {id: local, needs: {all: [crane, plc]}}
  - {id: remote, needs: mill}
  - {id: trade, needs: {all: [lifting, orders]}}
parties: [{id: chief, kind: person}, {id: deputy, kind: person}]
authorities: [{id: cut, decision: cut the cranes off, over: [ot], holders: [chief, deputy], agree: 2}]
terminals: [{id: quay, kind: container, quay: trade}]
`), time.Time{})
	if p == nil {
		t.Fatal(problems)
	}
	return p
}

func ids(list []Stopped) (out []string) {
	for _, s := range list {
		out = append(out, s.Service)
	}
	slices.Sort(out)
	return out
}

func TestIsolate(t *testing.T) {
	p := smallPort(t)
	for name, c := range map[string]struct {
		cut                   Cut
		stops, unsure, goesOn []string
	}{
		"zone of the cranes": {Cut{Zones: []string{"ot"}}, []string{"lifting", "remote", "trade"}, nil, []string{"local"}},
		"zone of the office": {Cut{Zones: []string{"it"}}, []string{"lifting", "trade"}, nil, []string{"orders"}},
		"both zones":         {Cut{Zones: []string{"it", "ot"}}, []string{"remote"}, nil, []string{"lifting", "local", "orders", "trade"}},
		"conduit":            {Cut{Conduits: []string{"it-ot"}}, nil, []string{"lifting", "trade"}, []string{"orders"}},
		"one device":         {Cut{Assets: []string{"plc"}}, []string{"lifting", "local", "remote", "trade"}, nil, nil},
		"one of two":         {Cut{Assets: []string{"app-2"}}, nil, nil, []string{"orders", "trade"}},
	} {
		t.Run(name, func(t *testing.T) {
			i, err := Isolate(p, c.cut, 5, Options{Runs: 3})
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(ids(i.Stops), c.stops) || !slices.Equal(ids(i.Unsure), c.unsure) || !slices.Equal(ids(i.GoesOn), c.goesOn) {
				t.Errorf("stops %v, undecided %v, goes on %v; want %v, %v, %v", ids(i.Stops), ids(i.Unsure), ids(i.GoesOn), c.stops, c.unsure, c.goesOn)
			}
			if len(c.unsure) > 0 && i.Most.Economy.Mid < i.Least.Economy.Mid {
				t.Errorf("with the undecided it costs less: %v, %v", i.Least.Economy, i.Most.Economy)
			}
		})
	}
	i, err := Isolate(p, Cut{Zones: []string{"ot"}}, 5, Options{Runs: 3})
	if err != nil {
		t.Fatal(err)
	}
	if i.Bearable != 6 || i.First != "lifting" {
		t.Errorf("bearable for %v h because of %q: the limit by hand is 6 h", i.Bearable, i.First)
	}
	if len(i.Deciders) != 1 || i.Deciders[0].Agree != 2 || len(i.Deciders[0].Holders) != 2 {
		t.Errorf("deciders %+v", i.Deciders)
	}
	for _, bad := range []Cut{{}, {Zones: []string{"none"}}, {Conduits: []string{"none"}}, {Assets: []string{"none"}}} {
		if _, err := Isolate(p, bad, 5, Options{Runs: 1}); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
}

// TestRecoverTriesAllOrders compares with every order, scheduled by hand for one
// crew: a thing begins when the one before it is done.
func TestRecoverTriesAllOrders(t *testing.T) {
	p := saltmere(t)
	repairs := []Repair{{ID: "gate-server-1", Hours: 6}, {ID: "tos-storage-1", Hours: 14}, {ID: "asc-manager-1", Hours: 9}}
	r, err := Recover(p, repairs, 1, Options{Runs: 12})
	if err != nil {
		t.Fatal(err)
	}
	best := math.Inf(1)
	for _, order := range [][]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
		at := 0.0
		var downs []Down
		for _, k := range order {
			at += repairs[k].Hours
			downs = append(downs, Down{ID: repairs[k].ID, Until: at})
		}
		sum := 0.0
		for _, s := range outage(t, p, Options{Runs: 12}, downs...).Samples() {
			sum += s.Operator + s.Economy
		}
		best = min(best, sum/12)
	}
	var downs []Down
	for _, w := range r.Work {
		downs = append(downs, Down{ID: w.ID, Until: w.Until})
	}
	sum := 0.0
	for _, s := range outage(t, p, Options{Runs: 12}, downs...).Samples() {
		sum += s.Operator + s.Economy
	}
	if !r.Proven || math.Abs(sum/12-best) > 1e-6*best {
		t.Errorf("the plan loses %v, the best order %v (proven %t)", sum/12, best, r.Proven)
	}
	if r.Tried != 6 {
		t.Errorf("%d schedules compared, there are 6", r.Tried)
	}
}

func TestRecoverKeepsToControllersAndCrews(t *testing.T) {
	p := smallPort(t)
	r, err := Recover(p, []Repair{{ID: "crane", Hours: 3}, {ID: "plc", Hours: 5}, {ID: "app", Hours: 2}}, 2, Options{Runs: 3})
	if err != nil {
		t.Fatal(err)
	}
	at := map[string]Work{}
	busy := map[string]bool{}
	for _, w := range r.Work {
		at[w.ID] = w
		for h := w.From; h < w.Until; h++ {
			key := fmt.Sprint(w.Crew, h)
			if busy[key] || w.Crew < 1 || w.Crew > 2 {
				t.Errorf("crew %d does two things in hour %v", w.Crew, h)
			}
			busy[key] = true
		}
	}
	if at["crane"].From < at["plc"].Until {
		t.Errorf("the crane is begun at %v, before its controller is back at %v", at["crane"].From, at["plc"].Until)
	}
	many := []Repair{}
	for _, id := range []string{"crane", "plc", "app", "app-2", "mill", "lifting"} {
		many = append(many, Repair{ID: id})
	}
	r, err = Recover(p, many, 1, Options{Runs: 2})
	if err != nil {
		t.Fatal(err)
	}
	if r.Proven || !r.Repairs[0].Assumed || r.Repairs[0].Hours != AssumedRepair {
		t.Errorf("six things: proven %t, %+v", r.Proven, r.Repairs[0])
	}
	if _, err := Recover(p, nil, 1, Options{}); err == nil || !strings.Contains(err.Error(), "0 repairs") {
		t.Errorf("nothing to repair: %v", err)
	}
}
