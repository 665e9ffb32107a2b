package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/identity"
	"github.com/quaywatch/quaywatch/internal/port"
	"github.com/quaywatch/quaywatch/internal/watch/network"
	"github.com/quaywatch/quaywatch/internal/watch/vessel"
)

// evil is a name as an attacker would write it: it sets the title of the
// terminal, clears the screen in seven and eight bits, draws a line of its own,
// and turns the direction of what follows.
const evil = "n\x1b]0;owned\a\x1b[2J\u009b2Jå\nfake\tcell\u202etxt\u2066"

func TestCommandsCannotBeSteered(t *testing.T) {
	f := finding.Finding{ID: "F-1", Occurrence: finding.Occurrence{Title: evil, Summary: evil, Time: time.Unix(0, 0).UTC(), RuledOut: []string{evil}, Unknown: []string{evil}, Next: []string{evil},
		Facts: []finding.Fact{{Text: evil, Evidence: finding.Evidence{Raw: event.Raw{Input: evil}}}}}}
	run := &networkRun{findings: []finding.Finding{f}, picture: network.Picture{
		Hosts: []network.Host{{ID: evil, IPs: []string{"10.0.0.1"}, Names: []string{evil}, Vendor: evil, Product: evil, Model: evil, Role: "unknown", RoleWhy: evil,
			Services: []network.Service{{Transport: "tcp", Port: 80, Application: evil}}}},
		Uses: []network.ConduitUse{{From: "a", To: "b", Transport: "tcp", Application: evil, Example: evil, Why: evil}}}}
	summary := port.Summary{Name: evil, Zones: []port.ZoneSummary{{ID: evil}}, Services: []port.ServiceLine{{ID: evil, Text: evil}}}
	for range 6 {
		summary.Counts = append(summary.Counts, port.Count{Section: "zones"})
	}
	tracks := []vessel.Track{{MMSI: 235000001, Name: evil, Destination: evil}}
	for _, c := range []struct {
		name  string
		lines int // that the command draws, 0: any number
		json  bool
		write func(c *cobra.Command) error
	}{
		{"network inspect", 3, false, func(c *cobra.Command) error { return printHosts(c.OutOrStdout(), run) }},
		{"network check", 0, false, func(c *cobra.Command) error { return printVerdicts(c.OutOrStdout(), run) }},
		{"ais check", 7, false, func(c *cobra.Command) error { return printAISFindings(c.OutOrStdout(), []finding.Finding{f}) }},
		{"ais track", 1, true, func(c *cobra.Command) error { return printTracks(c.OutOrStdout(), tracks, true) }},
		{"port show", 0, false, func(c *cobra.Command) error { return drawPort(c.OutOrStdout(), summary) }},
		{"port show --json", 0, true, func(c *cobra.Command) error { return writeJSON(c.OutOrStdout(), summary) }},
		{"user list", 2, false, func(c *cobra.Command) error {
			return listAccounts(c, []identity.Account{{Name: "a", Display: evil}}, false)
		}},
		{"user list --json", 1, true, func(c *cobra.Command) error {
			return listAccounts(c, []identity.Account{{Name: "a", Display: evil}}, true)
		}},
		{"user add", 0, false, func(c *cobra.Command) error { return tellPassword(c, evil, "secret", false) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			command := &cobra.Command{}
			command.SetOut(&out)
			if err := c.write(command); err != nil {
				t.Fatal(err)
			}
			harmlessText(t, out.String())
			if n := strings.Count(out.String(), "\n"); c.lines > 0 && n != c.lines {
				t.Errorf("%d lines, want %d:\n%s", n, c.lines, out.String())
			}
			if c.json && !strings.Contains(decoded(t, out.Bytes()), evil) {
				t.Errorf("the value has changed: %q", out.String())
			}
		})
	}
}

func harmlessText(t *testing.T, text string) {
	t.Helper()
	for _, r := range text {
		if r != '\n' && r != '\t' && (r < ' ' || r >= 0x7f && r < 0xa0 || r == 0x202e || r == 0x2066) {
			t.Fatalf("%U reaches the terminal: %q", r, text)
		}
	}
	if strings.ContainsRune(text, '\ufffd') {
		t.Errorf("a character was cut in two: %q", text)
	}
}

// decoded are all strings of a JSON document, one after the other.
func decoded(t *testing.T, b []byte) string {
	t.Helper()
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case string:
			out.WriteString(v)
		case []any:
			for _, e := range v {
				walk(e)
			}
		case map[string]any:
			for _, e := range v {
				walk(e)
			}
		}
	}
	walk(v)
	return out.String()
}

// What goes wrong is told with names of others in it, on the same terminal.
func TestMessagesCannotSteerTheTerminal(t *testing.T) {
	name := filepath.Join(t.TempDir(), "a\x1b[2Jb.pcap")
	if err := os.WriteFile(name, []byte("\xd4\xc3\xb2\xa1 cut"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, messages bytes.Buffer
	code := Run(context.Background(), []string{"network", "inspect", name}, strings.NewReader(""), &out, &messages)
	harmlessText(t, messages.String()+out.String())
	if code == ExitDone || !strings.Contains(messages.String(), "a·[2Jb.pcap") {
		t.Errorf("exit %d, %q: want a message that names the file", code, messages.String())
	}
}
