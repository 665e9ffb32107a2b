package system

import (
	"cmp"
	"sync"
	"time"
)

// How long a picture is shown before it is drawn anew. With 20,000 vessels a drawing
// is 7 MB, with 100,000 hosts 50 MB; pages, streams and the live link ask for them
// several times a second, and each report makes the last one old. The live link of
// any open console asks each second, so that it draws the network and pages find it
// drawn.
const (
	drawnFor   = time.Second / 2
	networkFor = time.Second - time.Second/20
)

// drawn is the newest picture, for all faces.
type drawn[P any] struct {
	draw func() P
	keep time.Duration // drawnFor where it is 0

	making sync.Mutex // held by who draws; taken before mu
	mu     sync.Mutex
	at     time.Time
	pic    P
}

// Picture is what was heard, at most as long ago as it is kept; while one who asks has
// it drawn, the others get the one before and need not wait. Whoever gets it must not
// write into it.
func (d *drawn[P]) Picture() P {
	pic, old, fresh := d.last()
	switch {
	case fresh:
		return pic
	case !old:
		d.making.Lock() // there is none yet to give
	case !d.making.TryLock():
		return pic
	}
	defer d.making.Unlock()
	if pic, _, fresh := d.last(); fresh {
		return pic // drawn while waiting
	}
	now := time.Now()
	pic = d.draw()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.at, d.pic = now, pic
	return pic
}

// last is the picture that was drawn last: whether there is one, and whether it is
// young enough.
func (d *drawn[P]) last() (pic P, old, fresh bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.pic, !d.at.IsZero(), !d.at.IsZero() && time.Since(d.at) < cmp.Or(d.keep, drawnFor)
}
