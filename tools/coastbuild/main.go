// Command coastbuild packs Natural Earth's 1:10 million land polygons into
// internal/coast/land.bin. It reads them from the npm package world-atlas
// (Natural Earth is in the public domain; the package's licence is ISC), which
// web/package-lock.json pins and `npm ci` fetches. Run by go generate.
//
// The form: four little-endian float64 (scale and offset of longitude and
// latitude), then varints: the number of rings; for each its number of points
// and the steps from point to point, longitude first.
package main

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

// topology is as much of TopoJSON as the file has.
type topology struct {
	Transform struct{ Scale, Translate [2]float64 }
	Arcs      [][][2]int64
	Objects   struct {
		Land struct {
			Geometries []struct {
				Type string
				Arcs [][][]int
			}
		}
	}
}

// errNoNPM is told and no failure: a machine without npm keeps what is committed.
var errNoNPM = errors.New("npm is not installed: land.bin was NOT made anew and compared")

func main() {
	err := run(context.Background(), filepath.Join("..", ".."))
	if err != nil {
		fmt.Fprintln(os.Stderr, "coastbuild:", err)
	}
	if err != nil && !errors.Is(err, errNoNPM) {
		os.Exit(1)
	}
}

func run(ctx context.Context, root string) error {
	text, err := land(ctx, filepath.Join(root, "web"))
	if err != nil {
		return err
	}
	var t topology
	if err := json.Unmarshal(text, &t); err != nil {
		return fmt.Errorf("land-10m.json: %w", err)
	}
	b, err := pack(&t)
	if err != nil {
		return fmt.Errorf("land-10m.json: %w", err)
	}
	return os.WriteFile(filepath.Join(root, "internal", "coast", "land.bin"), b, 0o644)
}

// land reads the package's file, and installs the package where it is missing.
func land(ctx context.Context, web string) ([]byte, error) {
	name := filepath.Join(web, "node_modules", "world-atlas", "land-10m.json")
	text, err := os.ReadFile(name)
	if !errors.Is(err, fs.ErrNotExist) {
		return text, err
	}
	if _, err := exec.LookPath("npm"); errors.Is(err, exec.ErrNotFound) {
		return nil, errNoNPM
	}
	install := exec.CommandContext(ctx, "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--silent")
	install.Dir, install.Stderr = web, os.Stderr
	if err := install.Run(); err != nil {
		return nil, fmt.Errorf("npm ci in %s: %w", web, err)
	}
	return os.ReadFile(name)
}

func pack(t *topology) ([]byte, error) {
	var out []byte
	for _, v := range []float64{t.Transform.Scale[0], t.Transform.Scale[1], t.Transform.Translate[0], t.Transform.Translate[1]} {
		out = binary.LittleEndian.AppendUint64(out, math.Float64bits(v))
	}
	var rings [][][2]int64
	for _, g := range t.Objects.Land.Geometries {
		if g.Type != "MultiPolygon" {
			return nil, fmt.Errorf("a geometry of type %q: only MultiPolygon is understood", g.Type)
		}
		for _, polygon := range g.Arcs {
			for _, arcs := range polygon {
				r, err := t.ring(arcs)
				if err != nil {
					return nil, err
				}
				if !nullIsland(t, r) {
					rings = append(rings, t.unroll(r))
				}
			}
		}
	}
	if len(rings) == 0 {
		return nil, errors.New("no land in it")
	}
	out = binary.AppendVarint(out, int64(len(rings)))
	for _, r := range rings {
		out = binary.AppendVarint(out, int64(len(r)))
		var x, y int64
		for _, p := range r {
			out = binary.AppendVarint(binary.AppendVarint(out, p[0]-x), p[1]-y)
			x, y = p[0], p[1]
		}
	}
	return out, nil
}

// ring joins the arcs of one ring; a negative index is that arc backwards.
func (t *topology) ring(arcs []int) ([][2]int64, error) {
	var out [][2]int64
	for _, i := range arcs {
		back := i < 0
		if back {
			i = ^i
		}
		if i >= len(t.Arcs) {
			return nil, fmt.Errorf("arc %d of %d", i, len(t.Arcs))
		}
		var x, y int64
		var line [][2]int64
		for _, step := range t.Arcs[i] {
			x, y = x+step[0], y+step[1]
			line = append(line, [2]int64{x, y})
		}
		if back {
			slices.Reverse(line)
		}
		if len(out) > 0 {
			line = line[1:] // the arcs share their ends
		}
		out = append(out, line...)
	}
	return out, nil
}

// unroll lets a ring that crosses the antimeridian go on beyond it, and closes
// one that goes round the South Pole by two points below it.
func (t *topology) unroll(r [][2]int64) [][2]int64 {
	round := int64(math.Round(360 / t.Transform.Scale[0]))
	for i := 1; i < len(r); i++ {
		for r[i][0]-r[i-1][0] > round/2 {
			r[i][0] -= round
		}
		for r[i][0]-r[i-1][0] < -round/2 {
			r[i][0] += round
		}
	}
	first, last := r[0], r[len(r)-1]
	if first[0] != last[0] {
		below := int64(math.Floor((-90-t.Transform.Translate[1])/t.Transform.Scale[1])) - 1
		r = append(r, [2]int64{last[0], below}, [2]int64{first[0], below}, first)
	}
	return r
}

// nullIsland is the map makers' joke at 0° N 0° E.
func nullIsland(t *topology, r [][2]int64) bool {
	for _, p := range r {
		lon := float64(p[0])*t.Transform.Scale[0] + t.Transform.Translate[0]
		lat := float64(p[1])*t.Transform.Scale[1] + t.Transform.Translate[1]
		if math.Abs(lon) > 0.1 || math.Abs(lat) > 0.1 {
			return false
		}
	}
	return true
}
