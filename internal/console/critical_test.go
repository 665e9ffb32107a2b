package console_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/quaywatch/quaywatch/internal/identity"
	"github.com/quaywatch/quaywatch/internal/risk"
)

// TestCriticalPage: what hangs on a thing, an hour, a day and a week without it, who
// gets at it, its weaknesses, what was tried and what it costs, each with what is not
// known said.
func TestCriticalPage(t *testing.T) {
	w := newWorld(t, 0, 0)
	d := depsOf(w)
	d.Risk = func() risk.Standing {
		s := w.Risk()
		f := *s.Declared
		f.Exercises = []risk.Exercise{{ID: "r", Date: "2026-09-14", Kind: "restore", Name: "Restore of the TOS", Of: []string{"tos-service"}, Hours: 31, Result: "partly", Evidence: "log <1>"}}
		s.Declared = &f
		return s
	}
	h := signedIn(newConsole(t, d))
	if body := get(h, "/critical/tos-service").Body.String(); strings.Contains(body, `href="/critical/tos-service"`) {
		t.Error("a service hangs on itself")
	}
	for path, want := range map[string][]string{
		"/critical/tos-service": {"an hour", "a day", "a week", "Truck gate", "tos-db-1", "from mail and web pages", "ICSA-26-001-01", "took 31 h", "objective missed", "log &lt;1&gt;", "The terminal operating system fails by itself", "EUR a year"},
		"/critical/plc-asc-04":  {"Automated yard", "ICSA-26-001-01", "No restore, drill or exercise of it is on record"},
	} {
		r := get(h, path)
		if r.Code != http.StatusOK {
			t.Fatalf("%s: %d", path, r.Code)
		}
		for _, text := range want {
			if !strings.Contains(r.Body.String(), text) {
				t.Errorf("%s does not say %q", path, text)
			}
		}
	}
	if r := get(h, "/critical/nothing"); r.Code != http.StatusNotFound {
		t.Errorf("what is not there: %d", r.Code)
	}
	d.Allowed = func(_ context.Context, a identity.Action, _ identity.Resource) bool { return a == identity.ViewReports }
	body := get(signedIn(newConsole(t, d)), "/critical/tos-service").Body.String()
	for _, secret := range []string{"ICSA-26-001-01", "tos-db-1", "from mail"} {
		if strings.Contains(body, secret) {
			t.Errorf("a reader of reports sees %q", secret)
		}
	}
	d = depsOf(w)
	d.Risk, d.Graph, d.Weak = nil, nil, nil
	body = get(signedIn(newConsole(t, d)), "/critical/tos-service").Body.String()
	for _, text := range []string{"not the same as none", "The attack graph was not asked", "No notices are loaded: nothing is known"} {
		if !strings.Contains(body, text) {
			t.Errorf("without risk, graph and notices the page does not say %q", text)
		}
	}
}
