package advisory

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"github.com/quaywatch/quaywatch/internal/event"
)

// realArchive is the collection of public OT advisories beside the project.
func realArchive(t testing.TB) string {
	t.Helper()
	root := os.Getenv("QUAYWATCH_TESTDATA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "..", "shared", "data")
	}
	path := filepath.Join(root, "vuln", "cisa-csaf-ot-white-6960219f.tar.zst")
	if _, err := os.Stat(path); err != nil {
		t.Skipf("the real advisories are not here: %v", err)
	}
	return path
}

type keep struct {
	mu     sync.Mutex // a source that looks again puts its health beside the test's reading
	rows   []event.Advisory
	health event.SourceHealth
	most   int // rows in a batch
}

func (k *keep) Put(_ context.Context, b *event.Batch) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.rows = append(k.rows, b.Advisories...)
	k.most = max(k.most, len(b.Advisories))
	for _, h := range b.Health {
		k.health = h
	}
	return nil
}

func run(t testing.TB, path string) (*keep, []Rejection) {
	t.Helper()
	k := &keep{}
	var rejected []Rejection
	s, err := New(Options{ID: "csaf", Path: path, OnReject: func(r Rejection) { rejected = append(rejected, r) }})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Run(t.Context(), k); err != nil {
		t.Fatal(err)
	}
	return k, rejected
}

func TestAllRealAdvisoriesLoad(t *testing.T) {
	path := realArchive(t)
	k, rejected := run(t, path)
	if len(k.rows) != 2379 || len(rejected) != 0 || k.health.Skipped != 1 {
		t.Fatalf("%d advisories, %d rejected, %d skipped; want 2379, 0 and 1 (the feed)", len(k.rows), len(rejected), k.health.Skipped)
	}
	ids, scored, products := map[string]event.Advisory{}, 0, 0
	for _, a := range k.rows {
		ids[a.ID] = a
		products += len(a.Products)
		if a.CVSS > 0 {
			scored++
		}
		if len(a.CVEs) == 0 || len(a.Vendors) == 0 || len(a.Products) == 0 || a.Time.IsZero() || a.Title == "" || a.TLP != "WHITE" {
			t.Errorf("%s is not whole: %d CVEs, %d vendors, %d products, %v, TLP %q", a.ID, len(a.CVEs), len(a.Vendors), len(a.Products), a.Time, a.TLP)
		}
	}
	if len(ids) != 2379 || products < 14_000 || scored < 2_300 {
		t.Errorf("%d ids, %d product names, %d with a score", len(ids), products, scored)
	}
	mobotix := ids["ICSA-24-235-03"]
	want := event.Advisory{ID: "ICSA-24-235-03", Vendors: []string{"MOBOTIX AG"}, CVEs: []string{"CVE-2023-34873"}}
	if diff := cmp.Diff(want.CVEs, mobotix.CVEs); diff != "" {
		t.Error(diff)
	}
	if !contains(mobotix.Products, "P3 D24M") || !strings.HasSuffix(mobotix.Raw.Input, "tar.zst!2024/icsa-24-235-03.json") || mobotix.Raw.Length != 541844 {
		t.Errorf("ICSA-24-235-03: products %.120q…, raw %+v", mobotix.Products, mobotix.Raw)
	}
	scalance := ids["ICSA-19-085-01"]
	if !contains(scalance.Products, "SCALANCE X204-2 (6GK5204-2BB10-2AA3)") {
		t.Error("ICSA-19-085-01: a model number that the name does not hold is lost")
	}
}

func contains(list []string, want string) bool {
	for _, s := range list {
		if s == want {
			return true
		}
	}
	return false
}

// notice writes a small valid document; each change is a replacement in it.
func notice(id string, changes ...string) string {
	text := `{"document":{"category":"csaf_security_advisory","csaf_version":"2.0","title":"Saltmere test",
"publisher":{"category":"user","name":"Port of Saltmere","namespace":"https://saltmere.example"},
"distribution":{"tlp":{"label":"WHITE"}},"tracking":{"id":"` + id + `","version":"2","status":"final",
"revision_history":[{"date":"2026-01-02T03:04:05Z","number":"1","summary":"First."},{"date":"2026-02-03T03:05:06Z","number":"2","summary":"Second."}],
"initial_release_date":"2026-01-02T03:04:05Z","current_release_date":"2026-02-03T04:05:06+01:00"}},
"product_tree":{"branches":[{"category":"vendor","name":"Acme ","branches":[{"category":"product_family","name":"Q3",
"branches":[{"category":"product_name","name":"Lens","branches":[{"category":"product_version_range","name":"<2",
"product":{"name":"Acme Lens <2","product_id":"1","product_identification_helper":{"model_numbers":["LX-1","Q3"]}}}]}]}]}]},
"vulnerabilities":[{"cve":"CVE-2026-0002","notes":[{"category":"summary","text":"b"}],"product_status":{"known_not_affected":["1"]}},
{"cve":"CVE-2026-0001","notes":[{"category":"summary","text":"a"}],"product_status":{"known_affected":["1"]},
"remediations":[{"category":"vendor_fix","details":"Install 2.","product_ids":["1"]}],
"scores":[{"products":["1"],"cvss_v3":{"version":"3.1","vectorString":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H","baseScore":9.8,"baseSeverity":"CRITICAL"}}]}]}`
	return strings.NewReplacer(changes...).Replace(text)
}

func TestDecodeTakesWhatIsLookedAt(t *testing.T) {
	got, err := Decode([]byte("\ufeff" + notice("SALT-1")))
	if err != nil {
		t.Fatal(err)
	}
	want := event.Advisory{ID: "SALT-1", Title: "Saltmere test", Version: "2", TLP: "WHITE", Publisher: "Port of Saltmere",
		Released: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), CVEs: []string{"CVE-2026-0001", "CVE-2026-0002"}, CVSS: 9.8,
		Vendors: []string{"Acme"}, Products: []string{"Q3 Lens", "Q3 Lens (LX-1)"},
		Weaknesses: []event.Weakness{{ID: "CVE-2026-0002"}, {ID: "CVE-2026-0001", CVSS: 9.8, System: "3.1", Vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}},
		Fixes:      []event.Fix{{Kind: "vendor_fix", Details: "Install 2."}},
		Advised: []event.AdvisedProduct{{Vendor: "Acme", Name: "Q3 Lens", Kind: "product_version_range", Version: "<2",
			Models: []string{"LX-1", "Q3"}, Cleared: []int{0}, Affected: []int{1}, Fixes: []int{0}}}}
	want.Time = time.Date(2026, 2, 3, 3, 5, 6, 0, time.UTC)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestUnsoundDocumentsAreNamedByPlace(t *testing.T) {
	deep := strings.Repeat(`{"category":"product_family","name":"f","branches":[`, 200) + strings.Repeat("]}", 200)
	tests := []struct{ name, text, want string }{
		{"empty", "", "is not JSON: it ends too early (RFC 8259)"},
		{"cut", notice("A")[:300], "is not JSON: it ends too early"},
		{"HTML", "<html>", "is not JSON at byte 0: invalid character"},
		{"two documents", notice("A") + notice("B"), "more behind the document"},
		{"list", "[]", "is a list, and must be an object"},
		{"no document", "{}", `"document" is missing (3.2)`},
		{"no category", notice("A", `"category":"csaf_security_advisory",`, ""), `/document: "category" is missing (3.2.1)`},
		{"wrong category", notice("A", "csaf_security_advisory", "csaf_security_incident_response"), "/document/category: is none of"},
		{"wrong version", notice("A", `"2.0"`, `"1.2"`), `/document/csaf_version: "1.2" is none of 2.0`},
		{"no id", notice(" "), "/document/tracking/id: \" \" is no tracking id"},
		{"id is a number", notice("A", `"id":"A"`, `"id":7`), "/document/tracking/id: is a number"},
		{"no date", notice("A", `"current_release_date":"2026-02-03T04:05:06+01:00"`, `"x":1`), `/document/tracking: "current_release_date" is missing`},
		{"odd date", notice("A", "2026-02-03T04:05:06+01:00", "3 February"), "/document/tracking/current_release_date: \"3 February\" is not a date-time"},
		{"odd CVE", notice("A", "CVE-2026-0001", "CVE-26-1"), "/vulnerabilities/1/cve: \"CVE-26-1\" is no CVE id"},
		{"odd score", notice("A", "9.8", "11"), "/vulnerabilities/1/scores/0/cvss_v3/baseScore: is no number from 0 to 10 (6.1.8)"},
		{"unknown product", notice("A", `"known_affected":["1"]`, `"known_affected":["2"]`), `/vulnerabilities/1/product_status/known_affected/0: product "2" is not defined (6.1.1)`},
		{"two faults", notice("A", `"known_affected":["1"]`, `"known_affected":["2","3"]`), "(6.1.1, and 1 more)"},
		{"branch is text", notice("A", `"branches":[{"category":"vendor"`, `"branches":"x","y":[{"category":"vendor"`), "branches: is text"},
		{"deep", notice("A", `"branches":[{"category":"vendor"`, `"branches":[`+deep+`,{"category":"vendor"`), "deeper than 200 levels"},
		{"long name", notice("A", `"Lens"`, `"`+strings.Repeat("x", 2001)+`"`), "/product_tree: product \"1\" has a name longer"},
		{"large", strings.Repeat(" ", maxDocument+1), "larger than 32 MiB"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Decode([]byte(tt.text))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Decode: %v; want %q", err, tt.want)
			}
		})
	}
}

// TestOtherFaultsAreCounted: what is wrong elsewhere does not keep a document
// from being understood.
func TestOtherFaultsAreCounted(t *testing.T) {
	a, err := Decode([]byte(notice("A", `"version":"2"`, `"version":"3"`)))
	if err != nil || a.Faults != 1 || a.Version != "3" {
		t.Errorf("%d faults, version %q, %v; want 1 (6.1.16)", a.Faults, a.Version, err)
	}
}

func TestPlacesThatDocumentsComeFrom(t *testing.T) {
	files := [][2]string{
		{"2026/a.json", notice("SALT-1")}, {"2026/a.json.sha256", "00"}, {"2026/b.JSON", notice("SALT-2")},
		{"2026/bad.json", "{"}, {"feed.json", `{"feed":{"entry":[]}}`}, {"provider-metadata.json", `{"canonical_url":"x"}`},
	}
	dir := t.TempDir()
	tree := filepath.Join(dir, "csaf")
	var plain bytes.Buffer
	w := tar.NewWriter(&plain)
	for _, f := range files {
		name := filepath.Join(tree, filepath.FromSlash(f[0]))
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(f[1]), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := w.WriteHeader(&tar.Header{Name: "./" + f[0], Mode: 0o600, Size: int64(len(f[1]))}); err != nil {
			t.Fatal(err)
		}
		_, _ = w.Write([]byte(f[1]))
	}
	_ = w.Close()
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = z.Write(plain.Bytes())
	_ = z.Close()
	squeezer, _ := zstd.NewWriter(nil)
	for name, text := range map[string][]byte{"csaf.tar": plain.Bytes(), "csaf.tgz": zipped.Bytes(), "csaf.tar.zst": squeezer.EncodeAll(plain.Bytes(), nil)} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"csaf", "csaf.tar", "csaf.tgz", "csaf.tar.zst"} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(dir, name)
			k, rejected := run(t, path)
			sep := "!"
			if name == "csaf" {
				sep = string(filepath.Separator)
			}
			var got []string
			k.mu.Lock()
			defer k.mu.Unlock()
			for _, a := range k.rows {
				got = append(got, a.ID+" "+a.Raw.Input)
			}
			want := []string{"SALT-1 " + path + sep + "2026/a.json", "SALT-2 " + path + sep + "2026/b.JSON"}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if len(rejected) != 1 || rejected[0].Document != path+sep+"2026/bad.json" || k.health.Rejected != 1 || k.health.Skipped != 3 {
				t.Errorf("rejected %v, counted %d, skipped %d; want bad.json, 1 and 3", rejected, k.health.Rejected, k.health.Skipped)
			}
		})
	}
	one, _ := run(t, filepath.Join(tree, "2026", "a.json"))
	if len(one.rows) != 1 {
		t.Errorf("one document: %d read", len(one.rows))
	}
}

func TestPlacesThatCannotBeRead(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	var plain bytes.Buffer
	w := tar.NewWriter(&plain)
	text := notice("SALT-1")
	_ = w.WriteHeader(&tar.Header{Name: "a.json", Mode: 0o600, Size: int64(len(text))})
	_, _ = w.Write([]byte(text))
	_ = w.WriteHeader(&tar.Header{Name: "b.json", Mode: 0o600, Size: 4000})
	_, _ = w.Write(bytes.Repeat([]byte(" "), 4000))
	squeezer, _ := zstd.NewWriter(nil)
	whole := squeezer.EncodeAll(plain.Bytes(), nil)
	tests := map[string]struct {
		path string
		rows int
	}{
		"nothing there":  {filepath.Join(dir, "none"), 0},
		"no archive":     {write("x.bin", []byte("neither tar nor JSON")), 0},
		"cut tar":        {write("cut.tar", plain.Bytes()[:4096]), 1},
		"cut zstd":       {write("cut.tar.zst", whole[:len(whole)/2]), 0},
		"gzip of nought": {write("cut.tgz", []byte{0x1f, 0x8b, 8}), 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			k := &keep{}
			s, _ := New(Options{ID: "csaf", Path: tt.path})
			err := s.Run(t.Context(), k)
			if err == nil || !strings.Contains(err.Error(), filepath.Base(tt.path)) {
				t.Errorf("Run: %v; want an error that names the file", err)
			}
			if k.health.State != "failed" || len(k.rows) != tt.rows {
				t.Errorf("state %s with %d documents; want failed with %d", k.health.State, len(k.rows), tt.rows)
			}
		})
	}
}

func TestLookingAgainTellsOnlyWhatIsNew(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("a.json", notice("SALT-1"))
	synctest.Test(t, func(t *testing.T) {
		k := &keep{}
		s, _ := New(Options{ID: "csaf", Path: dir, Every: time.Hour})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx, k) }()
		told := func(want ...string) {
			t.Helper()
			time.Sleep(61 * time.Minute) // of the bubble's clock
			synctest.Wait()
			var got []string
			k.mu.Lock()
			defer k.mu.Unlock()
			for _, a := range k.rows {
				got = append(got, a.ID+" "+a.Version)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		}
		told("SALT-1 2")
		write("b.json", notice("SALT-2"))
		told("SALT-1 2", "SALT-2 2")
		write("a.json", notice("SALT-1", `"version":"2"`, `"version":"3"`))
		told("SALT-1 2", "SALT-2 2", "SALT-1 3")
		cancel()
		<-done
	})
}

func TestLargeDocumentsMakeSmallBatches(t *testing.T) {
	dir := t.TempDir()
	var names strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&names, `{"name":"%s %d","product_id":"x%d"},`, strings.Repeat("x", 90), i, i)
	}
	text := notice("SALT-1", `"product_tree":{`, `"product_tree":{"full_product_names":[`+names.String()+`{"name":"y","product_id":"y"}],`)
	for i := range 20 {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%02d.json", i)), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if k, _ := run(t, dir); len(k.rows) != 20 || k.most > 3 {
		t.Errorf("%d rows, at most %d in a batch; want 20 and at most 3 (of 480 kB)", len(k.rows), k.most)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(notice("SALT-1")))
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := Decode(b)
		if err == nil && (a.ID == "" || a.Time.IsZero() && a.Time.Year() != 1 || a.CVSS < 0 || a.CVSS > 10) {
			t.Fatalf("an unsound document was taken: %+v", a)
		}
	})
}

func BenchmarkRealArchive(b *testing.B) {
	path := realArchive(b)
	for b.Loop() {
		if k, _ := run(b, path); len(k.rows) == 0 {
			b.Fatal("nothing was read")
		}
		runtime.GC()
	}
}
