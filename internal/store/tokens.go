package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/quaywatch/quaywatch/internal/identity"
)

const tokenColumns = "id, account, name, role, sum, created, expires, last_used, revoked" //nolint:gosec // names of columns, no secret

func scanToken(scan scan) (t identity.Token, err error) {
	var sum []byte
	var created, expires, used, revoked int64
	err = scan(&t.ID, &t.Account, &t.Name, &t.Role, &sum, &created, &expires, &used, &revoked)
	if err == nil && copy(t.Sum[:], sum) != len(t.Sum) {
		err = errors.New("the hash of token " + t.ID + " is damaged")
	}
	t.Created, t.Expires, t.LastUsed, t.Revoked = timeOf(created), timeOf(expires), timeOf(used), timeOf(revoked)
	return t, err
}

// Tokens implements identity.Store.
func (s Identity) Tokens(ctx context.Context, account string) ([]identity.Token, error) {
	query, args := "SELECT "+tokenColumns+" FROM api_tokens", []any(nil)
	if account != "" {
		query, args = query+" WHERE account = ?", []any{account}
	}
	var all []identity.Token
	err := s.r.each(ctx, query+" ORDER BY created, id", args, func(rows *sql.Rows) error {
		t, err := scanToken(rows.Scan)
		all = append(all, t)
		return err
	})
	return all, as("reading tokens", err)
}

// TokenBySum implements identity.Store.
func (s Identity) TokenBySum(ctx context.Context, sum identity.TokenSum) (identity.Token, error) {
	query := s.r.dialect.bind("SELECT " + tokenColumns + " FROM api_tokens WHERE sum = ?")
	t, err := scanToken(s.r.read.QueryRowContext(ctx, query, sum[:]).Scan)
	return t, as("reading a token", missing(err))
}

// CreateToken implements identity.Store.
func (s Identity) CreateToken(ctx context.Context, t identity.Token, e identity.AuditEntry) error {
	return as("creating token "+t.ID, s.r.change(ctx, func(c *change) error {
		account, err := c.account(ctx, t.Account)
		if err != nil {
			return err
		}
		if account == nil {
			return identity.ErrNotFound
		}
		n, err := c.affected(ctx, "INSERT INTO api_tokens ("+tokenColumns+") VALUES ("+marks(9)+") ON CONFLICT DO NOTHING",
			t.ID, t.Account, t.Name, string(t.Role), t.Sum[:], micros(t.Created), micros(t.Expires), micros(t.LastUsed), micros(t.Revoked))
		if err != nil {
			return err
		}
		if n == 0 {
			return identity.ErrExists
		}
		return c.note(e)
	}))
}

// RevokeToken implements identity.Store.
func (s Identity) RevokeToken(ctx context.Context, id string, at time.Time, e identity.AuditEntry) error {
	return as("revoking token "+id, s.r.change(ctx, func(c *change) error {
		n, err := c.affected(ctx, "UPDATE api_tokens SET revoked = ? WHERE id = ? AND revoked = 0", micros(at), id)
		if err != nil {
			return err
		}
		if n > 0 {
			return c.note(e)
		}
		return missing(c.row(ctx, "SELECT 1 FROM api_tokens WHERE id = ?", []any{id}, &n))
	}))
}

// TouchToken implements identity.Store.
func (s Identity) TouchToken(ctx context.Context, id string, at time.Time) error {
	return as("noting the use of token "+id, s.r.exec(ctx, "UPDATE api_tokens SET last_used = ? WHERE id = ?", micros(at), id))
}

// Session implements identity.Store.
func (s Identity) Session(ctx context.Context, key string, now time.Time) ([]byte, error) {
	var b []byte
	err := s.r.row(ctx, "SELECT content FROM sessions WHERE id = ? AND expires > ?", []any{key, micros(now)}, &b)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return b, as("reading a session", err)
}

// SaveSession implements identity.Store.
func (s Identity) SaveSession(ctx context.Context, key string, data []byte, expires time.Time) error {
	if data == nil {
		data = []byte{}
	}
	err := s.r.exec(ctx, "INSERT INTO sessions (id, content, expires) VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET content = excluded.content, expires = excluded.expires",
		key, data, micros(expires))
	return as("saving a session", err)
}

// DeleteSession implements identity.Store.
func (s Identity) DeleteSession(ctx context.Context, key string) error {
	return as("deleting a session", s.r.exec(ctx, "DELETE FROM sessions WHERE id = ?", key))
}

// DeleteExpiredSessions implements identity.Store.
func (s Identity) DeleteExpiredSessions(ctx context.Context, now time.Time) error {
	return as("deleting expired sessions", s.r.exec(ctx, "DELETE FROM sessions WHERE expires <= ?", micros(now)))
}
