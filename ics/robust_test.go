package ics_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quaywatch/quaywatch/ics"
)

// family joins the names that one conversation may go through.
func family(app string) string {
	switch app {
	case "s7comm", "s7comm-plus", "cotp":
		return "iso"
	}
	return app
}

// TestEveryPrefixOfEveryPacket cuts each payload of the captures at each length,
// once as a whole datagram or segment and once as what a snap length left of it.
// None may panic, and none may be given the name of another protocol.
func TestEveryPrefixOfEveryPacket(t *testing.T) {
	dir := captures(t)
	seen := map[string]bool{}
	n := 0
	var r ics.Result
	for _, path := range captureFiles(t, dir) {
		here := 0
		forEachSegment(t, path, func(s ics.Segment, _, _ string) {
			k := string(s.Payload)
			if seen[k] || here >= 1500 {
				return
			}
			seen[k] = true
			here++
			ics.Inspect(s, &r)
			whole := family(r.Application)
			// Long payloads: every length up to 200 and some of the rest; the
			// dissectors bound what they look at by then.
			for cut := 0; cut < len(s.Payload); cut++ {
				if cut > 200 && cut%37 != 0 {
					continue
				}
				for _, missing := range []int{0, len(s.Payload) - cut} {
					p := s
					p.Payload, p.Missing = s.Payload[:cut:cut], missing
					ics.Inspect(p, &r)
					check(t, &r, p.Payload)
					n++
					if got := family(r.Application); got != "" && whole != "" && got != whole {
						t.Fatalf("%s: %d of %d bytes of a %s message are named %s: %s", filepath.Base(path), cut, len(s.Payload), whole, got, r.Why)
					}
				}
			}
		})
	}
	t.Logf("%d prefixes", n)
}

// TestCapturesOfOneProtocolHaveNoOther: industrial names appear in the captures
// of their own protocol only. Each segment is looked at by itself as well, so that
// a name can't hide behind what the conversation began as.
func TestCapturesOfOneProtocolHaveNoOther(t *testing.T) {
	dir := captures(t)
	own := map[string]string{
		"modbus": "modbus", "s7comm": "iso", "enip": "enip", "bacnet": "bacnet", "dnp3": "dnp3",
		"hart-ip": "hart-ip", "omron-fins": "fins", "opcua-binary": "opcua",
	}
	var r ics.Result
	for folder, want := range own {
		for _, path := range captureFiles(t, filepath.Join(dir, "icsnpp", folder)) {
			alone := map[string]int{}
			forEachSegment(t, path, func(s ics.Segment, _, _ string) {
				ics.Inspect(s, &r)
				alone[family(r.Application)]++
			})
			for app, n := range alone {
				if app != "" && app != want && !innocent[app] {
					t.Errorf("%s: %d segments are named %q", filepath.Base(path), n, app)
				}
			}
			if alone[want] == 0 {
				t.Errorf("%s: no segment by itself is named %q", filepath.Base(path), want)
			}
		}
	}
}

func captureFiles(t testing.TB, dir string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(dir, func(p string, _ os.DirEntry, err error) error {
		if err == nil && strings.Contains(filepath.Ext(p), ".pcap") {
			files = append(files, p)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// industrial are the names that a conduit may be declared for.
var industrial = map[string]bool{
	"modbus": true, "iso": true, "enip": true, "bacnet": true, "dnp3": true, "hart-ip": true, "fins": true, "opcua": true,
	"iec104": true, "c37.118": true,
}

var industrialPorts = []uint16{102, 502, 2222, 2404, 4712, 4840, 5094, 9600, 20000, 44818, 47808}

// TestNoNameByPort gives every payload of the captures the ports of every other
// protocol, in both directions and over both transports: it keeps its name or has
// none, and never takes that of the port.
func TestNoNameByPort(t *testing.T) {
	dir := captures(t)
	seen := map[string]bool{}
	n := 0
	var r ics.Result
	for _, path := range captureFiles(t, dir) {
		here := 0
		forEachSegment(t, path, func(s ics.Segment, _, _ string) {
			k := string(s.Payload)
			if seen[k] || here >= 1500 {
				return
			}
			seen[k] = true
			here++
			ics.Inspect(s, &r)
			own := family(r.Application)
			for _, port := range industrialPorts {
				for _, transport := range []ics.Transport{ics.TCP, ics.UDP} {
					for _, ports := range [][2]uint16{{50000, port}, {port, 50000}} {
						p := s
						p.Transport, p.Source, p.Destination = transport, ports[0], ports[1]
						ics.Inspect(p, &r)
						n++
						got := family(r.Application)
						if industrial[got] && got != own && own != "" {
							t.Fatalf("%s: a %s message on port %d is named %s: %s", filepath.Base(path), own, port, got, r.Why)
						}
						if industrial[got] && own == "" && !partOf(path, got) {
							t.Fatalf("%s: a payload without a name is on port %d named %s: %s", filepath.Base(path), port, got, r.Why)
						}
					}
				}
			}
		})
	}
	t.Logf("%d payloads on ports that are not theirs", n)
}

// partOf reports whether a capture is of the protocol: its payloads that begin in
// the middle of a message have no name, and may get the right one on its port.
func partOf(path, app string) bool {
	folder := map[string]string{"modbus": "modbus", "iso": "s7comm", "enip": "enip", "bacnet": "bacnet", "dnp3": "dnp3", "hart-ip": "hart-ip", "fins": "omron-fins", "opcua": "opcua-binary"}[app]
	return folder != "" && strings.Contains(path, string(filepath.Separator)+folder+string(filepath.Separator))
}

// TestChanceOnIndustrialPorts: bytes at random, and the regular patterns that video,
// compressed files and test tools make, get no industrial name on any industrial port.
func TestChanceOnIndustrialPorts(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 104))
	var r ics.Result
	try := func(b []byte) {
		for _, port := range industrialPorts {
			for _, transport := range []ics.Transport{ics.TCP, ics.UDP} {
				ics.Inspect(ics.Segment{Transport: transport, Source: 50000, Destination: port, Payload: b}, &r)
				if industrial[family(r.Application)] {
					t.Fatalf("%x on port %d is named %s: %s", b, port, r.Application, r.Why)
				}
			}
		}
	}
	for range 30000 {
		b := make([]byte, random.IntN(300))
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		try(b)
	}
	for n := 1; n < 300; n++ {
		for _, fill := range []byte{0, 1, ' ', 'A', 0x55, 0xff} {
			try(bytes.Repeat([]byte{fill}, n))
		}
		counting := make([]byte, n)
		for i := range counting {
			counting[i] = byte(i)
		}
		try(counting)
	}
}

// TestResegmentedStreams cuts the segments of each capture anew, sends some pieces
// twice, and expects the same functions and identities as from the capture itself.
func TestResegmentedStreams(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2026))
	for _, path := range captureFiles(t, captures(t)) {
		type pair struct{ whole, cut *ics.Conversation }
		conversations := map[string]*pair{}
		want, got := map[string]int{}, map[string]int{}
		var r ics.Result
		packets := 0
		forEachSegment(t, path, func(s ics.Segment, from, to string) {
			if packets++; s.Transport != ics.TCP || packets > 4000 {
				return
			}
			a, b := from+":"+strconv.Itoa(int(s.Source)), to+":"+strconv.Itoa(int(s.Destination))
			key := a + b
			if a > b {
				key, s.Sender = b+a, ics.Second
			}
			c := conversations[key]
			if c == nil {
				c = &pair{&ics.Conversation{}, &ics.Conversation{}}
				conversations[key] = c
			}
			c.whole.Inspect(s, &r)
			note(want, &r)
			for rest := s.Payload; len(rest) > 0; {
				n := 1 + random.IntN(min(len(rest), 1+random.IntN(400)))
				if c.cut.Application() == "" { // recognition asks for the head of a message in two pieces at most
					n = max(n, min(len(rest), 40))
				}
				p := s
				p.Payload = rest[:n]
				rest = rest[n:]
				s.Seq += uint32(n)
				c.cut.Inspect(p, &r)
				note(got, &r)
				if random.IntN(4) == 0 {
					if c.cut.Inspect(p, &r); len(r.Functions) > 0 || !r.Identity.IsZero() {
						t.Errorf("%s: a piece that was sent again told something", filepath.Base(path))
					}
				}
			}
		})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-capture +cut anew):\n%s", filepath.Base(path), diff)
		}
	}
}

// TestSegmentsOutOfOrder exchanges segments that follow each other in one direction
// and begin with a message each: the same functions are told.
func TestSegmentsOutOfOrder(t *testing.T) {
	poll := func(n int) []byte { return []byte{0, byte(n), 0, 0, 0, 6, 1, 3, 0, 0, 0, byte(n)} }
	var v ics.Conversation
	var r ics.Result
	told := 0
	for _, n := range []int{0, 2, 1, 1, 3, 6, 4, 5, 4, 7} { // 4 comes twice
		v.Inspect(ics.Segment{Transport: ics.TCP, Source: 50000, Destination: 502, Seq: uint32(100 + 12*n), Payload: poll(n)}, &r)
		told += len(r.Functions)
		if r.Malformed {
			t.Errorf("segment %d is malformed", n)
		}
	}
	if told != 8 {
		t.Errorf("%d functions told of 8", told)
	}
	// The captures: every second pair of neighbours of one direction changes places.
	for _, name := range []string{"icsnpp/hart-ip", "icsnpp/dnp3", "icsnpp/s7comm"} {
		for _, path := range captureFiles(t, filepath.Join(captures(t), name)) {
			var segments []ics.Segment
			var keys []string
			forEachSegment(t, path, func(s ics.Segment, from, to string) {
				a, b := from+":"+strconv.Itoa(int(s.Source)), to+":"+strconv.Itoa(int(s.Destination))
				key := a + b
				if a > b {
					key, s.Sender = b+a, ics.Second
				}
				segments, keys = append(segments, s), append(keys, key)
			})
			count := func() map[string]int {
				out, conversations := map[string]int{}, map[string]*ics.Conversation{}
				for i, s := range segments {
					if conversations[keys[i]] == nil {
						conversations[keys[i]] = &ics.Conversation{}
					}
					conversations[keys[i]].Inspect(s, &r)
					note(out, &r)
				}
				return out
			}
			want := count()
			begun, swapped := map[string]int{}, 0
			for i := 0; i+1 < len(segments); i++ {
				begun[keys[i]]++
				a, b := segments[i], segments[i+1]
				if strings.HasSuffix(name, "dnp3") && !(bytes.HasPrefix(a.Payload, []byte{5, 0x64}) && bytes.HasPrefix(b.Payload, []byte{5, 0x64})) {
					continue // a frame goes on from the one into the other
				}
				if begun[keys[i]] > 4 && a.Transport == ics.TCP && keys[i] == keys[i+1] && a.Sender == b.Sender && a.Seq+uint32(len(a.Payload)) == b.Seq {
					segments[i], segments[i+1] = b, a
					swapped++
					i++
				}
			}
			if diff := cmp.Diff(want, count()); diff != "" {
				t.Errorf("%s, %d exchanged (-in order +out of order):\n%s", filepath.Base(path), swapped, diff)
			}
			t.Logf("%s: %d exchanged", filepath.Base(path), swapped)
		}
	}
}

func note(to map[string]int, r *ics.Result) {
	for _, f := range r.Functions {
		to[fmt.Sprintf("%s %s %v %v %s", f.Protocol, f.Name, f.Request, f.Failed, f.Operations)]++
	}
	if id := r.Identity; !id.IsZero() && r.Application != "http" {
		to[fmt.Sprintf("%s %+v", r.Application, id)]++
	}
}
