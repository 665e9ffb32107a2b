package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/quaywatch/quaywatch/internal/port"
)

func init() { commands = append(commands, newPortCommand) }

func newPortCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "port",
		Short: "Write, check and draw the port file",
		Long:  "The port file declares the port: places, networks, devices, services and people. See docs/manual/port-file.md.",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return usagef("name one of: init, check, show, schema, netbox (see 'quaywatch port --help')")
		},
	}
	c.AddCommand(newPortInit(), newPortCheck(), newPortShow(), newPortSchema(), newPortNetBox())
	return c
}

// oneArg takes exactly one argument, and calls less or more a wrong use.
func oneArg(what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) != 1 {
			return usagef("%s takes one argument: %s", c.CommandPath(), what)
		}
		return nil
	}
}

func newPortInit() *cobra.Command {
	var force bool
	c := &cobra.Command{
		Use:   "init [FILE]",
		Short: "Write a commented starter that passes the check (FILE is port.yaml where not given, - is standard output)",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usagef("quaywatch port init takes at most one file")
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			name := "port.yaml"
			if len(args) == 1 {
				name = args[0]
			}
			if name == "-" {
				_, err := c.OutOrStdout().Write(port.Starter())
				return err
			}
			if err := writeStarter(name, force); err != nil {
				return err
			}
			fmt.Fprintf(c.ErrOrStderr(), "wrote %s; edit it, then: quaywatch port check %s\n", name, name)
			return nil
		},
	}
	c.Flags().BoolVar(&force, "force", false, "overwrite the file where it exists")
	return c
}

// writeStarter creates the file; without force, an existing one is never touched.
func writeStarter(name string, force bool) (err error) {
	mode := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if force {
		mode = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	f, err := os.OpenFile(name, mode, 0o644) //nolint:gosec // G302: a port file is for everybody who works on it
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%s exists already; give another name, or --force to overwrite it", name)
	}
	if err != nil {
		return fmt.Errorf("write the starter: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	_, err = f.Write(port.Starter())
	return err
}

// readPort reads the port at path or, for "-", from standard input. The error
// is for what can't be read at all.
func readPort(c *cobra.Command, path string, now time.Time) (*port.Port, port.Problems, error) {
	if path == "-" {
		data, err := io.ReadAll(io.LimitReader(c.InOrStdin(), port.MaxBytes+1))
		if err != nil {
			return nil, nil, fmt.Errorf("read standard input: %w", err)
		}
		p, problems := port.Parse("-", data, now)
		return p, problems, nil
	}
	if _, err := os.Stat(path); err != nil {
		return nil, nil, fmt.Errorf("read the port file: %w", err)
	}
	p, problems := port.Check(path, now)
	return p, problems, nil
}

// checkReport is the outcome of a check as JSON.
type checkReport struct {
	Path     string        `json:"path"`
	Usable   bool          `json:"usable"`
	Faults   int           `json:"faults"`
	Warnings int           `json:"warnings"`
	Problems port.Problems `json:"problems"`
}

func newPortCheck() *cobra.Command {
	var asJSON bool
	var at string
	c := &cobra.Command{
		Use:   "check PATH",
		Short: "Find every fault of a port file, with line, column and what to do (- reads standard input)",
		Args:  oneArg("a port file, a directory, or -"),
		RunE: func(c *cobra.Command, args []string) error {
			now := time.Now()
			if at != "" {
				day, err := time.Parse(time.DateOnly, at)
				if err != nil {
					return usagef("--at %q is no date; write it like 2027-03-31", at)
				}
				now = day
			}
			p, problems, err := readPort(c, args[0], now)
			if err != nil {
				return err
			}
			r := checkReport{Path: args[0], Usable: p != nil, Faults: len(problems.Faults()), Warnings: len(problems.Warnings()), Problems: problems}
			if err := writeCheck(c, r, asJSON); err != nil {
				return err
			}
			if r.Faults > 0 {
				return errViolations
			}
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "write the problems as JSON")
	c.Flags().StringVar(&at, "at", "", "judge what has expired at the start of this day (UTC) instead of now")
	return c
}

func writeCheck(c *cobra.Command, r checkReport, asJSON bool) error {
	if asJSON {
		if r.Problems == nil {
			r.Problems = port.Problems{}
		}
		return writeJSON(c.OutOrStdout(), r)
	}
	for _, p := range r.Problems {
		if _, err := fmt.Fprintln(plain{c.OutOrStdout()}, p); err != nil {
			return err
		}
	}
	verdict := "good"
	if !r.Usable {
		verdict = "not usable"
	}
	fmt.Fprintf(c.ErrOrStderr(), "%s: %s; faults: %d, warnings: %d\n", r.Path, verdict, r.Faults, r.Warnings)
	return nil
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(jsonOut{w})
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

func newPortShow() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "show PATH",
		Short: "Draw a summary: counts, zones, who may talk to whom, services (- reads standard input)",
		Args:  oneArg("a port file, a directory, or -"),
		RunE: func(c *cobra.Command, args []string) error {
			p, problems, err := readPort(c, args[0], time.Time{})
			if err != nil {
				return err
			}
			if p == nil {
				fmt.Fprintln(c.ErrOrStderr(), problems.Faults().Error())
				return errViolations
			}
			if asJSON {
				return writeJSON(c.OutOrStdout(), p.Summarise())
			}
			return drawPort(c.OutOrStdout(), p.Summarise())
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "write the summary as JSON")
	return c
}

func newPortSchema() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of the port file, for editors",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := c.OutOrStdout().Write(port.Schema())
			return err
		},
	}
}
