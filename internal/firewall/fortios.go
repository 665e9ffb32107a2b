package firewall

import (
	"fmt"
	"slices"
	"strings"
)

// readFortiOS reads the configuration of a FortiGate, as it is backed up or
// shown, and the commands that change one.
func readFortiOS(r *reading, data []byte) error {
	x := &forti{reading: r, sections: map[string]*fortiSection{}, vdoms: map[string]bool{}, addressesSeen: map[bool]*memo[fuzzy]{false: {}, true: {}}}
	x.stack = []fortiFrame{{}}
	open, text, from := "", "", 0
	err := lines(r.File, data, func(at int, t string) {
		if open == "" {
			text, from = t, at
		} else if text += "\n" + t; !strings.ContainsAny(t, `"'`) && len(text) <= maxLine {
			return // within a quote
		}
		if len(text) > maxLine {
			x.err = fmt.Errorf("%s:%d: a quoted text of more than %d KiB", r.File, from, maxLine>>10)
			text = ""
		}
		trimmed := strings.TrimSpace(text)
		if trimmed == "" || trimmed[0] == '#' {
			return
		}
		words, unclosed := fields(strings.ReplaceAll(text, "\n", " "), `"'`)
		if unclosed {
			open = text
			return
		}
		open = ""
		x.command(textLine{from, trimmed, words})
	})
	if err != nil {
		return err
	}
	if open != "" {
		x.baffled(from, text, "a quote that is not closed")
	}
	x.compile()
	return nil
}

type forti struct {
	*reading
	sections map[string]*fortiSection
	stack    []fortiFrame // what is open; the first is the top
	vdom     string
	vdoms    map[string]bool // that have policies
	zones    map[string]fuzzy
	ifaces   map[string]bool

	servicesSeen  memo[services]
	addressesSeen map[bool]*memo[fuzzy] // by whether it is of IPv6
}

// fortiSection is what stands between config and end.
type fortiSection struct {
	path    string
	top     *fortiEntry // what is set without an edit
	entries []*fortiEntry
}

type fortiEntry struct {
	textLine
	name string
	sets map[string]*textLine // by attribute; words are the values
	subs map[string]*fortiSection
}

type fortiFrame struct {
	section *fortiSection
	entry   *fortiEntry
}

func newFortiEntry(name string, l textLine) *fortiEntry {
	return &fortiEntry{textLine: l, name: name, sets: map[string]*textLine{}, subs: map[string]*fortiSection{}}
}

func (s *fortiSection) find(name string) (int, *fortiEntry) {
	for i, e := range s.entries {
		if e.name == name {
			return i, e
		}
	}
	return -1, nil
}

// get returns the values of an attribute, nil where it is not set.
func (e *fortiEntry) get(attr string) []string {
	if e != nil && e.sets[attr] != nil {
		return e.sets[attr].words
	}
	return nil
}

// is reports whether an attribute has one value.
func (e *fortiEntry) is(attr, value string) bool { return slices.Equal(e.get(attr), []string{value}) }

func (x *forti) top() *fortiFrame { return &x.stack[len(x.stack)-1] }

// fortiRead are the sections that are read, with the attributes that decide nothing.
var fortiRead = map[string]string{
	"firewall policy": `uuid name comments comment logtraffic logtraffic-start nat ippool poolname poolname6 fixedport utm-status inspection-mode ssl-ssh-profile av-profile ips-sensor
 application-list webfilter-profile dnsfilter-profile emailfilter-profile dlp-profile dlp-sensor file-filter-profile voip-profile waf-profile icap-profile cifs-profile videofilter-profile
 ssh-filter-profile sctp-filter-profile profile-group profile-type profile-protocol-options traffic-shaper traffic-shaper-reverse per-ip-shaper session-ttl tcp-mss-sender tcp-mss-receiver
 global-label label auto-asic-offload np-acceleration capture-packet timeout-send-rst block-notification replacemsg-override-group diffserv-forward diffserv-reverse diffservcode-forward
 diffservcode-rev anti-replay dynamic-shaping send-deny-packet delay-tcp-npu-session wccp natip nat64 nat46 tcp-session-without-syn custom-log-fields passive-wan-health-measurement
 email-collect match-vip webproxy-profile webproxy-forward-server firewall-session-dirty http-policy-redirect ssh-policy-redirect redirect-url policy-offload cgn-resource-quota`,
	"firewall address":          `uuid comment comments color associated-interface allow-routing fabric-object visibility cache-ttl obj-id tagging sub-type clearpass-spt node-ip-only list route-tag`,
	"firewall addrgrp":          `uuid comment color allow-routing fabric-object visibility tagging type category`,
	"firewall address6":         `uuid comment color fabric-object visibility tagging cache-ttl`,
	"firewall addrgrp6":         `uuid comment color fabric-object visibility tagging`,
	"firewall service custom":   `uuid comment color category visibility fabric-object session-ttl tcp-halfclose-timer tcp-halfopen-timer tcp-timewait-timer tcp-rst-timer udp-idle-timer check-reset-range helper`,
	"firewall service group":    `uuid comment color fabric-object`,
	"firewall vip":              `uuid comment color id src-filter arp-reply nat-source-vip gratuitous-arp-interval portmapping-type status`,
	"firewall vipgrp":           `uuid comments color`,
	"firewall multicast-policy": ``, "firewall acl": ``, "firewall policy6": ``, "firewall multicast-policy6": ``, "firewall security-policy": ``, "firewall consolidated policy": ``,
	"system interface": ``, "system zone": `description tagging`, "system global": ``, "system settings": ``, "system sdwan": ``, "system virtual-wan-link": ``,
	"router static": ``, "router policy": ``, "router bgp": ``, "router ospf": ``, "router rip": ``, "router isis": ``,
}

// fortiHarmless begin the names of sections that decide nothing about which
// opening packets pass.
var fortiHarmless = []string{
	"firewall shap", "firewall ssl", "firewall profile-", "firewall schedule", "firewall ippool", "firewall service category", "firewall internet-service", "firewall wildcard-fqdn",
	"firewall local-in-policy", "firewall central-snat-map", "firewall DoS-policy", "firewall ttl-policy", "firewall sniffer", "firewall on-demand-sniffer", "firewall proxy-",
	"firewall decrypted-traffic-mirror", "firewall auth-portal", "firewall ldb-monitor", "firewall access-proxy", "firewall country", "firewall city", "firewall region", "firewall vendor-mac",
	"firewall traffic-class", "firewall address6-template", "firewall multicast-address", "firewall global", "firewall ssh", "firewall network-service-dynamic", "router ", "system ",
	"alertemail ", "antivirus ", "application ", "authentication ", "automation ", "casb ", "certificate ", "cifs ", "credential-store ", "dlp ", "dnsfilter ", "diameter-filter ", "emailfilter ", "endpoint-control ",
	"ethernet-oam ", "extender-controller ", "extension-controller ", "file-filter ", "ftp-proxy ", "gui ", "hardware ", "icap ", "ips ", "log ", "monitoring ", "nsxt ", "report ", "sctp-filter ", "ssh-filter ",
	"switch-controller ", "telemetry-controller ", "user ", "videofilter ", "virtual-patch ", "voip ", "vpn ", "waf ", "wanopt ", "web-proxy ", "webfilter ", "wireless-controller ", "ztna ",
}

func (x *forti) command(l textLine) {
	w := l.words
	f := x.top()
	if w[0] == "config" {
		x.open(l)
		return
	}
	if f.section == nil {
		x.baffled(l.line, l.text, "a command outside a section")
		return
	}
	switch w[0] {
	case "end":
		if len(x.stack) > 1 {
			x.stack = x.stack[:len(x.stack)-1]
		}
	case "next":
		f.entry = nil
		if f.section.path == "vdom" {
			x.vdom = ""
		}
	case "edit":
		x.edit(l)
	case "set", "append", "unset", "select", "unselect", "clear":
		x.set(l)
	case "delete", "move", "clone", "rename", "purge":
		x.change(l)
	default:
		x.strange(l, "a command that is not read")
	}
}

// strange lists a line that was not understood; it casts doubt only where the
// section is one that decides.
func (x *forti) strange(l textLine, why string) {
	s := x.top().section
	if _, read := fortiRead[s.path]; read {
		x.baffled(l.line, l.text, why)
	}
}

func (x *forti) open(l textLine) {
	f := x.top()
	path := strings.Join(l.words[1:], " ")
	if len(x.stack) > maxNesting {
		x.err = fmt.Errorf("%s:%d: more than %d sections in one another", x.File, l.line, maxNesting)
		return
	}
	if f.section != nil && f.section.path != "vdom" && f.section.path != "global" {
		in := f.entry
		if in == nil {
			in = f.section.top
		}
		sub := in.subs[path]
		if sub == nil {
			sub = &fortiSection{path: f.section.path + "/" + path, top: newFortiEntry("", l)}
			in.subs[path] = sub
		}
		x.stack = append(x.stack, fortiFrame{section: sub})
		return
	}
	s := x.sections[path]
	if s == nil {
		s = &fortiSection{path: path, top: newFortiEntry("", l)}
		x.sections[path] = s
	}
	if path == "firewall policy" {
		if x.vdoms[x.vdom] = true; len(x.vdoms) == 2 {
			x.baffled(l.line, l.text, "policies of several virtual domains in one file")
		}
	}
	_, read := fortiRead[path]
	if !read && path != "vdom" && path != "global" && !slices.ContainsFunc(fortiHarmless, func(h string) bool { return strings.HasPrefix(path, h) }) {
		x.baffled(l.line, l.text, "a section that is not read")
	}
	x.stack = append(x.stack, fortiFrame{section: s})
}

func (x *forti) edit(l textLine) {
	f := x.top()
	if len(l.words) < 2 {
		x.strange(l, "an entry without a name")
		return
	}
	name := l.words[1]
	if f.section.path == "vdom" {
		x.vdom = name
	}
	_, e := f.section.find(name)
	if e == nil {
		e = newFortiEntry(name, l)
		f.section.entries = append(f.section.entries, e)
		if f.section.path == "firewall policy" {
			x.Policy.Rules++
		}
		if len(f.section.entries) > maxRules {
			x.err = tooMany(x.File, l.line)
			f.section.entries = f.section.entries[:1]
		}
	}
	f.entry = e
}

func (x *forti) set(l textLine) {
	f := x.top()
	e := f.entry
	if e == nil {
		e = f.section.top
	}
	if len(l.words) < 2 {
		x.strange(l, "nothing is set")
		return
	}
	attr, values := l.words[1], l.words[2:]
	old := e.sets[attr]
	switch l.words[0] {
	case "unset", "clear":
		delete(e.sets, attr)
		return
	case "append":
		if old != nil {
			values = append(slices.Clone(old.words), values...)
		}
	case "unselect":
		if old == nil {
			return
		}
		values = slices.DeleteFunc(slices.Clone(old.words), func(v string) bool { return slices.Contains(values, v) })
	} // select keeps only what it names, as set does
	e.sets[attr] = &textLine{l.line, l.text, values}
}

// change moves, copies, renames and deletes entries.
func (x *forti) change(l textLine) {
	s := x.top().section
	if x.top().entry != nil {
		x.strange(l, "inside an entry")
		return
	}
	w := l.words
	if w[0] == "purge" {
		s.entries = nil
		return
	}
	refused := func(why string) { x.note(l.line, l.text, why) } // the device refuses it too
	if len(w) < 2 || w[0] != "delete" && len(w) < 4 {
		x.strange(l, "words are missing")
		return
	}
	at, e := s.find(w[1])
	if e == nil {
		refused("there is no such entry")
		return
	}
	switch w[0] {
	case "delete":
		s.entries = slices.Delete(s.entries, at, at+1)
	case "move":
		if _, to := s.find(w[3]); to == nil || to == e || w[2] != "before" && w[2] != "after" {
			refused("there is no such place")
			return
		}
		s.entries = slices.Delete(s.entries, at, at+1)
		to, _ := s.find(w[3])
		if w[2] == "after" {
			to++
		}
		s.entries = slices.Insert(s.entries, to, e)
	case "clone":
		if _, to := s.find(w[3]); to != nil {
			refused("the name is taken")
			return
		}
		if _, ok := number(w[3], 1<<31-1); !ok && s.path == "firewall policy" {
			refused("no number of a policy")
			return
		}
		c := newFortiEntry(w[3], l)
		for k, v := range e.sets {
			c.sets[k] = v
		}
		for k, v := range e.subs {
			c.subs[k] = v
		}
		s.entries = append(s.entries, c)
	case "rename":
		x.rename(s, e, w[3], refused)
	}
}

// fortiFamilies are sections that share their names, with who refers to them.
var fortiFamilies = []struct {
	sections []string
	refer    map[string][]string
}{
	{[]string{"firewall service custom", "firewall service group"},
		map[string][]string{"firewall service group": {"member"}, "firewall policy": {"service"}}},
	{[]string{"firewall address", "firewall addrgrp", "firewall vip", "firewall vipgrp"},
		map[string][]string{"firewall addrgrp": {"member", "exclude-member"}, "firewall vipgrp": {"member"}, "firewall policy": {"srcaddr", "dstaddr"}}},
	{[]string{"firewall address6", "firewall addrgrp6"},
		map[string][]string{"firewall addrgrp6": {"member"}, "firewall policy": {"srcaddr6", "dstaddr6"}}},
}

func (x *forti) rename(s *fortiSection, e *fortiEntry, name string, refused func(string)) {
	for _, fam := range fortiFamilies {
		if !slices.Contains(fam.sections, s.path) {
			continue
		}
		for _, path := range fam.sections {
			if other := x.sections[path]; other != nil {
				if _, taken := other.find(name); taken != nil {
					refused("the name is taken")
					return
				}
			}
		}
		for path, attrs := range fam.refer {
			sec := x.sections[path]
			if sec == nil {
				continue
			}
			for _, user := range sec.entries {
				for _, a := range attrs {
					if v := user.sets[a]; v != nil {
						words := slices.Clone(v.words)
						for i := range words {
							if words[i] == e.name {
								words[i] = name
							}
						}
						user.sets[a] = &textLine{v.line, v.text, words}
					}
				}
			}
		}
	}
	if _, taken := s.find(name); taken != nil {
		refused("the name is taken")
		return
	}
	e.name = name
}
