package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/quaywatch/quaywatch/internal/identity/audit"
)

// Declared is one revision of something that a person, or the program by the
// clock, declared: a report that was signed, a verdict, a decision. A revision is
// never changed; whoever thinks otherwise adds the next.
type Declared struct {
	Kind     string // "board-report", "verdict"…
	ID       string // within the kind
	Revision int64  // from 1; given by the store
	Time     time.Time
	Actor    string // account, or "system"
	Note     string // what was done and why, for people; stands in the audit log
	Body     []byte // of the kind; empty: withdrawn
}

// Bounds of a declaration.
const (
	maxDeclared = 8 << 20 // bytes of a body
	maxNamed    = 4096    // bytes of kind, id and note together
)

// ErrChanged says that a newer revision is there than the one acted upon.
var ErrChanged = errors.New("somebody has changed it meanwhile")

const declaredColumns = "kind, id, revision, at, actor, note, body"

func scanDeclared(rows *sql.Rows) (d Declared, err error) {
	var at int64
	err = rows.Scan(&d.Kind, &d.ID, &d.Revision, &at, &d.Actor, &d.Note, &d.Body)
	d.Time = timeOf(at)
	return d, err
}

// Declare adds the next revision and gives its number. after is the revision that
// was acted upon, 0 for the first: where a newer one is there, nothing is added and
// ErrChanged returned. The audit log gets an entry with the SHA-256 of the body, in
// the same transaction.
func (r *Records) Declare(ctx context.Context, d Declared, after int64) (revision int64, err error) {
	switch {
	case d.Kind == "" || d.ID == "" || d.Actor == "":
		return 0, errors.New("a declaration needs a kind, an id and an actor")
	case len(d.Body) > maxDeclared || len(d.Kind)+len(d.ID)+len(d.Note) > maxNamed:
		return 0, fmt.Errorf("%s %s: at most %d bytes of body and %d of names and note", d.Kind, d.ID, maxDeclared, maxNamed)
	}
	err = r.change(ctx, func(c *change) error {
		var newest int64
		if err := c.row(ctx, "SELECT coalesce(max(revision), 0) FROM declared WHERE kind = ? AND id = ?", []any{d.Kind, d.ID}, &newest); err != nil {
			return err
		}
		if newest != after {
			return ErrChanged
		}
		revision = newest + 1
		body := d.Body
		if body == nil {
			body = []byte{}
		}
		if err := c.exec(ctx, "INSERT INTO declared ("+declaredColumns+") VALUES ("+marks(7)+")", d.Kind, d.ID, revision, micros(d.Time), d.Actor, d.Note, body); err != nil {
			return err
		}
		action := "declare"
		if len(body) == 0 {
			action = "withdraw"
		}
		_, err := c.record(audit.Entry{Time: d.Time, Actor: d.Actor, Action: action, Subject: d.Kind + "/" + d.ID,
			Detail: fmt.Sprintf("revision %d, sha256 %x: %s", revision, sha256.Sum256(body), d.Note)})
		return err
	})
	return revision, as("declaring "+d.Kind+" "+d.ID, err)
}

// Declarations are the newest revisions of a kind, withdrawn ones among them, by id.
func (r *Records) Declarations(ctx context.Context, kind string) (all []Declared, err error) {
	return r.declared(ctx, "SELECT "+declaredColumns+" FROM declared d WHERE kind = ? AND revision = (SELECT max(revision) FROM declared WHERE kind = d.kind AND id = d.id) ORDER BY id", kind)
}

// DeclaredHistory are all revisions of one declaration, oldest first.
func (r *Records) DeclaredHistory(ctx context.Context, kind, id string) (all []Declared, err error) {
	return r.declared(ctx, "SELECT "+declaredColumns+" FROM declared WHERE kind = ? AND id = ? ORDER BY revision", kind, id)
}

func (r *Records) declared(ctx context.Context, query string, args ...any) (all []Declared, err error) {
	err = r.each(ctx, query, args, func(rows *sql.Rows) error {
		d, err := scanDeclared(rows)
		all = append(all, d)
		return err
	})
	return all, as("reading declarations", err)
}
