package stream

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/quaywatch/quaywatch/internal/event"
)

func open(t testing.TB, o Options) *Stream {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	s, err := Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func vessels(id string, n, textBytes int) *event.Batch {
	b := &event.Batch{ID: id, Source: "ais"}
	for i := range n {
		b.Vessels = append(b.Vessels, event.VesselReport{MMSI: uint32(i), Lat: math.NaN(), Lon: 1.5, Status: -1,
			Head: event.Head{Time: time.Date(2026, 11, 23, 12, 0, i%60, 123456789, time.UTC), Raw: event.Raw{Text: make([]byte, textBytes)}}})
	}
	return b
}

// take reads n batches from place from.
func take(t *testing.T, s *Stream, from uint64, n int) []event.Stored {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var got []event.Stored
	done := errors.New("enough")
	err := s.Consume(ctx, from, func(_ context.Context, m []event.Stored) error {
		if got = append(got, m...); len(got) >= n {
			return done
		}
		return nil
	})
	if !errors.Is(err, done) {
		t.Fatalf("after %d of %d batches: %v", len(got), n, err)
	}
	return got
}

func TestWhatWasPutComesBackInOrderAndOnce(t *testing.T) {
	dir := t.TempDir()
	s := open(t, Options{Dir: dir})
	ctx := context.Background()
	var want []*event.Batch
	for i := range 100 {
		b := vessels(fmt.Sprint("b", i), 3, 10)
		want = append(want, b)
		for range 2 { // the second is the same batch told again
			if err := s.Put(ctx, b); err != nil {
				t.Fatal(err)
			}
		}
	}
	s.Close()
	s = open(t, Options{Dir: dir}) // and it is still there after a restart
	for i, m := range take(t, s, 0, len(want)) {
		if m.Seq != uint64(i+1) {
			t.Fatalf("place %d, want %d", m.Seq, i+1)
		}
		if d := cmp.Diff(want[i], m.Batch, cmpopts.EquateNaNs()); d != "" {
			t.Fatalf("batch %d differs (-put +read):\n%s", i, d)
		}
	}
	if got := take(t, s, 91, 10); got[0].Seq != 91 {
		t.Errorf("reading from 91 began at %d", got[0].Seq)
	}
}

func TestLargeBatchIsSplitNotRefused(t *testing.T) {
	s := open(t, Options{})
	if err := s.Put(context.Background(), vessels("large", 12000, 1024)); err != nil {
		t.Fatal(err)
	}
	rows, next := 0, uint32(0)
	st, err := s.State(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range take(t, s, 0, int(st.Last)) {
		for _, v := range m.Batch.Vessels {
			if v.MMSI != next {
				t.Fatalf("row %d is out of order", v.MMSI)
			}
			next++
		}
		rows += m.Batch.Len()
	}
	if rows != 12000 {
		t.Errorf("%d rows came back, want 12000", rows)
	}
}

func TestFullStreamMakesSourcesWaitAndForgetsNothing(t *testing.T) {
	s := open(t, Options{MaxBytes: 256 << 10, Retry: 5 * time.Millisecond})
	ctx := context.Background()
	short, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	n := 0
	for ; ; n++ {
		if err := s.Put(short, vessels(fmt.Sprint(n), 100, 200)); err != nil {
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Fatal(err)
			}
			break
		}
	}
	if n == 0 {
		t.Fatal("nothing fitted")
	}
	if got := take(t, s, 0, n); len(got) != n || got[0].Seq != 1 {
		t.Fatalf("the full stream holds %d of %d acknowledged batches", len(got), n)
	}
	if err := s.Trim(ctx, uint64(n)); err != nil {
		t.Fatal(err)
	}
	if err := s.Put(ctx, vessels("after", 100, 200)); err != nil {
		t.Fatalf("after Trim: %v", err)
	}
}

func TestSeqSince(t *testing.T) {
	s := open(t, Options{})
	ctx := context.Background()
	if got, err := s.SeqSince(ctx, time.Time{}); err != nil || got != 1 {
		t.Errorf("in an empty stream: %d, %v; want 1", got, err)
	}
	for i := range 5 {
		if err := s.Put(ctx, vessels(fmt.Sprint(i), 1, 1)); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		at   time.Time
		want uint64
	}{{time.Time{}, 1}, {time.Now().Add(time.Hour), 6}} {
		got, err := s.SeqSince(ctx, c.at)
		if err != nil || got != c.want {
			t.Errorf("SeqSince(%v) = %d, %v; want %d", c.at, got, err, c.want)
		}
	}
}

// fill sets every field to a value of its own, so that a field that the codec
// forgets, or two that share a key, show as a difference.
func fill(v reflect.Value, n *int) {
	*n++
	switch v.Kind() {
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Date(2026, 1, 1, 0, 0, *n, *n, time.UTC)))
			return
		}
		for i := range v.NumField() {
			fill(v.Field(i), n)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0), n)
		fill(v.Index(1), n)
	case reflect.Array:
		for i := range v.Len() {
			v.Index(i).SetUint(uint64((*n + i) % 256))
		}
	case reflect.String:
		v.SetString(fmt.Sprint("s", *n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(int64(*n%100 + 1))
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(*n%200 + 1))
	case reflect.Float32, reflect.Float64:
		v.SetFloat(float64(*n) + 0.5)
	default:
		panic("a kind that this test does not know: " + v.Kind().String())
	}
}

func TestCodecKeepsEveryField(t *testing.T) {
	var want event.Batch
	fill(reflect.ValueOf(&want).Elem(), new(int))
	data, err := Encode(&want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(&want, got); d != "" {
		t.Fatalf("(-want +got):\n%s", d)
	}
}

func BenchmarkPut(b *testing.B) {
	s := open(b, Options{})
	batch := vessels("", 500, 80)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		batch.ID = fmt.Sprint(i)
		if err := s.Put(context.Background(), batch); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*500/b.Elapsed().Seconds(), "rows/s")
}
