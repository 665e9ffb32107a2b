package cli

import (
	"os"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
)

// startProgress shows a moving sign on a terminal while work lasts longer than a
// second, and nothing anywhere else. The function that it returns ends it.
func startProgress(c *cobra.Command, what string) func() {
	out := c.ErrOrStderr()
	if p, filtered := out.(plain); filtered {
		out = p.w // a bar has to steer the terminal
	}
	f, ok := out.(*os.File)
	if !ok || !isatty.IsTerminal(f.Fd()) {
		return func() {}
	}
	bar := progressbar.NewOptions(-1, progressbar.OptionSetWriter(f), progressbar.OptionSetDescription(what),
		progressbar.OptionSpinnerType(14), progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(100*time.Millisecond))
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		select {
		case <-end:
			return
		case <-time.After(time.Second):
		}
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-end:
				_ = bar.Finish() // only what the terminal shows
				return
			case <-tick.C:
				_ = bar.Add(1) // only what the terminal shows
			}
		}
	}()
	return func() { close(end); <-ended }
}
