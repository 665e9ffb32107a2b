package server

import (
	"net/http"

	"github.com/quaywatch/quaywatch/internal/identity"
)

// Paths that the server itself answers, for people who are not logged in (or
// about to leave). The console links and posts forms to them.
const (
	PathLogin    = "/login"    // GET page; POST name, password, next
	PathLogout   = "/logout"   // POST
	PathSetup    = "/setup"    // GET page; POST code, name, display, password, repeat, cso
	PathPassword = "/password" // GET page; POST current, password, repeat: change of one's own password
)

// Pages draws the pages around the login. The console implements it; the
// server decides what happens and hands over what to show. An implementation
// writes the status of the view, then the page; headers for security and
// caching are set already. It may use files under /assets/, which the console
// serves to everybody.
type Pages interface {
	LoginPage(w http.ResponseWriter, r *http.Request, v LoginView)
	SetupPage(w http.ResponseWriter, r *http.Request, v SetupView)
	PasswordPage(w http.ResponseWriter, r *http.Request, v PasswordView)
	ProblemPage(w http.ResponseWriter, r *http.Request, v ProblemView)
}

// LoginView is what the login page shows.
type LoginView struct {
	Status int    // HTTP status to write
	Port   string // name of the port
	Name   string // what was typed before; never the password
	Next   string // path to go to afterwards, already checked to be of this server; hidden field "next"
	Error  string // one sentence, "" for none; it does not tell whether the account exists
	Wait   int    // seconds until the next try is accepted, 0: at once
	Notice string // such as "You have been logged out."
}

// SetupView is what the page for the first administrator shows.
type SetupView struct {
	Status  int
	Port    string
	Name    string // typed before
	Display string
	CSO     bool   // the box "I am also the chief security officer"; field "cso", value "yes"
	Error   string // "" for none
	Minimum int    // characters a password needs
}

// PasswordView is what the page for changing one's password shows.
type PasswordView struct {
	Status  int
	Account identity.Account
	Must    bool // the password was set by somebody else and has to be changed now
	Error   string
	Minimum int
}

// ProblemView is a page that says what went wrong.
type ProblemView struct {
	Status int
	Title  string // such as "Not found"
	Detail string // one or two sentences, and what to do
	ID     string // of the request, to look up in the log
}
