package console_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// browser is one Chromium with what it complained about.
type browser struct {
	ctx context.Context
	mu  sync.Mutex
	bad []string // console errors, policy violations, failed requests
}

// complaints are what the browser complained about since the last call.
func (b *browser) complaints() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := b.bad
	b.bad = nil
	return out
}

func (b *browser) note(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.bad = append(b.bad, fmt.Sprintf(format, args...))
}

// chromium is the browser of the machine. Its absence fails the test: screens
// that nobody looked at are not known to work.
func chromium(t testing.TB) string {
	t.Helper()
	for _, name := range []string{os.Getenv("QUAYWATCH_CHROMIUM"), "chromium", "chromium-browser", "google-chrome"} {
		if name == "" {
			continue
		}
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatal("no Chromium on this machine: install it (Debian: apt-get install chromium) or name it in $QUAYWATCH_CHROMIUM")
	return ""
}

// open starts a browser of that size; gl chooses software WebGL or none.
func open(t testing.TB, width, height int, gl bool) *browser {
	t.Helper()
	profile, err := os.MkdirTemp("", "quaywatch-browser-")
	if err != nil {
		t.Fatal(err)
	}
	// The browser may still write while it ends, so the folder goes last and a
	// rest of it is left to the system.
	t.Cleanup(func() { _ = os.RemoveAll(profile) })
	flags := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium(t)), chromedp.NoSandbox, chromedp.NoFirstRun, chromedp.UserDataDir(profile),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("hide-scrollbars", true), chromedp.Flag("force-device-scale-factor", "1"),
		chromedp.WindowSize(width, height), chromedp.WSURLReadTimeout(60*time.Second),
	)
	if gl {
		flags = append(flags, chromedp.Flag("disable-gpu", false), chromedp.Flag("use-angle", "swiftshader"), chromedp.Flag("enable-unsafe-swiftshader", true))
	} else {
		flags = append(flags, chromedp.DisableGPU, chromedp.Flag("disable-3d-apis", true))
	}
	alloc, stop := chromedp.NewExecAllocator(context.Background(), flags...)
	t.Cleanup(stop)
	ctx, end := chromedp.NewContext(alloc)
	t.Cleanup(end)
	t.Cleanup(func() { _ = chromedp.Cancel(ctx) })
	ctx, late := context.WithTimeout(ctx, 4*time.Minute)
	t.Cleanup(late)
	b := &browser{ctx: ctx}
	chromedp.ListenTarget(ctx, func(ev any) {
		switch e := ev.(type) {
		case *log.EventEntryAdded:
			if e.Entry.Level == log.LevelError || e.Entry.Source == log.SourceSecurity {
				b.note("%s: %s (%s)", e.Entry.Source, e.Entry.Text, e.Entry.URL)
			}
		case *runtime.EventConsoleAPICalled:
			if e.Type == runtime.APITypeError || e.Type == runtime.APITypeWarning {
				var parts []string
				for _, a := range e.Args {
					parts = append(parts, string(a.Value)+a.Description)
				}
				if text := strings.Join(parts, " "); !strings.Contains(text, "GPU stall") { // software GL says so of itself
					b.note("console.%s: %s", e.Type, text)
				}
			}
		case *runtime.EventExceptionThrown:
			b.note("exception: %s", e.ExceptionDetails.Error())
		}
	})
	if err := chromedp.Run(ctx, log.Enable(), runtime.Enable(), network.Enable(), chromedp.EmulateViewport(int64(width), int64(height))); err != nil {
		t.Fatalf("Chromium did not start: %v", err)
	}
	return b
}

// run does the actions or fails the test.
func (b *browser) run(t testing.TB, what string, actions ...chromedp.Action) {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 40*time.Second)
	defer cancel()
	if err := chromedp.Run(ctx, actions...); err != nil {
		t.Fatalf("%s: %v (complaints: %v)", what, err, b.complaints())
	}
}

// until asks the page again and again until the script is true. The page is
// another process and may be between two documents, so an answer that fails
// counts as "not yet".
func until(script string) chromedp.Action {
	return chromedp.ActionFunc(func(ctx context.Context) error {
		again := time.NewTicker(40 * time.Millisecond)
		defer again.Stop()
		var last error
		for range 500 { // 20 s
			var yes bool
			if last = chromedp.Evaluate("!!("+script+")", &yes).Do(ctx); last == nil && yes {
				return nil
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-again.C:
			}
		}
		return errors.Join(fmt.Errorf("never became true: %s", script), last)
	})
}

// usePalette sets the palette cookie.
func usePalette(url, palette string) chromedp.Action {
	return network.SetCookie("quaywatch_palette", palette).WithURL(url)
}
