package system

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

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

// tellAppetite reports the lines of a new assessment, and ends the findings of lines
// that the one before had and this one has not.
func (d *riskDesk) tellAppetite(ctx context.Context, p *port.Port, before, after *risk.Assessment, at time.Time) {
	occs := appetiteFindings(p, after, d.stand.File, at)
	if before != nil {
		there := map[string]bool{}
		for i := range occs {
			there[occs[i].Subject.ID] = true
		}
		for _, o := range appetiteFindings(p, before, d.stand.File, at) {
			if !there[o.Subject.ID] {
				o.Cleared = true
				occs = append(occs, o)
			}
		}
	}
	// What is told here is worked out and not observed: it has no place in the stream.
	if _, err := d.s.register.Report(ctx, "", 0, occs); err != nil && ctx.Err() == nil {
		d.s.log.Error("the appetite was not told", "error", err)
	}
}
