package consoletest

import (
	"fmt"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
)

func fact(ago time.Duration, d finding.Domain, source, text, raw string) finding.Fact {
	at := Now.Add(-ago)
	return finding.Fact{Time: at, Text: text, Domain: d, Evidence: finding.Evidence{
		Source: source, Time: at, Seen: at.Add(800 * time.Millisecond), Told: true,
		Raw: event.Raw{Input: source + ".log", Offset: int64(len(text)) * 91, Line: 4011, Length: len(raw), Sum: event.SumOf([]byte(raw)), Text: []byte(raw)},
	}}
}

// Findings are what is wrong at Now: the attack from camera to terminal
// operating system, an interference at sea, a vendor, a drift, a doubt about a
// release, and a silent source.
func Findings() []finding.Finding {
	var out []finding.Finding
	add := func(o finding.Occurrence, count int) *finding.Finding {
		o.Time = o.Facts[len(o.Facts)-1].Time
		f := finding.New(o)
		f.First, f.Count, f.Revision = o.Facts[0].Time, count, 1
		out = append(out, f)
		return &out[len(out)-1]
	}
	m := time.Minute
	add(finding.Occurrence{
		Rule: "cross.camera-to-tos", Subject: finding.Subject{Kind: "chain", ID: "cam-17>nvr-2>tos-app-2", Name: "Camera 17 to TOS server 2"},
		Domains: []finding.Domain{finding.Physical, finding.IT, finding.OT}, Grade: finding.Confirmed, Severity: finding.Alarm,
		Title:   "Camera 17 is reaching the terminal operating system",
		Summary: "Three facts in 9 minutes, one of them never seen before: a cabinet was opened, the camera changed, and the recorder talks to the TOS.",
		Facts: []finding.Fact{
			fact(10*m+28*time.Second, finding.Physical, "badge-log", "Cabinet contact Q3-07 opened without a badge", "2026-11-23T14:21:40Z;rdr-cabinet;FORCED;;\n"),
			fact(8*m+6*time.Second, finding.Physical, "span-core", "Camera 17 told new firmware 6.0.0-dev and stopped RTSP", "RTSP/1.0 200 OK\r\nServer: NS-40/6.0.0-dev\r\n\r\n"),
			fact(77*time.Second, finding.IT, "span-core", "Video recorder 2 opened TCP 1433 to TOS server 2, which no conduit allows", "\x02\x51\x00\x00\x00\x02\x08\x00E\x00\x00\x3c\xab"),
			fact(41*time.Second, finding.OT, "span-core", "TOS server 2 answered with 48 kB", "\x04\x01\x00\x25\x00\x00\x01\x00"),
		},
		RuledOut: []string{"maintenance: no work order for cabinet Q3-07 or Camera 17 today", "a scanner: only one address was asked"},
		Unknown:  []string{"who opened the cabinet: camera system silent for 4 min", "whether the TOS account was valid"},
		Next:     []string{"Look at cabinet Q3-07 and Camera 17 in person; touch nothing", "Ask the holder of “isolate the cameras from the terminal” to decide", "Keep the recorder's traffic: do not switch it off"},
		Links:    []finding.Subject{{Kind: "asset", ID: "cam-17", Name: "Camera 17"}, {Kind: "asset", ID: "nvr-2", Name: "Video recorder 2"}, {Kind: "asset", ID: "tos-app-2", Name: "TOS server 2"}},
		Services: []string{"tos-service", "gate-service", "yard-service"}, Technique: "T0886",
	}, 3)
	add(finding.Occurrence{
		Rule: "vessel.displaced-together", Subject: finding.Subject{Kind: "area", ID: "anchorage-b", Name: "Anchorage B"}, Domains: []finding.Domain{finding.Sea},
		Grade: finding.Likely, Severity: finding.Warning, Title: "Two vessels moved 1.8 nm together off Anchorage B",
		Summary:  "Likely interference: receivers are healthy and neighbours are unaffected.",
		Facts:    []finding.Fact{fact(6*m, finding.Sea, "ais-north-head", "OSTRA jumped 1.8 nm in 10 s", "!AIVDM,1,1,,A,13u?etPv2;0n:dDPwUM1U1Cb069D,0*24"), fact(4*m, finding.Sea, "ais-north-head", "BLUE PETREL jumped 1.8 nm in 10 s", "!AIVDM,1,1,,B,14eG;o@034o8sd<L9i:a;WF>062D,0*7D")},
		RuledOut: []string{"receiver fault: seven other vessels are placed well"}, Next: []string{"Warn both vessels by VHF; ask for a radar position"},
		Services: []string{"vts-service"}, Place: &finding.Place{Lat: 45.3069, Lon: -12.0530},
	}, 2)
	add(finding.Occurrence{
		Rule: "cross.vendor-session", Subject: finding.Subject{Kind: "asset", ID: "asc-04", Name: "Stacking crane 4"}, Domains: []finding.Domain{finding.OT, finding.IT},
		Grade: finding.Likely, Severity: finding.Warning, Title: "Vendor session to crane 4 without a work order",
		Summary:  "Nobody of the vendor is badged in, and no work order names the crane.",
		Facts:    []finding.Fact{fact(24*m, finding.IT, "span-core", "Vendor VPN gateway opened a session for Kranwerk service", "session 4411 start"), fact(22*m, finding.OT, "span-core", "vpn-gw asked PLC of crane 4 for its identity over S7", "\x03\x00\x00\x16")},
		Links:    []finding.Subject{{Kind: "asset", ID: "vpn-gw"}, {Kind: "asset", ID: "plc-asc-04"}},
		Services: []string{"yard-service"}, Next: []string{"Call Kranwerk service by the number in the port file"},
	}, 1)
	f := add(finding.Occurrence{
		Rule: "network.undeclared", Subject: finding.Subject{Kind: "conduit", ID: "office-lan>crane-control", Name: "Office to crane control"}, Domains: []finding.Domain{finding.IT},
		Grade: finding.Suspected, Severity: finding.Warning, Title: "Rule 118 on core firewall 2 now lets the office reach the crane zone",
		Summary: "Suspected: three addresses, TCP 102; no traffic yet.", Facts: []finding.Fact{fact(61*m, finding.IT, "span-core", "Rule 118 added: 10.20.4.0/28 to crane control, TCP 102", "access-list 118 permit tcp")},
		Unknown: []string{"whether the change was approved"},
	}, 1)
	f.State, f.Assignee = finding.Acknowledged, "soc-desk"
	add(finding.Occurrence{
		Rule: "cargo.release-read", Subject: finding.Subject{Kind: "container", ID: "MSKU2938410"}, Domains: []finding.Domain{finding.Cargo},
		Grade: finding.Suspected, Severity: finding.Advice, Title: "Release of a container read by an unusual account",
		Summary: "Suspected: the account reads releases of this line for the first time; pickup booked for 15:10.",
		Facts:   []finding.Fact{fact(66*m, finding.Cargo, "span-core", "Account agent-22 read the release", "GET /release/"), fact(60*m, finding.Cargo, "span-core", "Account agent-22 read it again", "GET /release/")},
	}, 2)
	add(finding.Occurrence{
		Rule: "health.silent", Subject: finding.Subject{Kind: "source", ID: "camera-vms", Name: "Camera system"}, Domains: []finding.Domain{finding.Physical},
		Grade: finding.Confirmed, Severity: finding.Advice, Title: "Camera system silent: 2 cameras unknown",
		Summary: "No data is not “fine”: the quay and the truck gate are unwatched.",
		Facts:   []finding.Fact{fact(4*m, finding.Physical, "camera-vms", "Nothing for 4 min, expected every 30 s", "keep-alive")},
	}, 1)
	return out
}

// Crowd is n older findings of the kind that a year brings.
func Crowd(n int) []finding.Finding {
	out := make([]finding.Finding, 0, n)
	states := []finding.State{finding.Resolved, finding.Resolved, finding.Acknowledged, finding.Shelved, finding.Active}
	domains := []finding.Domain{finding.IT, finding.OT, finding.Physical, finding.Sea}
	for i := range n {
		d := domains[i%len(domains)]
		f := finding.New(finding.Occurrence{
			Rule: "network.undeclared", Subject: finding.Subject{Kind: "host", ID: fmt.Sprintf("10.20.%d.%d#%d", i/250%200, i%250, i), Name: fmt.Sprintf("Desk computer %d", i)},
			Domains: []finding.Domain{d}, Grade: finding.Suspected, Severity: finding.Advice,
			Title: fmt.Sprintf("Traffic outside declared conduits, number %d", i), Summary: "Seen once.",
			Facts: []finding.Fact{fact(time.Duration(i+200)*time.Minute, d, "span-core", "one conversation", "raw")},
			Time:  Now.Add(-time.Duration(i+200) * time.Minute),
		})
		f.State, f.Revision = states[i%len(states)], 1
		f.Present = f.State != finding.Resolved
		if f.State == finding.Shelved {
			f.ShelvedUntil = Now.Add(2 * time.Hour)
		}
		out = append(out, f)
	}
	return out
}
