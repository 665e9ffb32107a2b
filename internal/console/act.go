package console

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/identity"
)

const (
	maxWords = 4000               // characters of a reason or comment
	maxShelf = 7 * 24 * time.Hour // longest shelving from the console
)

// shelves are the times that can be chosen when shelving.
var shelves = []struct {
	Name string
	Long time.Duration
}{{"30 min", 30 * time.Minute}, {"2 h", 2 * time.Hour}, {"this watch (8 h)", 8 * time.Hour}, {"24 h", 24 * time.Hour}, {"7 days", maxShelf}}

// act does one step on a finding: fields kind, revision, text, hours, assignee.
// A live page gets the drawer or a line of what was done; a plain form is led
// back to the finding.
func (c *Console) act(w http.ResponseWriter, r *http.Request) (templ.Component, error) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	if err := r.ParseForm(); err != nil {
		return nil, problem{http.StatusBadRequest, "The form could not be read", "It is longer than a form may be, or was cut off."}
	}
	id := r.PathValue("id")
	f, err := c.d.Desk.Get(r.Context(), id)
	if err != nil {
		return nil, err
	}
	if !c.mayOn(r.Context(), identity.ViewFindings, f) {
		return nil, finding.ErrNotFound
	}
	a, err := c.actionOf(r, f)
	if err == nil {
		_, err = c.d.Desk.Act(r.Context(), id, a)
	}
	if err != nil {
		return nil, c.refused(w, r, id, a.Kind, err)
	}
	if !fragment(r) {
		http.Redirect(w, r, "/findings/"+f.ID, http.StatusSeeOther)
		return nil, nil
	}
	w.Header().Set("HX-Trigger", "acted")
	if r.Header.Get("HX-Target") == "toast" {
		return said(doneWords(a) + ": " + f.Title), nil
	}
	v, err := c.explain(r, id)
	if err != nil {
		return nil, err
	}
	v.Do, v.Now = "", c.d.Now()
	return findingDrawer(v), nil
}

// actionOf reads the step and checks what the person gave and may do.
func (c *Console) actionOf(r *http.Request, f finding.Finding) (finding.Action, error) {
	a := finding.Action{Kind: finding.ActionKind(r.PostForm.Get("kind")), Text: strings.TrimSpace(r.PostForm.Get("text")), Assignee: strings.TrimSpace(r.PostForm.Get("assignee"))}
	if account, ok := identity.From(r.Context()); ok {
		a.Actor = account.Name
	}
	a.Revision, _ = strconv.ParseInt(r.PostForm.Get("revision"), 10, 64) // absent: whichever revision
	need := identity.ActOnFindings
	if a.Kind == finding.Shelve || a.Kind == finding.Unshelve {
		need = identity.ShelveFindings
	}
	if !c.mayOn(r.Context(), need, f) {
		return a, problem{http.StatusForbidden, "Not for your role", "Your role may not do that to findings of this world."}
	}
	if len([]rune(a.Text)) > maxWords {
		return a, wrong("Keep it under " + number(maxWords) + " characters.")
	}
	switch a.Kind {
	case finding.Acknowledge, finding.Unshelve, finding.Reopen, finding.Assign:
	case finding.Shelve:
		hours, err := strconv.ParseFloat(r.PostForm.Get("hours"), 64)
		if err != nil || !(hours > 0) || hours > maxShelf.Hours() {
			return a, wrong("Say until when it is shelved.")
		}
		if a.Text == "" {
			return a, wrong("Say why it is shelved: the next watch will ask.")
		}
		a.Until = c.d.Now().Add(time.Duration(hours * float64(time.Hour))).UTC()
	case finding.Resolve:
		if a.Text == "" {
			return a, wrong("Say what was done.")
		}
	case finding.Note:
		if a.Text == "" {
			return a, wrong("The comment is empty.")
		}
	default:
		return a, wrong("That step is not known.")
	}
	return a, nil
}

func wrong(detail string) problem {
	return problem{http.StatusUnprocessableEntity, "Something is missing", detail}
}

// refused shows why a step was not taken: in the drawer it came from, else as a page.
func (c *Console) refused(w http.ResponseWriter, r *http.Request, id string, kind finding.ActionKind, err error) error {
	if errors.Is(err, finding.ErrInvalid) {
		err = wrong("The register did not take it: " + err.Error() + ".")
	}
	if r.Header.Get("HX-Target") != "drawer" {
		return err
	}
	v, failed := c.explain(r, id)
	if failed != nil {
		return err
	}
	p := problemOf(err)
	v.Error, v.Do, v.Now = p.title+". "+p.detail, string(kind), c.d.Now()
	c.draw(w, r, http.StatusOK, findingDrawer(v)) // htmx swaps only what succeeded; the words say that it did not
	return errDrawn
}

// errDrawn tells the guard that the answer is already on its way.
var errDrawn = errors.New("drawn")

func doneWords(a finding.Action) string {
	switch a.Kind {
	case finding.Acknowledge:
		return "Acknowledged"
	case finding.Shelve:
		return "Shelved"
	case finding.Resolve:
		return "Resolved"
	}
	return "Done"
}
