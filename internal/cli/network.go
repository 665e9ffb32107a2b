package cli

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/port"
	"github.com/quaywatch/quaywatch/internal/source/pcap"
	"github.com/quaywatch/quaywatch/internal/watch/network"
)

func init() { commands = append(commands, newNetworkCommand) }

func newNetworkCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "network",
		Short: "Devices and conduits from captures, rules of firewalls, offline and passive",
		Long:  "Network reads packet captures (pcap, pcapng, directories of them, or - for standard input), the logs of Zeek (TSV or JSON) and of Suricata (EVE), and tells which devices there are and how their traffic stands to the declared conduits. It reads configurations of firewalls and tells how their rules stand to the conduits. Nothing is sent.",
	}
	c.AddCommand(newNetworkInspect(), newNetworkCheck(), newNetworkWho(), newNetworkFirewall(), newNetworkNarrow(), newNetworkNew())
	return c
}

func newNetworkInspect() *cobra.Command {
	var asJSON bool
	var portFile string
	c := &cobra.Command{
		Use:   "inspect FILE|DIR…",
		Short: "List the devices that captures show, with what they are and why",
		Long: `Inspect lists every device that sent something in the captures: addresses, what
it said of itself, the services it answered, and its role with the reason.
With --port, devices are matched to the register and placed in zones.

Exit codes: 0 done; 1 failed; 2 used wrongly.`,
		Args: needCaptures,
		RunE: func(c *cobra.Command, args []string) error {
			p, err := loadPort(portFile)
			if err != nil {
				return err
			}
			n, err := readNetwork(c, p, args, nil)
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(jsonOut{c.OutOrStdout()}).Encode(inspection{n.picture.AsOf, n.stats, n.problems, n.picture.Hosts})
			}
			return printHosts(c.OutOrStdout(), n)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	c.Flags().StringVar(&portFile, "port", "", "port file, to match devices with the register")
	return c
}

func newNetworkCheck() *cobra.Command {
	var asJSON bool
	var portFile string
	c := &cobra.Command{
		Use:   "check --port PORT FILE|DIR…",
		Short: "Judge the traffic of captures against the declared conduits",
		Long: `Check maps both ends of every conversation to zones and looks for a conduit that
allows it. It prints what was seen between zones with the verdict and the
reason, declared conduits that nothing used, and the findings.

Exit codes: 0 done, nothing found; 1 failed; 2 used wrongly; 3 done, with findings.`,
		Args: needCaptures,
		RunE: func(c *cobra.Command, args []string) error {
			if portFile == "" {
				return usagef("network check needs --port (see 'quaywatch network check --help')")
			}
			p, err := loadPort(portFile)
			if err != nil {
				return err
			}
			n, err := readNetwork(c, p, args, nil)
			if err != nil {
				return err
			}
			if asJSON {
				err = json.NewEncoder(jsonOut{c.OutOrStdout()}).Encode(verdicts{n.picture.AsOf, n.stats, n.problems, n.picture.Uses, n.register, n.findings})
			} else {
				err = printVerdicts(c.OutOrStdout(), n)
			}
			if err == nil && len(n.findings) > 0 {
				return errViolations
			}
			return err
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	c.Flags().StringVar(&portFile, "port", "", "port file that declares zones and conduits (required)")
	return c
}

// inspection and verdicts are the JSON documents of the two verbs.
type inspection struct {
	AsOf     time.Time      `json:"as_of"`
	Read     readStats      `json:"read"`
	Problems []string       `json:"problems"`
	Hosts    []network.Host `json:"hosts"`
}

type verdicts struct {
	AsOf     time.Time            `json:"as_of"`
	Read     readStats            `json:"read"`
	Problems []string             `json:"problems"`
	Uses     []network.ConduitUse `json:"uses"`
	Register []network.Registered `json:"register"`
	Findings []finding.Finding    `json:"findings"`
}

func needCaptures(_ *cobra.Command, args []string) error {
	if len(args) == 0 {
		return usagef("name at least one capture file or directory, or - for standard input")
	}
	if len(args) > 1 && slices.Contains(args, "-") {
		return usagef("standard input (-) can't be mixed with files")
	}
	return nil
}

func loadPort(path string) (*port.Port, error) {
	if path == "" {
		return nil, nil //nolint:nilnil // no port is a choice of the caller: an inventory without zones
	}
	p, err := port.Load(path)
	if err != nil {
		return nil, fmt.Errorf("the port file has faults; 'quaywatch port check %s' lists them: %w", path, err)
	}
	return p, nil
}

// networkRun is what reading captures gave.
type networkRun struct {
	watch    *network.Watch
	picture  network.Picture
	findings []finding.Finding
	register []network.Registered
	stats    readStats
	problems []string
}

// watchSink feeds a watch as the stream would, and shows each batch to also, where that
// is set. It does so in a goroutine of its own, in the order in which the batches came,
// so that watching overlaps with reading.
type watchSink struct {
	in   chan *event.Batch
	free chan *event.Batch
	done chan struct{}
}

// batchesAhead is how many batches may wait for the watch.
const batchesAhead = 8

func newWatchSink(watch *network.Watch, also func(*event.Batch)) *watchSink {
	s := &watchSink{make(chan *event.Batch, batchesAhead), make(chan *event.Batch, batchesAhead), make(chan struct{})}
	for range batchesAhead {
		s.free <- &event.Batch{}
	}
	go func() {
		defer close(s.done)
		for b := range s.in {
			watch.Observe(b)
			if also != nil {
				also(b)
			}
			s.free <- b
		}
	}()
	return s
}

// Put takes a copy of the rows: the batch is the feed's own, which fills it again.
func (s *watchSink) Put(ctx context.Context, b *event.Batch) error {
	select {
	case own := <-s.free:
		own.Flows = append(own.Flows[:0], b.Flows...)
		own.Devices = append(own.Devices[:0], b.Devices...)
		own.Operations = append(own.Operations[:0], b.Operations...)
		s.in <- own // never blocks: there are no more than it holds
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// wait returns when everything that was put has been watched; no Put may follow.
func (s *watchSink) wait() {
	close(s.in)
	<-s.done
}

// readNetwork runs captures through the source and the watch. The clock of
// arrival is the newest packet time, so that the same input gives the same bytes.
func readNetwork(c *cobra.Command, p *port.Port, args []string, also func(*event.Batch)) (*networkRun, error) {
	folded := map[string]*finding.Finding{}
	watch := network.New(p, network.Options{}, func(o finding.Occurrence) {
		id := finding.ID(o.Rule, o.Subject)
		if f := folded[id]; f != nil {
			f.Merge(o)
			return
		}
		if o.Cleared {
			return // the end of something that never began is no finding
		}
		f := finding.New(o)
		folded[id] = &f
	})
	in := recordings{captures: args}
	if args[0] != "-" {
		in = sortInputs(args)
	}
	var src *pcap.Source
	o := pcap.Options{Clock: func() time.Time { return src.Newest() }}
	src = pcap.New("pcap", in.captures, o)
	if args[0] == "-" {
		o.Input = "standard input"
		src = pcap.NewReader("pcap", c.InOrStdin(), o)
	}
	done := startProgress(c, "reading captures")
	var stats readStats
	var err error
	sink := newWatchSink(watch, also)
	if len(in.captures) > 0 {
		err = src.Run(c.Context(), sink)
		stats.Stats = src.Stats()
	}
	if err == nil {
		err = readLogs(c.Context(), in, sink, &stats)
	}
	sink.wait()
	done()
	if err != nil {
		return nil, err
	}
	n := &networkRun{watch: watch, picture: watch.Picture(), register: watch.Register(), stats: stats, problems: []string{}, findings: []finding.Finding{}}
	for _, problem := range src.Problems() {
		n.problems = append(n.problems, problem.Error())
		fmt.Fprintf(c.ErrOrStderr(), "quaywatch: %v\n", problem)
	}
	if len(in.captures) > 0 && n.stats.Files == 0 {
		return nil, fmt.Errorf("no capture could be read under %s (%d other files)", strings.Join(args, ", "), n.stats.Other)
	}
	for _, f := range folded {
		n.findings = append(n.findings, *f)
	}
	slices.SortFunc(n.findings, func(a, b finding.Finding) int {
		return cmp.Or(int(b.Severity)-int(a.Severity), int(b.Grade)-int(a.Grade), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Subject.ID, b.Subject.ID))
	})
	return n, nil
}

func printRead(w io.Writer, s readStats) {
	if z := s.Zeek; z != nil {
		fmt.Fprintf(w, "%d Zeek logs, %d rows, %d conversations, %d operations, %d rejected\n", z.Logs, z.Rows, z.Flows, z.Operations, z.Rejected)
	}
	if e := s.EVE; e != nil {
		fmt.Fprintf(w, "%d EVE logs, %d records, %d conversations, %d operations, %d rejected\n", e.Logs, e.Rows, e.Flows, e.Operations, e.Rejected)
	}
	if s.Files == 0 && (s.Zeek != nil || s.EVE != nil) {
		return
	}
	fmt.Fprintf(w, "%d captures, %d packets, %d conversations or parts of them", s.Files, s.Packets, s.Flows)
	if s.Other > 0 {
		fmt.Fprintf(w, "; %d other files left out", s.Other)
	}
	if s.Refused > 0 {
		fmt.Fprintf(w, "; %d packets of a link layer that is not read", s.Refused)
	}
	fmt.Fprintln(w)
}

// printHosts draws the devices. The filter stands inside the buffer, which would
// cut characters in two.
func printHosts(out io.Writer, n *networkRun) error {
	b := bufio.NewWriter(out)
	printRead(b, n.stats)
	w := tabwriter.NewWriter(plain{b}, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "ADDRESS\tMAC\tZONE\tASSET\tROLE\tIDENTITY\tSERVICES\tWHY")
	for _, h := range n.picture.Hosts {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", dash(few(h.IPs)), dash(few(h.MACs)),
			dash(h.Zone), dash(h.Asset), h.Role, dash(cell(identityText(h))), dash(cell(servicesText(h))), cell(h.RoleWhy))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return b.Flush()
}

// few lists at most three and counts the rest.
func few(list []string) string {
	if len(list) > 3 {
		return fmt.Sprintf("%s and %d more", strings.Join(list[:3], " "), len(list)-3)
	}
	return strings.Join(list, " ")
}

func dash(s string) string { return cmp.Or(s, "-") }

func identityText(h network.Host) string {
	var parts []string
	for _, p := range []string{h.Vendor, h.Product, h.Model, h.Firmware} {
		if p != "" && !slices.Contains(parts, p) {
			parts = append(parts, p)
		}
	}
	if h.Serial != "" {
		parts = append(parts, "serial "+h.Serial)
	}
	if n := len(h.Behind); n == 1 {
		parts = append(parts, "speaks for 1 device")
	} else if n > 1 {
		parts = append(parts, fmt.Sprintf("speaks for %d devices", n))
	}
	if len(h.Names) > 0 {
		parts = append(parts, "“"+strings.Join(h.Names, "”, “")+"”")
	}
	return strings.Join(parts, ", ")
}

// servicesText lists at most four services and counts the rest.
func servicesText(h network.Host) string {
	var parts []string
	for i, s := range h.Services {
		if i == 4 {
			parts = append(parts, fmt.Sprintf("and %d more", len(h.Services)-i))
			break
		}
		parts = append(parts, fmt.Sprintf("%s/%d %s", s.Transport, s.Port, s.Application))
	}
	return strings.TrimSpace(strings.Join(parts, ", "))
}

// printRegister counts the assets by whether they were observed, and names those
// that were not while others of their zone were.
func printRegister(w io.Writer, register []network.Registered) {
	count := map[string]int{}
	var missing []string
	for _, r := range register {
		count[r.State]++
		if r.State == network.NotSeen {
			missing = append(missing, r.Asset)
		}
	}
	fmt.Fprintf(w, "\nregister: %d assets seen, %d not seen, %d out of sight, %d without an address\n", count[network.Seen], count[network.NotSeen],
		count[network.OutOfSight], count[network.NoAddress])
	if more := len(missing) - 20; more > 0 {
		missing = append(missing[:20], fmt.Sprintf("and %d more", more))
	}
	if len(missing) > 0 {
		fmt.Fprintf(w, "not seen: %s\n", cell(strings.Join(missing, ", ")))
	}
}

func printVerdicts(out io.Writer, n *networkRun) error {
	b := bufio.NewWriter(out)
	safe := plain{b}
	printRead(b, n.stats)
	w := tabwriter.NewWriter(safe, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "FROM\tTO\tSERVICE\tVERDICT\tFLOWS\tEXAMPLE\tWHY")
	for _, u := range n.picture.Uses {
		service := u.Transport
		if u.Port > 0 {
			service = fmt.Sprintf("%s/%d", u.Transport, u.Port)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%s\t%s\n", dash(u.From), dash(u.To), strings.TrimSpace(service+" "+u.Application),
			u.Verdict, u.Flows, dash(cell(u.Example)), cell(u.Why))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	printRegister(safe, n.register)
	fmt.Fprintf(safe, "\n%d findings\n", len(n.findings))
	for _, f := range n.findings {
		fmt.Fprintf(safe, "%s  %s, %s  %s\n    %s\n", f.ID, f.Severity, f.Grade, cell(f.Title), cell(f.Summary))
		for _, fact := range f.Facts[:min(len(f.Facts), 3)] {
			fmt.Fprintf(safe, "    %s  %s  [%s]\n", fact.Time.UTC().Format(time.RFC3339), cell(fact.Text), cell(fact.Evidence.Raw.Where()))
		}
	}
	return b.Flush()
}
