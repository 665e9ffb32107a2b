package system

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/quaywatch/quaywatch/internal/config"
	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/firewall"
)

// TestWallsAreJudgedOnce: configurations are judged once and again only when one of
// them changes on disk; one that is gone is told, and the rest goes on; a rule that is
// closed again gives the answer from before.
func TestWallsAreJudgedOnce(t *testing.T) {
	dir := t.TempDir()
	if err := writeExample(filepath.Join(dir, "port")); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Parse(filepath.Join(dir, "quaywatch.yaml"), []byte("port: port/port.yaml\n"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), cfg, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	look := func() *firewall.Survey {
		t.Helper()
		if err := s.walls.look(t.Context()); err != nil {
			t.Fatal(err)
		}
		return s.walls.Walls(t.Context()).Survey
	}
	first := s.walls.Walls(t.Context()).Survey
	if look() != first {
		t.Error("nothing changed and it was judged again")
	}
	const office, crane = "office-net", "crane-control"
	before := first.Passage(office, crane)
	if before.Could != firewall.CouldNot || len(first.Firewalls) != 3 {
		t.Fatalf("%+v, %d firewalls", before, len(first.Firewalls))
	}
	rules := filepath.Join(dir, "port", "firewall", "fw-core-1.conf")
	agreed, err := os.ReadFile(rules)
	if err != nil {
		t.Fatal(err)
	}
	drifted, err := os.ReadFile(filepath.Join(dir, "port", "firewall", "fw-core-1-drifted.conf"))
	if err != nil {
		t.Fatal(err)
	}
	write := func(data []byte) {
		if err := os.WriteFile(rules, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(drifted)
	opened := look()
	if got := opened.Passage(office, crane); got.Could != firewall.CouldPass || got.Beyond != firewall.CouldPass {
		t.Errorf("after the rule was opened: %+v", got)
	}
	ways := opened.Ways(office, crane)
	if len(ways) != 1 || !ways[0].Undue || fmt.Sprint(ways[0].Via) != "[fw-core-1 firewall/fw-core-1.conf:334]" || fmt.Sprint(ways[0].Traffic) != "[10.20.4.0/22 to 10.40.2.0/24, tcp 3389]" {
		t.Errorf("ways: %+v", ways)
	}
	if err := os.Remove(rules); err != nil {
		t.Fatal(err)
	}
	look()
	if w := s.walls.Walls(t.Context()); len(w.Notes) != 1 || !strings.Contains(w.Notes[0], "fw-core-1") || len(w.Survey.Firewalls) != 2 || w.Survey.Passage(office, crane).Could != firewall.NotRead {
		t.Errorf("a configuration is gone: %v, %+v", w.Notes, w.Survey.Passage(office, crane))
	}
	write(agreed)
	if got := look().Passage(office, crane); got != before {
		t.Errorf("the rule is closed: %+v", got)
	}
}

// widePort writes a port file of 5,000 zones and conduits, with a firewall of 2,000
// rules between its halves.
func widePort(b *testing.B, dir string) string {
	b.Helper()
	const zones, half = 5000, 9
	levels := []string{"4", "3.5", "3", "2", "1"}
	network := func(i int) string { return fmt.Sprintf("10.%d.%d.0", i>>8, i&255) }
	var file, conf strings.Builder
	file.WriteString("port: {name: Wide, locode: XZSLM, time_zone: UTC, currency: EUR, security_level: 1, centre: [1, 2]}\nzones:\n")
	for i := range zones {
		fmt.Fprintf(&file, "  - {id: z%d, name: Zone %d, domain: %s, level: %s, sl_target: 1, networks: [%s/24]}\n", i, i, []string{"it", "it", "ot", "ot", "ot"}[i%5], levels[i%5], network(i))
	}
	file.WriteString("conduits:\n")
	for i := range zones {
		fmt.Fprintf(&file, "  - {id: c%d, from: z%d, to: z%d, allow: [{transport: tcp, ports: [502]}], reason: work}\n", i, i, (i*7+1)%zones)
	}
	file.WriteString("assets:\n  - {id: fw, name: Firewall, domain: it, kind: firewall, zone: z0, addresses: [{ip: 10.0.0.1}]}\nfirewalls:\n  - {asset: fw, config: fw.conf}\n")
	fmt.Fprintf(&conf, "ASA Version 9.16(4)\ninterface G0/0\n nameif low\n security-level 50\n ip address 10.0.0.1 255.255.255.0\ninterface G0/1\n nameif high\n security-level 60\n ip address 10.%d.0.1 255.255.255.0\n", half)
	for i := range zones {
		side, hop := "low", 0
		if i>>8 >= half {
			side, hop = "high", half
		}
		fmt.Fprintf(&conf, "route %s %s 255.255.255.0 10.%d.0.2\n", side, network(i), hop)
	}
	for i := range 2000 {
		fmt.Fprintf(&conf, "access-list A extended permit tcp %s 255.255.255.0 %s 255.255.255.0 eq %d\n", network(i*3%zones), network((i*11+zones/2)%zones), 500+i%7)
	}
	conf.WriteString("access-group A global\n")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		b.Fatal(err)
	}
	for name, text := range map[string]string{"port.yaml": file.String(), "fw.conf": conf.String()} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	return filepath.Join(dir, "port.yaml")
}

// wideTraffic is one conversation of each of so many hosts, one of two by a conduit.
func wideTraffic(now time.Time, from, hosts int) *event.Batch {
	out := &event.Batch{ID: fmt.Sprint("wide/", from), Source: "span-wide"}
	for i := from; i < from+hosts; i++ {
		zone := i % 5000
		to := (zone*7 + 1 + i/5000%2) % 5000
		head := event.Head{Time: now, Seen: now, Told: true, Source: "span-wide", Raw: event.Raw{Input: "wide.pcap", Offset: int64(i)}}
		out.Flows = append(out.Flows, event.Flow{Head: head, Last: now, Client: event.Endpoint{IP: fmt.Sprintf("10.%d.%d.%d", zone>>8, zone&255, 10+i/5000), Port: 40_000},
			Server: event.Endpoint{IP: fmt.Sprintf("10.%d.%d.9", to>>8, to&255), Port: 502}, Direction: event.DirectionSeen, Transport: "tcp", PacketsOut: 9, PacketsIn: 7, BytesOut: 4000, BytesIn: 600, Answered: true})
	}
	return out
}

// BenchmarkWidePages measures the pages of zones, pairs and firewalls in the whole
// system at 100,000 hosts, 5,000 zones and 5,000 conduits, asked by somebody who is
// logged in: in a quiet system, and with 500 flows a second coming in. The goal is
// 100 ms at the 95th percentile.
// go test -run '^$' -bench WidePages -benchtime 60x ./internal/system
func BenchmarkWidePages(b *testing.B) {
	dir := b.TempDir()
	cfg, err := config.Parse(dir+"/quaywatch.yaml", nil)
	if err != nil {
		b.Fatal(err)
	}
	cfg.Port = widePort(b, filepath.Join(dir, "port"))
	cfg.TLS.Off = true
	s, err := Open(b.Context(), cfg, Options{Command: "bench"})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	s.warmed.Store(true)
	now := time.Now().UTC()
	const hosts = 100_000
	for from := 0; from < hosts; from += 1000 {
		s.watches.Observe(wideTraffic(now, from, 1000))
		s.watches.Take()
	}
	pic := s.watches.Network.Picture()
	if len(pic.Hosts) < 95_000 {
		b.Fatalf("%d hosts", len(pic.Hosts))
	}
	began := time.Now()
	if w := s.walls.Walls(b.Context()); w == nil || w.Survey == nil {
		b.Fatal("no firewall was judged")
	}
	b.Logf("%d hosts, %d uses; the firewall was judged in %s", len(pic.Hosts), len(pic.Uses), time.Since(began))
	ask := s.signedIn(b)
	paths := []string{"/zones", "/zones?view=pairs&skip=4000", "/zones/z3/z22", "/zones/z3/z22/drawer", "/firewalls", "/firewalls?pairs=500", "/network"}
	b.Run("quiet", func(b *testing.B) { measurePages(b, ask, paths) })
	round := 0
	ctx, stop := context.WithCancel(b.Context())
	done := make(chan error, 2)
	go func() {
		done <- every(ctx, 100*time.Millisecond, func(context.Context) error {
			round++
			s.watchMu.Lock()
			defer s.watchMu.Unlock()
			s.watches.Observe(wideTraffic(time.Now().UTC(), round*50%hosts, 50))
			s.watches.Take()
			return nil
		})
	}()
	b.Run("busy", func(b *testing.B) { measurePages(b, ask, paths) })
	// One reader who comes now and then: alone, when all that the page rests on is drawn
	// for it, and while another console is open, whose live link has it drawn each second.
	rare := func(b *testing.B) {
		var took []time.Duration
		for b.Loop() {
			time.Sleep(networkFor + 60*time.Millisecond)
			began := time.Now()
			ask("/zones")
			took = append(took, time.Since(began))
		}
		slices.Sort(took)
		b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
		b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1000, "p95-ms")
	}
	b.Run("rare", rare)
	other, end := context.WithCancel(ctx)
	go func() {
		done <- every(other, time.Second, func(context.Context) error { ask("/chips"); return nil })
	}()
	b.Run("beside another", rare)
	end()
	<-done
	stop()
	<-done
}
