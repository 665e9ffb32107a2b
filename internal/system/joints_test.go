package system

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quaywatch/quaywatch/internal/config"
	"github.com/quaywatch/quaywatch/internal/identity"
)

// reportTo asks for the situation page in the name of an account with one role.
func reportTo(t *testing.T, s *System, role identity.Role) *httptest.ResponseRecorder {
	t.Helper()
	p := s.identity.Principal(identity.Account{Name: "reader", Roles: []identity.Role{role}})
	r := httptest.NewRequestWithContext(identity.With(t.Context(), p), http.MethodGet, "/situation/report", nil)
	w := httptest.NewRecorder()
	(&situationPage{s: s}).ServeHTTP(w, r)
	return w
}

func TestReportSaysWhatTheRoleDoesNotShow(t *testing.T) {
	dir := t.TempDir()
	if err := writeExample(filepath.Join(dir, "port")); err != nil {
		t.Fatal(err)
	}
	cfg, err := demoConfig(DemoOptions{Dir: dir, Listen: config.DefaultListen}, "127.0.0.1:9", "127.0.0.1:9")
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), cfg, Options{Command: "test"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for role, want := range map[identity.Role][]string{
		identity.CSO:         {"Nothing is known to be wrong"},
		identity.VTSOperator: {"Not shown to your role: IT, Physical, Cargo", "not shown to your role"},
		identity.Board:       {"Not shown to your role: IT, OT, Physical, Sea, Cargo", "In numbers: 0 open findings, 0 of them alarms"},
	} {
		w := reportTo(t, s, role)
		text := w.Body.String()
		if w.Code != http.StatusOK || strings.Contains(text, "Nothing is known to be wrong") != (role == identity.CSO) {
			t.Errorf("%s: %d\n%.600s", role, w.Code, text)
		}
		for _, words := range want {
			if !strings.Contains(text, words) {
				t.Errorf("%s: the report lacks %q", role, words)
			}
		}
		// The page links to its stylesheet, so its policy must let that in.
		policy := w.Header().Get("Content-Security-Policy")
		if !strings.Contains(text, `href="?format=css"`) || !strings.Contains(policy, "style-src 'self'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: the policy %q does not fit the page", role, policy)
		}
	}
}
