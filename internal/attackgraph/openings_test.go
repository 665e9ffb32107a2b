package attackgraph

import (
	"reflect"
	"slices"
	"testing"
)

// TestOpenedRule gives an opened rule of a firewall and takes it back: the way
// through it is there, named, and gone again with exactly the earlier answer.
func TestOpenedRule(t *testing.T) {
	m := saltmere(t, nil)
	before := ask(t, m, "office-net", "crane-scada-1", 3)
	opening := Opening{Rule: "fw-core-1 policy 901", Zone: "office-net", Host: "crane-scada-1", Service: Service("tcp", 3389, "rdp"), Where: "fw-core-1.conf:334"}
	must(t, Let(m, []Opening{opening}))
	opened := ask(t, m, "office-net", "crane-scada-1", 3)
	best := opened.Paths[0]
	if !slices.Contains(best.Breaks, "close fw-core-1 policy 901") || !slices.Contains(texts(best), "firewall") {
		t.Errorf("the opened rule is not the best way: %v, broken by %v", texts(best), best.Breaks)
	}
	if best.Chance[1] <= before.Paths[0].Chance[1] {
		t.Errorf("the chance did not rise: %v, before %v", best.Chance, before.Paths[0].Chance)
	}
	must(t, Forget(m, FromFirewalls))
	if after := ask(t, m, "office-net", "crane-scada-1", 3); !reflect.DeepEqual(after, before) {
		t.Errorf("after the rule was closed the answer is not the earlier one: %+v, before %+v", after, before)
	}
	opening.Part = true
	must(t, Let(m, []Opening{opening}))
	part := ask(t, m, "office-net", "crane-scada-1", 3)
	if part.Paths[0].Chance[1] >= best.Chance[1] {
		t.Errorf("a rule for some addresses counts as much as one for all: %v", part.Paths[0].Chance)
	}
}
