package duckdb

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/quaywatch/quaywatch/internal/event"
)

// Columns that no report of a flush fills are left out of the statement, and
// those that some fill are not: each report must come back with what it had, in
// whatever company it was written.
func TestReportsKeepTheirFieldsInAnyCompany(t *testing.T) {
	ctx := context.Background()
	nan := float32(math.NaN())
	raw := []byte("a line that was cut")
	bare := event.VesselReport{Type: 1, Lat: 45, Lon: 1, SOG: nan, COG: nan, Heading: nan, Turn: nan, Status: -1, Second: -1,
		Head: event.Head{Source: "ais", Raw: event.Raw{Input: "ais.log"}}}
	full := event.VesselReport{Type: 3, Lat: 45.5, Lon: -1.25, SOG: 10.5, COG: 359.5, Heading: 12, Turn: -3.5, Status: 5, Second: 59, Accurate: true, RAIM: true, ClassB: true, Station: "r3",
		Head: event.Head{Told: true, Exercise: "X1", Source: "a source with a long name", Raw: event.Raw{Input: "tcp://127.0.0.1:4001", Offset: 1 << 40, Line: 7, Length: 4000, Sum: event.SumOf(raw), Text: raw}}}
	for name, rows := range map[string][]event.VesselReport{
		"bare": {bare, bare}, "full": {full, full}, "both": {bare, full, bare}, "static": {{Static: true, Name: "SALT WIND", Lat: math.NaN(), Lon: math.NaN(), Head: bare.Head}, full},
	} {
		tel := openIn(t, t.TempDir())
		b := event.Batch{Vessels: rows}
		var want []event.VesselReport
		for i := range rows {
			rows[i].MMSI, rows[i].Time, rows[i].Seen = 7, noon.Add(time.Duration(i)*time.Second), noon.Add(time.Minute)
			if isPosition(&rows[i]) {
				want = append(want, rows[i])
			}
		}
		must(t, tel.Append(ctx, []event.Stored{{Seq: 1, Batch: &b}}))
		must(t, tel.Flush(ctx))
		got, err := tel.Track(ctx, 7, noon, noon.Add(time.Hour), 0)
		must(t, err)
		if d := cmp.Diff(want, got, cmpopts.EquateNaNs()); d != "" {
			t.Errorf("%s (-told +kept):\n%s", name, d)
		}
		must(t, tel.Close())
	}
}

// What waits is bounded, is written beside the appends, and is all there after
// a close without a flush.
func TestWhatWaitsIsBoundedAndNotLost(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	const flushRows, each, batches = 200, 50, 100
	tel, err := Open(ctx, Options{Dir: dir, MemoryMiB: 256, FlushRows: flushRows, FlushEvery: time.Hour})
	must(t, err)
	for n := range batches {
		b := event.Batch{ID: fmt.Sprint(n)}
		for i := range each {
			b.Vessels = append(b.Vessels, position(uint32(i), noon.Add(time.Duration(n)*time.Second), 45, 1))
		}
		must(t, tel.Append(ctx, []event.Stored{{Seq: uint64(n + 1), Batch: &b}}))
		tel.queue.Lock()
		if rows := tel.queue.rows; rows > flushRows*3/2+each {
			t.Errorf("%d rows wait, which is past the bound", rows)
		}
		tel.queue.Unlock()
	}
	must(t, tel.Close())
	tel = openIn(t, dir)
	defer tel.Close()
	counts, err := tel.Counts(ctx)
	must(t, err)
	if counts["positions"] != batches*each || tel.Position() != batches {
		t.Errorf("%d positions up to place %d, want %d up to %d", counts["positions"], tel.Position(), batches*each, batches)
	}
}

// A store that can't write takes no more and says why: the stream keeps the rows.
func TestAFailedWriteStopsTheStore(t *testing.T) {
	tel := openIn(t, t.TempDir())
	defer tel.Close()
	ctx := context.Background()
	must(t, tel.exec(ctx, "DROP TABLE positions"))
	b := &event.Batch{Vessels: []event.VesselReport{position(1, noon, 45, 1)}}
	must(t, tel.Append(ctx, []event.Stored{{Seq: 1, Batch: b}}))
	first := tel.Flush(ctx)
	if first == nil {
		t.Fatal("rows were flushed into a table that is not there")
	}
	again := tel.Append(ctx, []event.Stored{{Seq: 2, Batch: b}})
	if !errors.Is(again, first) || !errors.Is(tel.Err(), first) {
		t.Errorf("after %v: Append said %v, Err %v", first, again, tel.Err())
	}
	if tel.Position() != 0 {
		t.Errorf("position %d although nothing was written", tel.Position())
	}
}
