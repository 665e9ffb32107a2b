package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/quaywatch/quaywatch/internal/cargo"
	"github.com/quaywatch/quaywatch/internal/port"
)

// PaperInput is what a paper pack is made from.
type PaperInput struct {
	Port     *port.Port
	Terminal string // id of the terminal; "" is the only or first container terminal
	AsOf     time.Time
	Snapshot *cargo.Snapshot // nil: the pack has no cargo, and says so
	Passed   []cargo.Passed  // newer snapshots that are not used
	NoCargo  string          // why Snapshot is nil
}

// Pack is the printed set that a terminal works from when its systems are dead
// or not to be trusted.
type Pack struct {
	Port, Terminal string
	AsOf, Taken    time.Time
	Local          *time.Location
	Warnings       []string
	Sheets         []Sheet
}

// Sheet is one part of the pack.
type Sheet struct {
	No      int
	Title   string
	For     string // who works with it
	Text    []string
	Columns []string
	Rows    [][]string // empty cells are to be written in
	Empty   string     // said where there are no rows
	Break   bool       // begins a new page
}

// Rows of a printed form, and its copies. More are copied from the last.
const (
	formRows   = 18
	formCopies = 3
)

// Paper makes the pack. The same input gives the same pack.
func Paper(in *PaperInput) (*Pack, error) {
	t, err := terminalOf(in.Port, in.Terminal)
	if err != nil {
		return nil, err
	}
	p := &Pack{Port: in.Port.Identity.Name, Terminal: t.Name, AsOf: in.AsOf.UTC(), Local: local(in.Port)}
	p.warn(in)
	p.people(in.Port)
	p.hands(in.Port, t)
	if s := in.Snapshot; s != nil {
		p.Taken = s.Taken
		p.cargo(s)
	}
	p.forms(in.Port)
	for i := range p.Sheets {
		p.Sheets[i].No = i + 1
	}
	return p, nil
}

func terminalOf(p *port.Port, id string) (*port.Terminal, error) {
	var known []string
	for i := range p.Terminals {
		t := &p.Terminals[i]
		if t.ID == id || id == "" && t.Kind == "container" {
			return t, nil
		}
		known = append(known, t.ID)
	}
	if id == "" {
		return nil, fmt.Errorf("the port file has no container terminal (known: %s)", strings.Join(known, ", "))
	}
	return nil, fmt.Errorf("the port file has no terminal %q (known: %s)", id, strings.Join(known, ", "))
}

func (p *Pack) warn(in *PaperInput) {
	s := in.Snapshot
	if s == nil {
		p.Warnings = append(p.Warnings, "No cargo in this pack: "+in.NoCargo+". Count the yard before a box is moved.")
	} else {
		if age := in.AsOf.Sub(s.Taken); age > 12*time.Hour {
			p.Warnings = append(p.Warnings, fmt.Sprintf("The snapshot is %s old. What moved since is not in it.", Age(s.Taken, in.AsOf)))
		}
		if n := len(s.Faults); n > 0 {
			p.Warnings = append(p.Warnings, fmt.Sprintf("%d rows of the snapshot could not be used or contradict each other: see the last sheet but the forms.", n))
		}
	}
	for _, x := range in.Passed {
		p.Warnings = append(p.Warnings, fmt.Sprintf("Not used: %s: %s.", x.Dir, x.Why))
	}
}

func (p *Pack) add(s Sheet) { p.Sheets = append(p.Sheets, s) }

// people are the contact cards and who may decide what.
func (p *Pack) people(o *port.Port) {
	cards := Sheet{Title: "Contact cards", For: "everybody", Columns: []string{"Who", "Role", "Telephone", "E-mail (may be dead too)"}, Break: true,
		Empty: "No party of the port file has a telephone number: write them here now."}
	for i := range o.Parties {
		if q := &o.Parties[i]; q.Phone != "" {
			cards.Rows = append(cards.Rows, []string{q.Name, cmp.Or(q.Role, q.Kind), q.Phone, q.Email})
		}
	}
	p.add(cards)
	roles := Sheet{Title: "Role cards: who may decide", For: "shift managers", Columns: []string{"Decision", "Over", "Who", "How many must agree"}, Break: true,
		Text:  []string{"A decision that is not on this card is the port security officer's. Write the time, the name and the reason of each on form F3."},
		Empty: "The port file declares no authority."}
	for i := range o.Authorities {
		a := &o.Authorities[i]
		var who []string
		for _, h := range a.Holders {
			who = append(who, p.reach(o, h))
		}
		roles.Rows = append(roles.Rows, []string{a.Decision, strings.Join(a.Over, ", "), strings.Join(who, "; "), strconv.Itoa(max(1, a.Agree))})
	}
	p.add(roles)
}

// reach is a party with its telephone, or that of the team or company it is in.
func (p *Pack) reach(o *port.Port, id string) string {
	q := o.Party(id)
	if q == nil {
		return id
	}
	if q.Phone != "" {
		return q.Name + " (" + q.Phone + ")"
	}
	for _, m := range q.MemberOf {
		if t := o.Party(m); t != nil && t.Phone != "" {
			return q.Name + " (" + t.Name + ", " + t.Phone + ")"
		}
	}
	return q.Name
}

// hands is how the services go on by hand.
func (p *Pack) hands(o *port.Port, t *port.Terminal) {
	s := Sheet{Title: "Working by hand", For: "shift managers", Columns: []string{"Service", "Owner", "By hand", "Reached after", "Can be kept up for", "Staff a shift", "Tolerable without"}, Break: true,
		Text: []string{"What was declared and exercised. Where nothing is declared nobody knows: assume nothing works."}}
	for _, id := range servicesOf(o, t) {
		v := o.Service(id)
		row := []string{v.Name, p.reach(o, v.Owner), "not declared", "", "", "", "not declared"}
		if m := v.Manual; m != nil {
			row[2], row[3], row[5] = fmt.Sprintf("%.0f %% of %g %s", m.Fraction*100, v.Capacity, v.Unit), fmt.Sprintf("%g h", m.RampHours), strconv.Itoa(m.Staff)
			if row[4] = "not limited"; m.LimitHours > 0 {
				row[4] = fmt.Sprintf("%g h", m.LimitHours)
			}
			if m.Fraction == 0 {
				row[2], row[3], row[4], row[5] = "not at all", "", "", ""
			}
		}
		if v.Recovery != nil && v.Recovery.MTPDHours > 0 {
			row[6] = fmt.Sprintf("%g h", v.Recovery.MTPDHours)
		}
		s.Rows = append(s.Rows, row)
	}
	p.add(s)
}

// servicesOf are those that a terminal names, and what they stand on, each once.
func servicesOf(o *port.Port, t *port.Terminal) (out []string) {
	var visit func(id string)
	var node func(n *port.Need)
	node = func(n *port.Need) {
		visit(n.ID)
		for i := range n.All {
			node(&n.All[i])
		}
		for i := range n.Any {
			node(&n.Any[i])
		}
		if n.KOfN != nil {
			for i := range n.KOfN.Of {
				node(&n.KOfN.Of[i])
			}
		}
	}
	visit = func(id string) {
		if v := o.Service(id); v != nil && !slices.Contains(out, id) {
			out = append(out, id)
			node(&v.Needs)
		}
	}
	for _, id := range slices.Concat([]string{t.Quay, t.Gate, t.Rail, t.Release, t.Reefers}, t.Yard, t.Sea) {
		visit(id)
	}
	return out
}

// cargo are the sheets of the snapshot.
func (p *Pack) cargo(s *cargo.Snapshot) {
	holds := Sheet{Title: "Holds: do not release", For: "gate, rail, customs", Columns: []string{"Unit", "Position", "Held by, and why", "Call"}, Break: true, Empty: "No unit is on hold in the snapshot."}
	freed := Sheet{Title: "Releases", For: "gate and rail", Columns: []string{"Unit", "Position", "Type", "Released (UTC)", "Out: time", "Truck or wagon", "Initials"}, Break: true,
		Text: []string{"Units that were released and not held when the snapshot was taken, by every row about them. What is not on this list needs form F3."}, Empty: "No unit is released in the snapshot."}
	cold := Sheet{Title: "Reefers with their set points", For: "reefer technicians", Columns: []string{"Unit", "Position", "Set point °C", "Plug, time", "°C", "Plug, time", "°C", "Plug, time", "°C"}, Break: true,
		Text: []string{"Every row is read once in six hours. Off by more than 2 °C: tell the shift manager, and write it on form F2."}, Empty: "No reefer at work in the snapshot."}
	danger := Sheet{Title: "Dangerous goods by class and position", For: "fire service, yard", Columns: []string{"Class", "UN", "Position", "Unit", "Weight kg"}, Break: true,
		Text: []string{"Classes and divisions of the IMDG Code. Give this sheet to the fire service when it comes."}, Empty: "No dangerous goods in the snapshot."}
	var unsafe []*cargo.Unit
	doubt := disputed(s)
	for i := range s.Units {
		u := &s.Units[i]
		if u.Hold != "" {
			holds.Rows = append(holds.Rows, []string{u.ID, u.Place.String(), u.Hold, u.Call})
		} else if !u.Released.IsZero() && !doubt[u.ID] {
			freed.Rows = append(freed.Rows, []string{u.ID, u.Place.String(), u.SizeType, u.Released.Format("01-02 15:04"), "", "", ""})
		}
		if u.SetPoint != nil {
			cold.Rows = append(cold.Rows, []string{u.ID, u.Place.String(), strconv.FormatFloat(*u.SetPoint, 'f', 1, 64), "", "", "", "", "", ""})
		}
		if u.Class != "" {
			unsafe = append(unsafe, u)
		}
	}
	slices.SortStableFunc(unsafe, func(a, b *cargo.Unit) int { return cmp.Or(cmp.Compare(a.Class, b.Class), cmp.Compare(a.UN, b.UN)) })
	for _, u := range unsafe {
		danger.Rows = append(danger.Rows, []string{u.Class, u.UN, u.Place.String(), u.ID, weight(u)})
	}
	for _, x := range []Sheet{holds, freed, cold, danger} {
		p.add(x)
	}
	p.ships(s)
	p.yard(s)
	if len(s.Faults) > 0 {
		bad := Sheet{Title: "Rows of the snapshot that are not in the lists or contradict each other", For: "yard: look at these first", Columns: []string{"What", "Seen in the yard"}, Break: true}
		for _, f := range s.Faults {
			bad.Rows = append(bad.Rows, []string{f, ""})
		}
		p.add(bad)
	}
}

// disputed are the units that may not be released by this pack: two rows are about
// one, or its release lies after the snapshot. They stand among the faults.
func disputed(s *cargo.Snapshot) map[string]bool {
	seen, out := map[string]bool{}, map[string]bool{}
	for i := range s.Units {
		u := &s.Units[i]
		if seen[u.ID] || u.Released.After(s.Taken) {
			out[u.ID] = true
		}
		seen[u.ID] = true
	}
	return out
}

// weight is that of a unit; "", to be written in, where it is not known.
func weight(u *cargo.Unit) string {
	if u.WeightKg == 0 {
		return ""
	}
	return strconv.Itoa(u.WeightKg)
}

func (p *Pack) ships(s *cargo.Snapshot) {
	calls := Sheet{Title: "Calls", For: "quay", Columns: []string{"Call", "Vessel", "IMO", "Berth", "Arrives (UTC)", "Departs (UTC)", "Discharge", "Load"}, Break: true, Empty: "No call in the snapshot."}
	stow := Sheet{Title: "Stowage summary", For: "quay", Columns: []string{"Call", "Bay", "Discharge", "Load", "Reefers", "Dangerous", "Done: off", "Done: on"}, Empty: "No stowage in the snapshot."}
	off, on := map[string]int{}, map[string]int{}
	for _, b := range s.Stowage {
		off[b.Call] += b.Discharge
		on[b.Call] += b.Load
		stow.Rows = append(stow.Rows, []string{b.Call, strconv.Itoa(b.Bay), strconv.Itoa(b.Discharge), strconv.Itoa(b.Load), strconv.Itoa(b.Reefers), strconv.Itoa(b.Danger), "", ""})
	}
	for _, c := range s.Calls {
		imo := ""
		if c.IMO > 0 {
			imo = strconv.Itoa(c.IMO)
		}
		calls.Rows = append(calls.Rows, []string{c.ID, c.Vessel, imo, c.Berth, day(c.Arrives), day(c.Departs), strconv.Itoa(off[c.ID]), strconv.Itoa(on[c.ID])})
	}
	p.add(calls)
	p.add(stow)
}

func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04")
}

// yard is the inventory, a sheet a block, and the count to hold it against.
func (p *Pack) yard(s *cargo.Snapshot) {
	recon := Sheet{Title: "Shift reconciliation", For: "shift managers", Columns: []string{"Block", "In the snapshot", "In (+)", "Out (−)", "Should be", "Counted", "Difference", "Initials"}, Break: true,
		Text: []string{"At the end of each shift, and once more before the systems are believed again. A difference that is not explained is told to the port security officer."}}
	columns := []string{"Position", "Unit", "Type", "Status", "Weight kg", "Call", "Marks"}
	for i := 0; i < len(s.Units); {
		block := s.Units[i].Place.Block
		sheet := Sheet{Title: "Inventory of block " + block, For: "yard", Columns: columns, Break: true}
		for ; i < len(s.Units) && s.Units[i].Place.Block == block; i++ {
			u := &s.Units[i]
			var marks []string
			if u.Hold != "" {
				marks = append(marks, "HOLD")
			}
			if u.SetPoint != nil {
				marks = append(marks, fmt.Sprintf("%+.1f °C", *u.SetPoint))
			}
			if u.Class != "" {
				marks = append(marks, "IMDG "+u.Class)
			}
			sheet.Rows = append(sheet.Rows, []string{u.Place.String(), u.ID, u.SizeType, u.Status, weight(u), u.Call, strings.Join(marks, ", ")})
		}
		recon.Rows = append(recon.Rows, []string{block, strconv.Itoa(len(sheet.Rows)), "", "", "", "", "", ""})
		p.add(sheet)
	}
	if len(s.Units) == 0 {
		p.add(Sheet{Title: "Inventory", For: "yard", Columns: columns, Empty: "The snapshot holds no unit.", Break: true})
	}
	recon.Rows = append(recon.Rows, []string{"All", strconv.Itoa(len(s.Units)), "", "", "", "", "", ""})
	p.add(recon)
}

// forms are numbered, so that a sheet that is missing is missed.
func (p *Pack) forms(o *port.Port) {
	at := p.AsOf.Format("20060102-1504")
	for _, f := range []struct {
		code, title, who string
		columns          []string
		text             string
	}{
		{"F1", "Gate and rail, in and out", "gate, rail", []string{"Time", "In / out", "Unit", "Truck or wagon", "Driver, document", "Seal", "Position", "Initials"}, "One row a box. A box on the hold list does not leave."},
		{"F2", "Reefer out of range", "reefer technicians", []string{"Time", "Unit", "Position", "Set point", "Read", "Done", "Told to", "Initials"}, "Every reading that is off by more than 2 °C."},
		{"F3", "Decision, hold or release", "shift managers", []string{"Time", "What", "Unit or system", "Reason", "Decided by", "Second signature", "Checked against"}, "Two people sign a release that no list in this pack supports."},
		{"F4", "Quay tally", "quay", []string{"Time", "Call", "Bay", "Unit", "On / off", "Crane", "To position", "Initials"}, "One row a move."},
	} {
		for n := range formCopies {
			s := Sheet{Title: fmt.Sprintf("Form %s: %s", f.code, f.title), For: f.who, Columns: append([]string{"No"}, f.columns...), Break: true,
				Text: []string{fmt.Sprintf("Number %s-%s-%s-%02d. %s Hand every form in, also a spoiled one.", strings.ToUpper(o.Identity.LOCODE), at, f.code, n+1, f.text)}}
			for r := range formRows {
				row := make([]string, len(s.Columns))
				row[0] = strconv.Itoa(n*formRows + r + 1)
				s.Rows = append(s.Rows, row)
			}
			p.add(s)
		}
	}
}

// PaperState is what is known of the packs that are printed by the clock.
type PaperState struct {
	Configured bool
	Every      time.Duration
	Printed    time.Time // of the newest pack; zero: none yet
	Taken      time.Time // of its cargo; zero: none, or not known since it was printed before the start
	Dir        string
	Warnings   []string
	Problem    string // why the last try failed
}

// Late reports whether the newest pack is older than it should be.
func (s *PaperState) Late(now time.Time) bool {
	return s.Configured && (s.Printed.IsZero() || now.Sub(s.Printed) > s.Every+s.Every/2)
}
