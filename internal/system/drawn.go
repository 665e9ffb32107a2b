package system

import (
	"sync"
	"time"

	"github.com/quaywatch/quaywatch/internal/watch/vessel"
)

// drawnFor is how long a picture of the vessels is shown before it is drawn
// anew. With 20,000 vessels a drawing is 7 MB; pages, streams and the live link
// ask for it several times a second, and each report makes the last one old.
const drawnFor = time.Second / 2

// drawn is the newest picture of the vessels, for all faces.
type drawn struct {
	draw func() vessel.Picture

	mu  sync.Mutex
	at  time.Time
	pic vessel.Picture
}

// Picture is what was heard, at most drawnFor ago. Whoever gets it must not write into it.
func (d *drawn) Picture() vessel.Picture {
	d.mu.Lock()
	defer d.mu.Unlock()
	if now := time.Now(); d.at.IsZero() || now.Sub(d.at) >= drawnFor {
		d.at, d.pic = now, d.draw()
	}
	return d.pic
}
