package port

import (
	"os"
	"path/filepath"
	"testing"
)

// TestSaltmereIsGood holds the port that ships as an example against all checks.
func TestSaltmereIsGood(t *testing.T) {
	for _, path := range []string{"../../examples/saltmere", "../../examples/saltmere/port.yaml"} {
		p, problems := Check(filepath.FromSlash(path), today)
		if p == nil || len(problems) > 0 {
			t.Fatal(problems)
		}
	}
	if _, err := os.Stat("../../examples/saltmere/assets.csv"); err != nil {
		t.Error("the example shows the inventory in CSV too:", err)
	}
}

// BenchmarkPeerYAML only parses the same ten thousand assets with the YAML
// library, which is the floor of BenchmarkLoad/yaml.
func BenchmarkPeerYAML(b *testing.B) {
	text, _ := manyAssets(10_000)
	data := []byte(text)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		parseOnly(b, data)
	}
}
