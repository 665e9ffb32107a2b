package ais

import "testing"

func TestStationOf(t *testing.T) {
	for mmsi, want := range map[uint32]Station{227006760: Ship, 2275200: Coast, 22700001: Group, 111265591: SARAircraft, 823456789: Handheld,
		970123456: SART, 972123456: ManOverboard, 974123456: EPIRB, 982270012: Auxiliary, 992190934: AidToNavigate,
		0: Invalid, 1: Invalid, 123456789: Invalid, 1193046: Invalid, 199000000: Invalid, 776000000: Invalid, 1073741823: Invalid, 990010000: Invalid} {
		if got := StationOf(mmsi); got != want {
			t.Errorf("%d: %v, want %v", mmsi, got, want)
		}
	}
}

func TestValidIMO(t *testing.T) {
	for n, want := range map[uint32]bool{9134270: true, 9074729: true, 9074728: false, 0: true, 1234: false, 12345678: true, 1234567: true} {
		if got := ValidIMO(n); got != want {
			t.Errorf("%d: %v", n, got)
		}
	}
}
