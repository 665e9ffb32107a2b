package system

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quaywatch/quaywatch/internal/config"
	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/port"
)

// What the tests of the whole chain share: a port, recordings, an analysis and
// its results read back as a user would read them.

var update = flag.Bool("update", false, "write the golden files of testdata/scenarios anew")

const examplePort = "../../examples/saltmere/port.yaml"

func loadSaltmere(t testing.TB) *port.Port {
	t.Helper()
	p, err := port.Load(examplePort)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// shared is a file of the shared test data; without it the test is skipped,
// because real recordings are not kept in the repository.
func shared(t testing.TB, path ...string) string {
	t.Helper()
	root := os.Getenv("QUAYWATCH_TESTDATA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "data")
	}
	file := filepath.Join(append([]string{root}, path...)...)
	if _, err := os.Stat(file); err != nil {
		t.Skipf("test data is not there: %v (set QUAYWATCH_TESTDATA)", err)
	}
	return file
}

// accessColumns are those that the simulated port writes.
func accessColumns() *config.Access {
	return &config.Access{Columns: config.Columns{Time: "time", Reader: "reader", Badge: "badge", Person: "person",
		Result: "result", Direction: "direction", Reason: "reason"}}
}

// recording is one input of an analysis, by kind and path.
func recording(t testing.TB, kind, path string) Feed {
	t.Helper()
	c := config.Source{Kind: kind, Address: path, ID: kind + ":" + filepath.Base(path)}
	if kind == config.KindAccess {
		c.Access = accessColumns()
	}
	if kind == config.KindContacts {
		c.Sensor = "north-head-radar"
	}
	f, err := Recording(c, loadSaltmere(t))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// analyseInto runs one analysis and reads its findings back.
func analyseInto(t testing.TB, dir string, feeds ...Feed) (*Outcome, []finding.Finding) {
	t.Helper()
	out, err := Analyse(context.Background(), AnalyseOptions{Port: loadSaltmere(t), Feeds: feeds, Out: dir})
	if err != nil {
		t.Fatal(err)
	}
	return out, readFindings(t, dir)
}

func readFindings(t testing.TB, dir string) []finding.Finding {
	t.Helper()
	return readLines[finding.Finding](t, filepath.Join(dir, "findings.ndjson"))
}

// readLines reads one JSON object a line.
func readLines[T any](t testing.TB, path string) []T {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out []T
	lines := bufio.NewScanner(bytes.NewReader(b))
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var v T
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		out = append(out, v)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// followEvidence reads the bytes of every fact again at the place that it names
// and compares their SHA-256. It returns how many were followed.
func followEvidence(t testing.TB, findings []finding.Finding) int {
	t.Helper()
	files := map[string][]byte{}
	n := 0
	for _, f := range findings {
		for _, fact := range f.Facts {
			e := fact.Evidence
			if e.Seen.IsZero() || e.Time.IsZero() || fact.Time.IsZero() {
				t.Errorf("%s of %s: the fact %q has no time: %+v", f.Rule, f.Subject.ID, fact.Text, e)
			}
			if e.Raw.Length == 0 {
				continue
			}
			content, ok := files[e.Raw.Input]
			if !ok {
				var err error
				if content, err = os.ReadFile(e.Raw.Input); err != nil {
					t.Errorf("%s of %s: %v", f.Rule, f.Subject.ID, err)
				}
				files[e.Raw.Input] = content
			}
			end := e.Raw.Offset + int64(e.Raw.Length)
			if e.Raw.Offset < 0 || end > int64(len(content)) {
				t.Errorf("%s of %s: %s lies outside the file", f.Rule, f.Subject.ID, e.Raw.Where())
				continue
			}
			span := content[e.Raw.Offset:end]
			if event.SumOf(span) != e.Raw.Sum {
				t.Errorf("%s of %s: %s has another hash than the evidence", f.Rule, f.Subject.ID, e.Raw.Where())
			}
			if len(e.Raw.Text) > 0 && !bytes.HasPrefix(span, e.Raw.Text) {
				t.Errorf("%s of %s: %s holds other bytes than the evidence shows", f.Rule, f.Subject.ID, e.Raw.Where())
			}
			n++
		}
	}
	return n
}

// about reports whether a finding names a subject: as its own, in its links or
// in the words of a fact.
func about(f *finding.Finding, id string) bool {
	if f.Subject.ID == id {
		return true
	}
	for _, l := range f.Links {
		if l.ID == id {
			return true
		}
	}
	for _, fact := range f.Facts {
		if strings.Contains(fact.Text, id) {
			return true
		}
	}
	return false
}
