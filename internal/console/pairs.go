package console

import (
	"cmp"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/firewall"
	"github.com/quaywatch/quaywatch/internal/port"
	"github.com/quaywatch/quaywatch/internal/watch/network"
)

// look says how a pair of zones stands when three things are held together: what
// conduits allow (may), what was seen (did) and what rules let through (could).
type look int

// The looks, from the gravest.
const (
	didNotMay   look = iota // traffic was seen that no conduit allows
	couldNotMay             // rules let through what no conduit allows
	didNotCould             // traffic was seen where the rules let nothing through
	unsure                  // part of what was seen, or of what rules let through, cannot be judged
	mayNotCould             // a conduit allows what rules stop
	didAndMay               // as declared
	mayOnly                 // declared, and nothing was seen
	noLook                  // nothing of all that
)

// looks are the words of the looks, and what names them in addresses.
var looks = []struct {
	Look      look
	Key, Word string
}{
	{didNotMay, "did", "did, and may not"}, {couldNotMay, "could", "could, and may not"}, {didNotCould, "odd", "did, though rules stop it"},
	{unsure, "undecided", "undecided"}, {mayNotCould, "stopped", "may, and rules stop it"},
	{didAndMay, "seen", "may and did"}, {mayOnly, "unseen", "may, not seen"},
}

func (l look) word() string {
	if l < noLook {
		return looks[l].Word
	}
	return "nothing"
}

// needs reports whether somebody should look at it.
func (l look) needs() bool { return l <= mayNotCould }

// pairRow is one ordered pair of zones of which anything is declared, seen or open.
type pairRow struct {
	From, To         *port.Zone
	Conduits         int // in force
	Expired          int
	Uses             int // kinds of conversation that were seen
	Undeclared       int
	Undecided        int
	Answered         int  // of the uses; the others were only tried
	Odd              int  // that were answered though the rules deny them
	Stopped          bool // the rules stop some of a conduit
	Last             time.Time
	Look             look
	firewall.Passage // of the rules; Could is "" where no configuration is read
}

func (r *pairRow) href() string { return pairPath(r.From.ID, r.To.ID) }

func (r *pairRow) anchor() string { return "pair-" + r.From.ID + "-to-" + r.To.ID }

func pairPath(from, to string) string {
	return "/zones/" + url.PathEscape(from) + "/" + url.PathEscape(to)
}

// may, did and could are the three answers in words.
func (r *pairRow) may() string {
	switch {
	case r.Conduits > 0:
		return "yes"
	case r.Expired > 0:
		return "no longer"
	}
	return "no"
}

func (r *pairRow) did() string {
	switch {
	case r.Answered > 0:
		return "yes"
	case r.Uses > 0:
		return "tried, not answered"
	}
	return "not seen"
}

func (r *pairRow) could() string {
	if r.Could == "" {
		return "no configuration"
	}
	return string(r.Could)
}

// letters are the three answers in three letters, for a cell: M D C where it is
// so, ? where it is undecided, – where nothing is known, a dot where it is not so.
func (r *pairRow) letters() string {
	out := "·"
	if r.Conduits > 0 {
		out = "M"
	}
	if r.Uses > 0 {
		out += "D"
	} else {
		out += "·"
	}
	switch r.Could {
	case firewall.CouldPass:
		return out + "C"
	case firewall.CouldUnsure:
		return out + "?"
	case firewall.CouldNot:
		return out + "·"
	}
	return out + "–"
}

func (r *pairRow) words(now time.Time) string {
	out := fmt.Sprintf("%s to %s: %s. May: %s. Did: %s", r.From.Name, r.To.Name, r.Look.word(), r.may(), r.did())
	if r.Uses > 0 {
		out += ", " + plural(r.Uses, "kind of conversation", "kinds of conversation") + ", newest " + ago(now, r.Last) + " ago"
	}
	return out + ". Could: " + r.could() + "."
}

// judge holds the three together.
func (r *pairRow) judge() {
	switch {
	case r.Undeclared > 0:
		r.Look = didNotMay
	case r.Beyond == firewall.CouldPass:
		r.Look = couldNotMay
	case r.Odd > 0:
		r.Look = didNotCould
	case r.Undecided > 0 || r.Beyond == firewall.CouldUnsure:
		r.Look = unsure
	case r.Stopped:
		r.Look = mayNotCould
	case r.Uses > 0:
		r.Look = didAndMay
	case r.Conduits > 0:
		r.Look = mayOnly
	default:
		r.Look = noLook
	}
}

// groupKey is a Purdue level of one world.
type groupKey struct {
	Level  float64
	Domain string
}

func groupOf(z *port.Zone) groupKey { return groupKey{z.Level, string(z.Domain)} }

func (g groupKey) value() string {
	return g.Domain + "/" + strconv.FormatFloat(g.Level, 'g', -1, 64)
}

func (g groupKey) String() string {
	return "Purdue " + strconv.FormatFloat(g.Level, 'g', -1, 64) + " " + cmp.Or(domainNames[finding.Domain(g.Domain)], g.Domain)
}

// pairTable is every pair that has something, the gravest first.
type pairTable struct {
	rows   []pairRow
	at     map[zonePair]int
	counts map[look]int
	groups []groupKey // of the zones, from the office to the machines
	newest time.Time
	lost   int // kinds of conversation of which an end lies in no zone

	odd map[useID]bool // conversations that the rules deny, as far as they were asked

	port *port.Port
	uses *network.ConduitUse
	len  int
	host *network.Host
	wall *firewall.Survey
	hour time.Time
}

// useID is a conversation as rules see it.
type useID struct {
	client, server, transport string
	port                      uint16
}

// denied reports whether the rules deny the example of a kind of conversation that
// was answered, and of which it is known who opened it.
func (t *pairTable) denied(s *firewall.Survey, u *network.ConduitUse, before *pairTable) bool {
	if s == nil || u.Answered == 0 || u.Port == 0 || !openerKnown(u) {
		return false
	}
	id := useID{u.Client, u.Server, u.Transport, u.Port}
	odd, asked := false, false
	if before != nil {
		odd, asked = before.odd[id]
	}
	if !asked {
		client, err1 := netip.ParseAddr(u.Client)
		server, err2 := netip.ParseAddr(u.Server)
		odd = err1 == nil && err2 == nil && s.Denies(client, server, u.Transport, u.Port)
	}
	t.odd[id] = odd
	return odd
}

// openerKnown reports whether it was seen who opened the conversations.
func openerKnown(u *network.ConduitUse) bool {
	return u.Verdict != network.Undecided && !strings.HasPrefix(u.Why, network.OpenerUnseen)
}

// pairCache keeps the table until something that it rests on changes.
type pairCache struct {
	mu   sync.Mutex
	last *pairTable
}

func (pc *pairCache) of(p *port.Port, pic network.Picture, s *firewall.Survey, now time.Time) *pairTable {
	t := &pairTable{port: p, len: len(pic.Uses), wall: s, hour: now.Truncate(time.Hour)}
	if len(pic.Uses) > 0 {
		t.uses = &pic.Uses[0]
	}
	if len(pic.Hosts) > 0 {
		t.host = &pic.Hosts[0]
	}
	pc.mu.Lock()
	defer pc.mu.Unlock()
	if o := pc.last; o != nil && o.port == p && o.uses == t.uses && o.len == t.len && o.host == t.host && o.wall == s && o.hour.Equal(t.hour) {
		return o
	}
	t.fill(p, pic, s, now, pc.last)
	pc.last = t
	return t
}

// fill works the table out. What the rules say is taken over from the table before
// where they are the same.
func (t *pairTable) fill(p *port.Port, pic network.Picture, s *firewall.Survey, now time.Time, before *pairTable) {
	if before != nil && before.wall != s {
		before = nil
	}
	t.newest, t.odd = newestTraffic(pic), map[useID]bool{}
	at := make(map[zonePair]*pairRow, len(p.Conduits)+len(pic.Uses)/2)
	row := func(from, to string) *pairRow {
		k := zonePair{from, to}
		r := at[k]
		if r == nil {
			r = &pairRow{From: p.Zone(from), To: p.Zone(to)}
			at[k] = r
		}
		return r
	}
	for i := range p.Conduits {
		c := &p.Conduits[i]
		if r := row(c.From, c.To); c.Expired(now) {
			r.Expired++
		} else {
			r.Conduits++
		}
	}
	for i := range pic.Uses {
		u := &pic.Uses[i]
		if u.Verdict == network.AllowedUnseen || u.Verdict == network.SameZone {
			continue
		}
		if p.Zone(u.From) == nil || p.Zone(u.To) == nil {
			t.lost++
			continue
		}
		r := row(u.From, u.To)
		r.Uses++
		if u.Answered > 0 {
			r.Answered++
		}
		if t.denied(s, u, before) {
			r.Odd++
		}
		if u.Last.After(r.Last) {
			r.Last = u.Last
		}
		switch u.Verdict {
		case network.Undeclared:
			r.Undeclared++
		case network.Undecided:
			r.Undecided++
		}
	}
	if s != nil {
		for i := range s.Open {
			row(s.Open[i].From, s.Open[i].To)
		}
		for i := range s.Conduits {
			if st := &s.Conduits[i]; st.State == firewall.NotAllowed {
				row(st.From, st.To).Stopped = true
			}
		}
	}
	t.counts, t.at = map[look]int{}, make(map[zonePair]int, len(at))
	t.rows = make([]pairRow, 0, len(at))
	for k, r := range at {
		if r.From == nil || r.To == nil || r.From == r.To {
			continue // the survey is of another port file
		}
		if was := before.row(k.from, k.to); was != nil {
			r.Passage = was.Passage
		} else if s != nil {
			r.Passage = s.Passage(k.from, k.to)
		}
		r.judge()
		t.counts[r.Look]++
		t.rows = append(t.rows, *r)
	}
	slices.SortFunc(t.rows, func(a, b pairRow) int {
		return cmp.Or(int(a.Look)-int(b.Look), b.Last.Compare(a.Last), strings.Compare(a.From.ID, b.From.ID), strings.Compare(a.To.ID, b.To.ID))
	})
	for i := range t.rows {
		t.at[zonePair{t.rows[i].From.ID, t.rows[i].To.ID}] = i
	}
	for i := range p.Zones {
		if g := groupOf(&p.Zones[i]); !slices.Contains(t.groups, g) {
			t.groups = append(t.groups, g)
		}
	}
	slices.SortFunc(t.groups, func(a, b groupKey) int {
		return cmp.Or(cmp.Compare(b.Level, a.Level), strings.Compare(a.Domain, b.Domain))
	})
}

// row is the pair, nil where nothing is declared, seen or open.
func (t *pairTable) row(from, to string) *pairRow {
	if t == nil {
		return nil
	}
	if i, ok := t.at[zonePair{from, to}]; ok {
		return &t.rows[i]
	}
	return nil
}

// pairFilter is what the address selects of the table.
type pairFilter struct {
	View, Look, From, To, Text string
	Skip                       int
}

// need is the filter of what somebody should look at.
const need = "need"

func (f pairFilter) address(skip int) string {
	q := url.Values{}
	for key, v := range map[string]string{"view": f.View, "look": f.Look, "from": f.From, "to": f.To, "q": f.Text} {
		if v != "" {
			q.Set(key, v)
		}
	}
	if skip > 0 {
		q.Set("skip", strconv.Itoa(skip))
	}
	if len(q) == 0 {
		return "/zones"
	}
	return "/zones?" + q.Encode()
}

// with is the filter for other groups and another look.
func (f pairFilter) with(look, from, to string) pairFilter {
	f.View, f.Look, f.From, f.To = "pairs", look, from, to
	return f
}

// check says what in the filter is not known.
func (f pairFilter) check(t *pairTable) error {
	known := func(list []choice, v string) bool {
		return slices.ContainsFunc(list, func(c choice) bool { return c.Value == v })
	}
	switch {
	case !slices.Contains([]string{"", "matrix", "pairs"}, f.View):
		return badFilter("view", f.View)
	case !known(lookChoices(), f.Look):
		return badFilter("look", f.Look)
	case !known(t.groupChoices(), f.From):
		return badFilter("from", f.From)
	case !known(t.groupChoices(), f.To):
		return badFilter("to", f.To)
	}
	return nil
}

func lookChoices() []choice {
	out := []choice{{"", "any"}, {need, "what needs a look"}}
	for _, l := range looks {
		out = append(out, choice{l.Key, l.Word})
	}
	return out
}

func (t *pairTable) groupChoices() []choice {
	out := []choice{{"", "any"}}
	for _, g := range t.groups {
		out = append(out, choice{g.value(), g.String()})
	}
	return out
}

func (f pairFilter) match(r *pairRow) bool {
	switch f.Look {
	case "":
	case need:
		if !r.Look.needs() {
			return false
		}
	default:
		if r.Look == noLook || looks[r.Look].Key != f.Look {
			return false
		}
	}
	if f.From != "" && groupOf(r.From).value() != f.From || f.To != "" && groupOf(r.To).value() != f.To {
		return false
	}
	if f.Text == "" {
		return true
	}
	text := strings.ToLower(f.Text)
	for _, z := range []*port.Zone{r.From, r.To} {
		if strings.Contains(strings.ToLower(z.ID), text) || strings.Contains(strings.ToLower(z.Name), text) {
			return true
		}
	}
	return false
}

// page are the rows of one page, how many match, and where the next page begins.
func (t *pairTable) page(f pairFilter, most int) (rows []*pairRow, total, next int) {
	for i := range t.rows {
		r := &t.rows[i]
		if !f.match(r) {
			continue
		}
		if total >= f.Skip && len(rows) < most {
			rows = append(rows, r)
		}
		total++
	}
	if next = f.Skip + len(rows); next >= total {
		next = 0
	}
	return rows, total, next
}

// groupCell is all pairs from one group to another.
type groupCell struct {
	Look  look // the gravest
	Need  int  // pairs that need a look
	Pairs int
	Href  string
	Words string
}

// byGroup are the pairs of each two groups.
func (t *pairTable) byGroup() [][]groupCell {
	index := map[groupKey]int{}
	for i, g := range t.groups {
		index[g] = i
	}
	out := make([][]groupCell, len(t.groups))
	for i := range out {
		out[i] = make([]groupCell, len(t.groups))
		for k := range out[i] {
			out[i][k].Look = noLook
		}
	}
	for i := range t.rows {
		r := &t.rows[i]
		cell := &out[index[groupOf(r.From)]][index[groupOf(r.To)]]
		cell.Look = min(cell.Look, r.Look)
		cell.Pairs++
		if r.Look.needs() {
			cell.Need++
		}
	}
	for i := range out {
		for k := range out[i] {
			cell := &out[i][k]
			if cell.Pairs == 0 {
				continue
			}
			which := ""
			if cell.Need > 0 {
				which = need
			}
			cell.Href = pairFilter{}.with(which, t.groups[i].value(), t.groups[k].value()).address(0)
			cell.Words = fmt.Sprintf("%s to %s: %s of %s, the gravest: %s", t.groups[i], t.groups[k],
				plural(cell.Need, "pair needs a look", "pairs need a look"), plural(cell.Pairs, "pair", "pairs"), cell.Look.word())
		}
	}
	return out
}
