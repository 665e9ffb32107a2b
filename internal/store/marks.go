package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/quaywatch/quaywatch/internal/source"
)

var _ source.Bookmarks = (*Records)(nil)

// Bookmark implements source.Bookmarks.
func (r *Records) Bookmark(ctx context.Context, source string) (string, error) {
	mark, _, err := r.text(ctx, "SELECT mark FROM bookmarks WHERE source = ?", source)
	return mark, as(fmt.Sprintf("reading the bookmark of source %q", source), err)
}

// SetBookmark implements source.Bookmarks.
func (r *Records) SetBookmark(ctx context.Context, source, mark string) error {
	err := r.exec(ctx, "INSERT INTO bookmarks (source, mark) VALUES (?, ?) ON CONFLICT (source) DO UPDATE SET mark = excluded.mark", source, mark)
	return as(fmt.Sprintf("saving the bookmark of source %q", source), err)
}

// Setting reads a setting; ok is false where it was never set.
func (r *Records) Setting(ctx context.Context, name string) (value string, ok bool, err error) {
	value, ok, err = r.text(ctx, "SELECT value FROM settings WHERE name = ?", name)
	return value, ok, as(fmt.Sprintf("reading setting %q", name), err)
}

// SetSetting saves a setting. It is not in the audit log: what a person decides
// by it is recorded by whoever calls it.
func (r *Records) SetSetting(ctx context.Context, name, value string) error {
	err := r.exec(ctx, "INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", name, value)
	return as(fmt.Sprintf("saving setting %q", name), err)
}

// text reads one text; ok is false where there is no row.
func (r *Records) text(ctx context.Context, query string, args ...any) (s string, ok bool, err error) {
	err = r.row(ctx, query, args, &s)
	if errors.Is(err, sql.ErrNoRows) {
		return "", false, nil
	}
	return s, err == nil, err
}

// Notice is one line of the outbox: a finding changed. It is written in the
// transaction of the change, so whoever carries notices to the stream misses
// none and learns of none that did not happen.
type Notice struct {
	Seq      int64 // number of the audit entry: rises, with gaps
	Time     time.Time
	Finding  string
	Revision int64 // of the finding after the change
	Change   string
	State    string // of the finding after the change
	Actor    string
}

// Outbox returns up to limit notices after the one numbered after (-1: from the
// first), in order. The carrier keeps how far it has got by SetSetting or in
// the stream.
func (r *Records) Outbox(ctx context.Context, after int64, limit int) ([]Notice, error) {
	var out []Notice
	query := "SELECT seq, at, finding, revision, change, state, actor FROM finding_notices WHERE seq > ? ORDER BY seq LIMIT ?"
	err := r.each(ctx, query, []any{after, limit}, func(rows *sql.Rows) error {
		var n Notice
		var at int64
		err := rows.Scan(&n.Seq, &at, &n.Finding, &n.Revision, &n.Change, &n.State, &n.Actor)
		n.Time = timeOf(at)
		out = append(out, n)
		return err
	})
	return out, as("reading the outbox", err)
}

// keepNotices is how long notices stay that have been carried: the load of the
// last hour is counted from them.
const keepNotices = 2 * time.Hour

// TrimOutbox removes notices up to the one numbered seq, but for those of the
// last two hours.
func (r *Records) TrimOutbox(ctx context.Context, seq int64) error {
	err := r.exec(ctx, "DELETE FROM finding_notices WHERE seq <= ? AND at < ?", seq, micros(r.now().Add(-keepNotices)))
	return as("trimming the outbox", err)
}
