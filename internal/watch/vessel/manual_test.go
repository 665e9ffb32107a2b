package vessel_test

import (
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/quaywatch/quaywatch/internal/watch/vessel"
)

// The manual has a row for each rule, and for no other.
func TestManualHasEveryRule(t *testing.T) {
	text, err := os.ReadFile("../../../docs/manual/vessels.md")
	if err != nil {
		t.Fatal(err)
	}
	var rows []string
	for _, m := range regexp.MustCompile("(?m)^\\| `(vessel\\.[a-z-]+)`.*\\|$").FindAllStringSubmatch(string(text), -1) {
		rows = append(rows, m[1])
	}
	slices.Sort(rows)
	if rules := vessel.Rules(); !slices.Equal(rows, rules) {
		t.Errorf("the manual has rows for\n%q\nand the watch tells\n%q", rows, rules)
	}
}
