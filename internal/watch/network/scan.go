package network

import (
	"cmp"
	"fmt"
	"slices"
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
	minutes  map[int64]map[string]bool
	last     time.Time // vain attempt, event time
	tried    time.Time // the same by the clock of listening
	told     tellings
	steps    int // of ten that were told
	subject  finding.Subject
	domains  []finding.Domain
	grave    finding.Severity
	exercise string
	minute   spell // since the last minute that was a scan
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
		w.roomForScan()
		s = &scanner{minutes: map[int64]map[string]bool{}, exercise: f.Exercise}
		w.scans[f.Client.IP] = s
	}
	s.last, s.tried = laterOf(s.last, f.Time), w.listen.at
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
	s.minute.renew(w.listen, f.Time)
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
	if step <= s.steps && s.told.near(f.Time, w.o.Repeat) {
		return
	}
	s.steps = max(s.steps, step)
	s.told.add(f.Time)
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
			Text: fmt.Sprintf("%s tried %s:%d (%s), vain attempt number %d of that minute%s", f.Client.IP, f.Server.IP, f.Server.Port, f.Transport, n, whenText(&f.Head))}},
		RuledOut: []string{"Ordinary polling: polled devices answer."},
		Unknown:  []string{"A monitoring or inventory tool of the port's own does the same."},
		Next:     []string{"Ask the owner of " + name + " whether a scan was planned; if not, find what runs on it before cutting it off."},
		Time:     f.Time, Exercise: f.Exercise, Technique: "T0846",
	}
	if client.asset != nil {
		o.Links = []finding.Subject{w.subject(client, f.Client.IP)}
		o.Services = w.port.ServicesOf(client.asset.ID)
	}
	s.subject, s.domains, s.grave = o.Subject, o.Domains, max(s.grave, o.Severity)
	w.emit(o)
}

// clearScans ends the scans of which no minute was one for a while, and drops
// clients whose last vain attempt is ten minutes old and that are no scanners.
func (w *Watch) clearScans() {
	for _, ip := range sortedKeys(w.scans) {
		s := w.scans[ip]
		switch {
		case len(s.told) == 0:
			if w.listen.at.Sub(s.tried) > 10*time.Minute {
				delete(w.scans, ip)
			}
		case s.minute.over(w.listen, w.o.ScanQuiet):
			w.emit(finding.Occurrence{Rule: RuleScan, Subject: s.subject, Domains: s.domains, Grade: finding.Likely, Severity: s.grave,
				Title:   "The scan has stopped",
				Summary: fmt.Sprintf("In %s of listening no minute held %d vain attempts. What it found out it still knows.", w.o.ScanQuiet, w.o.ScanTargets),
				Time:    s.minute.end(w.listen, w.o.ScanQuiet), Cleared: true, Exercise: s.exercise})
			delete(w.scans, ip)
		}
	}
}

// roomForScan forgets at the bound the tenth of the clients that tried nothing
// for longest, those that were told as scanners last of all.
func (w *Watch) roomForScan() {
	if len(w.scans) < maxScanners {
		return
	}
	all := sortedKeys(w.scans)
	slices.SortStableFunc(all, func(a, b string) int {
		x, y := w.scans[a], w.scans[b]
		return cmp.Or(min(len(x.told), 1)-min(len(y.told), 1), x.last.Compare(y.last))
	})
	for _, ip := range all[:maxScanners/10] {
		delete(w.scans, ip)
	}
}
