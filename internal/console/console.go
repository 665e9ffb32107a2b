// Package console is the web console: the pages people watch the port with.
// It exists so that everything the stages know is shown in one form: what is
// wrong, how sure, how old the evidence is, what can be done. It draws; it
// decides nothing and keeps no state of its own. The composition root imports
// it; it sees the stages through [Deps] and never a store or the stream.
//
// Pages are HTML made on the server (templ), made live by htmx over one
// server-sent event stream. Nothing is loaded from outside and nothing inline
// runs: the policy of the pages is [Policy].
package console

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/a-h/templ"

	"github.com/quaywatch/quaywatch/internal/attackgraph"
	"github.com/quaywatch/quaywatch/internal/console/assets"
	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/identity"
	"github.com/quaywatch/quaywatch/internal/port"
	"github.com/quaywatch/quaywatch/internal/report"
	"github.com/quaywatch/quaywatch/internal/risk"
	"github.com/quaywatch/quaywatch/internal/server"
	"github.com/quaywatch/quaywatch/internal/watch/health"
	"github.com/quaywatch/quaywatch/internal/watch/network"
	"github.com/quaywatch/quaywatch/internal/watch/physical"
	"github.com/quaywatch/quaywatch/internal/watch/vessel"
)

// Policy is the Content-Security-Policy of every page.
const Policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; " +
	"connect-src 'self'; worker-src 'self' blob:; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// Activity counts what the sources told: observations by domain in equal
// buckets of [from, to), for the lanes of the timeline. A domain that is absent
// has no source, which is shown as "no data" and not as quiet.
type Activity interface {
	Activity(ctx context.Context, from, to time.Time, buckets int) (map[finding.Domain][]int, error)
}

// RawBytes reads the bytes of an observation again where it does not carry them.
type RawBytes interface {
	RawBytes(ctx context.Context, r event.Raw) ([]byte, error)
}

// Deps is what the console is joined to. Fields without "optional" are needed.
type Deps struct {
	Port     func() *port.Port // as loaded now; never nil
	Desk     finding.Desk
	Vessels  func() vessel.Picture
	Network  func() network.Picture
	Physical func() physical.Picture
	Health   func() health.Picture

	Activity     Activity             // optional: the lanes then say that activity is not counted
	Raw          RawBytes             // optional: evidence then shows what it carries
	PortProblems func() port.Problems // optional: warnings of the loaded port file
	PortPath     string               // optional: where it was read from
	Report       http.Handler         // optional: draws the situation report, as a full document

	Feeds func() []server.FeedStatus // optional: the AIS feeds out
	// Graph calls use with the attack graph of what is known now, without an entry,
	// and with nobody else using it; optional: paths are then not asked.
	Graph func(ctx context.Context, use func(*attackgraph.Model) error) error
	// Walls is what the rules of firewalls let through; optional, and nil where the port
	// file names no configuration.
	Walls func(ctx context.Context) *Walls
	// Narrow proposes narrower conduits of what was heard over so many days, and
	// Listening says over what time that was; optional, both together.
	Narrow    func(days int, conduits ...string) []network.Narrowing
	Listening func() network.Listening
	Paper     func() report.PaperState // optional: the paper pack that is printed by the clock
	Past      Past                     // optional: devices then have no history
	Reconcile Reconciliation           // optional: decisions on devices are then not kept
	Weak      Weaknesses               // optional: the page then says that no notices are loaded
	Boards    Boards                   // optional: the reports to the board
	Risk      func() risk.Standing     // optional: the page then says that there are no scenarios

	History History // optional: the sea chart then shows moments of the past
	Tiles   string  // optional: a PMTiles file that the sea chart draws under everything

	// Allowed answers whether the one who asks may do that; optional: identity.Allowed.
	Allowed func(ctx context.Context, action identity.Action, on identity.Resource) bool
	// Exercise names the exercise or demo that the data belongs to, "" for real
	// data; optional. It puts the violet banner and the watermark on every page.
	Exercise func() string
	Now      func() time.Time // optional: time.Now
	Log      *slog.Logger     // optional: discards
}

// Console is the handler of all pages and of their bundles under /assets/.
type Console struct {
	d      Deps
	assets *assets.Set
	mux    *http.ServeMux
	live   *live
	ports  portCache
	hosts  hostCache
	seas   seasCache
	pairs  pairCache
}

// New makes the console. It fails where a needed dependency is missing or the
// program was built without the bundles.
func New(d Deps) (*Console, error) {
	if d.Port == nil || d.Desk == nil || d.Vessels == nil || d.Network == nil || d.Physical == nil || d.Health == nil {
		return nil, errors.New("console: Deps lacks one of Port, Desk, Vessels, Network, Physical, Health")
	}
	if d.Allowed == nil {
		d.Allowed = identity.Allowed
	}
	if d.Exercise == nil {
		d.Exercise = func() string { return "" }
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	set, err := assets.Load()
	if err != nil {
		return nil, err
	}
	c := &Console{d: d, assets: set, mux: http.NewServeMux()}
	c.live = newLive(d)
	c.routes()
	return c, nil
}

// page is a handler of one page: it returns what to draw, or an error for the error page.
type page func(w http.ResponseWriter, r *http.Request) (templ.Component, error)

func (c *Console) routes() {
	cross := http.NewCrossOriginProtection()
	view := func(pattern string, need identity.Action, p page) {
		c.mux.Handle("GET "+pattern, c.guard(need, p))
	}
	c.mux.Handle("GET "+assets.Prefix, c.assets)
	c.mux.Handle("GET /{$}", c.first(c.guard(identity.ViewFindings, c.watch)))
	view("/watch/alarms", identity.ViewFindings, c.watchAlarms)
	view("/watch/line", identity.ViewFindings, c.watchLine)
	view("/watch/strip", identity.ViewFindings, c.watchStrip)
	view("/watch/chart", identity.ViewPort, c.watchChart)
	view("/chips", identity.ViewFindings, c.topChips)
	view("/findings", identity.ViewFindings, c.findings)
	view("/findings/{id}", identity.ViewFindings, c.finding)
	view("/findings/{id}/drawer", identity.ViewFindings, c.drawer)
	c.mux.Handle("POST /findings/{id}/act", cross.Handler(c.guard(identity.ViewFindings, c.act)))
	view("/inventory", identity.ViewPort, c.inventory)
	view("/inventory/new", identity.ViewNetwork, c.news)
	view("/inventory/reconcile", identity.ViewNetwork, c.reconcilePage)
	c.mux.Handle("POST /inventory/reconcile", cross.Handler(c.guard(identity.ReconcileRegister, c.reconcileAct)))
	c.mux.Handle("GET /inventory/register.patch", c.guardHTTP(identity.ViewNetwork, http.HandlerFunc(c.patchFile)))
	view("/inventory/{id}", identity.ViewPort, c.asset)
	view("/hosts/{id}", identity.ViewNetwork, c.host)
	view("/zones", identity.ViewNetwork, c.zones)
	view("/zones/{from}/{to}", identity.ViewNetwork, c.zonePair)
	view("/zones/{from}/{to}/drawer", identity.ViewNetwork, c.zonePairDrawer)
	view("/firewalls", identity.ViewNetwork, c.firewalls)
	view("/network", identity.ViewNetwork, c.network)
	c.mux.Handle("GET /network.json", c.guardHTTP(identity.ViewNetwork, http.HandlerFunc(c.networkJSON)))
	view("/people", identity.ViewPeople, c.people)
	view("/vessels", identity.ViewVessels, c.vessels)
	view("/vessels/chart", identity.ViewVessels, c.seaChart)
	view("/vessels/{id}", identity.ViewVessels, c.vessel)
	view("/port", identity.ViewPort, c.portFile)
	view("/sources", identity.ViewSources, c.sources)
	view("/situation", identity.ViewReports, c.situation)
	view("/risk", identity.ViewReports, c.risk)
	view("/attack", identity.ViewNetwork, c.attack)
	c.mux.Handle("GET /attack.json", c.guardHTTP(identity.ViewNetwork, http.HandlerFunc(c.attackJSON)))
	view("/continuity", identity.ViewReports, c.continuity)
	view("/weaknesses", identity.ViewNetwork, c.weaknesses)
	view("/weaknesses/{asset}/{id}", identity.ViewNetwork, c.weakness)
	c.mux.Handle("POST /weaknesses/{asset}/{id}", cross.Handler(c.guard(identity.JudgeWeaknesses, c.weakAct)))
	view("/weaknesses/own", identity.ViewNetwork, c.noticePage)
	c.mux.Handle("POST /weaknesses/own", cross.Handler(c.guard(identity.JudgeWeaknesses, c.publish)))
	c.mux.Handle("GET /weaknesses/own.json", c.guardHTTP(identity.ViewNetwork, http.HandlerFunc(c.noticeFile)))
	c.mux.Handle("GET /weaknesses/vex.json", c.guardHTTP(identity.ViewNetwork, http.HandlerFunc(c.vex)))
	c.mux.Handle("GET /attack.svg", c.guardHTTP(identity.ViewNetwork, http.HandlerFunc(c.attackSVG)))
	c.mux.Handle("GET /attack.stix", c.guardHTTP(identity.ViewNetwork, http.HandlerFunc(c.attackSTIX)))
	view("/board", identity.ViewReports, c.board)
	view("/board/{id}", identity.ViewReports, c.board)
	c.mux.Handle("GET /board/{id}/{file}", c.guardHTTP(identity.ViewReports, http.HandlerFunc(c.boardFile)))
	c.mux.Handle("POST /board/{id}", cross.Handler(c.guard(identity.SignReports, c.boardAct)))
	view("/critical/{id}", identity.ViewReports, c.critical)
	c.mux.Handle("GET /continuity/paper.pdf", c.guardHTTP(identity.TakePaper, http.HandlerFunc(c.paperPDF)))
	c.mux.Handle("GET /situation/report", c.guardHTTP(identity.ViewReports, http.HandlerFunc(c.report)))
	c.mux.Handle("GET /map/port.json", c.guardHTTP(identity.ViewPort, http.HandlerFunc(c.mapPort)))
	c.mux.Handle("GET /map/live.json", c.guardHTTP(identity.ViewVessels, http.HandlerFunc(c.mapLive)))
	for path, answer := range map[string]http.HandlerFunc{"sea": c.seaJSON, "trail": c.trailJSON, "past": c.pastJSON, "marks": c.marksJSON, "reach": c.reachJSON} {
		c.mux.Handle("GET /map/"+path+".json", c.guardHTTP(identity.ViewVessels, answer))
	}
	c.mux.Handle("GET /map/coast.json", c.guardHTTP(identity.ViewPort, http.HandlerFunc(c.coastJSON)))
	c.mux.Handle("GET /map/tiles.pmtiles", c.guardHTTP(identity.ViewPort, http.HandlerFunc(c.tiles)))
	c.mux.Handle("GET /live", c.guardHTTP(identity.ViewFindings, c.live))
	c.mux.Handle("POST /palette", cross.Handler(http.HandlerFunc(c.setPalette)))
	c.mux.Handle("/", c.guard("", func(http.ResponseWriter, *http.Request) (templ.Component, error) {
		return nil, problem{http.StatusNotFound, "Not found", "There is no page at this address. The rail on the left leads to every page."}
	}))
}

// ServeHTTP answers every page.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", Policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	c.mux.ServeHTTP(w, r)
}

// problem is an error with what to tell the reader.
type problem struct {
	status int
	title  string
	detail string
}

func (p problem) Error() string { return p.title }

// problemOf turns an error of a stage into what the reader may know of it.
func problemOf(err error) problem {
	var p problem
	switch {
	case errors.As(err, &p):
		return p
	case errors.Is(err, finding.ErrNotFound):
		return problem{http.StatusNotFound, "No such finding", "It may have been removed with its exercise, or the address is mistyped."}
	case errors.Is(err, finding.ErrConflict):
		return problem{http.StatusConflict, "Somebody was faster", "The finding was changed while you looked at it. It is shown as it is now; decide again."}
	case errors.Is(err, finding.ErrState):
		return problem{http.StatusConflict, "Not possible in this state", "The state of the finding does not allow that step."}
	}
	return problem{http.StatusInternalServerError, "Something failed here", "The page could not be made. What is shown elsewhere is not affected; the log has the reason."}
}

// guard lets p draw for those who may do need ("" for everybody logged in).
func (c *Console) guard(need identity.Action, p page) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		var body templ.Component
		err := c.may(r, need)
		if err == nil {
			body, err = p(w, r)
		}
		if errors.Is(err, errDrawn) {
			return
		}
		if err != nil {
			c.fail(w, r, err)
			return
		}
		if body == nil {
			return // p answered by itself
		}
		c.draw(w, r, http.StatusOK, body)
	})
}

// first is the first screen of a role: the watch, or the report for those who
// see reports and no findings (the board), rather than a refusal.
func (c *Console) first(watch http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c.may(r, identity.ViewFindings) != nil && c.may(r, identity.ViewReports) == nil {
			http.Redirect(w, r, "/situation", http.StatusSeeOther)
			return
		}
		watch.ServeHTTP(w, r)
	})
}

// guardHTTP is guard for handlers that are not pages.
func (c *Console) guardHTTP(need identity.Action, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := c.may(r, need); err != nil {
			p := problemOf(err)
			http.Error(w, p.title, p.status)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (c *Console) may(r *http.Request, need identity.Action) error {
	ok := need == ""
	switch need {
	case "":
	case identity.ViewFindings, identity.ActOnFindings, identity.ShelveFindings:
		ok = len(c.domains(r.Context(), need)) > 0
	default:
		ok = c.d.Allowed(r.Context(), need, identity.ThePort)
	}
	if !ok {
		return problem{http.StatusForbidden, "Not for your role", "Your role does not open this page. An administrator can say which role does (manual: accounts)."}
	}
	return nil
}

// domains are those whose findings the one who asks may see or act on.
func (c *Console) domains(ctx context.Context, need identity.Action) []finding.Domain {
	var out []finding.Domain
	for _, d := range lanes {
		if c.d.Allowed(ctx, need, identity.Findings(string(d))) {
			out = append(out, d)
		}
	}
	return out
}

// mayOn reports whether the one who asks may do that to the finding.
func (c *Console) mayOn(ctx context.Context, need identity.Action, f finding.Finding) bool {
	domains := make([]string, len(f.Domains))
	for i, d := range f.Domains {
		domains[i] = string(d)
	}
	return c.d.Allowed(ctx, need, identity.Findings(domains...))
}

// fragment reports whether only a part of the page is wanted (a live update).
func fragment(r *http.Request) bool {
	return r.Header.Get("HX-Request") == "true" && r.Header.Get("HX-History-Restore-Request") == ""
}

func (c *Console) draw(w http.ResponseWriter, r *http.Request, status int, body templ.Component) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Vary", "HX-Request")
	w.WriteHeader(status)
	if err := body.Render(r.Context(), w); err != nil && r.Context().Err() == nil {
		c.d.Log.Error("console page not drawn", "path", r.URL.Path, "error", err)
	}
}

func (c *Console) fail(w http.ResponseWriter, r *http.Request, err error) {
	p := problemOf(err)
	if p.status >= http.StatusInternalServerError {
		c.d.Log.Error("console page failed", "path", r.URL.Path, "error", err)
	}
	if fragment(r) {
		http.Error(w, p.title+". "+p.detail, p.status)
		return
	}
	c.draw(w, r, p.status, problemPage(c.frame(r, p.title, ""), p))
}
