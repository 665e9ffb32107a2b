package system

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/quaywatch/quaywatch/internal/advisory"
	"github.com/quaywatch/quaywatch/internal/attackgraph"
	"github.com/quaywatch/quaywatch/internal/datadir"
	"github.com/quaywatch/quaywatch/internal/port"
	"github.com/quaywatch/quaywatch/internal/risk"
	"github.com/quaywatch/quaywatch/internal/watch/network"
)

// Bounds of the live assessment.
const (
	riskEvery   = 10 * time.Second // what it rests on is looked at so often
	riskHistory = 2000             // moves that are kept
)

// riskDesk assesses the port again whenever something changes that the figures
// rest on: the port file, the risk file and the configurations of firewalls on
// disk, what was seen to talk without a conduit, and the notices taken in. The
// port file is read anew for it; the watches keep the one that the program was
// started with.
type riskDesk struct {
	s     *System
	cache risk.Cache

	mu    sync.Mutex
	stand risk.Standing
	basis string   // fingerprint of what the newest assessment rests on; "": score again
	rules []string // configurations of firewalls that the port file names
	lines int      // of the history on disk

	graphMu sync.Mutex // the graph is used by one at a time
	graph   *attackgraph.Model
	port    *port.Port // that the graph was made of
	made    string     // fingerprint of what it rests on
}

func newRiskDesk(s *System) *riskDesk {
	d := &riskDesk{s: s}
	d.stand.File = risk.Beside(s.cfg.Port)
	d.rules = configurations(s.port.Load(), d.home())
	return d
}

// Standing is the newest assessment.
func (d *riskDesk) Standing() risk.Standing {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.stand
}

// look scores again where something changed. It fails only with its context: what
// is wrong with the files is told on the page.
func (d *riskDesk) look(ctx context.Context) error {
	if !d.s.warmed.Load() {
		return nil // what was seen before is still being read again
	}
	now := time.Now().UTC()
	if _, err := os.Stat(d.stand.File); errors.Is(err, fs.ErrNotExist) {
		text := ""
		if d.Standing().Assessment != nil {
			text = d.stand.File + " is gone: the figures are of before"
		}
		d.problem(now, text)
		return nil
	}
	flows := seen(d.s.port.Load(), d.s.watches.Network.Picture())
	basis, err := d.fingerprint(now, flows)
	if err != nil {
		d.problem(now, err.Error())
		return nil
	}
	d.mu.Lock()
	same, before := basis == d.basis, d.stand.Assessment
	d.stand.Checked = now
	d.mu.Unlock()
	if same {
		return nil
	}
	a, plan, file, err := d.score(ctx, now, flows, basis)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		d.problem(now, err.Error())
		d.mu.Lock()
		d.basis = basis // the same mistake is not tried again until something changes
		d.mu.Unlock()
		return nil
	}
	d.tellJudgements(ctx, d.s.port.Load(), before, a, now)
	move := risk.MoveTo(before, a, now)
	d.mu.Lock()
	d.basis = basis
	d.stand.Assessment, d.stand.Plan, d.stand.Declared, d.stand.Problem, d.stand.Scored, d.stand.Checked = a, plan, file, "", now, now
	if moved := before == nil || len(move.Steps) > 0; !moved {
		d.mu.Unlock()
		return nil
	}
	from, n := max(0, len(d.stand.History)-riskHistory+1), len(d.stand.History)
	d.stand.History = append(d.stand.History[from:n:n], move) // never into what a page may be reading
	d.mu.Unlock()
	for _, s := range move.Steps {
		d.s.log.Info("the risk moved", "scenario", s.Scenario, "part", s.Part, "operator", s.Moves.Operator, "hours", s.Moves.Hours, "cause", s.Cause)
	}
	if err := d.keep(move); err != nil {
		d.s.log.Warn("a move of the risk is shown and not kept", "error", err)
	}
	return nil
}

func (d *riskDesk) problem(now time.Time, text string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if text != "" && text != d.stand.Problem {
		d.s.log.Warn("the risk could not be assessed", "error", text)
	}
	d.stand.Problem, d.stand.Checked, d.basis = text, now, ""
}

// fingerprint names everything that the figures rest on: the YAML and CSV files
// under the folder of the port file and the configurations of firewalls by size and
// time, the flows without a conduit, the notices taken in, and the hour, since
// conduits and badges expire. What the program itself writes is no part of it: the
// data directory may lie in the same folder.
func (d *riskDesk) fingerprint(now time.Time, flows []attackgraph.Flow) (string, error) {
	h := sha256.New()
	err := filepath.WalkDir(d.home(), func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && sameFile(path, d.s.cfg.Data):
			return filepath.SkipDir
		case e.IsDir() || !slices.Contains([]string{".yaml", ".yml", ".csv"}, filepath.Ext(path)):
			return nil
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		fmt.Fprintln(h, path, info.Size(), info.ModTime().UnixNano())
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("looking at the port file: %w", err)
	}
	d.mu.Lock()
	rules := d.rules
	d.mu.Unlock()
	for _, path := range rules {
		if info, err := os.Stat(path); err == nil {
			fmt.Fprintln(h, path, info.Size(), info.ModTime().UnixNano())
		} else {
			fmt.Fprintln(h, path, "is not there")
		}
	}
	for _, f := range flows {
		fmt.Fprintln(h, f.From, f.To, f.FromZone, f.Service)
	}
	fmt.Fprintln(h, d.s.exposure.basis(d.s.port.Load()))
	fmt.Fprintln(h, now.Truncate(time.Hour).Unix())
	return hex.EncodeToString(h.Sum(nil)), nil
}

func sameFile(a, b string) bool {
	x, err1 := os.Stat(a)
	y, err2 := os.Stat(b)
	return err1 == nil && err2 == nil && os.SameFile(x, y)
}

// home is the folder of the port file.
func (d *riskDesk) home() string {
	if info, err := os.Stat(d.s.cfg.Port); err == nil && info.IsDir() {
		return d.s.cfg.Port
	}
	return filepath.Dir(d.s.cfg.Port)
}

// score reads the files and works out all figures.
func (d *riskDesk) score(ctx context.Context, now time.Time, flows []attackgraph.Flow, basis string) (*risk.Assessment, *risk.Plan, *risk.File, error) {
	d.graphMu.Lock()
	defer d.graphMu.Unlock()
	p, m, err := d.known(now, flows, basis)
	if err != nil {
		return nil, nil, nil, err
	}
	file, err := risk.Load(d.stand.File, p)
	if err != nil {
		return nil, nil, nil, err
	}
	in := risk.Inputs{Port: p, File: file, Graph: m, Cache: &d.cache, AsOf: now}
	a, err := risk.Score(ctx, in)
	if err != nil || len(file.Treatments) == 0 {
		return a, nil, file, err
	}
	plan, err := risk.Choose(ctx, in, a)
	return a, plan, file, err
}

// known is the port file on disk and the attack graph of it and of what was seen;
// both are made anew when what they rest on changed. Call it with graphMu held.
func (d *riskDesk) known(now time.Time, flows []attackgraph.Flow, basis string) (*port.Port, *attackgraph.Model, error) {
	if d.graph != nil && d.made == basis {
		return d.port, d.graph, nil
	}
	p, problems := port.Check(d.s.cfg.Port, now)
	if p == nil {
		return nil, nil, fmt.Errorf("the port file on disk has faults, so the figures are of before: %w", problems.Err())
	}
	m, err := attackgraph.New(attackgraph.DefaultRules())
	if err != nil {
		return nil, nil, err
	}
	devices, notes := declaredFirewalls(p, d.home())
	if err := errors.Join(attackgraph.Declare(m, p, now), attackgraph.Observe(m, flows), attackgraph.Let(m, Openings(p, now, devices)), Weaknesses(m, p, d.matches(p, now))); err != nil {
		return nil, nil, err
	}
	d.port, d.graph, d.made = p, m, basis
	d.mu.Lock()
	d.stand.Notes, d.rules = notes, configurations(p, d.home())
	d.mu.Unlock()
	return p, m, nil
}

// matches are the notices that are about assets, by asset.
func (d *riskDesk) matches(p *port.Port, now time.Time) map[string][]advisory.Match {
	out, _ := d.s.exposure.Matches(p, now)
	return out
}

// Graph lets use ask the attack graph of what is known now.
func (d *riskDesk) Graph(ctx context.Context, use func(*attackgraph.Model) error) error {
	return d.graphOf(ctx, func(_ *port.Port, m *attackgraph.Model, _ string) error { return use(m) })
}

// graphOf is Graph with the port file that the graph was made of, and with the
// fingerprint of all that it rests on.
func (d *riskDesk) graphOf(ctx context.Context, use func(p *port.Port, m *attackgraph.Model, basis string) error) error {
	now := time.Now().UTC()
	flows := seen(d.s.port.Load(), d.s.watches.Network.Picture())
	basis, err := d.fingerprint(now, flows)
	if err != nil {
		return err
	}
	d.graphMu.Lock()
	defer d.graphMu.Unlock()
	p, m, err := d.known(now, flows, basis)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err // whoever asked has gone while another was answered
	}
	err = use(p, m, basis)
	if ctx.Err() != nil {
		d.graph = nil // it may have been left in the middle of a what-if
	}
	return err
}

// seen are the conversations that no conduit allows, as the attack graph takes
// them: one example of each pair of zones and service, between registered assets.
func seen(p *port.Port, pic network.Picture) (out []attackgraph.Flow) {
	for i := range pic.Uses {
		u := &pic.Uses[i]
		if u.Verdict != network.Undeclared || u.Last.IsZero() || u.Port == 0 {
			continue // not seen, or one of those that are told together when there are too many
		}
		client, err1 := netip.ParseAddr(u.Client)
		server, err2 := netip.ParseAddr(u.Server)
		if err1 != nil || err2 != nil {
			continue
		}
		a, b := p.AssetByIP(client), p.AssetByIP(server)
		if a == nil || b == nil {
			continue
		}
		out = append(out, attackgraph.Flow{From: a.ID, To: b.ID, FromZone: u.From, Service: attackgraph.Service(u.Transport, u.Port, u.Application), Undue: true, Last: u.Last, Where: u.Example})
	}
	return out
}

// keep appends a move to the history on disk, which is written anew when it has
// grown to twice what is kept.
func (d *riskDesk) keep(m risk.Move) error {
	path := filepath.Join(d.s.cfg.Data, datadir.Risk)
	line, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("keeping the history of the risk: %w", err)
	}
	if d.lines >= 2*riskHistory {
		return d.rewrite(path)
	}
	d.lines++
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("keeping the history of the risk: %w", err)
	}
	_, err = f.Write(append(line, '\n'))
	return errors.Join(err, f.Close())
}

func (d *riskDesk) rewrite(path string) error {
	part := path + ".part"
	f, err := os.OpenFile(part, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("keeping the history of the risk: %w", err)
	}
	w, history := json.NewEncoder(f), d.Standing().History
	for _, m := range history {
		err = errors.Join(err, w.Encode(m))
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("keeping the history of the risk: %w", err)
	}
	d.lines = len(history)
	return os.Rename(part, path)
}

// recall reads the history of earlier runs. A line that can't be read is passed
// over: the last one may have been cut off.
func (d *riskDesk) recall() error {
	f, err := os.Open(filepath.Join(d.s.cfg.Data, datadir.Risk))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the history of the risk: %w", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	var all []risk.Move
	for lines.Scan() {
		var m risk.Move
		if json.Unmarshal(lines.Bytes(), &m) == nil && !m.Time.IsZero() {
			all = append(all, m)
		}
	}
	d.mu.Lock()
	d.stand.History, d.lines = all[max(0, len(all)-riskHistory):], len(all)
	d.mu.Unlock()
	return lines.Err()
}
