package console_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quaywatch/quaywatch/internal/console"
	"github.com/quaywatch/quaywatch/internal/console/consoletest"
	"github.com/quaywatch/quaywatch/internal/identity"
	"github.com/quaywatch/quaywatch/internal/report"
)

// archive keeps reports in memory, newest first: at the beginning a signed one.
type archive struct {
	w    *consoletest.World
	mu   sync.Mutex
	kept []report.KeptBoard
}

func newArchive(w *consoletest.World) *archive {
	a := &archive{w: w}
	a.put("2026-10", w.Now().AddDate(0, -1, 0), "system")
	k := &a.kept[0]
	k.Signed, k.Revision = &report.Signature{Name: "Ana Duarte", Account: "cso", Time: k.Made.Add(time.Hour), Sum: k.Sum}, 2
	return a
}

func (a *archive) made(at time.Time) *report.Board {
	in := report.BoardInput{Port: a.w.Port, AsOf: at, Standing: a.w.Risk()}
	if len(a.kept) > 0 {
		in.Last = a.kept[len(a.kept)-1].Board
	}
	return report.NewBoard(&in)
}

func (a *archive) put(id string, at time.Time, by string) {
	b := a.made(at)
	data, err := b.JSON()
	if err != nil {
		panic(err)
	}
	a.kept = append([]report.KeptBoard{{ID: id, Revision: 1, Made: at, By: by, Board: b, Data: data, Sum: report.Sum(data)}}, a.kept...)
}

func (a *archive) Draft(context.Context) (*report.Board, error) { return a.made(a.w.Now()), nil }

func (a *archive) Kept(context.Context) ([]report.KeptBoard, error) { return a.kept, nil }

func (a *archive) Get(_ context.Context, id string) (report.KeptBoard, error) {
	for _, k := range a.kept {
		if k.ID == id {
			return k, nil
		}
	}
	return report.KeptBoard{}, console.ErrNoBoard
}

func (a *archive) Keep(_ context.Context, actor string) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.put("draft-1", a.w.Now(), actor)
	return "draft-1", nil
}

func (a *archive) Sign(_ context.Context, id, sum, account, name string) error {
	for i := range a.kept {
		if k := &a.kept[i]; k.ID == id {
			if k.Signed != nil || k.Sum != sum {
				return console.ErrBoardChanged
			}
			k.Signed = &report.Signature{Name: name, Account: account, Time: a.w.Now(), Sum: sum}
			return nil
		}
	}
	return console.ErrNoBoard
}

// TestBoardPage: the draft of now, keeping it, signing what was read, and the files.
func TestBoardPage(t *testing.T) {
	w := newWorld(t, 0, 0)
	d := depsOf(w)
	h := signedIn(newConsole(t, d))
	body := get(h, "/board").Body.String()
	for _, want := range []string{"Decisions asked", "compared with", `class="draft-mark"`, "Keep this as a draft", "2026-10", "made for this moment", `class="losses"`} {
		if !strings.Contains(body, want) {
			t.Errorf("the page of now does not say %q", want)
		}
	}
	if old := get(h, "/board/2026-10").Body.String(); strings.Contains(old, `class="draft-mark"`) || !strings.Contains(old, "Signed by <b>Ana Duarte</b>") || strings.Contains(old, "I have read this report") {
		t.Error("the signed report is marked as a draft, or can be signed again")
	}
	if r := post(h, "/board/now", nil); r.Code != http.StatusSeeOther || r.Header().Get("Location") != "/board/draft-1" {
		t.Fatalf("keeping: %d %s", r.Code, r.Header())
	}
	kept, err := d.Boards.Get(t.Context(), "draft-1")
	if err != nil {
		t.Fatal(err)
	}
	if body := get(h, "/board/draft-1").Body.String(); !strings.Contains(body, kept.Sum) || !strings.Contains(body, "I have read this report") {
		t.Error("the draft can't be signed")
	}
	for name, c := range map[string]struct {
		form url.Values
		code int
	}{"not read": {url.Values{"sum": {kept.Sum}}, http.StatusUnprocessableEntity}, "another report": {url.Values{"sum": {"00"}, "read": {"yes"}}, http.StatusConflict}} {
		if r := post(h, "/board/draft-1", c.form); r.Code != c.code {
			t.Errorf("%s: %d, want %d", name, r.Code, c.code)
		}
	}
	yes := url.Values{"sum": {kept.Sum}, "read": {"yes"}}
	if r := post(h, "/board/draft-1", yes); r.Code != http.StatusSeeOther {
		t.Errorf("signing: %d %s", r.Code, r.Body)
	}
	if r := post(h, "/board/draft-1", yes); r.Code != http.StatusConflict {
		t.Errorf("signing twice: %d", r.Code)
	}
	if r := post(h, "/board/nothing", yes); r.Code != http.StatusNotFound {
		t.Errorf("signing what is not there: %d", r.Code)
	}
	if r := get(h, "/board/draft-1/report.json"); r.Code != http.StatusOK || report.Sum(r.Body.Bytes()) != kept.Sum {
		t.Errorf("the data: %d, not what was signed", r.Code)
	}
	if r := get(h, "/board/draft-1/report.html"); r.Code != http.StatusOK || !strings.Contains(r.Body.String(), "SHA-256 of the data of this report: <code>"+kept.Sum) {
		t.Errorf("the file: %d", r.Code)
	}
	for _, path := range []string{"/board/nothing", "/board/nothing/report.pdf", "/board/now/report.exe"} {
		if r := get(h, path); r.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, r.Code)
		}
	}
}

// TestBoardRights: who may only look neither keeps nor signs.
func TestBoardRights(t *testing.T) {
	d := depsOf(newWorld(t, 0, 0))
	d.Allowed = func(_ context.Context, a identity.Action, _ identity.Resource) bool { return a == identity.ViewReports }
	h := signedIn(newConsole(t, d))
	if body := get(h, "/board").Body.String(); strings.Contains(body, "Keep this as a draft") || !strings.Contains(body, "right to sign reports") {
		t.Error("a reader is offered to keep")
	}
	for _, path := range []string{"/board/now", "/board/2026-10"} {
		if r := post(h, path, url.Values{"read": {"yes"}}); r.Code != http.StatusForbidden {
			t.Errorf("%s by a reader: %d", path, r.Code)
		}
	}
	if kept, err := d.Boards.Kept(t.Context()); err != nil || len(kept) != 1 {
		t.Errorf("%d reports: %v", len(kept), err)
	}
	d.Boards = nil
	if body := get(signedIn(newConsole(t, d)), "/board").Body.String(); !strings.Contains(body, "No reports here") {
		t.Error("without an archive nothing is said")
	}
}

// TestNoSourceShows: no page prints a call that its template should have made.
func TestNoSourceShows(t *testing.T) {
	w := newWorld(t, 0, 0)
	d := depsOf(w)
	d.Paper = func() report.PaperState {
		return report.PaperState{Configured: true, Every: time.Hour, Printed: w.Now(), Taken: w.Now()}
	}
	h := signedIn(newConsole(t, d))
	for _, path := range pagePaths {
		body := get(h, path).Body.String()
		for _, call := range []string{"@at(", "@age(", "@shapeMark(", "{ v.", "v.Now"} {
			if strings.Contains(body, call) {
				t.Errorf("%s shows %q", path, call)
			}
		}
	}
}
