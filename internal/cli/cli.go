// Package cli is the command line: one file a command. It imports system and
// config, and for offline commands the stage that the command runs.
//
// Exit codes: 0 done; 1 failed; 2 used wrongly; 3 done, and it found violations.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// Exit codes of every command.
const (
	ExitDone       = 0
	ExitFailed     = 1
	ExitUsage      = 2
	ExitViolations = 3
)

// errViolations is returned by commands that did their work and found
// violations; what was found is already on standard output.
var errViolations = errors.New("violations found")

// usageError marks a mistake in how the command was called.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

// usagef makes a usage error.
func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// Main runs the program with the arguments of the process and returns the exit code.
func Main() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return Run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
}

// Run runs one command.
func Run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	stderr = plain{stderr} // messages name files, lines and values of others
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	var usage usageError
	switch {
	case err == nil:
		return ExitDone
	case errors.Is(err, errViolations):
		return ExitViolations
	case errors.As(err, &usage):
		fmt.Fprintf(stderr, "quaywatch: %v\n", err)
		return ExitUsage
	default:
		fmt.Fprintf(stderr, "quaywatch: %v\n", err)
		return ExitFailed
	}
}

// commands are the makers of the top-level commands; each file of a noun adds
// its own in an init function, so that adding a command touches one file.
var commands []func() *cobra.Command

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "quaywatch",
		Short: "Port security across IT, OT and physical: one model, one watch, one answer",
		Long: `Quaywatch watches a maritime port's three security worlds and its vessels as one.

Exit codes: 0 done; 1 failed; 2 used wrongly; 3 done, and it found violations.`,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usagef("%v (see 'quaywatch %s --help')", err, c.Name())
	})
	for _, make := range commands {
		root.AddCommand(make())
	}
	return root
}
