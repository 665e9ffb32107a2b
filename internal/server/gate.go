package server

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/quaywatch/quaywatch/internal/identity"
)

// errNobody means that a request names nobody.
var errNobody = errors.New("not logged in")

// principal returns who a request comes from. A token in the header counts
// alone: a wrong one is refused even where the browser has a good session.
// Errors: errNobody, identity.ErrDenied, or a failure of the store.
func (s *Server) principal(r *http.Request) (identity.Principal, error) {
	if header := r.Header.Get("Authorization"); header != "" {
		scheme, secret, _ := strings.Cut(header, " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return identity.Principal{}, identity.ErrDenied
		}
		return s.deps.Identity.TokenPrincipal(r.Context(), strings.TrimSpace(secret))
	}
	p, err := s.sessions.Principal(r.Context())
	if errors.Is(err, identity.ErrDenied) {
		return p, errNobody
	}
	return p, err
}

// unauthorised is the problem for a request that could not be put to a name.
func (s *Server) unauthorised(r *http.Request, err error) *Problem {
	switch {
	case errors.Is(err, errNobody):
		return problem(http.StatusUnauthorized, "Log in, or send an API token: Authorization: Bearer qw_…").
			with("WWW-Authenticate", `Bearer realm="quaywatch"`)
	case errors.Is(err, identity.ErrDenied):
		return problem(http.StatusUnauthorized, "The API token is not known, expired or revoked.").
			with("WWW-Authenticate", `Bearer realm="quaywatch", error="invalid_token"`)
	}
	return toProblem(r.Context(), s.log, err)
}

// apiGate lets through who is logged in or sends a good token.
func (s *Server) apiGate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, err := s.principal(r)
		if err != nil {
			if r.URL.Path == "/api/docs" && errors.Is(err, errNobody) {
				http.Redirect(w, r, loginPath(r), http.StatusSeeOther) //nolint:gosec // always PathLogin; the way back is checked by safeNext when it is used
				return
			}
			s.fail(w, r, s.unauthorised(r, err))
			return
		}
		if p.Account.MustChange {
			s.fail(w, r, problem(http.StatusForbidden, "The password was set by somebody else. Change it at "+PathPassword+" first."))
			return
		}
		next.ServeHTTP(w, as(r, p))
	})
}

// pageGate lets through who is logged in; the others go to the login, or to
// the set-up where there is no account yet.
func (s *Server) pageGate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, err := s.sessions.Principal(r.Context())
		switch {
		case errors.Is(err, identity.ErrDenied):
			s.toLogin(w, r)
		case err != nil:
			s.fail(w, r, toProblem(r.Context(), s.log, err))
		case p.Account.MustChange:
			s.redirect(w, r, PathPassword)
		default:
			next.ServeHTTP(w, as(r, p))
		}
	})
}

func (s *Server) toLogin(w http.ResponseWriter, r *http.Request) {
	needed, err := s.deps.Identity.NeedsSetUp(r.Context())
	switch {
	case err != nil:
		s.fail(w, r, toProblem(r.Context(), s.log, err))
	case needed:
		s.redirect(w, r, PathSetup)
	case fromElsewhere(r):
		askAgain(w)
	default:
		s.redirect(w, r, loginPath(r))
	}
}

// redirect sends a browser to another page; a part of a page that is asked for
// by script sends the whole window there instead.
func (s *Server) redirect(w http.ResponseWriter, r *http.Request, to string) {
	if r.Header.Get("HX-Request") != "" {
		w.Header().Set("HX-Redirect", to)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	http.Redirect(w, r, to, http.StatusSeeOther) //nolint:gosec // a path of this server: a constant, or checked by safeNext
}

// fromElsewhere reports whether a link on another site (a mail, a ticket) led
// here. The browser then withholds the SameSite=Strict cookie once.
func fromElsewhere(r *http.Request) bool {
	return r.Method == http.MethodGet && r.Header.Get("Sec-Fetch-Site") == "cross-site" &&
		r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document"
}

// askAgain lets the browser ask the same page anew, now from this site and with
// its cookie.
func askAgain(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write([]byte(`<!doctype html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="0"><title>Quaywatch</title></head><body><p>One moment…</p></body></html>`))
}

// loginPath is the login with the way back to the page that was asked for.
func loginPath(r *http.Request) string {
	if r.Method != http.MethodGet || r.URL.Path == "/" && r.URL.RawQuery == "" || r.Header.Get("HX-Request") != "" {
		return PathLogin
	}
	return PathLogin + "?next=" + url.QueryEscape(r.URL.RequestURI())
}

// safeNext returns next where it is a path of this server, else "/". Browsers
// read "//host" and "/\host" as other hosts.
func safeNext(next string) string {
	if len(next) > 2048 || !strings.HasPrefix(next, "/") || strings.ContainsAny(next, "\\\r\n\t\x00") || strings.HasPrefix(next, "//") {
		return "/"
	}
	u, err := url.Parse(next)
	if err != nil || u.IsAbs() || u.Host != "" {
		return "/"
	}
	switch u.Path {
	case PathLogin, PathLogout, PathSetup:
		return "/"
	}
	return next
}
