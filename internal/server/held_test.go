package server

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quaywatch/quaywatch/internal/identity"
)

// endless is a page that streams until its request ends, as the live link of
// the console does; ended is closed when it did.
func endless(ended chan<- struct{}) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "retry: 1\n\n")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		close(ended)
	})
}

func TestOpenPageDoesNotHoldTheServerUp(t *testing.T) {
	ended := make(chan struct{})
	f := newFixture(t, func(d *Deps) { d.Console = endless(ended) }).accounts()
	u := f.user()
	u.post(PathLogin, "name", "cso", "password", password)
	address, client, stop := f.live()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address+"/live", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range u.cookies {
		r.AddCookie(c)
	}
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if _, err := io.ReadFull(res.Body, make([]byte, 5)); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %v", res.Status, err)
	}
	began := time.Now()
	if err := stop(); err != nil {
		t.Errorf("the end of the server: %v", err)
	}
	if took := time.Since(began); took > shutdownWait/2 {
		t.Errorf("an open page held the server up for %s", took)
	}
	<-ended
}

func TestOpenPageEndsWithTheRights(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan struct{})
		f := newFixture(t, func(d *Deps) { d.Console = endless(ended) }).accounts()
		a, err := f.service.Account(t.Context(), "analyst")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		p := f.service.Principal(a)
		p.Token = "none" // as a token that is not there: the first heartbeat finds it gone
		began := time.Now()
		r := httptest.NewRequestWithContext(identity.With(ctx, p), http.MethodGet, "/live", nil)
		f.server.heldOpen(endless(ended)).ServeHTTP(httptest.NewRecorder(), r)
		<-ended
		if took := time.Since(began); took != heartbeat {
			t.Errorf("ended after %s, want the first heartbeat at %s", took, heartbeat)
		}
	})
}

func TestOpenPagesOfOneAccountAreBounded(t *testing.T) {
	f := newFixture(t).accounts()
	for range maxAccountStreams {
		f.server.events.enter("cso")
	}
	u := f.user()
	u.post(PathLogin, "name", "cso", "password", password)
	if a := u.get("/live"); a.StatusCode != http.StatusServiceUnavailable || a.Header.Get("Retry-After") == "" {
		t.Errorf("%d %v", a.StatusCode, a.Header)
	}
}
