package report

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/quaywatch/quaywatch/internal/port"
	"github.com/quaywatch/quaywatch/internal/risk"
	"github.com/quaywatch/quaywatch/internal/watch/network"
)

// Proof is one thing that the port's own declarations and observations can show. It
// says nothing of conformity with a rule: no obligation is kept that it could be
// held against.
type Proof struct {
	Name     string `json:"name"`
	State    string `json:"state"`
	Found    string `json:"found"`              // the count behind the state, or why it was not assessed
	Evidence int    `json:"evidence,omitempty"` // 0: not assessed
}

// States of a proof. Nothing is shown for want of data.
const (
	Shown       = "shown"
	InPart      = "in part"
	NotShown    = "not shown"
	NotAssessed = "not assessed"
)

// trafficLate is how old the newest conversation may be for what was seen to show
// the zones as they are.
const trafficLate = 24 * time.Hour

// compliance is the one line of the report and the proofs that it names.
func (b *Board) compliance(in *BoardInput) {
	b.Proofs = []Proof{
		b.restores(in), b.exercises(in), b.decided(in), b.conduits(in), b.traffic(in), b.weaknesses(in),
		{Name: "accounts reviewed", State: NotAssessed, Found: "no review of accounts is kept"},
		{Name: "obligations met", State: NotAssessed, Found: "no obligation of a law, code or standard is kept"},
	}
	b.Compliance = "Obligations are not on record, so conformity with none is claimed."
}

// ProofGroup are the proofs of one state.
type ProofGroup struct {
	State  string
	Proofs []Proof
}

// ProofsByState are the proofs as the line tells them, what is wanting first.
func (b *Board) ProofsByState() (out []ProofGroup) {
	for _, state := range []string{NotShown, InPart, Shown, NotAssessed} {
		g := ProofGroup{State: state}
		for _, p := range b.Proofs {
			if p.State == state {
				g.Proofs = append(g.Proofs, p)
			}
		}
		if len(g.Proofs) > 0 {
			out = append(out, g)
		}
	}
	return out
}

// share is the state of a part of a whole that is above 0.
func share(part, whole int) string {
	switch part {
	case whole:
		return Shown
	case 0:
		return NotShown
	}
	return InPart
}

const noRiskFile = "no risk file was read"

// restores holds the newest restore of each service, if within a year, against its
// objective. One that was not whole, or not measured, reaches none.
func (b *Board) restores(in *BoardInput) Proof {
	p := Proof{Name: "restores in time", State: NotAssessed, Found: noRiskFile}
	f := in.Standing.Declared
	if f == nil {
		return p
	}
	all, tried, reached := 0, 0, 0
	for i := range in.Port.Services {
		v := &in.Port.Services[i]
		if v.Recovery == nil || v.Recovery.RTOHours <= 0 {
			continue
		}
		all++
		done, ok := restored(f.Exercises, v, in.AsOf)
		if done {
			tried++
		}
		if ok {
			reached++
		}
	}
	if all == 0 {
		p.Found = "no service has a recovery objective"
		return p
	}
	p.State, p.Found = share(reached, all), fmt.Sprintf("%d of %d services with a recovery objective restored whole and in time within a year, %d tried", reached, all, tried)
	p.Evidence = b.cite("Restores on record, objectives of the port file", filepath.Base(in.Standing.File), "/risk")
	return p
}

// restored says whether a restore of a service was tried within a year, and whether
// every one of the newest day passed within the objective.
func restored(list []risk.Exercise, v *port.Service, asOf time.Time) (tried, ok bool) {
	newest := ""
	for i := range list {
		e := &list[i]
		if e.Kind != "restore" || !within(e, asOf) || !slices.Contains(e.Of, v.ID) || e.Date < newest {
			continue
		}
		reaches := e.Result == "passed" && e.Hours > 0 && e.Hours <= v.Recovery.RTOHours
		ok = reaches && (ok || e.Date > newest)
		newest, tried = e.Date, true
	}
	return tried, ok
}

// within says whether an exercise was held in the year before a moment.
func within(e *risk.Exercise, asOf time.Time) bool {
	at, err := time.Parse(time.DateOnly, e.Date)
	return err == nil && !at.After(asOf) && asOf.Sub(at) <= boardLate
}

// exercises counts drills and exercises, of which there is to be one of each; a
// restore is counted by restores.
func (b *Board) exercises(in *BoardInput) Proof {
	p := Proof{Name: "drills and exercises held", State: NotAssessed, Found: noRiskFile}
	f := in.Standing.Declared
	if f == nil {
		return p
	}
	held, passed := map[string]int{}, 0
	for i := range f.Exercises {
		e := &f.Exercises[i]
		if e.Kind == "restore" || !within(e, in.AsOf) {
			continue
		}
		held[e.Kind]++
		if e.Result == "passed" {
			passed++
		}
	}
	p.State, p.Found = share(len(held), 2), fmt.Sprintf("within a year: drills %d, exercises %d; passed %d", held["drill"], held["exercise"], passed)
	p.Evidence = b.cite("Drills and exercises on record", filepath.Base(in.Standing.File), "/risk")
	return p
}

// decided counts the scenarios with a decision that holds: an acceptance holds until
// its day, and within the authority of who gave it.
func (b *Board) decided(in *BoardInput) Proof {
	p := Proof{Name: "risks decided", State: NotAssessed, Found: noRiskFile}
	f := in.Standing.Declared
	if f == nil {
		return p
	}
	if len(f.Scenarios) == 0 {
		p.Found = "no scenarios are declared"
		return p
	}
	if in.Standing.Assessment == nil {
		p.Found = "the scenarios have no figures, so no acceptance can be held against an authority"
		return p
	}
	today, holds, open, not := in.AsOf.UTC().Format(time.DateOnly), 0, 0, 0
	for i := range f.Scenarios {
		s := &f.Scenarios[i]
		switch {
		case s.Decision == "":
		case s.Decision != "accept":
			holds++
		default:
			c := in.Standing.Assessment.AcceptanceOf(s.ID)
			switch {
			case s.Until < today || c != nil && c.Valid == "no":
				not++
			case c == nil || c.Valid != "yes":
				open++
			default:
				holds++
			}
		}
	}
	p.State = share(holds, len(f.Scenarios))
	p.Found = fmt.Sprintf("%d of %d scenarios have a decision that holds; acceptances that ended or exceed the authority %d, undecided %d", holds, len(f.Scenarios), not, open)
	p.Evidence = b.cite("Decisions of the risk file", filepath.Base(in.Standing.File), "/risk")
	return p
}

// conduits counts those that say why they are there, who answers for them, and have
// not ended.
func (b *Board) conduits(in *BoardInput) Proof {
	p := Proof{Name: "conduits justified", State: NotAssessed, Found: "the port file declares no conduits"}
	all := len(in.Port.Conduits)
	if all == 0 {
		return p
	}
	good, ended := 0, 0
	for i := range in.Port.Conduits {
		c := &in.Port.Conduits[i]
		switch {
		case c.Expired(in.AsOf):
			ended++
		case strings.TrimSpace(c.Reason) != "" && c.Owner != "":
			good++
		}
	}
	p.State, p.Found = share(good, all), fmt.Sprintf("%d of %d conduits have a reason and an owner and have not ended; %d ended", good, all, ended)
	p.Evidence = b.cite("Conduits of the port file", "quaywatch port show", "/zones")
	return p
}

// traffic says what was seen between zones, as the watch judged it. Old traffic shows
// nothing more than in part: nobody knows what went since.
func (b *Board) traffic(in *BoardInput) Proof {
	p := Proof{Name: "traffic held to the conduits", State: NotAssessed, Found: "no traffic was held against the conduits"}
	n, all := map[network.Verdict]int{}, 0
	var last time.Time
	for i := range in.Uses {
		u := &in.Uses[i]
		if u.Last.IsZero() || u.Verdict == network.SameZone {
			continue
		}
		n[u.Verdict]++
		all++
		if u.Last.After(last) {
			last = u.Last
		}
	}
	if all == 0 {
		if in.Uses != nil {
			p.Found = "no conversation between zones was seen"
		}
		return p
	}
	allowed, undue := n[network.AllowedSeen], n[network.Undeclared]
	switch {
	case undue > 0:
		p.State = NotShown
	case allowed < all || in.AsOf.Sub(last) > trafficLate:
		p.State = InPart
	default:
		p.State = Shown
	}
	p.Found = fmt.Sprintf("of %d kinds of conversation seen between zones, %d allowed, %d without a conduit, %d undecided; the newest %s UTC", all, allowed, undue, all-allowed-undue, utc(last))
	p.Evidence = b.cite("Conversations between zones, as observed", "quaywatch network check", "/zones")
	return p
}

// weaknesses says whether notices were judged for the devices that they are about.
func (b *Board) weaknesses(in *BoardInput) Proof {
	p := Proof{Name: "weaknesses judged", State: NotAssessed, Found: "no notices were held against the register"}
	if in.Products == nil {
		return p
	}
	affected, open := 0, 0
	for i := range in.Products {
		affected += in.Products[i].Affected
		open += in.Products[i].Open
	}
	if affected+open == 0 {
		p.Found = "no notice that was read says of a device that it is affected, or leaves it open"
		return p
	}
	p.State, p.Found = share(affected, affected+open), fmt.Sprintf("pairs of device and weakness found affected %d, undecided %d", affected, open)
	p.Evidence = b.cite("Notices held against the register", "quaywatch advisory match", "/sources")
	return p
}
