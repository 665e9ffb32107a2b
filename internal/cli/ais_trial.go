package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/quaywatch/quaywatch/examples"
	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/port"
	"github.com/quaywatch/quaywatch/internal/simulate"
	"github.com/quaywatch/quaywatch/internal/trial"
)

// trialFlags are what the command takes.
type trialFlags struct {
	seed      uint64
	trials    int
	classes   []string
	grade     string
	tuned     []string
	known     []string
	zone      string
	port      string
	fleet     float64
	sweep     bool
	asJSON    bool
	minRecall float64
	maxFalse  int
}

func newAISTrial() *cobra.Command {
	var f trialFlags
	c := &cobra.Command{
		Use:   "trial [FILE…]",
		Short: "Measure the watch: inject attacks into captures and count what is found",
		Long: `Trial injects seeded attacks into captures at the level of sentences, runs the
source and the watch of this program over them, and prints for each class: recall
with its 95 % interval, delay, false alarms a vessel-day, and the smallest offset
and drag speed that is found. Captures named with --tuned are those that
thresholds were set on; the others were held out, and have rows of their own.
Without any capture a fleet of the simulated port is used.

The same captures, seed and flags give the same bytes. Method and definitions:
docs/manual/ais-trial.md.

Exit codes: 0 done; 1 failed; 2 used wrongly; 3 done, and --min-recall or
--max-false was not met.`,
		RunE: func(c *cobra.Command, args []string) error { return runTrial(c, &f, args) },
	}
	fl := c.Flags()
	fl.Uint64Var(&f.seed, "seed", 1, "seed of everything that is left to chance")
	fl.IntVar(&f.trials, "trials", 60, "trials of each variant in each group of captures")
	fl.StringSliceVar(&f.classes, "class", nil, "classes of attack: "+classNames()+" (all)")
	fl.StringVar(&f.grade, "grade", "likely", "least grade that counts: suspected, likely, confirmed")
	fl.StringArrayVar(&f.tuned, "tuned", nil, "capture that thresholds were set on (can be repeated)")
	fl.StringArrayVar(&f.known, "known", nil, "finding that is true in the captures and no false alarm, such as \"vessel.drifting mmsi:212123000\" (can be repeated)")
	fl.StringVar(&f.zone, "zone", "", "time zone of a date and time written before sentences (UTC)")
	fl.StringVar(&f.port, "port", "", "port file; without it the aids and base stations of each capture are its register")
	fl.Float64Var(&f.fleet, "fleet", 0, "hours of a simulated fleet to try as well, up to 24 (6 where no capture is named)")
	fl.BoolVar(&f.sweep, "sweep", true, "look for the smallest offset and drag speed that is found")
	fl.BoolVar(&f.asJSON, "json", false, "print one JSON object")
	fl.Float64Var(&f.minRecall, "min-recall", 0, "exit with 3 where a row has a lower recall, 0 to 1")
	fl.IntVar(&f.maxFalse, "max-false", -1, "exit with 3 where the unmodified captures give more false alarms (-1: any number)")
	return c
}

func classNames() string {
	var out []string
	for _, v := range trial.Variants() {
		if !slices.Contains(out, string(v.Class)) {
			out = append(out, string(v.Class))
		}
	}
	return strings.Join(out, ", ")
}

func (f *trialFlags) options() (trial.Options, error) {
	o := trial.Options{Seed: f.seed, Trials: f.trials, Sweep: f.sweep, Known: f.known}
	if err := o.Grade.UnmarshalText([]byte(f.grade)); err != nil || o.Grade < finding.Suspected {
		return o, usagef("--grade %q: use suspected, likely or confirmed", f.grade)
	}
	for _, name := range f.classes {
		if !slices.Contains(strings.Split(classNames(), ", "), name) {
			return o, usagef("--class %q: use one of %s", name, classNames())
		}
		o.Classes = append(o.Classes, trial.Class(name))
	}
	if f.trials < 1 || f.trials > trial.MaxTrials {
		return o, usagef("--trials %d: use 1 to %d", f.trials, trial.MaxTrials)
	}
	if f.minRecall < 0 || f.minRecall > 1 {
		return o, usagef("--min-recall %g: use 0 to 1", f.minRecall)
	}
	if f.fleet < 0 || f.fleet > 24 {
		return o, usagef("--fleet %g: use 0 to 24 hours", f.fleet)
	}
	var err error
	if f.port != "" {
		o.Port, err = loadPort(f.port)
	}
	return o, err
}

func runTrial(c *cobra.Command, f *trialFlags, args []string) error {
	o, err := f.options()
	if err != nil {
		return err
	}
	captures, err := f.captures(c, args)
	if err != nil {
		return err
	}
	progress, end := countProgress(c, "trying attacks")
	o.Progress = progress
	result, err := trial.Run(c.Context(), captures, o)
	end()
	if err != nil {
		return err
	}
	if f.asJSON {
		enc := json.NewEncoder(c.OutOrStdout())
		enc.SetEscapeHTML(false)
		err = enc.Encode(result)
	} else {
		err = result.WriteText(c.OutOrStdout())
	}
	if err == nil && !f.met(result, c.ErrOrStderr()) {
		return errViolations
	}
	return err
}

// met reports whether the bars were met, and tells on w what was not.
func (f *trialFlags) met(r *trial.Result, w io.Writer) bool {
	ok := true
	for i := range r.Rows {
		x := &r.Rows[i]
		if x.Trials > 0 && !x.Blind && float64(x.Found) < f.minRecall*float64(x.Trials) {
			ok = false
			fmt.Fprintf(w, "%s (%s, %s): %d of %d found, which is less than --min-recall %g\n", x.Class, x.Variant, x.Group, x.Found, x.Trials, f.minRecall)
		}
	}
	alarms := 0
	for i := range r.Files {
		alarms += r.Files[i].Rate.Events
	}
	if f.maxFalse >= 0 && alarms > f.maxFalse {
		ok = false
		fmt.Fprintf(w, "%d false alarms on the unmodified captures, which is more than --max-false %d\n", alarms, f.maxFalse)
	}
	return ok
}

// captures reads what was named, and makes the fleet.
func (f *trialFlags) captures(c *cobra.Command, args []string) ([]*trial.Capture, error) {
	defer startProgress(c, "reading captures")()
	zone, err := time.LoadLocation(f.zone)
	if err != nil {
		return nil, usagef("--zone %q: %v: use an IANA name such as Europe/Paris", f.zone, err)
	}
	var out []*trial.Capture
	for i, name := range slices.Concat(f.tuned, args) {
		group := trial.HeldOut
		if i < len(f.tuned) {
			group = trial.Tuned
		}
		capture, err := readCapture(c, name, group, zone)
		if err != nil {
			return nil, err
		}
		out = append(out, capture)
	}
	hours := f.fleet
	if hours == 0 && len(out) == 0 {
		hours = 6
	}
	if hours == 0 {
		return out, nil
	}
	fleet, err := simulatedFleet(f.seed, hours)
	if err != nil {
		return nil, err
	}
	return append(out, fleet), nil
}

func readCapture(c *cobra.Command, name string, group trial.Group, zone *time.Location) (*trial.Capture, error) {
	if name == "-" {
		return trial.Read(c.InOrStdin(), "standard input", group, zone)
	}
	in, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = in.Close() }() // opened for reading: closing can't lose anything
	return trial.Read(in, filepath.Base(name), group, zone)
}

// simulatedFleet is the honest traffic of the example port.
func simulatedFleet(seed uint64, hours float64) (*trial.Capture, error) {
	p, err := examplePort()
	if err != nil {
		return nil, err
	}
	start := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	s, err := simulate.New(p, simulate.Options{Seed: seed, Start: start})
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = s.Step(start.Add(time.Duration(hours*float64(time.Hour))), func(i simulate.Item) error {
		if i.Kind == simulate.AIS {
			b.Write(i.Data)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	fleet, err := trial.Read(&b, fmt.Sprintf("simulated fleet, %g h", hours), trial.Generated, time.UTC)
	if err != nil {
		return nil, err
	}
	fleet.Port = p
	return fleet, nil
}

// examplePort loads the port that the program carries with it.
func examplePort() (p *port.Port, err error) {
	dir, err := os.MkdirTemp("", "quaywatch-trial-")
	if err != nil {
		return nil, fmt.Errorf("making a place for the example port: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := os.CopyFS(dir, examples.Saltmere); err != nil {
		return nil, fmt.Errorf("writing the example port: %w", err)
	}
	return port.Load(filepath.Join(dir, "saltmere", "port.yaml"))
}

// countProgress shows how much is done on a terminal, and nothing anywhere else.
// It does so from the second on, as work shorter than that needs no bar.
func countProgress(c *cobra.Command, what string) (report func(done, of int), end func()) {
	f, ok := c.ErrOrStderr().(*os.File)
	if !ok || !isatty.IsTerminal(f.Fd()) {
		return nil, func() {}
	}
	begun := time.Now()
	var bar *progressbar.ProgressBar
	return func(done, of int) {
			if bar == nil && time.Since(begun) > time.Second {
				bar = progressbar.NewOptions(of, progressbar.OptionSetWriter(f), progressbar.OptionSetDescription(what),
					progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionShowCount())
			}
			if bar != nil {
				_ = bar.Set(done) // only what the terminal shows
			}
		}, func() {
			if bar != nil {
				_ = bar.Finish() // only what the terminal shows
			}
		}
}
