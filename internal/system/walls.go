package system

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quaywatch/quaywatch/internal/console"
	"github.com/quaywatch/quaywatch/internal/firewall"
	"github.com/quaywatch/quaywatch/internal/port"
)

// wallDesk judges the configurations of firewalls that the port file names: once for
// a port file and its configurations, and again when one of them changes on disk, or
// when the hour does, since conduits expire.
type wallDesk struct {
	s *System

	mu    sync.Mutex // one judgement at a time
	basis string
	kept  atomic.Pointer[console.Walls]
}

// look judges again where something changed.
func (d *wallDesk) look(context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	p, now := d.s.port.Load(), time.Now().UTC()
	files := configurations(p, d.s.risk.home())
	if len(files) == 0 {
		d.basis = ""
		d.kept.Store(nil)
		return nil
	}
	basis := wallBasis(p, files, now)
	if basis == d.basis {
		return nil
	}
	devices, notes := declaredFirewalls(p, d.s.risk.home())
	var survey *firewall.Survey
	if len(devices) > 0 {
		survey = firewall.NewSurvey(p, now, devices)
	}
	d.kept.Store(console.NewWalls(survey, notes, now))
	d.basis = basis
	for _, n := range notes {
		d.s.log.Warn("a configuration of a firewall is not judged", "error", n)
	}
	return nil
}

// wallBasis names all that a judgement rests on.
func wallBasis(p *port.Port, files []string, now time.Time) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%p %d\n", p, now.Truncate(time.Hour).Unix())
	for _, f := range files {
		if info, err := os.Stat(f); err == nil {
			fmt.Fprintln(&b, f, info.Size(), info.ModTime().UnixNano())
		} else {
			fmt.Fprintln(&b, f, "is not there")
		}
	}
	return b.String()
}

// Walls is the newest judgement; the first one that asks makes it.
func (d *wallDesk) Walls(ctx context.Context) *console.Walls {
	if w := d.kept.Load(); w != nil {
		return w
	}
	_ = d.look(ctx) // it never fails
	return d.kept.Load()
}
