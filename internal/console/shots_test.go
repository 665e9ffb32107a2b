package console_test

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestPictures writes pictures of pages for people to look at, when asked:
//
//	QUAYWATCH_PICTURES=dir go test ./internal/console -run TestPictures
//
// QUAYWATCH_PICTURES_OF narrows it to pages whose path holds the text.
func TestPictures(t *testing.T) {
	dir := os.Getenv("QUAYWATCH_PICTURES")
	if dir == "" {
		t.Skip("QUAYWATCH_PICTURES names no folder: pictures are made for people, not for the gate")
	}
	url := serve(t, newConsole(t, depsOf(newWorld(t, 300, 400))))
	for _, size := range [][2]int{{1280, 800}, {2560, 1440}} {
		b := open(t, size[0], size[1], true)
		for _, palette := range []string{"dark", "day"} {
			for _, path := range pagePaths {
				if only := os.Getenv("QUAYWATCH_PICTURES_OF"); only != "" && path != only {
					continue
				}
				var png []byte
				wait := until("document.fonts.status === 'loaded'")
				if path == "/" || path == "/vessels/chart" {
					wait = until("document.getElementById('map').dataset.state === 'live'")
				}
				b.run(t, path, usePalette(url, palette), chromedp.Navigate(url+path), wait, chromedp.CaptureScreenshot(&png))
				name := strings.NewReplacer("/", "_", "?", "_", ":", "").Replace(strings.TrimPrefix(path, "/"))
				file := filepath.Join(dir, fmt.Sprintf("%s-%s-%d.png", cmp.Or(name, "watch"), palette, size[0]))
				if err := os.WriteFile(file, png, 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
		t.Log(b.complaints())
	}
}

// attack is the finding of the demo's attack in the made-up world.
var attack = "/findings/" + attackID

// pagePaths are all pages that somebody can be on.
var pagePaths = []string{
	"/", "/findings", attack, "/inventory", "/inventory/reconcile", "/inventory/new", "/inventory/new?since=2026-11-21&kind=changed", "/inventory/plc-asc-04", "/hosts/ip:10.50.0.99", "/zones", "/zones?view=pairs", "/zones/cctv/tos", "/zones/dmz/tos", "/firewalls", "/network", "/network?open=cctv&open=tos",
	"/people", "/attack", "/attack?from=vendor&to=yard-service", "/weaknesses", "/weaknesses?by=service", "/weaknesses/own", "/weaknesses/plc-asc-04/ICSA-26-001-01", "/risk", "/board", "/board/2026-10", "/continuity", "/critical/tos-service", "/critical/plc-asc-04", "/continuity?down=tos-service&hours=48", "/continuity?zone=tos&hours=12", "/vessels", "/vessels/chart", "/vessels/212123000", "/port", "/sources", "/situation",
}
