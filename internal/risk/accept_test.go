package risk

import (
	"strings"
	"testing"
	"time"
)

// TestAcceptances: who may accept how much is held against the figures, three-valued;
// the limits are set around the figures that the score itself gives.
func TestAcceptances(t *testing.T) {
	in := inputs(t, saltmere(t, nil))
	base := score(t, in)
	s := base.scenario("insider-vts")
	low, high, event := s.Yearly.Low.Operator, s.Yearly.High.Operator, s.Bad.Operator
	if !(low > 0 && low < high && event > 0) {
		t.Fatalf("the scenario has no range to put limits around: %+v", s)
	}
	day := func(text string) time.Time {
		d, err := time.Parse(time.DateOnly, text)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	chief := func(yearly, event float64) []Authority {
		return []Authority{{Party: "chief-executive", Yearly: yearly, Event: event}}
	}
	for _, c := range []struct {
		name        string
		may         []Authority
		today       time.Time
		valid, why  string
		could, need string
	}{
		{name: "enough", may: chief(high, event), valid: "yes", why: "Chief executive may accept"},
		{name: "enough, events not limited", may: chief(high, 0), valid: "yes"},
		{name: "the range lies on both sides", may: chief((low+high)/2, event), valid: "undecided", why: "lies on both sides", need: "nobody that the risk file names"},
		{name: "too much a year", may: chief(low*0.99, event), valid: "no", why: "are expected"},
		{name: "too dear an event", may: chief(high, event*0.99), valid: "no", why: "one event in twenty"},
		{name: "another could", may: append(chief(0, 0), Authority{Party: "cso", Yearly: high}, Authority{Party: "ot-head"}), valid: "no", could: "cso", need: "Chief Security Officer may accept it"},
		{name: "no authority", may: []Authority{{Party: "cso", Yearly: high}}, valid: "no", why: "does not name this party", could: "cso"},
		{name: "nothing is declared", valid: "undecided", why: "may_accept"},
		{name: "the last day", may: chief(high, event), today: day("2027-06-30"), valid: "yes"},
		{name: "over", may: chief(high, event), today: day("2027-07-01"), valid: "no", why: "ended on 2027-06-30"},
	} {
		t.Run(c.name, func(t *testing.T) {
			again := in
			file := *in.File
			file.Authorities, again.File, again.AsOf = c.may, &file, c.today
			a := score(t, again)
			got := a.AcceptanceOf("insider-vts")
			if len(a.Acceptances) != 1 || got == nil {
				t.Fatalf("%d acceptances", len(a.Acceptances))
			}
			if got.Valid != c.valid || !strings.Contains(got.Why, c.why) || strings.Join(got.Could, " ") != c.could || !strings.Contains(got.Needs(in.Port), c.need) {
				t.Errorf("%s: %s; could: %s", got.Valid, got.Why, got.Needs(in.Port))
			}
			if got.Yearly != (Span{low, s.Yearly.Mid.Operator, high}) {
				t.Errorf("the figures are %+v", got.Yearly)
			}
		})
	}
}
