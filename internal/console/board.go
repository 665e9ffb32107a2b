package console

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"

	"github.com/a-h/templ"

	"github.com/quaywatch/quaywatch/internal/identity"
	"github.com/quaywatch/quaywatch/internal/report"
)

// Boards makes and keeps the reports to the board.
type Boards interface {
	Draft(ctx context.Context) (*report.Board, error)              // of now
	Kept(ctx context.Context) ([]report.KeptBoard, error)          // newest first
	Get(ctx context.Context, id string) (report.KeptBoard, error)  // ErrNoBoard
	Keep(ctx context.Context, actor string) (id string, err error) // a draft of now
	Sign(ctx context.Context, id, sum, account, name string) error // ErrBoardChanged
}

// What an archive answers.
var (
	ErrNoBoard      = errors.New("no such board report")
	ErrBoardChanged = errors.New("the report is signed already, or is not the one that was read")
)

// draftID stands for the report of now in addresses.
const draftID = "now"

// boardView answers "what do we tell the board".
type boardView struct {
	frame
	Here bool
	ID   string
	Sum  string // of a kept one
	Kept *report.KeptBoard
	List []report.KeptBoard
	Body string
	May  bool // keep and sign
}

func (c *Console) board(_ http.ResponseWriter, r *http.Request) (templ.Component, error) {
	v := boardView{frame: c.frame(r, "Board report", "board"), ID: r.PathValue("id"), Here: c.d.Boards != nil,
		May: c.d.Allowed(r.Context(), identity.SignReports, identity.ThePort)}
	if !v.Here {
		return boardPage(v), nil
	}
	if v.ID == "" {
		v.ID = draftID
	}
	b, kept, err := c.boardOf(r.Context(), v.ID)
	if err != nil {
		return nil, err
	}
	if v.List, err = c.d.Boards.Kept(r.Context()); err != nil {
		return nil, err
	}
	var doc bytes.Buffer
	var signed *report.Signature
	if kept != nil {
		v.Kept, v.Sum, signed = kept, kept.Sum, kept.Signed
	}
	if err := b.WritePage(&doc, signed, ""); err != nil {
		return nil, err
	}
	v.Body = bodyOf(doc.String(), http.StatusOK)
	return boardPage(v), nil
}

// boardBy says who made a report.
func boardBy(k *report.KeptBoard) string {
	if k.Signed != nil {
		return "signed by " + k.Signed.Name
	}
	if k.By == "system" {
		return "made by the clock"
	}
	return "kept by " + k.By
}

// boardOf is a report of the archive, or the one of now.
func (c *Console) boardOf(ctx context.Context, id string) (*report.Board, *report.KeptBoard, error) {
	if id == draftID {
		b, err := c.d.Boards.Draft(ctx)
		return b, nil, err
	}
	k, err := c.d.Boards.Get(ctx, id)
	if errors.Is(err, ErrNoBoard) {
		return nil, nil, problem{http.StatusNotFound, "No such report", "The archive has no report of this name. The list on the page Board has all."}
	}
	return k.Board, &k, err
}

// boardFile gives a report as a file.
func (c *Console) boardFile(w http.ResponseWriter, r *http.Request) {
	if c.d.Boards == nil {
		c.fail(w, r, problem{http.StatusNotFound, "No reports here", "This installation makes no board reports."})
		return
	}
	id, kind := r.PathValue("id"), r.PathValue("file")
	b, kept, err := c.boardOf(r.Context(), id)
	if err != nil {
		c.fail(w, r, err)
		return
	}
	var signed *report.Signature
	if kept != nil {
		signed = kept.Signed
	}
	var out bytes.Buffer
	kinds := map[string]struct {
		media string
		write func(io.Writer) error
	}{
		"report.pdf":  {"application/pdf", func(w io.Writer) error { return b.WritePDF(r.Context(), w, signed) }},
		"report.html": {"text/html; charset=utf-8", func(w io.Writer) error { return b.WriteHTML(w, signed) }},
		"report.json": {"application/json", func(w io.Writer) error {
			if kept != nil {
				_, err := w.Write(kept.Data)
				return err
			}
			data, err := b.JSON()
			if err == nil {
				_, err = w.Write(data)
			}
			return err
		}},
	}
	k, known := kinds[kind]
	if !known {
		c.fail(w, r, problem{http.StatusNotFound, "Not found", "A report can be had as report.pdf, report.html and report.json."})
		return
	}
	if err := k.write(&out); err != nil {
		c.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", k.media)
	w.Header().Set("Content-Disposition", `attachment; filename="board-`+id+"-"+kind+`"`)
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(out.Bytes()) // the reader has gone away
}

// boardAct keeps a draft, or signs one.
func (c *Console) boardAct(w http.ResponseWriter, r *http.Request) (templ.Component, error) {
	r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
	if err := r.ParseForm(); err != nil {
		return nil, problem{http.StatusBadRequest, "The form could not be read", "It is longer than a form may be, or was cut off."}
	}
	if c.d.Boards == nil {
		return nil, problem{http.StatusNotFound, "No reports here", "This installation makes no board reports."}
	}
	account, _ := identity.From(r.Context())
	id := r.PathValue("id")
	if id == draftID {
		kept, err := c.d.Boards.Keep(r.Context(), account.Name)
		if err != nil {
			return nil, err
		}
		http.Redirect(w, r, "/board/"+kept, http.StatusSeeOther)
		return nil, nil
	}
	if r.PostForm.Get("read") == "" {
		return nil, wrong("Say that you have read the report: a signature is yours.")
	}
	err := c.d.Boards.Sign(r.Context(), id, r.PostForm.Get("sum"), account.Name, account.Label())
	switch {
	case errors.Is(err, ErrNoBoard):
		return nil, problem{http.StatusNotFound, "No such report", "The archive has no report of this name."}
	case errors.Is(err, ErrBoardChanged):
		return nil, problem{http.StatusConflict, "Not signed", "The report has been signed by somebody, or is not the one that you read. Load the page again."}
	case err != nil:
		return nil, err
	}
	http.Redirect(w, r, "/board/"+url.PathEscape(id), http.StatusSeeOther)
	return nil, nil
}
