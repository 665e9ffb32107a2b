// Package firewall reads the configurations of firewalls (iptables-save, nft
// JSON, Cisco ASA, FortiOS, PAN-OS) and tells the fate of every packet that
// opens a conversation: permitted, denied or undecided, each with the rule that
// decides. It exists because a segmentation that was never compared with the
// rules is a claim. Text in, policy out: it opens no file and no connection. The
// command line and the attack graph's feeders import it; it imports the port
// file, for the conduits that rules are judged against.
//
// What a reader does not understand is listed by line, and everything that could
// depend on it is undecided. So each rule has two sets: the packets that it
// matches for certain (Must) and those that it could match (May).
package firewall

import "fmt"

// Verdict is the fate of a packet.
type Verdict uint8

// The fates. Undecided says that the configuration, as far as it was
// understood, leaves both open.
const (
	Undecided Verdict = iota
	Permit
	Deny
)

func (v Verdict) String() string { return [...]string{"undecided", "permit", "deny"}[v] }

// MarshalText writes the verdict as a word.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// Dim is one dimension of the header of a packet.
type Dim int

// The dimensions. In and Out are interfaces, by their index in the policy: 0 is
// the device itself. Ports are those of TCP, UDP, SCTP, DCCP and UDP-Lite; for
// ICMP and ICMPv6 DstPort holds type·256 + code. Other protocols have none, and
// no rule asks for them.
const (
	In Dim = iota
	Out
	Src
	Dst
	Proto
	SrcPort
	DstPort
	dims
)

// Match is a set of packets: those whose value lies in the set of each dimension.
type Match [dims]Set

// All matches every packet.
func All() Match {
	var m Match
	for d := range dims {
		m[d] = full(d)
	}
	return m
}

// With is the match with another set in one dimension.
func (m Match) With(d Dim, s Set) Match {
	m[d] = s
	return m
}

// And is what both match.
func (m Match) And(o Match) Match {
	for d := range dims {
		m[d] = m[d].and(o[d])
	}
	return m
}

// Empty reports whether no packet matches.
func (m Match) Empty() bool {
	for d := range dims {
		if len(m[d]) == 0 {
			return true
		}
	}
	return false
}

// Packet is the header of one packet that opens a conversation.
type Packet [dims]num

// Has reports whether the packet is in the set.
func (m Match) Has(p Packet) bool {
	for d := range dims {
		if !m[d].has(p[d]) {
			return false
		}
	}
	return true
}

// Action is what a rule does with a packet that it matches.
type Action uint8

// The actions.
const (
	DoPermit Action = iota
	DoDeny
	DoJump   // go through another chain, then on
	DoGoto   // go through another chain, then back to where this one was entered
	DoReturn // back to where this chain was entered
	DoUnsure // not understood: may permit, deny or go on
)

// Rule is one rule of a policy, or what the device does where no rule matches.
type Rule struct {
	File      string
	Line      int    // 0: implicit
	Name      string // how the vendor would call it
	Text      string // as it is written, one line
	Action    Action
	Chain     *Chain // of a jump
	Must, May []Match
	Why       string // what was not understood, where Must and May differ
}

// Where names the rule by file and line.
func (r *Rule) Where() string {
	if r.File == "" {
		return r.Name
	}
	if r.Line == 0 {
		return r.File + " (implicit)"
	}
	return fmt.Sprintf("%s:%d", r.File, r.Line)
}

// Chain is an ordered list of rules; a packet that none decides goes back to
// where the chain was entered.
type Chain struct {
	Name  string
	Rules []*Rule
}

// Path is the way of a class of packets through the device: they pass if every
// stage permits them.
type Path struct {
	When   Match
	Stages []*Chain
}

// Route says by which interface addresses are reached.
type Route struct {
	To        Set
	Bits      int // length of the prefix; the longest wins
	Interface int
}

// Unread is a line that was not understood.
type Unread struct {
	File string `json:"file"`
	Line int    `json:"line"`
	Text string `json:"text"`
	Why  string `json:"why"`
}

func (u Unread) String() string { return fmt.Sprintf("%s:%d: %s: %s", u.File, u.Line, u.Why, u.Text) }

// Policy is what a configuration says.
type Policy struct {
	File       string
	Vendor     string   // "iptables", "nftables", "asa", "fortios", "panos"
	Hostname   string   // as the configuration names it
	Interfaces []string // names; 0 is the device itself. One that ends in + stands for all others that begin so
	Paths      []Path
	Doubts     []*Rule // sets of packets (May) whose fate is undecided whatever the rules say
	Routes     []Route // connected and static
	Six        bool    // it has addresses of IPv6, whose routes are not read
	NoRoutes   string  // why routes don't tell the interface; empty: they do
	Unread     []Unread
	Rules      int // rules that were read, without implicit ones
}

// Self is the interface index of the device itself.
const Self = 0

// Interface returns the index of an interface, and adds it where it is new.
func (p *Policy) Interface(name string) int {
	for i, n := range p.Interfaces {
		if n == name {
			return i
		}
	}
	p.Interfaces = append(p.Interfaces, name)
	return len(p.Interfaces) - 1
}
