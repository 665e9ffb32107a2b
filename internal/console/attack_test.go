package console_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/quaywatch/quaywatch/internal/attackgraph"
)

const closing = "end remote access of crane-vendor to plc-asc-04"

// TestAttackPage asks a question, tries the change that breaks the way, asks for the
// smallest set, and reads the answer as JSON.
func TestAttackPage(t *testing.T) {
	w := newWorld(t, 0, 0)
	h := signedIn(newConsole(t, depsOf(w)))
	page := func(q string) string {
		t.Helper()
		r := get(h, "/attack?"+q)
		if r.Code != http.StatusOK {
			t.Fatalf("%s: %d", q, r.Code)
		}
		return r.Body.String()
	}
	has := func(what, body string, words ...string) {
		t.Helper()
		for _, x := range words {
			if !strings.Contains(body, x) {
				t.Errorf("%s: the page does not say %q", what, x)
			}
		}
	}
	has("empty", page(""), "Ask a question")
	asked := page("from=vendor&to=yard-service")
	has("question", asked, "Yes: from a vendor&#39;s session to Automated yard", "leads to plc-asc-04", "T0831", "what if: "+closing, "Any one of these takes this way away")
	cut := page("from=vendor&to=yard-service&cut=1")
	has("cut", cut, "The smallest set of changes that leaves no way", closing, "proven the smallest")
	without := page("from=vendor&to=yard-service&without=" + url.QueryEscape(closing))
	has("what if", without, "Without these the answer is yes", "put back")
	if strings.Contains(without, "Yes: from a vendor") {
		t.Error("the only remote access is gone and the answer is still yes")
	}
	if again := page("from=vendor&to=yard-service"); again != asked {
		t.Error("after a what-if the plain question has another answer")
	}
	has("nonsense", page("from=moon&to=yard-service"), "Choose where the attacker starts")
	has("nowhere", page("from=vendor&to=%3Cscript%3E"), "Choose what they want")
	has("nobody", page("from=vendor&to=yard-service&without=nothing+of+the+kind"), "Yes: from a vendor")

	has("drawing", asked, "<svg", "drawn over the Purdue levels", `/attack.svg?way=0&amp;`, "/attack.stix?")
	if strings.Contains(asked, "walk-arrow-0") != strings.Contains(asked, "url(#walk-arrow-0)") {
		t.Error("the arrow of a drawing has another name than its lines use")
	}
	if r := get(h, "/attack.svg?way=0&from=vendor&to=yard-service"); r.Code != http.StatusOK || !strings.HasPrefix(r.Body.String(), "<svg") || !strings.Contains(r.Body.String(), ">1. ") {
		t.Errorf("the drawing as a file: %d", r.Code)
	}
	for _, bad := range []string{"way=99&from=vendor&to=yard-service", "way=x&from=vendor&to=yard-service", "way=0"} {
		if r := get(h, "/attack.svg?"+bad); r.Code != http.StatusNotFound {
			t.Errorf("/attack.svg?%s: %d", bad, r.Code)
		}
	}
	if r := get(h, "/attack.stix?from=vendor&to=yard-service"); r.Code != http.StatusOK || !json.Valid(r.Body.Bytes()) || !strings.Contains(r.Body.String(), `"attack-flow"`) {
		t.Errorf("STIX: %d", r.Code)
	}
	if r := get(h, "/attack.stix?from=moon&to=yard-service"); r.Code != http.StatusBadRequest {
		t.Errorf("STIX of nonsense: %d", r.Code)
	}
	var a struct {
		Reach string `json:"reach"`
		Paths []any  `json:"paths"`
	}
	r := get(h, "/attack.json?from=vendor&to=yard-service")
	if err := json.Unmarshal(r.Body.Bytes(), &a); err != nil || a.Reach != "yes" || len(a.Paths) == 0 {
		t.Errorf("JSON: %v, %+v", err, a)
	}
	if r := get(h, "/attack.json?from=moon&to=yard-service"); r.Code != http.StatusBadRequest {
		t.Errorf("a question that makes no sense is answered with %d", r.Code)
	}
}

// TestAttackPageWithoutGraph: none is joined, or it can't be made.
func TestAttackPageWithoutGraph(t *testing.T) {
	d := depsOf(newWorld(t, 0, 0))
	d.Graph = nil
	if body := get(signedIn(newConsole(t, d)), "/attack").Body.String(); !strings.Contains(body, "No attack graph here") {
		t.Error("the page does not say that there is no graph")
	}
	d.Graph = func(context.Context, func(*attackgraph.Model) error) error {
		return errors.New("the port file on disk has faults")
	}
	if body := get(signedIn(newConsole(t, d)), "/attack?from=vendor&to=yard-service").Body.String(); !strings.Contains(body, "The question could not be answered: the port file on disk has faults") {
		t.Error("the page does not say why")
	}
}
