package console

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/port"
)

// lines writes a tree, a line a node, indented by depth.
func lines(n *treeNode, depth int) (out []string) {
	text := strings.Repeat(" ", depth) + n.Words + n.ID
	if n.Alone {
		text += " alone"
	}
	if n.Findings > 0 {
		text += fmt.Sprintf(" %d %s", n.Findings, n.Worst)
	}
	out = append(out, text)
	for i := range n.Kids {
		out = append(out, lines(&n.Kids[i], depth+1)...)
	}
	return out
}

// TestServiceTree: the tree holds all, any and k of n, other services with what they need,
// and marks what stops the root by itself; each thing is counted once.
func TestServiceTree(t *testing.T) {
	text := `port: {name: P, locode: XZSLM, time_zone: UTC, currency: EUR, security_level: 1, centre: [1, 2]}
zones: [{id: z, name: Z, domain: ot, level: 2, networks: [10.0.0.0/24]}]
assets:
`
	for i, id := range []string{"a", "b", "c", "d", "e", "f", "g"} {
		text += fmt.Sprintf("  - {id: %s, name: %s, domain: ot, kind: server, zone: z, addresses: [{ip: 10.0.0.%d}]}\n", id, strings.ToUpper(id), i+1)
	}
	text += `services:
  - {id: base, name: Base, unit: "%", capacity: 100, needs: {all: [a, {any: [b, c]}]}}
  - {id: top, name: Top, unit: "%", capacity: 100, needs: {all: [base, {k_of_n: {k: 2, of: [d, e, f]}}, {any: [g, {all: [b, d]}]}]}}
  - {id: bare, name: Bare, unit: "%", capacity: 100}
`
	p, problems := port.Parse("p.yaml", []byte(text), time.Now())
	if p == nil || p.Service("top") == nil {
		t.Fatal(problems)
	}
	got := treeOf(p, p.Service("top"), map[string]tally{"b": {2, finding.Alarm}, "base": {1, finding.Advice}})
	want := []string{"top", " all of", "  base alone 1 advice", "   all of", "    a alone", "    any of", "     b 2 alarm", "     c",
		"  2 of these 3", "   d", "   e", "   f", "  any of", "   g", "   all of", "    b 2 alarm", "    d"}
	if l := lines(&got.Root, 0); !slices.Equal(l, want) {
		t.Errorf("%s\nwant\n%s", strings.Join(l, "\n"), strings.Join(want, "\n"))
	}
	if got.Things != 8 || !slices.Equal(got.Alone, []string{"a", "base"}) {
		t.Errorf("%d things, alone %q", got.Things, got.Alone)
	}
	if bare := treeOf(p, p.Service("bare"), nil); bare.Things != 0 || len(bare.Root.Kids) != 0 {
		t.Errorf("a service that says nothing stands on %+v", bare.Root)
	}
}
