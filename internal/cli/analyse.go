package cli

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/quaywatch/quaywatch/internal/config"
	"github.com/quaywatch/quaywatch/internal/port"
	"github.com/quaywatch/quaywatch/internal/system"
)

func init() { commands = append(commands, newAnalyseCommand) }

// analyseFlags are the inputs of an analysis; each flag may be given several times.
type analyseFlags struct {
	port, out, asOf, aisZone  string
	ais, pcap, access         []string
	zeek, eve                 []string
	advisories, kev, contacts []string
	accessMapping             string
	epss, decisions           string
	from                      []string
	json, pdf                 bool
}

func newAnalyseCommand() *cobra.Command {
	var f analyseFlags
	c := &cobra.Command{
		Use:   "analyse --port FILE [--ais F]… [--contacts SENSOR=F]… [--pcap F]… [--zeek F]… [--eve F]… [--access F]… [--advisories F]… [--kev F]… [--epss F] [--decisions F] [--from ENTRY] -o DIR",
		Short: "Analyse files once, offline, without a server",
		Long: `Analyse reads recordings once with the same watches as the running system and
writes into the directory given with -o:

  findings.ndjson   one finding a line, worst first, with evidence
  inventory.json    the register beside what was observed, and unregistered devices
  vessels.geojson   positions and paths
  flows.parquet     every network conversation
  situation.html    the report for people, self-contained

Of captures, logs and advisories a directory stands for the files under it. The
same input gives the same bytes.
Exit code 3 says that violations were found: present findings of grade likely or
confirmed and severity warning or alarm.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return analyse(c, f) },
	}
	fl := c.Flags()
	fl.StringVar(&f.port, "port", "", "port file (required)")
	fl.StringVarP(&f.out, "output", "o", "", "directory for the results (required)")
	fl.StringArrayVar(&f.ais, "ais", nil, "file of AIS sentences")
	fl.StringVar(&f.aisZone, "ais-timezone", "", "IANA zone of clock prefixes in AIS files (default UTC)")
	fl.StringArrayVar(&f.contacts, "contacts", nil, "SENSOR=FILE: radar or camera contacts (TLL, TTM, JSON lines) of a sensor of the port file")
	fl.StringArrayVar(&f.pcap, "pcap", nil, "capture file or directory")
	fl.StringArrayVar(&f.zeek, "zeek", nil, "Zeek log or directory of them")
	fl.StringArrayVar(&f.eve, "eve", nil, "EVE log of Suricata, or directory of them")
	fl.StringArrayVar(&f.access, "access", nil, "CSV of access events with the columns time, reader, badge, person, result, direction, reason")
	fl.StringVar(&f.accessMapping, "access-mapping", "", "quaywatch.yaml whose first access source declares the columns of --access")
	fl.StringArrayVar(&f.advisories, "advisories", nil, "CSAF advisories: directory or tar (gzip, zstd)")
	fl.StringArrayVar(&f.kev, "kev", nil, "catalogue of known exploited vulnerabilities (JSON)")
	fl.StringVar(&f.epss, "epss", "", "exploit prediction scores (EPSS, CSV, plain or gzip)")
	fl.StringVar(&f.decisions, "decisions", "", "decisions of people on pairs of asset and advisory (YAML), as advisory match takes them")
	fl.StringSliceVar(&f.from, "from", nil, "entries of an attacker by which notices are weighed (default internet,mail,vendor)")
	fl.StringVar(&f.asOf, "as-of", "", "moment of the report, RFC 3339 (default the newest time told by the input)")
	fl.BoolVar(&f.pdf, "pdf", false, "also print situation.pdf (its bytes may differ between runs)")
	fl.BoolVar(&f.json, "json", false, "print the outcome as one JSON object")
	return c
}

func analyse(c *cobra.Command, f analyseFlags) error {
	if f.port == "" || f.out == "" {
		return usagef("analyse needs --port and -o (see 'quaywatch analyse --help')")
	}
	o := system.AnalyseOptions{Out: f.out, PDF: f.pdf}
	var err error
	if f.asOf != "" {
		if o.AsOf, err = time.Parse(time.RFC3339, f.asOf); err != nil {
			return usagef("--as-of %q is not a time such as 2026-11-23T14:00:00Z", f.asOf)
		}
	}
	p, problems := port.Check(f.port, o.AsOf) // without a moment nothing is judged as expired
	if p == nil {
		return fmt.Errorf("the port file has faults; 'quaywatch port check %s' lists them:\n%w", f.port, problems.Err())
	}
	o.Port, o.PortFile, o.From = p, f.port, f.from
	if err := knownEntries(p, f.from); err != nil {
		return err
	}
	n := notices{epss: f.epss, decisions: f.decisions}
	if o.EPSS, err = n.predictions(c); err != nil {
		return err
	}
	if o.Decisions, err = n.decided(); err != nil {
		return err
	}
	if o.Feeds, err = f.feeds(p); err != nil {
		return err
	}
	if len(o.Feeds) == 0 {
		return usagef("analyse needs at least one input: --ais, --contacts, --pcap, --zeek, --eve, --access, --advisories or --kev")
	}
	done := startProgress(c, "reading")
	out, err := system.Analyse(c.Context(), o)
	done()
	if err != nil {
		return err
	}
	if f.json {
		if err := json.NewEncoder(jsonOut{c.OutOrStdout()}).Encode(out); err != nil {
			return err
		}
	} else {
		printOutcome(c, f.out, out)
	}
	for _, id := range slices.Sorted(maps.Keys(out.Failed)) {
		fmt.Fprintf(c.ErrOrStderr(), "quaywatch: %s could not be read to its end: %s\n", id, out.Failed[id])
	}
	switch {
	case len(out.Failed) > 0:
		return fmt.Errorf("%d of %d inputs could not be read; the results say which", len(out.Failed), len(o.Feeds))
	case out.Violations > 0:
		return errViolations
	}
	return nil
}

// feeds makes the sources in the order: documents first, then recordings.
func (f analyseFlags) feeds(p *port.Port) ([]system.Feed, error) {
	access := config.Source{Access: &config.Access{Columns: config.Columns{Time: "time", Reader: "reader", Badge: "badge",
		Person: "person", Result: "result", Direction: "direction", Reason: "reason"}}}
	if f.accessMapping != "" {
		cfg, err := config.Load(f.accessMapping)
		if err != nil {
			return nil, err
		}
		found := false
		for _, s := range cfg.Source {
			if s.Kind == config.KindAccess {
				access, found = s, true
				break
			}
		}
		if !found {
			return nil, usagef("%s declares no source of kind access", f.accessMapping)
		}
	}
	var feeds []system.Feed
	ids := map[string]int{}
	for _, in := range []struct {
		kind  string
		paths []string
	}{{config.KindAdvisories, f.advisories}, {config.KindKEV, f.kev}, {config.KindContacts, f.contacts}, {config.KindAIS, f.ais}, {config.KindPcap, f.pcap}, {config.KindZeek, f.zeek}, {config.KindEVE, f.eve}, {config.KindAccess, f.access}} {
		for _, path := range in.paths {
			s := config.Source{Kind: in.kind, Address: path, ID: feedID(in.kind, path, ids)}
			switch in.kind {
			case config.KindContacts: // before AIS: contacts wait for AIS to come to their moment
				sensor, file, ok := strings.Cut(path, "=")
				if !ok {
					return nil, usagef("--contacts %q: write SENSOR=FILE with a sensor of the port file", path)
				}
				s.Sensor, s.Address, s.ID = sensor, file, feedID(in.kind, file, ids)
			case config.KindAIS:
				s.TimeZone = f.aisZone
			case config.KindAccess:
				s.Access, s.TimeZone = access.Access, access.TimeZone
			}
			feed, err := system.Recording(s, p)
			if err != nil {
				return nil, err
			}
			feeds = append(feeds, feed)
		}
	}
	return feeds, nil
}

// feedID names an input after its kind and file.
func feedID(kind, path string, taken map[string]int) string {
	id := kind + ":" + filepath.Base(path)
	taken[id]++
	if n := taken[id]; n > 1 {
		id = fmt.Sprintf("%s#%d", id, n)
	}
	return id
}

func printOutcome(c *cobra.Command, dir string, out *system.Outcome) {
	w := plain{c.OutOrStdout()}
	fmt.Fprintf(w, "as of %s: %d findings, %d of them violations; %d vessels, %d hosts, %d advisories\n",
		out.AsOf.Format(time.RFC3339), out.Findings, out.Violations, out.Vessels, out.Hosts, out.Advisories)
	for _, s := range out.Sources {
		fmt.Fprintf(w, "  %-40s %9d accepted %7d rejected", s.ID, s.Health.Accepted, s.Health.Rejected)
		var why []string
		for _, r := range s.Health.Reasons {
			why = append(why, fmt.Sprintf("%s: %d", r.Text, r.Count))
		}
		if len(why) > 0 {
			fmt.Fprintf(w, "  (%s)", strings.Join(why, "; "))
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, "written to %s: %s\n", dir, strings.Join(out.Files, ", "))
}
