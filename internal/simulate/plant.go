package simulate

import (
	"slices"
	"time"

	"github.com/quaywatch/quaywatch/internal/port"
)

// How the stations of a control system work: a panel shows and sets the machine
// that it stands on, a SCADA server polls its zone and is told to change a value
// now and then, an engineering station looks in for a few minutes at a time and
// compares the program, a historian reads everything at a slow beat and sets
// nothing, and its replica is fed by what collects.
const (
	panelPeriod   = 10 * time.Second
	historyPeriod = 60 * time.Second
	lookInPeriod  = 9 * time.Minute
	feedPeriod    = 30 * time.Second
	setEvery      = 20 // polls between two changes of a value, on average
)

// machineApps are the protocols of machines with their ports.
var machineApps = []struct {
	name string
	port uint16
}{{"s7comm", 102}, {"modbus", 502}, {"enip", 44818}}

// target is a machine that a station can reach, and how.
type target struct {
	kind   string
	server station
	app    string
	port   uint16
	write  bool // the conduit lets values be changed; inside a zone always
}

// plant plans the work of panels, SCADA servers, engineering stations and historians.
func (f *fabric) plant() {
	seats := map[string]int{} // stations of a kind in a zone so far
	for i := range f.s.port.Assets {
		a := &f.s.port.Assets[i]
		if !slices.Contains([]string{"hmi", "scada-server", "engineering-station", "historian"}, a.Kind) {
			continue
		}
		st, ok := f.station(a)
		if !ok {
			continue
		}
		n := seats[a.Zone+" "+a.Kind]
		seats[a.Zone+" "+a.Kind]++
		inside, across := f.inside(a), f.across(a)
		switch a.Kind {
		case "hmi":
			f.panel(st, n, inside, across)
		case "scada-server":
			for _, t := range inside {
				f.poll(st, t, panelPeriod, setEvery)
			}
		case "engineering-station":
			f.engineer(st, n, append(inside, across...))
		case "historian":
			for _, t := range append(inside, across...) {
				f.poll(st, t, historyPeriod, 0)
			}
			f.fed(a, st)
		}
	}
}

// panel shows the machines that it belongs to: those of its own zone by its
// seat, else two of those beyond a conduit.
func (f *fabric) panel(st station, n int, inside, across []target) {
	shown := map[string]int{}
	for _, t := range inside {
		if shown[t.kind] == n {
			f.poll(st, t, panelPeriod, setEvery)
		}
		shown[t.kind]++
	}
	if len(inside) > 0 {
		return
	}
	across = slices.DeleteFunc(slices.Clone(across), func(t target) bool { return !t.write })
	for k := range min(2, len(across)) {
		f.poll(st, across[(2*n+k)%len(across)], panelPeriod, setEvery)
	}
}

// inside are the machines of a station's own zone.
func (f *fabric) inside(a *port.Asset) []target {
	return f.targets(a.Zone, "", func(string) (bool, bool) { return true, true })
}

// across are the machines beyond the conduits of a station's zone.
func (f *fabric) across(a *port.Asset) []target {
	var out []target
	for i := range f.s.port.Conduits {
		c := &f.s.port.Conduits[i]
		if c.From != a.Zone {
			continue
		}
		out = append(out, f.targets(c.To, c.From, func(app string) (bool, bool) {
			for _, l := range c.Allow {
				if l.Application == app {
					return true, l.Access != "read"
				}
			}
			return false, false
		})...)
	}
	return out
}

// targets are the machines of a zone in the protocols that may be used; from is
// the zone of who asks where a router stands between.
func (f *fabric) targets(zone, from string, may func(app string) (ask, write bool)) []target {
	var out []target
	for i := range f.s.port.Assets {
		a := &f.s.port.Assets[i]
		if a.Zone != zone {
			continue
		}
		for _, p := range machineApps {
			ask, write := may(p.name)
			kinds := append([]string{"drive"}, serves[p.name]...)
			st, ok := f.station(a)
			if !ask || !ok || !slices.Contains(kinds, a.Kind) || !speaks(a, p.name) {
				continue
			}
			if a.Kind == "drive" && p.name != driveApp(a) {
				continue
			}
			if from != "" {
				st.mac = gateway(from)
			}
			out = append(out, target{a.Kind, st, p.name, p.port, write && a.Kind != "safety-controller"})
		}
	}
	return out
}

// driveApp is how a panel reads a drive: by its maker's own protocol.
func driveApp(a *port.Asset) string {
	if a.Vendor == "Siemens" {
		return "s7comm"
	}
	return "modbus"
}

// poll reads a machine at a beat on one long conversation, and where it may
// changes a value every so many reads.
func (f *fabric) poll(client station, t target, beat time.Duration, change int) {
	var c *session
	n := 0
	var round func()
	round = func() {
		defer f.s.after(spread(f.r, beat), round)
		if f.quiet[client.id] || f.quiet[t.server.id] {
			c = nil
			return
		}
		if c == nil || n%240 == 0 {
			if c != nil {
				c.close()
			}
			c = f.dial(client, t.server, t.port)
			if hello := applications[t.app].hello; hello != nil {
				hello(f, c)
			}
		}
		readMachine(f, c, t.app, n)
		if change > 0 && t.write && f.r.IntN(change) == 0 {
			writeMachine(f, c, t.app, n)
		}
		n++
	}
	f.s.at(f.joins(client.id).Add(f.start(beat)), round)
}

// engineer looks in at one machine after another for a moment: who it is, and
// whether the program in it is still the one on file.
func (f *fabric) engineer(client station, n int, all []target) {
	all = slices.DeleteFunc(all, func(t target) bool { return t.kind != "plc" || t.app == "modbus" })
	if len(all) == 0 {
		return
	}
	var look func()
	look = func() {
		defer f.s.after(spread(f.r, lookInPeriod), look)
		t := all[n%len(all)]
		n++
		if f.quiet[client.id] || f.quiet[t.server.id] {
			return
		}
		c := f.dial(client, t.server, t.port)
		applications[t.app].hello(f, c)
		compareProgram(f, c, t.app)
		c.close()
	}
	f.s.at(f.joins(client.id).Add(f.start(lookInPeriod)), look)
}

// fed plans the replication into a historian from the collectors of other zones
// that a TLS conduit lets to it.
func (f *fabric) fed(a *port.Asset, to station) {
	for i := range f.s.port.Conduits {
		c := &f.s.port.Conduits[i]
		if c.To != a.Zone || !slices.ContainsFunc(c.Allow, func(l port.Allow) bool { return l.Application == "tls" }) {
			continue
		}
		for _, from := range f.members(c.From, []string{"historian", "scada-server"}, "tls") {
			server := to
			server.mac = gateway(c.From)
			f.feed(from, server)
		}
	}
}

// feed sends blocks of values over one long TLS conversation; little comes back.
func (f *fabric) feed(client, server station) {
	var c *session
	var round func()
	round = func() {
		defer f.s.after(spread(f.r, feedPeriod), round)
		if c == nil {
			c = f.dial(client, server, 443)
			tlsHello(f, c)
		}
		c.exchange(record(23, f.noise(3000+f.r.IntN(2000))), record(23, f.noise(40)))
	}
	f.s.at(f.joins(client.id).Add(f.start(feedPeriod)), round)
}
