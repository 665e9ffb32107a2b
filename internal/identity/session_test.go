package identity_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quaywatch/quaywatch/internal/identity"
	"github.com/quaywatch/quaywatch/internal/identity/identitytest"
)

// browser sends requests with the cookies that it was given.
type browser struct {
	t       *testing.T
	handler http.Handler
	cookie  *http.Cookie
}

func (b *browser) get(path string) int {
	b.t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	if b.cookie != nil {
		r.AddCookie(b.cookie)
	}
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		b.cookie = c
		if c.MaxAge < 0 {
			b.cookie = nil
		}
	}
	return w.Code
}

func newBrowser(t *testing.T, secure bool) (*browser, *identity.Service) {
	t.Helper()
	s, err := identity.New(identity.Options{Store: &identitytest.Memory{}, Params: identitytest.Cheap})
	if err != nil {
		t.Fatal(err)
	}
	jane := create(t, s, "jane", identity.Analyst)
	sessions := s.Sessions(secure, func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusInternalServerError) })
	mux := http.NewServeMux()
	mux.HandleFunc("/begin", func(_ http.ResponseWriter, r *http.Request) {
		if err := sessions.Begin(r.Context(), jane); err != nil {
			t.Error(err)
		}
	})
	mux.HandleFunc("/end", func(_ http.ResponseWriter, r *http.Request) {
		if err := sessions.End(r.Context()); err != nil {
			t.Error(err)
		}
	})
	mux.HandleFunc("/touch", func(w http.ResponseWriter, r *http.Request) {
		if alive, err := sessions.Touch(r.Context()); !alive || err != nil {
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if _, err := sessions.Principal(r.Context()); err != nil {
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	handler := sessions.Load(mux)
	mux.HandleFunc("/during", func(_ http.ResponseWriter, r *http.Request) {
		out := httptest.NewRequest(http.MethodGet, "/end", nil)
		out.Header.Set("Cookie", r.Header.Get("Cookie"))
		handler.ServeHTTP(httptest.NewRecorder(), out)
	})
	return &browser{t: t, handler: handler}, s
}

func TestSessionCookie(t *testing.T) {
	for secure, name := range map[bool]string{true: "__Host-quaywatch", false: "quaywatch"} {
		b, _ := newBrowser(t, secure)
		b.get("/begin")
		c := b.cookie
		if c == nil || c.Name != name || c.Secure != secure || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Domain != "" || c.MaxAge != 0 {
			t.Errorf("secure %t: cookie %+v", secure, c)
		}
	}
}

func TestSessionIsRenewedOnLogin(t *testing.T) {
	b, _ := newBrowser(t, true)
	b.get("/begin")
	before := b.cookie
	b.get("/begin")
	if b.cookie.Value == before.Value {
		t.Error("the key is the same after a second login")
	}
	b.cookie = before
	if code := b.get("/"); code != http.StatusUnauthorized {
		t.Errorf("the key from before the login answers %d", code)
	}
}

func TestSessionEndsWhenIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _ := newBrowser(t, true)
		b.get("/begin")
		for range 6 { // three hours of work, and a live page that stays open
			time.Sleep(15 * time.Minute)
			if code := b.get("/"); code != http.StatusOK {
				t.Fatalf("an active session answers %d", code)
			}
			time.Sleep(identity.SessionIdle - 2*time.Minute)
			if code := b.get("/touch"); code != http.StatusOK {
				t.Fatalf("a live page answers %d", code)
			}
		}
		time.Sleep(identity.SessionIdle + time.Second)
		if code := b.get("/"); code != http.StatusUnauthorized {
			t.Errorf("an idle session answers %d", code)
		}
	})
}

func TestSessionEndsAtItsLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _ := newBrowser(t, true)
		b.get("/begin")
		for range 12*4 - 1 {
			time.Sleep(15 * time.Minute)
			if code := b.get("/touch"); code != http.StatusOK {
				t.Fatalf("answers %d before its end", code)
			}
		}
		time.Sleep(15*time.Minute + time.Second)
		for _, path := range []string{"/", "/touch"} {
			if code := b.get(path); code != http.StatusUnauthorized {
				t.Errorf("%s answers %d after twelve hours", path, code)
			}
		}
	})
}

// TestLogoutIsFinal: a slower request of the same browser, which read its
// session before the logout, is answered after it and would save it again.
func TestLogoutIsFinal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _ := newBrowser(t, true)
		b.get("/begin")
		stolen := *b.cookie
		time.Sleep(10 * time.Minute) // so that a save is due
		slow := &browser{t: t, handler: b.handler, cookie: &stolen}
		slow.get("/during") // another request logs out while this one is answered
		again := &browser{t: t, handler: b.handler, cookie: &stolen}
		if code := again.get("/"); code != http.StatusUnauthorized {
			t.Errorf("after the logout the session answers %d", code)
		}
	})
}

func TestSessionOfChangedAccountEnds(t *testing.T) {
	b, s := newBrowser(t, true)
	b.get("/begin")
	if _, err := s.UpdateAccount(t.Context(), "cli", "jane", 0, identity.AccountChange{Disabled: ptr(true)}); err != nil {
		t.Fatal(err)
	}
	if code := b.get("/"); code != http.StatusUnauthorized {
		t.Errorf("the session of a disabled account answers %d", code)
	}
	if b.cookie != nil {
		t.Error("the cookie stays")
	}
}
