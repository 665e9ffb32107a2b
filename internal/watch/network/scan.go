package network

import (
	"fmt"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/port"
)

// RuleScan is one client that tries many addresses or ports in vain.
const RuleScan = "network.scan"

// Bounds of what is remembered of scans.
const (
	maxScanners    = 20_000
	maxScanTargets = 4096
	maxMinutes     = 8 // flows come late: this many minutes are open at once
)

// scanner holds the vain attempts of one client by minute of event time, so
// that the order in which flows are told does not matter.
type scanner struct {
	minutes map[int64]map[string]bool
	last    time.Time
	told    time.Time
	steps   int // of ten that were told
}

// scan counts an unanswered attempt and reports whether its client scans.
func (w *Watch) scan(f *event.Flow, client *host) bool {
	if client == nil || f.Answered || f.Direction != event.DirectionSeen || (f.Transport != "tcp" && f.Transport != "udp") {
		return false
	}
	if f.PacketsIn > 0 && f.Transport == "udp" {
		return false
	}
	if outside(w.zoneAt(f.Client.IP)) && outside(w.zoneAt(f.Server.IP)) {
		return false // between others: not the port's concern
	}
	s := w.scans[f.Client.IP]
	if s == nil {
		if len(w.scans) >= maxScanners {
			w.forgetScans(w.asOf)
			if len(w.scans) >= maxScanners {
				return false
			}
		}
		s = &scanner{minutes: map[int64]map[string]bool{}}
		w.scans[f.Client.IP] = s
	}
	s.last = laterOf(s.last, f.Time)
	minute := f.Time.Unix() / 60
	m := s.minutes[minute]
	if m == nil {
		if len(s.minutes) >= maxMinutes {
			delete(s.minutes, s.oldest())
		}
		m = map[string]bool{}
		s.minutes[minute] = m
	}
	if len(m) < maxScanTargets {
		m[fmt.Sprintf("%s:%d", f.Server.IP, f.Server.Port)] = true
	}
	if len(m) < w.o.ScanTargets {
		return false
	}
	w.tellScan(f, client, s, len(m))
	return true
}

func outside(z *port.Zone) bool { return z == nil || z.External }

func (s *scanner) oldest() int64 {
	first := int64(-1)
	for k := range s.minutes {
		if first < 0 || k < first {
			first = k
		}
	}
	return first
}

// tellScan tells at the threshold, at each doubling, and every few minutes.
func (w *Watch) tellScan(f *event.Flow, client *host, s *scanner, n int) {
	step := 1
	for c := w.o.ScanTargets * 2; c <= n; c *= 2 {
		step++
	}
	if step <= s.steps && f.Time.Sub(s.told) < w.o.Repeat {
		return
	}
	s.steps, s.told = max(s.steps, step), laterOf(s.told, f.Time)
	severity := finding.Warning
	from, to := w.zoneOf(client), w.zoneAt(f.Server.IP)
	if to != nil && to.Domain == port.OT && from != to {
		severity = finding.Alarm
	}
	domains := domainsOf(from, to)
	name := w.name(client, f.Client.IP)
	o := finding.Occurrence{
		Rule: RuleScan, Subject: finding.Subject{Kind: "host", ID: f.Client.IP, Name: name},
		Domains: domains, Grade: finding.Likely, Severity: severity,
		Title:   name + " tries many addresses or ports that do not answer",
		Summary: fmt.Sprintf("%d different addresses and ports within one minute gave no answer; the newest is %s:%d in %s.", n, f.Server.IP, f.Server.Port, zoneName(to)),
		Facts: []finding.Fact{{Time: f.Time, Domain: domainOf(to), Evidence: finding.EvidenceOf(f.Head),
			Text: fmt.Sprintf("%s tried %s:%d (%s), vain attempt number %d of that minute", f.Client.IP, f.Server.IP, f.Server.Port, f.Transport, n)}},
		RuledOut: []string{"Ordinary polling: polled devices answer."},
		Unknown:  []string{"A monitoring or inventory tool of the port's own does the same."},
		Next:     []string{"Ask the owner of " + name + " whether a scan was planned; if not, find what runs on it before cutting it off."},
		Time:     f.Time, Exercise: f.Exercise, Technique: "T0846",
	}
	if client.asset != nil {
		o.Links = []finding.Subject{w.subject(client, f.Client.IP)}
		o.Services = w.port.ServicesOf(client.asset.ID)
	}
	w.emit(o)
}

// forgetScans drops clients whose last vain attempt is ten minutes old.
func (w *Watch) forgetScans(now time.Time) {
	for _, ip := range sortedKeys(w.scans) {
		if now.Sub(w.scans[ip].last) > 10*time.Minute {
			delete(w.scans, ip)
		}
	}
}
