package cli

import (
	"errors"
	"fmt"
	"log/slog"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/quaywatch/quaywatch/internal/config"
	"github.com/quaywatch/quaywatch/internal/system"
)

func init() { commands = append(commands, newDemoCommand) }

func newDemoCommand() *cobra.Command {
	var o system.DemoOptions
	var verbose bool
	c := &cobra.Command{
		Use:   "demo",
		Short: "Run a simulated port live, with the console open",
		Long: `Demo runs the fictional port of Saltmere: ships, network traffic and badges in
real wire formats, with an attack from a camera towards the terminal operating
system under way. The console opens to a demo account without a login. Everything
stays on this machine and is deleted at the end, unless --data names a place.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			level := slog.LevelWarn
			if verbose {
				level = slog.LevelInfo
			}
			o.Log = slog.New(slog.NewTextHandler(c.ErrOrStderr(), &slog.HandlerOptions{Level: level}))
			o.Version = Version()
			o.Listening = func(address string) {
				fmt.Fprintf(c.ErrOrStderr(), "\n  Port of Saltmere, simulated. Open %s in a browser. Ctrl-C ends the demo.\n\n", address)
			}
			err := system.Demo(c.Context(), o)
			if errors.Is(err, syscall.EADDRINUSE) {
				return fmt.Errorf("%w\nAnother program (another demo?) uses that address: end it, or choose a free one with --listen 127.0.0.1:0", err)
			}
			return err
		},
	}
	f := c.Flags()
	f.StringVar(&o.Listen, "listen", config.DefaultListen, "address of the console, on loopback")
	f.StringVar(&o.Dir, "data", "", "directory to keep everything in (default: a temporary one)")
	f.Uint64Var(&o.Seed, "seed", 1, "seed of the simulated port")
	f.Float64Var(&o.Speed, "speed", 1, "simulated seconds a second")
	f.BoolVar(&verbose, "verbose", false, "log what happens")
	return c
}
