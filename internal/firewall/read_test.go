package firewall

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// panXMLText is a configuration in the form that the device exports.
const panXMLText = `<?xml version="1.0"?>
<config version="10.2.0" urldb="paloaltonetworks">
  <devices><entry name="localhost.localdomain">
    <deviceconfig><system><hostname>edge-1</hostname></system></deviceconfig>
    <network><interface><ethernet>
      <entry name="ethernet1/1"><layer3><ip><entry name="10.1.1.1/24"/></ip></layer3></entry>
      <entry name="ethernet1/2"><layer3><units><entry name="ethernet1/2.20"><ip><entry name="10.2.0.1/16"/></ip></entry></units></layer3></entry>
    </ethernet></interface></network>
    <vsys><entry name="vsys1">
      <zone>
        <entry name="office"><network><layer3><member>ethernet1/1</member></layer3></network></entry>
        <entry name="plant"><network><layer3><member>ethernet1/2.20</member></layer3></network></entry>
      </zone>
      <address><entry name="srv"><ip-netmask>10.2.0.9</ip-netmask></entry></address>
      <address-group><entry name="servers"><static><member>srv</member><member>far</member></static></entry></address-group>
      <service><entry name="s1"><protocol><tcp><port>502,1000-2000</port></tcp></protocol></entry></service>
      <rulebase><security><rules>
        <entry name="reports">
          <from><member>office</member></from><to><member>plant</member></to>
          <source><member>any</member></source><destination><member>servers</member></destination>
          <service><member>s1</member></service><application><member>any</member></application>
          <action>allow</action><log-end>yes</log-end>
        </entry>
      </rules></security></rulebase>
    </entry></vsys>
  </entry></devices>
  <shared><address><entry name="far"><ip-range>10.2.9.1-10.2.9.9</ip-range></entry></address></shared>
</config>
`

// described is all that a policy decides, for people.
func described(p *Policy, v Verdict) string {
	var out []string
	for _, f := range p.Decide(All().With(In, others()).With(Out, others())) {
		for _, m := range f.Packets {
			if f.Verdict == v {
				out = append(out, m.Words(p.Interfaces).String()+" by "+strings.Join(ruleWhere(f.By), " "))
			}
		}
	}
	return strings.Join(out, "\n")
}

func TestPanXML(t *testing.T) {
	p, err := Read("edge.xml", []byte(panXMLText), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if p.Hostname != "edge-1" || len(p.Unread) > 0 || len(p.Routes) != 2 {
		t.Errorf("host name %q, %v not understood, routes %v", p.Hostname, p.Unread, p.Routes)
	}
	got := described(p, Permit)
	if !strings.Contains(got, "any in ethernet1/1 to 10.2.0.9, 10.2.9.1, 10.2.9.2/31, 10.2.9.4/30, 10.2.9.8/31 out ethernet1/2.20, tcp 502,1000-2000 by edge.xml:18") {
		t.Errorf("got\n%s", got)
	}
	if _, err := Read("cut.xml", []byte(panXMLText[:900]), Options{}); err == nil || !strings.HasPrefix(err.Error(), "cut.xml:") {
		t.Errorf("a cut file: %v", err)
	}
}

// TestLinesNotUnderstood holds that what is not understood is listed by its line
// and makes undecided what it could decide, and no more.
func TestLinesNotUnderstood(t *testing.T) {
	tests := []struct {
		name, text string
		line       int
		why        string
		undecided  string // part of what is undecided
		permit     string // part of what is permitted for certain all the same
	}{
		{"iptables match", "*filter\n:FORWARD DROP [0:0]\n-A FORWARD -d 10.1.1.7 -m string --string x --algo bm -j ACCEPT\n-A FORWARD -p udp -j ACCEPT\nCOMMIT\n", 3, "a match that is not read: string", "0.0.0.0/0 to 10.1.1.7, any except udp", "0.0.0.0/0 to 10.1.1.7, udp by f:3 f:4"},
		{"iptables set", "*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -m set --match-set bad src -d 10.1.1.7 -j DROP\nCOMMIT\n", 3, "a match that is not read: set", "0.0.0.0/0 to 10.1.1.7, any service", "0.0.0.0/0 to 0.0.0.0/0 except 10.1.1.7"},
		{"iptables negated unknown address", "*filter\n:FORWARD DROP [0:0]\n-A FORWARD ! -s host.example -p tcp -j ACCEPT\nCOMMIT\n", 3, "an address that is not read", "0.0.0.0/0 to 0.0.0.0/0, tcp", ""},
		{"iptables without filter", "*mangle\n:FORWARD ACCEPT [0:0]\nCOMMIT\n", 0, "", "0.0.0.0/0 to 0.0.0.0/0, any service", ""},
		{"asa interface setting", asaText(" warp-drive on") + "access-list A extended permit ip any any\naccess-group A in interface in\n", 5, "a setting of an interface that is not read", "any in in", ""},
		{"asa group member", asaText("") + "object-group network G\n network-object host 10.1.1.7\n network-object object gone\naccess-list A extended permit ip object-group G any\naccess-group A in interface in\n", 10, "object gone is not known", "any except 10.1.1.7 in in to any out out", "10.1.1.7 in in to any out out, any service"},
		{"asa command", asaText("") + "shun 10.1.1.7\n", 8, "a command that is not read", "any to any, any service", ""},
		{"fortios schedule", "config firewall policy\nedit 1\nset srcintf any\nset dstintf any\nset srcaddr all\nset dstaddr all\nset service ALL\nset action accept\nset schedule night\nnext\nend\n", 0, "", "0.0.0.0/0 to 0.0.0.0/0, any service", ""},
		{"fortios section", "config firewall teleport\nedit 1\nnext\nend\n", 1, "a section that is not read", "any to any, any service", ""},
		{"pan circular group", "set zone a network layer3 e1\nset zone b network layer3 e2\nset address-group g static [ 10.1.1.7 g ]\nset rulebase security rules r from a\nset rulebase security rules r to b\nset rulebase security rules r source g\nset rulebase security rules r destination any\nset rulebase security rules r service any\nset rulebase security rules r application any\nset rulebase security rules r action allow\n", 3, "groups that hold themselves", "any except 10.1.1.7 in e1 to any out e2", "10.1.1.7 in e1 to any out e2"},
	}
	for _, x := range tests {
		t.Run(x.name, func(t *testing.T) {
			p, err := Read("f", []byte(x.text), Options{})
			if err != nil {
				t.Fatal(err)
			}
			if x.line > 0 && !slices.ContainsFunc(p.Unread, func(u Unread) bool { return u.Line == x.line && strings.HasPrefix(u.Why, x.why) }) {
				t.Errorf("line %d is not listed with %q: %v", x.line, x.why, p.Unread)
			}
			if got := described(p, Undecided); !strings.Contains(got, x.undecided) {
				t.Errorf("undecided:\n%s\nwithout %q", got, x.undecided)
			}
			got := described(p, Permit)
			if !strings.Contains(got, x.permit) || x.permit == "" && strings.Contains(got, "0.0.0.0/0 to 0.0.0.0/0") {
				t.Errorf("permitted:\n%s\nwithout %q", got, x.permit)
			}
		})
	}
}

// asaText is a small ASA whose first interface has a further setting.
func asaText(setting string) string {
	if setting != "" {
		setting += "\n"
	}
	return "ASA Version 9.16(4)\ninterface G0/0\n nameif in\n security-level 50\n" + setting + "interface G0/1\n nameif out\n security-level 60\n"
}

// TestRefused holds the bounds, and that an error names file and line.
func TestRefused(t *testing.T) {
	for name, text := range map[string]string{
		"empty":        "",
		"words":        "once upon a time\n",
		"cut JSON":     `{"nftables": [{"rule": `,
		"other JSON":   `{"rules": []}`,
		"deep JSON":    `{"nftables": ` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + "}",
		"long line":    "*filter\n" + strings.Repeat("x", maxLine+1) + "\n",
		"deep XML":     "<config>" + strings.Repeat("<a>", 100) + strings.Repeat("</a>", 100) + "</config>",
		"deep config":  strings.Repeat("config a b\n edit 1\n", 100),
		"many devices": "*filter\n:FORWARD DROP [0:0]\n" + manyInterfaces(),
	} {
		if _, err := Read("f", []byte(text), Options{}); err == nil || !strings.HasPrefix(err.Error(), "f:") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Read("f", []byte("once upon a time\n"), Options{}); !errors.Is(err, ErrFormat) {
		t.Errorf("not ErrFormat: %v", err)
	}
}

func manyInterfaces() string {
	var b strings.Builder
	for i := range maxNames + 10 {
		fmt.Fprintf(&b, "-A FORWARD -i if%d -j ACCEPT\n", i)
	}
	return b.String()
}

// TestSame reads twice and gets the same.
func TestSame(t *testing.T) {
	for _, vendor := range []string{"iptables", "nftables", "asa", "fortios", "panos"} {
		text := makeUp(vendor, rand.New(rand.NewPCG(4, 4)))
		var last string
		for range 3 {
			p, err := Read("f", []byte(text), Options{})
			if err != nil {
				t.Fatal(err)
			}
			got := fmt.Sprint(p.Unread, described(p, Permit), described(p, Deny), described(p, Undecided))
			if last != "" && got != last {
				t.Errorf("%s: two readings differ", vendor)
			}
			last = got
		}
	}
}

// BenchmarkLargest decides a made-up policy of 1,000 rules on one machine with
// the example port's, which has 55.
func BenchmarkLargest(b *testing.B) {
	for _, rules := range []int{100, 1000} {
		b.Run(fmt.Sprintf("rules=%d", rules), func(b *testing.B) {
			text := []byte(largeASA(rules))
			for b.Loop() {
				p, err := Read("large", text, Options{})
				if err != nil {
					b.Fatal(err)
				}
				if fates := p.Decide(All()); len(fates) < rules/2 {
					b.Fatalf("only %d fates", len(fates))
				}
			}
		})
	}
}

// largeASA is an access list of hosts, networks and ports that overlap.
func largeASA(rules int) string {
	r := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	b.WriteString(asaText(""))
	for range rules {
		fmt.Fprintf(&b, "access-list A extended %s %s 10.%d.%d.0 255.255.255.0 10.%d.0.0 255.255.0.0 eq %d\n", pick(r, []string{"permit", "permit", "permit", "deny"}), pick(r, []string{"tcp", "udp"}), r.IntN(20), r.IntN(256), r.IntN(20), pick(r, []int{22, 80, 443, 445, 502, 1433, 3389, 4840}))
	}
	b.WriteString("access-group A in interface in\n")
	return b.String()
}

// TestUsualLines holds that what stands in every backup casts no doubt.
func TestUsualLines(t *testing.T) {
	asa := `: Saved
: Serial Number: 9AXXXXXXXXX
:
ASA Version 9.16(4)
!
hostname edge
enable password ***** pbkdf2
service-module 0 keepalive-timeout 4
names
no mac-address auto
ip local pool VPN 10.9.0.1-10.9.0.9 mask 255.255.255.0
!
interface GigabitEthernet0/0
 description to the office
 speed 1000
 nameif in
 security-level 100
 ip address 10.1.0.1 255.255.255.0 standby 10.1.0.2
!
interface GigabitEthernet0/1
 nameif out
 security-level 0
 ip address 10.2.0.1 255.255.255.0
!
interface GigabitEthernet0/2
 shutdown
 no nameif
 no security-level
 no ip address
!
boot system disk0:/asa9-16-4-lfbff-k8.SPA
ftp mode passive
clock timezone UTC 0
dns domain-lookup in
dns server-group DefaultDNS
 name-server 10.1.0.53
object network any-obj
 subnet 0.0.0.0 0.0.0.0
access-list cached ACL log flows 4096
pager lines 24
logging enable
mtu in 1500
no failover
icmp unreachable rate-limit 1 burst-size 1
asdm image disk0:/asdm.bin
no asdm history enable
arp timeout 14400
object network any-obj
 nat (in,out) dynamic interface
timeout xlate 3:00:00
user-identity default-domain LOCAL
aaa authentication ssh console LOCAL
http server enable
no snmp-server location
crypto ipsec security-association pmtu-aging infinite
crypto ca trustpool policy
telnet timeout 5
ssh stricthostkeycheck
console timeout 0
threat-detection basic-threat
no threat-detection statistics tcp-intercept
ntp server 10.1.0.123
dynamic-access-policy-record DfltAccessPolicy
username admin password ***** pbkdf2 privilege 15
class-map inspection_default
 match default-inspection-traffic
policy-map type inspect dns preset_dns_map
 parameters
  message-length maximum client auto
policy-map global_policy
 class inspection_default
  inspect dns preset_dns_map
service-policy global_policy global
prompt hostname context
no call-home reporting anonymous
call-home
 profile CiscoTAC-1
  no active
Cryptochecksum:d41d8cd98f00b204e9800998ecf8427e
: end
`
	forti := `#config-version=FGT60F-7.2.8-FW-build1639-240313:opmode=0:vdom=0:user=admin
#conf_file_ver=185495342590113
config system global
    set alias "edge"
    set hostname "edge"
end
config system interface
    edit "port1"
        set vdom "root"
        set ip 10.1.0.1 255.255.255.0
        set allowaccess ping https
        set type physical
        set fortiheartbeat enable
        set lldp-reception enable
        set role lan
        set snmp-index 1
        config ipv6
            set ip6-mode static
        end
    next
end
config system replacemsg http "url-block"
    set buffer "<!DOCTYPE html>
<p title=\"x\">It's blocked</p>
end"
end
config vpn certificate local
    edit "Fortinet_Factory"
        set private-key "-----BEGIN ENCRYPTED PRIVATE KEY-----
MIIBtDBOBgkqhkiG9w0BBQ0w
-----END ENCRYPTED PRIVATE KEY-----"
    next
end
config firewall service custom
    edit "ALL_ICMP"
        set category "General"
        set protocol ICMP
        unset icmptype
    next
end
config router ospf
    config redistribute "connected"
    end
end
config firewall policy
end
`
	for name, text := range map[string]string{"asa": asa, "fortios": forti} {
		p, err := Read(name, []byte(text), Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range p.Unread {
			t.Errorf("%s", u)
		}
		for _, d := range p.Doubts {
			if d.Line > 0 {
				t.Errorf("%s: %s: %s", d.Where(), d.Why, d.Text)
			}
		}
		if p.NoRoutes != "" {
			t.Errorf("%s: %s", name, p.NoRoutes)
		}
	}
}

// TestManagementOnly lets nothing through an interface for management.
func TestManagementOnly(t *testing.T) {
	for setting, want := range map[string]string{"": "any in in to any out out, any service by f:9\nany in out to any out in, any service by f:9", "management-only": ""} {
		p, err := Read("f", []byte(asaText(" "+setting)+"access-list A extended permit ip any any\naccess-group A global\n"), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := described(p, Permit); got != want || len(p.Unread) > 0 {
			t.Errorf("with %q %v is not understood, and permitted is\n%s", setting, p.Unread, got)
		}
	}
}
