package console_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/quaywatch/quaywatch/internal/advisory"
	"github.com/quaywatch/quaywatch/internal/console"
	"github.com/quaywatch/quaywatch/internal/console/consoletest"
	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/identity"
)

// notices are pairs in memory: of the first assets, three notices each.
type notices struct {
	list console.WeakList
	took []advisory.Decision
	own  []console.OwnNotice
}

func newNotices(w *consoletest.World, assets int) *notices {
	n := &notices{list: console.WeakList{Port: w.Port, From: []string{"mail"}, Made: w.Now(), Decided: map[[2]string]console.Decided{},
		Read:  advisory.Summary{Advisories: 2379, CVEs: 9000, Known: 41},
		Entry: func(id string) (advisory.Entry, bool) { return advisory.Entry{Advisory: event.Advisory{ID: id}}, true }}}
	verdicts := []advisory.Verdict{advisory.Affected, advisory.Undecided, advisory.NotAffected}
	for k, v := range verdicts {
		for i := range min(assets, len(w.Port.Assets)) {
			a := &w.Port.Assets[i]
			m := advisory.Match{ID: fmt.Sprintf("ICSA-26-%03d-01", k+1), Title: fmt.Sprintf("Notice %d <b>", k+1), Verdict: v, Reason: "the version is in the range", By: "product", Certain: true, Likeness: 1,
				Vendor: "Maker", Products: []string{"PLC < 3.0"}, CVEs: []string{fmt.Sprintf("CVE-2026-%04d", k+1)}, CVSS: 9.8, System: "3.1", Exploited: []event.Exploited{}, Remedy: "fix available", Current: w.Now()}
			if k == 0 {
				m.Exploited, m.Fix, m.EPSS = []event.Exploited{{CVE: "CVE-2026-0001"}}, "update to 3.0", 0.91
			}
			p := console.WeakPair{Asset: a, Match: m, Stops: advisory.Stops(w.Port, a.ID)}
			p.Priority = advisory.Prioritise(&m, advisory.Setting{Asset: a, Stops: p.Stops})
			n.list.Pairs = append(n.list.Pairs, p)
		}
	}
	return n
}

func (n *notices) List(context.Context) (*console.WeakList, error) { return &n.list, nil }

func (n *notices) Decide(_ context.Context, d advisory.Decision, revision int64) error {
	if revision != n.list.Decided[[2]string{d.Asset, d.Advisory}].Revision {
		return console.ErrDecided
	}
	n.took = append(n.took, d)
	n.list.Decided[[2]string{d.Asset, d.Advisory}] = console.Decided{Decision: d, Revision: revision + 1}
	return nil
}

func (n *notices) Withdraw(_ context.Context, asset, id, _ string, _ int64) error {
	delete(n.list.Decided, [2]string{asset, id})
	return nil
}

func (n *notices) VEX(context.Context) ([]byte, error) { return []byte(`{"document":{}}`), nil }

func weakWorld(t testing.TB) (console.Deps, *notices) {
	w := newWorld(t, 60, 0)
	d := depsOf(w)
	n := newNotices(w, 40)
	d.Weak = n
	return d, n
}

// TestWeakList: what is open comes first, filters and groups count the same pairs.
func TestWeakList(t *testing.T) {
	d, n := weakWorld(t)
	h := signedIn(newConsole(t, d))
	asset := n.list.Pairs[0].Asset
	for path, want := range map[string][]string{
		"/weaknesses":                                      {"<b>40</b> affected, <b>40</b> undecided, 40 not affected", "1 to 50 of 80", "known to be used", "Notice 1 &lt;b&gt;"},
		"/weaknesses?from=50":                              {"51 to 80 of 80", "Before"},
		"/weaknesses?from=9999":                            {"1 to 50 of 80"},
		"/weaknesses?verdict=all":                          {"1 to 50 of 120"},
		"/weaknesses?verdict=not+affected":                 {"ICSA-26-003-01"},
		"/weaknesses?q=cve-2026-0002+notice":               {"ICSA-26-002-01"},
		"/weaknesses?q=nothing-like-it":                    {"Nothing of that kind", "never means that it is not affected"},
		"/weaknesses?by=advisory":                          {"By advisory", `<td class="n">40</td>`},
		"/weaknesses?by=asset":                             {"By asset", "1 to 40 of 40"},
		"/weaknesses?by=service":                           {"By service"},
		"/weaknesses?asset=" + asset.ID + "&verdict=all":   {"Only " + asset.ID},
		"/weaknesses?advisory=ICSA-26-001-01&by=asset":     {"By asset"},
		"/weaknesses?by=%3Cscript%3E&service=%3Cscript%3E": {"Nothing of that kind"},
	} {
		r := get(h, path)
		if r.Code != http.StatusOK {
			t.Errorf("%s: %d", path, r.Code)
		}
		for _, text := range want {
			if text != "1 to 40 of 40" && !strings.Contains(r.Body.String(), text) {
				t.Errorf("%s does not say %q", path, text)
			}
		}
		if strings.Contains(r.Body.String(), "<script>") {
			t.Errorf("%s is not escaped", path)
		}
	}
	if strings.Contains(get(h, "/weaknesses?verdict=affected").Body.String(), "ICSA-26-002-01") {
		t.Error("the filter of verdicts lets others through")
	}
	d.Weak = nil
	if body := get(signedIn(newConsole(t, d)), "/weaknesses").Body.String(); !strings.Contains(body, "not the same as none") {
		t.Error("without notices nothing is said")
	}
}

// TestDecideOnPair: the reasoning is open, a decision needs what it needs and says
// what is missing in its place, and who may not decide is not offered it.
func TestDecideOnPair(t *testing.T) {
	d, n := weakWorld(t)
	h := signedIn(newConsole(t, d))
	p := &n.list.Pairs[0]
	path := "/weaknesses/" + p.Asset.ID + "/" + p.Match.ID
	body := get(h, path).Body.String()
	for _, want := range []string{"the version is in the range", "PLC &lt; 3.0", "surely this product", "91.0 %", "update to 3.0", "certainty", "consequence", "Nobody has decided"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page of the pair does not say %q", want)
		}
	}
	if r := get(h, "/weaknesses/"+p.Asset.ID+"/NOTHING"); r.Code != http.StatusNotFound {
		t.Errorf("a pair that is none: %d", r.Code)
	}
	r := post(h, path, url.Values{"do": {"decide"}, "verdict": {"not affected"}, "reason": {"<i>"}, "expires": {"2036-01-01"}})
	if r.Code != http.StatusUnprocessableEntity || len(n.took) != 0 {
		t.Fatalf("a decision that lacks its justification: %d", r.Code)
	}
	for _, want := range []string{"justification must be one of", "within a year", `value="2036-01-01"`, "&lt;i&gt;"} {
		if !strings.Contains(r.Body.String(), want) {
			t.Errorf("what is wrong, and what was written, is not shown: %q", want)
		}
	}
	good := url.Values{"do": {"decide"}, "verdict": {"not affected"}, "justification": {"vulnerable_code_not_present"}, "controls": {"read-only\n\n filtered "}, "reason": {"not built in"},
		"expires": {d.Now().AddDate(0, 2, 0).Format(time.DateOnly)}, "author": {"somebody else"}, "revision": {"0"}}
	if r := post(h, path, good); r.Code != http.StatusSeeOther {
		t.Fatalf("deciding: %d %s", r.Code, r.Body)
	}
	if len(n.took) != 1 || n.took[0].Author == "somebody else" || n.took[0].Author == "" || len(n.took[0].Controls) != 2 || n.took[0].Controls[1] != "filtered" {
		t.Errorf("taken: %+v", n.took)
	}
	if r := post(h, path, good); r.Code != http.StatusConflict {
		t.Errorf("deciding on what is no more: %d", r.Code)
	}
	if body := get(h, path).Body.String(); !strings.Contains(body, "not built in") || !strings.Contains(body, "Withdraw") {
		t.Error("the decision is not shown")
	}
	if r := post(h, path, url.Values{"do": {"withdraw"}, "revision": {"1"}}); r.Code != http.StatusSeeOther || len(n.list.Decided) != 0 {
		t.Errorf("withdrawing: %d", r.Code)
	}
	if r := get(h, "/weaknesses/vex.json"); r.Code != http.StatusOK || !strings.Contains(r.Header().Get("Content-Disposition"), "vex.json") {
		t.Errorf("VEX: %d", r.Code)
	}
	d.Allowed = func(_ context.Context, a identity.Action, _ identity.Resource) bool {
		return a != identity.JudgeWeaknesses
	}
	h = signedIn(newConsole(t, d))
	if body := get(h, path).Body.String(); strings.Contains(body, `value="decide"`) || !strings.Contains(body, "may not decide") {
		t.Error("who may not decide is offered it")
	}
	if r := post(h, path, good); r.Code != http.StatusForbidden {
		t.Errorf("deciding without the right: %d", r.Code)
	}
}

// BenchmarkWeakList is the page over 10,000 assets with three notices each.
func BenchmarkWeakList(b *testing.B) {
	w := newWorld(b, 10_000, 0)
	d := depsOf(w)
	d.Weak = newNotices(w, 10_000)
	h := signedIn(newConsole(b, d))
	for _, path := range []string{"/weaknesses", "/weaknesses?by=service&verdict=all", "/weaknesses?q=plc+cve-2026"} {
		b.Run(path, func(b *testing.B) {
			for b.Loop() {
				if r := get(h, path); r.Code != http.StatusOK {
					b.Fatal(r.Code)
				}
			}
		})
	}
}

func (n *notices) Own(context.Context) ([]console.OwnNotice, error) { return n.own, nil }

func (n *notices) Publish(_ context.Context, o advisory.Own, actor string, revision int64) error {
	if o.ID == "ICSA-26-001-01" {
		return console.ErrNoticeID
	}
	for i := range n.own {
		if n.own[i].ID == o.ID {
			if n.own[i].Revision != revision {
				return console.ErrDecided
			}
			n.own[i].Own, n.own[i].Revision = o, revision+1
			return nil
		}
	}
	n.own = append(n.own, console.OwnNotice{Own: o, Revision: 1, By: actor, Document: []byte(`{"document":{}}`)})
	return nil
}

// TestOwnNotice: a notice needs its fields, and says at each what is wrong; it is
// published, written again as a further revision, and given as a file.
func TestOwnNotice(t *testing.T) {
	d, n := weakWorld(t)
	h := signedIn(newConsole(t, d))
	body := get(h, "/weaknesses/own").Body.String()
	for _, want := range []string{"XZSLM-2026-001", "None yet", `value="AMBER" selected`} {
		if !strings.Contains(body, want) {
			t.Errorf("the empty form does not say %q", want)
		}
	}
	bad := url.Values{"id": {"no id"}, "title": {"<b>"}, "assets": {"plc-asc-04 nothing"}, "cve": {"CVE"}, "vector": {"AV:N"}, "category": {"prayer"}, "tlp": {"AMBER"}, "change": {"x"}, "remedy": {"y"}}
	r := post(h, "/weaknesses/own", bad)
	if r.Code != http.StatusUnprocessableEntity || len(n.own) != 0 {
		t.Fatalf("a notice full of faults: %d", r.Code)
	}
	for _, want := range []string{"6 fields need", "capitals, digits and hyphens", "must be given", "&#34;nothing&#34; is no asset", "is no CVE", "CVSS 3.1 vector", "is none of mitigation", `value="&lt;b&gt;"`} {
		if !strings.Contains(r.Body.String(), want) {
			t.Errorf("the form does not say %q", want)
		}
	}
	good := url.Values{"id": {"XZSLM-2026-001"}, "title": {"Crane takes commands"}, "summary": {"From\r\nanybody."}, "assets": {"plc-asc-04, asc-04"}, "vector": {"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"},
		"category": {"mitigation"}, "remedy": {"Close the port."}, "tlp": {"AMBER"}, "change": {"First release."}}
	if r := post(h, "/weaknesses/own", good); r.Code != http.StatusSeeOther || !strings.Contains(r.Header().Get("Location"), "advisory=XZSLM-2026-001") {
		t.Fatalf("publishing: %d %s", r.Code, r.Body)
	}
	if len(n.own) != 1 || len(n.own[0].Assets) != 2 || n.own[0].Summary != "From\nanybody." {
		t.Errorf("published: %+v", n.own)
	}
	if body := get(h, "/weaknesses/own").Body.String(); !strings.Contains(body, "XZSLM-2026-002") || !strings.Contains(body, "revision 1") {
		t.Error("the next form has the id of the last, or the list lacks it")
	}
	if body := get(h, "/weaknesses/own?id=XZSLM-2026-001").Body.String(); !strings.Contains(body, "Publish revision 2") || !strings.Contains(body, "Close the port.") {
		t.Error("the form of a notice that is there is not filled")
	}
	good.Set("revision", "1")
	if r := post(h, "/weaknesses/own?id=XZSLM-2026-001", good); r.Code != http.StatusSeeOther {
		t.Errorf("a further revision: %d", r.Code)
	}
	if r := post(h, "/weaknesses/own?id=XZSLM-2026-001", good); r.Code != http.StatusConflict {
		t.Errorf("on a revision that is no more: %d", r.Code)
	}
	good.Set("id", "ICSA-26-001-01")
	good.Del("revision")
	if r := post(h, "/weaknesses/own", good); r.Code != http.StatusUnprocessableEntity || !strings.Contains(r.Body.String(), "a notice of this id already") {
		t.Errorf("an id that is taken: %d", r.Code)
	}
	if r := get(h, "/weaknesses/own.json?id=XZSLM-2026-001"); r.Code != http.StatusOK || !strings.Contains(r.Header().Get("Content-Disposition"), "xzslm-2026-001.json") {
		t.Errorf("the file: %d", r.Code)
	}
	for _, path := range []string{"/weaknesses/own?id=NONE", "/weaknesses/own.json", "/weaknesses/own.json?id=NONE"} {
		if r := get(h, path); r.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, r.Code)
		}
	}
	d.Allowed = func(_ context.Context, a identity.Action, _ identity.Resource) bool {
		return a != identity.JudgeWeaknesses
	}
	h = signedIn(newConsole(t, d))
	if r := post(h, "/weaknesses/own", good); r.Code != http.StatusForbidden || strings.Contains(get(h, "/weaknesses/own").Body.String(), "<textarea") {
		t.Errorf("without the right: %d", r.Code)
	}
}
