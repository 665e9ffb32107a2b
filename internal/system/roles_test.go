package system

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/port"
	"github.com/quaywatch/quaywatch/internal/simulate"
	"github.com/quaywatch/quaywatch/internal/source/pcap"
	"github.com/quaywatch/quaywatch/internal/watch/network"
)

// roleOfKind are the labels: what the simulated port's register calls a device, as
// the roles call it. Kinds that stand for no role of their own are not scored.
var roleOfKind = map[string]string{
	"plc": "controller", "rtu": "controller", "drive": "controller", "safety-controller": "controller",
	"hmi": "operator station", "scada-server": "operator station", "engineering-station": "engineering station", "historian": "historian",
	"camera": "camera", "workstation": "workstation", "laptop": "workstation",
	"server": "server", "directory": "server", "mail": "server", "storage": "server", "application": "server", "tos-server": "server",
}

type toWatch struct{ *network.Watch }

func (s toWatch) Put(_ context.Context, b *event.Batch) error {
	s.Observe(b)
	return nil
}

// scores are counts of one role: found and right, found and wrong, not found.
type scores struct{ right, wrong, missed int }

// f1 is the harmonic mean of precision and recall.
func (s scores) f1() float64 { return 2 * float64(s.right) / float64(2*s.right+s.wrong+s.missed) }

// macroF1 is the mean of f1 over the roles that the labels have. "unknown" is an
// answer that finds nothing: it counts as missed.
func macroF1(labels, found map[string]string) (float64, map[string]scores) {
	by := map[string]scores{}
	for id, want := range labels {
		got := found[id]
		s := by[want]
		if got == want {
			s.right++
		} else {
			s.missed++
		}
		by[want] = s
		if _, is := roleOfLabel[got]; is && got != want {
			o := by[got]
			o.wrong++
			by[got] = o
		}
	}
	sum, n := 0.0, 0
	for role, s := range by {
		if s.right+s.missed > 0 && role != "" {
			sum += s.f1()
			n++
		}
	}
	return sum / float64(n), by
}

var roleOfLabel = func() map[string]bool {
	out := map[string]bool{}
	for _, r := range roleOfKind {
		out[r] = true
	}
	return out
}()

// simulatedRoles watches a simulated port without its register, and scores the
// roles of the devices that spoke.
func simulatedRoles(t *testing.T, o simulate.Options, long time.Duration) (float64, map[string]scores, int) {
	t.Helper()
	p := loadSaltmere(t)
	s, err := simulate.New(p, o)
	if err != nil {
		t.Fatal(err)
	}
	var capture bytes.Buffer
	if err := simulate.Run(context.Background(), s, simulate.Pace{Until: o.Start.Add(long)},
		simulate.Sinks{AIS: io.Discard, Pcap: &capture, Access: io.Discard, Truth: io.Discard, Radar: io.Discard}); err != nil {
		t.Fatal(err)
	}
	// Without the port file: roles must come from the traffic.
	w := network.New(nil, network.Options{}, nil)
	src := pcap.NewReader("sim", &capture, pcap.Options{Clock: func() time.Time { return o.Start }})
	if err := src.Run(context.Background(), toWatch{w}); err != nil {
		t.Fatal(err)
	}
	labels, found := map[string]string{}, map[string]string{}
	at := map[string]*port.Asset{}
	for i := range p.Assets {
		for _, d := range p.Assets[i].Addresses {
			if d.IP.IsValid() {
				at[d.IP.String()] = &p.Assets[i]
			}
		}
	}
	for _, h := range w.Picture().Hosts {
		for _, ip := range h.IPs {
			if a := at[ip]; a != nil && roleOfKind[a.Kind] != "" {
				labels[a.ID], found[a.ID] = roleOfKind[a.Kind], h.Role
			}
		}
	}
	f, by := macroF1(labels, found)
	return f, by, len(labels)
}

// TestRolesOfTheSimulatedPort scores roles on seeds that nothing was tuned on. It
// holds what is measured, which is below the goal (see docs/manual/network.md), so
// that it can't get worse unnoticed.
func TestRolesOfTheSimulatedPort(t *testing.T) {
	if testing.Short() {
		t.Skip("plays half an hour of a port three times")
	}
	start := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	for _, seed := range []uint64{9001, 9002} {
		for _, campaign := range []bool{false, true} {
			f, by, n := simulatedRoles(t, simulate.Options{Seed: seed, Start: start, Campaign: campaign, CampaignAt: start.Add(5 * time.Minute)}, 30*time.Minute)
			var roles []string
			for role, s := range by {
				roles = append(roles, fmt.Sprintf("%s %.2f (%d right, %d missed, %d wrong)", role, s.f1(), s.right, s.missed, s.wrong))
			}
			slices.Sort(roles)
			t.Logf("seed %d, campaign %v: macro-F1 %.3f over %d devices: %v", seed, campaign, f, n, roles)
			if n < 20 || f < leastF1 {
				t.Errorf("seed %d, campaign %v: macro-F1 %.3f over %d devices, held is %.2f", seed, campaign, f, n, leastF1)
			}
		}
	}
}

// leastF1 is what is held, a little under what was measured.
const leastF1 = 0.5
