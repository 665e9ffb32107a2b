package system

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/store/sqlite"
)

// Notices stay in the records for two hours after they were carried; each must
// reach the stream once all the same, also across a failure and a restart.
func TestEveryNoticeIsCarriedOnce(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	path := filepath.Join(t.TempDir(), "records.db")
	records, err := sqlite.Open(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	const n = 2*outboxPage + 7
	var occs []finding.Occurrence
	for i := range n {
		occs = append(occs, finding.Occurrence{Rule: "test.rule", Subject: finding.Subject{Kind: "host", ID: fmt.Sprint(i)},
			Grade: finding.Likely, Severity: finding.Warning, Time: time.Now().UTC()})
	}
	if _, err := finding.NewRegister(records.Findings(), finding.Options{}).Report(ctx, "", 0, occs); err != nil {
		t.Fatal(err)
	}
	told := map[string]int{}
	broken := errors.New("the stream is away")
	left := outboxPage + 3
	tell := func(_ context.Context, id string, _ []byte) error {
		if left--; left < 0 {
			return broken
		}
		told[id]++
		return nil
	}
	if err := carry(ctx, records, tell); !errors.Is(err, broken) {
		t.Fatalf("a stream that is away gave %v", err)
	}
	if err := records.Close(); err != nil {
		t.Fatal(err)
	}
	if records, err = sqlite.Open(ctx, path); err != nil {
		t.Fatal(err)
	}
	defer records.Close()
	for range 3 {
		left = n
		if err := carry(ctx, records, tell); err != nil {
			t.Fatal(err)
		}
	}
	again := 0
	for _, times := range told {
		again += times - 1
	}
	if len(told) != n || again != 3 { // the three of the page that broke, under the same ids
		t.Errorf("%d of %d notices were carried, %d of them again", len(told), n, again)
	}
}
