package report

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/quaywatch/quaywatch/internal/advisory"
	"github.com/quaywatch/quaywatch/internal/port"
	"github.com/quaywatch/quaywatch/internal/risk"
	"github.com/quaywatch/quaywatch/internal/watch/network"
)

// BoardInput is what a board report is made from. The same input gives the same
// report, byte for byte.
type BoardInput struct {
	Port     *port.Port
	AsOf     time.Time
	Standing risk.Standing        // with Assessment, or with the reason why there is none
	Products []Supplier           // what is known of weaknesses by maker; nil: no notices were held against the register
	Uses     []network.ConduitUse // traffic between zones as observed; nil: none was held against the conduits
	Last     *Board               // the report that this one is compared with; nil: there is none
}

// Supplier is how far the port depends on somebody outside.
type Supplier struct {
	Name     string   `json:"name"`
	Devices  int      `json:"devices"`  // of the maker in the register
	Services []string `json:"services"` // that need one of them
	Affected int      `json:"affected"` // pairs of device and weakness
	Open     int      `json:"open"`     // undecided ones
	Used     int      `json:"used"`     // of both, that are known to be exploited
}

// Suppliers counts the weaknesses of the register by maker. The result is not nil.
func Suppliers(p *port.Port, matches map[string][]advisory.Match) []Supplier {
	by := map[string]*Supplier{}
	out := []Supplier{}
	for i := range p.Assets {
		a := &p.Assets[i]
		if a.Vendor == "" {
			continue
		}
		s := by[a.Vendor]
		if s == nil {
			s = &Supplier{Name: a.Vendor, Services: []string{}}
			by[a.Vendor] = s
		}
		s.Devices++
		for _, v := range p.ServicesOf(a.ID) {
			if !slices.Contains(s.Services, v) {
				s.Services = append(s.Services, v)
			}
		}
		for k := range matches[a.ID] {
			m := &matches[a.ID][k]
			switch m.Verdict {
			case advisory.Affected:
				s.Affected++
			case advisory.NotAffected:
				continue
			default:
				s.Open++
			}
			if len(m.Exploited) > 0 {
				s.Used++
			}
		}
	}
	for _, s := range by {
		slices.Sort(s.Services)
		out = append(out, *s)
	}
	slices.SortFunc(out, func(x, y Supplier) int { return strings.Compare(x.Name, y.Name) })
	return out
}

// Bounds of a report of two pages and a memo.
const (
	boardScenarios = 5
	boardSuppliers = 5
	boardCauses    = 3
	boardTests     = 6
	boardLate      = 365 * 24 * time.Hour // a restore or drill older than this is none
)

// Board is the report to the board.
type Board struct {
	Version    int        `json:"version"` // of this form
	Port       string     `json:"port"`
	Currency   string     `json:"currency"`
	AsOf       time.Time  `json:"as_of"`
	Last       *time.Time `json:"compared_with,omitempty"`
	Answer     []string   `json:"answer"` // "What is our risk, and what are we doing about it?"
	NoFigures  string     `json:"no_figures,omitempty"`
	Exposure   []Figure   `json:"exposure"`
	Appetite   []Appetite `json:"appetite"`
	Years      []Figure   `json:"bad_years"`
	Scenarios  []Threat   `json:"scenarios"`
	Others     int        `json:"further_scenarios"`
	Treatments Treatments `json:"treatments"`
	Readiness  Readiness  `json:"readiness"`
	Suppliers  Supply     `json:"suppliers"`
	Compliance string     `json:"compliance"`
	Proofs     []Proof    `json:"proofs,omitempty"` // what stands beside Compliance; none in a report of before they were looked for
	Decisions  []Ask      `json:"decisions"`
	Assumed    []string   `json:"assumed"`
	Evidence   []Evidence `json:"evidence"`

	Points []risk.Exceeding `json:"curve"` // of the loss exceedance curve
}

// Curve draws the loss exceedance curve with the lines of the appetite.
func (b *Board) Curve() Curve {
	a := risk.Assessment{Currency: b.Currency, Curve: b.Points}
	for _, x := range b.Appetite {
		a.Appetite = append(a.Appetite, risk.Judgement{Line: risk.Line{Name: x.Name, Loss: x.Loss, Chance: x.Borne}, Found: x.Found, Breach: x.Breach})
	}
	return CurveOf(&a)
}

// Evidence is where a figure comes from. Its number stands behind the figure.
type Evidence struct {
	No   int    `json:"no"`
	What string `json:"what"`
	From string `json:"from"` // command that gives it again, or the record
	Page string `json:"page,omitempty"`
}

// Figure is a range with its evidence, and how it stood in the last report.
type Figure struct {
	Name     string    `json:"name"`
	Unit     string    `json:"unit"`
	Value    risk.Span `json:"value"`
	Before   *float64  `json:"before,omitempty"` // middle of the last report
	Evidence int       `json:"evidence"`
}

// Trend says how the middle moved since the last report.
func (f *Figure) Trend() string { return trendWords(f.Value.Mid, f.Before) }

func trendWords(now float64, before *float64) string {
	switch {
	case before == nil:
		return "first report"
	case *before == now:
		return "unchanged"
	case *before == 0:
		return "was none"
	case math.Abs(now / *before - 1) < 0.005:
		return "as before"
	}
	return fmt.Sprintf("%+.0f %% (was %s)", (now / *before - 1)*100, risk.Short(*before))
}

// Appetite is a line of the appetite against the curve.
type Appetite struct {
	Name     string    `json:"name"`
	Loss     float64   `json:"loss"`
	Borne    float64   `json:"borne"` // chance of a worse year that the board bears
	Found    risk.Span `json:"found"`
	Breach   string    `json:"breach"` // "yes", "no", "undecided"
	Before   string    `json:"before,omitempty"`
	Owner    string    `json:"owner,omitempty"`
	Evidence int       `json:"evidence"`
}

// Threat is one of the dearest scenarios.
type Threat struct {
	ID       string    `json:"id"`
	Name     string    `json:"name"`
	Owner    string    `json:"owner"`
	Yearly   risk.Span `json:"yearly"` // operator's money
	Events   risk.Span `json:"events"` // a year
	Hours    float64   `json:"hours"`  // of standstill an event, mean
	Boxes    float64   `json:"containers"`
	PerEvent float64   `json:"per_event"`
	Before   *float64  `json:"before,omitempty"`
	Causes   []string  `json:"causes"` // of the change since the last report
	Decision string    `json:"decision"`
	Evidence int       `json:"evidence"`

	Tries  risk.Span `json:"tries"` // for the next comparison
	Chance risk.Span `json:"chance"`
	Leaves risk.Span `json:"leaves"`
}

// Trend says how the expected year moved.
func (t *Threat) Trend() string { return trendWords(t.Yearly.Mid, t.Before) }

// Treatments are money against risk lowered.
type Treatments struct {
	None     string        `json:"none,omitempty"` // why there are none
	Now      float64       `json:"now"`
	After    risk.Span     `json:"after"` // with the choice, scored as a whole
	Cost     float64       `json:"cost"`  // a year
	Proven   bool          `json:"proven"`
	Chosen   []risk.Chosen `json:"chosen"`
	Budgets  []risk.Spent  `json:"budgets"`
	Frontier []risk.Point  `json:"frontier"`
	Evidence int           `json:"evidence"`
}

// Readiness is what was really tried.
type Readiness struct {
	Done     []Tried  `json:"done"`     // newest first
	Untested []string `json:"untested"` // services with an objective and no restore within a year that met it
	Older    int      `json:"older"`    // exercises that are not listed
}

// Tried is an exercise against the objective of what it was about.
type Tried struct {
	risk.Exercise
	Objective float64 `json:"objective_hours,omitempty"`
	Stale     bool    `json:"stale"` // more than a year old
	Evidence  int     `json:"evidence"`
}

// Supply is the exposure to suppliers.
type Supply struct {
	Entry    *Figure    `json:"entry,omitempty"` // expected year of the scenarios that begin at a supplier
	From     []string   `json:"from"`            // their names
	Makers   []Supplier `json:"makers"`          // with weaknesses, the worst first
	More     int        `json:"more"`
	Unknown  string     `json:"unknown,omitempty"` // why Makers is empty
	Evidence int        `json:"evidence"`          // of Makers
}

// Ask is a decision that the board is asked for.
type Ask struct {
	What     string `json:"what"`
	Why      string `json:"why"`
	By       string `json:"by,omitempty"` // who brings it
	Evidence int    `json:"evidence"`
}

// NewBoard makes the report.
func NewBoard(in *BoardInput) *Board {
	b := &Board{Version: 1, Port: in.Port.Identity.Name, Currency: in.Port.Identity.Currency, AsOf: in.AsOf.UTC().Truncate(time.Second),
		Exposure: []Figure{}, Appetite: []Appetite{}, Years: []Figure{}, Scenarios: []Threat{}, Decisions: []Ask{}, Assumed: []string{}, Evidence: []Evidence{}}
	if in.Last != nil {
		b.Last = &in.Last.AsOf
	}
	a := in.Standing.Assessment
	if a == nil {
		b.NoFigures = cmp.Or(in.Standing.Problem, "no scenarios are declared in "+filepath.Base(in.Standing.File))
	} else {
		b.Points = a.Curve
		b.exposure(in, a)
		b.scenarios(in, a)
		b.Assumed = slices.Clone(a.Assumptions)
	}
	b.Assumed = append(b.Assumed, in.Standing.Notes...)
	b.treatments(in)
	b.readiness(in)
	b.supply(in)
	b.compliance(in)
	b.asks(in)
	b.answer()
	return b
}

// cite adds a piece of evidence and gives its number.
func (b *Board) cite(what, from, page string) int {
	for i := range b.Evidence {
		if e := &b.Evidence[i]; e.What == what && e.From == from {
			return e.No
		}
	}
	b.Evidence = append(b.Evidence, Evidence{len(b.Evidence) + 1, what, from, page})
	return len(b.Evidence)
}

func (b *Board) exposure(in *BoardInput, a *risk.Assessment) {
	no := b.cite(fmt.Sprintf("%d simulated years, seed %d", a.Years, a.Seed), "quaywatch risk run", "/risk")
	before := func(name string, from []Figure) *float64 {
		for i := range from {
			if from[i].Name == name {
				return &from[i].Value.Mid
			}
		}
		return nil
	}
	var last Board
	if in.Last != nil {
		last = *in.Last
	}
	y := &a.Yearly
	for _, f := range []struct {
		name, unit string
		of         func(m risk.Money) float64
	}{{"The operator loses in a year", a.Currency, func(m risk.Money) float64 { return m.Operator }}, {"Others lose in a year", a.Currency, func(m risk.Money) float64 { return m.Economy }},
		{"Standstill in a year", "h", func(m risk.Money) float64 { return m.Hours }}, {"Containers late in a year", "containers", func(m risk.Money) float64 { return m.Containers }}} {
		b.Exposure = append(b.Exposure, Figure{f.name, f.unit, risk.Span{Low: f.of(y.Low), Mid: f.of(y.Mid), High: f.of(y.High)}, before(f.name, last.Exposure), no})
	}
	for _, q := range a.Quantiles {
		name := fmt.Sprintf("One year in %d costs more than", q.OneIn)
		b.Years = append(b.Years, Figure{name, a.Currency, q.Loss, before(name, last.Years), no})
	}
	for _, j := range a.Appetite {
		x := Appetite{Name: j.Name, Loss: j.Line.Loss, Borne: j.Line.Chance, Found: j.Found, Breach: j.Breach, Owner: partyName(in.Port, j.Owner), Evidence: no}
		for _, was := range last.Appetite {
			if was.Name == j.Name {
				x.Before = was.Breach
			}
		}
		b.Appetite = append(b.Appetite, x)
	}
}

func partyName(p *port.Port, id string) string {
	if q := p.Party(id); q != nil {
		return cmp.Or(q.Name, id)
	}
	return id
}

func (b *Board) scenarios(in *BoardInput, a *risk.Assessment) {
	b.Others = max(0, len(a.Scenarios)-boardScenarios)
	for i := range a.Scenarios[:min(len(a.Scenarios), boardScenarios)] {
		s := &a.Scenarios[i]
		t := Threat{ID: s.ID, Name: s.Name, Owner: partyName(in.Port, s.Owner), Yearly: risk.Span{Low: s.Yearly.Low.Operator, Mid: s.Yearly.Mid.Operator, High: s.Yearly.High.Operator},
			Events: s.Events, Hours: s.PerEvent.Hours, Boxes: s.PerEvent.Containers, PerEvent: s.PerEvent.Operator, Decision: cmp.Or(s.Decision, "none taken"),
			Tries: s.Tries, Chance: s.Chance, Leaves: s.Leaves, Causes: []string{},
			Evidence: b.cite("Scenario "+s.ID+": "+s.Source, "quaywatch risk run --json", "/risk#scenario-"+s.ID)}
		if in.Last != nil {
			for k := range in.Last.Scenarios {
				if was := &in.Last.Scenarios[k]; was.ID == s.ID {
					t.Before = &was.Yearly.Mid
					t.Causes = causes(in.Standing.History, in.Last.AsOf, was, &t)
				}
			}
		}
		b.Scenarios = append(b.Scenarios, t)
	}
}

// causes are what moved a scenario since the last report: as the running system
// saw it, or, where it saw nothing, by comparing the parts.
func causes(history []risk.Move, since time.Time, was, is *Threat) []string {
	sum := map[string]float64{}
	for _, m := range history {
		if !m.Time.After(since) {
			continue
		}
		for _, s := range m.Steps {
			if s.Scenario == is.ID {
				sum[s.Cause] += s.Moves.Operator
			}
		}
	}
	var names []string
	for c, v := range sum {
		if math.Abs(v) >= 1 {
			names = append(names, c)
		}
	}
	slices.SortFunc(names, func(x, y string) int {
		return cmp.Or(cmp.Compare(math.Abs(sum[y]), math.Abs(sum[x])), strings.Compare(x, y))
	})
	out := []string{}
	for _, c := range names[:min(len(names), boardCauses)] {
		out = append(out, fmt.Sprintf("%s: %s", signed(sum[c]), c))
	}
	if len(out) > 0 {
		return out
	}
	for _, part := range []struct {
		name     string
		was, now float64
	}{{"tries a year", was.Tries.Mid, is.Tries.Mid}, {"chance of the likeliest way", was.Chance.Mid, is.Chance.Mid},
		{"part that controls leave", was.Leaves.Mid, is.Leaves.Mid}, {"cost of an event", was.PerEvent, is.PerEvent}} {
		if part.was != part.now {
			out = append(out, fmt.Sprintf("%s from %s to %s", part.name, risk.Short(part.was), risk.Short(part.now)))
		}
	}
	return out
}

func signed(v float64) string {
	if v >= 0 {
		return "+" + risk.Short(v)
	}
	return "−" + risk.Short(-v)
}

func (b *Board) treatments(in *BoardInput) {
	p := in.Standing.Plan
	if p == nil {
		b.Treatments.None = "No treatments are declared, so nothing can be compared."
		return
	}
	t := Treatments{Now: p.Now, After: p.Assessed, Proven: p.Proven, Chosen: p.Chosen, Budgets: p.Budgets, Frontier: p.Frontier,
		Evidence: b.cite("Choice among the declared treatments", "quaywatch risk portfolio", "/risk#treatments")}
	for _, c := range p.Chosen {
		t.Cost += c.Cost
	}
	b.Treatments = t
}

// readiness lists what was tried, and the services that have an objective and no
// restore within a year that met it. It returns how much was tried within a year.
func (b *Board) readiness(in *BoardInput) {
	b.Readiness = Readiness{Done: []Tried{}, Untested: []string{}}
	restored := map[string]bool{}
	if in.Standing.Declared != nil {
		list := slices.Clone(in.Standing.Declared.Exercises)
		slices.SortStableFunc(list, func(x, y risk.Exercise) int { return strings.Compare(y.Date, x.Date) })
		for _, e := range list {
			at, err := time.Parse(time.DateOnly, e.Date)
			if err != nil || at.After(in.AsOf) {
				continue // planned, not done
			}
			t := Tried{Exercise: e, Stale: in.AsOf.Sub(at) > boardLate, Evidence: b.cite(e.Name, e.Evidence, "")}
			for _, id := range e.Of {
				v := in.Port.Service(id)
				if v == nil || v.Recovery == nil || v.Recovery.RTOHours <= 0 {
					continue
				}
				if t.Objective == 0 || v.Recovery.RTOHours < t.Objective {
					t.Objective = v.Recovery.RTOHours // the strictest of those it was about
				}
				if e.Kind == "restore" && !t.Stale && e.Result != "failed" && e.Hours > 0 && e.Hours <= v.Recovery.RTOHours {
					restored[id] = true
				}
			}
			if len(b.Readiness.Done) == boardTests {
				b.Readiness.Older++
				continue
			}
			b.Readiness.Done = append(b.Readiness.Done, t)
		}
	}
	for i := range in.Port.Services {
		if v := &in.Port.Services[i]; v.Recovery != nil && v.Recovery.RTOHours > 0 && !restored[v.ID] {
			b.Readiness.Untested = append(b.Readiness.Untested, cmp.Or(v.Name, v.ID))
		}
	}
}

// supply is what begins at a supplier, and whose products are weak.
func (b *Board) supply(in *BoardInput) {
	b.Suppliers = Supply{From: []string{}, Makers: []Supplier{}}
	if f, a := in.Standing.Declared, in.Standing.Assessment; f != nil && a != nil {
		var sum risk.Span
		for i := range f.Scenarios {
			if !slices.Contains(f.Scenarios[i].From, "vendor") {
				continue
			}
			for k := range a.Scenarios {
				if s := &a.Scenarios[k]; s.ID == f.Scenarios[i].ID {
					sum = risk.Span{Low: sum.Low + s.Yearly.Low.Operator, Mid: sum.Mid + s.Yearly.Mid.Operator, High: sum.High + s.Yearly.High.Operator}
					b.Suppliers.From = append(b.Suppliers.From, s.Name)
				}
			}
		}
		if len(b.Suppliers.From) > 0 {
			b.Suppliers.Entry = &Figure{Name: "Scenarios that begin at a supplier cost in a year", Unit: b.Currency, Value: sum, Evidence: b.cite("Scenarios with the entry vendor", "quaywatch risk run --json", "/risk")}
			if in.Last != nil && in.Last.Suppliers.Entry != nil {
				b.Suppliers.Entry.Before = &in.Last.Suppliers.Entry.Value.Mid
			}
		}
	}
	if in.Products == nil {
		b.Suppliers.Unknown = "No notices of weaknesses were held against the register, so nothing is known of the products of suppliers."
		return
	}
	b.Suppliers.Evidence = b.cite("Notices held against the register", "quaywatch advisory match", "/sources")
	list := slices.Clone(in.Products)
	list = slices.DeleteFunc(list, func(s Supplier) bool { return s.Affected+s.Open == 0 })
	slices.SortStableFunc(list, func(x, y Supplier) int {
		return cmp.Or(cmp.Compare(y.Used, x.Used), cmp.Compare(y.Affected, x.Affected), cmp.Compare(y.Open, x.Open), strings.Compare(x.Name, y.Name))
	})
	b.Suppliers.More = max(0, len(list)-boardSuppliers)
	b.Suppliers.Makers = list[:min(len(list), boardSuppliers)]
	if len(list) == 0 {
		b.Suppliers.Unknown = "No notice is about a device of the register."
	}
}

// asks are the decisions that follow from the figures.
func (b *Board) asks(in *BoardInput) {
	for _, a := range b.Appetite {
		line := fmt.Sprintf("a year above %s %s was to come in at most %s, and comes in %s", risk.Short(a.Loss), b.Currency, risk.Percent(a.Borne), a.Found.Percent())
		switch a.Breach {
		case "yes":
			b.Decisions = append(b.Decisions, Ask{fmt.Sprintf("The line %q is crossed: lower the risk, or move the line", a.Name), line, a.Owner, a.Evidence})
		case "undecided":
			b.Decisions = append(b.Decisions, Ask{fmt.Sprintf("The line %q may be crossed: decide whether to find out more, or to act now", a.Name), line, a.Owner, a.Evidence})
		}
	}
	if t := &b.Treatments; t.None == "" && len(t.Chosen) > 0 {
		var names []string
		for _, c := range t.Chosen {
			names = append(names, c.Treatment+" ("+c.Option+")")
		}
		b.Decisions = append(b.Decisions, Ask{fmt.Sprintf("Approve %s %s a year for: %s", risk.Short(t.Cost), b.Currency, strings.Join(names, "; ")),
			fmt.Sprintf("the expected year falls from %s to %s %s", risk.Short(t.Now), t.After.Words(), b.Currency), "", t.Evidence})
		for _, s := range t.Budgets {
			if s.Next > 100_000 {
				b.Decisions = append(b.Decisions, Ask{fmt.Sprintf("Raise the %s budget", strings.ToUpper(s.Kind)), fmt.Sprintf("the next 100 k of it would take away %s %s a year", risk.Short(s.Next), b.Currency), "", t.Evidence})
			}
		}
	}
	if f := in.Standing.Declared; f != nil {
		today := in.AsOf.UTC().Format(time.DateOnly)
		for i := range f.Scenarios {
			s := &f.Scenarios[i]
			cite := func() int {
				return b.cite("Risk file, scenario "+s.ID, filepath.Base(in.Standing.File), "/risk#scenario-"+s.ID)
			}
			switch {
			case s.Decision == "":
				b.Decisions = append(b.Decisions, Ask{"Decide what to do about: " + s.Name, "no decision is on record", partyName(in.Port, s.Owner), cite()})
			case s.Decision == "accept" && s.Until < today:
				b.Decisions = append(b.Decisions, Ask{"Renew or end the acceptance of: " + s.Name, fmt.Sprintf("accepted by %s until %s", partyName(in.Port, s.Accepted), s.Until), partyName(in.Port, s.Owner), cite()})
			case s.Decision == "accept" && in.Standing.Assessment != nil:
				c := in.Standing.Assessment.AcceptanceOf(s.ID)
				switch {
				case c == nil || c.Valid == "yes":
				case c.Valid == "no":
					b.Decisions = append(b.Decisions, Ask{"Decide anew on the acceptance of: " + s.Name, c.Why + "; " + c.Needs(in.Port), partyName(in.Port, s.Owner), cite()})
				default:
					b.Decisions = append(b.Decisions, Ask{"Confirm the acceptance of: " + s.Name, c.Why, partyName(in.Port, s.Owner), cite()})
				}
			}
		}
	}
}

// answer is the report in a few sentences.
func (b *Board) answer() {
	if b.NoFigures != "" {
		b.Answer = []string{"Our risk is not known: " + b.NoFigures + ".", "Nothing in this report is a reason to think that it is small."}
		return
	}
	crossed, unsure := 0, 0
	for _, a := range b.Appetite {
		switch a.Breach {
		case "yes":
			crossed++
		case "undecided":
			unsure++
		}
	}
	e := &b.Exposure[0]
	first := fmt.Sprintf("In a year we expect to lose %s %s ourselves, and others %s", e.Value.Words(), b.Currency, b.Exposure[1].Value.Words())
	switch {
	case len(b.Appetite) == 0:
		first += "; the board has set no line to hold it against."
	case crossed > 0:
		first += fmt.Sprintf("; %d of %d lines of our appetite are crossed.", crossed, len(b.Appetite))
	case unsure > 0:
		first += fmt.Sprintf("; whether %d of %d lines of our appetite are crossed can't be said: the range lies on both sides.", unsure, len(b.Appetite))
	default:
		first += "; no line of our appetite is crossed."
	}
	b.Answer = []string{first}
	if t := &b.Treatments; t.None == "" && len(t.Chosen) > 0 {
		b.Answer = append(b.Answer, fmt.Sprintf("What is proposed costs %s a year and leaves %s.", risk.Short(t.Cost), t.After.Words()))
	} else {
		b.Answer = append(b.Answer, "No treatment is proposed.")
	}
	if n := len(b.Readiness.Untested); n > 0 {
		b.Answer = append(b.Answer, fmt.Sprintf("%d of our services have a recovery objective and no restore within a year that showed it can be met.", n))
	}
}

// JSON is the report as it is signed and kept.
func (b *Board) JSON() ([]byte, error) {
	data, err := json.Marshal(b)
	if err != nil {
		return nil, fmt.Errorf("writing the board report: %w", err)
	}
	return data, nil
}

// ParseBoard reads what JSON wrote.
func ParseBoard(data []byte) (*Board, error) {
	b := new(Board)
	if err := json.Unmarshal(data, b); err != nil {
		return nil, fmt.Errorf("reading a board report: %w", err)
	}
	if b.Version != 1 {
		return nil, fmt.Errorf("a board report of form %d: this program knows form 1", b.Version)
	}
	return b, nil
}

// Sum is the SHA-256 of the report's JSON, in hexadecimal: what a signature is of.
func Sum(data []byte) string {
	s := sha256.Sum256(data)
	return hex.EncodeToString(s[:])
}

// Signature says who signed a report. Without one it is a draft.
type Signature struct {
	Name    string    `json:"name"`
	Account string    `json:"account"`
	Time    time.Time `json:"time"`
	Sum     string    `json:"sha256"` // of the JSON that was signed
}

// KeptBoard is a report in the archive.
type KeptBoard struct {
	ID       string
	Revision int64 // 1: the draft; 2: signed
	Made     time.Time
	By       string // account, or "system" by the clock
	Board    *Board
	Data     []byte // JSON of Board, as it was kept
	Sum      string // of Data
	Signed   *Signature
	Damaged  string // why it can't be shown; Board then holds no more than when it was kept
}
