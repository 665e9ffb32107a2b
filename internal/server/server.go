package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/identity"
)

const (
	maxForm = 64 << 10 // bytes of a posted form
	maxBody = 1 << 20  // bytes of any other body
)

// Server is the whole HTTP face. It is an http.Handler; Serve also listens.
type Server struct {
	deps     Deps
	log      *slog.Logger
	now      func() time.Time
	findings finding.Desk // guarded
	sessions *identity.Sessions
	meter    *meter
	events   *eventsHub
	sea      *sea
	views    portViews
	handler  http.Handler

	ending    chan struct{} // closed when the server goes down, so that streams end
	endingOne sync.Once
}

// New joins the server. It starts nothing.
func New(d Deps) (*Server, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	s := &Server{deps: d, log: d.Log, now: d.Now, findings: Guard(d.Findings), meter: newMeter(), ending: make(chan struct{})}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.now == nil {
		s.now = time.Now
	}
	s.events = &eventsHub{byAccount: map[string]int{}}
	s.sea = newSea(d.Vessels, s.now)
	s.sessions = d.Identity.Sessions(d.Secure, func(w http.ResponseWriter, r *http.Request, err error) {
		s.fail(w, r, toProblem(r.Context(), s.log, fmt.Errorf("session: %w", err)))
	})
	cross, err := s.crossOrigin()
	if err != nil {
		return nil, err
	}
	s.handler = s.observed(s.secured(cross.Handler(s.routes())))
	return s, nil
}

// Collectors are the server's own metrics, for the registry behind Deps.Metrics.
func (s *Server) Collectors() []prometheus.Collector { return s.meter.collectors() }

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Findings is the register behind the rights of who asks; the console uses it.
func (s *Server) Findings() finding.Desk { return s.findings }

// End ends the open streams. Serve calls it; whoever serves the handler in
// another way calls it before shutting down.
func (s *Server) End() { s.endingOne.Do(func() { close(s.ending) }) }

func (s *Server) crossOrigin() (*http.CrossOriginProtection, error) {
	cross := http.NewCrossOriginProtection()
	for _, origin := range s.deps.Origins {
		if err := cross.AddTrustedOrigin(origin); err != nil {
			return nil, fmt.Errorf("server: trusted origin %q: %w", origin, err)
		}
	}
	cross.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, r, problem(http.StatusForbidden, "The request came from a page of another site, so it was refused."))
	}))
	return cross, nil
}

// routes is the map of the whole server.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", s.healthz)
	mux.Handle("GET /metrics", s.sessions.Load(http.HandlerFunc(s.metrics)))
	mux.Handle("/assets/", s.deps.Console)
	mux.Handle("/favicon.ico", s.deps.Console)

	form := func(h http.HandlerFunc) http.Handler { return limited(maxForm, s.sessions.Load(h)) }
	mux.Handle("GET "+PathLogin, form(s.loginPage))
	mux.Handle("POST "+PathLogin, form(s.login))
	mux.Handle("POST "+PathLogout, form(s.logout))
	mux.Handle("GET "+PathSetup, form(s.setupPage))
	mux.Handle("POST "+PathSetup, form(s.setup))
	mux.Handle("GET "+PathPassword, form(s.passwordPage))
	mux.Handle("POST "+PathPassword, form(s.password))

	api := http.NewServeMux()
	a := newAPI(s, api)
	api.HandleFunc("GET /api/openapi.json", a.document)
	api.HandleFunc("GET /api/docs", a.docs)
	api.HandleFunc("GET /api/docs.css", a.docsStyle)
	mux.Handle("/api/", limited(maxBody, s.sessions.Load(s.apiGate(problemRoutes(s, api)))))

	mux.Handle("GET /live", limited(maxBody, s.sessions.Load(s.pageGate(s.heldOpen(s.deps.Console)))))
	mux.Handle("/", limited(maxBody, s.sessions.Load(s.pageGate(s.deps.Console))))
	return mux
}

// problemRoutes answers in problem documents where the mux of the API knows no
// route or not that method.
func problemRoutes(s *Server, mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := mux.Handler(r); pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		probe := &recorder{ResponseWriter: nowhere{http.Header{}}}
		h, _ := mux.Handler(r)
		h.ServeHTTP(probe, r)
		if probe.status == http.StatusMethodNotAllowed {
			s.fail(w, r, problem(http.StatusMethodNotAllowed, "This address does not know the method "+r.Method+".").
				with("Allow", probe.Header().Get("Allow")))
			return
		}
		s.fail(w, r, problem(http.StatusNotFound, "The API has no such address. /api/docs lists all."))
	})
}

// nowhere is a response that nobody reads.
type nowhere struct{ header http.Header }

func (n nowhere) Header() http.Header         { return n.header }
func (n nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (n nowhere) WriteHeader(int)             {}

// healthz tells a supervisor whether the server works: 200 or 503, and no
// more, because it asks for no login. The log says what does not work.
func (s *Server) healthz(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
	defer cancel()
	var errs []error
	for _, c := range s.deps.Ready {
		if err := c.Test(ctx); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", c.Name, err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		s.log.Warn("not healthy", "error", err)
		s.fail(w, r, problem(http.StatusServiceUnavailable, "Not everything works. The log of the server says what."))
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("ok\n"))
}

// metrics answers to who may see them, and to this machine where that is
// configured. The host is compared too, so that no page of another site can
// read them through a name that it points here.
func (s *Server) metrics(w http.ResponseWriter, r *http.Request) {
	local := s.deps.PublicMetrics && isLoopback(s.clientAddress(r)) && isLoopback(hostOnly(r.Host))
	if !local {
		p, err := s.principal(r)
		if err != nil {
			s.fail(w, r, s.unauthorised(r, err))
			return
		}
		if r = as(r, p); !identity.Allowed(r.Context(), identity.ViewMetrics, identity.ThePort) {
			s.fail(w, r, toProblem(r.Context(), s.log, errForbidden))
			return
		}
	}
	if s.deps.Metrics == nil {
		s.fail(w, r, problem(http.StatusNotFound, "No metrics are collected."))
		return
	}
	promhttp.HandlerFor(s.deps.Metrics, promhttp.HandlerOpts{}).ServeHTTP(w, r)
}

func hostOnly(host string) string {
	if i := strings.LastIndexByte(host, ':'); i > strings.LastIndexByte(host, ']') {
		host = host[:i]
	}
	return host
}
