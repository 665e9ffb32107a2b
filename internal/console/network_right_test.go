package console_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/quaywatch/quaywatch/internal/identity"
)

// TestRegisterWithoutTheNetwork: who may read the port file and not the network
// sees the register alone, and is told so instead of "never seen".
func TestRegisterWithoutTheNetwork(t *testing.T) {
	w := newWorld(t, 0, 0)
	d := depsOf(w)
	d.Allowed = func(_ context.Context, a identity.Action, _ identity.Resource) bool { return a != identity.ViewNetwork }
	all, some := signedIn(newConsole(t, depsOf(w))), signedIn(newConsole(t, d))
	host := d.Network().Hosts[0]
	if body := get(all, "/inventory?seen=strange").Body.String(); !strings.Contains(body, "not in the register") {
		t.Fatal("the made-up port has no unregistered host: the test does not test what it says")
	}
	for _, path := range []string{"/inventory", "/inventory?seen=strange", "/inventory?seen=seen", "/inventory/" + host.Asset} {
		body := get(some, path).Body.String()
		if strings.Contains(body, "◆ not in the register") || strings.Contains(body, "✓ seen") || strings.Contains(body, host.ID) {
			t.Errorf("%s shows the network to a role that may not see it", path)
		}
		if !strings.Contains(body, "not shown to your role") || strings.Contains(body, "never seen") || strings.Contains(body, "Never seen") {
			t.Errorf("%s does not say that the network is not shown", path)
		}
	}
	if got := get(some, "/hosts/"+host.ID).Code; got != http.StatusForbidden && got != http.StatusNotFound {
		t.Errorf("a host answers %d", got)
	}
}

// TestFirstScreenOfTheBoard: who sees reports and no findings begins there.
func TestFirstScreenOfTheBoard(t *testing.T) {
	d := depsOf(newWorld(t, 0, 0))
	d.Allowed = func(_ context.Context, a identity.Action, _ identity.Resource) bool { return a == identity.ViewReports }
	if w := get(signedIn(newConsole(t, d)), "/"); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/situation" {
		t.Errorf("/ answers %d to %q", w.Code, w.Header().Get("Location"))
	}
	d.Allowed = func(context.Context, identity.Action, identity.Resource) bool { return false }
	if w := get(signedIn(newConsole(t, d)), "/"); w.Code != http.StatusForbidden {
		t.Errorf("/ answers %d to somebody without any right", w.Code)
	}
}
