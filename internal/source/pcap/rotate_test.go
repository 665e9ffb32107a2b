package pcap

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/quaywatch/quaywatch/internal/source"
)

// TestDamageWhileFollowingFailsTheRun: it must not look like a capture that was
// read to its end, and what stands before the damage is told once.
func TestDamageWhileFollowingFailsTheRun(t *testing.T) {
	tp := newTape(t)
	tp.tcp(0, hmi, plc, "S", 1, "")
	whole := len(tp.buf.Bytes())
	bad := append(tp.buf.Bytes()[:whole:whole], make([]byte, 8)...)
	bad = append(bad, 255, 255, 255, 255, 255, 255, 255, 255)
	path := filepath.Join(t.TempDir(), "grows.pcap")
	write(t, path, bad)
	m, k := memory{}, &sink{}
	for range 2 {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		_, err := again(t, ctx, k, m, Options{Follow: true}, path)
		cancel()
		var damage *DamageError
		if !errors.As(err, &damage) || damage.Offset != int64(whole) || damage.Packet != 1 {
			t.Fatalf("the run returned %v", err)
		}
		if k.health.State != source.StateFailed || k.health.Error == "" {
			t.Errorf("health says %q, %q", k.health.State, k.health.Error)
		}
	}
	if len(k.flows) != 1 {
		t.Errorf("two starts told %v", lines(k))
	}
	good := newTape(t)
	good.tcp(1000, hmi, camera, "S", 1, "")
	good.tcp(1001, hmi, camera, "A", 2, "x")
	write(t, path, good.buf.Bytes())
	if _, err := again(t, stopped(), k, m, Options{Follow: true}, path); !errors.Is(err, context.Canceled) || len(k.flows) != 2 {
		t.Errorf("a good file in its place gave %v, %v", lines(k), err)
	}
}

// TestRotatedFileIsBegunAnew: another file of the same name, and the same file
// cut to nothing and written again.
func TestRotatedFileIsBegunAnew(t *testing.T) {
	old, next := newTape(t), newTape(t)
	old.tcp(0, hmi, plc, "S", 1, "")
	old.tcp(100, hmi, plc, "S", 1, "a longer first file")
	next.tcp(1000, hmi, camera, "S", 1, "")
	for name, replace := range map[string]func(path string){
		"renamed": func(path string) {
			if err := os.Rename(path, path+".1"); err != nil {
				t.Fatal(err)
			}
			write(t, path+".new", next.buf.Bytes())
			if err := os.Rename(path+".new", path); err != nil {
				t.Fatal(err)
			}
		},
		"cut": func(path string) { write(t, path, next.buf.Bytes()) },
		"gone for a moment": func(path string) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			write(t, path, next.buf.Bytes())
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "grows.pcap")
			write(t, path, old.buf.Bytes())
			k := &sink{arrived: make(chan struct{}, 10)}
			ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
			defer cancel()
			done := make(chan error, 1)
			m := memory{}
			go func() {
				_, err := again(t, ctx, k, m, Options{Follow: true, Early: time.Nanosecond, Clock: time.Now}, path)
				done <- err
			}()
			packets := func() (n uint64) {
				k.mu.Lock()
				defer k.mu.Unlock()
				for _, f := range k.flows {
					n += f.PacketsOut
				}
				return n
			}
			wait := func(n uint64) {
				t.Helper()
				for packets() < n {
					select {
					case <-k.arrived:
					case <-ctx.Done():
						t.Fatalf("%d packets came out, want %d", packets(), n)
					}
				}
			}
			wait(1)
			replace(path)
			wait(3)
			cancel()
			<-done
			if packets() != 3 {
				t.Errorf("%v", lines(k))
			}
			k2 := &sink{}
			if _, err := again(t, stopped(), k2, m, Options{Follow: true}, path); !errors.Is(err, context.Canceled) || len(k2.flows) != 0 {
				t.Errorf("the next start told %v, %v", lines(k2), err)
			}
		})
	}
}
