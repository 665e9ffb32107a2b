package system

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/quaywatch/quaywatch/internal/watch/vessel"
)

// TestDrawnTwiceASecond: however often faces ask, a picture is drawn twice a
// second, and what they get is never older than that.
func TestDrawnTwiceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		d := &drawn[vessel.Picture]{draw: func() vessel.Picture { n++; return vessel.Picture{AsOf: time.Now()} }}
		for range 1000 {
			if age := time.Since(d.Picture().AsOf); age >= drawnFor {
				t.Fatalf("a picture %s old", age)
			}
			time.Sleep(10 * time.Millisecond)
		}
		if n < 19 || n > 21 {
			t.Errorf("%d drawings in ten seconds", n)
		}
	})
}
