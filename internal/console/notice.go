package console

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"github.com/quaywatch/quaywatch/internal/advisory"
	"github.com/quaywatch/quaywatch/internal/identity"
	"github.com/quaywatch/quaywatch/internal/port"
)

// OwnNotice is a notice that the port wrote itself, at its newest revision.
type OwnNotice struct {
	advisory.Own
	Revision int64
	Time     time.Time
	By       string
	Document []byte // CSAF 2.0
}

// ErrNoticeID says that another notice has the id.
var ErrNoticeID = errors.New("there is a notice of this id already")

// noticeView is the form of a notice, new or of one that is there.
type noticeView struct {
	frame
	P     *port.Port
	All   []OwnNotice
	Form  OwnNotice // revision 0: a new one
	Wrong map[string]string
	May   bool
}

func (c *Console) noticePage(_ http.ResponseWriter, r *http.Request) (templ.Component, error) {
	v, err := c.notice(r)
	if err != nil {
		return nil, err
	}
	return ownNoticePage(v), nil
}

// notice reads the notices, and the one that is asked for.
func (c *Console) notice(r *http.Request) (noticeView, error) {
	v := noticeView{frame: c.frame(r, "Own notices", "weak"), P: c.d.Port(), Wrong: map[string]string{}, May: c.d.Allowed(r.Context(), identity.JudgeWeaknesses, identity.ThePort)}
	if c.d.Weak == nil {
		return v, problem{http.StatusNotFound, "No notices here", "This installation does not keep notices."}
	}
	var err error
	if v.All, err = c.d.Weak.Own(r.Context()); err != nil {
		return v, err
	}
	v.Form.Own = advisory.Own{ID: nextNoticeID(v.P, v.All, c.d.Now()), TLP: "AMBER", Category: "mitigation", Change: "First release."}
	id := r.URL.Query().Get("id")
	if id == "" {
		return v, nil
	}
	for _, n := range v.All {
		if n.ID == id {
			v.Form = n
			v.Form.Change = ""
			return v, nil
		}
	}
	return v, problem{http.StatusNotFound, "No such notice", "The port has written no notice of this id."}
}

// nextNoticeID is the first free id of the year.
func nextNoticeID(p *port.Port, all []OwnNotice, now time.Time) string {
	taken := map[string]bool{}
	for i := range all {
		taken[all[i].ID] = true
	}
	for n := 1; ; n++ {
		id := strings.ToUpper(p.Identity.LOCODE) + now.UTC().Format("-2006-") + strings.Repeat("0", max(0, 3-len(strconv.Itoa(n)))) + strconv.Itoa(n)
		if !taken[id] {
			return id
		}
	}
}

// publish takes a notice from the form.
func (c *Console) publish(w http.ResponseWriter, r *http.Request) (templ.Component, error) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	if err := r.ParseForm(); err != nil {
		return nil, problem{http.StatusBadRequest, "The form could not be read", "It is longer than a form may be, or was cut off."}
	}
	v, err := c.notice(r)
	if err != nil {
		return nil, err
	}
	f := r.PostForm
	v.Form.Revision, _ = strconv.ParseInt(f.Get("revision"), 10, 64) // absent: a new one
	v.Form.Own = noticeOf(f)
	for _, x := range v.Form.Faults(v.P) {
		v.Wrong[x.Field] = x.Text
	}
	if len(v.Wrong) == 0 {
		account, _ := identity.From(r.Context())
		err = c.d.Weak.Publish(r.Context(), v.Form.Own, account.Name, v.Form.Revision)
		switch {
		case errors.Is(err, ErrNoticeID):
			v.Wrong["id"] = err.Error()
		case errors.Is(err, ErrDecided):
			return nil, problem{http.StatusConflict, "Not published", "Somebody has published a revision of it meanwhile. Load the page again and look."}
		case err != nil:
			return nil, err
		}
	}
	if len(v.Wrong) > 0 {
		w.WriteHeader(http.StatusUnprocessableEntity)
		return ownNoticePage(v), nil
	}
	http.Redirect(w, r, "/weaknesses?verdict=all&advisory="+url.QueryEscape(v.Form.ID), http.StatusSeeOther)
	return nil, nil
}

func noticeOf(f url.Values) advisory.Own {
	text := func(field string) string {
		return strings.TrimSpace(strings.ReplaceAll(f.Get(field), "\r\n", "\n"))
	}
	return advisory.Own{ID: text("id"), Title: text("title"), Summary: text("summary"), CVE: text("cve"), Vector: text("vector"), Category: text("category"), Remedy: text("remedy"), TLP: text("tlp"), Change: text("change"),
		Assets: strings.FieldsFunc(f.Get("assets"), func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\r' })}
}

// noticeFile gives the CSAF document of a notice.
func (c *Console) noticeFile(w http.ResponseWriter, r *http.Request) {
	v, err := c.notice(r)
	if err == nil && v.Form.Revision == 0 {
		err = problem{http.StatusNotFound, "No such notice", "Name a notice of the port by its id."}
	}
	if err != nil {
		c.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Disposition", `attachment; filename="`+strings.ToLower(v.Form.ID)+`.json"`)
	c.send(w, r, "application/json", v.Form.Document)
}

// revisionWords is the revision that publishing makes.
func (v *noticeView) revisionWords() string {
	return cmp.Or(map[bool]string{true: "Publish"}[v.Form.Revision == 0], "Publish revision "+strconv.FormatInt(v.Form.Revision+1, 10))
}

func ownQuery(v noticeView) string {
	if v.Form.Revision == 0 {
		return ""
	}
	return "?id=" + url.QueryEscape(v.Form.ID)
}
