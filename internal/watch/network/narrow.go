package network

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/quaywatch/quaywatch/internal/port"
)

// Narrowing is what a stretch of traffic says of the width of one conduit.
type Narrowing struct {
	Conduit string `json:"conduit"`
	From    string `json:"from"`
	To      string `json:"to"`
	// Verdict is "narrower" (part of the conduit was not needed), "unused" (none of
	// it was), "tight", or "undecided".
	Verdict string   `json:"verdict"`
	Why     string   `json:"why"`
	Unused  []string `json:"unused,omitempty"`  // what was not needed, in words, line by line
	Clients []string `json:"clients,omitempty"` // addresses that used it, at most 1,024 pairs of client and server
	Servers []string `json:"servers,omitempty"`
	YAML    string   `json:"yaml,omitempty"` // the narrower conduit as it would stand in the port file
}

// What a proposal needs.
const (
	NarrowDays   = 30  // of listening, by default
	maxGapShare  = 100 // gaps of up to a hundredth of the time are taken for none
	maxPortsLeft = 16  // further ports of one line are taken for a range that is needed
)

// Narrow holds each conduit against the traffic of at least so many days, or only
// those that are named. Nothing is proposed where the listening was too short or had
// gaps, where the table of uses was full, or where nothing of a zone was heard: then
// the verdict is undecided.
func (w *Watch) Narrow(days int, conduits ...string) []Narrowing {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.port == nil {
		return nil
	}
	doubt := w.tooLittle(time.Duration(days) * 24 * time.Hour)
	heard := w.uses.heardZones()
	out := make([]Narrowing, 0, cmp.Or(len(conduits), len(w.port.Conduits)))
	for i := range w.port.Conduits {
		c := &w.port.Conduits[i]
		if len(conduits) > 0 && !slices.Contains(conduits, c.ID) {
			continue
		}
		n := Narrowing{Conduit: c.ID, From: c.From, To: c.To}
		switch {
		case c.Expired(w.newest):
			n.Verdict, n.Why = "undecided", "it ended on "+c.Expires.UTC().Format("2006-01-02")
		case doubt != "":
			n.Verdict, n.Why = "undecided", doubt
		case !heard[c.From]:
			n.Verdict, n.Why = "undecided", "nothing of the zone "+c.From+" was heard: no sensor sees it"
		case !heard[c.To]:
			n.Verdict, n.Why = "undecided", "nothing of the zone "+c.To+" was heard: no sensor sees it"
		default:
			w.uses.narrow(c, &n)
		}
		out = append(out, n)
	}
	return out
}

// Listening is the time that traffic was heard over.
type Listening struct {
	Since, Until time.Time     // of the oldest and the newest traffic; zero where there was none
	Heard        time.Duration // of it, without gaps in which nothing was heard
}

// Listening tells how long the watch has listened.
func (w *Watch) Listening() Listening {
	w.mu.Lock()
	defer w.mu.Unlock()
	return Listening{w.oldest, w.newest, w.watched}
}

// tooLittle says why the listening proves nothing, "" where it does.
func (w *Watch) tooLittle(need time.Duration) string {
	span := w.newest.Sub(w.oldest)
	gaps := span - w.watched
	switch {
	case w.oldest.IsZero():
		return "no traffic was heard"
	case span < need:
		return fmt.Sprintf("the traffic covers %s, and %s are needed", span.Round(time.Minute), plural(int(need/(24*time.Hour)), "day"))
	case gaps > span/maxGapShare:
		return fmt.Sprintf("of %s nothing was heard for %s (gaps of more than %s): what happened then is not known", span.Round(time.Minute), gaps.Round(time.Minute), maxQuiet)
	case w.uses.other > 0:
		return fmt.Sprintf("the table of uses was full: %d conversations are in it without their port", w.uses.other)
	}
	return ""
}

// heardZones are the zones of which any traffic was seen, and the external one.
func (u *uses) heardZones() map[string]bool {
	out := map[string]bool{}
	for k := range u.rows {
		out[k.from], out[k.to] = true, true
	}
	return out
}

// narrow compares one conduit with its uses.
func (u *uses) narrow(c *port.Conduit, n *Narrowing) {
	clients, servers := map[string]bool{}, map[string]bool{}
	var used []useKey
	unsure, cut := "", "" // the first reason in order, so that the same traffic gives the same words
	for k, r := range u.rows {
		if k.verdict == Undecided && mayUse(c, &k) && (unsure == "" || r.why < unsure) {
			unsure = r.why
		}
		if k.conduit != c.ID || k.from != c.From || k.to != c.To {
			continue
		}
		if k.verdict != AllowedSeen {
			continue
		}
		used = append(used, k)
		for p := range r.pairs {
			client, server, _ := strings.Cut(p, " ")
			clients[client], servers[server] = true, true
		}
		if len(r.pairs) >= maxPeers {
			cut = "at least "
		}
	}
	if unsure != "" {
		n.Verdict, n.Why = "undecided", "some of its traffic is undecided: "+unsure
		return
	}
	n.Clients, n.Servers = slices.Sorted(maps.Keys(clients)), slices.Sorted(maps.Keys(servers))
	var allow []port.Allow
	for i := range c.Allow {
		kept := u.narrowLine(&c.Allow[i], used)
		if words := difference(&c.Allow[i], kept); words != "" {
			n.Unused = append(n.Unused, words)
		}
		for _, a := range kept {
			if !slices.ContainsFunc(allow, func(b port.Allow) bool { return lineText(&a) == lineText(&b) }) {
				allow = append(allow, a)
			}
		}
	}
	switch {
	case len(used) == 0:
		n.Verdict, n.Why = "unused", "no traffic used it; if nothing rare needs it, remove it"
	case len(n.Unused) == 0:
		n.Verdict, n.Why = "tight", "every line was used as wide as it is declared"
	default:
		n.Verdict, n.Why = "narrower", fmt.Sprintf("%s%s and %s used it; the proposal lets all of that traffic through", cut, plural(len(clients), "client"), plural(len(servers), "server"))
		n.YAML = conduitYAML(c, allow)
	}
}

// mayUse reports whether undecided traffic may be a conduit's. It is told of one conduit
// only, though another between the zones may be the one, and of none where it was not
// seen who opened it: its port is then a guess, and so is the direction.
func mayUse(c *port.Conduit, k *useKey) bool {
	there := k.from == c.From && k.to == c.To
	switch k.conduit {
	case "":
		return there || k.from == c.To && k.to == c.From
	case c.ID:
		return there
	}
	return there && slices.ContainsFunc(c.Allow, func(a port.Allow) bool {
		return (a.Transport == "any" || a.Transport == k.transport) && covers(a.Ports, k.port, k.transport)
	})
}

// narrowLine is what is needed of a line: one line for each transport and
// application that used it.
func (u *uses) narrowLine(a *port.Allow, used []useKey) []port.Allow {
	type group struct{ transport, application string }
	rows := map[group][]useKey{}
	for _, k := range used {
		if (a.Transport != "any" && a.Transport != k.transport) || !covers(a.Ports, k.port, k.transport) ||
			a.Application != "" && !sameApplication(a.Application, k.application) {
			continue
		}
		g := group{k.transport, k.application}
		if a.Application != "" {
			g.application = a.Application // as the port file calls it
		}
		rows[g] = append(rows[g], k)
	}
	groups := slices.SortedFunc(maps.Keys(rows), func(x, y group) int {
		return strings.Compare(x.transport+" "+x.application, y.transport+" "+y.application)
	})
	var out []port.Allow
	for _, g := range groups {
		line := port.Allow{Transport: g.transport, Application: g.application, Access: a.Access, Ports: portsOf(rows[g], a.Ports)}
		if u.readsOnly(rows[g]) && (a.Access == "" || a.Access == "read-write") && slices.Contains(controllers, rows[g][0].application) {
			line.Access = "read"
		}
		out = append(out, line)
	}
	return out
}

// portsOf are the ports that were used; what has none keeps what was declared, and
// so does a range of which very many are.
func portsOf(rows []useKey, declared []port.PortRange) []port.PortRange {
	seen := map[uint16]bool{}
	for _, k := range rows {
		if k.transport != "tcp" && k.transport != "udp" {
			return declared
		}
		seen[k.port] = true
	}
	if len(seen) > maxPortsLeft {
		return declared
	}
	var out []port.PortRange
	for _, p := range slices.Sorted(maps.Keys(seen)) {
		if n := len(out); n > 0 && out[n-1].High+1 == p {
			out[n-1].High = p
			continue
		}
		out = append(out, port.PortRange{Low: p, High: p})
	}
	return out
}

// readsOnly: what was asked is known of all conversations, and is reading.
func (u *uses) readsOnly(rows []useKey) bool {
	for _, k := range rows {
		r := u.rows[k]
		if r.blind || len(r.operations) == 0 {
			return false
		}
		for op := range r.operations {
			if !slices.Contains(readingOps, op) {
				return false
			}
		}
	}
	return true
}

// difference says in words what of a line was not needed, "" where all was.
func difference(a *port.Allow, kept []port.Allow) string {
	was := lineText(a)
	if len(kept) == 0 {
		return was + ": not used"
	}
	var left []string
	for i := range kept {
		left = append(left, lineText(&kept[i]))
	}
	if len(left) == 1 && left[0] == was {
		return ""
	}
	return was + ": only " + strings.Join(left, " and ") + " was used"
}

// lineText is a line of a conduit as the port file has it.
func lineText(a *port.Allow) string {
	text := "{transport: " + a.Transport
	if len(a.Ports) > 0 {
		text += ", ports: [" + portsText(a.Ports) + "]"
	}
	if a.Application != "" {
		text += ", application: " + a.Application
	}
	if a.Access != "" {
		text += ", access: " + a.Access
	}
	return text + "}"
}

func conduitYAML(c *port.Conduit, allow []port.Allow) string {
	var b strings.Builder
	fmt.Fprintf(&b, "- id: %s\n", c.ID)
	if c.Name != "" && c.Name != c.ID {
		fmt.Fprintf(&b, "  name: %s\n", strconv.Quote(c.Name))
	}
	fmt.Fprintf(&b, "  from: %s\n  to: %s\n", c.From, c.To)
	if c.Reason != "" {
		fmt.Fprintf(&b, "  reason: %s\n", strconv.Quote(c.Reason))
	}
	if c.Owner != "" {
		fmt.Fprintf(&b, "  owner: %s\n", c.Owner)
	}
	if !c.Expires.IsZero() {
		fmt.Fprintf(&b, "  expires: %s\n", c.Expires.UTC().Format(time.RFC3339))
	}
	b.WriteString("  allow:\n")
	for i := range allow {
		b.WriteString("    - " + lineText(&allow[i]) + "\n")
	}
	return b.String()
}
