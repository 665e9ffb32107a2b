// Command screenshots takes the pictures of the manual from a running console,
// such as the demo's: each page in each palette asked for. It exists so that the
// pictures can be made again whenever a screen changes.
//
//	go run ./cmd/quaywatch demo &
//	go run ./tools/screenshots -o docs/manual/img http://127.0.0.1:8642
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/chromedp/chromedp"
)

func main() {
	out := flag.String("o", ".", "directory for the pictures")
	pages := flag.String("pages", "watch=/,findings=/findings,assets=/inventory,zones=/zones,people=/people,vessels=/vessels,port=/port,sources=/sources,situation=/situation", "name=path, comma separated")
	palettes := flag.String("palettes", "dark,day", "of day, dusk, dark")
	width := flag.Int64("width", 1280, "pixels")
	height := flag.Int64("height", 800, "pixels")
	settle := flag.Duration("settle", 2500*time.Millisecond, "time for a page to draw its map")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: screenshots [flags] http://127.0.0.1:8642")
		os.Exit(2)
	}
	if err := run(flag.Arg(0), *out, strings.Split(*pages, ","), strings.Split(*palettes, ","), *width, *height, *settle); err != nil {
		fmt.Fprintln(os.Stderr, "screenshots:", err)
		os.Exit(1)
	}
}

func run(base, out string, pages, palettes []string, width, height int64, settle time.Duration) error {
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.Flag("use-angle", "swiftshader"),
		chromedp.Flag("enable-unsafe-swiftshader", true), chromedp.Flag("disable-quic", true), chromedp.Flag("hide-scrollbars", false))
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), opts...)
	defer cancel()
	ctx, cancel = chromedp.NewContext(ctx)
	defer cancel()
	ctx, cancel = context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	for _, palette := range palettes {
		for _, p := range pages {
			name, path, _ := strings.Cut(p, "=")
			var png []byte
			err := chromedp.Run(ctx,
				chromedp.EmulateViewport(width, height),
				chromedp.Navigate(base+path),
				chromedp.Evaluate(`document.cookie = "quaywatch_palette=`+palette+`;path=/;samesite=strict"`, nil),
				chromedp.Navigate(base+path),
				chromedp.WaitReady("main"),
				chromedp.Sleep(settle),
				chromedp.CaptureScreenshot(&png))
			if err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			if png, err = shrink(png); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			file := filepath.Join(out, name+"-"+palette+".png")
			if err := os.WriteFile(file, png, 0o644); err != nil {
				return err
			}
			fmt.Println(file)
		}
	}
	return nil
}
