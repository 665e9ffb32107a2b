package server

import (
	"errors"
	"math"
	"net/http"

	"github.com/quaywatch/quaywatch/internal/identity"
)

func (s *Server) portName() string { return s.deps.Port().Identity.Name }

// loginPage is GET /login.
func (s *Server) loginPage(w http.ResponseWriter, r *http.Request) {
	needed, err := s.deps.Identity.NeedsSetUp(r.Context())
	if err != nil {
		s.fail(w, r, toProblem(r.Context(), s.log, err))
		return
	}
	if needed {
		s.redirect(w, r, PathSetup)
		return
	}
	next := safeNext(r.URL.Query().Get("next"))
	if _, err := s.sessions.Principal(r.Context()); err == nil {
		s.redirect(w, r, next)
		return
	}
	v := LoginView{Status: http.StatusOK, Port: s.portName(), Next: next}
	switch r.URL.Query().Get("notice") {
	case "out":
		v.Notice = "You have been logged out."
	case "changed":
		v.Notice = "The password was changed. Log in with the new one."
	}
	s.deps.Pages.LoginPage(w, r, v)
}

// login is POST /login.
func (s *Server) login(w http.ResponseWriter, r *http.Request) {
	if !s.parseForm(w, r) {
		return
	}
	name, next := r.PostForm.Get("name"), safeNext(r.PostForm.Get("next"))
	a, err := s.deps.Identity.Login(r.Context(), name, r.PostForm.Get("password"), requestOf(r.Context()).address)
	s.meter.login(err)
	if err != nil {
		v := LoginView{Port: s.portName(), Name: name, Next: next}
		if v.Status, v.Error, v.Wait = s.loginFault(w, err); v.Status == 0 {
			s.fail(w, r, toProblem(r.Context(), s.log, err))
			return
		}
		s.deps.Pages.LoginPage(w, r, v)
		return
	}
	if !s.begin(w, r, a) {
		return
	}
	if a.MustChange {
		next = PathPassword
	}
	s.redirect(w, r, next)
}

// loginFault is the status, sentence and wait (seconds) for a refused login;
// status 0 where it is a failure of the server.
func (s *Server) loginFault(w http.ResponseWriter, err error) (status int, text string, wait int) {
	var throttled *identity.ThrottledError
	switch {
	case errors.As(err, &throttled):
		w.Header().Set("Retry-After", seconds(throttled.Wait))
		return http.StatusTooManyRequests, "Too many tries. Wait, then try again.", int(math.Ceil(throttled.Wait.Seconds()))
	case errors.Is(err, identity.ErrCredentials):
		return http.StatusUnauthorized, "The account name or the password is not right.", 0
	case errors.Is(err, identity.ErrBusy):
		w.Header().Set("Retry-After", "5")
		return http.StatusServiceUnavailable, "Too many people log in at once. Try again in a few seconds.", 5
	}
	return 0, "", 0
}

// begin starts the session of a, and reports whether that worked.
func (s *Server) begin(w http.ResponseWriter, r *http.Request, a identity.Account) bool {
	if err := s.sessions.Begin(r.Context(), a); err != nil {
		s.fail(w, r, toProblem(r.Context(), s.log, err))
		return false
	}
	requestOf(r.Context()).account = a.Name
	return true
}

// logout is POST /logout. It also works where the session is gone already.
func (s *Server) logout(w http.ResponseWriter, r *http.Request) {
	if p, err := s.sessions.Principal(r.Context()); err == nil {
		if err := s.deps.Identity.Logout(r.Context(), p.Account.Name); err != nil {
			s.log.Warn("could not record a logout", "account", p.Account.Name, "error", err)
		}
	}
	if err := s.sessions.End(r.Context()); err != nil {
		s.fail(w, r, toProblem(r.Context(), s.log, err))
		return
	}
	w.Header().Set("Clear-Site-Data", `"cache"`)
	s.redirect(w, r, PathLogin+"?notice=out")
}

// setupPage is GET /setup.
func (s *Server) setupPage(w http.ResponseWriter, r *http.Request) {
	needed, err := s.deps.Identity.NeedsSetUp(r.Context())
	switch {
	case err != nil:
		s.fail(w, r, toProblem(r.Context(), s.log, err))
	case !needed:
		s.redirect(w, r, PathLogin)
	default:
		s.deps.Pages.SetupPage(w, r, SetupView{Status: http.StatusOK, Port: s.portName(), Minimum: identity.MinPassword})
	}
}

// setup is POST /setup: the first administrator.
func (s *Server) setup(w http.ResponseWriter, r *http.Request) {
	if !s.parseForm(w, r) {
		return
	}
	f := r.PostForm
	v := SetupView{
		Port: s.portName(), Name: f.Get("name"), Display: f.Get("display"), CSO: f.Get("cso") == "yes",
		Minimum: identity.MinPassword, Status: http.StatusUnprocessableEntity,
	}
	if f.Get("password") != f.Get("repeat") {
		v.Error = "The two passwords are not the same."
		s.deps.Pages.SetupPage(w, r, v)
		return
	}
	a, err := s.deps.Identity.SetUp(r.Context(), identity.SetUpRequest{
		Code: f.Get("code"), Name: v.Name, Display: v.Display, Password: f.Get("password"), CSO: v.CSO,
		Address: requestOf(r.Context()).address,
	})
	switch {
	case errors.Is(err, identity.ErrSetUpDone):
		s.redirect(w, r, PathLogin)
	case errors.Is(err, identity.ErrSetUpCode):
		v.Status, v.Error = http.StatusForbidden, "The set-up code is not right. It is on the standard error of the server that runs now."
		s.deps.Pages.SetupPage(w, r, v)
	case errors.Is(err, identity.ErrInvalid):
		v.Error = sentence(err)
		s.deps.Pages.SetupPage(w, r, v)
	case err != nil:
		if v.Status, v.Error, _ = s.loginFault(w, err); v.Status == 0 {
			s.fail(w, r, toProblem(r.Context(), s.log, err))
			return
		}
		s.deps.Pages.SetupPage(w, r, v)
	case s.begin(w, r, a):
		s.redirect(w, r, "/")
	}
}

// passwordPage is GET /password.
func (s *Server) passwordPage(w http.ResponseWriter, r *http.Request) {
	p, err := s.sessions.Principal(r.Context())
	if err != nil {
		s.redirect(w, r, PathLogin)
		return
	}
	s.deps.Pages.PasswordPage(w, as(r, p), PasswordView{
		Status: http.StatusOK, Account: p.Account, Must: p.Account.MustChange, Minimum: identity.MinPassword,
	})
}

// password is POST /password: the change of one's own password. It ends all
// other sessions of the account and renews this one.
func (s *Server) password(w http.ResponseWriter, r *http.Request) {
	p, err := s.sessions.Principal(r.Context())
	if err != nil {
		s.redirect(w, r, PathLogin)
		return
	}
	if r = as(r, p); !s.parseForm(w, r) {
		return
	}
	v := PasswordView{Account: p.Account, Must: p.Account.MustChange, Minimum: identity.MinPassword, Status: http.StatusUnprocessableEntity}
	f := r.PostForm
	if f.Get("password") != f.Get("repeat") {
		v.Error = "The two passwords are not the same."
		s.deps.Pages.PasswordPage(w, r, v)
		return
	}
	a, err := s.deps.Identity.ChangePassword(r.Context(), p.Account.Name, f.Get("current"), f.Get("password"), requestOf(r.Context()).address)
	switch {
	case errors.Is(err, identity.ErrInvalid):
		v.Error = sentence(err)
		s.deps.Pages.PasswordPage(w, r, v)
	case err != nil:
		if v.Status, v.Error, _ = s.loginFault(w, err); v.Status == 0 {
			s.fail(w, r, toProblem(r.Context(), s.log, err))
			return
		}
		if errors.Is(err, identity.ErrCredentials) {
			v.Status, v.Error = http.StatusForbidden, "The current password is not right."
		}
		s.deps.Pages.PasswordPage(w, r, v)
	case s.begin(w, r, a):
		s.redirect(w, r, "/")
	}
}

// parseForm reads the form and answers itself where that fails.
func (s *Server) parseForm(w http.ResponseWriter, r *http.Request) bool {
	err := r.ParseForm()
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		s.fail(w, r, problem(http.StatusRequestEntityTooLarge, "The form is too large."))
	case err != nil:
		s.fail(w, r, problem(http.StatusBadRequest, "The form can't be read."))
	}
	return err == nil
}
