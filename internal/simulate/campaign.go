package simulate

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/port"
)

// cast is who plays in the campaign: found in the port by what they are.
type cast struct {
	cabinet     string // reader of the door of a cabinet that a camera watches
	area        string
	camera      station
	recorder    station
	database    station
	application station
}

// planCampaign sets the story "camera to terminal operating system", the AIS
// deceptions, and what merely looks like them.
func (s *Simulation) planCampaign() error {
	c, err := s.findCast()
	if err != nil {
		return err
	}
	at := func(minutes float64, do func()) {
		s.at(s.o.CampaignAt.Add(time.Duration(minutes*float64(time.Minute))), do)
	}
	chain := func(step, rule, note string, subjects ...string) {
		s.tell(Truth{Kind: "attack", Step: step, Subjects: subjects, Rules: []string{rule}, Chain: true, Note: note})
	}
	at(0, func() {
		chain("cabinet door opened without a badge", "physical.forced-door", "", c.cabinet, c.area)
		s.doors.row(c.cabinet, "", "", event.AccessForced, "", "door contact without card")
	})
	at(2.3, func() {
		s.net.quiet[c.camera.id] = true
		s.tell(Truth{Kind: "attack", Step: "the camera's picture stops", Subjects: []string{c.camera.id}, Chain: true, Note: "seen as the end of its RTSP conversations"})
	})
	at(4, func() {
		chain("the camera's address scans the recorders", "network.scan", "SYN to many ports of the recorders' network", c.camera.id)
		s.scan(c.camera, c.recorder)
	})
	at(6.5, func() { s.breach("session from camera to recorder", c.camera, c.recorder, 443, "tls", 3) })
	at(9, func() { s.breach("recorder opens the TOS database", c.recorder, c.database, 1433, "tds", 6) })
	at(11, func() {
		s.breach("recorder opens a share of the TOS application server", c.recorder, c.application, 445, "smb", 4)
	})
	var again func()
	again = func() {
		s.breach("recorder reads the TOS database again", c.recorder, c.database, 1433, "tds", 4)
		s.after(7*time.Minute, again)
	}
	at(16, again)
	s.planNegatives(at, c)
	s.planDeceptions(at)
	return nil
}

// findCast looks for a cabinet with a reader and a camera that has a recorder
// and a terminal operating system to reach.
func (s *Simulation) findCast() (cast, error) {
	var c cast
	for i := range s.port.Areas {
		a := &s.port.Areas[i]
		for k := range a.AccessPoints {
			p := &a.AccessPoints[k]
			if p.Kind != "cabinet" || len(p.Readers) == 0 || len(p.Cameras) == 0 {
				continue
			}
			cam := s.port.Asset(p.Cameras[0])
			if cam == nil {
				continue
			}
			st, ok := s.net.station(cam)
			if ok && (c.camera.id == "" || strings.Contains(cam.ID, "17")) {
				c.cabinet, c.area, c.camera = p.Readers[0], a.ID, st
			}
		}
	}
	tos := 0
	for i := range s.port.Assets {
		a := &s.port.Assets[i]
		st, ok := s.net.station(a)
		switch {
		case !ok:
		case a.Kind == "video-recorder" && (c.recorder.id == "" || len(a.Remote) > 0):
			c.recorder = st
		case a.Kind == "tos-server":
			if tos++; c.application.id == "" {
				c.application = st
			}
			c.database = st
		}
	}
	if c.camera.id == "" || c.recorder.id == "" || tos < 2 {
		return c, fmt.Errorf("the port needs a cabinet with a reader and a camera, a video recorder and two TOS servers, each with an address: it has camera %q, recorder %q and %d TOS servers", c.camera.id, c.recorder.id, tos)
	}
	return c, nil
}

// breach is one conversation that no conduit allows.
func (s *Simulation) breach(step string, client, server station, p uint16, app string, rounds int) {
	server.mac = gateway(s.port.ZoneOf(client.ip).ID)
	s.tell(Truth{Kind: "attack", Step: step, Subjects: []string{client.id, server.id}, Rules: []string{"network.undeclared-conduit"}, Chain: true, Client: client.ip.String(), Server: server.ip.String() + ":" + strconv.Itoa(int(p))})
	a, c := applications[app], s.net.dial(client, server, p)
	a.hello(s.net, c)
	var round func(n int)
	round = func(n int) {
		if n == rounds {
			c.close()
			return
		}
		a.talk(s.net, c, n)
		s.after(spread(s.net.r, 9*time.Second), func() { round(n + 1) })
	}
	s.after(2*time.Second, func() { round(0) })
}

// scan knocks at some ports of every address around the target.
func (s *Simulation) scan(from, around station) {
	base := around.ip.As4()
	ports := []uint16{22, 80, 443, 445, 554, 1433, 3389, 8000}
	gw := gateway(s.port.ZoneOf(from.ip).ID)
	n := 0
	var knock func()
	knock = func() {
		ip := base
		ip[3] = byte(1 + n/len(ports))
		to := station{ip: around.ip, mac: gw}
		to.ip = to.ip.Unmap()
		if a := ipOf(ip); a != around.ip {
			to.ip = a
			s.net.unanswered(from, to, ports[n%len(ports)])
		} else if p := ports[n%len(ports)]; p != 443 && p != 554 {
			s.net.refused(from, to, p)
		}
		if n++; n < 24*len(ports) {
			s.after(350*time.Millisecond, knock)
		}
	}
	knock()
}

// negative writes what must not be told as the attack.
func (s *Simulation) negative(step, note string, rules []string, subjects ...string) {
	s.tell(Truth{Kind: "negative", Step: step, Subjects: subjects, Rules: rules, Note: note})
}

// planNegatives plays the innocent: a contractor at a wrong door, maintenance
// of a camera, planned work on a crane, a controller with a wrong clock.
func (s *Simulation) planNegatives(at func(float64, func()), c cast) {
	if s.doors.slow != "" {
		s.at(s.o.Start, func() {
			s.negative("a door controller's clock is "+s.doors.behind.String()+" behind", "its rows tell earlier times than the others; nobody was at two places", nil, s.doors.slow)
		})
	}
	if p, badge := s.badgeOf("cleaner-"); p != nil {
		at(-11, func() {
			s.negative("a contractor tries a wrong door and is refused", "once, no other trace", []string{"physical.refused"}, badge, "rdr-ct-server")
			s.doors.row("rdr-ct-server", badge, p.Name, event.AccessRefused, "in", "no right for this door")
		})
	}
	for i := range s.port.Assets {
		a := &s.port.Assets[i]
		if a.Kind == "camera" && a.ID != c.camera.id && a.Vendor != "" {
			at(-20, func() {
				s.negative("a camera is off for planned maintenance", "back after 15 minutes, silent meanwhile", nil, a.ID)
				s.net.quiet[a.ID] = true
			})
			at(-5, func() { s.net.quiet[a.ID] = false })
			break
		}
	}
	s.planCraneWork(at)
	s.planReaderErrors(at)
}

// planCraneWork is a vendor's engineer at the workshop and a session of the
// engineering station with a crane, along a declared conduit.
func (s *Simulation) planCraneWork(at func(float64, func())) {
	p, badge := s.badgeOf("crane-service-engineer-")
	var eng, plc *port.Asset
	for i := range s.port.Assets {
		a := &s.port.Assets[i]
		if a.Kind == "engineering-station" && eng == nil {
			eng = a
		}
		if a.Kind == "plc" && a.Vendor == "Siemens" && plc == nil {
			plc = a
		}
	}
	if p == nil || eng == nil || plc == nil || len(s.port.ConduitsBetween(eng.Zone, plc.Zone)) == 0 {
		return
	}
	client, ok1 := s.net.station(eng)
	server, ok2 := s.net.station(plc)
	if !ok1 || !ok2 {
		return
	}
	server.mac = gateway(eng.Zone)
	at(1, func() {
		s.negative("planned work on a crane by its maker", "badged in, by the engineering station, along a declared conduit, reading only", nil, badge, eng.ID, plc.ID)
		s.doors.row("rdr-workshop", badge, p.Name, event.AccessGranted, "in", "")
		c := s.net.dial(client, server, 102)
		s7Hello(s.net, c)
		for n := range 20 {
			s7Talk(s.net, c, n)
		}
		c.close()
	})
}

// planReaderErrors keeps small things happening: a door held open, a card at a
// door of another shift.
func (s *Simulation) planReaderErrors(at func(float64, func())) {
	p, badge := s.badgeOf("truck-driver-")
	if p == nil {
		return
	}
	var again func()
	again = func() {
		s.negative("a truck driver tries the operations building", "refused once; looks for the toilet", []string{"physical.refused"}, badge, "rdr-ops-main")
		s.doors.row("rdr-ops-main", badge, p.Name, event.AccessRefused, "in", "no right for this door")
		s.after(spread(s.doors.r, 50*time.Minute), again)
	}
	at(26, again)
	at(-2, func() {
		s.negative("a door is held open for a delivery", "closed again, with a badge", []string{"physical.held-door"}, "rdr-workshop")
		s.doors.row("rdr-workshop", "", "", event.AccessHeld, "", "open longer than 60 s")
	})
}

// badgeOf is the first person whose id begins so and who has a card.
func (s *Simulation) badgeOf(prefix string) (*port.Party, string) {
	for i := range s.port.Parties {
		p := &s.port.Parties[i]
		if len(p.ID) > len(prefix) && p.ID[:len(prefix)] == prefix && len(p.Badges) > 0 {
			return p, p.Badges[0].Number
		}
	}
	return nil, ""
}
