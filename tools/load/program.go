package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// program is quaywatch serve under way.
type program struct {
	cmd     *exec.Cmd
	dir     string
	log     *os.File
	address string
	code    string
	client  *http.Client
}

var (
	saysAddress = regexp.MustCompile(`console is at (http\S+)`)
	saysCode    = regexp.MustCompile(`^  (\S+)$`)
)

// start runs the program over an empty data directory.
func start(ctx context.Context, o options, feed string) (*program, error) {
	dir, err := os.MkdirTemp("", "quaywatch-load-")
	if err != nil {
		return nil, err
	}
	port, err := filepath.Abs(o.port)
	if err != nil {
		return nil, err
	}
	config := fmt.Sprintf("port: %s\n%s\nlisten: 127.0.0.1:0\ntls: {off: true}\nlog: {level: warn}\nsources:\n  - {id: sea, kind: ais, address: \"tcp://%s\", expect: 30s}\nfeeds:\n  - {id: out, listen: \"127.0.0.1:0\"}\n", port, o.extra, feed)
	path := filepath.Join(dir, "quaywatch.yaml")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		return nil, err
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	p := &program{dir: dir, cmd: exec.CommandContext(ctx, o.binary, "serve", "-c", path), //nolint:gosec // running the program that was named is the job
		client: &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(syscall.SIGTERM) }
	p.cmd.WaitDelay = 20 * time.Second
	if p.log, err = os.Create(filepath.Join(dir, "log")); err != nil {
		return nil, err
	}
	said, err := p.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w (make build)", o.binary, err)
	}
	lines := bufio.NewScanner(io.TeeReader(said, p.log))
	for p.address == "" && lines.Scan() {
		if m := saysAddress.FindStringSubmatch(lines.Text()); m != nil {
			p.address = m[1]
		} else if m := saysCode.FindStringSubmatch(lines.Text()); m != nil {
			p.code = m[1]
		}
	}
	go func() { // so that it can go on saying things
		for lines.Scan() {
			continue
		}
	}()
	if p.address == "" {
		return nil, fmt.Errorf("the program ended at its start; see %s", p.log.Name())
	}
	return p, nil
}

// stop ends the program as an operator does, and forgets its data.
func (p *program) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	_ = p.cmd.Wait()
	_ = p.log.Close()
	_ = os.RemoveAll(p.dir)
}

const password = "a sea of twenty thousand ships" //nolint:gosec // of an account that ends with the run

// setUp makes the first account, which is then logged in.
func (p *program) setUp(ctx context.Context) error {
	form := url.Values{"code": {p.code}, "name": {"load"}, "password": {password}, "repeat": {password}, "cso": {"yes"}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.address+"/setup", strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := p.client.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusSeeOther {
		return fmt.Errorf("the set-up of the first account answers %s", res.Status)
	}
	return nil
}

// get opens an address of the program.
func (p *program) get(ctx context.Context, path string) (io.ReadCloser, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.address+path, nil)
	if err != nil {
		return nil, err
	}
	res, err := p.client.Do(r)
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		_ = res.Body.Close()
		return nil, fmt.Errorf("%s answers %s", path, res.Status)
	}
	return res.Body, nil
}

// text reads an address whole.
func (p *program) text(ctx context.Context, path string) ([]byte, error) {
	body, err := p.get(ctx, path)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return io.ReadAll(body)
}

// account is what a run cost.
type account struct {
	peakMiB   float64
	goMiB     float64 // of the Go runtime, at most; the rest is the telemetry store's
	heapMiB   float64 // of that, live objects and what is not collected yet
	cpu       time.Duration
	wall      time.Duration
	backlog   int // batches that the watches had still to see, at most
	delayed   int // batches whose positions were not durable yet, at most
	feedP99   float64
	feedSent  uint64
	vessels   int
	pictureMS float64 // longest answer of a page of vessels as GeoJSON
	began     time.Time
	trace     io.Writer // told the memory at each look; nil: nobody asks
	err       error
}

// watch looks at the program once a second until the run has ended.
func (p *program) watch(ctx context.Context, ended <-chan struct{}, trace io.Writer) account {
	a := account{began: time.Now(), trace: trace}
	used := p.processor()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ended:
			a.peakMiB, a.cpu, a.wall = p.peak(), p.processor()-used, time.Since(a.began)
			return a
		case <-tick.C:
		}
		if err := p.look(ctx, &a); err != nil {
			a.err = errors.Join(a.err, err)
			return a
		}
	}
}

// look asks as an operator's tools do: metrics, the feed out, the picture.
func (p *program) look(ctx context.Context, a *account) error {
	text, err := p.text(ctx, "/metrics")
	if err != nil {
		return err
	}
	m := map[string]float64{}
	for line := range bytes.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(string(line)), " ")
		if v, err := strconv.ParseFloat(value, 64); err == nil {
			m[name] = v
		}
	}
	const mib = 1 << 20
	a.goMiB = max(a.goMiB, (m["go_memstats_sys_bytes"]-m["go_memstats_heap_released_bytes"])/mib)
	a.heapMiB = max(a.heapMiB, m["go_memstats_heap_inuse_bytes"]/mib)
	if a.trace != nil {
		fmt.Fprintf(a.trace, "%4.0f s: resident %4.0f MiB, Go %4.0f, heap %4.0f\n", time.Since(a.began).Seconds(), m["process_resident_memory_bytes"]/mib,
			(m["go_memstats_sys_bytes"]-m["go_memstats_heap_released_bytes"])/mib, m["go_memstats_heap_inuse_bytes"]/mib)
	}
	a.backlog = max(a.backlog, int(m["quaywatch_stream_last"]-m["quaywatch_watches_seen"]))
	a.delayed = max(a.delayed, int(m["quaywatch_stream_last"]-m["quaywatch_telemetry_position"]))
	a.feedP99 = max(a.feedP99, m[`quaywatch_feed_delay_p99_seconds{feed="out"}`])
	a.feedSent = uint64(m[`quaywatch_feed_sent_total{feed="out"}`])
	began := time.Now()
	text, err = p.text(ctx, "/api/v1/vessels.geojson?limit=1000")
	if err != nil {
		return err
	}
	a.pictureMS = max(a.pictureMS, float64(time.Since(began).Microseconds())/1000)
	var page struct{ Total int }
	err = json.Unmarshal(text, &page)
	a.vessels = page.Total
	return err
}

// peak is the largest resident memory so far, MiB (Linux; elsewhere 0).
func (p *program) peak() float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kb / 1024
		}
	}
	return 0
}

// processor is the processor time that the program has used (Linux; elsewhere 0).
func (p *program) processor() time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), ") ") // the name may hold blanks
	f := strings.Fields(rest)
	if len(f) < 13 {
		return 0
	}
	user, _ := strconv.Atoi(f[11])
	system, _ := strconv.Atoi(f[12])
	return time.Duration(user+system) * 10 * time.Millisecond // 100 ticks a second on every Linux that Go runs on
}
