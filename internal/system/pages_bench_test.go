package system

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/identity"
)

// bigRules are what the findings of the benchmark tell.
var bigRules = []struct {
	rule    string
	domains []finding.Domain
	title   string
}{
	{"vessel.impossible-movement", []finding.Domain{finding.Sea}, "Vessel %d jumped %d nm in a minute"},
	{"network.outside-conduit", []finding.Domain{finding.OT, finding.IT}, "Device %d talks to TCP %d, which no conduit allows"},
	{"network.unregistered-device", []finding.Domain{finding.IT}, "Device %d with %d services is not in the register"},
	{"physical.revoked-badge", []finding.Domain{finding.Physical}, "Revoked badge %d tried at door %d"},
	{"physical.door-held", []finding.Domain{finding.Physical}, "Door %d held open for %d min"},
	{"cross.release-doubt", []finding.Domain{finding.Cargo, finding.IT}, "Container %d released by desk %d at an odd hour"},
}

// bigOccurrence is finding i of the benchmark, as heavy as a real one.
func bigOccurrence(s *System, i int, at time.Time) finding.Occurrence {
	r := bigRules[i%len(bigRules)]
	subject := finding.Subject{Kind: "vessel", ID: fmt.Sprint("mmsi:", 200_000_000+i), Name: fmt.Sprint("SALT WIND ", i)}
	if r.domains[0] != finding.Sea {
		a := s.port.Load().Assets[i%bigAssets]
		subject = finding.Subject{Kind: "asset", ID: a.ID, Name: a.Name}
		if i >= bigAssets {
			subject = finding.Subject{Kind: "host", ID: fmt.Sprintf("10.%d.%d.%d", 128+i>>16, i>>8&255, i&255)}
		}
	}
	o := finding.Occurrence{
		Rule: r.rule, Subject: subject, Domains: r.domains, Grade: finding.Grade(1 + i*13%3), Severity: finding.Severity(1 + i*29%100/60 + i*31%100/80),
		Title: fmt.Sprintf(r.title, i, i%90), Summary: "It can't be trusted as it stands; work at the quay and at the gate depends on it.",
		RuledOut: []string{"a gap in reception", "work that is planned"}, Next: []string{"Call the watch on VHF 12", "Look at the place"},
		Services: []string{s.port.Load().Services[i%len(s.port.Load().Services)].ID}, Technique: "T0856", Time: at,
	}
	for j := range 3 {
		raw := fmt.Appendf(nil, "!AIVDM,1,1,,A,15M67FC000G?ufbE`FepT@3n00Sa,0*%02X", j)
		o.Facts = append(o.Facts, finding.Fact{Time: at.Add(time.Duration(j-3) * time.Minute), Domain: r.domains[j%len(r.domains)],
			Text: fmt.Sprintf("Reading %d of %d differs by %d from the one before.", j, i, i%90),
			Evidence: finding.Evidence{Source: "ais-north-head", Time: at, Seen: at, Told: true, Raw: event.Raw{Input: "tcp://127.0.0.1:4001",
				Offset: int64(i*300 + j*100), Length: len(raw), Sum: event.SumOf(raw), Text: raw}}})
	}
	return o
}

// BenchmarkBigPages measures every page and list on the real stores with
// 10,000 assets and 100,000 findings, asked by somebody who is logged in:
// first in a quiet system, then with 200 occurrences, 5,000 vessel reports and
// 500 flows a second coming in. The goal is 50 ms at the 95th percentile.
// go test -run '^$' -bench BigPages -benchtime 200x ./internal/system
func BenchmarkBigPages(b *testing.B) {
	s := bigSystem(b)
	ask := s.signedIn(b)
	paths := s.bigPaths(b, ask)
	b.Run("quiet", func(b *testing.B) { measurePages(b, ask, paths) })
	stop := s.busy(b)
	b.Run("busy", func(b *testing.B) { measurePages(b, ask, paths) })
	stop()
}

func measurePages(b *testing.B, ask func(path string) *httptest.ResponseRecorder, paths []string) {
	for _, path := range paths {
		b.Run(strings.ReplaceAll(path, "/", "|"), func(b *testing.B) {
			var took []time.Duration
			for b.Loop() {
				began := time.Now()
				rec := ask(path)
				took = append(took, time.Since(began))
				if rec.Code != http.StatusOK {
					b.Fatalf("status %d: %.300s", rec.Code, rec.Body)
				}
			}
			slices.Sort(took)
			ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
			b.ReportMetric(ms(took[len(took)/2]), "p50-ms")
			b.ReportMetric(ms(took[len(took)*95/100]), "p95-ms")
		})
	}
}

// signedIn logs an officer in and returns how they ask.
func (s *System) signedIn(b *testing.B) func(path string) *httptest.ResponseRecorder {
	b.Helper()
	const password = "tide-table-lantern-42"
	_, err := s.identity.CreateAccount(context.Background(), "bench", identity.NewAccount{Name: "officer",
		Roles: []identity.Role{identity.CSO, identity.Administrator}, Password: password})
	if err != nil {
		b.Fatal(err)
	}
	srv, err := s.server(RunOptions{})
	if err != nil {
		b.Fatal(err)
	}
	login := httptest.NewRequest(http.MethodPost, "/login", strings.NewReader(url.Values{"name": {"officer"}, "password": {password}}.Encode()))
	login.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	rec := httptest.NewRecorder()
	srv.ServeHTTP(rec, login)
	cookies := rec.Result().Cookies()
	if len(cookies) == 0 {
		b.Fatalf("login: %d %s", rec.Code, rec.Body)
	}
	return func(path string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		for _, c := range cookies {
			r.AddCookie(c)
		}
		rec := httptest.NewRecorder()
		srv.ServeHTTP(rec, r)
		return rec
	}
}

// bigPaths are all pages, their parts and filters, and the lists of the API.
func (s *System) bigPaths(b *testing.B, ask func(string) *httptest.ResponseRecorder) []string {
	b.Helper()
	var first struct {
		Items []struct{ ID string }
		Next  string
	}
	if err := json.Unmarshal(ask("/api/v1/findings?limit=50").Body.Bytes(), &first); err != nil || len(first.Items) == 0 {
		b.Fatal("the first page: ", err)
	}
	id, next := first.Items[0].ID, url.QueryEscape(first.Next)
	paths := []string{"/", "/watch/alarms", "/watch/line", "/watch/strip", "/watch/chart", "/chips", "/map/port.json", "/map/live.json",
		"/findings", "/findings?state=all&cursor=" + next, "/findings/" + id, "/findings/" + id + "/drawer",
		"/inventory", "/inventory?q=device-09000", "/inventory?from=9900", "/inventory/device-00010",
		"/zones", "/zones/office-net/server-net", "/people", "/vessels", "/vessels?q=2110", "/port", "/sources", "/situation", "/situation/report"}
	for _, filter := range []string{"state=all", "state=active", "state=acknowledged", "state=shelved", "state=resolved", "domain=cargo", "domain=ot",
		"severity=alarm", "grade=confirmed", "assignee=officer", "subject=mmsi:200012000",
		"q=12345", "q=revoked", "q=depends", "q=container+odd", "q=register&severity=alarm", "q=depends&state=shelved", "q=nothing+of+this"} {
		paths = append(paths, "/findings?"+filter)
	}
	for _, list := range []string{"findings", "findings?limit=1000", "findings?text=depends", "findings?rule=physical.door-held",
		"findings?since=" + time.Now().UTC().Add(-time.Hour).Format(time.RFC3339), "assets", "assets?text=999&limit=100", "hosts", "conduit-uses",
		"vessels", "people", "people/areas", "people/readers", "situation", "sources", "audit", "me"} {
		paths = append(paths, "/api/v1/"+list)
	}
	return paths
}

// busy lets the system work as at sea and on a bad day until stop is called:
// ten times a second 20 occurrences, 500 vessel reports and 50 flows.
func (s *System) busy(b *testing.B) (stop func()) {
	b.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	ships := newFleet("ais-busy", bigVessels, 211_000_000)
	ships.at = time.Now().UTC()
	round := 0
	go func() {
		done <- every(ctx, 100*time.Millisecond, func(ctx context.Context) error {
			round++
			now := time.Now().UTC()
			occs := make([]finding.Occurrence, 20)
			for i := range occs {
				n := bigFindings + round*20 + i // one of two is new, the other told again
				if i%2 == 0 {
					n = (round*20 + i) * 97 % bigFindings
				}
				occs[i] = bigOccurrence(s, n, now)
			}
			traffic := bigTraffic(now, round)
			traffic.Flows = traffic.Flows[round*50%bigHosts:][:50]
			s.watchMu.Lock()
			s.watches.Observe(ships.batch())
			s.watches.Observe(traffic)
			s.watches.Take()
			s.watchMu.Unlock()
			_, err := s.register.Report(ctx, "busy", uint64(round), occs)
			return err
		})
	}()
	return func() {
		cancel()
		if err := <-done; err != nil && ctx.Err() == nil {
			b.Error(err)
		}
	}
}
