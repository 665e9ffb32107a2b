package system

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/port"
	"github.com/quaywatch/quaywatch/internal/risk"
)

// appetiteRule is the finding that a line of the appetite is crossed, or may be.
const appetiteRule = "risk.appetite"

var notID = regexp.MustCompile(`[^a-z0-9]+`)

// appetiteFindings tell each line of the appetite: crossed, perhaps crossed, or
// kept, which ends a finding where there was one.
func appetiteFindings(p *port.Port, a *risk.Assessment, file string, at time.Time) []finding.Occurrence {
	out := make([]finding.Occurrence, 0, len(a.Appetite))
	for i := range a.Appetite {
		j := &a.Appetite[i]
		o := finding.Occurrence{
			Rule: appetiteRule, Subject: finding.Subject{Kind: "appetite", ID: strings.Trim(notID.ReplaceAllString(strings.ToLower(j.Name), "-"), "-"), Name: j.Name},
			Domains: []finding.Domain{finding.IT, finding.OT, finding.Physical}, Time: at, Grade: finding.Confirmed, Severity: finding.Warning,
		}
		line := fmt.Sprintf("a year that costs the operator more than %s %s was to come in at most %s, and comes in %s", risk.Short(j.Loss), a.Currency, risk.Percent(j.Chance), j.Found.Percent())
		switch j.Breach {
		case "no":
			o.Cleared, o.Title, o.Summary = true, fmt.Sprintf("The line %q of the appetite is kept", j.Name), strings.ToUpper(line[:1])+line[1:]+"."
		case "yes":
			o.Title = fmt.Sprintf("The line %q of the appetite is crossed", j.Name)
		default:
			o.Grade, o.Severity = finding.Suspected, finding.Advice
			o.Title = fmt.Sprintf("The line %q of the appetite may be crossed", j.Name)
			o.Unknown = []string{"The range lies on both sides of the line: what is assumed, and the tries of the dearest scenarios, decide."}
		}
		if !o.Cleared {
			owner := "nobody is named as its owner"
			if q := p.Party(j.Owner); q != nil {
				owner = "its owner is " + q.Name
				o.Links = append(o.Links, finding.Subject{Kind: "party", ID: q.ID, Name: q.Name})
				o.Next = append(o.Next, q.Name+" decides: lower the risk, or move the line.")
			} else {
				o.Next = append(o.Next, "Name an owner of the line in the risk file.")
			}
			o.Next = append(o.Next, "Look at the page Risk for what moved it, and at what lowers it most.")
			o.Summary = strings.ToUpper(line[:1]) + line[1:] + "; " + owner + "."
			o.Facts = dearest(a, file, at)
		}
		out = append(out, o)
	}
	return out
}

// dearest are the three scenarios that weigh most, as facts.
func dearest(a *risk.Assessment, file string, at time.Time) (facts []finding.Fact) {
	for i := range a.Scenarios[:min(3, len(a.Scenarios))] {
		s := &a.Scenarios[i]
		facts = append(facts, finding.Fact{Time: at, Domain: finding.IT,
			Text:     fmt.Sprintf("%s: %s %s in a year; comes %s.", s.Name, risk.Between(s.Yearly.Low.Operator, s.Yearly.Mid.Operator, s.Yearly.High.Operator), a.Currency, s.Events.Every()),
			Evidence: finding.Evidence{Source: file, Time: at, Seen: at}})
	}
	return facts
}

// acceptanceRule is the finding that a risk was accepted by somebody who may not accept
// that much, or no longer.
const acceptanceRule = "risk.acceptance"

// acceptanceFindings tell each acceptance: not valid, perhaps not valid, or valid, which
// ends a finding where there was one. Where the risk file does not say who may accept
// what, nothing is told: the page and the report ask for it.
func acceptanceFindings(p *port.Port, a *risk.Assessment, file string, at time.Time) []finding.Occurrence {
	var out []finding.Occurrence
	for i := range a.Acceptances {
		c := &a.Acceptances[i]
		name := c.Scenario
		for k := range a.Scenarios {
			if a.Scenarios[k].ID == c.Scenario {
				name = a.Scenarios[k].Name
			}
		}
		o := finding.Occurrence{
			Rule: acceptanceRule, Subject: finding.Subject{Kind: "scenario", ID: c.Scenario, Name: name},
			Domains: []finding.Domain{finding.IT, finding.OT, finding.Physical}, Time: at, Grade: finding.Confirmed, Severity: finding.Warning,
			Title: fmt.Sprintf("The acceptance of %q is not valid", name),
		}
		switch {
		case c.Valid == "yes" || c.Valid == "undecided" && !a.AuthoritiesKnown():
			o.Cleared, o.Title = true, fmt.Sprintf("The acceptance of %q stands", name)
		case c.Valid == "undecided":
			o.Grade, o.Severity = finding.Suspected, finding.Advice
			o.Title = fmt.Sprintf("The acceptance of %q may not be valid", name)
			o.Unknown = []string{"The range of the figures lies on both sides of what may be accepted."}
		}
		o.Summary = c.Why + "."
		if r, n := utf8.DecodeRuneInString(c.Why); n > 0 { // it may begin with somebody's name
			o.Summary = string(unicode.ToUpper(r)) + c.Why[n:] + "."
		}
		if !o.Cleared {
			if q := p.Party(c.By); q != nil {
				o.Links = append(o.Links, finding.Subject{Kind: "party", ID: q.ID, Name: q.Name})
			}
			o.Next = []string{"Bring it before somebody who may accept that much: " + c.Needs(p) + ".", "Or lower the risk, pass it on, or end what brings it."}
			o.Facts = []finding.Fact{{Time: at, Domain: finding.IT, Evidence: finding.Evidence{Source: file, Time: at, Seen: at},
				Text: fmt.Sprintf("Accepted until %s: %s %s in a year, one event in twenty costs more than %s.", c.Until, risk.Between(c.Yearly.Low, c.Yearly.Mid, c.Yearly.High), a.Currency, risk.Short(c.Event))}}
		}
		out = append(out, o)
	}
	return out
}

// tellJudgements reports lines of the appetite and acceptances of a new assessment, and
// ends the findings of those that the one before had and this one has not.
func (d *riskDesk) tellJudgements(ctx context.Context, p *port.Port, before, after *risk.Assessment, at time.Time) {
	judged := func(a *risk.Assessment) []finding.Occurrence {
		return append(appetiteFindings(p, a, d.stand.File, at), acceptanceFindings(p, a, d.stand.File, at)...)
	}
	occs := judged(after)
	if before != nil {
		there := map[finding.Subject]bool{}
		key := func(o *finding.Occurrence) finding.Subject {
			return finding.Subject{Kind: o.Subject.Kind, ID: o.Subject.ID}
		}
		for i := range occs {
			there[key(&occs[i])] = true
		}
		for _, o := range judged(before) {
			if !there[key(&o)] {
				o.Cleared = true
				occs = append(occs, o)
			}
		}
	}
	// What is told here is worked out and not observed: it has no place in the stream.
	if _, err := d.s.register.Report(ctx, "", 0, occs); err != nil && ctx.Err() == nil {
		d.s.log.Error("appetite and acceptances were not told", "error", err)
	}
}
