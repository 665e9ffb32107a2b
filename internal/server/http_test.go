package server

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/quaywatch/quaywatch/internal/identity"
)

func TestSecurityHeaders(t *testing.T) {
	f := newFixture(t).accounts()
	for _, path := range []string{"/", "/login", "/assets/app.js", "/api/v1/me", "/api/docs", "/healthz", "/metrics", "/nothing"} {
		h := f.user().get(path).Header
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cross-Origin-Opener-Policy": "same-origin",
			"X-Frame-Options": "DENY", "Strict-Transport-Security": "max-age=63072000",
		} {
			if h.Get(name) != want {
				t.Errorf("%s: %s is %q", path, name, h.Get(name))
			}
		}
		csp := h.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"} {
			if !strings.Contains(csp, want+";") && !strings.HasSuffix(csp, want) {
				t.Errorf("%s: the policy lacks %q", path, want)
			}
		}
		if strings.Contains(csp, "unsafe") || strings.Contains(csp, "*") || strings.Contains(csp, "http") {
			t.Errorf("%s: policy %q", path, csp)
		}
		if path != "/assets/app.js" && h.Get("Cache-Control") == "" {
			t.Errorf("%s may be cached", path)
		}
	}
	plain := newFixture(t, func(d *Deps) { d.Secure = false })
	if got := plain.user().get("/login").Header.Get("Strict-Transport-Security"); got != "" {
		t.Errorf("HSTS without TLS: %q", got)
	}
}

func TestFirstStart(t *testing.T) {
	f := newFixture(t)
	code, err := f.service.SetUpCode(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	u := f.user()
	for _, path := range []string{"/", "/findings", "/login"} {
		if a := u.get(path); a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != PathSetup {
			t.Errorf("%s: %d to %q", path, a.StatusCode, a.Header.Get("Location"))
		}
	}
	fields := []string{"name", "root", "password", password, "repeat", password, "cso", "yes"}
	if a := u.post(PathSetup, append(fields, "code", "wrong")...); a.StatusCode != http.StatusForbidden {
		t.Errorf("wrong code: %d %s", a.StatusCode, a.body)
	}
	if a := u.post(PathSetup, "name", "root", "password", password, "repeat", "other", "code", code); a.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("two passwords: %d", a.StatusCode)
	}
	if a := u.post(PathSetup, append(fields, "code", code)...); a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != "/" {
		t.Fatalf("set-up: %d %s", a.StatusCode, a.body)
	}
	if a := u.get("/"); a.body != `console for "root"` {
		t.Errorf("after set-up: %s", a.body)
	}
	if a := f.user().get(PathSetup); a.Header.Get("Location") != PathLogin {
		t.Errorf("set-up is offered again: %d %s", a.StatusCode, a.body)
	}
	if a := f.user().post(PathSetup, append(fields, "code", code)...); a.Header.Get("Location") != PathLogin {
		t.Errorf("set-up works again: %d %s", a.StatusCode, a.body)
	}
}

func TestLoginAndLogout(t *testing.T) {
	f := newFixture(t).accounts()
	u := f.user()
	if a := u.get("/findings?state=active"); a.Header.Get("Location") != "/login?next=%2Ffindings%3Fstate%3Dactive" {
		t.Errorf("to %q", a.Header.Get("Location"))
	}
	a := u.get("/parts/list", "HX-Request", "true")
	if a.StatusCode != http.StatusUnauthorized || a.Header.Get("HX-Redirect") != PathLogin {
		t.Errorf("part of a page: %d to %q", a.StatusCode, a.Header.Get("HX-Redirect"))
	}
	if a := u.post(PathLogin, "name", "cso", "password", "wrong", "next", "/findings"); a.StatusCode != http.StatusUnauthorized || !strings.Contains(a.body, `next="/findings"`) || strings.Contains(a.body, "wrong") {
		t.Errorf("wrong password: %d %s", a.StatusCode, a.body)
	}
	if a := u.post(PathLogin, "name", "cso", "password", password, "next", "/findings"); a.Header.Get("Location") != "/findings" {
		t.Fatalf("login: %d %s", a.StatusCode, a.body)
	}
	if a := u.get("/"); a.body != `console for "cso"` {
		t.Errorf("page: %s", a.body)
	}
	if a := u.get("/api/v1/me"); a.StatusCode != http.StatusOK {
		t.Errorf("API by session: %d", a.StatusCode)
	}
	problemOf(t, u.get("/api/v1/me", "Authorization", "Bearer qw_wrong"), http.StatusUnauthorized)
	old := *u.cookies["__Host-quaywatch"]
	if a := u.post(PathLogout); a.Header.Get("Location") != PathLogin+"?notice=out" {
		t.Errorf("logout: %d %s", a.StatusCode, a.body)
	}
	u.cookies[old.Name] = &old
	problemOf(t, u.get("/api/v1/me"), http.StatusUnauthorized)
	if u.post(PathLogout).StatusCode != http.StatusSeeOther {
		t.Error("logout without a session fails")
	}
}

func TestLinkFromElsewhereAsksAgain(t *testing.T) {
	f := newFixture(t).accounts()
	a := f.user().get("/findings/F-1", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document")
	if a.StatusCode != http.StatusOK || !strings.Contains(a.body, `http-equiv="refresh"`) || strings.Contains(a.body, "console") {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	if a := f.user().get("/findings/F-1", "Sec-Fetch-Site", "same-origin"); a.StatusCode != http.StatusSeeOther {
		t.Errorf("asks for ever: %d", a.StatusCode)
	}
}

func TestMustChangePassword(t *testing.T) {
	f := newFixture(t).accounts()
	if _, err := f.service.SetPassword(t.Context(), "administrator", "cso", "slow tide under iron sky"); err != nil {
		t.Fatal(err)
	}
	u := f.user()
	if a := u.post(PathLogin, "name", "cso", "password", "slow tide under iron sky", "next", "/findings"); a.Header.Get("Location") != PathPassword {
		t.Fatalf("login: %d to %q", a.StatusCode, a.Header.Get("Location"))
	}
	if a := u.get("/"); a.Header.Get("Location") != PathPassword {
		t.Errorf("page: %d %s", a.StatusCode, a.body)
	}
	problemOf(t, u.get("/api/v1/me"), http.StatusForbidden)
	if a := u.get(PathPassword); !strings.Contains(a.body, "must=true") {
		t.Errorf("page: %s", a.body)
	}
	change := func(current, next, repeat string) answer {
		return u.post(PathPassword, "current", current, "password", next, "repeat", repeat)
	}
	if a := change("wrong", password, password); a.StatusCode != http.StatusForbidden {
		t.Errorf("wrong current password: %d %s", a.StatusCode, a.body)
	}
	if a := change("slow tide under iron sky", "short", "short"); a.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(a.body, "at least 12") {
		t.Errorf("short: %d %s", a.StatusCode, a.body)
	}
	if a := change("slow tide under iron sky", password, password); a.StatusCode != http.StatusSeeOther {
		t.Fatalf("change: %d %s", a.StatusCode, a.body)
	}
	if a := u.get("/"); a.body != `console for "cso"` {
		t.Errorf("after the change: %s", a.body)
	}
}

func TestLoginIsThrottled(t *testing.T) {
	f := newFixture(t).accounts()
	for _, name := range []string{"cso", "nobody"} {
		u, seen := f.user(), 0
		for range 5 {
			a := u.post(PathLogin, "name", name, "password", "wrong")
			if a.StatusCode == http.StatusTooManyRequests {
				seen++
				if a.Header.Get("Retry-After") == "" || !strings.Contains(a.body, "Wait") {
					t.Errorf("%s: %v %s", name, a.Header, a.body)
				}
			}
		}
		if seen != 2 {
			t.Errorf("%s: %d of 5 tries were put off, want 2", name, seen)
		}
	}
}

func TestUnsafeRequestsOfOtherSitesAreRefused(t *testing.T) {
	f := newFixture(t, func(d *Deps) { d.Origins = []string{"https://port.example"} }).accounts()
	u := f.user()
	u.post(PathLogin, "name", "cso", "password", password)
	send := func(path string, header ...string) answer {
		r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(`{"action":"acknowledge"}`))
		r.Header.Set("Content-Type", "application/json")
		for i := 0; i+1 < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		return u.send(r)
	}
	for name, header := range map[string][]string{
		"cross-site":    {"Sec-Fetch-Site", "cross-site"},
		"same-site":     {"Sec-Fetch-Site", "same-site"},
		"other origin":  {"Origin", "https://evil.example"},
		"null origin":   {"Origin", "null"},
		"trusted twin":  {"Origin", "https://port.example.evil.example"},
		"other scheme":  {"Origin", "http://port.example"},
		"trusted other": {"Sec-Fetch-Site", "cross-site", "Origin", "https://port.example:8443"},
	} {
		t.Run(name, func(t *testing.T) {
			problemOf(t, send("/api/v1/findings/F-1/actions", header...), http.StatusForbidden)
			if a := send(PathLogout, header...); a.StatusCode != http.StatusForbidden {
				t.Errorf("logout: %d", a.StatusCode)
			}
		})
	}
	if len(f.desk.acts) != 0 {
		t.Fatal("an action was done")
	}
	for name, header := range map[string][]string{"same origin": {"Sec-Fetch-Site", "same-origin"}, "trusted": {"Sec-Fetch-Site", "cross-site", "Origin", "https://port.example"}} {
		if a := send("/api/v1/findings/F-1/actions", header...); a.StatusCode != http.StatusOK {
			t.Errorf("%s: %d %s", name, a.StatusCode, a.body)
		}
	}
}

func TestPanicBecomesAProblem(t *testing.T) {
	var log strings.Builder
	f := newFixture(t, func(d *Deps) {
		d.Console = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("the secret of the pages") })
		d.Log = slog.New(slog.NewTextHandler(&log, nil))
	}).accounts()
	u := f.user()
	u.post(PathLogin, "name", "cso", "password", password)
	a := u.get("/findings?token=qw_secret")
	id := a.Header.Get("Request-Id")
	if a.StatusCode != http.StatusInternalServerError || !strings.Contains(a.body, id) || strings.Contains(a.body, "secret") {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	if !strings.Contains(log.String(), id) || !strings.Contains(log.String(), "the secret of the pages") {
		t.Errorf("the log lacks the reason: %s", log.String())
	}
}

func TestLogHoldsNoSecrets(t *testing.T) {
	var log strings.Builder
	f := newFixture(t, func(d *Deps) {
		d.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}).accounts()
	u := f.user()
	u.post(PathLogin, "name", "cso", "password", password)
	u.get("/findings?token=" + f.tokens[identity.CSO])
	f.api(identity.CSO, http.MethodGet, "/api/v1/me?x="+f.tokens[identity.CSO], "")
	for _, secret := range []string{password, f.tokens[identity.CSO], u.cookies["__Host-quaywatch"].Value} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log holds a secret: %s", log.String())
		}
	}
	if !strings.Contains(log.String(), "account=cso") {
		t.Errorf("the log lacks who: %s", log.String())
	}
}

func TestHealth(t *testing.T) {
	broken := errors.New("disk is full")
	var state error
	f := newFixture(t, func(d *Deps) { d.Ready = []Check{{"records", func(context.Context) error { return state }}} })
	if a := f.user().get("/healthz"); a.StatusCode != http.StatusOK || a.body != "ok\n" {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	state = broken
	a := f.user().get("/healthz")
	problemOf(t, a, http.StatusServiceUnavailable)
	if strings.Contains(a.body, "disk") {
		t.Errorf("everybody reads %s", a.body)
	}
}

func TestMetrics(t *testing.T) {
	registry := prometheus.NewRegistry()
	f := newFixture(t, func(d *Deps) { d.Metrics, d.PublicMetrics = registry, true }).accounts()
	registry.MustRegister(f.server.Collectors()...)
	f.user().post(PathLogin, "name", "cso", "password", "wrong")
	get := func(remote, host, token string) answer {
		r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
		r.RemoteAddr, r.Host = remote, host
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		return f.do(r)
	}
	if a := get("127.0.0.1:4000", "localhost:8642", ""); a.StatusCode != http.StatusOK || !strings.Contains(a.body, `quaywatch_logins_total{outcome="refused"} 1`) {
		t.Errorf("loopback: %d %s", a.StatusCode, a.body)
	}
	problemOf(t, get("192.0.2.1:4000", "localhost:8642", ""), http.StatusUnauthorized)
	problemOf(t, get("127.0.0.1:4000", "rebound.example:8642", ""), http.StatusUnauthorized)
	problemOf(t, get("192.0.2.1:4000", "port.example", f.tokens[identity.CSO]), http.StatusForbidden)
	if a := get("192.0.2.1:4000", "port.example", f.tokens[identity.Administrator]); a.StatusCode != http.StatusOK {
		t.Errorf("administrator: %d", a.StatusCode)
	}
}

func TestClientAddress(t *testing.T) {
	for _, tc := range []struct{ header, remote, forwarded, want string }{
		{"", "192.0.2.1:4000", "203.0.113.9", "192.0.2.1"},
		{"X-Forwarded-For", "192.0.2.1:4000", "203.0.113.9", "192.0.2.1"}, // not a proxy of ours
		{"X-Forwarded-For", "127.0.0.1:4000", "203.0.113.9", "203.0.113.9"},
		{"X-Forwarded-For", "127.0.0.1:4000", "10.9.9.9, 203.0.113.9", "203.0.113.9"}, // the first was sent by the client
		{"X-Forwarded-For", "127.0.0.1:4000", "nonsense", "127.0.0.1"},
		{"X-Forwarded-For", "[::1]:4000", "2001:db8::1", "2001:db8::1"},
	} {
		s := &Server{deps: Deps{ProxyHeader: tc.header}}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = tc.remote
		r.Header.Set("X-Forwarded-For", tc.forwarded)
		if got := s.clientAddress(r); got != tc.want {
			t.Errorf("%+v: got %s", tc, got)
		}
	}
}

func TestSafeNext(t *testing.T) {
	for next, want := range map[string]string{
		"/findings?state=active#x": "/findings?state=active#x", "": "/", "findings": "/", "//evil.example": "/", `/\evil.example`: "/",
		"https://evil.example/": "/", "javascript:alert(1)": "/", "/login": "/", "/logout?x": "/", "/a\r\nSet-Cookie: x": "/", "/%zz": "/",
		"/" + strings.Repeat("a", 3000): "/",
	} {
		if got := safeNext(next); got != want {
			t.Errorf("%q: got %q, want %q", next, got, want)
		}
	}
}

func TestMissingDeps(t *testing.T) {
	_, err := New(Deps{})
	if err == nil || !strings.Contains(err.Error(), "Deps.Identity") || !strings.Contains(err.Error(), "Deps.Pages") {
		t.Errorf("error %v", err)
	}
}
