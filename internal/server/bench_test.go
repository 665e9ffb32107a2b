package server

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/quaywatch/quaywatch/internal/identity"
	"github.com/quaywatch/quaywatch/internal/port"
)

// BenchmarkAssets is one filtered page out of ten thousand assets, with the
// token, the rights and the headers; the goal for a page is 50 ms.
func BenchmarkAssets(b *testing.B) {
	declared := testPort()
	declared.Assets = nil
	for i := range 10_000 {
		declared.Assets = append(declared.Assets, port.Asset{ID: fmt.Sprintf("asset-%05d", i), Name: "Crane", Domain: port.OT, Kind: "crane", Zone: "quay"})
	}
	f := newFixture(b, func(d *Deps) { d.Port = func() *port.Port { return declared } }).accounts()
	for b.Loop() {
		if a := f.api(identity.CSO, http.MethodGet, "/api/v1/assets?text=999&limit=100", ""); a.StatusCode != http.StatusOK {
			b.Fatal(a.body)
		}
	}
}
