package server

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/identity"
	"github.com/quaywatch/quaywatch/internal/identity/identitytest"
	"github.com/quaywatch/quaywatch/internal/port"
	"github.com/quaywatch/quaywatch/internal/watch/health"
	"github.com/quaywatch/quaywatch/internal/watch/network"
	"github.com/quaywatch/quaywatch/internal/watch/physical"
	"github.com/quaywatch/quaywatch/internal/watch/vessel"
)

const password = "three grey herons wade"

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// desk is a finding.Desk in memory that pages by number.
type desk struct {
	mu        sync.Mutex
	findings  []finding.Finding
	acts      []finding.Action
	queries   []finding.Query
	listeners map[chan finding.Event]bool
}

func (d *desk) List(_ context.Context, q finding.Query) (finding.Page, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.queries = append(d.queries, q)
	start, err := strconv.Atoi(cmp.Or(q.Cursor, "0"))
	if err != nil || start < 0 {
		return finding.Page{}, fmt.Errorf("cursor: %w", finding.ErrInvalid)
	}
	var kept []finding.Finding
	for _, f := range d.findings {
		if len(q.Domains) == 0 || slices.ContainsFunc(f.Domains, func(x finding.Domain) bool { return slices.Contains(q.Domains, x) }) {
			kept = append(kept, f)
		}
	}
	p := finding.Page{Total: len(kept)}
	start = min(start, len(kept))
	end := min(len(kept), start+q.Limit)
	if end < len(kept) {
		p.Next = strconv.Itoa(end)
	}
	p.Findings = kept[start:end]
	return p, nil
}

func (d *desk) Get(_ context.Context, id string) (finding.Finding, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, f := range d.findings {
		if f.ID == id {
			return f, nil
		}
	}
	return finding.Finding{}, finding.ErrNotFound
}

func (d *desk) History(context.Context, string) ([]finding.Entry, error) { return nil, nil }

func (d *desk) Summary(context.Context, time.Time) (finding.Summary, error) {
	return finding.Summary{BySeverity: map[string]int{"alarm": 1}}, nil
}

func (d *desk) Act(_ context.Context, id string, a finding.Action) (finding.Finding, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range d.findings {
		f := &d.findings[i]
		if f.ID != id {
			continue
		}
		switch {
		case a.Revision != 0 && a.Revision != f.Revision:
			return finding.Finding{}, finding.ErrConflict
		case a.Kind == finding.Unshelve:
			return finding.Finding{}, fmt.Errorf("it is not shelved: %w", finding.ErrState)
		case a.Kind == finding.Shelve && a.Text == "":
			return finding.Finding{}, fmt.Errorf("a reason is needed: %w", finding.ErrInvalid)
		}
		d.acts = append(d.acts, a)
		f.State, f.Revision = finding.Acknowledged, f.Revision+1
		return *f, nil
	}
	return finding.Finding{}, finding.ErrNotFound
}

func (d *desk) Subscribe() (<-chan finding.Event, func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := make(chan finding.Event, 256)
	d.listeners[c] = true
	return c, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.listeners, c)
	}
}

// tell sends a change to who listens.
func (d *desk) tell(e finding.Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for c := range d.listeners {
		c <- e
	}
}

// history answers for vessels, flows, access and audit alike.
type history struct{ err error }

func (h history) LastPositions(context.Context, [4]float64, time.Time, int) ([]event.VesselReport, error) {
	return []event.VesselReport{{MMSI: 227006760, Lat: 50.8, Lon: -1.3, SOG: float32(math.NaN()), Status: -1, Heading: float32(math.NaN()), COG: 12.3}}, h.err
}

func (h history) Track(_ context.Context, mmsi uint32, _, _ time.Time, limit int) ([]event.VesselReport, error) {
	return make([]event.VesselReport, min(3, limit)), h.err
}

func (h history) Heat(context.Context, [4]float64, float64, time.Time, time.Time) ([]event.HeatCell, error) {
	return nil, h.err
}

func (h history) FlowTotals(context.Context, event.FlowQuery) ([]event.FlowTotal, error) {
	return nil, h.err
}

func (h history) Operations(_ context.Context, q event.OperationQuery) ([]event.DeviceOperation, error) {
	return []event.DeviceOperation{{Operation: "program", Function: strings.Join(q.Servers, " ")}}, h.err
}

func (h history) AccessEvents(context.Context, event.AccessQuery) ([]event.AccessEvent, error) {
	return nil, h.err
}

func (h history) AuditEntries(_ context.Context, _ string, before int64, limit int) ([]AuditRecord, error) {
	if before == 0 {
		before = 5
	}
	var out []AuditRecord
	for seq := before - 1; seq >= 0 && len(out) < limit; seq-- {
		out = append(out, AuditRecord{Seq: seq, AuditEntry: identity.AuditEntry{Action: "login"}})
	}
	return out, h.err
}

// pages writes views as text.
type pages struct{}

func (pages) LoginPage(w http.ResponseWriter, _ *http.Request, v LoginView) {
	w.WriteHeader(v.Status)
	fmt.Fprintf(w, "login error=%q wait=%d next=%q name=%q", v.Error, v.Wait, v.Next, v.Name)
}

func (pages) SetupPage(w http.ResponseWriter, _ *http.Request, v SetupView) {
	w.WriteHeader(v.Status)
	fmt.Fprintf(w, "setup error=%q", v.Error)
}

func (pages) PasswordPage(w http.ResponseWriter, _ *http.Request, v PasswordView) {
	w.WriteHeader(v.Status)
	fmt.Fprintf(w, "password must=%t error=%q", v.Must, v.Error)
}

func (pages) ProblemPage(w http.ResponseWriter, _ *http.Request, v ProblemView) {
	w.WriteHeader(v.Status)
	fmt.Fprintf(w, "problem %s %s %s", v.Title, v.Detail, v.ID)
}

// fixture is a server over fakes, with one account for each role, named as it.
type fixture struct {
	t       testing.TB
	server  *Server
	desk    *desk
	store   *identitytest.Memory
	service *identity.Service
	log     *strings.Builder
	tokens  map[identity.Role]string
}

func testPort() *port.Port {
	p := &port.Port{Identity: port.Identity{Name: "Saltmere", LOCODE: "GBSMR", SecurityLevel: 1}}
	for i := range 25 {
		p.Assets = append(p.Assets, port.Asset{ID: fmt.Sprintf("asset-%02d", 24-i), Name: "Crane", Domain: port.OT, Kind: "crane", Zone: "quay",
			Addresses: []port.Address{{IP: netip.MustParseAddr("10.20.4.7")}}})
	}
	p.Zones = []port.Zone{{ID: "quay", Networks: []netip.Prefix{netip.MustParsePrefix("10.20.0.0/16")}}, {ID: "outside", External: true}}
	p.Parties = []port.Party{{ID: "jane", Name: "Jane", Kind: "person", Phone: "+44 20 7946 0000", Areas: []string{"yard"}}}
	return p
}

func testFindings() []finding.Finding {
	var out []finding.Finding
	for i, domains := range [][]finding.Domain{{finding.Sea}, {finding.IT}, {finding.OT}, {finding.Physical}, {finding.Cargo}, {finding.IT, finding.Sea}} {
		f := finding.New(finding.Occurrence{Rule: "test.rule", Subject: finding.Subject{Kind: "asset", ID: strconv.Itoa(i)}, Domains: domains,
			Grade: finding.Likely, Severity: finding.Alarm, Title: "Something", Time: noon, Services: []string{"quay"}})
		f.ID, f.Revision = fmt.Sprintf("F-%d", i), 7
		out = append(out, f)
	}
	return out
}

func newFixture(t testing.TB, alter ...func(*Deps)) *fixture {
	t.Helper()
	f := &fixture{t: t, store: &identitytest.Memory{}, tokens: map[identity.Role]string{}, log: &strings.Builder{}}
	f.desk = &desk{findings: testFindings(), listeners: map[chan finding.Event]bool{}}
	var err error
	if f.service, err = identity.New(identity.Options{Store: f.store, Params: identitytest.Cheap}); err != nil {
		t.Fatal(err)
	}
	declared := testPort()
	nan := math.NaN()
	d := Deps{
		Identity: f.service, Port: func() *port.Port { return declared }, Findings: f.desk,
		Vessels: func() vessel.Picture {
			return vessel.Picture{AsOf: noon, Tracks: []vessel.Track{
				{MMSI: 227006760, Kind: "ship", Name: "HERON", Fix: vessel.Fix{Lat: 50.8, Lon: -1.3, SOG: 12.3, COG: float32(nan)}, Status: -1, Heading: float32(nan)},
				{MMSI: 227006760, Hull: 1, Kind: "ship", Fix: vessel.Fix{Lat: nan, Lon: nan, SOG: float32(nan)}},
			}}
		},
		Network: func() network.Picture {
			return network.Picture{AsOf: noon, Hosts: []network.Host{{ID: "ip:10.20.4.7"}}}
		},
		People: func() physical.Picture {
			return physical.Picture{Presence: []physical.Presence{{Name: "Jane", Area: "yard"}}, Areas: []physical.AreaCount{{Area: "yard", Inside: 1, Known: true}}}
		},
		Sources: func() health.Picture {
			return health.Picture{Sources: []health.Source{{ID: "ais", Status: health.Silent, Why: "nothing for 4 min"}, {ID: "kev", Status: health.Ended}}}
		},
		Positions: history{}, Flows: history{}, Operated: history{}, Access: history{}, Audit: history{},
		Console: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			a, _ := identity.From(r.Context())
			fmt.Fprintf(w, "console for %q", a.Name)
		}),
		Pages: pages{}, Secure: true,
	}
	for _, a := range alter {
		a(&d)
	}
	if f.server, err = New(d); err != nil {
		t.Fatal(err)
	}
	return f
}

// accounts creates one account for each role with a token.
func (f *fixture) accounts() *fixture {
	f.t.Helper()
	for _, role := range identity.Roles() {
		name := string(role)
		if _, err := f.service.CreateAccount(f.t.Context(), "cli", identity.NewAccount{Name: name, Roles: []identity.Role{role}, Password: password}); err != nil {
			f.t.Fatal(err)
		}
		secret, _, err := f.service.CreateToken(f.t.Context(), "cli", identity.NewToken{Account: name, Name: "test", Role: role, Life: time.Hour})
		if err != nil {
			f.t.Fatal(err)
		}
		f.tokens[role] = secret
	}
	return f
}

// answer is a response that was read.
type answer struct {
	*http.Response
	body string
}

func (a answer) into(t *testing.T, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.body), v); err != nil {
		t.Fatalf("%s: %v", a.body, err)
	}
}

func (f *fixture) do(r *http.Request) answer {
	f.t.Helper()
	w := httptest.NewRecorder()
	f.server.ServeHTTP(w, r)
	res := w.Result()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	return answer{res, string(text)}
}

// api sends a request with the token of a role; header is name, value, name, value…
func (f *fixture) api(role identity.Role, method, path, text string, header ...string) answer {
	f.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(text))
	if text != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if role != "" {
		r.Header.Set("Authorization", "Bearer "+f.tokens[role])
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return f.do(r)
}

// user is a browser with its cookies.
type user struct {
	*fixture
	cookies map[string]*http.Cookie
}

func (f *fixture) user() *user { return &user{f, map[string]*http.Cookie{}} }

func (u *user) send(r *http.Request) answer {
	u.t.Helper()
	for _, name := range slices.Sorted(maps.Keys(u.cookies)) {
		r.AddCookie(u.cookies[name])
	}
	a := u.do(r)
	for _, c := range a.Cookies() {
		if c.MaxAge < 0 {
			delete(u.cookies, c.Name)
		} else {
			u.cookies[c.Name] = c
		}
	}
	return a
}

func (u *user) get(path string, header ...string) answer {
	u.t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return u.send(r)
}

func (u *user) post(path string, fields ...string) answer {
	u.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return u.send(r)
}

// problemOf checks that the answer is a problem document of that status.
func problemOf(t *testing.T, a answer, status int) Problem {
	t.Helper()
	var p Problem
	if a.StatusCode != status || a.Header.Get("Content-Type") != "application/problem+json" {
		t.Fatalf("answer %d %s: %s; want a problem with %d", a.StatusCode, a.Header.Get("Content-Type"), a.body, status)
	}
	a.into(t, &p)
	if p.Status != status || p.Title == "" || p.Detail == "" || p.Type == "" || p.ID == "" || p.ID != a.Header.Get("Request-Id") {
		t.Fatalf("problem %+v, request id %q", p, a.Header.Get("Request-Id"))
	}
	return p
}
