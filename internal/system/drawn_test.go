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

// TestNobodyWaitsForADrawing: while one has the picture drawn, the others get the one
// before.
func TestNobodyWaitsForADrawing(t *testing.T) {
	n, begun, end := 0, make(chan bool), make(chan bool)
	d := &drawn[int]{keep: time.Nanosecond}
	d.draw = func() int {
		n++
		if n == 2 {
			begun <- true
			<-end
		}
		return n
	}
	if p := d.Picture(); p != 1 {
		t.Fatalf("at first %d", p)
	}
	got := make(chan int)
	go func() { got <- d.Picture() }()
	<-begun
	if p := d.Picture(); p != 1 {
		t.Errorf("while it is drawn %d", p)
	}
	end <- true
	if p := <-got; p != 2 || d.Picture() != 3 {
		t.Errorf("who had it drawn got %d; %d drawings", p, n)
	}
}
