package storetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quaywatch/quaywatch/internal/store"
)

// testDeclared: revisions follow each other and are kept, of two who act on the
// same one wins, what is withdrawn is told as that, and each stands in the audit log
// with the sum of what was declared.
func testDeclared(t *testing.T, d Database) {
	ctx := context.Background()
	r := open(t, d)
	at := time.Date(2026, 11, 26, 12, 0, 0, 123000, time.UTC)
	first := store.Declared{Kind: "verdict", ID: "b", Time: at, Actor: "cso", Note: "not reachable", Body: []byte(`{"v":1}`)}
	if n := must[int64](t)(r.Declare(ctx, first, 0)); n != 1 {
		t.Errorf("the first revision is %d", n)
	}
	check(t, second(r.Declare(ctx, store.Declared{Kind: "verdict", ID: "a", Time: at, Actor: "cso", Body: []byte("x")}, 0)))
	check(t, second(r.Declare(ctx, store.Declared{Kind: "report", ID: "b", Time: at, Actor: "cso", Body: []byte("y")}, 0)))
	if _, err := r.Declare(ctx, first, 0); !errors.Is(err, store.ErrChanged) {
		t.Errorf("acting on what is no more: %v", err)
	}
	check(t, second(r.Declare(ctx, store.Declared{Kind: "verdict", ID: "b", Time: at.Add(time.Hour), Actor: "cyso", Note: "withdrawn"}, 1)))
	check(t, r.Close())
	r = open(t, d)
	all := must[[]store.Declared](t)(r.Declarations(ctx, "verdict"))
	if len(all) != 2 || all[0].ID != "a" || all[1].ID != "b" || all[1].Revision != 2 || len(all[1].Body) != 0 || all[1].Actor != "cyso" || !all[1].Time.Equal(at.Add(time.Hour)) {
		t.Errorf("the newest: %+v", all)
	}
	past := must[[]store.Declared](t)(r.DeclaredHistory(ctx, "verdict", "b"))
	if len(past) != 2 || !bytes.Equal(past[0].Body, first.Body) || past[0].Note != first.Note || !past[0].Time.Equal(at) {
		t.Errorf("the history: %+v", past)
	}
	entries, err := r.Audit(ctx, store.AuditQuery{Subject: "verdict/b", Limit: 10})
	if err != nil || len(entries) != 2 {
		t.Fatalf("%d entries: %v", len(entries), err)
	}
	text := fmt.Sprint(entries)
	if !strings.Contains(text, fmt.Sprintf("%x", sha256.Sum256(first.Body))) || !strings.Contains(text, "withdraw") {
		t.Errorf("the audit log has %s", text)
	}

	var wins, conflicts int
	var mu sync.Mutex
	var group sync.WaitGroup
	for range 6 {
		group.Go(func() {
			_, err := r.Declare(ctx, store.Declared{Kind: "report", ID: "once", Time: at, Actor: "cso", Body: []byte("z")}, 0)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				wins++
			case errors.Is(err, store.ErrChanged):
				conflicts++
			default:
				t.Errorf("declaring: %v", err)
			}
		})
	}
	group.Wait()
	if wins != 1 || conflicts != 5 {
		t.Errorf("%d won and %d lost", wins, conflicts)
	}
	for _, bad := range []store.Declared{{ID: "x", Actor: "cso"}, {Kind: "verdict", Actor: "cso"}, {Kind: "verdict", ID: "x"},
		{Kind: "verdict", ID: "x", Actor: "cso", Note: strings.Repeat("n", 5000)}, {Kind: "verdict", ID: "x", Actor: "cso", Body: make([]byte, 9<<20)}} {
		if _, err := r.Declare(ctx, bad, 0); err == nil {
			t.Errorf("%s %s was taken", bad.Kind, bad.ID)
		}
	}
}

func second(_ int64, err error) error { return err }
