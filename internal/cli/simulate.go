package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/quaywatch/quaywatch/internal/port"
	"github.com/quaywatch/quaywatch/internal/simulate"
)

func init() { commands = append(commands, newSimulateCommand) }

// simulateFlags are what the command takes.
type simulateFlags struct {
	port, out  string
	hours      float64
	seed       uint64
	start      string
	noCampaign bool
	asJSON     bool
}

// written is what was made, for --json.
type written struct {
	Directory string           `json:"directory"`
	Start     time.Time        `json:"start"`
	End       time.Time        `json:"end"`
	Seed      uint64           `json:"seed"`
	Bytes     map[string]int64 `json:"bytes"`
}

func newSimulateCommand() *cobra.Command {
	var f simulateFlags
	c := &cobra.Command{
		Use:   "simulate",
		Short: "Write what a simulated port emits: AIS, radar, packets, badge rows, and the truth",
		Long: `Simulate drives the port of a port file and writes into a directory:
ais.nmea (sentences with tag blocks), radar.nmea (TTM sentences of the first radar
of the port file), network.pcap, access.csv and truth.ndjson, which says what was hidden and what only looks like it. The same port file, seed,
start and length give the same bytes. Files of that name are replaced.

Exit codes: 0 done; 1 failed; 2 used wrongly.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runSimulate(c, f) },
	}
	fl := c.Flags()
	fl.StringVar(&f.port, "port", "examples/saltmere/port.yaml", "port file")
	fl.StringVarP(&f.out, "output", "o", "", "directory to write into (required)")
	fl.Float64Var(&f.hours, "hours", 2, "simulated hours, more than 0 to 720")
	fl.Uint64Var(&f.seed, "seed", 1, "seed of everything that is left to chance")
	fl.StringVar(&f.start, "start", "2026-11-23T12:30:00Z", "first moment, RFC 3339")
	fl.BoolVar(&f.noCampaign, "quiet", false, "an ordinary day: no attack, no look-alikes")
	fl.BoolVar(&f.asJSON, "json", false, "tell what was written as JSON")
	return c
}

func runSimulate(c *cobra.Command, f simulateFlags) error {
	start, err := time.Parse(time.RFC3339, f.start)
	switch {
	case f.out == "":
		return usagef("name the directory to write into with -o")
	case err != nil:
		return usagef("--start %q is not a time such as 2026-11-23T12:30:00Z", f.start)
	case !(f.hours > 0 && f.hours <= 720):
		return usagef("--hours %g: give more than 0 and at most 720", f.hours)
	}
	p, err := port.Load(f.port)
	if err != nil {
		return fmt.Errorf("the port file has faults; 'quaywatch port check %s' lists them: %w", f.port, err)
	}
	s, err := simulate.New(p, simulate.Options{Seed: f.seed, Start: start, Campaign: !f.noCampaign})
	if err != nil {
		return fmt.Errorf("simulate %s: %w", f.port, err)
	}
	defer startProgress(c, "simulating")()
	end := start.UTC().Truncate(time.Second).Add(time.Duration(f.hours * float64(time.Hour)))
	sizes, err := writeSimulation(c.Context(), f.out, s, end)
	if err != nil {
		return err
	}
	if f.asJSON {
		return json.NewEncoder(c.OutOrStdout()).Encode(written{f.out, start.UTC(), end, f.seed, sizes})
	}
	for _, name := range simulationFiles {
		if _, err := fmt.Fprintf(c.OutOrStdout(), "%s\t%d bytes\n", filepath.Join(f.out, name), sizes[name]); err != nil {
			return err
		}
	}
	return nil
}

var simulationFiles = []string{"ais.nmea", "network.pcap", "access.csv", "truth.ndjson", "radar.nmea"}

// writeSimulation runs to the end and tells the size of each file.
func writeSimulation(ctx context.Context, dir string, s *simulate.Simulation, end time.Time) (sizes map[string]int64, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make the directory: %w", err)
	}
	files := make([]*counted, len(simulationFiles))
	defer func() {
		for _, f := range files {
			if f != nil {
				err = errors.Join(err, f.close())
			}
		}
	}()
	for i, name := range simulationFiles {
		file, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			return nil, fmt.Errorf("make the file: %w", err)
		}
		files[i] = &counted{file: file, w: bufio.NewWriterSize(file, 1<<18)}
	}
	err = simulate.Run(ctx, s, simulate.Pace{Until: end}, simulate.Sinks{AIS: files[0], Pcap: files[1], Access: files[2], Truth: files[3], Radar: files[4]})
	sizes = map[string]int64{}
	for i, name := range simulationFiles {
		sizes[name] = files[i].n
	}
	return sizes, err
}

// counted is a file that is written through a buffer and counted.
type counted struct {
	file *os.File
	w    *bufio.Writer
	n    int64
}

var _ io.Writer = (*counted)(nil)

func (c *counted) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}

func (c *counted) close() error { return errors.Join(c.w.Flush(), c.file.Close()) }
