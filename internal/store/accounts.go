package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/quaywatch/quaywatch/internal/identity"
	"github.com/quaywatch/quaywatch/internal/identity/audit"
)

// Identity is the records as the identity room sees them.
type Identity struct{ r *Records }

// Identity returns the store of accounts, tokens and sessions.
func (r *Records) Identity() Identity { return Identity{r} }

var _ identity.Store = Identity{}

const accountColumns = "name, display, roles, party, password_hash, must_change, disabled, generation, revision, created, changed, last_login"

func accountRow(a identity.Account) []any {
	return []any{a.Name, a.Display, joinRoles(a.Roles), a.Party, a.PasswordHash, number(a.MustChange), number(a.Disabled),
		a.Generation, a.Revision, micros(a.Created), micros(a.Changed), micros(a.LastLogin)}
}

func joinRoles(roles []identity.Role) string {
	names := make([]string, len(roles))
	for i, r := range roles {
		names[i] = string(r)
	}
	return strings.Join(names, " ")
}

// scan is Scan of a row or of rows.
type scan func(dest ...any) error

func scanAccount(scan scan) (a identity.Account, err error) {
	var roles string
	var created, changed, login int64
	err = scan(&a.Name, &a.Display, &roles, &a.Party, &a.PasswordHash, &a.MustChange, &a.Disabled, &a.Generation, &a.Revision, &created, &changed, &login)
	for _, name := range strings.Fields(roles) {
		a.Roles = append(a.Roles, identity.Role(name))
	}
	a.Created, a.Changed, a.LastLogin = timeOf(created), timeOf(changed), timeOf(login)
	return a, err
}

// missing turns the absence of a row into identity.ErrNotFound.
func missing(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return identity.ErrNotFound
	}
	return err
}

// Account implements identity.Store.
func (s Identity) Account(ctx context.Context, name string) (identity.Account, error) {
	query := s.r.dialect.bind("SELECT " + accountColumns + " FROM accounts WHERE name = ?")
	a, err := scanAccount(s.r.read.QueryRowContext(ctx, query, name).Scan)
	return a, as("reading account "+name, missing(err))
}

// Accounts implements identity.Store.
func (s Identity) Accounts(ctx context.Context) ([]identity.Account, error) {
	rows, err := s.r.read.QueryContext(ctx, "SELECT "+accountColumns+" FROM accounts")
	all, err := accountsOf(rows, err)
	return all, as("reading the accounts", err)
}

func accountsOf(rows *sql.Rows, err error) ([]identity.Account, error) {
	var all []identity.Account
	err = each(rows, err, func(rows *sql.Rows) error {
		a, err := scanAccount(rows.Scan)
		all = append(all, a)
		return err
	})
	// Sorted here, because databases sort text each in their own way.
	slices.SortFunc(all, func(a, b identity.Account) int { return cmp.Compare(a.Name, b.Name) })
	return all, err
}

// account returns the account in a change, nil where there is none.
func (c *change) account(ctx context.Context, name string) (*identity.Account, error) {
	a, err := scanAccount(c.QueryRowContext(ctx, c.records.dialect.bind("SELECT "+accountColumns+" FROM accounts WHERE name = ?"), name).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return &a, err
}

// note adds an entry of the identity room to the audit log.
func (c *change) note(e identity.AuditEntry) error {
	_, err := c.record(entryOf(e))
	return err
}

func entryOf(e identity.AuditEntry) audit.Entry {
	return audit.Entry{Time: e.Time, Actor: e.Actor, Action: e.Action, Subject: e.Subject, Detail: e.Detail}
}

// CreateFirstAccount implements identity.Store.
func (s Identity) CreateFirstAccount(ctx context.Context, a identity.Account, e identity.AuditEntry) error {
	return as("creating the first account", s.r.change(ctx, func(c *change) error {
		var n int
		if err := c.row(ctx, "SELECT count(*) FROM accounts", nil, &n); err != nil {
			return err
		}
		if n > 0 {
			return identity.ErrSetUpDone
		}
		return c.addAccount(ctx, a, e)
	}))
}

// CreateAccount implements identity.Store.
func (s Identity) CreateAccount(ctx context.Context, a identity.Account, e identity.AuditEntry) error {
	return as("creating account "+a.Name, s.r.change(ctx, func(c *change) error {
		there, err := c.account(ctx, a.Name)
		if err != nil {
			return err
		}
		if there != nil {
			return identity.ErrExists
		}
		return c.addAccount(ctx, a, e)
	}))
}

func (c *change) addAccount(ctx context.Context, a identity.Account, e identity.AuditEntry) error {
	a.Revision = 1
	err := c.insert(ctx, "accounts ("+accountColumns+")", "", [][]any{accountRow(a)})
	return errors.Join(err, c.note(e))
}

// UpdateAccount implements identity.Store.
func (s Identity) UpdateAccount(ctx context.Context, a identity.Account, e identity.AuditEntry) error {
	return as("changing account "+a.Name, s.r.change(ctx, func(c *change) error {
		rows, err := c.QueryContext(ctx, "SELECT "+accountColumns+" FROM accounts")
		all, err := accountsOf(rows, err)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(all, func(b identity.Account) bool { return b.Name == a.Name })
		switch {
		case i < 0:
			return identity.ErrNotFound
		case all[i].Revision != a.Revision:
			return identity.ErrConflict
		case identity.LeavesNoAdministrator(all, a):
			return identity.ErrLastAdministrator
		}
		a.Revision++
		a.LastLogin = all[i].LastLogin // moves without a revision, so the caller may hold an old one
		query := "UPDATE accounts SET (" + accountColumns + ") = (" + marks(12) + ") WHERE name = ?"
		return errors.Join(c.exec(ctx, query, append(accountRow(a), a.Name)...), c.note(e))
	}))
}

// Record implements identity.Store.
func (s Identity) Record(ctx context.Context, e identity.AuditEntry) error {
	return as("recording "+e.Action, s.r.Record(ctx, entryOf(e)))
}

// RecordLogin implements identity.Store.
func (s Identity) RecordLogin(ctx context.Context, account string, at time.Time, e identity.AuditEntry) error {
	return as("recording a login of "+account, s.r.change(ctx, func(c *change) error {
		n, err := c.affected(ctx, "UPDATE accounts SET last_login = ? WHERE name = ?", micros(at), account)
		if err != nil {
			return err
		}
		if n == 0 {
			return identity.ErrNotFound
		}
		return c.note(e)
	}))
}
