package console

import (
	"bytes"
	"net/http"
	"strings"

	"github.com/a-h/templ"
)

// situation draws the situation report inside the console, in its palette. The
// report is also a document of its own, to be saved and printed.
func (c *Console) situation(_ http.ResponseWriter, r *http.Request) (templ.Component, error) {
	f := c.frame(r, "Situation", "situation")
	if c.d.Report == nil {
		return situationPage(f, false, ""), nil
	}
	asked := r.Clone(r.Context())
	asked.URL.RawQuery = "" // the page, whatever this address carried
	var doc kept
	c.d.Report.ServeHTTP(&doc, asked)
	return situationPage(f, true, bodyOf(doc.body.String(), doc.status)), nil
}

// kept is the answer of a handler held in memory; the report bounds itself.
type kept struct {
	head   http.Header
	status int
	body   bytes.Buffer
}

func (k *kept) Header() http.Header {
	if k.head == nil {
		k.head = http.Header{}
	}
	return k.head
}

func (k *kept) WriteHeader(status int) {
	if k.status == 0 {
		k.status = status
	}
}

func (k *kept) Write(b []byte) (int, error) {
	k.WriteHeader(http.StatusOK)
	return k.body.Write(b)
}

// partOfPage turns the landmarks of a document into plain parts: a page has one
// main and one heading of the first level. Text of the report cannot hold these
// tags: html/template wrote it.
var partOfPage = strings.NewReplacer("<main>", "<div>", "</main>", "</div>", "<header>", "<div>", "</header>", "</div>",
	"<h1>", `<p class="over">`, "</h1>", "</p>", `<p class="over">Situation report</p>`, "")

// bodyOf is what stands inside the body of the report's document, "" where the
// report could not be made.
func bodyOf(doc string, status int) string {
	if status >= http.StatusBadRequest {
		return ""
	}
	_, rest, ok := strings.Cut(doc, "<body")
	_, rest, opened := strings.Cut(rest, ">")
	body, _, closed := strings.Cut(rest, "</body>")
	if !ok || !opened || !closed {
		return ""
	}
	return partOfPage.Replace(body)
}

// report hands over to the handler that draws the report. Its policy lets the
// document carry its own style, as it does when it is saved as a file; script
// stays forbidden.
func (c *Console) report(w http.ResponseWriter, r *http.Request) {
	if c.d.Report == nil {
		c.fail(w, r, problem{http.StatusNotFound, "No report here", "This installation does not make situation reports."})
		return
	}
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	c.d.Report.ServeHTTP(w, r)
}
