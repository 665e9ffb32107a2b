package console

import (
	"testing"
	"time"

	"github.com/quaywatch/quaywatch/internal/watch/network"
)

// TestHostsChangeWithinAMoment: flows that are told late change hosts without
// moving the time of the picture; they are seen all the same.
func TestHostsChangeWithinAMoment(t *testing.T) {
	at := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	var cache hostCache
	hosts := []network.Host{{ID: "ip:10.1.0.1", Asset: "plc", Firmware: "1"}}
	before := cache.of(network.Picture{AsOf: at, Hosts: hosts})
	if again := cache.of(network.Picture{AsOf: at, Hosts: hosts}); again != before {
		t.Error("the same picture was indexed twice")
	}
	if later := cache.of(network.Picture{AsOf: at.Add(time.Second), Hosts: hosts}); !later.at.Equal(at.Add(time.Second)) || later.byAsset["plc"] != &hosts[0] {
		t.Errorf("a second later: as of %v", later.at)
	}
	changed := []network.Host{{ID: "ip:10.1.0.1", Asset: "plc", Firmware: "2"}}
	if got := cache.of(network.Picture{AsOf: at, Hosts: changed}).byAsset["plc"].Firmware; got != "2" {
		t.Errorf("firmware %s is shown, 2 was told", got)
	}
	if got := cache.of(network.Picture{AsOf: at}); len(got.byID) != 0 {
		t.Error("hosts that are gone are shown")
	}
}
