package system

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/quaywatch/quaywatch/internal/advisory"
	"github.com/quaywatch/quaywatch/internal/attackgraph"
	"github.com/quaywatch/quaywatch/internal/firewall"
	"github.com/quaywatch/quaywatch/internal/port"
)

// Openings are the ways that rules of firewalls leave open though no conduit allows
// them, toward the services that assets of the register offer, for the attack graph.
func Openings(p *port.Port, at time.Time, devices []*firewall.Device) []attackgraph.Opening {
	var targets []firewall.Target
	names := map[firewall.Target]string{}
	for i := range p.Assets {
		a := &p.Assets[i]
		for _, at := range a.Addresses {
			for _, o := range attackgraph.Offers(a) {
				if at.IP.IsValid() && a.Zone != "" {
					t := firewall.Target{Asset: a.ID, Address: at.IP, Transport: o.Transport, Port: o.Port}
					targets = append(targets, t)
					names[t] = o.Name
				}
			}
		}
	}
	var list []attackgraph.Opening
	for _, o := range firewall.Openings(p, at, devices, targets) {
		list = append(list, attackgraph.Opening{Rule: o.Rules, Zone: o.Zone, Host: o.Target.Asset, Service: names[o.Target], Part: o.Part, Unsure: o.Verdict != firewall.Permit, Where: o.Where})
	}
	return list
}

// maxFirewallBytes bounds a configuration that is read.
const maxFirewallBytes = 64 << 20

// configurations are the files of firewalls that the port file names.
func configurations(p *port.Port, home string) (files []string) {
	for i := range p.Firewalls {
		if c := p.Firewalls[i].Config; c != "" {
			files = append(files, filepath.Join(home, filepath.FromSlash(c)))
		}
	}
	return files
}

// declaredFirewalls reads the configurations that the port file names. What can't be
// read is told in notes and left out: the rest goes on.
func declaredFirewalls(p *port.Port, home string) (devices []*firewall.Device, notes []string) {
	for i := range p.Firewalls {
		w := &p.Firewalls[i]
		if w.Config == "" {
			continue
		}
		var names []string
		for _, link := range w.Interfaces {
			names = append(names, link.Name)
		}
		pol, err := readFirewall(w.Config, filepath.Join(home, filepath.FromSlash(w.Config)), names)
		if err != nil {
			notes = append(notes, fmt.Sprintf("the configuration of firewall %s is not part of this: %v", w.Asset, err))
			continue
		}
		devices = append(devices, firewall.Place(p, pol, w.Asset))
	}
	return devices, notes
}

// readFirewall reads a configuration that the port file calls by name; interfaces are
// those that it declares, which patterns of the configuration mean too.
func readFirewall(name, file string, interfaces []string) (*firewall.Policy, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxFirewallBytes {
		return nil, fmt.Errorf("%s has %d bytes, more than %d", file, info.Size(), maxFirewallBytes)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return firewall.Read(name, data, firewall.Options{Interfaces: interfaces})
}

// Weaknesses gives the attack graph what notices say, or could say, about assets;
// matches are by asset. What was found not to be affected is left out.
func Weaknesses(m *attackgraph.Model, p *port.Port, matches map[string][]advisory.Match) error {
	for i := range p.Assets {
		id := p.Assets[i].ID
		for _, n := range matches[id] {
			if n.Verdict == advisory.NotAffected {
				continue
			}
			w := attackgraph.Weakness{Asset: id, Advisory: n.ID, Title: n.Title, Affected: n.Verdict == advisory.Affected,
				Exploited: len(n.Exploited) > 0, EPSS: n.EPSS, CVSS: n.CVSS}
			if err := attackgraph.Weak(m, w); err != nil {
				return err
			}
		}
	}
	return nil
}
