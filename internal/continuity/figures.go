// Package continuity simulates the services of the port under disruption: what
// stops and what goes on, what waits, what it costs the operator and what it
// costs others, when it is back to normal, and in which order repair brings
// back the most. It imports port and finding; risk, response, report and the
// faces import it.
//
// A terminal is a flow of cargo between ship and land in steps of an hour:
// ships come one by one and are worked at berths, cargo waits in the storage,
// leaves by road and rail. Each part is as fast as the services behind it
// allow, which follow the needs declared in the port file; where a service is
// down, people go on by hand as far as that is declared. Every figure that the
// port file does not give is assumed within a range, drawn anew for each run,
// and told. A disrupted run and its undisturbed twin draw the same numbers, so
// their difference is the disruption.
package continuity

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/quaywatch/quaywatch/internal/port"
)

// Assumption is a figure that the port file does not give.
type Assumption struct {
	Of    string  `json:"of"`    // terminal or service
	Field string  `json:"field"` // as the port file would name it
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
	Basis string  `json:"basis"`
}

func (a Assumption) String() string {
	return fmt.Sprintf("%s of %s is not declared: %g to %g is assumed (%s)", a.Field, a.Of, a.Low, a.High, a.Basis)
}

// figures are the values of a terminal's figures in one run, in the order of
// port.Figures.
type figures struct {
	Berths, CallsPerWeek, UnitsPerCall, DischargeShare, ShareOfQuay, Storage            float64
	ImportDwellDays, ExportDwellDays, RailShare, UnitsPerTruck, UnitsPerTrain           float64
	TruckPark, TruckPatience, ReleaseShare, ReeferShare, ReeferHoldHours, PatienceHours float64
	MarginPerUnit, ShipHourClaim, LateUnitDay, ReeferClaim, StaffHour                   float64
	EconomyShipHour, EconomyUnitDay, EconomyTruckHour, EconomyDiverted                  float64
}

// usual is what is assumed where a figure is not given. Money is in euro or
// dollar at this precision; a port with another currency has to declare its own.
var usual = map[string]struct {
	low, high float64
	kinds     string // terminal kinds that it applies to; empty: all
	basis     string
}{
	"berths":             {1, 4, "", "judgement"},
	"calls_per_week":     {4, 14, "", "judgement"},
	"units_per_call":     {600, 1500, "container", "judgement; call sizes of medium ports"},
	"discharge_share":    {0.45, 0.55, "", "trade is roughly balanced in units"},
	"share_of_quay":      {0.4, 0.6, "", "two to four cranes a ship"},
	"storage":            {0, 0, "", "twice what the usual dwell fills"},
	"import_dwell_days":  {3, 7, "", "judgement; published averages of container terminals"},
	"export_dwell_days":  {3, 6, "", "judgement"},
	"rail_share":         {0, 0.3, "", "judgement"},
	"units_per_truck":    {1, 1.6, "", "one way or both loaded"},
	"units_per_train":    {50, 100, "", "judgement"},
	"truck_park":         {50, 300, "", "judgement"},
	"truck_patience":     {4, 14, "", "judgement; queues of 6 h in Nagoya 2023 and 14 h in Durban 2021"},
	"release_share":      {0.05, 0.4, "container", "judgement"},
	"reefer_share":       {0.02, 0.08, "container", "judgement"},
	"reefer_hold_hours":  {12, 36, "container", "judgement; cargo and weather"},
	"patience_hours":     {48, 168, "", "lines divert after days, not hours"},
	"margin_per_unit":    {30, 90, "container", "judgement"},
	"ship_hour_claim":    {500, 3000, "", "judgement; claims and lost slots"},
	"late_unit_day":      {0, 15, "container", "judgement"},
	"reefer_claim":       {5000, 40000, "container", "judgement; value of a cold load, part of it lost"},
	"staff_hour":         {25, 60, "", "judgement"},
	"economy_ship_hour":  {1500, 6000, "", "charter and fuel of a medium ship"},
	"economy_unit_day":   {40, 250, "container", "judgement; 0.1 to 0.6 % of a cargo value of 40,000 a day"},
	"economy_truck_hour": {40, 90, "", "driver and vehicle"},
	"economy_diverted":   {200, 1000, "container", "carriage from another port"},
}

// manualFraction is what is assumed of manual working where none is declared.
// Published outages run from a tenth to four fifths (Transnet 2021, Maersk 2017),
// and none at all is possible.
var manualFraction = [2]float64{0, 0.8}

// ranges are the bounds of a terminal's figures, with what is assumed.
func ranges(t *port.Terminal) (low, high figures, assumed []Assumption) {
	given := reflect.ValueOf(t.Figures)
	l, h := reflect.ValueOf(&low).Elem(), reflect.ValueOf(&high).Elem()
	for i := range given.NumField() {
		field := given.Type().Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		lo, hi := l.FieldByName(field.Name), h.FieldByName(field.Name)
		if f, ok := given.Field(i).Interface().(*port.Figure); ok && f != nil {
			lo.SetFloat(f.Low)
			hi.SetFloat(f.High)
			continue
		}
		u := usual[name]
		if u.kinds != "" && u.kinds != t.Kind {
			continue // has no meaning there: zero
		}
		lo.SetFloat(u.low)
		hi.SetFloat(u.high)
		if needs(t, name) {
			assumed = append(assumed, Assumption{Of: t.ID, Field: name, Low: u.low, High: u.high, Basis: u.basis})
		}
	}
	return low, high, assumed
}

// needs reports whether a figure has an effect on the terminal.
func needs(t *port.Terminal, name string) bool {
	switch name {
	case "rail_share", "units_per_train":
		return t.Rail != ""
	case "units_per_truck", "truck_park", "truck_patience", "economy_truck_hour":
		return t.Gate != ""
	case "release_share":
		return t.Release != ""
	case "reefer_share", "reefer_hold_hours", "reefer_claim":
		return t.Reefers != ""
	}
	return true
}
