package port

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Operations are what can be asked of a controller that changes it or copies its
// program, as the dissectors name it.
var Operations = []string{"firmware", "program", "set-time", "start", "stop", "upload", "write"}

// Approval is a standing right of stations to change devices.
type Approval struct {
	ID        string   `yaml:"id"`
	Stations  []string `yaml:"stations"`   // assets that may ask
	Devices   []string `yaml:"devices"`    // assets, or zones with all that is in them; empty: every device
	Allow     []string `yaml:"allow"`      // of Operations; empty: all
	WorkOrder bool     `yaml:"work_order"` // only while a work order covers it
	Reason    string   `yaml:"reason"`
	Owner     string   `yaml:"owner"` // party
}

// WorkOrder is a right for a time, such as a maintenance window.
type WorkOrder struct {
	ID       string    `yaml:"id"`
	Stations []string  `yaml:"stations"` // assets that may ask
	Devices  []string  `yaml:"devices"`  // assets or zones; empty: every device
	Allow    []string  `yaml:"allow"`    // of Operations; empty: all
	From     time.Time `yaml:"from"`
	Until    time.Time `yaml:"until"` // the last moment that it holds
	Reason   string    `yaml:"reason"`
	Party    string    `yaml:"party"` // who does the work
}

// Holds reports whether the order is in its window at the time t.
func (w *WorkOrder) Holds(t time.Time) bool { return !t.Before(w.From) && !t.After(w.Until) }

// byKind are the operations that a kind of asset may ask for where no approval
// names the device: an engineering station everything, an operator's station and
// a controller what they need to run the plant.
var byKind = map[string][]string{
	"engineering-station": Operations,
	"hmi":                 {"set-time", "write"},
	"scada-server":        {"set-time", "write"},
	"plc":                 {"write"},
	"rtu":                 {"write"},
	"safety-controller":   {"write"},
	"gateway":             {"write"},
}

// MayOperate tells whether the port file lets station ask an operation of the
// device at ip at the time t, and why. station and device are nil where the
// register does not have them. A work order is enough; else an approval that
// names the device decides; where none does, the kind of the station.
func (p *Port) MayOperate(station, device *Asset, ip netip.Addr, operation string, t time.Time) (may bool, why string) {
	if station == nil {
		return false, "who asked is not in the register"
	}
	for i := range p.WorkOrders {
		w := &p.WorkOrders[i]
		if w.Holds(t) && slices.Contains(w.Stations, station.ID) && allowed(w.Allow, operation) && p.among(w.Devices, device, ip) {
			return true, "the work order " + w.ID + " covers it"
		}
	}
	named, waits := false, ""
	for i := range p.Approvals {
		a := &p.Approvals[i]
		if !p.among(a.Devices, device, ip) {
			continue
		}
		named = true
		if !slices.Contains(a.Stations, station.ID) || !allowed(a.Allow, operation) {
			continue
		}
		if !a.WorkOrder {
			return true, "the approval " + a.ID + " allows it"
		}
		waits = a.ID
	}
	switch ops := byKind[station.Kind]; {
	case waits != "":
		return false, "the approval " + waits + " needs a work order, and none covers it at that time"
	case named:
		return false, "no approval of this device allows it"
	case slices.Contains(ops, operation):
		return true, fmt.Sprintf("an asset of kind %s may do so where no approval names the device", station.Kind)
	case len(ops) > 0:
		return false, fmt.Sprintf("an asset of kind %s may only %s, and no approval names the device", station.Kind, strings.Join(ops, " or "))
	}
	return false, fmt.Sprintf("an asset of kind %s is no engineering station, and no approval names it", station.Kind)
}

func allowed(list []string, operation string) bool {
	return len(list) == 0 || slices.Contains(list, operation)
}

// among reports whether a list of assets and zones holds the device.
func (p *Port) among(list []string, device *Asset, ip netip.Addr) bool {
	if len(list) == 0 {
		return true
	}
	if device != nil && (slices.Contains(list, device.ID) || slices.Contains(list, device.Zone)) {
		return true
	}
	z := p.ZoneOf(ip)
	return z != nil && slices.Contains(list, z.ID)
}

// work checks the windows of work orders.
func (c *checker) work() {
	for i := range c.port.Approvals {
		if a := &c.port.Approvals[i]; a.Reason == "" {
			c.warn(place{"approvals", i, ""}, fmt.Sprintf("the approval %q has no reason", a.ID), "say what it is for, so that it can be taken away one day")
		}
	}
	for i := range c.port.WorkOrders {
		w := &c.port.WorkOrders[i]
		c.startOfDay(place{"work_orders", i, "from"}, &w.From)
		c.endOfDay(place{"work_orders", i, "until"}, &w.Until)
		if !w.From.IsZero() && !w.Until.IsZero() && w.Until.Before(w.From) {
			c.fault(place{"work_orders", i, "until"}, fmt.Sprintf("the work order %q ends before it begins", w.ID), "write the earlier time under from")
		}
	}
}

// startOfDay makes a date without a time the first moment of that day in the
// port's time zone.
func (c *checker) startOfDay(at place, t *time.Time) {
	if t.IsZero() || len(c.sources.text(at)) != len(time.DateOnly) {
		return
	}
	if zone, err := location(c.port.Identity.TimeZone); err == nil {
		*t = time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, zone)
	}
}
