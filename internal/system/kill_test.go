package system

import (
	"bufio"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/quaywatch/quaywatch/internal/config"
	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
)

// childDir, when set, makes the test binary the program that is killed.
const childDir = "QUAYWATCH_TEST_KILL_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		if err := victim(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

const (
	killRounds = 6
	killRows   = 40 // of a batch
)

var killStart = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)

// killRow is the row of number n: its event time is its name.
func killRow(n int) event.VesselReport {
	nan := float32(math.NaN())
	return event.VesselReport{MMSI: 211000000 + uint32(n%7), Type: 1, Lat: 45, Lon: -12, SOG: 0, COG: nan, Heading: nan, Turn: nan, Status: 1, Second: 1,
		Head: event.Head{Time: killStart.Add(time.Duration(n) * time.Millisecond), Seen: killStart, Told: true, Source: "test",
			Raw: event.Raw{Input: "test", Offset: int64(n), Length: 1, Text: []byte("x")}}}
}

func killConfig(dir string) *config.Config {
	c, err := config.Parse(filepath.Join(dir, "quaywatch.yaml"), []byte("listen: 127.0.0.1:0\ntls: {off: true}\n"))
	if err != nil {
		panic(err) // the text above is constant
	}
	c.Port = "../../examples/saltmere/port.yaml"
	return c
}

// victim runs the whole system, feeds it, decides on findings, and tells on
// standard output what was acknowledged, until it is killed.
func victim(dir string) error {
	ctx := context.Background()
	s, err := Open(ctx, killConfig(dir), Options{Command: "test"})
	if err != nil {
		return err
	}
	return s.Run(ctx, RunOptions{Sources: func(ctx context.Context) error {
		at, err := s.stream.State(ctx)
		if err != nil {
			return err
		}
		n := int(at.Last) * 1_000_000 // a range of its own for each life
		for i := 0; ; i++ {
			b := &event.Batch{ID: fmt.Sprint("kill/", n), Source: "test"}
			first := n
			for range killRows {
				b.Vessels = append(b.Vessels, killRow(n))
				n++
			}
			at := time.Now().UTC()
			b.Access = []event.AccessEvent{{Head: event.Head{Time: at, Seen: at, Source: "test", Raw: event.Raw{Input: "doors", Offset: int64(first), Length: 1, Text: []byte("y")}},
				Reader: "no-such-reader", Badge: fmt.Sprint("unknown-", i%5), Result: event.AccessGranted}}
			if err := s.Sink().Put(ctx, b); err != nil {
				return err
			}
			fmt.Printf("acked %d %d\n", first, n)
			if i%10 != 9 {
				continue
			}
			if err := decide(ctx, s.Findings(), fmt.Sprint("decision ", first)); err != nil {
				return err
			}
		}
	}})
}

// decide writes a comment on the first finding there is, and tells when it is acknowledged.
func decide(ctx context.Context, desk finding.Desk, text string) error {
	page, err := desk.List(ctx, finding.Query{Limit: 1})
	if err != nil || len(page.Findings) == 0 {
		return err
	}
	f := page.Findings[0]
	if len(f.Comments) > 400 {
		return nil
	}
	if _, err := desk.Act(ctx, f.ID, finding.Action{Kind: finding.Note, Actor: "tester", Text: text}); err != nil {
		return err
	}
	fmt.Println("decided", f.ID, text)
	return nil
}

// TestKillLosesNothingAcknowledged kills the running system at random moments,
// starts it again, and at the end counts: every acknowledged observation is in
// telemetry once, every acknowledged decision is in the register, and the
// audit log is whole.
func TestKillLosesNothingAcknowledged(t *testing.T) {
	dir := t.TempDir()
	rng := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 1))
	acked := map[int]bool{}
	decisions := map[string][]string{} // finding → texts
	for round := range killRounds {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childDir+"="+dir)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		deadline := time.AfterFunc(60*time.Second, func() { _ = cmd.Process.Kill() })
		seen := 0
		for lines.Scan() {
			if seen == 0 {
				after := time.Duration(200+rng.IntN(2500)) * time.Millisecond
				time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
			}
			seen++
			var from, to int
			if _, err := fmt.Sscanf(lines.Text(), "acked %d %d", &from, &to); err == nil {
				for n := from; n < to; n++ {
					acked[n] = true
				}
			} else if rest, ok := strings.CutPrefix(lines.Text(), "decided "); ok {
				id, text, _ := strings.Cut(rest, " ")
				decisions[id] = append(decisions[id], text)
			} else {
				t.Errorf("the victim said %q", lines.Text())
			}
		}
		_ = cmd.Wait() // killed, as it should be
		deadline.Stop()
		if seen == 0 {
			t.Fatalf("round %d: the victim acknowledged nothing", round)
		}
	}
	if len(decisions) == 0 {
		t.Fatal("no decision was ever acknowledged: the test does not test what it says")
	}
	count(t, dir, acked, decisions)
}

func count(t *testing.T, dir string, acked map[int]bool, decisions map[string][]string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	s, err := Open(ctx, killConfig(dir), Options{Command: "test"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	st, err := s.stream.State(ctx)
	if err != nil {
		t.Fatal(err)
	}
	settled, stop := context.WithCancel(ctx)
	go func() {
		for settled.Err() == nil && (s.telemetry.Position() < st.Last || !s.warmed.Load()) {
			_ = s.telemetry.Flush(ctx) // its failure shows in the count
			time.Sleep(20 * time.Millisecond)
		}
		stop()
	}()
	_ = s.pipeline(settled) // ends when everything is applied
	stored := map[int]int{}
	for m := range uint32(7) {
		rows, err := s.telemetry.Track(ctx, 211000000+m, killStart, killStart.AddDate(10, 0, 0), 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			stored[int(r.Raw.Offset)]++
		}
	}
	lost, twice := 0, 0
	for n := range acked {
		if stored[n] == 0 {
			lost++
		}
	}
	for _, times := range stored {
		if times > 1 {
			twice++
		}
	}
	if lost > 0 || twice > 0 {
		t.Errorf("of %d acknowledged observations %d are lost; %d are stored more than once", len(acked), lost, twice)
	}
	missing := 0
	for id, texts := range decisions {
		f, err := s.register.Get(ctx, id)
		if err != nil {
			t.Errorf("finding %s: %v", id, err)
			continue
		}
		have := map[string]bool{}
		for _, c := range f.Comments {
			have[c.Text] = true
		}
		for _, text := range texts {
			if !have[text] {
				missing++
			}
		}
	}
	if missing > 0 {
		t.Errorf("%d acknowledged decisions are lost", missing)
	}
	audit, err := s.records.Verify(ctx)
	if err != nil {
		t.Errorf("the audit log: %v", err)
	} else if audit.Fault != nil || audit.Entries == 0 {
		t.Errorf("the audit log is not whole: %+v", audit)
	}
	n := 0
	for _, texts := range decisions {
		n += len(texts)
	}
	t.Logf("%d kills, %d observations and %d decisions acknowledged, %d stored, audit %+v", killRounds, len(acked), n, len(stored), audit)
}
