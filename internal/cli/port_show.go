package cli

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/quaywatch/quaywatch/internal/port"
)

// drawPort writes a summary for people.
func drawPort(w io.Writer, s port.Summary) error {
	out := &drawing{}
	out.line("%s (%s) · security level %d · %s · %s", cell(s.Name), s.LOCODE, s.Level, s.TimeZone, s.Currency)
	out.counts(s)
	out.zones(s)
	out.matrix(s)
	out.services(s)
	_, err := io.WriteString(plain{w}, out.String())
	return err
}

type drawing struct{ strings.Builder }

func (d *drawing) line(format string, args ...any) { fmt.Fprintf(d, format+"\n", args...) }

func (d *drawing) counts(s port.Summary) {
	var parts []string
	for _, c := range s.Counts {
		part := fmt.Sprintf("%d %s", c.Count, c.Section)
		if c.Section == "assets" {
			part += fmt.Sprintf(" (%d it, %d ot, %d physical)", s.Domains[port.IT], s.Domains[port.OT], s.Domains[port.Physical])
		}
		parts = append(parts, part)
	}
	d.line("%s", strings.Join(parts[:6], " · "))
	d.line("%s", strings.Join(parts[6:], " · "))
}

func (d *drawing) zones(s port.Summary) {
	d.line("\nZones by Purdue level")
	t := tabwriter.NewWriter(d, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "  #\tlevel\tzone\tdomain\tSL-T\tassets\tnetworks")
	for i, z := range s.Zones {
		networks := strings.Join(z.Networks, " ")
		if z.External {
			networks = "(everything else)"
		}
		fmt.Fprintf(t, "  %d\t%g\t%s\t%s\t%d\t%d\t%s\n", i+1, z.Level, cell(z.ID), z.Domain, z.Target, z.Assets, networks)
	}
	t.Flush() //nolint:errcheck // a drawing is a strings.Builder, which can't fail
}

// matrix draws who may open a conversation to whom; rows open, columns serve.
func (d *drawing) matrix(s port.Summary) {
	d.line("\nConduits: the row opens to the column; r only reads, W may write, . none")
	access := map[[2]string]string{}
	for _, l := range s.Matrix {
		access[[2]string{l.From, l.To}] = map[string]string{"read": "r"}[l.Access]
		if l.Access != "read" {
			access[[2]string{l.From, l.To}] = "W"
		}
	}
	width := 0
	for _, z := range s.Zones {
		width = max(width, len(z.ID))
	}
	fmt.Fprintf(d, "  %*s", width+4, "")
	for i := range s.Zones {
		fmt.Fprintf(d, " %2d", i+1)
	}
	d.line("")
	for i, from := range s.Zones {
		fmt.Fprintf(d, "  %2d  %-*s", i+1, width, from.ID)
		for j, to := range s.Zones {
			mark := access[[2]string{from.ID, to.ID}]
			switch {
			case i == j:
				mark = "·"
			case mark == "":
				mark = "."
			}
			fmt.Fprintf(d, "  %s", mark)
		}
		d.line("")
	}
}

// services draws each service with the tree of what it needs.
func (d *drawing) services(s port.Summary) {
	d.line("\nServices and what they need")
	for _, l := range s.Services {
		text := l.Text
		if l.ID != "" && l.ID != l.Text {
			text = l.ID + "  " + l.Text
		}
		d.line("  %s%s", strings.Repeat("   ", l.Depth), cell(text))
	}
}
