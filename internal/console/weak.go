package console

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"github.com/quaywatch/quaywatch/internal/advisory"
	"github.com/quaywatch/quaywatch/internal/identity"
	"github.com/quaywatch/quaywatch/internal/port"
)

// Weaknesses are what published notices say of the register, and what people
// decided about it.
type Weaknesses interface {
	List(ctx context.Context) (*WeakList, error)
	Decide(ctx context.Context, d advisory.Decision, revision int64) error // ErrDecided where a newer one is there
	Withdraw(ctx context.Context, asset, id, actor string, revision int64) error
	VEX(ctx context.Context) ([]byte, error) // all of it as a CSAF document
	Own(ctx context.Context) ([]OwnNotice, error)
	Publish(ctx context.Context, o advisory.Own, actor string, revision int64) error // ErrDecided where a newer one is there
}

// ErrDecided says that somebody else has decided meanwhile.
var ErrDecided = errors.New("somebody has decided on it meanwhile")

// WeakList is every pair of asset and notice, the most urgent first, those that are
// not affected last. It is read by many at once and not changed.
type WeakList struct {
	Port  *port.Port
	Read  advisory.Summary
	From  []string // entries that reach was asked about
	Notes []string // what was not read, and decisions that do nothing
	Pairs []WeakPair
	Made  time.Time
	// Decided are the decisions of people by asset and notice.
	Decided map[[2]string]Decided
	Entry   func(id string) (advisory.Entry, bool)
}

// ByAsset are the matches by asset.
func (l *WeakList) ByAsset() map[string][]advisory.Match {
	out := map[string][]advisory.Match{}
	for i := range l.Pairs {
		out[l.Pairs[i].Asset.ID] = append(out[l.Pairs[i].Asset.ID], l.Pairs[i].Match)
	}
	return out
}

// WeakPair is one asset and one notice.
type WeakPair struct {
	Asset    *port.Asset
	Match    advisory.Match
	Priority advisory.Priority
	Stops    []string // services that stop without the asset
	Reach    advisory.Reach
}

// windowWords is when the asset may be changed next.
func (l *WeakList) windowWords(a *port.Asset, now time.Time) string {
	w, ok := l.Port.PatchWindow(a, now)
	if !ok {
		return "none is declared, for the asset or its zone"
	}
	return w.String() + " local"
}

// Decided is a decision with its revision, for whoever acts on it.
type Decided struct {
	advisory.Decision
	Revision int64
	File     bool // of the decisions file: changed there
}

const weakPage = 50

// weakView answers "what of ours is weak, how surely, and what comes first".
type weakView struct {
	frame
	Here    bool
	L       *WeakList
	By      string // "", "asset", "advisory", "service"
	Verdict string // "", "affected", "undecided", "not affected", "all"
	Q       string
	Asset   string
	Notice  string
	Service string
	Counts  map[advisory.Verdict]int // of all
	Total   int                      // selected
	From    int
	Pairs   []*WeakPair
	Groups  []weakGroup
}

// weakGroup is one row by asset, notice or service.
type weakGroup struct {
	ID, Name                         string
	Affected, Open, Not, Used, Fixed int
	Most                             float64 // highest priority
}

func (c *Console) weaknesses(_ http.ResponseWriter, r *http.Request) (templ.Component, error) {
	q := r.URL.Query()
	v := weakView{frame: c.frame(r, "Weaknesses", "weak"), Here: c.d.Weak != nil, By: q.Get("by"), Verdict: q.Get("verdict"), Q: strings.TrimSpace(q.Get("q")),
		Asset: q.Get("asset"), Notice: q.Get("advisory"), Service: q.Get("service"), Counts: map[advisory.Verdict]int{}}
	if !v.Here {
		return weakListPage(v), nil
	}
	var err error
	if v.L, err = c.d.Weak.List(r.Context()); err != nil {
		return nil, err
	}
	v.From, _ = strconv.Atoi(q.Get("from"))
	v.choose()
	return weakListPage(v), nil
}

// choose selects the pairs or groups of the page.
func (v *weakView) choose() {
	var chosen []*WeakPair
	words := strings.Fields(strings.ToLower(v.Q))
	for i := range v.L.Pairs {
		p := &v.L.Pairs[i]
		v.Counts[p.Match.Verdict]++
		if v.shows(p, words) {
			chosen = append(chosen, p)
		}
	}
	if v.By != "" {
		v.Groups = groupsOf(v.L.Port, v.By, chosen)
		v.Total = len(v.Groups)
		v.From = pageStart(v.From, v.Total)
		v.Groups = v.Groups[v.From:min(v.Total, v.From+weakPage)]
		return
	}
	v.Total = len(chosen)
	v.From = pageStart(v.From, v.Total)
	v.Pairs = chosen[v.From:min(v.Total, v.From+weakPage)]
}

func pageStart(from, total int) int {
	if from < 0 || from >= total {
		return 0
	}
	return from - from%weakPage
}

func (v *weakView) shows(p *WeakPair, words []string) bool {
	m := &p.Match
	switch v.Verdict {
	case "":
		if m.Verdict == advisory.NotAffected {
			return false
		}
	case "all":
	default:
		if string(m.Verdict) != v.Verdict {
			return false
		}
	}
	if v.Asset != "" && p.Asset.ID != v.Asset || v.Notice != "" && m.ID != v.Notice || v.Service != "" && !slices.Contains(p.Stops, v.Service) {
		return false
	}
	if len(words) == 0 {
		return true
	}
	text := strings.ToLower(strings.Join(append([]string{p.Asset.ID, p.Asset.Name, p.Asset.Vendor, p.Asset.Product, m.ID, m.Title}, m.CVEs...), " "))
	return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(text, w) })
}

func groupsOf(p *port.Port, by string, pairs []*WeakPair) []weakGroup {
	at := map[string]int{}
	var out []weakGroup
	add := func(id, name string, x *WeakPair) {
		i, known := at[id]
		if !known {
			i = len(out)
			at[id] = i
			out = append(out, weakGroup{ID: id, Name: name})
		}
		g := &out[i]
		switch x.Match.Verdict {
		case advisory.Affected:
			g.Affected++
		case advisory.NotAffected:
			g.Not++
		default:
			g.Open++
		}
		if x.Match.Verdict != advisory.NotAffected {
			if len(x.Match.Exploited) > 0 {
				g.Used++
			}
			if x.Match.Fix != "" {
				g.Fixed++
			}
		}
		g.Most = max(g.Most, x.Priority.Score)
	}
	for _, x := range pairs {
		switch by {
		case "asset":
			add(x.Asset.ID, cmp.Or(x.Asset.Name, x.Asset.ID), x)
		case "advisory":
			add(x.Match.ID, x.Match.Title, x)
		case "service":
			for _, id := range x.Stops {
				add(id, serviceName(p, id), x)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b weakGroup) int {
		return cmp.Or(cmp.Compare(b.Most, a.Most), cmp.Compare(b.Affected, a.Affected), strings.Compare(a.ID, b.ID))
	})
	return out
}

// link is the page with one thing changed; the place in the list begins anew.
func (v *weakView) link(pairs ...string) string {
	q := url.Values{}
	for k, text := range map[string]string{"by": v.By, "verdict": v.Verdict, "q": v.Q, "asset": v.Asset, "advisory": v.Notice, "service": v.Service} {
		if text != "" {
			q.Set(k, text)
		}
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		q.Del(pairs[i])
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	if len(q) == 0 {
		return "/weaknesses"
	}
	return "/weaknesses?" + q.Encode()
}

// weakPairView is one asset and one notice with the reasoning open.
type weakPairView struct {
	frame
	L       *WeakList
	P       *WeakPair
	E       advisory.Entry
	Decided *Decided
	May     bool
	Wrong   []string   // what is wrong with the form
	Form    url.Values // as it was sent
}

func (c *Console) weakness(_ http.ResponseWriter, r *http.Request) (templ.Component, error) {
	v, err := c.pair(r)
	if err != nil {
		return nil, err
	}
	return weakPairPage(v), nil
}

func (c *Console) pair(r *http.Request) (weakPairView, error) {
	missing := problem{http.StatusNotFound, "No such pair", "No notice of that name is about this asset, as far as the register says."}
	if c.d.Weak == nil {
		return weakPairView{}, missing
	}
	l, err := c.d.Weak.List(r.Context())
	if err != nil {
		return weakPairView{}, err
	}
	asset, id := r.PathValue("asset"), r.PathValue("id")
	for i := range l.Pairs {
		if p := &l.Pairs[i]; p.Asset.ID == asset && p.Match.ID == id {
			v := weakPairView{frame: c.frame(r, p.Match.ID, "weak"), L: l, P: p, May: c.d.Allowed(r.Context(), identity.JudgeWeaknesses, identity.ThePort), Form: url.Values{}}
			v.E, _ = l.Entry(id)
			if d, known := l.Decided[[2]string{asset, id}]; known {
				v.Decided = &d
			}
			return v, nil
		}
	}
	return weakPairView{}, missing
}

// weakAct takes a decision on a pair, or takes it back.
func (c *Console) weakAct(w http.ResponseWriter, r *http.Request) (templ.Component, error) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	if err := r.ParseForm(); err != nil {
		return nil, problem{http.StatusBadRequest, "The form could not be read", "It is longer than a form may be, or was cut off."}
	}
	v, err := c.pair(r)
	if err != nil {
		return nil, err
	}
	account, _ := identity.From(r.Context())
	revision, _ := strconv.ParseInt(r.PostForm.Get("revision"), 10, 64) // absent: nobody has decided
	if r.PostForm.Get("do") == "withdraw" {
		err = c.d.Weak.Withdraw(r.Context(), v.P.Asset.ID, v.P.Match.ID, account.Name, revision)
	} else {
		d := decisionOf(r.PostForm, v.P, account.Name, c.d.Now())
		v.Wrong = d.Faults()
		if len([]rune(d.Reason+strings.Join(d.Controls, ""))) > 2000 {
			v.Wrong = append(v.Wrong, "reason and controls are longer than 2,000 characters together")
		}
		if len(v.Wrong) > 0 {
			v.Form = r.PostForm
			w.WriteHeader(http.StatusUnprocessableEntity)
			return weakPairPage(v), nil
		}
		err = c.d.Weak.Decide(r.Context(), d, revision)
	}
	if errors.Is(err, ErrDecided) {
		return nil, problem{http.StatusConflict, "Not decided", "Somebody has decided on it meanwhile. Load the page again and look."}
	}
	if err != nil {
		return nil, err
	}
	http.Redirect(w, r, pairAddress(v.P), http.StatusSeeOther)
	return nil, nil
}

func pairAddress(p *WeakPair) string {
	return "/weaknesses/" + url.PathEscape(p.Asset.ID) + "/" + url.PathEscape(p.Match.ID)
}

func decisionOf(f url.Values, p *WeakPair, author string, now time.Time) advisory.Decision {
	d := advisory.Decision{Asset: p.Asset.ID, Advisory: p.Match.ID, Verdict: advisory.Verdict(f.Get("verdict")), Reason: strings.TrimSpace(f.Get("reason")),
		Author: author, Made: now.UTC().Format(time.DateOnly), Expires: strings.TrimSpace(f.Get("expires"))}
	if d.Verdict == advisory.NotAffected {
		d.Justification = f.Get("justification")
	}
	for _, line := range strings.Split(f.Get("controls"), "\n") {
		if line = strings.TrimSpace(line); line != "" {
			d.Controls = append(d.Controls, line)
		}
	}
	return d
}

// vex gives all verdicts as a VEX document.
func (c *Console) vex(w http.ResponseWriter, r *http.Request) {
	if c.d.Weak == nil {
		c.fail(w, r, problem{http.StatusNotFound, "No notices here", "No notices of weaknesses are loaded."})
		return
	}
	text, err := c.d.Weak.VEX(r.Context())
	if err != nil {
		c.fail(w, r, problem{http.StatusConflict, "No VEX document", err.Error() + "."})
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Disposition", `attachment; filename="vex.json"`)
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(text) // the reader has gone away
}

// sent is what a field of the form was sent with, or else what was decided.
func (v *weakPairView) sent(field, else_ string) string {
	if v.Form.Has(field) {
		return v.Form.Get(field)
	}
	return else_
}

func (v *weakPairView) old() advisory.Decision {
	if v.Decided == nil {
		return advisory.Decision{Expires: v.Now.AddDate(0, 3, 0).UTC().Format(time.DateOnly)}
	}
	return v.Decided.Decision
}

func deviceWords(a *port.Asset) string {
	return strings.Join(slices.DeleteFunc([]string{a.Vendor, a.Product, a.Model, a.Firmware}, func(s string) bool { return s == "" }), " ")
}

func verdictShape(m *advisory.Match) (shape, severity string) {
	switch m.Verdict {
	case advisory.Affected:
		return "confirmed", "alarm"
	case advisory.NotAffected:
		return "suspected", "ok"
	}
	return "likely", "warning"
}

func scoreWords(f float64) string { return strconv.FormatFloat(f, 'f', 1, 64) }

func oneDay(t time.Time) string {
	if t.IsZero() {
		return "not said"
	}
	return t.UTC().Format(time.DateOnly)
}

func weakRevision(v weakPairView) string {
	if v.Decided == nil {
		return "0"
	}
	return strconv.FormatInt(v.Decided.Revision, 10)
}
