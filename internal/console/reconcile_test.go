package console_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/quaywatch/quaywatch/internal/console"
	"github.com/quaywatch/quaywatch/internal/identity"
)

// decisions keeps decisions on devices in memory.
type decisions struct {
	all  map[string]console.Reconciled
	diff string
}

func newDecisions() *decisions { return &decisions{all: map[string]console.Reconciled{}} }

func (d *decisions) Decisions(context.Context) (map[string]console.Reconciled, error) {
	return d.all, nil
}

func (d *decisions) Reconcile(_ context.Context, r console.Reconciled, actor string, revision int64) error {
	if d.all[r.ID].Revision != revision {
		return console.ErrDecided
	}
	r.Revision, r.By = revision+1, actor
	d.all[r.ID] = r
	return nil
}

func (d *decisions) Undo(_ context.Context, id, _ string, revision int64) error {
	if d.all[id].Revision != revision {
		return console.ErrDecided
	}
	delete(d.all, id)
	return nil
}

func (d *decisions) Patch(context.Context) ([]byte, []string, error) {
	return []byte(d.diff), []string{"set it by hand"}, nil
}

// TestReconcile: a strange device is adopted, merged or called rogue, what a device
// says of itself is taken, each with what it needs, and undone again.
func TestReconcile(t *testing.T) {
	d := depsOf(newWorld(t, 0, 0))
	kept := newDecisions()
	kept.diff = "--- a/x\n+++ b/<x>\n"
	d.Reconcile = kept
	h := signedIn(newConsole(t, d))
	const path, strange = "/inventory/reconcile", "ip:10.50.0.99"
	body := get(h, path).Body.String()
	for _, want := range []string{"Seen, and not in the register", "10.50.0.99", "firmware 3.3.0, register 3.2.1", "Take what was seen", "+++ b/&lt;x&gt;", "set it by hand", "patch -p1"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	ask := func(f url.Values) int { return post(h, path, f).Code }
	for name, f := range map[string]url.Values{
		"no step":       {"id": {strange}},
		"no reason":     {"id": {strange}, "do": {"rogue"}},
		"bad id":        {"id": {strange}, "do": {"adopt"}, "asset": {"No Id"}, "domain": {"ot"}, "kind": {"plc"}},
		"taken id":      {"id": {strange}, "do": {"adopt"}, "asset": {"plc-asc-04"}, "domain": {"ot"}, "kind": {"plc"}},
		"wrong kind":    {"id": {strange}, "do": {"adopt"}, "asset": {"new-1"}, "domain": {"it"}, "kind": {"plc"}},
		"merge nowhere": {"id": {strange}, "do": {"merge"}, "asset": {"nothing"}},
		"not strange":   {"id": {"ip:1.2.3.4"}, "do": {"rogue"}, "reason": {"x"}},
		"no difference": {"id": {"tos-db-1"}, "do": {"take"}},
	} {
		if code := ask(f); code != http.StatusUnprocessableEntity || len(kept.all) != 0 {
			t.Errorf("%s: %d", name, code)
		}
	}
	if code := ask(url.Values{"id": {strange}, "do": {"rogue"}, "reason": {"nobody knows it"}}); code != http.StatusSeeOther {
		t.Fatalf("rogue: %d", code)
	}
	if body := get(h, path).Body.String(); !strings.Contains(body, "does not belong here") || !strings.Contains(body, "nobody knows it") || !strings.Contains(body, `class="doubt">rogue`) {
		t.Error("the rogue is not shown, or has left the queue")
	}
	if code := ask(url.Values{"id": {strange}, "do": {"adopt"}, "asset": {"new-1"}, "domain": {"ot"}, "kind": {"plc"}}); code != http.StatusConflict {
		t.Errorf("adopting what is decided, without its revision: %d", code)
	}
	if code := ask(url.Values{"id": {strange}, "do": {"adopt"}, "asset": {"new-1"}, "name": {"New"}, "domain": {"ot"}, "kind": {"plc"}, "revision": {"1"}}); code != http.StatusSeeOther {
		t.Fatalf("adopting: %d", code)
	}
	if a := kept.all[strange]; a.Do != console.Adopt || a.Device.ID != "new-1" || a.Device.IP != "10.50.0.99" || a.Device.Kind != "plc" || a.By == "" {
		t.Errorf("adopted: %+v", a)
	}
	if code := ask(url.Values{"id": {strange}, "do": {"undo"}, "revision": {"2"}}); code != http.StatusSeeOther || len(kept.all) != 0 {
		t.Errorf("undone: %d, %v", code, kept.all)
	}
	if code := ask(url.Values{"id": {strange}, "do": {"merge"}, "asset": {"tos-db-1"}}); code != http.StatusSeeOther || !strings.HasPrefix(kept.all[strange].Correct[0].Value, "10.50.0.99 ") {
		t.Errorf("merged: %d, %+v", code, kept.all[strange])
	}
	if r := get(h, "/inventory/register.patch"); r.Code != http.StatusOK || r.Body.String() != kept.diff {
		t.Errorf("the patch: %d", r.Code)
	}
	d.Allowed = func(_ context.Context, a identity.Action, _ identity.Resource) bool {
		return a != identity.ReconcileRegister
	}
	h = signedIn(newConsole(t, d))
	if code := ask(url.Values{"id": {strange}, "do": {"rogue"}, "reason": {"x"}}); code != http.StatusForbidden || strings.Contains(get(h, path).Body.String(), "Adopt into") {
		t.Errorf("without the right: %d", code)
	}
	d.Allowed = func(_ context.Context, a identity.Action, _ identity.Resource) bool { return a == identity.ViewPort }
	if r := get(signedIn(newConsole(t, d)), path); r.Code != http.StatusForbidden {
		t.Errorf("who may not see the network: %d", r.Code)
	}
}
