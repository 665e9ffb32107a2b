package pcap

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quaywatch/quaywatch/internal/event"
)

// stepSink runs a step when a number of packets has been told, and stops the
// source after the last. A test steps on what it sees and never sleeps.
type stepSink struct {
	sink
	steps []func()
	after []uint64 // packets told before each step
}

func (k *stepSink) Put(ctx context.Context, b *event.Batch) error {
	if err := k.sink.Put(ctx, b); err != nil {
		return err
	}
	var n uint64
	for i := range k.flows {
		n += k.flows[i].PacketsIn + k.flows[i].PacketsOut
	}
	for len(k.steps) > 0 && n >= k.after[0] {
		k.steps[0]()
		k.steps, k.after = k.steps[1:], k.after[1:]
	}
	return nil
}

// hasty is a clock that goes on by a second each time it is read, so that flows
// are told without waiting.
func hasty() func() time.Time {
	var n atomic.Int64
	return func() time.Time { return epoch.Add(time.Duration(n.Add(1)) * time.Second) }
}

// TestNewFilesInAFollowedDirectory: a sensor that writes a new file each hour,
// finishing the one before a moment late, with other files beside them. Every
// packet is told once, over restarts too.
func TestNewFilesInAFollowedDirectory(t *testing.T) {
	dir := t.TempDir()
	part := func(from float64, text string) []byte {
		tp := newTape(t)
		tp.tcp(from, hmi, plc, "S", 1, "")
		tp.tcp(from+1, hmi, plc, "A", 2, text)
		return tp.buf.Bytes()
	}
	first, second, third := part(0, "first"), part(4000, "second"), part(8000, "third")
	put := func(name string, b []byte) { write(t, filepath.Join(dir, name), b) }
	put("lan-01.pcap", first[:60]) // still being written
	put("notes.txt", []byte("not a capture, and last by name"))
	m := memory{}
	k := &stepSink{after: []uint64{0, 2, 4, 6}}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	k.steps = []func(){
		func() { put("lan-02.pcap", nil); put("lan-01.pcap", first) }, // the new one is opened first
		func() { put("lan-02.pcap", second) },
		func() { put("lan-03.pcap", third) },
		cancel,
	}
	if _, err := again(t, ctx, k, m, Options{Follow: true, Clock: hasty()}, dir); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if len(k.steps) != 0 {
		t.Fatalf("%d steps were not reached; told %v", len(k.steps), lines(&k.sink))
	}
	if _, err := again(t, stopped(), &k.sink, m, Options{Follow: true}, dir); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	var n uint64
	files := map[string]bool{}
	for _, f := range k.flows {
		n += f.PacketsIn + f.PacketsOut
		files[filepath.Base(f.Raw.Input)] = true
	}
	if diff := cmp.Diff(map[string]bool{"lan-01.pcap": true, "lan-02.pcap": true, "lan-03.pcap": true}, files); diff != "" || n != 6 {
		t.Errorf("%d packets were told, want 6; files %s", n, diff)
	}
}

// TestFollowedDirectoryMayBeEmptyAtFirst: the sensor has not begun yet.
func TestFollowedDirectoryMayBeEmptyAtFirst(t *testing.T) {
	dir := t.TempDir()
	tp := newTape(t)
	tp.tcp(0, hmi, plc, "S", 1, "")
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	k := &stepSink{after: []uint64{0, 1}, steps: []func(){
		func() {
			path := filepath.Join(dir, "lan-01.pcap")
			if err := os.WriteFile(path+".part", tp.buf.Bytes(), 0o600); err != nil {
				panic(fmt.Sprint("writing the first capture: ", err))
			}
			if err := os.Rename(path+".part", path); err != nil {
				panic(fmt.Sprint("naming the first capture: ", err))
			}
		}, cancel}}
	if _, err := again(t, ctx, k, nil, Options{Follow: true, Clock: hasty()}, dir); !errors.Is(err, context.Canceled) || len(k.steps) != 0 {
		t.Errorf("%v; %d steps not reached", err, len(k.steps))
	}
}
