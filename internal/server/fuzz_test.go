package server

import (
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/quaywatch/quaywatch/internal/identity"
)

// FuzzQueries sends any query to the lists: the answer is a page or a problem,
// never a failure of the server.
func FuzzQueries(f *testing.F) {
	for _, q := range []string{"", "limit=7&cursor=YXNzZXQtMDM", "state=active,shelved&domain=sea&since=2026-03-01T00:00:00Z", "box=50,170,51,-170", "limit=%ff", "a=%", "box=,,,&cell=1e-300", "from=0001-01-01T00:00:00Z&to=9999-12-31T23:59:59Z"} {
		f.Add(q)
	}
	fix := newFixture(f).accounts()
	paths := []string{"/api/v1/findings", "/api/v1/assets", "/api/v1/vessels", "/api/v1/vessels.geojson", "/api/v1/vessels/227006760/track.geojson", "/api/v1/heat", "/api/v1/flows", "/api/v1/device-operations", "/api/v1/audit", "/api/v1/conduit-uses"}
	f.Fuzz(func(t *testing.T, query string) {
		if strings.ContainsAny(query, " #\x00\r\n\t") {
			return // no such request line
		}
		for _, path := range paths {
			u, err := url.ParseRequestURI(path + "?" + query)
			if err != nil {
				return
			}
			r := httptest.NewRequest(http.MethodGet, path, nil)
			r.URL = u
			r.Header.Set("Authorization", "Bearer "+fix.tokens[identity.CSO])
			w := httptest.NewRecorder()
			fix.server.ServeHTTP(w, r)
			if w.Code != http.StatusOK && w.Code != http.StatusUnprocessableEntity && w.Code != http.StatusBadRequest {
				t.Errorf("%s?%s: %d %s", path, query, w.Code, w.Body)
			}
		}
	})
}

func FuzzSafeNext(f *testing.F) {
	f.Add("/findings?state=active")
	f.Add("//evil.example")
	f.Add(`/\evil.example`)
	f.Fuzz(func(t *testing.T, next string) {
		got := safeNext(next)
		u, err := url.Parse(got)
		if err != nil || u.Host != "" || u.Scheme != "" || !strings.HasPrefix(got, "/") || strings.HasPrefix(got, "//") || strings.ContainsAny(got, "\\\r\n") {
			t.Errorf("%q leads to %q", next, got)
		}
	})
}

func FuzzParseBox(f *testing.F) {
	f.Add("50.7,-1.6,51,-1")
	f.Add("NaN,0,Inf,0")
	f.Fuzz(func(t *testing.T, s string) {
		box, err := parseBox(s)
		if err != nil {
			return
		}
		for i, v := range box {
			if limit := []float64{90, 180}[i%2]; math.IsNaN(v) || math.Abs(v) > limit {
				t.Errorf("%q gives %v", s, box)
			}
		}
		if box[0] > box[2] || cells(box, 1) < 1 {
			t.Errorf("%q gives %v with %v cells", s, box, cells(box, 1))
		}
	})
}

// TestPagesHoldEachItemOnce: whatever the page size, walking the pages tells
// each item once and in order, also where items vanish between two pages.
func TestPagesHoldEachItemOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		items := rapid.SliceOfNDistinct(rapid.StringN(1, 8, -1), 0, 60, rapid.ID).Draw(t, "items")
		key := func(s string) string { return s }
		items = sorted(items, nil, func(s *string) string { return *s }, key)
		limit := rapid.IntRange(1, 20).Draw(t, "limit")
		var seen []string
		for cursor := ""; ; {
			p, err := page(items, key, Paging{Limit: limit, Cursor: cursor})
			if err != nil {
				t.Fatal(err)
			}
			seen = append(seen, p.Items...)
			if cursor = p.Next; cursor == "" {
				break
			}
			if len(seen) > len(items) {
				t.Fatal("the pages do not end")
			}
		}
		if strings.Join(seen, "\x00") != strings.Join(items, "\x00") {
			t.Fatalf("saw %q of %q", seen, items)
		}
	})
}
