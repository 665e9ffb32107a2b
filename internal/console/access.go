package console

import (
	"net/http"

	"github.com/a-h/templ"

	"github.com/quaywatch/quaywatch/internal/server"
)

// The console draws the pages around the login for the server.
var _ server.Pages = (*Console)(nil)

// LoginPage implements server.Pages.
func (c *Console) LoginPage(w http.ResponseWriter, r *http.Request, v server.LoginView) {
	c.door(w, r, v.Status, loginPage(c.bare(r, "Log in", v.Port), v))
}

// SetupPage implements server.Pages.
func (c *Console) SetupPage(w http.ResponseWriter, r *http.Request, v server.SetupView) {
	c.door(w, r, v.Status, setupPage(c.bare(r, "Set up", v.Port), v))
}

// PasswordPage implements server.Pages.
func (c *Console) PasswordPage(w http.ResponseWriter, r *http.Request, v server.PasswordView) {
	c.door(w, r, v.Status, passwordPage(c.bare(r, "Change your password", c.d.Port().Identity.Name), v))
}

// ProblemPage implements server.Pages.
func (c *Console) ProblemPage(w http.ResponseWriter, r *http.Request, v server.ProblemView) {
	c.door(w, r, v.Status, serverProblem(c.bare(r, v.Title, c.d.Port().Identity.Name), v))
}

// bare is the frame of a page before the login: it tells nothing of the port but its name.
func (c *Console) bare(r *http.Request, title, port string) frame {
	return frame{Title: title, Port: port, Palette: paletteOf(r), Style: c.assets.URL("style.css"), Exercise: c.d.Exercise()}
}

func (c *Console) door(w http.ResponseWriter, r *http.Request, status int, body templ.Component) {
	w.Header().Set("Content-Security-Policy", Policy)
	c.draw(w, r, max(status, http.StatusOK), body)
}
