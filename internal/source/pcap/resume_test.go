package pcap

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
	"pgregory.net/rapid"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/source"
)

// memory is bookmarks that outlive a source.
type memory map[string]string

func (m memory) Bookmark(_ context.Context, id string) (string, error) { return m[id], nil }
func (m memory) SetBookmark(_ context.Context, id, mark string) error  { m[id] = mark; return nil }

// stopped is a context that is done from the start: a followed file is read as
// far as it goes, then the source stops.
func stopped() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// again starts a new source on paths, as a restarted process does.
func again(t rapid.TB, ctx context.Context, k source.Sink, m memory, o Options, paths ...string) (*Source, error) {
	t.Helper()
	if o.Clock == nil {
		o.Clock = func() time.Time { return epoch }
	}
	if m != nil {
		o.Bookmarks = m
	}
	s := New("lan", paths, o)
	return s, s.Run(ctx, k)
}

// counts adds up packets and bytes of each conversation, whoever is its client.
func counts(flows []event.Flow) map[string][2]uint64 {
	out := map[string][2]uint64{}
	for _, f := range flows {
		a, b := fmt.Sprint(f.Client.IP, f.Client.Port), fmt.Sprint(f.Server.IP, f.Server.Port)
		key := min(a, b) + " " + max(a, b) + " " + f.Transport
		n := out[key]
		out[key] = [2]uint64{n[0] + f.PacketsOut + f.PacketsIn, n[1] + f.BytesOut + f.BytesIn}
	}
	return out
}

// traffic writes n packets of a few conversations, each of its own length.
func traffic(t testing.TB, n int) *tape {
	tp := newTape(t)
	for i := range n {
		from := hmi
		from.port += uint16(i % 7)
		at, load := float64(i)*1.7, string(make([]byte, i%97+1))
		switch i % 3 {
		case 0:
			tp.tcp(at, from, plc, "A", uint32(i), load)
		case 1:
			tp.tcp(at, plc, from, "A", uint32(i), load)
		default:
			tp.udp(at, from, camera, load)
		}
	}
	return tp
}

// toNG writes the capture again as pcapng with nanoseconds, and a second
// section in the middle.
func toNG(t testing.TB, classic []byte) []byte {
	t.Helper()
	r, err := pcapgo.NewReader(bytes.NewReader(classic))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	var w *pcapgo.NgWriter
	for n := 0; ; n++ {
		data, ci, err := r.ReadPacketData()
		if errors.Is(err, io.EOF) {
			break
		}
		if n%100 == 0 {
			if w != nil {
				if err := w.Flush(); err != nil {
					t.Fatal(err)
				}
			}
			if w, err = pcapgo.NewNgWriter(&b, layers.LinkTypeEthernet); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.WritePacket(gopacket.CaptureInfo{Timestamp: ci.Timestamp, CaptureLength: ci.CaptureLength, Length: ci.Length}, data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestStopsAnywhereAndGoesOn stops and starts again while a capture grows by
// any number of bytes, followed or not, pcap or pcapng: every packet is in
// exactly one told flow, with the same time as in one read.
func TestStopsAnywhereAndGoesOn(t *testing.T) {
	classic := traffic(t, 250).buf.Bytes()
	for name, whole := range map[string][]byte{"pcap": classic, "pcapng": toNG(t, classic)} {
		dir := t.TempDir()
		path := filepath.Join(dir, "whole."+name)
		write(t, path, whole)
		want, _ := run(t, Options{}, path)
		t.Run(name, rapid.MakeCheck(func(t *rapid.T) {
			path := filepath.Join(dir, "grows."+name)
			m, k := memory{}, &sink{}
			o := Options{MaxFlows: rapid.SampledFrom([]int{3, 100}).Draw(t, "table")}
			cuts := rapid.SliceOfN(rapid.IntRange(28, len(whole)), 0, 6).Draw(t, "cuts")
			slices.Sort(cuts)
			for _, n := range append(cuts, len(whole), len(whole)) {
				write(t, path, whole[:n])
				o.Follow = rapid.Bool().Draw(t, "follow")
				ctx := context.Background()
				if o.Follow {
					ctx = stopped()
				}
				if _, err := again(t, ctx, k, m, o, path); err != nil && !errors.Is(err, context.Canceled) {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(counts(want.flows), counts(k.flows)); diff != "" {
				t.Fatal(diff)
			}
			for _, f := range k.flows {
				if event.SumOf(whole[f.Raw.Offset:f.Raw.Offset+int64(f.Raw.Length)]) != f.Raw.Sum || f.Raw.Line < 1 || f.Raw.Line > 250 {
					t.Fatalf("%s: the evidence does not lead back", line(f))
				}
				if at := f.Time.Sub(epoch).Seconds() / 1.7; f.Raw.Line == 1 && at > 0.1 {
					t.Fatalf("packet 1 at %v", f.Time)
				}
			}
		}))
	}
}

func write(t rapid.TB, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// stopping is a sink whose n-th batch comes with the wish to stop.
type stopping struct {
	*sink
	n    int
	stop func()
}

func (s *stopping) Put(ctx context.Context, b *event.Batch) error {
	if s.n--; s.n == 0 {
		s.stop()
	}
	return s.sink.Put(ctx, b)
}

// TestStoppedInTheMiddleOfAFile stops reads of a file that does not grow.
func TestStoppedInTheMiddleOfAFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.pcap")
	write(t, path, traffic(t, 20_000).buf.Bytes())
	want, _ := run(t, Options{}, path)
	m, k := memory{}, &sink{}
	starts := 0
	for ; starts < 50; starts++ {
		ctx, cancel := context.WithCancel(context.Background())
		_, err := again(t, ctx, &stopping{k, 3, cancel}, m, Options{}, dir)
		cancel()
		if err == nil {
			break
		}
	}
	if diff := cmp.Diff(counts(want.flows), counts(k.flows)); diff != "" || starts < 2 {
		t.Error(starts, diff)
	}
}

func TestFinishedFilesAreNotToldAgain(t *testing.T) {
	dir, m := t.TempDir(), memory{}
	start := func() []string {
		t.Helper()
		k := &sink{}
		if _, err := again(t, context.Background(), k, m, Options{}, dir); err != nil {
			t.Fatal(err)
		}
		return lines(k)
	}
	a, b, c := newTape(t), newTape(t), newTape(t)
	a.tcp(0, hmi, plc, "S", 1, "")
	b.tcp(1000, hmi, camera, "S", 1, "")
	c.tcp(2000, plc, camera, "S", 1, "")
	write(t, filepath.Join(dir, "a.pcap"), a.buf.Bytes())
	write(t, filepath.Join(dir, "b.pcap"), b.buf.Bytes())
	for i, n := range []int{2, 0, 0} {
		if got := start(); len(got) != n {
			t.Fatalf("start %d told %v, want %d flows", i, got, n)
		}
	}
	write(t, filepath.Join(dir, "0.pcap"), c.buf.Bytes()) // new, and before the others by name
	if got := start(); len(got) != 1 || got[0] != "10.20.2.9:502>10.40.1.7:554 tcp  seen [] 1/0 answered=false" {
		t.Fatalf("a new file gave %v", got)
	}
	write(t, filepath.Join(dir, "b.pcap"), a.buf.Bytes()) // another file of the same name and size
	if got := start(); len(got) != 1 || got[0] != "10.20.1.5:49200>10.20.2.9:502 tcp  seen [] 1/0 answered=false" {
		t.Fatalf("a replaced file gave %v", got)
	}
	if err := os.Remove(filepath.Join(dir, "a.pcap")); err != nil {
		t.Fatal(err)
	}
	long := len(m["lan"])
	if got := start(); len(got) != 0 || len(m["lan"]) >= long {
		t.Errorf("told %v, and the bookmark keeps a file that is gone: %q", got, m["lan"])
	}
}

func TestMarkThatIsNoneReadsFromTheStart(t *testing.T) {
	tp := newTape(t)
	tp.tcp(0, hmi, plc, "S", 1, "")
	path := tp.file("a.pcap")
	for _, mark := range []string{"?", "pcap1", "pcap1\nx -3 4 y", "pcap1\n" + keyOfPath(path) + " 99999 1 00", "pcap1\n" + keyOfPath(path) + " 30 1 00"} {
		k := &sink{}
		if _, err := again(t, context.Background(), k, memory{"lan": mark}, Options{}, path); err != nil || len(k.flows) != 1 {
			t.Errorf("mark %q: %v, %v", mark, lines(k), err)
		}
	}
}

// TestMarksComeWhileReading: a mark is saved while a capture is read, not
// only at the end, and never for what is not told.
func TestMarksComeWhileReading(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.pcap")
	write(t, path, traffic(t, 20_000).buf.Bytes())
	m, k := memory{}, &sink{}
	var told []event.Flow
	var saved memory
	watch := &putting{k, func() {
		if m["lan"] != "" && saved == nil {
			saved, told = memory{"lan": m["lan"]}, slices.Clone(k.flows)
		}
	}}
	if _, err := again(t, context.Background(), watch, m, Options{}, path); err != nil {
		t.Fatal(err)
	}
	if saved == nil {
		t.Fatal("no mark before the end of the file")
	}
	rest := &sink{}
	if _, err := again(t, context.Background(), rest, saved, Options{}, path); err != nil {
		t.Fatal(err)
	}
	var all, after, before uint64
	for i, l := range [][]event.Flow{k.flows, rest.flows, told} {
		for _, f := range l {
			*[]*uint64{&all, &after, &before}[i] += f.PacketsIn + f.PacketsOut
		}
	}
	if after >= all || before+after < all {
		t.Errorf("%d packets told until the mark was seen and %d after it, of %d", before, after, all)
	}
}

type putting struct {
	*sink
	before func()
}

func (p *putting) Put(ctx context.Context, b *event.Batch) error {
	p.before()
	return p.sink.Put(ctx, b)
}
