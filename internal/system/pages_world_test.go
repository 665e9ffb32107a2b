package system

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/quaywatch/quaywatch/internal/config"
	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
)

// The scale that pages are held to.
const (
	bigAssets   = 10_000
	bigFindings = 100_000
	bigFlood    = 5_000 // of the findings, raised within the last hour
	bigHosts    = 2_000
	bigUses     = 500
	bigVessels  = 5_000
	bigPeople   = 500
)

// bigPort writes a port file into dir: the example port, with devices added to
// its register until it has bigAssets of them.
func bigPort(b *testing.B, dir string) string {
	b.Helper()
	const example = "../../examples/saltmere"
	if err := os.CopyFS(dir, os.DirFS(example)); err != nil {
		b.Fatal(err)
	}
	path := filepath.Join(dir, "assets.csv")
	data, err := os.ReadFile(path)
	if err != nil {
		b.Fatal(err)
	}
	r := csv.NewReader(bytes.NewReader(data))
	r.Comment = '#'
	rows, err := r.ReadAll()
	if err != nil {
		b.Fatal(err)
	}
	column := map[string]int{}
	for i, name := range rows[0] {
		column[name] = i
	}
	taken := map[string]bool{}
	for _, row := range rows[1:] {
		for _, ip := range strings.Split(row[column["ip"]], ";") {
			taken[ip] = true
		}
	}
	var out bytes.Buffer
	out.Write(data)
	w := csv.NewWriter(&out)
	for i := range bigAssets - (len(rows) - 1) {
		row := make([]string, len(rows[0]))
		set := func(name, value string) { row[column[name]] = value }
		set("id", fmt.Sprintf("device-%05d", i))
		set("name", fmt.Sprintf("Device %05d", i))
		set("vendor", []string{"Hikvision", "Siemens", "Dell", "Moxa"}[i%4])
		set("model", fmt.Sprint("M", i%37))
		if ip := bigAddress(i); i < bigHosts && !taken[ip] {
			set("ip", ip)
		}
		set("zone", []string{"office-net", "camera-net", "guest-net"}[i%3])
		set("domain", []string{"it", "physical", "it"}[i%3])
		set("kind", []string{"workstation", "camera", "server"}[i%3])
		if err := w.Write(row); err != nil {
			b.Fatal(err)
		}
	}
	w.Flush()
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		b.Fatal(err)
	}
	return filepath.Join(dir, "port.yaml")
}

// bigAddress is the address of host i, in the networks of three zones.
func bigAddress(i int) string {
	base := netip.MustParseAddr([]string{"10.20.4.0", "10.60.0.0", "10.20.64.0"}[i%3]).As4()
	n := 20 + i/3
	base[2] += byte(n >> 8)
	base[3] = byte(n)
	return netip.AddrFrom4(base).String()
}

// bigSystem opens a system with the example port enlarged, a register of
// bigFindings and full pictures.
func bigSystem(b *testing.B) *System {
	b.Helper()
	dir := b.TempDir()
	cfg, err := config.Parse(dir+"/quaywatch.yaml", nil)
	if err != nil {
		b.Fatal(err)
	}
	cfg.Port = bigPort(b, filepath.Join(dir, "port"))
	cfg.TLS.Off = true
	s, err := Open(context.Background(), cfg, Options{Command: "bench"})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	if n := len(s.port.Load().Assets); n != bigAssets {
		b.Fatalf("%d assets", n)
	}
	s.warmed.Store(true)
	s.fillPictures()
	s.fillRegister(b)
	return s
}

// fillPictures lets the watches see vessels with full tracks, hosts that talk
// over many services, and people at readers.
func (s *System) fillPictures() {
	now := time.Now().UTC()
	ships := newFleet("ais-bench", bigVessels, 211_000_000)
	const rounds = 200 // ten seconds each: a track keeps a fix each half minute, 64 at most
	ships.at = now.Add(-rounds * 10 * time.Second)
	for range rounds * bigVessels / 500 {
		s.watches.Observe(ships.batch())
	}
	s.watches.Observe(bigTraffic(now, 0))
	s.watches.Observe(s.bigBadges(now))
	s.watches.Take() // the register is filled by itself
}

// bigTraffic is one conversation of each host, over bigUses services.
func bigTraffic(now time.Time, round int) *event.Batch {
	out := &event.Batch{ID: fmt.Sprint("traffic/", round), Source: "span-bench"}
	for i := range bigHosts {
		at := now.Add(-time.Duration(i) * time.Millisecond)
		head := event.Head{Time: at, Seen: at, Told: true, Source: "span-bench", Raw: event.Raw{Input: "bench.pcap", Offset: int64(i)}}
		out.Flows = append(out.Flows, event.Flow{
			Head: head, Last: at, Client: event.Endpoint{IP: bigAddress(i), Port: 40_000},
			Server:    event.Endpoint{IP: "10.20.10.9", Port: uint16(1000 + i%bigUses)},
			Direction: event.DirectionSeen, Transport: "tcp", PacketsOut: 9, PacketsIn: 7, BytesOut: 4000, BytesIn: 60_000, Answered: true,
		})
	}
	return out
}

// bigBadges lets people in at every door of the port.
func (s *System) bigBadges(now time.Time) *event.Batch {
	out := &event.Batch{ID: "badges", Source: "badge-bench"}
	var doors []string
	for _, a := range s.port.Load().Areas {
		for _, ap := range a.AccessPoints {
			if len(ap.Readers) > 0 {
				doors = append(doors, ap.Readers[0])
			}
		}
	}
	for i := range bigPeople {
		at := now.Add(-time.Duration(bigPeople-i) * time.Minute)
		head := event.Head{Time: at, Seen: at, Told: true, Source: "badge-bench", Raw: event.Raw{Input: "badges.csv", Offset: int64(i)}}
		out.Access = append(out.Access, event.AccessEvent{Head: head, Reader: doors[i%len(doors)], Badge: fmt.Sprint(90_000 + i),
			Person: fmt.Sprint("Holder ", i), Result: event.AccessGranted, Direction: "in"})
	}
	return out
}

// fillRegister reports the findings in the order of their times, with a clock
// that runs along, and then works on most of them as people do.
func (s *System) fillRegister(b *testing.B) {
	b.Helper()
	ctx := context.Background()
	now := time.Now().UTC()
	clock := now
	register := finding.NewRegister(s.records.Findings(), finding.Options{Now: func() time.Time { return clock }})
	const atOnce = 500
	var ids []string
	for n := 0; n < bigFindings; n += atOnce {
		occs := make([]finding.Occurrence, atOnce)
		for i := range occs {
			occs[i] = bigOccurrence(s, n+i, bigTime(now, n+i))
			ids = append(ids, occs[i].FindingID())
		}
		clock = occs[len(occs)-1].Time
		if _, err := register.Report(ctx, "", 0, occs); err != nil {
			b.Fatal(err)
		}
	}
	for n := 0; n < len(ids); n += atOnce {
		s.workOn(b, ids[n:n+atOnce], now)
	}
}

// bigTime spreads the findings over a day; the last ones came within the hour.
func bigTime(now time.Time, i int) time.Time {
	const early = bigFindings - bigFlood
	if i < early {
		return now.Add(-24*time.Hour + 23*time.Hour*time.Duration(i)/early)
	}
	return now.Add(-time.Hour + time.Hour*time.Duration(i-early)/bigFlood)
}

// workOn leaves of ten findings two active, one acknowledged, one returned, one
// shelved (of twenty) and the rest resolved.
func (s *System) workOn(b *testing.B, ids []string, now time.Time) {
	b.Helper()
	ctx := context.Background()
	err := s.records.Findings().Change(ctx, func(tx finding.Tx) error {
		found, err := tx.Load(ctx, ids)
		if err != nil {
			return err
		}
		var saves []finding.Save
		for i, id := range ids {
			f := found[id]
			action := finding.Action{Actor: "bench", Text: "looked at and put right"}
			switch i * 7 % 20 {
			case 0, 1, 2, 3:
				continue
			case 4, 5:
				action.Kind = finding.Acknowledge
			case 6:
				action.Kind, action.Until = finding.Shelve, now.Add(24*time.Hour)
			case 7, 8:
				f.Merge(finding.Occurrence{Rule: f.Rule, Subject: f.Subject, Cleared: true, Time: f.Last.Add(time.Second)})
				action.Kind = finding.Note
			default:
				action.Kind = finding.Resolve
			}
			detail, err := f.Apply(action, now)
			if err != nil {
				return err
			}
			saves = append(saves, finding.Save{Finding: f, Steps: []finding.Step{{Change: finding.ActedUpon, Revision: f.Revision, State: f.State,
				Entry: finding.Entry{Time: now, Actor: "bench", Action: string(action.Kind), Detail: detail}}}})
		}
		return tx.Save(ctx, saves)
	})
	if err != nil {
		b.Fatal(err)
	}
}
