package system

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/quaywatch/quaywatch/internal/advisory"
	"github.com/quaywatch/quaywatch/internal/attackgraph"
	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/port"
	"github.com/quaywatch/quaywatch/internal/report"
	"github.com/quaywatch/quaywatch/internal/source"
	"github.com/quaywatch/quaywatch/internal/store/duckdb"
	"github.com/quaywatch/quaywatch/internal/watch"
	"github.com/quaywatch/quaywatch/internal/watch/health"
	"github.com/quaywatch/quaywatch/internal/watch/network"
	"github.com/quaywatch/quaywatch/internal/watch/vessel"
)

// Feed is one input of an analysis: a source and what it watches.
type Feed struct {
	Source source.Source
	Kind   string // as in the configuration
	Domain string
}

// AnalyseOptions are what one analysis is made of.
type AnalyseOptions struct {
	Port  *port.Port
	Feeds []Feed    // read one after another, in this order
	AsOf  time.Time // the moment of the report; zero: the newest time that any input tells
	Out   string    // directory for the results
	// PortFile is where Port was read from: lists of components stand beside it.
	PortFile  string
	EPSS      *advisory.EPSS      // exploit predictions; nil: none
	Decisions *advisory.Decisions // of people on pairs of asset and notice; nil: none
	From      []string            // entries of an attacker, by which reach is asked; empty: internet, mail and vendor
	PDF       bool                // also write situation.pdf, whose bytes are the browser's and may differ between runs
}

// Outcome is what an analysis found, for the command line.
type Outcome struct {
	AsOf       time.Time         `json:"as_of"`
	Findings   int               `json:"findings"`
	Violations int               `json:"violations"` // present, warning or alarm, likely or confirmed
	Vessels    int               `json:"vessels"`
	Hosts      int               `json:"hosts"`
	Advisories int               `json:"advisories"`
	Sources    []health.Source   `json:"sources"`
	Files      []string          `json:"files"`
	Failed     map[string]string `json:"failed,omitempty"` // sources that could not be read to their end
}

// analysis is the sink of a one-shot run: every batch goes to the same watches
// as in the running system, flows to the flows file.
type analysis struct {
	o     AnalyseOptions
	set   *watch.Set
	adv   *advisory.Set
	flows *duckdb.FlowFile
	ends  watch.Ends // where the recordings of each world end
	occs  []finding.Occurrence
}

// Put implements source.Sink.
func (a *analysis) Put(ctx context.Context, b *event.Batch) error {
	a.set.Observe(b)
	a.adv.Observe(b)
	a.occs = append(a.occs, a.set.Take()...)
	a.ends.Observe(b)
	return a.flows.Add(ctx, b.Flows)
}

// Analyse reads all feeds and writes findings.ndjson, inventory.json,
// vessels.geojson, flows.parquet and situation.html into o.Out. The same input
// gives the same bytes. A feed that fails does not stop the others; it is in
// Outcome.Failed and in the report.
func Analyse(ctx context.Context, o AnalyseOptions) (out *Outcome, err error) {
	if err := os.MkdirAll(o.Out, 0o755); err != nil {
		return nil, fmt.Errorf("making the directory of the results: %w", err)
	}
	work, err := os.MkdirTemp("", "quaywatch-analyse-")
	if err != nil {
		return nil, fmt.Errorf("making a place to work: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	flows, err := duckdb.NewFlowFile(ctx, work)
	if err != nil {
		return nil, err
	}
	defer flows.Close()
	a := &analysis{o: o, set: watch.New(o.Port), adv: advisory.New(), flows: flows}
	out = &Outcome{Failed: map[string]string{}}
	for _, f := range o.Feeds {
		a.set.Health.Declare(f.Source.ID(), f.Kind, f.Domain, 0)
		if err := f.Source.Run(ctx, a); err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			out.Failed[f.Source.ID()] = err.Error()
		}
	}
	if len(a.o.From) == 0 {
		a.o.From = []string{"internet", "mail", "vendor"}
	}
	asOf := o.AsOf
	if asOf.IsZero() {
		asOf = a.ends.Newest()
	}
	a.set.End(a.ends)
	a.occs = append(a.occs, a.set.Take()...)
	dateUndated(a.occs, asOf.UTC())
	return out, a.write(ctx, out, asOf.UTC())
}

// dateUndated puts what has no time at the moment of the report: a file that could
// not be opened tells none, and a finding of the year 1 is nowhere on a timeline.
func dateUndated(occs []finding.Occurrence, asOf time.Time) {
	set := func(t *time.Time) {
		if t.IsZero() {
			*t = asOf
		}
	}
	for i := range occs {
		set(&occs[i].Time)
		for k := range occs[i].Facts {
			f := &occs[i].Facts[k]
			set(&f.Time)
			set(&f.Evidence.Time)
			set(&f.Evidence.Seen)
		}
	}
}

func (a *analysis) write(ctx context.Context, out *Outcome, asOf time.Time) error {
	findings := finding.Fold(a.occs)
	vessels, hosts := a.set.Vessel.Picture(), a.set.Network.Picture()
	sources := a.set.Health.Picture()
	out.AsOf, out.Findings, out.Vessels, out.Hosts = asOf, len(findings), len(vessels.Tracks), len(hosts.Hosts)
	out.Sources = sources.Sources
	out.Advisories = a.adv.Summary().Advisories
	for _, f := range findings {
		if f.Present && f.Severity >= finding.Warning && f.Grade >= finding.Likely {
			out.Violations++
		}
	}
	weak, notes, err := a.weigh(asOf, hosts)
	if err != nil {
		return err
	}
	situation := report.NewSituation(report.Input{Port: a.o.Port, AsOf: asOf, Findings: findings, Sources: sources,
		Notes: notes, OneShot: true})
	for _, f := range []struct {
		name  string
		write func(io.Writer) error
	}{
		{"findings.ndjson", func(w io.Writer) error { return writeLines(w, findings) }},
		{"inventory.json", func(w io.Writer) error { return a.writeInventory(w, asOf, hosts, weak) }},
		{"vessels.geojson", func(w io.Writer) error { return writeVessels(w, asOf, vessels) }},
		{"situation.html", situation.WriteHTML},
	} {
		if err := writeFile(filepath.Join(a.o.Out, f.name), f.write); err != nil {
			return err
		}
		out.Files = append(out.Files, f.name)
	}
	if a.o.PDF {
		err := writeFile(filepath.Join(a.o.Out, "situation.pdf"), func(w io.Writer) error { return situation.WritePDF(ctx, w) })
		if err != nil {
			return err
		}
		out.Files = append(out.Files, "situation.pdf")
	}
	out.Files = append(out.Files, "flows.parquet")
	slices.Sort(out.Files)
	return a.flows.WriteTo(ctx, filepath.Join(a.o.Out, "flows.parquet"))
}

// weighed is a notice about an asset with what makes it urgent.
type weighed struct {
	advisory.Match
	Priority advisory.Priority `json:"priority"`
	Reach    advisory.Reach    `json:"reach"`                  // of the asset by an attacker
	Window   string            `json:"patch_window,omitempty"` // the next one of the asset
}

// listed is how many pairs the report names.
const listed = 5

// weigh holds the register against the notices as the running system does, and says in
// sentences what came of it.
func (a *analysis) weigh(asOf time.Time, seenOn network.Picture) (map[string][]weighed, []string, error) {
	sum, p := a.adv.Summary(), a.o.Port
	if sum.Advisories == 0 && sum.Exploited == 0 {
		return nil, []string{"No advisories were given: nothing is said about known vulnerabilities."}, nil
	}
	if a.o.EPSS != nil {
		a.adv.Predict(a.o.EPSS)
	}
	decisions := a.o.Decisions
	if decisions == nil {
		decisions = &advisory.Decisions{}
	}
	matches, notes := judgeNotices(a.adv, p, a.o.PortFile, decisions, asOf)
	m, err := attackgraph.New(attackgraph.DefaultRules())
	if err != nil {
		return nil, nil, err
	}
	if err := errors.Join(attackgraph.Declare(m, p, asOf), attackgraph.Observe(m, seen(p, seenOn)), Weaknesses(m, p, matches), m.From(a.o.From...), m.Update()); err != nil {
		return nil, nil, err
	}
	out, count := map[string][]weighed{}, map[advisory.Verdict]int{}
	type pair struct {
		asset *port.Asset
		one   *weighed
	}
	var all []pair
	for i := range p.Assets {
		as := &p.Assets[i]
		if len(matches[as.ID]) == 0 {
			continue
		}
		target, err := m.Target(as.ID)
		if err != nil {
			return nil, nil, err
		}
		reach, stops, window := advisory.Reach(m.Reach(target)), advisory.Stops(p, as.ID), ""
		if w, ok := p.PatchWindow(as, asOf); ok {
			window = w.String()
		}
		list := make([]weighed, 0, len(matches[as.ID]))
		for _, one := range matches[as.ID] {
			count[one.Verdict]++
			list = append(list, weighed{one, prioritise(&one, as, reach, a.o.From, stops), reach, window})
		}
		slices.SortStableFunc(list, func(x, y weighed) int {
			return cmp.Or(cmp.Compare(y.Priority.Score, x.Priority.Score), cmp.Compare(x.ID, y.ID))
		})
		out[as.ID] = list
		for k := range list {
			if list[k].Verdict != advisory.NotAffected {
				all = append(all, pair{as, &list[k]})
			}
		}
	}
	slices.SortStableFunc(all, func(x, y pair) int {
		return cmp.Or(cmp.Compare(y.one.Priority.Score, x.one.Priority.Score), cmp.Compare(x.asset.ID, y.asset.ID), cmp.Compare(x.one.ID, y.one.ID))
	})
	said := []string{fmt.Sprintf("%d advisories with %d vulnerabilities were read, %d of them known to be exploited. "+
		"Pairs of device and notice: %d affected, %d undecided, %d not affected. That no notice is about a device never means that it is not affected.",
		sum.Advisories, sum.CVEs, sum.Known, count[advisory.Affected], count[advisory.Undecided], count[advisory.NotAffected])}
	for _, x := range all[:min(len(all), listed)] {
		text := fmt.Sprintf("Priority %.1f: %s of %s, %s, reached from %s: %s", x.one.Priority.Score, x.one.ID, cmp.Or(x.asset.Name, x.asset.ID), x.one.Verdict, strings.Join(a.o.From, ", "), x.one.Reach)
		if x.one.Window != "" {
			text += "; next window " + x.one.Window
		}
		said = append(said, text+".")
	}
	return out, append(said, notes...), nil
}

// writeFile writes a result whole or not at all.
func writeFile(path string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".part-*")
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone already where the rename worked
	buf := bufio.NewWriterSize(f, 1<<16)
	err = write(buf)
	if err == nil {
		err = buf.Flush()
	}
	if err == nil {
		err = f.Chmod(0o644)
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}

// writeLines writes one JSON object a line.
func writeLines[T any](w io.Writer, rows []T) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for i := range rows {
		if err := enc.Encode(rows[i]); err != nil {
			return err
		}
	}
	return nil
}

// inventory is the register beside what was observed.
type inventory struct {
	AsOf    time.Time            `json:"as_of"`
	Port    string               `json:"port"`
	Assets  []inventoryAsset     `json:"assets"`
	Unknown []network.Host       `json:"unregistered"` // observed, and in no register
	Uses    []network.ConduitUse `json:"conduit_uses"`
}

// inventoryAsset is one asset of the register.
type inventoryAsset struct {
	ID         string         `json:"id"`
	Name       string         `json:"name"`
	Domain     port.Domain    `json:"domain"`
	Kind       string         `json:"kind"`
	Vendor     string         `json:"vendor,omitempty"`
	Product    string         `json:"product,omitempty"`
	Zone       string         `json:"zone,omitempty"`
	Area       string         `json:"area,omitempty"`
	Seen       string         `json:"seen"` // "observed", "not observed" or "no network address"
	Hosts      []network.Host `json:"hosts,omitempty"`
	Advisories []weighed      `json:"advisories,omitempty"` // the most urgent first
}

func (a *analysis) writeInventory(w io.Writer, asOf time.Time, seen network.Picture, weak map[string][]weighed) error {
	byAsset := map[string][]network.Host{}
	inv := inventory{AsOf: asOf, Port: a.o.Port.Identity.Name, Assets: []inventoryAsset{}, Unknown: []network.Host{}, Uses: seen.Uses}
	for _, h := range seen.Hosts {
		if h.Asset == "" {
			inv.Unknown = append(inv.Unknown, h)
		} else {
			byAsset[h.Asset] = append(byAsset[h.Asset], h)
		}
	}
	for i := range a.o.Port.Assets {
		p := &a.o.Port.Assets[i]
		row := inventoryAsset{ID: p.ID, Name: p.Name, Domain: p.Domain, Kind: p.Kind, Vendor: p.Vendor, Product: p.Product,
			Zone: p.Zone, Area: p.Area, Hosts: byAsset[p.ID], Advisories: weak[p.ID]}
		switch {
		case len(row.Hosts) > 0:
			row.Seen = "observed"
		case len(p.Addresses) == 0:
			row.Seen = "no network address"
		default:
			row.Seen = "not observed"
		}
		inv.Assets = append(inv.Assets, row)
	}
	slices.SortFunc(inv.Assets, func(a, b inventoryAsset) int { return cmp.Compare(a.ID, b.ID) })
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	return enc.Encode(inv)
}

// writeVessels writes tracks as GeoJSON (RFC 7946): a point for the newest
// position and a line for the path, both with the same properties.
func writeVessels(w io.Writer, asOf time.Time, pic vessel.Picture) error {
	type geometry struct {
		Type        string `json:"type"`
		Coordinates any    `json:"coordinates"`
	}
	type feature struct {
		Type       string         `json:"type"`
		Geometry   *geometry      `json:"geometry"` // null: no position was ever told
		Properties map[string]any `json:"properties"`
	}
	features := []feature{}
	for _, t := range pic.Tracks {
		props := map[string]any{"mmsi": t.MMSI, "hull": t.Hull, "kind": t.Kind, "first": t.First, "last_heard": t.LastHeard,
			"reports": t.Reports, "source": t.Source}
		for key, v := range map[string]string{"name": t.Name, "call_sign": t.CallSign, "destination": t.Destination} {
			if v != "" {
				props[key] = v
			}
		}
		if t.IMO != 0 {
			props["imo"] = t.IMO
		}
		for key, v := range map[string]float32{"sog_kn": t.SOG, "cog_deg": t.COG, "heading_deg": t.Heading} {
			if !math.IsNaN(float64(v)) {
				props[key] = math.Round(float64(v)*10) / 10
			}
		}
		if len(t.Findings) > 0 {
			props["findings"] = t.Findings
		}
		point := feature{Type: "Feature", Properties: props}
		if !math.IsNaN(t.Lat) && !math.IsNaN(t.Lon) {
			props["time"] = t.Fix.Time
			point.Geometry = &geometry{"Point", [2]float64{t.Lon, t.Lat}}
		}
		features = append(features, point)
		if len(t.Past) > 1 {
			line := make([][2]float64, len(t.Past))
			for i, f := range t.Past {
				line[i] = [2]float64{f.Lon, f.Lat}
			}
			features = append(features, feature{"Feature", &geometry{"LineString", line}, props})
		}
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(struct {
		Type     string    `json:"type"`
		AsOf     time.Time `json:"as_of"`
		Features []feature `json:"features"`
	}{"FeatureCollection", asOf, features})
}
