// Package internal holds the one test that keeps the direction of flow: which
// room may import which. An unlisted package fails it, so that a new room is a
// decision and not an accident.
package internal

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/quaywatch/quaywatch/"

// rooms maps each package to the packages of this repository that it may
// import. A name ending in /* stands for everything below it.
var rooms = map[string][]string{
	"cmd/quaywatch": {"internal/cli"},

	// Libraries for everybody: they import nothing of this repository.
	"ais": {},
	"ics": {},

	// Where the land is.
	"internal/coast": {},

	// The vocabulary.
	"internal/event":         {},
	"internal/strictyaml":    {},
	"internal/datadir":       {},
	"internal/csaf":          {},                // security advisories of OASIS CSAF 2.0: validated, read and written
	"internal/csaf/provider": {"internal/csaf"}, // fetches from a CSAF provider that the operator names
	"internal/sbom":          {},                // lists of what is inside a device: CycloneDX and SPDX
	"internal/freeze":        {},                // writes a state down and reads it back, for watches that learn
	"internal/port":          {"internal/strictyaml"},
	"internal/config":        {"internal/strictyaml"},
	"internal/finding":       {"internal/port", "internal/event"},

	// Bytes in, observations out.
	"internal/source":          {"internal/event"},
	"internal/source/ais":      {"internal/source", "internal/event", "ais"},
	"internal/source/pcap":     {"internal/source", "internal/event", "ics"},
	"internal/source/live":     {"internal/source", "internal/source/pcap"}, // packets of an interface, handed to the reader of captures
	"internal/source/tail":     {"internal/source", "internal/event"},       // reads logs that others write, for zeek and eve
	"internal/source/zeek":     {"internal/source", "internal/source/tail", "internal/event"},
	"internal/source/eve":      {"internal/source", "internal/source/tail", "internal/event"},
	"internal/source/access":   {"internal/source", "internal/event"},
	"internal/source/advisory": {"internal/source", "internal/event", "internal/csaf"},
	"internal/source/kev":      {"internal/source", "internal/event"},

	// What is true now, and what is wrong with it.
	"internal/watch":          {"internal/watch/*", "internal/port", "internal/event", "internal/finding"}, // joins the watches of one port, for system
	"internal/watch/vessel":   {"internal/port", "internal/event", "internal/finding", "internal/coast", "internal/freeze", "ais"},
	"internal/watch/network":  {"internal/port", "internal/event", "internal/finding", "internal/freeze", "ics"},
	"internal/watch/physical": {"internal/port", "internal/event", "internal/finding"},
	"internal/watch/health":   {"internal/port", "internal/event", "internal/finding"},
	"internal/watch/cross":    {"internal/port", "internal/event", "internal/finding"},
	"internal/replay":         {"ais"},                                                                                                        // plays a recording as a live feed
	"internal/trial":          {"ais", "internal/event", "internal/finding", "internal/port", "internal/source/ais", "internal/watch/vessel"}, // measures the vessel watch: attacks on captures, with the truth beside them
	"internal/feed":           {"ais", "internal/event", "internal/finding"},                                                                  // the AIS feed out: what was heard, cleaned and marked
	"internal/advisory":       {"internal/port", "internal/event", "internal/finding", "internal/csaf", "internal/sbom", "internal/strictyaml"},

	// What the rules of firewalls let through, and how that stands to the conduits.
	// A room of its own: text in, policy out, with an algebra that nobody else needs.
	"internal/firewall": {"internal/port"},

	// How an attacker moves.
	"internal/attackgraph": {"internal/port", "internal/finding", "internal/strictyaml"},

	// What stops with it.
	"internal/continuity": {"internal/port", "internal/finding"},

	// What it costs.
	"internal/risk":           {"internal/port", "internal/attackgraph", "internal/continuity", "internal/risk/loss", "internal/risk/portfolio", "internal/strictyaml"}, // strictyaml: the risk file
	"internal/risk/loss":      {},                                                                                                                                       // compound losses: simulation and the exact way
	"internal/risk/portfolio": {},                                                                                                                                       // the best treatments under budgets, proven

	// What a terminal holds, as its own system tells it: for the paper pack.
	"internal/cargo": {},

	// Documents for people.
	"internal/report": {"internal/port", "internal/cargo", "internal/risk", "internal/attackgraph", "internal/event", "internal/finding", "internal/advisory", "internal/watch/*"},

	// A simulated port writes wire formats; the product must find what it hid.
	"internal/simulate": {"internal/port", "internal/cargo", "internal/event", "ais", "ics"},

	// Keeping. The types of the stages, and nothing of the faces.
	"internal/stream":                {"internal/event"},
	"internal/store":                 {"internal/event", "internal/finding", "internal/source", "internal/identity", "internal/identity/audit", "internal/store/migrations"},
	"internal/store/sqlite":          {"internal/store", "internal/store/migrations", "internal/identity/audit"}, // audit: to verify a copy
	"internal/store/postgres":        {"internal/store", "internal/store/migrations"},
	"internal/store/migrations":      {},
	"internal/store/storetest":       {"internal/store", "internal/event", "internal/finding", "internal/identity", "internal/identity/*"},
	"internal/store/duckdb":          {"internal/event"},
	"internal/identity":              {"internal/config", "internal/port"},
	"internal/identity/audit":        {},
	"internal/identity/identitytest": {"internal/identity"}, // an in-memory store for the tests of identity and server

	// Faces: stages and identity, never a store or the stream.
	"internal/server":  {"internal/port", "internal/event", "internal/finding", "internal/identity", "internal/advisory", "internal/report", "internal/watch/*"},
	"internal/console": {"internal/coast", "internal/port", "internal/firewall", "internal/event", "internal/finding", "internal/identity", "internal/advisory", "internal/report", "internal/watch/*", "internal/attackgraph", "internal/continuity", "internal/risk", "internal/server", "internal/console/assets"}, // server: the Pages interface that the console draws

	"internal/console/assets":      {},    // the committed bundles
	"internal/console/consoletest": {"*"}, // a made-up port for the tests of the console

	// The composition root sees all; nothing but the command line sees it.
	"internal/system": {"*"},
	"internal/cli":    {"*"}, // offline commands run one stage by themselves
	"internal":        {},

	"examples": {}, // the example ports, embedded

	"tools/coastbuild":  {},
	"tools/load":        {"ais"}, // writes the AIS of a whole sea
	"tools/bigcap":      {},      // a large capture for the bench, and the plain peer
	"tools/webbuild":    {},
	"tools/screenshots": {},
}

// forbidden third-party imports, each with the reason.
var forbidden = []struct {
	path, why string
	except    []string
}{
	{"github.com/nats-io/", "the stream is an engine: only internal/stream speaks NATS", []string{"internal/stream"}},
	{"github.com/duckdb/", "telemetry is an engine: only internal/store/duckdb speaks DuckDB", []string{"internal/store/duckdb"}},
	{"modernc.org/sqlite", "records are an engine", []string{"internal/store/sqlite"}},
	{"github.com/jackc/pgx", "records are an engine", []string{"internal/store/postgres", "internal/store/storetest"}},
	{"database/sql", "SQL stays in the stores", []string{"internal/store", "internal/store/*", "internal/cli"}},
	{"github.com/stretchr/testify", "no assertion library: tables and plain comparisons", nil},
	{"math/rand\"", "math/rand/v2 has no hidden global seed", nil},
}

type pkg struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
}

func packages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports,TestImports,XTestImports", "./...")
	cmd.Dir = ".."
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []pkg
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

func matches(pattern, path string) bool {
	prefix, all := strings.CutSuffix(pattern, "*")
	return pattern == path || all && strings.HasPrefix(path, prefix)
}

func TestDirectionOfFlow(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range packages(t) {
		room := strings.TrimPrefix(p.ImportPath, module)
		seen[room] = true
		may, listed := rooms[room]
		if !listed {
			t.Errorf("%s is not in the import map: say in internal/arch_test.go what it may import, and why it is a room", room)
			continue
		}
		for _, imp := range p.Imports {
			if dep, ours := strings.CutPrefix(imp, module); ours && !slices.ContainsFunc(may, func(m string) bool { return matches(m, dep) }) {
				t.Errorf("%s imports %s: data flows one way, see the import map", room, dep)
			}
		}
		for _, f := range forbidden {
			if slices.ContainsFunc(f.except, func(e string) bool { return matches(e, room) }) {
				continue
			}
			for _, imp := range p.Imports {
				if strings.HasPrefix(imp+`"`, f.path) {
					t.Errorf("%s imports %s: %s", room, imp, f.why)
				}
			}
		}
	}
	for room := range rooms {
		if !seen[room] {
			t.Errorf("the import map lists %s, which is not there", room)
		}
	}
}

// TestPackagesSayWhatTheyAre holds the house style: each package opens with a
// paragraph, and no room has a name that says nothing.
func TestPackagesSayWhatTheyAre(t *testing.T) {
	for _, p := range packages(t) {
		room := strings.TrimPrefix(p.ImportPath, module)
		if room == "internal" {
			continue // this test, which is no package to import
		}
		switch name := filepath.Base(room); name {
		case "util", "utils", "common", "models", "helpers", "base", "misc":
			t.Errorf("%s: the name says nothing", room)
		}
		out, err := exec.Command("go", "doc", p.ImportPath).CombinedOutput()
		if err != nil {
			t.Errorf("go doc %s: %v", room, err)
			continue
		}
		doc := string(out)
		if head, rest, ok := strings.Cut(doc, "\n\n"); ok && strings.HasPrefix(head, "package ") {
			doc = rest // a command has no such line
		}
		words := len(strings.Fields(strings.SplitN(doc, "\nconst ", 2)[0]))
		if words < 12 {
			t.Errorf("%s does not say in its package comment what it is and why (%d words)", room, words)
		}
	}
}

// TestProjectSpeaksOfItself looks for paths of a build machine and for files
// that belong to others in what is committed.
func TestProjectSpeaksOfItself(t *testing.T) {
	out, err := exec.Command("git", "-C", "..", "ls-files", "-z").Output()
	if err != nil {
		t.Skipf("not a git checkout (%v): nothing to look through", err)
	}
	for _, name := range strings.Split(strings.TrimRight(string(out), "\x00"), "\x00") {
		b, err := os.ReadFile(filepath.Join("..", name))
		if err != nil || len(b) > 1<<20 || name == "internal/arch_test.go" {
			continue
		}
		for _, word := range []string{"/work" + "/", "/root" + "/"} {
			if strings.Contains(string(b), word) {
				t.Errorf("%s contains the path of a machine: %s", name, word)
			}
		}
	}
}
