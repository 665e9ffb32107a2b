package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
	source "github.com/quaywatch/quaywatch/internal/source/ais"
	"github.com/quaywatch/quaywatch/internal/watch/vessel"
)

func init() { commands = append(commands, newAISCommand) }

func newAISCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "ais",
		Short: "Decode AIS, follow vessels, find tracks that cannot be true",
		Long: `AIS reads NMEA 0183 sentences (AIVDM, AIVDO and other talkers) from files, or from
standard input without a file or with -. Decode, track and check also read the
network: tcp://host:port (connects, and ends when the server closes) and
udp://host:port (listens), until Ctrl-C. Lines that can't be read are told on
standard error and the rest goes on.`,
	}
	c.AddCommand(newAISDecode(), newAISTrack(), newAISCheck(), newAISTrial(), newAISReplay())
	return c
}

func inputs(args []string) []string {
	if len(args) == 0 {
		return []string{"-"}
	}
	return args
}

// aisRun is what reading inputs through the source and the watch gave.
type aisRun struct {
	picture  vessel.Picture
	findings []finding.Finding
	health   []event.SourceHealth
}

// vesselSink feeds batches to the watch, with event time as the clock.
type vesselSink struct {
	watch *vessel.Watch
	run   *aisRun
	last  event.SourceHealth
}

func (s *vesselSink) Put(_ context.Context, b *event.Batch) error {
	s.watch.Observe(b)
	if n := len(b.Vessels); n > 0 {
		s.watch.Advance(b.Vessels[n-1].Time)
	}
	if n := len(b.Health); n > 0 {
		s.last = b.Health[n-1]
	}
	return nil
}

// readOptions are how inputs are read into the watch.
type readOptions struct {
	port  string
	zone  string
	retry time.Duration
	span  time.Duration
}

// flags adds those that track and check share.
func (o *readOptions) flags(c *cobra.Command) {
	c.Flags().StringVar(&o.zone, "zone", "", "time zone of a date and time written before sentences (UTC)")
	c.Flags().DurationVar(&o.span, "for", 0, "end network inputs after so long (0: at their end, or Ctrl-C)")
	c.Flags().DurationVar(&o.retry, "retry", 0, "for how long to look for a TCP server that is not there yet")
}

// readAIS reads the inputs one after the other into one watch.
func readAIS(c *cobra.Command, o readOptions, args []string) (*aisRun, error) {
	p, err := loadPort(o.port)
	if err != nil {
		return nil, err
	}
	if o.span < 0 || o.retry < 0 {
		return nil, usagef("--for and --retry: use 0 or more")
	}
	defer startProgress(c, "reading AIS")()
	run := &aisRun{}
	var told []finding.Occurrence
	sink := &vesselSink{run: run, watch: vessel.New(p, vessel.Options{}, func(o finding.Occurrence) { told = append(told, o) })}
	for _, name := range inputs(args) {
		if err := o.read(c, name, sink); err != nil {
			return nil, err
		}
		run.health = append(run.health, sink.last)
		tellHealth(c.ErrOrStderr(), &sink.last)
	}
	run.picture, run.findings = sink.watch.Picture(), finding.Fold(told)
	return run, nil
}

// read reads one input to its end. A network input also ends, and well, with
// Ctrl-C or after the time that was asked for.
func (o *readOptions) read(c *cobra.Command, name string, sink *vesselSink) error {
	ctx, live := c.Context(), strings.Contains(name, "://")
	cfg := source.Config{ID: name, Address: name, Zone: o.zone, Stdin: c.InOrStdin()}
	if live {
		if o.span > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, o.span)
			defer cancel()
		}
		in, err := (&decodeOptions{retry: o.retry}).open(c, name)
		if errors.Is(err, source.ErrAddress) {
			return usageError{err}
		}
		if err != nil {
			return err
		}
		cfg.Opened = in
	}
	s, err := source.New(cfg)
	if err != nil {
		return usageError{err}
	}
	if err := s.Run(ctx, sink); err != nil && (!live || ctx.Err() == nil) {
		return err
	}
	return nil
}

// tellHealth accounts for an input on standard error.
func tellHealth(w io.Writer, h *event.SourceHealth) {
	fmt.Fprintf(w, "%s: %d messages, %d lines rejected\n", h.Source, h.Accepted, h.Rejected)
	for _, r := range h.Reasons {
		fmt.Fprintf(w, "  %d × %s, last at line %d\n", r.Count, r.Text, r.Last.Line)
	}
	if h.HasDrift && h.Drift.Abs() > 5*time.Second {
		fmt.Fprintf(w, "  the clock of the lines is %s ahead of %s: is --zone right?\n", h.Drift.Round(time.Second), h.DriftFrom)
	}
}

func newAISTrack() *cobra.Command {
	var lines bool
	var o readOptions
	c := &cobra.Command{
		Use:   "track [FILE…]",
		Short: "Print the tracks of vessels as GeoJSON",
		Long: `Track prints one feature for each vessel: its newest position, or its thinned path
(at most 64 points) as a line, with identity and findings as properties. Vessels
that share an MMSI are features of their own, told apart by "hull".

A FILE may be - for standard input, tcp://host:port (connects, and ends when the
server closes) or udp://host:port (listens, until Ctrl-C or --for).

Exit codes: 0 done; 1 failed; 2 used wrongly.`,
		RunE: func(c *cobra.Command, args []string) error {
			run, err := readAIS(c, o, args)
			if err != nil {
				return err
			}
			return printTracks(c.OutOrStdout(), run.picture.Tracks, lines)
		},
	}
	c.Flags().BoolVar(&lines, "ndjson", false, "print one feature a line instead of a collection")
	o.flags(c)
	return c
}

// feature is one track after RFC 7946.
type feature struct {
	Type       string         `json:"type"`
	Geometry   any            `json:"geometry"` // null where no position was told
	Properties map[string]any `json:"properties"`
}

func featureOf(t *vessel.Track) feature {
	f := feature{Type: "Feature", Properties: map[string]any{"mmsi": t.MMSI, "hull": t.Hull, "kind": t.Kind,
		"first": t.First, "last_heard": t.LastHeard, "reports": t.Reports}}
	for k, v := range map[string]string{"name": t.Name, "call_sign": t.CallSign, "destination": t.Destination} {
		if v != "" {
			f.Properties[k] = v
		}
	}
	for k, v := range map[string]float64{"imo": float64(t.IMO), "ship_type": float64(t.ShipType), "length_m": float64(t.Length)} {
		if v != 0 {
			f.Properties[k] = v
		}
	}
	for k, v := range map[string]float32{"sog_kn": t.SOG, "cog_deg": t.COG, "heading_deg": t.Heading} {
		if v == v {
			f.Properties[k] = v
		}
	}
	if len(t.Findings) > 0 {
		f.Properties["findings"] = t.Findings
	}
	if math.IsNaN(t.Lat) {
		return f
	}
	var path [][2]float64
	times := []time.Time{}
	for _, p := range t.Past {
		path, times = append(path, [2]float64{p.Lon, p.Lat}), append(times, p.Time)
	}
	if n := len(times); n == 0 || times[n-1].Before(t.Time.Truncate(time.Second)) {
		path, times = append(path, [2]float64{t.Lon, t.Lat}), append(times, t.Time)
	}
	f.Properties["times"] = times
	f.Geometry = map[string]any{"type": "LineString", "coordinates": path}
	if len(path) == 1 {
		f.Geometry = map[string]any{"type": "Point", "coordinates": path[0]}
	}
	return f
}

func printTracks(w io.Writer, tracks []vessel.Track, lines bool) error {
	features := make([]feature, len(tracks))
	for i := range tracks {
		features[i] = featureOf(&tracks[i])
	}
	enc := json.NewEncoder(jsonOut{w})
	if !lines {
		return enc.Encode(map[string]any{"type": "FeatureCollection", "features": features})
	}
	for _, f := range features {
		if err := enc.Encode(f); err != nil {
			return err
		}
	}
	return nil
}

func newAISCheck() *cobra.Command {
	var asJSON bool
	var o readOptions
	c := &cobra.Command{
		Use:   "check [FILE…]",
		Short: "Find tracks and identities that cannot be true",
		Long: `Check watches the vessels of the inputs and prints the findings of every rule of
the manual (vessels.md): movement that is impossible or contradicts itself,
identities, two hulls under one MMSI, silence, interference with satellite
navigation, false stations and aids, behaviour. Each has its grade, its evidence,
what was ruled out and what is not known. With a port file (--port) it also knows
the land, the aids to navigation and the base stations.

A FILE may be - for standard input, tcp://host:port (connects, and ends when the
server closes) or udp://host:port (listens, until Ctrl-C or --for).

Exit codes: 0 done, nothing found; 1 failed; 2 used wrongly; 3 done, with findings.`,
		RunE: func(c *cobra.Command, args []string) error {
			run, err := readAIS(c, o, args)
			if err != nil {
				return err
			}
			if asJSON {
				err = json.NewEncoder(jsonOut{c.OutOrStdout()}).Encode(map[string]any{"as_of": run.picture.AsOf, "vessels": len(run.picture.Tracks), "findings": run.findings})
			} else {
				err = printAISFindings(c.OutOrStdout(), run.findings)
			}
			if err == nil && len(run.findings) > 0 {
				return errViolations
			}
			return err
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object, with all facts")
	c.Flags().StringVar(&o.port, "port", "", "port file")
	o.flags(c)
	return c
}

// shownFacts is how many facts are printed of a finding: how it began, and the newest.
const shownFacts = 2

func printAISFindings(w io.Writer, findings []finding.Finding) error {
	buffer := bufio.NewWriter(w)
	out := plain{buffer}
	for i := range findings {
		f := &findings[i]
		ended := ""
		if !f.Present {
			ended = ", ended " + f.Gone.Format("2006-01-02T15:04:05Z")
		}
		fmt.Fprintf(out, "%s %s (%s) %s\n  %s %s%s\n", f.First.Format("2006-01-02T15:04:05Z"), f.Severity, f.Grade, cell(f.Title), f.Rule, f.ID, ended)
		if f.Summary != "" {
			fmt.Fprintf(out, "  %s\n", cell(f.Summary))
		}
		for k, fact := range f.Facts {
			switch left := len(f.Facts) - 2*shownFacts; {
			case k < shownFacts, k >= len(f.Facts)-shownFacts:
				fmt.Fprintf(out, "  - %s [%s]\n", cell(fact.Text), cell(fact.Evidence.Raw.Where()))
			case k == shownFacts:
				fmt.Fprintf(out, "  - %d more, see --json\n", left)
			}
		}
		for _, l := range []struct {
			head string
			text []string
		}{{"ruled out", f.RuledOut}, {"not known", f.Unknown}, {"next", f.Next}} {
			for _, t := range l.text {
				fmt.Fprintf(out, "  %s: %s\n", l.head, cell(t))
			}
		}
	}
	return buffer.Flush()
}
