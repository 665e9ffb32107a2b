package console_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// BenchmarkSeaChart draws 5,000 moving vessels while the chart is dragged about,
// and reports the frames a second that the page shows. The browser draws without
// a graphics card here, on the processor that everything else runs on.
func BenchmarkSeaChart(b *testing.B) {
	for _, vessels := range []int{0, 5000} {
		b.Run(fmt.Sprint(vessels, " vessels"), func(b *testing.B) { dragChart(b, vessels) })
	}
}

func dragChart(b *testing.B, vessels int) {
	w := newWorld(b, 0, 0)
	w.Fleet(vessels)
	url := serve(b, newConsole(b, depsOf(w)))
	at := open(b, 1280, 800, true) // ends before the server does, which waits for its live link
	at.run(b, "chart", chromedp.Navigate(url+"/vessels/chart"), until(seaLive))
	mouse := func(kind input.MouseType, x float64) chromedp.Action {
		return input.DispatchMouseEvent(kind, x, 400).WithButton(input.Left).WithButtons(1).WithClickCount(1)
	}
	drag := func() {
		at.run(b, "grab", mouse(input.MousePressed, 400))
		for began, i := time.Now(), 0; time.Since(began) < 3*time.Second; i++ {
			at.run(b, "drag", mouse(input.MouseMoved, 400+200*math.Sin(float64(i)/9)))
			if i%25 == 0 {
				w.Advance(2 * time.Second)
			}
		}
		at.run(b, "let go", mouse(input.MouseReleased, 400))
	}
	drag() // what is not yet laid out is, the first time
	var frames, millis float64
	for b.Loop() {
		at.run(b, "count", chromedp.Evaluate("window.shown = 0; window.began = performance.now(); window.counting = true; (function next() { if (window.counting) { window.shown++; requestAnimationFrame(next) } })()", nil))
		drag()
		var n, ms float64
		at.run(b, "counted", chromedp.Evaluate("window.counting = false; window.shown", &n), chromedp.Evaluate("performance.now() - window.began", &ms))
		frames, millis = frames+n, millis+ms
	}
	b.ReportMetric(frames/millis*1000, "frames/s")
	b.ReportMetric(0, "ns/op")
}
