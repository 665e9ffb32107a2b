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

	mu  sync.Mutex
	at  time.Time
	pic P
}

// Picture is what was heard, at most as long ago as it is kept. Whoever gets it must not write into it.
func (d *drawn[P]) Picture() P {
	d.mu.Lock()
	defer d.mu.Unlock()
	if now := time.Now(); d.at.IsZero() || now.Sub(d.at) >= cmp.Or(d.keep, drawnFor) {
		d.at, d.pic = now, d.draw()
	}
	return d.pic
}
