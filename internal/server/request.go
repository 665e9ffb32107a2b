package server

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"time"

	"github.com/quaywatch/quaywatch/internal/identity"
)

type requestKey struct{}

// request is what the server knows of a request beside the request itself.
type request struct {
	id      string
	address string // IP of the client
	account string // set when it is known, for the log
}

func requestOf(ctx context.Context) *request {
	if r, ok := ctx.Value(requestKey{}).(*request); ok {
		return r
	}
	return &request{}
}

func requestID(ctx context.Context) string { return requestOf(ctx).id }

// recorder notes what was answered. Unwrap lets http.ResponseController reach
// the connection, which the events stream needs.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	return n, err
}

func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Flush implements http.Flusher, for handlers that ask for it by type.
func (w *recorder) Flush() { _ = http.NewResponseController(w.ResponseWriter).Flush() }

// observed is the outermost handler: it gives the request its id, turns a panic
// into a problem, and logs one line. Neither query nor headers are logged,
// because they may hold secrets.
func (s *Server) observed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := s.now()
		about := &request{id: rand.Text()[:16], address: s.clientAddress(r)}
		r = r.WithContext(context.WithValue(r.Context(), requestKey{}, about))
		rec := &recorder{ResponseWriter: w}
		rec.Header().Set("Request-Id", about.id)
		defer s.finish(rec, r, about, began)
		next.ServeHTTP(rec, r)
	})
}

func (s *Server) finish(w *recorder, r *http.Request, about *request, began time.Time) {
	if v := recover(); v != nil {
		if v == http.ErrAbortHandler { //nolint:errorlint // the value that net/http defines for this
			panic(v)
		}
		s.log.Error("a handler panicked", "id", about.id, "method", r.Method, "path", r.URL.Path, "panic", v, "stack", string(debug.Stack()))
		if w.status != 0 {
			panic(http.ErrAbortHandler) // half an answer must not look whole
		}
		s.fail(w, r, problem(http.StatusInternalServerError, internalDetail))
	}
	took := s.now().Sub(began)
	s.meter.request(r, w.status, took)
	level := slog.LevelInfo
	if w.status < http.StatusBadRequest && (strings.HasPrefix(r.URL.Path, "/assets/") || r.URL.Path == "/healthz") {
		level = slog.LevelDebug
	}
	s.log.Log(r.Context(), level, "request", "id", about.id, "method", r.Method, "path", r.URL.Path,
		"status", w.status, "bytes", w.bytes, "ms", float64(took.Microseconds())/1000, "account", about.account, "from", about.address)
}

// fail answers with a problem: a document under /api/, a page elsewhere.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, p *Problem) {
	if strings.HasPrefix(r.URL.Path, "/api/") || r.URL.Path == "/metrics" || r.URL.Path == "/healthz" {
		p.write(w, r)
		return
	}
	for key, values := range p.header {
		w.Header()[key] = values
	}
	s.deps.Pages.ProblemPage(w, r, ProblemView{Status: p.Status, Title: p.Title, Detail: p.Detail, ID: requestID(r.Context())})
}

// clientAddress is the IP that the request comes from. A header is believed
// only from a proxy on this machine, and only its last value, which that proxy
// wrote itself.
func (s *Server) clientAddress(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	if s.deps.ProxyHeader == "" || !isLoopback(host) {
		return host
	}
	values := r.Header.Values(s.deps.ProxyHeader)
	if len(values) == 0 {
		return host
	}
	parts := strings.Split(values[len(values)-1], ",")
	if told := strings.TrimSpace(parts[len(parts)-1]); validIP(told) {
		return told
	}
	return host
}

func validIP(s string) bool { _, err := netip.ParseAddr(s); return err == nil }

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && ip.Unmap().IsLoopback()
}

// contentPolicy lets a page use what comes from this server and nothing else:
// no inline script or style, no other host, no framing.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; " +
	"connect-src 'self'; worker-src 'self' blob:; font-src 'self'; manifest-src 'self'; " +
	"frame-ancestors 'none'; base-uri 'none'; form-action 'self'"

// secured sets the headers that every answer carries.
func (s *Server) secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", contentPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()")
		if !strings.HasPrefix(r.URL.Path, "/assets/") {
			h.Set("Cache-Control", "no-store")
		}
		if s.deps.Secure {
			h.Set("Strict-Transport-Security", "max-age=63072000")
		}
		next.ServeHTTP(w, r)
	})
}

// limited bounds the body of a request.
func limited(bytes int64, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, bytes)
		next.ServeHTTP(w, r)
	})
}

// as returns the request in the name of p.
func as(r *http.Request, p identity.Principal) *http.Request {
	requestOf(r.Context()).account = p.Account.Name
	return r.WithContext(identity.With(r.Context(), p))
}
