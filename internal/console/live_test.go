package console

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quaywatch/quaywatch/internal/console/consoletest"
	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/port"
)

func liveOf(t *testing.T) (*live, *consoletest.World) {
	t.Helper()
	w, err := consoletest.New(0, 0)
	if err != nil {
		t.Fatal(err)
	}
	return newLive(Deps{Port: func() *port.Port { return w.Port }, Desk: w.Desk, Vessels: w.Vessels, Network: w.Network, Physical: w.Physical, Health: w.Health, Now: w.Now}), w
}

// TestLiveCoalesces: a thousand changes in a moment cost a page one update.
func TestLiveCoalesces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, w := liveOf(t)
		ctx, leave := context.WithCancel(t.Context())
		rec := httptest.NewRecorder()
		done := make(chan bool)
		go func() {
			l.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/live", nil).WithContext(ctx))
			close(done)
		}()
		synctest.Wait()
		for range 1000 {
			_, _ = w.Desk.Act(ctx, finding.ID("health.silent", finding.Subject{Kind: "source", ID: "camera-vms"}), finding.Action{Kind: finding.Note, Text: "x"})
		}
		w.Advance(time.Second)
		time.Sleep(3500 * time.Millisecond)
		synctest.Wait()
		leave()
		<-done
		body := rec.Body.String()
		if n := strings.Count(body, "event: findings"); n != 1 {
			t.Errorf("%d updates of findings, want 1", n)
		}
		if n := strings.Count(body, "event: vessels"); n != 1 {
			t.Errorf("%d updates of vessels, want 1", n)
		}
		if !strings.HasPrefix(body, "retry: 2000\n\nevent: tick\ndata: 17") {
			t.Errorf("the stream begins with %q", body[:min(len(body), 60)])
		}
		synctest.Wait()
		if n := w.Desk.Listeners(); n != 0 {
			t.Errorf("%d subscriptions stand after the last page left", n)
		}
	})
}

// TestLiveTellsAlarmsSoon: an alarm is told a tenth of a second after it was
// raised, and one that comes soon after another within half a second.
func TestLiveTellsAlarmsSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, w := liveOf(t)
		ch, _ := l.join()
		defer l.leave(ch)
		synctest.Wait()
		alarm := func(wait time.Duration) {
			t.Helper()
			_, _ = w.Desk.Act(t.Context(), finding.ID("health.silent", finding.Subject{Kind: "source", ID: "camera-vms"}), finding.Action{Kind: finding.Note, Text: "x"})
			began := time.Now()
			for m := range ch {
				if strings.HasPrefix(m, "event: findings") {
					break
				}
			}
			if took := time.Since(began); took != wait {
				t.Errorf("told after %s, want %s", took, wait)
			}
		}
		alarm(alarmGather)
		time.Sleep(50 * time.Millisecond)
		alarm(alarmPace - 50*time.Millisecond)
		time.Sleep(time.Minute)
		alarm(alarmGather)
	})
}

// TestLiveTicks: a quiet port still says that the link stands.
func TestLiveTicks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := liveOf(t)
		ctx, leave := context.WithTimeout(t.Context(), 21*time.Second)
		defer leave()
		rec := httptest.NewRecorder()
		l.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/live", nil).WithContext(ctx))
		if n := strings.Count(rec.Body.String(), "event: tick"); n < 4 || n > 6 {
			t.Errorf("%d ticks in 21 s, want about one in five seconds", n)
		}
		if strings.Contains(rec.Body.String(), "event: findings") {
			t.Error("nothing changed and a change was told")
		}
	})
}

// TestLiveTellsWhatWasMissed: a change between the drawing of a page and its
// link, or while the link was down, is told when the link stands.
func TestLiveTellsWhatWasMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, w := liveOf(t)
		var drawn marks
		drawn.changed(l.d)
		told := func(token string) string {
			ctx, leave := context.WithTimeout(t.Context(), 500*time.Millisecond)
			defer leave()
			rec := httptest.NewRecorder()
			l.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/live?since="+token, nil).WithContext(ctx))
			synctest.Wait()
			return rec.Body.String()
		}
		if body := told(drawn.token()); strings.Contains(body, "event: vessels") || strings.Contains(body, "event: network") {
			t.Errorf("nothing moved, told %q", body)
		}
		w.Advance(time.Second)
		if body := told(drawn.token()); !strings.Contains(body, "event: vessels") || !strings.Contains(body, "event: findings") {
			t.Errorf("the ships moved before the link stood, told %q", body)
		}
		if body := told("rubbish"); !strings.Contains(body, "event: vessels") || !strings.Contains(body, "event: network") {
			t.Errorf("of an unknown age everything is told, got %q", body)
		}
	})
}

// TestLiveBound: more pages than the bound are told to come back.
func TestLiveBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := liveOf(t)
		var all []chan string
		for range liveClients {
			ch, ok := l.join()
			if !ok {
				t.Fatal("refused below the bound")
			}
			all = append(all, ch)
		}
		rec := httptest.NewRecorder()
		l.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/live", nil))
		if rec.Code != 503 || rec.Header().Get("Retry-After") == "" {
			t.Errorf("status %d", rec.Code)
		}
		for _, ch := range all {
			l.leave(ch)
		}
	})
}
