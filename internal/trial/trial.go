// Package trial measures the vessel watch. It injects attacks into real
// captures at the level of sentences, runs the product's own source and watch
// over the result, and holds what was told against the truth that it kept. It
// exists so that anybody can rerun the figures, and so that no figure is
// believed that was not measured. The command line imports it; it imports ais,
// event, finding, port, the AIS source and the vessel watch.
//
// Method, formulas and blind spots: docs/manual/ais-trial.md.
package trial

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/port"
)

// Options of a trial.
type Options struct {
	Seed     uint64
	Trials   int           // of each variant in each group of captures, 1 to MaxTrials
	Grade    finding.Grade // least grade that counts; 0: likely
	Classes  []Class       // nil: all
	Sweep    bool          // also look for the smallest that is found
	Known    []string      // "rule subject" of findings that are true in the captures: no false alarms
	Port     *port.Port    // nil: a register of the aids and base stations of each capture
	Workers  int           // at once; 0: one for each processor. It does not change the result
	Progress func(done, of int)
}

// MaxTrials bounds the trials of one variant.
const MaxTrials = 100_000

// retries is how many set-ups are tried where one can't be played (a sentence
// in a form that can't be written anew).
const retries = 8

var (
	errOptions   = errors.New("options out of range")
	errNoCapture = errors.New("no capture: name files or ask for a generated fleet")
)

// Run tries the attacks on the captures. The same captures and options give the
// same result.
func Run(ctx context.Context, captures []*Capture, o Options) (*Result, error) {
	if o.Grade == 0 {
		o.Grade = finding.Likely
	}
	if o.Trials < 1 || o.Trials > MaxTrials {
		return nil, fmt.Errorf("trials %d, but 1 to %d are possible: %w", o.Trials, MaxTrials, errOptions)
	}
	if len(captures) == 0 {
		return nil, errNoCapture
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	b := newBench(captures, o)
	jobs := b.plan()
	if err := b.work(ctx, jobs); err != nil {
		return nil, err
	}
	return b.result(jobs), nil
}

// bench holds what all trials share.
type bench struct {
	o        Options
	captures []*Capture
	ports    map[*Capture]*port.Port
	variants []Variant
	pools    map[poolKey]pool
	owners   map[poolKey][]*Capture // of each entry of the pool
}

type poolKey struct {
	variant int
	group   Group
}

func newBench(captures []*Capture, o Options) *bench {
	b := &bench{o: o, captures: captures, ports: map[*Capture]*port.Port{}, pools: map[poolKey]pool{}, owners: map[poolKey][]*Capture{}}
	for _, c := range captures {
		switch {
		case c.Port != nil:
			b.ports[c] = c.Port
		case o.Port != nil:
			b.ports[c] = o.Port
		default:
			b.ports[c] = register(c)
		}
	}
	for _, v := range Variants() {
		if o.Classes == nil || slices.Contains(o.Classes, v.Class) {
			b.variants = append(b.variants, v)
		}
	}
	for i := range b.variants {
		v := &b.variants[i]
		for _, c := range captures {
			key := poolKey{i, c.Group}
			for _, entry := range poolOf(v.pick(c, v.Span), v) {
				b.pools[key] = append(b.pools[key], entry)
				b.owners[key] = append(b.owners[key], c)
			}
		}
	}
	return b
}

// groups are those of the captures, in a fixed order.
func (b *bench) groups() []Group {
	var out []Group
	for _, g := range []Group{Tuned, HeldOut, Generated} {
		if slices.ContainsFunc(b.captures, func(c *Capture) bool { return c.Group == g }) {
			out = append(out, g)
		}
	}
	return out
}

// job is one piece of work and its result.
type job struct {
	key   poolKey
	n     int      // of the trial
	sweep *sweep   // of a sweep, else nil
	clean *Capture // of an unmodified capture, else nil

	done   bool // it could be tried
	least  Outcome
	any    Outcome // at any grade
	days   float64 // of vessels that were not attacked
	size   float64 // smallest that was found from there up; +Inf none
	alarms []string
	reps   int
}

// plan lists all work, in the order of the result.
func (b *bench) plan() []job {
	var jobs []job
	for _, c := range b.captures {
		jobs = append(jobs, job{clean: c})
	}
	for i := range b.variants {
		for _, g := range b.groups() {
			if key := (poolKey{i, g}); len(b.pools[key]) > 0 {
				for n := range b.o.Trials {
					jobs = append(jobs, job{key: key, n: n})
				}
			}
		}
	}
	if b.o.Sweep {
		jobs = append(jobs, b.planSweeps()...)
	}
	return jobs
}

// work does the jobs, several at once; each writes to its own place.
func (b *bench) work(ctx context.Context, jobs []job) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var (
		wg   sync.WaitGroup
		mu   sync.Mutex
		done int
		next = make(chan int)
	)
	for range b.o.Workers {
		wg.Go(func() {
			for i := range next {
				if err := b.do(ctx, &jobs[i]); err != nil {
					cancel(err)
				}
				mu.Lock()
				done++
				if b.o.Progress != nil {
					b.o.Progress(done, len(jobs))
				}
				mu.Unlock()
			}
		})
	}
	for i := range jobs {
		if ctx.Err() != nil {
			break
		}
		next <- i
	}
	close(next)
	wg.Wait()
	return context.Cause(ctx)
}

func (b *bench) do(ctx context.Context, j *job) error {
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case j.clean != nil:
		return b.doClean(ctx, j)
	case j.sweep != nil:
		return b.doSweep(ctx, j)
	}
	return b.doTrial(ctx, j)
}

// random is the chance of one try of one trial: it does not depend on what else
// is tried.
func (b *bench) random(key poolKey, n, try int, what string) *rand.Rand {
	v := &b.variants[key.variant]
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "%s/%s/%s/%s/%d/%d", what, v.Class, v.Name, key.group, n, try) // a hash does not fail
	return rand.New(rand.NewPCG(b.o.Seed, h.Sum64()))                                    //nolint:gosec // a trial must repeat; nothing here is a secret
}

// draw picks a set-up: each vessel as often as another, then a moment of it.
func (b *bench) draw(key poolKey, r *rand.Rand) (*Capture, setup) {
	i := r.IntN(len(b.pools[key]))
	entry := b.pools[key][i]
	return b.owners[key][i], entry[r.IntN(len(entry))]
}

// doTrial plays one attack.
func (b *bench) doTrial(ctx context.Context, j *job) error {
	v := &b.variants[j.key.variant]
	for try := range retries {
		r := b.random(j.key, j.n, try, "trial")
		c, s := b.draw(j.key, r)
		out, reports, t, err := b.play(ctx, c, s, v, v.size(r), r)
		if errors.Is(err, errScene) {
			continue
		}
		if err != nil {
			return err
		}
		j.done = true
		j.least, j.any = score(out, t, v.Class, b.o.Grade), score(out, t, v.Class, finding.Suspected)
		j.least.False = b.unknown(j.least.False)
		j.days = vesselDays(reports, t.Attacked)
		return nil
	}
	return nil
}

// errScene marks a set-up that can't be played.
var errScene = errors.New("the attack can't be written here")

// play builds an attack and runs the product over it.
func (b *bench) play(ctx context.Context, c *Capture, s setup, v *Variant, size float64, r *rand.Rand) ([]told, []event.VesselReport, *Truth, error) {
	scene := newScene(c, r, s)
	v.perform(scene, s, size)
	data, t, err := scene.input()
	if err != nil {
		return nil, nil, nil, errors.Join(errScene, err)
	}
	reports, err := read(ctx, data, c.zone.String())
	if err != nil {
		return nil, nil, nil, err
	}
	return watch(b.ports[c], reports, t.End), reports, t, nil
}

// doClean runs the product over a capture as it is.
func (b *bench) doClean(ctx context.Context, j *job) error {
	var data []byte
	for _, l := range j.clean.lines {
		data = append(data, l...)
	}
	reports, err := read(ctx, data, j.clean.zone.String())
	if err != nil {
		return err
	}
	_, end := j.clean.span()
	j.alarms = b.unknown(falseAlarms(watch(b.ports[j.clean], reports, end), b.o.Grade))
	j.days, j.reps, j.done = vesselDays(reports, nil), len(reports), true
	return nil
}

// unknown leaves out what is known to be true in the captures.
func (b *bench) unknown(alarms []string) []string {
	return slices.DeleteFunc(alarms, func(a string) bool { return slices.Contains(b.o.Known, a) })
}
