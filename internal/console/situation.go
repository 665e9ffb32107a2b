package console

import (
	"net/http"

	"github.com/a-h/templ"
)

// situation is the page around the situation report. The report is a document
// of its own (it is also printed), so the page links to it.
func (c *Console) situation(_ http.ResponseWriter, r *http.Request) (templ.Component, error) {
	return situationPage(c.frame(r, "Situation", "situation"), c.d.Report != nil), nil
}

// report hands over to the handler that draws the report. Its policy lets the
// document carry its own style, as it does when it is saved as a file; script
// stays forbidden.
func (c *Console) report(w http.ResponseWriter, r *http.Request) {
	if c.d.Report == nil {
		c.fail(w, r, problem{http.StatusNotFound, "No report here", "This installation does not make situation reports."})
		return
	}
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	c.d.Report.ServeHTTP(w, r)
}
