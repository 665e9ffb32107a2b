package sqlite_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/store/sqlite"
)

// decide names the variable that makes the test binary a process that decides
// until it is killed, in the directory that the variable holds.
const decide = "QUAYWATCH_TEST_DECIDE"

func TestMain(m *testing.M) {
	if dir := os.Getenv(decide); dir != "" {
		if err := decideForEver(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// decideForEver reports findings and comments on them, and prints each decision
// after it was acknowledged.
func decideForEver(dir string) error {
	ctx := context.Background()
	r, err := sqlite.Open(ctx, filepath.Join(dir, sqlite.File))
	if err != nil {
		return err
	}
	register := finding.NewRegister(r.Findings(), finding.Options{})
	first, err := register.Position(ctx, "kill")
	if err != nil {
		return err
	}
	for seq := first + 1; ; seq++ {
		o := finding.Occurrence{Rule: "test.kill", Subject: finding.Subject{Kind: "asset", ID: fmt.Sprint(seq)}, Grade: finding.Likely, Severity: finding.Alarm, Title: "It went dark"}
		events, err := register.Report(ctx, "kill", seq, []finding.Occurrence{o})
		if err != nil {
			return err
		}
		fmt.Println("reported", seq, events[0].Finding.ID)
		if _, err := register.Act(ctx, events[0].Finding.ID, finding.Action{Kind: finding.Note, Actor: "jane", Text: fmt.Sprint("note ", seq)}); err != nil {
			return err
		}
		fmt.Println("noted", seq, events[0].Finding.ID)
	}
}

// TestKill kills a deciding process again and again, without warning, and looks
// for every decision that it had acknowledged.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	var acknowledged []string
	for round := range 8 {
		acknowledged = append(acknowledged, killOne(t, dir, 5+7*round)...)
		lost, extra := recount(t, dir, acknowledged)
		if len(lost) > 0 {
			t.Fatalf("round %d lost %d of %d acknowledged decisions: %v", round, len(lost), len(acknowledged), lost)
		}
		if extra > 2*(round+1) { // what was committed and not yet printed
			t.Errorf("round %d: %d decisions that nobody acknowledged", round, extra)
		}
	}
	t.Logf("%d acknowledged decisions, none lost in 8 kills", len(acknowledged))
}

// killOne runs a deciding process, kills it after n lines, and returns all
// whole lines that it had printed.
func killOne(t *testing.T, dir string, n int) []string {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), decide+"="+dir)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	var lines []string
	reader := bufio.NewReader(out)
	for {
		line, err := reader.ReadString('\n')
		if err != nil {
			break
		}
		if lines = append(lines, strings.TrimSpace(line)); len(lines) == n {
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = child.Wait() // it was killed
	if len(lines) < n {
		t.Fatalf("the process ended by itself after %d decisions", len(lines))
	}
	return lines
}

// recount opens the records and returns the decisions that they lack, and how
// many they hold beyond those.
func recount(t *testing.T, dir string, acknowledged []string) (lost []string, extra int) {
	t.Helper()
	ctx := context.Background()
	r, err := sqlite.Open(ctx, filepath.Join(dir, sqlite.File))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	report, err := r.Verify(ctx)
	if err != nil || report.Fault != nil {
		t.Fatalf("the audit log after a kill: %+v, %v", report.Fault, err)
	}
	register := finding.NewRegister(r.Findings(), finding.Options{})
	held := map[string]bool{}
	for q := (finding.Query{Limit: 1000}); ; {
		page, err := register.List(ctx, q)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range page.Findings {
			held["reported "+f.Subject.ID+" "+f.ID] = true
			for _, c := range f.Comments {
				held["noted "+strings.TrimPrefix(c.Text, "note ")+" "+f.ID] = true
			}
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			break
		}
	}
	for _, line := range acknowledged {
		if !held[line] {
			lost = append(lost, line)
		}
	}
	return lost, len(held) - len(acknowledged)
}
