package simulate

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/quaywatch/quaywatch/internal/cargo"
)

// Yard is what the simulated terminal holds at a moment: a snapshot as its
// operating system would export it. The same seed and moment give the same yard.
// The owner codes are none of the register: all numbers are made up, and right.
func Yard(seed uint64, at time.Time) *cargo.Snapshot {
	r := rand.New(rand.NewPCG(seed, uint64(at.Unix()))) //nolint:gosec // a simulation, not a secret
	s := &cargo.Snapshot{Taken: at.UTC().Truncate(time.Second)}
	for i := range 4 {
		c := cargo.Call{ID: fmt.Sprintf("C%02d", i+1), Vessel: fmt.Sprintf("MV Saltmere %d", i+1), Berth: fmt.Sprintf("Berth %d", i%3+1), Arrives: s.Taken.Add(time.Duration(i*11-9) * time.Hour)}
		c.Departs = c.Arrives.Add(22 * time.Hour)
		s.Calls = append(s.Calls, c)
		for bay := 1; bay <= 9; bay += 2 {
			s.Stowage = append(s.Stowage, cargo.Bay{Call: c.ID, Bay: bay, Discharge: 20 + r.IntN(60), Load: 20 + r.IntN(60), Reefers: r.IntN(9), Danger: r.IntN(5)})
		}
	}
	serial := 100_000 + r.IntN(500_000)
	for _, block := range []string{"A", "B", "C", "D"} {
		for bay := 1; bay <= 15; bay += 2 {
			for row := 1; row <= 6; row++ {
				for tier := 1; tier <= 1+r.IntN(4); tier++ {
					serial += 1 + r.IntN(40)
					s.Units = append(s.Units, box(r, s, serial, cargo.Place{Block: block, Bay: bay, Row: row, Tier: tier}))
				}
			}
		}
	}
	return s
}

var dangers = []struct{ class, un string }{{"2.1", "1965"}, {"3", "1263"}, {"4.1", "1325"}, {"5.1", "1942"}, {"6.1", "2810"}, {"8", "1830"}, {"9", "3480"}}

func box(r *rand.Rand, s *cargo.Snapshot, serial int, at cargo.Place) cargo.Unit {
	number := fmt.Sprintf("XSMU%06d", serial%1_000_000)
	u := cargo.Unit{ID: number + string(rune('0'+cargo.CheckDigit(number))), SizeType: []string{"22G1", "42G1", "45G1"}[r.IntN(3)], Status: []string{"import", "export", "transshipment"}[r.IntN(3)],
		Place: at, WeightKg: 4000 + 50*r.IntN(480), Call: s.Calls[r.IntN(len(s.Calls))].ID}
	switch {
	case at.Block == "D" && at.Tier <= 2: // where the plugs are
		u.SizeType = "45R1"
		c := []float64{-18, -20, 2, 5, 13.5}[r.IntN(5)]
		u.SetPoint = &c
	case r.IntN(25) == 0:
		d := dangers[r.IntN(len(dangers))]
		u.Class, u.UN = d.class, d.un
	}
	if u.Status == "import" {
		switch r.IntN(12) {
		case 0:
			u.Hold = "customs: documents"
		case 1:
			u.Hold = "customs: scan"
		case 2, 3, 4:
			u.Released = s.Taken.Add(-time.Duration(r.IntN(40)) * time.Hour).Truncate(time.Minute)
		}
	}
	return u
}
