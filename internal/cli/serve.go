package cli

import (
	"io"
	"log/slog"
	"os"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/quaywatch/quaywatch/internal/config"
	"github.com/quaywatch/quaywatch/internal/system"
)

func init() { commands = append(commands, newServeCommand) }

// collectAt is the growth of the heap in percent at which it is collected. Under
// load most of it is observations that live for a second, so that collecting
// twice as often costs little of a processor and saves a fifth of the memory
// (docs/design/load.md).
const collectAt = 50

func newServeCommand() *cobra.Command {
	var path string
	c := &cobra.Command{
		Use:   "serve -c quaywatch.yaml",
		Short: "Run the system: sources, watches, API and console",
		Long: `Serve runs the system that quaywatch.yaml describes until it is interrupted.
At the first start it prints a one-time code with which the first administrator
is made in the browser; there is never a default password.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := config.Load(path)
			if err != nil {
				return err
			}
			if os.Getenv("GOGC") == "" {
				debug.SetGCPercent(collectAt)
			}
			s, err := system.Open(c.Context(), cfg, system.Options{Log: newLog(c.ErrOrStderr(), cfg.Log), Version: Version(), Command: "serve"})
			if err != nil {
				return err
			}
			err = s.Run(c.Context(), system.RunOptions{Told: c.ErrOrStderr()})
			if cerr := s.Close(); err == nil {
				err = cerr
			}
			return err
		},
	}
	c.Flags().StringVarP(&path, "config", "c", "quaywatch.yaml", "configuration")
	return c
}

// newLog makes the program's own log on standard error.
func newLog(w io.Writer, c config.Log) *slog.Logger {
	var level slog.Level
	if c.Level != "" {
		_ = level.UnmarshalText([]byte(c.Level)) // checked when the configuration was read
	}
	o := &slog.HandlerOptions{Level: level}
	if c.JSON {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	if w == nil {
		w = os.Stderr
	}
	return slog.New(slog.NewTextHandler(w, o))
}
