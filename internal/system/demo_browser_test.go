package system

import (
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// chromium is the browser of the machine. Its absence fails the test: a demo
// that nobody looked at is not known to work.
func chromium(t *testing.T) string {
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

// TestDemo: within ten seconds of its start the demo shows the attack, and a
// person who has never seen it comes to its explanation with numbered facts in
// at most three clicks, without a complaint of the browser.
func TestDemo(t *testing.T) {
	path := chromium(t)
	free, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	listening, ended := make(chan string, 1), make(chan error, 1)
	begun := time.Now()
	go func() {
		ended <- Demo(ctx, DemoOptions{Listen: address, Dir: t.TempDir(), Seed: 1, Listening: func(a string) { listening <- a }})
	}()
	defer func() {
		stop()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("the end of the demo: %v", err)
			}
		case <-time.After(20 * time.Second):
			t.Error("the demo does not end within 20 s")
		}
	}()
	var url string
	select {
	case url = <-listening:
	case err := <-ended:
		t.Fatalf("the demo ended: %v", err)
	case <-time.After(20 * time.Second):
		t.Fatal("the demo does not listen within 20 s")
	}
	r := &running{t: t, address: url, told: &said{}}
	r.client = r.browser()
	r.client.CheckRedirect = nil
	var shown time.Duration
	eventually(t, "the first screen tells the attack", 2*time.Minute, func() bool {
		if _, body := r.page("/"); strings.Contains(body, "Camera 17 is reaching") {
			shown = time.Since(begun)
			return true
		}
		return false
	})
	t.Logf("the first screen tells the attack after %s", shown.Round(10*time.Millisecond))
	if shown > 10*time.Second && !raceDetector { // which makes everything several times slower
		t.Errorf("the first screen tells the attack after %s, want within 10 s", shown)
	}
	explained(t, path, url)
}

// page reads a page as a browser asks for it.
func (r *running) page(path string) (int, string) {
	r.t.Helper()
	r.client.Transport = asBrowser{}
	return r.get(path)
}

// asBrowser asks for pages: the demo logs in who does.
type asBrowser struct{}

func (asBrowser) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Accept", "text/html")
	return http.DefaultTransport.RoundTrip(r)
}

// explained goes from the first screen to the facts of the attack and counts clicks.
func explained(t *testing.T, browser, url string) {
	t.Helper()
	profile, err := os.MkdirTemp("", "quaywatch-demo-browser-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(profile) }) // the browser may still write while it ends
	flags := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(browser), chromedp.NoSandbox, chromedp.NoFirstRun, chromedp.UserDataDir(profile),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true), chromedp.DisableGPU,
		chromedp.Flag("disable-3d-apis", true), chromedp.WindowSize(1280, 800), chromedp.WSURLReadTimeout(60*time.Second))
	alloc, end := chromedp.NewExecAllocator(context.Background(), flags...)
	defer end()
	ctx, leave := chromedp.NewContext(alloc)
	defer leave()
	ctx, late := context.WithTimeout(ctx, 2*time.Minute)
	defer late()
	var mu sync.Mutex
	var bad []string
	chromedp.ListenTarget(ctx, func(ev any) {
		mu.Lock()
		defer mu.Unlock()
		switch e := ev.(type) {
		case *log.EventEntryAdded:
			if e.Entry.Level == log.LevelError || e.Entry.Source == log.SourceSecurity {
				bad = append(bad, e.Entry.Text+" "+e.Entry.URL)
			}
		case *runtime.EventConsoleAPICalled:
			if e.Type == runtime.APITypeError {
				for _, a := range e.Args {
					bad = append(bad, string(a.Value)+a.Description)
				}
			}
		case *runtime.EventExceptionThrown:
			bad = append(bad, e.ExceptionDetails.Error())
		}
	})
	if err := chromedp.Run(ctx, log.Enable(), runtime.Enable(), chromedp.EmulateViewport(1280, 800),
		chromedp.Navigate(url+"/"), chromedp.WaitVisible(`#alarms`)); err != nil {
		t.Fatalf("the first screen: %v", err)
	}
	// Whatever the first screen offers for this alarm is followed by its words,
	// never by an id that a person can't see.
	const alarm = `[...document.querySelectorAll("#alarms a, #alarms button")].find(e => e.textContent.includes("Camera 17 is reaching"))`
	const open = `[...document.querySelectorAll("#alarms .btn.pri")].find(e => e.offsetParent !== null && (e.closest("[id^=alarm-]")?.textContent ?? "").includes("Camera 17 is reaching"))`
	clicks := 0
	click := func(what, script string) {
		t.Helper()
		clicks++
		if err := chromedp.Run(ctx, chromedp.Poll("!!("+script+")", nil, chromedp.WithPollingTimeout(20*time.Second)), chromedp.Evaluate("("+script+").click()", nil)); err != nil {
			t.Fatalf("click %d, %s: %v", clicks, what, err)
		}
	}
	var shown bool
	if err := chromedp.Run(ctx, chromedp.Evaluate("!!("+open+")", &shown)); err != nil {
		t.Fatal(err)
	}
	if !shown {
		click("the alarm", alarm)
	}
	click("its explanation", open)
	var title string
	var facts int
	err = chromedp.Run(ctx, chromedp.WaitVisible("#why"), chromedp.Text("h1", &title),
		chromedp.Evaluate(`document.querySelectorAll("#why ol > li, ol.facts > li").length`, &facts))
	if err != nil {
		t.Fatalf("the explanation: %v", err)
	}
	if clicks > 3 || !strings.Contains(title, "Camera 17 is reaching") || facts < 3 {
		t.Errorf("%d clicks to %q with %d numbered facts; want three at most and the attack explained", clicks, title, facts)
	}
	t.Logf("%d clicks to %q with %d numbered facts", clicks, title, facts)
	mu.Lock()
	defer mu.Unlock()
	if len(bad) > 0 {
		t.Errorf("the browser complained:\n%s", strings.Join(bad, "\n"))
	}
}
