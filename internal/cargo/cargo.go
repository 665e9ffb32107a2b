// Package cargo reads snapshots of what a terminal holds: its units with their
// places, set points, dangers, holds and releases, and the calls of ships. It
// exists so that a port can go on with paper when the terminal operating system
// is dead or not to be trusted. A snapshot is a directory of CSV files with their
// checksums, written by an export that runs all the time; the newest that is
// whole and was taken before the trouble began is the one to print. It imports
// nothing of the project; report, simulate and the faces import it.
package cargo

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Unit is one container in the terminal.
type Unit struct {
	ID       string // ISO 6346: owner, category, serial number and check digit, such as CSQU3054383
	SizeType string // ISO 6346 code, such as 45R1
	Status   string // import, export, transshipment, empty
	Place    Place
	WeightKg int
	Call     string   // the call it came or goes with
	SetPoint *float64 // °C; nil: not a reefer at work
	Class    string   // IMDG class or division, such as 3 or 2.1; "" is not dangerous
	UN       string   // UN number of four digits
	Hold     string   // who holds it and why; "" is none
	Released time.Time
}

// Place is where a unit stands.
type Place struct {
	Block          string
	Bay, Row, Tier int
}

func (p Place) String() string { return fmt.Sprintf("%s-%02d-%02d-%d", p.Block, p.Bay, p.Row, p.Tier) }

// Compare orders places by block, bay, row and tier.
func (p Place) Compare(q Place) int {
	if c := strings.Compare(p.Block, q.Block); c != 0 {
		return c
	}
	for _, d := range [3]int{p.Bay - q.Bay, p.Row - q.Row, p.Tier - q.Tier} {
		if d != 0 {
			return d
		}
	}
	return 0
}

// Call is a ship at a berth, or one that is due.
type Call struct {
	ID, Vessel, Berth string
	IMO               int
	Arrives, Departs  time.Time
}

// Bay is what is to be done in one bay of a ship.
type Bay struct {
	Call                             string
	Bay                              int
	Discharge, Load, Reefers, Danger int // units
}

// Bounds of a snapshot.
const (
	maxUnits = 300_000
	maxText  = 120 // bytes of one field
)

// parsePlace reads block-bay-row-tier.
func parsePlace(s string) (Place, error) {
	parts := strings.Split(s, "-")
	if len(parts) != 4 || parts[0] == "" {
		return Place{}, fmt.Errorf("position %q: write block-bay-row-tier, such as A-07-03-2", s)
	}
	p := Place{Block: parts[0]}
	for i, to := range []*int{&p.Bay, &p.Row, &p.Tier} {
		n, err := strconv.Atoi(parts[i+1])
		if err != nil || n < 0 || n > 999 {
			return Place{}, fmt.Errorf("position %q: %q is no number from 0 to 999", s, parts[i+1])
		}
		*to = n
	}
	return p, nil
}

var errNumber = errors.New("is no container number: four letters, six digits and a check digit (ISO 6346)")

// CheckDigit is the last digit of a container number after ISO 6346 clause 4.1:
// the values of the first ten characters, letters from 10 without the multiples of
// eleven, weighted with powers of two, modulo eleven and ten. The number has at
// least ten characters, four of them capitals and six digits.
func CheckDigit(number string) int {
	sum := 0
	for i := range 10 {
		v := int(number[i] - '0')
		if c := number[i]; c >= 'A' {
			v = int(c-'A') + 10
			v += (v - 1) / 10 // 11, 22 and 33 are left out
		}
		sum += v << i
	}
	return sum % 11 % 10
}

// checkNumber says what is wrong with a container number.
func checkNumber(s string) error {
	if len(s) != 11 {
		return errNumber
	}
	for i := range 11 {
		c := s[i]
		if (i < 4 && (c < 'A' || c > 'Z')) || (i >= 4 && (c < '0' || c > '9')) {
			return errNumber
		}
	}
	if !strings.ContainsRune("UJZ", rune(s[3])) {
		return fmt.Errorf("has category %c: U, J or Z (ISO 6346)", s[3])
	}
	if d := CheckDigit(s); int(s[10]-'0') != d {
		return fmt.Errorf("has check digit %c, and should have %d (ISO 6346): a wrong number sends the wrong box out", s[10], d)
	}
	return nil
}

// classes are the classes and divisions of the IMDG Code, chapter 2.
var classes = strings.Fields("1 1.1 1.2 1.3 1.4 1.5 1.6 2.1 2.2 2.3 3 4.1 4.2 4.3 5.1 5.2 6.1 6.2 7 8 9")
