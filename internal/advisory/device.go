package advisory

import (
	"slices"

	"github.com/quaywatch/quaywatch/internal/port"
)

// deviceKey is what matching looks at.
type deviceKey struct{ vendor, product, model, firmware string }

// device is an asset made ready for matching.
type device struct {
	deviceKey
	product, model, all []string // telling words
	named               []string // all words of product and model
	core                []string // words of the product that a notice must have
	articles, names     []string // of the model; whole names, folded
	joins               []join
	version             version
	versioned           bool // the firmware was read
}

func newDevice(a *port.Asset) *device {
	d := &device{deviceKey: deviceKey{a.Vendor, a.Product, a.Model, a.Firmware}}
	d.product, d.model = telling(a.Product, a.Vendor), telling(a.Model, a.Vendor)
	d.all = slices.Clone(d.product)
	for _, w := range d.model {
		if !slices.Contains(d.all, w) {
			d.all = append(d.all, w)
		}
	}
	d.core = core(a.Product, a.Vendor)
	d.named = append(words(a.Product), words(a.Model)...)
	d.joins = append(joins(a.Product), joins(a.Model)...)
	d.articles = articles(a.Model)
	for _, n := range []string{fold(a.Product), fold(a.Product + " " + a.Model), fold(a.Model)} {
		if n != "" && !slices.Contains(d.names, n) {
			d.names = append(d.names, n)
		}
	}
	d.version, d.versioned = readVersion(a.Firmware)
	return d
}

// device makes an asset ready for matching, once. The write lock is held.
func (s *Set) device(a *port.Asset) *device {
	key := deviceKey{a.Vendor, a.Product, a.Model, a.Firmware}
	d := s.devices[key]
	if d == nil {
		d = newDevice(a)
		if len(s.devices) < maxAdvisories {
			s.devices[key] = d
		}
	}
	return d
}
