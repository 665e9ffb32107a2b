package network

import (
	"net/netip"

	"github.com/quaywatch/quaywatch/internal/finding"
)

// Resume takes the findings of an earlier run that still hold, so that this run
// can end them. Call it before the first row. Findings of other rules, and such
// as have gone, are passed over.
func (w *Watch) Resume(open []finding.Finding) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range open {
		f := &open[i]
		if !f.Present {
			continue
		}
		if to := w.apart(f.Exercise); to != nil {
			to.resume(f)
		}
	}
}

func (w *Watch) resume(f *finding.Finding) {
	since := spell{last: f.Last}
	switch id := f.Subject.ID; f.Rule {
	case RuleUndeclared:
		if len(w.breaches) < maxBreaches {
			w.breaches[id] = &breach{subject: f.Subject, domains: f.Domains, targets: map[string]bool{}, services: f.Services,
				grade: f.Grade, severity: f.Severity, traffic: since, exercise: f.Exercise}
		}
	case RuleScan:
		if len(w.scans) < maxScanners {
			w.scans[id] = &scanner{minutes: map[int64]map[string]bool{}, last: f.Last, told: tellings{f.Last}, steps: 1,
				subject: f.Subject, domains: f.Domains, grave: f.Severity, minute: since, exercise: f.Exercise}
		}
	case RuleUnregistered:
		if len(w.strange) < w.o.MaxHosts {
			w.strange[id] = &stranger{subject: f.Subject, domains: f.Domains, grade: f.Grade, severity: f.Severity, heard: since, exercise: f.Exercise}
		}
	case RuleUnapproved:
		if len(w.operations) < maxUnapproved {
			w.operations[id] = &unapproved{subject: f.Subject, domains: f.Domains, kinds: map[string]bool{}, grade: f.Grade,
				severity: f.Severity, traffic: since, exercise: f.Exercise}
		}
	case RuleMoved:
		w.movers[id] = &mover{subject: f.Subject, domains: f.Domains, speaking: since, exercise: f.Exercise}
	case RuleMissing, RuleSilent:
		p := w.presence[id]
		if p == nil {
			p = &presence{}
			w.presence[id] = p
		}
		p.last = laterOf(p.last, since.last)
		p.ever, p.silent, p.gone = p.ever || f.Rule == RuleSilent, p.silent || f.Rule == RuleSilent, p.gone || f.Rule == RuleMissing
	case RuleMismatch:
		w.differ[id] = &differing{subject: f.Subject, domains: f.Domains, grade: f.Grade, severity: f.Severity, last: f.Last,
			exercise: f.Exercise, devices: map[*host]bool{}}
	}
}

// inRegister reports whether the port file has the address that names a stranger.
func (w *Watch) inRegister(address string) bool {
	if w.port == nil {
		return false
	}
	if ip, err := netip.ParseAddr(address); err == nil {
		return w.port.AssetByIP(ip) != nil
	}
	return w.port.AssetByMAC(address) != nil
}
