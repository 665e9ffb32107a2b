package console_test

import (
	"testing"

	"github.com/quaywatch/quaywatch/internal/port"
)

// TestSaltmere draws every page of the example port: what its authors declare
// is not always what a small test port holds.
func TestSaltmere(t *testing.T) {
	p, err := port.Load("../../examples/saltmere")
	if err != nil {
		t.Fatal(err)
	}
	d := depsOf(newWorld(t, 0, 0))
	d.Port = func() *port.Port { return p }
	h := signedIn(newConsole(t, d))
	for _, path := range []string{"/", "/findings", attack, "/inventory", "/zones", "/people", "/vessels", "/port", "/sources", "/map/port.json", "/map/live.json"} {
		w := get(h, path)
		if w.Code != 200 || w.Body.Len() > 700_000 {
			t.Errorf("%s answers %d with %d bytes", path, w.Code, w.Body.Len())
		}
	}
	for i := range p.Assets {
		if w := get(h, "/inventory/"+p.Assets[i].ID); w.Code != 200 {
			t.Errorf("asset %s answers %d", p.Assets[i].ID, w.Code)
		}
	}
	for _, c := range p.Conduits {
		if w := get(h, "/zones/"+c.From+"/"+c.To); w.Code != 200 {
			t.Errorf("pair of conduit %s answers %d", c.ID, w.Code)
		}
	}
}
