package system

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/quaywatch/quaywatch/internal/advisory"
	"github.com/quaywatch/quaywatch/internal/attackgraph"
	"github.com/quaywatch/quaywatch/internal/console"
	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/port"
	"github.com/quaywatch/quaywatch/internal/sbom"
	source "github.com/quaywatch/quaywatch/internal/source/advisory"
	"github.com/quaywatch/quaywatch/internal/store"
)

// noticeKind is the kind of declaration that notices of the port itself are, by their
// tracking id.
const noticeKind = "notice"

// verdictKind is the kind of declaration that decisions on weaknesses are. Its id is
// asset and notice with a stroke between: neither has one.
const verdictKind = "verdict"

// exposureDesk holds the published notices against the register as "advisory match"
// does: with predictions, lists of components and decisions, those of a file and
// those of the console. It keeps what it worked out until something changes.
type exposureDesk struct {
	s *System

	mu        sync.Mutex
	epss      time.Time // of the file that was read
	epssNote  string
	decisions *advisory.Decisions // in force; later ones, of the console, over those of the file
	decided   map[[2]string]console.Decided
	fileAt    time.Time // of the decisions file that was read
	notes     []string  // what is wrong with decisions
	changes   int       // of decisions by people

	found struct { // the newest answer
		key     string
		port    *port.Port
		matches map[string][]advisory.Match
		notes   []string
	}
	list struct {
		basis string
		list  *console.WeakList
	}
}

// openExposure reads the decisions.
func openExposure(ctx context.Context, s *System) (*exposureDesk, error) {
	d := &exposureDesk{s: s, decisions: &advisory.Decisions{}, decided: map[[2]string]console.Decided{}}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.recallNotices(ctx); err != nil {
		return nil, err
	}
	return d, d.readDecisions(ctx)
}

// readDecisions reads the file and the records. Call it with mu held. A file with a
// fault is not used, and that is told with the answers.
func (d *exposureDesk) readDecisions(ctx context.Context) error {
	var all []advisory.Decision
	d.decided, d.notes = map[[2]string]console.Decided{}, nil
	if path := d.s.cfg.Weak.Decisions; path != "" {
		d.fileAt = modified(path)
		data, err := os.ReadFile(path)
		var list *advisory.Decisions
		if err == nil {
			list, err = advisory.ReadDecisions(path, data)
		}
		if err != nil {
			d.notes = append(d.notes, "The decisions file is not used: "+err.Error())
		} else {
			for _, one := range list.List() {
				all = append(all, one)
				d.decided[[2]string{one.Asset, one.Advisory}] = console.Decided{Decision: one, File: true}
			}
		}
	}
	kept, err := d.s.records.Declarations(ctx, verdictKind)
	if err != nil {
		return err
	}
	for i := range kept {
		asset, notice, _ := strings.Cut(kept[i].ID, "/")
		key := [2]string{asset, notice}
		if len(kept[i].Body) == 0 {
			of := d.decided[key]
			of.Revision = kept[i].Revision // withdrawn: the next one follows it, and one of the file holds again
			d.decided[key] = of
			continue
		}
		var one advisory.Decision
		if err := json.Unmarshal(kept[i].Body, &one); err != nil {
			return fmt.Errorf("decision %s: %w", kept[i].ID, err)
		}
		all = append(all, one)
		d.decided[key] = console.Decided{Decision: one, Revision: kept[i].Revision}
	}
	var faults []string
	d.decisions, faults = advisory.NewDecisions(all)
	d.notes = append(d.notes, faults...)
	d.changes++
	return nil
}

func modified(path string) time.Time {
	info, err := os.Stat(path)
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

// look reads files again that have changed.
func (d *exposureDesk) look(ctx context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if path := d.s.cfg.Weak.Decisions; path != "" && !modified(path).Equal(d.fileAt) {
		if err := d.readDecisions(ctx); err != nil {
			return err
		}
	}
	path := d.s.cfg.Weak.EPSS
	if path == "" || modified(path).Equal(d.epss) && !d.epss.IsZero() && d.epssNote == "" {
		return nil
	}
	d.epss = modified(path)
	f, err := os.Open(path)
	if err == nil {
		var e *advisory.EPSS
		if e, err = advisory.ReadEPSS(path, f); err == nil {
			d.s.advisories.Predict(e)
			d.changes++
		}
		err = errors.Join(err, f.Close())
	}
	note := ""
	if err != nil {
		note = "The exploit predictions (EPSS) are not used: " + err.Error()
		if note != d.epssNote {
			d.s.log.Warn("exploit predictions were not read", "error", err)
		}
	}
	if note != d.epssNote {
		d.epssNote = note
		d.changes++ // what was worked out does not say it
	}
	return nil
}

// basis names all that the verdicts follow from besides the register.
func (d *exposureDesk) basis(p *port.Port) string {
	var b strings.Builder
	sum := d.s.advisories.Summary()
	d.mu.Lock()
	fmt.Fprintln(&b, sum.Advisories, sum.CVEs, sum.Exploited, sum.Known, sum.Newest.UnixNano(), d.changes)
	d.mu.Unlock()
	for i := range p.Assets {
		if c := p.Assets[i].Components; c != "" {
			fmt.Fprintln(&b, c, modified(filepath.Join(d.s.risk.home(), filepath.FromSlash(c))).UnixNano())
		}
	}
	return b.String()
}

// Matches are the notices about each asset, after the decisions that hold on the
// day; nil where no notices are loaded. The result is shared and not changed.
func (d *exposureDesk) Matches(p *port.Port, now time.Time) (map[string][]advisory.Match, []string) {
	if d.s.advisories.Summary().Advisories == 0 {
		return nil, nil
	}
	key := d.basis(p) + now.UTC().Format(time.DateOnly)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.found.key == key && d.found.port == p {
		return d.found.matches, d.found.notes
	}
	matches, more := judgeNotices(d.s.advisories, p, d.s.cfg.Port, d.decisions, now)
	notes := slices.Clone(d.notes)
	if d.epssNote != "" {
		notes = append(notes, d.epssNote)
	}
	notes = append(notes, more...)
	d.found.key, d.found.port, d.found.matches, d.found.notes = key, p, matches, notes
	return matches, notes
}

// judgeNotices are the notices about each asset, lists of components and the decisions
// that hold at the moment included, and what could not be used.
func judgeNotices(set *advisory.Set, p *port.Port, portFile string, decisions *advisory.Decisions, now time.Time) (matches map[string][]advisory.Match, notes []string) {
	matches = make(map[string][]advisory.Match, len(p.Assets))
	for i := range p.Assets {
		a := &p.Assets[i]
		found := set.Matches(a)
		if a.Components != "" {
			list, err := sbom.Beside(portFile, a.Components)
			if err != nil {
				notes = append(notes, fmt.Sprintf("The components of %s are not known: %s: %v", a.ID, a.Components, err))
			} else {
				found = set.Inside(found, list)
			}
		}
		if found = decisions.Apply(a.ID, found, now); len(found) > 0 {
			matches[a.ID] = found
		}
	}
	for _, idle := range decisions.Idle(now, func(asset, id string) bool {
		return slices.ContainsFunc(matches[asset], func(m advisory.Match) bool { return m.ID == id })
	}) {
		notes = append(notes, "Not applied: "+idle+".")
	}
	return matches, notes
}

// prioritise weighs one match with what is known of its asset.
func prioritise(m *advisory.Match, a *port.Asset, reach advisory.Reach, from, stops []string) advisory.Priority {
	in := advisory.Setting{Asset: a, Reach: reach, From: from, Stops: stops}
	if m.Override != nil {
		in.Controls = m.Override.Controls
	}
	return advisory.Prioritise(m, in)
}

// List implements console.Weaknesses.
func (d *exposureDesk) List(ctx context.Context) (*console.WeakList, error) {
	var out *console.WeakList
	err := d.s.risk.graphOf(ctx, func(p *port.Port, m *attackgraph.Model, basis string) error {
		d.mu.Lock()
		kept := d.list.list
		same := kept != nil && d.list.basis == basis
		d.mu.Unlock()
		if same {
			out = kept
			return nil
		}
		list, err := d.rank(p, m)
		if err != nil {
			return err
		}
		d.mu.Lock()
		d.list.basis, d.list.list = basis, list
		d.mu.Unlock()
		out = list
		return nil
	})
	return out, err
}

// rank orders all pairs by their priority.
func (d *exposureDesk) rank(p *port.Port, m *attackgraph.Model) (*console.WeakList, error) {
	now := time.Now().UTC()
	matches, notes := d.Matches(p, now)
	l := &console.WeakList{Port: p, Read: d.s.advisories.Summary(), From: d.s.cfg.Weak.From, Notes: notes, Made: now, Entry: d.s.advisories.ByID, Decided: map[[2]string]console.Decided{}}
	d.mu.Lock()
	for k, v := range d.decided {
		if v.Asset != "" {
			l.Decided[k] = v
		}
	}
	d.mu.Unlock()
	if err := m.From(l.From...); err != nil {
		return nil, err
	}
	if err := m.Update(); err != nil {
		return nil, err
	}
	for i := range p.Assets {
		a := &p.Assets[i]
		if len(matches[a.ID]) == 0 {
			continue
		}
		target, err := m.Target(a.ID)
		if err != nil {
			return nil, err
		}
		reach, stops := advisory.Reach(m.Reach(target)), advisory.Stops(p, a.ID)
		for _, one := range matches[a.ID] {
			l.Pairs = append(l.Pairs, console.WeakPair{Asset: a, Match: one, Priority: prioritise(&one, a, reach, l.From, stops), Stops: stops, Reach: reach})
		}
	}
	slices.SortStableFunc(l.Pairs, func(x, y console.WeakPair) int {
		return cmp.Or(cmp.Compare(y.Priority.Score, x.Priority.Score), strings.Compare(x.Asset.ID, y.Asset.ID), strings.Compare(x.Match.ID, y.Match.ID))
	})
	return l, nil
}

// revision is that of the newest declaration on a pair, withdrawn ones too.
func (d *exposureDesk) revision(asset, id string) int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.decided[[2]string{asset, id}].Revision
}

// Decide implements console.Weaknesses. It is in force when it returns.
func (d *exposureDesk) Decide(ctx context.Context, one advisory.Decision, revision int64) error {
	if texts := one.Faults(); len(texts) > 0 {
		return fmt.Errorf("the decision on %s and %s: %s", one.Asset, one.Advisory, strings.Join(texts, "; "))
	}
	body, err := json.Marshal(one)
	if err != nil {
		return fmt.Errorf("keeping a decision: %w", err)
	}
	note := string(cmp.Or(one.Verdict, "controls")) + " until " + one.Expires + ": " + one.Reason
	return d.declare(ctx, one.Asset, one.Advisory, one.Author, note, body, revision)
}

// Withdraw implements console.Weaknesses.
func (d *exposureDesk) Withdraw(ctx context.Context, asset, id, actor string, revision int64) error {
	return d.declare(ctx, asset, id, actor, "withdrawn: the verdict of matching stands", nil, revision)
}

func (d *exposureDesk) declare(ctx context.Context, asset, id, actor, note string, body []byte, revision int64) error {
	if revision == 0 {
		revision = d.revision(asset, id) // none in force; one that was withdrawn may be there
	}
	const most = 300 // of a note, in characters
	if r := []rune(note); len(r) > most {
		note = string(r[:most]) + "…"
	}
	_, err := d.s.records.Declare(ctx, store.Declared{Kind: verdictKind, ID: asset + "/" + id, Time: time.Now().UTC(), Actor: actor, Note: note, Body: body}, revision)
	if errors.Is(err, store.ErrChanged) {
		return console.ErrDecided
	}
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.readDecisions(ctx)
}

// VEX implements console.Weaknesses.
func (d *exposureDesk) VEX(ctx context.Context) ([]byte, error) {
	l, err := d.List(ctx)
	if err != nil {
		return nil, err
	}
	return advisory.VEX(advisory.Statement{Port: l.Port, Namespace: "urn:locode:" + strings.ToLower(l.Port.Identity.LOCODE), TLP: "AMBER", At: l.Made.Truncate(time.Second)}, l.ByAsset(), d.s.advisories.ByID)
}

// sentence says what is known of weaknesses, for the situation report; nothing
// where no notices are loaded.
func (d *exposureDesk) sentence(ctx context.Context) []string {
	sum := d.s.advisories.Summary()
	if sum.Advisories == 0 {
		return nil
	}
	text := fmt.Sprintf("%d advisories are loaded, %d of their vulnerabilities are known to be exploited.", sum.Advisories, sum.Known)
	l, err := d.List(ctx)
	if err != nil {
		return []string{text + " What they say of the register could not be worked out: " + err.Error()}
	}
	count := map[advisory.Verdict]int{}
	for i := range l.Pairs {
		count[l.Pairs[i].Match.Verdict]++
	}
	return []string{fmt.Sprintf("%s Pairs of device and notice: %d affected, %d undecided. That no notice is about a device never means that it is not affected.", text, count[advisory.Affected], count[advisory.Undecided])}
}

// keptNotice is the body of a declaration.
type keptNotice struct {
	Own      advisory.Own    `json:"own"`
	Document json.RawMessage `json:"document"`
}

// recallNotices takes the port's own notices into the set.
func (d *exposureDesk) recallNotices(ctx context.Context) error {
	all, err := d.Own(ctx)
	if err != nil {
		return err
	}
	for i := range all {
		if err := d.observe(all[i].Document); err != nil {
			return fmt.Errorf("notice %s: %w", all[i].ID, err)
		}
	}
	return nil
}

func (d *exposureDesk) observe(document []byte) error {
	a, err := source.Decode(document)
	if err != nil {
		return err
	}
	a.Source = "own notices"
	d.s.advisories.Observe(&event.Batch{Advisories: []event.Advisory{a}})
	return nil
}

// Own implements console.Weaknesses.
func (d *exposureDesk) Own(ctx context.Context) ([]console.OwnNotice, error) {
	all, err := d.s.records.Declarations(ctx, noticeKind)
	if err != nil {
		return nil, err
	}
	out := make([]console.OwnNotice, 0, len(all))
	for i := range all {
		var body keptNotice
		if err := json.Unmarshal(all[i].Body, &body); err != nil {
			return nil, fmt.Errorf("notice %s: %w", all[i].ID, err)
		}
		out = append(out, console.OwnNotice{Own: body.Own, Revision: all[i].Revision, Time: all[i].Time, By: all[i].Actor, Document: body.Document})
	}
	return out, nil
}

// Publish implements console.Weaknesses. The notice takes part in matching when it
// returns.
func (d *exposureDesk) Publish(ctx context.Context, o advisory.Own, actor string, revision int64) error {
	p := d.s.port.Load()
	if faults := o.Faults(p); len(faults) > 0 {
		return fmt.Errorf("notice %s: %s %s", o.ID, faults[0].Field, faults[0].Text)
	}
	past, err := d.s.records.DeclaredHistory(ctx, noticeKind, o.ID)
	if err != nil {
		return err
	}
	if int64(len(past)) != revision {
		return console.ErrDecided
	}
	if _, known := d.s.advisories.ByID(o.ID); known && revision == 0 {
		return console.ErrNoticeID
	}
	var history []advisory.Revision
	for i := range past {
		var body keptNotice
		if err := json.Unmarshal(past[i].Body, &body); err != nil {
			return fmt.Errorf("notice %s: %w", o.ID, err)
		}
		history = append(history, advisory.Revision{Time: past[i].Time, Change: body.Own.Change})
	}
	now := time.Now().UTC()
	document, err := o.Document(p, history, now)
	if err != nil {
		return err
	}
	body, err := json.Marshal(keptNotice{o, document})
	if err != nil {
		return fmt.Errorf("keeping a notice: %w", err)
	}
	_, err = d.s.records.Declare(ctx, store.Declared{Kind: noticeKind, ID: o.ID, Time: now, Actor: actor, Note: o.Change, Body: body}, revision)
	if errors.Is(err, store.ErrChanged) {
		return console.ErrDecided
	}
	if err != nil {
		return err
	}
	d.mu.Lock()
	d.changes++
	d.mu.Unlock()
	return d.observe(document)
}
