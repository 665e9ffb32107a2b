package console

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/a-h/templ"

	"github.com/quaywatch/quaywatch/internal/port"
	"github.com/quaywatch/quaywatch/internal/watch/vessel"
)

// Columns that tables can be sorted by. Names go from A, measures from the
// greatest, ages from the oldest: what one looks for by that column comes first.

var vesselOrders = map[string]func(a, b *vessel.Track) int{
	"name":        func(a, b *vessel.Track) int { return byName(trackName(*a), trackName(*b)) },
	"mmsi":        func(a, b *vessel.Track) int { return cmp.Compare(a.MMSI, b.MMSI) },
	"kind":        func(a, b *vessel.Track) int { return cmp.Compare(a.Kind, b.Kind) },
	"speed":       func(a, b *vessel.Track) int { return cmp.Compare(orNone(b.SOG), orNone(a.SOG)) },
	"length":      func(a, b *vessel.Track) int { return cmp.Compare(b.Length, a.Length) },
	"destination": func(a, b *vessel.Track) int { return lastIfEmpty(a.Destination, b.Destination) },
	"heard":       func(a, b *vessel.Track) int { return a.LastHeard.Compare(b.LastHeard) },
}

var criticalities = []string{"", "low", "medium", "high", "critical"}

var assetOrders = map[string]func(a, b assetRow) int{
	"name": func(a, b assetRow) int { return byName(a.Name(), b.Name()) },
	"world": func(a, b assetRow) int {
		return lastIfEmpty(string(rowAsset(a).Domain), string(rowAsset(b).Domain))
	},
	"kind": func(a, b assetRow) int { return lastIfEmpty(rowAsset(a).Kind, rowAsset(b).Kind) },
	"zone": func(a, b assetRow) int { return lastIfEmpty(a.Zone, b.Zone) },
	"criticality": func(a, b assetRow) int {
		return slices.Index(criticalities, rowAsset(b).Criticality) - slices.Index(criticalities, rowAsset(a).Criticality)
	},
	"seen": func(a, b assetRow) int { return rowSeen(a).Compare(rowSeen(b)) }, // never seen first
}

var noAsset port.Asset

func rowAsset(r assetRow) *port.Asset {
	if r.Asset == nil {
		return &noAsset
	}
	return r.Asset
}

func rowSeen(r assetRow) time.Time {
	if r.Host == nil {
		return time.Time{}
	}
	return r.Host.Last
}

func byName(a, b string) int { return cmp.Compare(strings.ToLower(a), strings.ToLower(b)) }

// lastIfEmpty compares names; what has none comes last.
func lastIfEmpty(a, b string) int {
	return cmp.Or(order(a == "")-order(b == ""), byName(a, b))
}

// orNone puts a value that was not told below all others.
func orNone(v float32) float64 {
	if math.IsNaN(float64(v)) {
		return math.Inf(-1)
	}
	return float64(v)
}

// known is the column if the table can be sorted by it, else "".
func known[F any](column string, orders map[string]F) string {
	if _, ok := orders[column]; !ok {
		return ""
	}
	return column
}

// sorted is the address of the first page by that column, or back in the usual order.
func (v vesselsView) sorted(column string) string {
	if v.Sort == column {
		column = ""
	}
	v.Sort = column
	return v.address(0)
}

func (f assetFilter) sorted(column string) string {
	if f.Sort == column {
		column = ""
	}
	f.Sort = column
	return f.address(0)
}

// sortedBy tells a reader's ears by which column a table is sorted.
func sortedBy(is bool) templ.Attributes {
	if !is {
		return nil
	}
	return templ.Attributes{"aria-sort": "other"}
}
