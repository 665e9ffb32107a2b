package duckdb

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/quaywatch/quaywatch/internal/event"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func openIn(t *testing.T, dir string) *Telemetry {
	t.Helper()
	tel, err := Open(context.Background(), Options{Dir: dir, MemoryMiB: 256})
	if err != nil {
		t.Fatal(err)
	}
	return tel
}

func position(mmsi uint32, at time.Time, lat, lon float64) event.VesselReport {
	raw := []byte(fmt.Sprintf("!AIVDM %d %v", mmsi, at))
	return event.VesselReport{MMSI: mmsi, Type: 1, Lat: lat, Lon: lon, SOG: float32(math.NaN()), COG: 10.5, Heading: 11, Turn: float32(math.NaN()), Status: -1, Second: 7,
		Accurate: true, Head: event.Head{Time: at, Seen: at.Add(time.Second), Told: true, Source: "ais",
			Raw: event.Raw{Input: "ais.log", Offset: int64(mmsi), Line: 3, Length: len(raw), Text: raw, Sum: event.SumOf(raw)}}}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestPositionComesBackWithItsEvidence(t *testing.T) {
	ctx := context.Background()
	tel := openIn(t, t.TempDir())
	defer tel.Close()
	want := position(227006760, noon, 49.09, 1.48)
	must(t, tel.Append(ctx, []event.Stored{{Seq: 1, Batch: &event.Batch{Vessels: []event.VesselReport{want}}}}))
	must(t, tel.Flush(ctx))
	got, err := tel.Track(ctx, want.MMSI, noon, noon.Add(time.Hour), 0)
	must(t, err)
	if d := cmp.Diff([]event.VesselReport{want}, got, cmpopts.EquateNaNs()); d != "" {
		t.Errorf("Track (-want +got):\n%s", d)
	}
	if tampered := got[0].Raw.Sum; tampered != event.SumOf(want.Raw.Text) {
		t.Errorf("hash %s is not that of the raw text", tampered)
	}
}

// TestAnswersEqualANaiveCount drives the store with random, late and repeated
// input, restarts and maintenance, and compares each answer with a plain loop
// over what was told.
func TestAnswersEqualANaiveCount(t *testing.T) {
	ctx := context.Background()
	rng := rand.New(rand.NewPCG(7, 9))
	dir := t.TempDir()
	tel := openIn(t, dir)
	defer func() { must(t, tel.Close()) }()
	var all []event.VesselReport
	now, seq := noon, uint64(0)
	for round := range 40 {
		var batch event.Batch
		for range 1 + rng.IntN(60) {
			at := now.Add(-time.Duration(rng.IntN(600)) * time.Second)
			if rng.IntN(10) == 0 {
				at = now.Add(-time.Duration(rng.IntN(40)) * time.Hour) // very late
			}
			batch.Vessels = append(batch.Vessels, position(uint32(1+rng.IntN(8)), at.Add(time.Duration(len(all)+len(batch.Vessels))*time.Microsecond),
				45+rng.Float64()/10, 179.95+rng.Float64()/10-float64(rng.IntN(2))*360))
		}
		seq++
		s := []event.Stored{{Seq: seq, Batch: &batch}}
		must(t, tel.Append(ctx, s))
		must(t, tel.Append(ctx, s)) // told again: no effect
		all = append(all, batch.Vessels...)
		must(t, tel.Flush(ctx))
		now = now.Add(time.Duration(rng.IntN(5)) * time.Hour)
		switch rng.IntN(4) {
		case 0:
			must(t, tel.Maintain(ctx, now))
		case 1:
			must(t, tel.Close())
			tel = openIn(t, dir)
			if tel.Position() != seq {
				t.Fatalf("round %d: position %d after a restart, want %d", round, tel.Position(), seq)
			}
			must(t, tel.Append(ctx, s)) // the stream tells it again
		}
		compare(t, tel, all, now, rng)
	}
	counts, err := tel.Counts(ctx)
	must(t, err)
	if counts["positions"] != int64(len(all)) {
		t.Errorf("%d positions kept of %d told", counts["positions"], len(all))
	}
	files, _ := filepath.Glob(filepath.Join(dir, "days", "positions-*.parquet"))
	if len(files) == 0 {
		t.Error("no day was ever closed: the test does not test what it says")
	}
}

func compare(t *testing.T, tel *Telemetry, all []event.VesselReport, now time.Time, rng *rand.Rand) {
	t.Helper()
	ctx := context.Background()
	from := now.Add(-time.Duration(rng.IntN(72)) * time.Hour).Truncate(time.Hour)
	mmsi := uint32(1 + rng.IntN(8))
	last, cells := map[uint32]time.Time{}, map[[2]int32]map[uint32]int64{}
	var track []time.Time
	for _, r := range all {
		if r.Time.Before(from) {
			continue
		}
		if r.Time.After(last[r.MMSI]) {
			last[r.MMSI] = r.Time
		}
		if r.MMSI == mmsi {
			track = append(track, r.Time)
		}
		c := [2]int32{int32(math.Floor(r.Lat / 0.02)), int32(math.Floor(r.Lon / 0.02))}
		if cells[c] == nil {
			cells[c] = map[uint32]int64{}
		}
		cells[c][r.MMSI]++
	}
	slices.SortFunc(track, time.Time.Compare)

	gotLast, err := tel.LastPositions(ctx, [4]float64{}, from, 0)
	must(t, err)
	newest := map[uint32]time.Time{}
	for _, r := range gotLast {
		newest[r.MMSI] = r.Time
	}
	if d := cmp.Diff(last, newest); d != "" {
		t.Fatalf("last positions since %v (-want +got):\n%s", from, d)
	}
	gotTrack, err := tel.Track(ctx, mmsi, from, farFuture, 0)
	must(t, err)
	var times []time.Time
	for _, r := range gotTrack {
		times = append(times, r.Time)
	}
	if d := cmp.Diff(track, times); d != "" {
		t.Fatalf("track of %d since %v (-want +got):\n%s", mmsi, from, d)
	}
	heat, err := tel.Heat(ctx, [4]float64{}, 0.02, from, farFuture)
	must(t, err)
	if len(heat) != len(cells) {
		t.Fatalf("heat map since %v has %d cells, want %d", from, len(heat), len(cells))
	}
	for _, h := range heat {
		want := cells[[2]int32{int32(math.Round(h.Lat / 0.02)), int32(math.Round(h.Lon / 0.02))}]
		var sum int64
		for _, n := range want {
			sum += n
		}
		if h.Reports != sum || h.Vessels != int64(len(want)) {
			t.Fatalf("cell %+v: want %d reports of %d vessels", h, sum, len(want))
		}
	}
}

func TestBoxAcrossTheAntimeridian(t *testing.T) {
	ctx := context.Background()
	tel := openIn(t, t.TempDir())
	defer tel.Close()
	must(t, tel.Append(ctx, []event.Stored{{Seq: 1, Batch: &event.Batch{Vessels: []event.VesselReport{
		position(1, noon, 10, 179.5), position(2, noon, 10, -179.5), position(3, noon, 10, 0)}}}}))
	must(t, tel.Flush(ctx))
	got, err := tel.LastPositions(ctx, [4]float64{0, 179, 20, -179}, noon, 0)
	must(t, err)
	if len(got) != 2 || got[0].MMSI != 1 || got[1].MMSI != 2 {
		t.Errorf("got %d vessels, want 1 and 2", len(got))
	}
}

func TestRetentionDeletesDaysAndUnfinishedDaysAreDropped(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	tel, err := Open(ctx, Options{Dir: dir, Retention: 5 * 24 * time.Hour})
	must(t, err)
	for d := range 10 {
		at := noon.AddDate(0, 0, d)
		must(t, tel.Append(ctx, []event.Stored{{Seq: uint64(d + 1), Batch: &event.Batch{Vessels: []event.VesselReport{position(1, at, 1, 1)}}}}))
	}
	must(t, tel.Maintain(ctx, noon.AddDate(0, 0, 9)))
	counts, err := tel.Counts(ctx)
	must(t, err)
	if counts["positions"] != 6 {
		t.Errorf("%d positions left, want 6: the five kept days and today", counts["positions"])
	}
	old := position(2, time.Date(1971, 1, 1, 0, 0, 0, 0, time.UTC), 1, 1) // a wrong clock, arrived today
	old.Seen = noon.AddDate(0, 0, 9)
	must(t, tel.Append(ctx, []event.Stored{{Seq: 11, Batch: &event.Batch{Vessels: []event.VesselReport{old}}}}))
	must(t, tel.Maintain(ctx, noon.AddDate(0, 0, 9)))
	if got, err := tel.Track(ctx, 2, time.Unix(0, 0), farFuture, 0); err != nil || len(got) != 1 {
		t.Errorf("what arrived today with an old time is deleted: %d rows, %v", len(got), err)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "days", "positions-2026*.parquet"))
	if len(files) != 4 {
		t.Errorf("%d files of positions, want 4 (yesterday and today stay live): %v", len(files), files)
	}
	must(t, tel.Close())

	stray := filepath.Join(dir, "days", "positions-2026-11-28-0007.parquet")
	must(t, os.WriteFile(stray, []byte("half a file"), 0o600))
	tel, err = Open(ctx, Options{Dir: dir})
	must(t, err)
	defer tel.Close()
	if _, err := os.Stat(stray); !os.IsNotExist(err) {
		t.Error("an unfinished day is still there")
	}
}

func TestMissingDayIsToldNotHidden(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	tel := openIn(t, dir)
	must(t, tel.Append(ctx, []event.Stored{{Seq: 1, Batch: &event.Batch{Vessels: []event.VesselReport{position(1, noon, 1, 1)}}}}))
	must(t, tel.Maintain(ctx, noon.AddDate(0, 0, 3)))
	must(t, tel.Close())
	files, _ := filepath.Glob(filepath.Join(dir, "days", "positions-*.parquet"))
	must(t, os.Remove(files[0]))
	if tel, err := Open(ctx, Options{Dir: dir}); err == nil {
		tel.Close()
		t.Fatal("opened without a word about the missing day")
	}
}

func TestFlowFileIsRepeatable(t *testing.T) {
	ctx := context.Background()
	flows := []event.Flow{{Head: event.Head{Time: noon, Source: "pcap"}, Last: noon, Client: event.Endpoint{IP: "10.0.0.1", Port: 40000},
		Server: event.Endpoint{IP: "10.0.0.2", Port: 502}, Transport: "tcp", Application: "modbus", Operations: []string{"read", "write"}, BytesOut: 7}}
	flows = append(flows, flows[0])
	flows[1].Client.IP = "10.0.0.9"
	var files [2][]byte
	for i := range files {
		path := filepath.Join(t.TempDir(), "flows.parquet")
		file, err := NewFlowFile(ctx, t.TempDir())
		must(t, err)
		if i == 1 {
			slices.Reverse(flows) // the order of reading is not in the file
		}
		must(t, file.Add(ctx, flows))
		must(t, file.WriteTo(ctx, path))
		must(t, file.Close())
		files[i], err = os.ReadFile(path)
		must(t, err)
	}
	if !bytes.Equal(files[0], files[1]) {
		t.Error("the same flows gave different files")
	}
}

func TestFlowTotalsAndAccess(t *testing.T) {
	ctx := context.Background()
	tel := openIn(t, t.TempDir())
	defer tel.Close()
	flow := event.Flow{Head: event.Head{Time: noon, Source: "pcap"}, Last: noon.Add(time.Minute), Client: event.Endpoint{IP: "10.0.0.1", Port: 40000},
		Server: event.Endpoint{IP: "10.0.0.2", Port: 502}, Transport: "tcp", Application: "modbus", BytesOut: 7, BytesIn: 5}
	entry := event.AccessEvent{Head: event.Head{Time: noon, Source: "access"}, Reader: "rd-1", Badge: "B1", Result: event.AccessGranted, Direction: "in"}
	small := flow // comes first by address, and last by bytes
	small.Client.IP, small.Server.Port, small.BytesOut, small.BytesIn = "10.0.0.0", 503, 1, 1
	must(t, tel.Append(ctx, []event.Stored{{Seq: 1, Batch: &event.Batch{Flows: []event.Flow{small, flow, flow}, Access: []event.AccessEvent{entry}}}}))
	must(t, tel.Flush(ctx))
	totals, err := tel.FlowTotals(ctx, event.FlowQuery{Port: 502})
	must(t, err)
	want := []event.FlowTotal{{Client: "10.0.0.1", Server: "10.0.0.2", Transport: "tcp", Port: 502, Application: "modbus", Flows: 2, BytesOut: 14, BytesIn: 10,
		First: noon, Last: noon.Add(time.Minute)}}
	if d := cmp.Diff(want, totals); d != "" {
		t.Error(d)
	}
	totals, err = tel.FlowTotals(ctx, event.FlowQuery{Limit: 1, Client: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/24")}})
	must(t, err)
	if len(totals) != 1 || totals[0].Port != 502 {
		t.Errorf("the largest is not first: %+v", totals)
	}
	events, err := tel.AccessEvents(ctx, event.AccessQuery{Reader: "rd-1"})
	must(t, err)
	if len(events) != 1 || events[0].Badge != "B1" || events[0].Result != event.AccessGranted {
		t.Errorf("got %+v", events)
	}
}

func TestOperationsComeBackByDeviceAndTime(t *testing.T) {
	ctx := context.Background()
	tel := openIn(t, t.TempDir())
	defer tel.Close()
	operation := func(n int, client, server event.Endpoint, what string) event.DeviceOperation {
		at := noon.Add(time.Duration(n) * time.Minute)
		raw := event.Raw{Input: "a.pcap", Offset: int64(n), Line: int64(n), Length: 9, Sum: event.SumOf([]byte{byte(n)})}
		return event.DeviceOperation{Head: event.Head{Time: at, Seen: at, Told: true, Source: "span", Raw: raw}, Last: at.Add(time.Second),
			Client: client, Server: server, Transport: "tcp", Protocol: "s7comm", Operation: what, Function: "plc stop", Asked: 3, Accepted: 2, Refused: 1}
	}
	eng, hmi := event.Endpoint{IP: "10.20.1.9", Port: 5}, event.Endpoint{IP: "10.20.1.5", Port: 6}
	plc, low := event.Endpoint{IP: "10.20.2.9", MAC: "00:80:f4:00:00:02", Port: 102}, event.Endpoint{MAC: "00:80:f4:00:00:09"}
	rows := []event.DeviceOperation{operation(1, eng, plc, "stop"), operation(2, hmi, plc, "write"), operation(3, eng, low, "write"), operation(-3000, eng, plc, "program")}
	must(t, tel.Append(ctx, []event.Stored{{Seq: 1, Batch: &event.Batch{Operations: rows}}}))
	must(t, tel.Maintain(ctx, noon)) // the oldest is in the file of its day now
	for _, c := range []struct {
		name string
		q    event.OperationQuery
		want []event.DeviceOperation
	}{
		{"device", event.OperationQuery{Servers: []string{"10.20.2.9", "10.20.2.10"}}, []event.DeviceOperation{rows[1], rows[0], rows[3]}},
		{"device below IP", event.OperationQuery{Servers: []string{low.MAC}}, rows[2:3]},
		{"a router's MAC is no device", event.OperationQuery{Servers: []string{plc.MAC}}, nil},
		{"client", event.OperationQuery{Clients: []string{"10.20.1.5"}}, rows[1:2]},
		{"operation and time", event.OperationQuery{Operation: "stop", From: noon, To: noon.Add(time.Hour)}, rows[:1]},
		{"newest", event.OperationQuery{Limit: 1}, rows[2:3]},
	} {
		got, err := tel.Operations(ctx, c.q)
		must(t, err)
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, d)
		}
	}
}
