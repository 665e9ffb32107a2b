package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/identity"
	"github.com/quaywatch/quaywatch/internal/watch/network"
)

// reads are all addresses that are read, with the action that opens them.
var reads = map[string]identity.Action{
	"/api/v1/port": identity.ViewPort, "/api/v1/sites": identity.ViewPort, "/api/v1/areas": identity.ViewPort,
	"/api/v1/zones": identity.ViewPort, "/api/v1/conduits": identity.ViewPort, "/api/v1/assets": identity.ViewPort,
	"/api/v1/services": identity.ViewPort, "/api/v1/authorities": identity.ViewPort, "/api/v1/parties": identity.ViewPort,
	"/api/v1/assets/asset-03": identity.ViewPort,
	"/api/v1/vessels":         identity.ViewVessels, "/api/v1/vessels/227006760": identity.ViewVessels,
	"/api/v1/vessels/227006760/track": identity.ViewVessels, "/api/v1/positions": identity.ViewVessels,
	"/api/v1/heat?box=50,-2,51,-1": identity.ViewVessels, "/api/v1/receivers": identity.ViewVessels,
	"/api/v1/hosts": identity.ViewNetwork, "/api/v1/hosts/ip:10.20.4.7": identity.ViewNetwork,
	"/api/v1/conduit-uses": identity.ViewNetwork, "/api/v1/flows?from_zone=quay": identity.ViewNetwork, "/api/v1/device-operations": identity.ViewNetwork,
	"/api/v1/people": identity.ViewPeople, "/api/v1/people/areas": identity.ViewPeople, "/api/v1/people/readers": identity.ViewPeople,
	"/api/v1/access-events": identity.ViewPeople, "/api/v1/sources": identity.ViewSources, "/api/v1/situation": identity.ViewReports,
	"/api/v1/audit": identity.ViewAudit, "/api/v1/me": "",
}

func TestReadsByRole(t *testing.T) {
	f := newFixture(t).accounts()
	policies := f.service.Policies()
	for _, role := range identity.Roles() {
		p := identity.Principal{Account: identity.Account{Name: string(role)}, Roles: []identity.Role{role}, Token: "T"}
		for path, action := range reads {
			a := f.api(role, http.MethodGet, path, "")
			if action == "" || policies.Decide(p, action, identity.ThePort) {
				if a.StatusCode != http.StatusOK || !json.Valid([]byte(a.body)) {
					t.Errorf("%s %s: %d %s", role, path, a.StatusCode, a.body)
				}
				continue
			}
			problemOf(t, a, http.StatusForbidden)
		}
	}
}

func TestNobodyReadsNothing(t *testing.T) {
	f := newFixture(t).accounts()
	paths := []string{"/api/v1/findings", "/api/v1/findings/F-0", "/api/v1/events", "/api/v1/accounts", "/api/v1/tokens", "/api/openapi.json", "/api/v1/nothing"}
	for path := range reads {
		paths = append(paths, path)
	}
	for _, path := range paths {
		for name, header := range map[string]string{"without": "", "wrong token": "Bearer qw_" + strings.Repeat("A", 43), "other scheme": "Basic YTpi"} {
			var a answer
			if header == "" {
				a = f.api("", http.MethodGet, path, "")
			} else {
				a = f.api("", http.MethodGet, path, "", "Authorization", header)
			}
			problemOf(t, a, http.StatusUnauthorized)
			if !strings.HasPrefix(a.Header.Get("WWW-Authenticate"), "Bearer") {
				t.Errorf("%s %s: WWW-Authenticate %q", path, name, a.Header.Get("WWW-Authenticate"))
			}
		}
	}
}

func TestFindingsByRole(t *testing.T) {
	f := newFixture(t).accounts()
	for role, want := range map[identity.Role]string{
		identity.CSO: "F-0 F-1 F-2 F-3 F-4 F-5", identity.VTSOperator: "F-0 F-2 F-5", identity.Operations: "F-0 F-2 F-3 F-4 F-5", identity.Compliance: "F-0 F-1 F-2 F-3 F-4 F-5",
	} {
		var got list[finding.Finding]
		f.api(role, http.MethodGet, "/api/v1/findings", "").into(t, &got)
		var ids []string
		for _, x := range got.Items {
			ids = append(ids, x.ID)
		}
		if strings.Join(ids, " ") != want || got.Total != len(ids) {
			t.Errorf("%s sees %v of %d, want %s", role, ids, got.Total, want)
		}
	}
	problemOf(t, f.api(identity.Board, http.MethodGet, "/api/v1/findings", ""), http.StatusForbidden)
	problemOf(t, f.api(identity.VTSOperator, http.MethodGet, "/api/v1/findings/F-1", ""), http.StatusNotFound)
	problemOf(t, f.api(identity.VTSOperator, http.MethodGet, "/api/v1/findings/F-1/history", ""), http.StatusNotFound)
	var none list[finding.Finding]
	if f.api(identity.VTSOperator, http.MethodGet, "/api/v1/findings?domain=it", "").into(t, &none); len(none.Items) != 0 {
		t.Errorf("asking for a hidden domain shows %d findings", len(none.Items))
	}
}

func TestActionsByRole(t *testing.T) {
	for _, tc := range []struct {
		role   identity.Role
		id     string
		action string
		want   int
	}{
		{identity.CSO, "F-1", "acknowledge", 200},
		{identity.Analyst, "F-1", "acknowledge", 200},
		{identity.Analyst, "F-1", "shelve", 403},
		{identity.Compliance, "F-1", "comment", 403},
		{identity.VTSOperator, "F-0", "acknowledge", 200},
		{identity.VTSOperator, "F-2", "acknowledge", 403},
		{identity.VTSOperator, "F-1", "acknowledge", 404},
		{identity.OTEngineer, "F-2", "shelve", 200},
		{identity.OTEngineer, "F-0", "acknowledge", 403},
		{identity.FacilitySecurityOfficer, "F-3", "shelve", 200},
		{identity.Administrator, "F-1", "acknowledge", 403},
		{identity.Board, "F-1", "acknowledge", 404},
		{identity.CSO, "F-none", "acknowledge", 404},
		{identity.CSO, "F-1", "unshelve", 409},
	} {
		t.Run(fmt.Sprintf("%s %s %s", tc.role, tc.action, tc.id), func(t *testing.T) {
			f := newFixture(t).accounts()
			a := f.api(tc.role, http.MethodPost, "/api/v1/findings/"+tc.id+"/actions", `{"action":"`+tc.action+`","text":"because","until":"2026-03-01T13:00:00Z"}`)
			if tc.want != http.StatusOK {
				problemOf(t, a, tc.want)
				if len(f.desk.acts) != 0 {
					t.Error("it was done all the same")
				}
				return
			}
			if a.StatusCode != http.StatusOK || a.Header.Get("ETag") != `"8"` {
				t.Fatalf("%d %s %s", a.StatusCode, a.Header.Get("ETag"), a.body)
			}
			if got := f.desk.acts[0]; got.Actor != string(tc.role) {
				t.Errorf("done in the name of %q", got.Actor)
			}
		})
	}
}

// TestNoStatusCanBeWritten: what the system computes has no way in.
func TestNoStatusCanBeWritten(t *testing.T) {
	f := newFixture(t).accounts()
	for _, text := range []string{
		`{"action":"acknowledge","state":"resolved"}`, `{"action":"acknowledge","severity":"advice"}`,
		`{"action":"acknowledge","grade":"suspected"}`, `{"action":"acknowledge","present":false}`,
		`{"action":"acknowledge","actor":"somebody"}`, `{"action":"clear"}`, `{"action":"regraded"}`,
	} {
		problemOf(t, f.api(identity.CSO, http.MethodPost, "/api/v1/findings/F-1/actions", text), http.StatusUnprocessableEntity)
	}
	for _, method := range []string{http.MethodPut, http.MethodPatch, http.MethodDelete} {
		for _, path := range []string{"/api/v1/findings/F-1", "/api/v1/sources", "/api/v1/assets/asset-01", "/api/v1/port", "/api/v1/situation"} {
			a := f.api(identity.CSO, method, path, `{"state":"resolved"}`)
			problemOf(t, a, http.StatusMethodNotAllowed)
			if !strings.Contains(a.Header.Get("Allow"), "GET") {
				t.Errorf("%s %s: Allow %q", method, path, a.Header.Get("Allow"))
			}
		}
	}
	if len(f.desk.acts) != 0 {
		t.Errorf("%d actions were done", len(f.desk.acts))
	}
}

func TestETags(t *testing.T) {
	f := newFixture(t).accounts()
	a := f.api(identity.CSO, http.MethodGet, "/api/v1/findings/F-1", "")
	if a.Header.Get("ETag") != `"7"` {
		t.Fatalf("ETag %q", a.Header.Get("ETag"))
	}
	for header, want := range map[string]int{`"7"`: 304, `W/"7"`: 304, `"6", "7"`: 304, "*": 304, `"6"`: 200, "7": 200} {
		got := f.api(identity.CSO, http.MethodGet, "/api/v1/findings/F-1", "", "If-None-Match", header)
		if got.StatusCode != want || want == 304 && (got.body != "" || got.Header.Get("ETag") != `"7"`) {
			t.Errorf("If-None-Match %s: %d %q, want %d", header, got.StatusCode, got.body, want)
		}
	}
	for header, want := range map[string]int{`"6"`: 412, `W/"7"`: 412, "7": 412, `"5", "6"`: 412, `"abc"`: 412, `"7"`: 200} {
		f := newFixture(t).accounts()
		got := f.api(identity.CSO, http.MethodPost, "/api/v1/findings/F-1/actions", `{"action":"acknowledge"}`, "If-Match", header)
		if got.StatusCode != want {
			t.Errorf("If-Match %s: %d %s, want %d", header, got.StatusCode, got.body, want)
		}
	}
}

func TestPaging(t *testing.T) {
	f := newFixture(t).accounts()
	for path, total := range map[string]int{"/api/v1/assets?limit=7": 25, "/api/v1/findings?limit=2": 6, "/api/v1/vessels?limit=1": 2} {
		seen, cursor := 0, ""
		for pages := 0; ; pages++ {
			var p struct {
				Items []json.RawMessage
				Next  string
				Total int
			}
			f.api(identity.CSO, http.MethodGet, path+"&cursor="+cursor, "").into(t, &p)
			seen += len(p.Items)
			if p.Total != total || pages > total {
				t.Fatalf("%s: total %d, page %d", path, p.Total, pages)
			}
			if cursor = p.Next; cursor == "" {
				break
			}
		}
		if seen != total {
			t.Errorf("%s: %d items in all pages, want %d", path, seen, total)
		}
	}
	var first list[assetView]
	f.api(identity.CSO, http.MethodGet, "/api/v1/assets?limit=3", "").into(t, &first)
	if !slices.IsSortedFunc(first.Items, func(a, b assetView) int { return strings.Compare(a.ID, b.ID) }) || first.Items[0].ID != "asset-00" {
		t.Errorf("first page %+v", first.Items)
	}
	problemOf(t, f.api(identity.CSO, http.MethodGet, "/api/v1/assets?cursor=***", ""), http.StatusUnprocessableEntity)
	problemOf(t, f.api(identity.CSO, http.MethodGet, "/api/v1/findings?cursor=x", ""), http.StatusUnprocessableEntity)
}

func TestWrongRequestsAreProblems(t *testing.T) {
	f := newFixture(t).accounts()
	for path, want := range map[string]int{
		"/api/v1/nothing":                                 404,
		"/api/":                                           404,
		"/api/v1/findings/F-none":                         404,
		"/api/v1/assets/none":                             404,
		"/api/v1/hosts/none":                              404,
		"/api/v1/vessels/1":                               404,
		"/api/v1/accounts/none":                           404,
		"/api/v1/vessels/abc":                             422,
		"/api/v1/vessels/9999999999":                      422,
		"/api/v1/findings?limit=0":                        422,
		"/api/v1/findings?limit=1001":                     422,
		"/api/v1/findings?limit=many":                     422,
		"/api/v1/findings?state=open":                     422,
		"/api/v1/findings?domain=it,sky":                  422,
		"/api/v1/findings?severity=high":                  422,
		"/api/v1/findings?since=yesterday":                422,
		"/api/v1/findings?stat=active":                    422, // a mistyped filter must not mean "all"
		"/api/v1/assets?text=" + strings.Repeat("x", 201): 422,
		"/api/v1/vessels?box=1,2,3":                       422,
		"/api/v1/vessels?box=51,-2,50,-1":                 422,
		"/api/v1/vessels?box=NaN,-2,51,-1":                422,
		"/api/v1/heat?box=-90,-180,90,180&cell=0.001":     422,
		"/api/v1/heat":                                    422,
		"/api/v1/flows?from_zone=outside":                 422,
		"/api/v1/flows?from_zone=none":                    422,
		"/api/v1/access-events?from=2026-03-02T00:00:00Z&to=2026-03-01T00:00:00Z": 422,
		"/api/v1/access-events?from=2020-03-02T00:00:00Z":                         422,
	} {
		role := identity.CSO
		if strings.Contains(path, "accounts") {
			role = identity.Administrator
			user := f.user()
			user.post(PathLogin, "name", string(role), "password", password)
			problemOf(t, user.get(path), want)
			continue
		}
		problemOf(t, f.api(role, http.MethodGet, path, ""), want)
	}
	for name, text := range map[string]string{"not JSON": `{`, "empty": ``, "array": `[]`, "deep": strings.Repeat("[", 20000)} {
		a := f.api(identity.CSO, http.MethodPost, "/api/v1/findings/F-1/actions", text, "Content-Type", "application/json")
		if a.StatusCode != http.StatusBadRequest && a.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d %s", name, a.StatusCode, a.body)
		}
		problemOf(t, a, a.StatusCode)
	}
	problemOf(t, f.api(identity.CSO, http.MethodPost, "/api/v1/findings/F-1/actions", `{"action":"comment","text":"`+strings.Repeat("x", maxBody)+`"}`), http.StatusRequestEntityTooLarge)
	problemOf(t, f.api(identity.CSO, http.MethodPost, "/api/v1/findings/F-1/actions", `<a/>`, "Content-Type", "text/xml"), http.StatusUnsupportedMediaType)
}

func TestProblemsRepeatNoInput(t *testing.T) {
	f := newFixture(t).accounts()
	user := f.user()
	user.post(PathLogin, "name", "administrator", "password", password)
	r := httptest.NewRequest(http.MethodPost, "/api/v1/accounts", strings.NewReader(`{"name":"x","roles":["king"],"password":12345678901234}`))
	r.Header.Set("Content-Type", "application/json")
	a := user.send(r)
	if p := problemOf(t, a, http.StatusUnprocessableEntity); len(p.Faults) == 0 || strings.Contains(a.body, "12345678901234") {
		t.Errorf("problem %s", a.body)
	}
}

func TestFailuresShowNoInternals(t *testing.T) {
	secret := errors.New("dial tcp 10.0.0.5:5432: password authentication failed")
	f := newFixture(t, func(d *Deps) {
		d.Positions, d.Flows, d.Access, d.Audit = history{secret}, history{secret}, history{secret}, history{secret}
		d.Operated = history{secret}
	}).accounts()
	for _, path := range []string{"/api/v1/positions", "/api/v1/flows", "/api/v1/device-operations", "/api/v1/access-events", "/api/v1/audit", "/api/v1/vessels/1/track"} {
		a := f.api(identity.CSO, http.MethodGet, path, "")
		problemOf(t, a, http.StatusInternalServerError)
		if strings.Contains(a.body, "10.0.0.5") {
			t.Errorf("%s: %s", path, a.body)
		}
	}
	f.store.Fail(secret)
	a := f.api(identity.CSO, http.MethodGet, "/api/v1/me", "")
	problemOf(t, a, http.StatusInternalServerError)
	if strings.Contains(a.body, "10.0.0.5") {
		t.Error(a.body)
	}
}

func TestMissingPartsAreNotEmptyAnswers(t *testing.T) {
	f := newFixture(t, func(d *Deps) { d.Positions, d.Flows, d.Operated, d.Access, d.Audit = nil, nil, nil, nil, nil }).accounts()
	for _, path := range []string{"/api/v1/positions", "/api/v1/flows", "/api/v1/device-operations", "/api/v1/access-events", "/api/v1/audit", "/api/v1/heat?box=50,-2,51,-1", "/api/v1/vessels/1/track"} {
		problemOf(t, f.api(identity.CSO, http.MethodGet, path, ""), http.StatusServiceUnavailable)
	}
}

func TestAbsentNumbersAreNull(t *testing.T) {
	f := newFixture(t).accounts()
	var got struct{ Items []map[string]any }
	f.api(identity.CSO, http.MethodGet, "/api/v1/vessels", "").into(t, &got)
	if v := got.Items[0]; v["sog"] != 12.3 || v["cog"] != nil || v["status"] != nil || v["lat"] != 50.8 {
		t.Errorf("vessel %v", v)
	}
	if v := got.Items[1]; v["lat"] != nil || v["lon"] != nil {
		t.Errorf("vessel without a position %v", v)
	}
	f.api(identity.CSO, http.MethodGet, "/api/v1/vessels?box=-90,-180,90,180", "").into(t, &got)
	if len(got.Items) != 1 {
		t.Errorf("a vessel without a position is in a box: %v", got.Items)
	}
}

func TestContactsOnlyForWhoMaySeePeople(t *testing.T) {
	f := newFixture(t).accounts()
	for role, want := range map[identity.Role]bool{identity.CSO: true, identity.OTEngineer: false} {
		for _, path := range []string{"/api/v1/parties", "/api/v1/parties/jane"} {
			if a := f.api(role, http.MethodGet, path, ""); strings.Contains(a.body, "7946") != want || !strings.Contains(a.body, "Jane") {
				t.Errorf("%s %s: %s", role, path, a.body)
			}
		}
	}
	if a := f.api(identity.CSO, http.MethodGet, "/api/v1/parties", ""); !strings.Contains(a.body, "7946") {
		t.Error("hiding from one changed it for all")
	}
}

func TestSituation(t *testing.T) {
	f := newFixture(t).accounts()
	var got situation
	f.api(identity.CSO, http.MethodGet, "/api/v1/situation", "").into(t, &got)
	if got.Vessels != 1 || got.People == nil || *got.People != 1 || got.Sources["silent"] != 1 || len(got.Silent) != 1 || len(got.Services) != 1 || len(got.Services[0].Findings) != 6 {
		t.Errorf("%+v", got)
	}
	var board situation
	f.api(identity.Board, http.MethodGet, "/api/v1/situation", "").into(t, &board)
	if board.People != nil || len(board.Services) != 0 {
		t.Errorf("the board sees %+v", board)
	}
}

func TestDocumentHoldsEveryRoute(t *testing.T) {
	f := newFixture(t).accounts()
	a := f.api(identity.Board, http.MethodGet, "/api/openapi.json", "")
	var doc struct {
		OpenAPI string
		Paths   map[string]map[string]struct {
			OperationID, Summary string
			Responses            map[string]any
		}
		Components struct{ Schemas map[string]any }
	}
	a.into(t, &doc)
	if !strings.HasPrefix(doc.OpenAPI, "3.1") {
		t.Fatalf("OpenAPI %q", doc.OpenAPI)
	}
	ids := map[string]bool{}
	for path, item := range doc.Paths {
		for method, op := range item {
			if op.OperationID == "" || op.Summary == "" || ids[op.OperationID] {
				t.Errorf("%s %s: operation %q, summary %q", method, path, op.OperationID, op.Summary)
			}
			ids[op.OperationID] = true
			if op.Responses["401"] == nil || op.Responses["403"] == nil {
				t.Errorf("%s %s: no problems documented", method, path)
			}
		}
	}
	for path := range reads {
		path, _, _ = strings.Cut(path, "?")
		for pattern, replaced := range map[string]string{"/asset-03": "/{id}", "/227006760": "/{mmsi}", "/ip:10.20.4.7": "/{id}"} {
			path = strings.Replace(path, pattern, replaced, 1)
		}
		if doc.Paths[path]["get"].OperationID == "" {
			t.Errorf("%s is not in the document", path)
		}
	}
	if len(ids) < 45 {
		t.Errorf("%d operations", len(ids))
	}
	page := f.api(identity.Board, http.MethodGet, "/api/docs", "")
	for id := range ids {
		if !strings.Contains(page.body, `id="`+id+`"`) {
			t.Errorf("the page lacks %s", id)
		}
	}
	for _, bad := range []string{"<script", "style=", "http://", "https://"} {
		if strings.Contains(page.body, bad) {
			t.Errorf("the page holds %q", bad)
		}
	}
}

// TestSchemasAreJSONSchema compiles every schema of the document with another
// implementation, references included.
func TestSchemasAreJSONSchema(t *testing.T) {
	f := newFixture(t).accounts()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(f.api(identity.CSO, http.MethodGet, "/api/openapi.json", "").body))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("mem:///openapi.json", doc); err != nil {
		t.Fatal(err)
	}
	schemas := doc.(map[string]any)["components"].(map[string]any)["schemas"].(map[string]any)
	for name := range schemas {
		if _, err := compiler.Compile("mem:///openapi.json#/components/schemas/" + name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	answerOf := func(path, name string) {
		schema, err := compiler.Compile("mem:///openapi.json#/components/schemas/" + name)
		if err != nil {
			t.Fatal(err)
		}
		body, err := jsonschema.UnmarshalJSON(strings.NewReader(f.api(identity.CSO, http.MethodGet, path, "").body))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(body); err != nil {
			t.Errorf("%s is not a %s: %v", path, name, err)
		}
	}
	for path := range reads {
		clean, _, _ := strings.Cut(path, "?")
		for pattern, replaced := range map[string]string{"/asset-03": "/{id}", "/227006760": "/{mmsi}", "/ip:10.20.4.7": "/{id}"} {
			clean = strings.Replace(clean, pattern, replaced, 1)
		}
		ref := doc.(map[string]any)["paths"].(map[string]any)[clean].(map[string]any)["get"].(map[string]any)["responses"].(map[string]any)["200"].(map[string]any)["content"].(map[string]any)["application/json"].(map[string]any)["schema"].(map[string]any)["$ref"].(string)
		answerOf(path, ref[len("#/components/schemas/"):])
	}
	answerOf("/api/v1/findings/F-1", "Finding")
}

// An asset is asked for by its declared addresses and those that were observed.
func TestOperationsAreAskedByAsset(t *testing.T) {
	f := newFixture(t, func(d *Deps) {
		d.Network = func() network.Picture {
			return network.Picture{Hosts: []network.Host{{ID: "mac:00:80:f4:00:00:02", Asset: "asset-03", IPs: []string{"10.20.4.7", "10.20.4.99"}, MACs: []string{"00:80:f4:00:00:02"}}}}
		}
	}).accounts()
	for device, want := range map[string]string{
		"asset-03":   "00:80:f4:00:00:02 10.20.4.7 10.20.4.99",
		"10.20.4.99": "00:80:f4:00:00:02 10.20.4.7 10.20.4.99",
		"10.9.9.9":   "10.9.9.9",
	} {
		if a := f.api(identity.CSO, http.MethodGet, "/api/v1/device-operations?device="+device, ""); a.StatusCode != http.StatusOK || !strings.Contains(a.body, `"function":"`+want+`"`) {
			t.Errorf("%s: %d %s, want %s", device, a.StatusCode, a.body, want)
		}
	}
	problemOf(t, f.api(identity.CSO, http.MethodGet, "/api/v1/device-operations?operation=read", ""), http.StatusUnprocessableEntity)
}
