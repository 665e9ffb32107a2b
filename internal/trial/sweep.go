package trial

import (
	"context"
	"errors"
	"math"
)

// sweep looks for the smallest attack that is found: the sizes from the largest
// down, for one and the same vessel, moment and direction.
type sweep struct {
	class Class
	sizes []float64 // ascending
	unit  string
}

// sweeps are the classes with a size that matters.
func sweeps() []sweep {
	return []sweep{
		{Teleport, steps(100, 51_200), "m"},
		{DragOff, steps(0.5, 64), "kn"},
	}
}

// steps are sizes from low to high, each √2 times the one before.
func steps(low, high float64) []float64 {
	var out []float64
	for i := 0; ; i++ {
		v := low * math.Pow(2, float64(i)/2)
		if v > high*1.001 {
			return out
		}
		out = append(out, math.Round(v*100)/100)
	}
}

// planSweeps lists one job for each set-up.
func (b *bench) planSweeps() []job {
	var jobs []job
	all := sweeps()
	for k := range all {
		for i := range b.variants {
			v := &b.variants[i]
			if v.Class != all[k].class || v.Blind {
				continue
			}
			for _, g := range b.groups() {
				if key := (poolKey{i, g}); len(b.pools[key]) > 0 {
					for n := range b.o.Trials {
						jobs = append(jobs, job{key: key, n: n, sweep: &all[k]})
					}
				}
			}
			break // the first variant of the class stands for it
		}
	}
	return jobs
}

// doSweep finds the smallest size of one set-up from which on every size is found.
func (b *bench) doSweep(ctx context.Context, j *job) error {
	v := &b.variants[j.key.variant]
	for try := range retries {
		size, err := b.smallest(ctx, j, v, try)
		if errors.Is(err, errScene) {
			continue
		}
		if err != nil {
			return err
		}
		j.size, j.done = size, true
		return nil
	}
	return nil
}

func (b *bench) smallest(ctx context.Context, j *job, v *Variant, try int) (float64, error) {
	found := math.Inf(1)
	for i := len(j.sweep.sizes) - 1; i >= 0; i-- {
		if ctx.Err() != nil {
			return 0, context.Cause(ctx)
		}
		r := b.random(j.key, j.n, try, "sweep") // anew for each size: the same vessel, moment and direction
		c, s := b.draw(j.key, r)
		out, _, t, err := b.play(ctx, c, s, v, j.sweep.sizes[i], r)
		if errors.Is(err, errScene) && !math.IsInf(found, 1) {
			break // too small to be a change at all
		}
		if err != nil {
			return 0, err
		}
		if !score(out, t, v.Class, b.o.Grade).Found {
			break
		}
		found = j.sweep.sizes[i]
	}
	return found, nil
}
