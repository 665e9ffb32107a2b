package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
)

// Goals of the bench.
const (
	goalAlarm = 1000.0 // ms, 99th percentile, from the sentence to the console
	goalMiB   = 600.0
)

// report prints a run and fails where something was lost.
func report(w io.Writer, o options, s *sea, a *alarms, c account) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	load, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		load = []byte("unknown")
	}
	fmt.Fprintf(w, "under load: %d vessels, %d reports in %.0f s = %.0f a second, %.1f MB; load average of the machine %s\n",
		c.vessels, s.reports, s.took.Seconds(), float64(s.reports)/s.took.Seconds(), float64(s.bytes)/1e6, strings.Join(strings.Fields(string(load))[:min(3, len(strings.Fields(string(load))))], " "))
	jumps := len(s.jumped)
	fmt.Fprintf(w, "%-10s %8s %26s %26s\n", "grade", "alarms", "API event p50/p99/max ms", "console p50/p99/max ms")
	var errs []error
	for _, g := range []string{"suspected", "likely", "confirmed"} {
		api, page := a.api[g], a.console[g]
		fmt.Fprintf(w, "%-10s %4d/%-4d %9.0f %7.0f %8.0f %9.0f %7.0f %8.0f\n", g, len(api), jumps,
			quantile(api, .5), quantile(api, .99), quantile(api, 1), quantile(page, .5), quantile(page, .99), quantile(page, 1))
		if len(api) < jumps {
			errs = append(errs, fmt.Errorf("%d of %d jumps were not told as %s", jumps-len(api), jumps, g))
		}
	}
	if a.unseen > 0 {
		errs = append(errs, fmt.Errorf("%d alarms were not on the page that was read after they were told", a.unseen))
	}
	verdict := func(ok bool) string {
		if ok {
			return "met"
		}
		return "NOT MET"
	}
	worst := max(quantile(a.console["suspected"], .99), quantile(a.console["likely"], .99), quantile(a.console["confirmed"], .99))
	fmt.Fprintf(w, "alarm on the console, 99th percentile     %8.0f ms    goal < %.0f ms  %s\n", worst, goalAlarm, verdict(worst > 0 && worst < goalAlarm))
	fmt.Fprintf(w, "peak resident memory                      %8.0f MiB   goal < %.0f MiB %s (Go at most %.0f, of it heap %.0f)\n", c.peakMiB, goalMiB, verdict(c.peakMiB > 0 && c.peakMiB < goalMiB), c.goMiB, c.heapMiB)
	fmt.Fprintf(w, "processor                                 %8.2f cores (%.0f s in %.0f s)\n", c.cpu.Seconds()/c.wall.Seconds(), c.cpu.Seconds(), c.wall.Seconds())
	fmt.Fprintf(w, "backlog: %d batches unseen by the watches, %d not durable yet, at most\n", c.backlog, c.delayed)
	fmt.Fprintf(w, "feed out: %d messages, 99th percentile of the delay at most %.0f ms; a page of 1,000 vessels at most %.0f ms; sending late by %d ms at most\n",
		c.feedSent, 1000*c.feedP99, c.pictureMS, s.behind.Milliseconds())
	for _, what := range slices.Sorted(maps.Keys(a.strange)) {
		fmt.Fprintf(w, "nobody made: %d times %s\n", a.strange[what], what)
	}
	return errors.Join(append(errs, c.err)...)
}
