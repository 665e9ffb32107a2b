package identity

import (
	"context"
	"crypto/sha256"
	"errors"
	"time"
)

// Errors that callers decide on.
var (
	ErrNotFound          = errors.New("not found")
	ErrExists            = errors.New("already exists")
	ErrConflict          = errors.New("was changed by somebody else")
	ErrLastAdministrator = errors.New("the last enabled administrator can't be disabled or lose the role")
	ErrInvalid           = errors.New("not valid")
	ErrSetUpDone         = errors.New("set-up was done already")
	ErrDenied            = errors.New("not allowed")
)

// AuditEntry is one line of the audit log about accounts, tokens and logins.
// It never holds a password, a token or a session key.
type AuditEntry struct {
	Time    time.Time `json:"time"`             // UTC
	Actor   string    `json:"actor"`            // account name; "setup" for the first account, "cli" for the command line, "-" where nobody is known
	Action  string    `json:"action"`           // such as "account.create", "login.refused", "token.revoke"
	Subject string    `json:"subject"`          // such as "account/jane", "token/T-7Q2M…"
	Detail  string    `json:"detail,omitempty"` // one line for people
}

// TokenSum is the SHA-256 of an API token. The token itself is never stored: it
// has 256 random bits, so a plain hash cannot be searched backwards.
type TokenSum = [sha256.Size]byte

// Token is an API token of an account, for a system that reads or reports.
type Token struct {
	ID       string    // "T-" and 12 base32 characters; names it in lists and in the audit log
	Account  string    // whose it is
	Name     string    // what it is for, at most MaxDisplay bytes
	Role     Role      // its scope: one role that the account holds
	Sum      TokenSum  // SHA-256 of the whole token with its prefix
	Created  time.Time // UTC
	Expires  time.Time // UTC, always set
	LastUsed time.Time // UTC, to the minute; zero: never
	Revoked  time.Time // UTC; zero: not revoked
}

// Usable reports whether the token is neither expired nor revoked at now.
func (t Token) Usable(now time.Time) bool { return t.Revoked.IsZero() && now.Before(t.Expires) }

// Store keeps accounts, tokens and sessions. A method that takes an AuditEntry
// writes it to the audit log in the same transaction as its effect: either both
// are durable or neither is. All times are UTC. Methods may be called from any
// goroutine.
type Store interface {
	// Account returns the account of that name, ErrNotFound where there is none.
	Account(ctx context.Context, name string) (Account, error)
	// Accounts returns all accounts ordered by name.
	Accounts(ctx context.Context) ([]Account, error)
	// CreateFirstAccount adds a only while there is no account at all;
	// otherwise ErrSetUpDone. Two at once: one wins.
	CreateFirstAccount(ctx context.Context, a Account, e AuditEntry) error
	// CreateAccount adds a, with Revision 1; ErrExists where the name is taken.
	CreateAccount(ctx context.Context, a Account, e AuditEntry) error
	// UpdateAccount replaces the account of that name when its stored Revision
	// is a.Revision, and writes Revision+1. ErrNotFound; ErrConflict where the
	// revision differs; ErrLastAdministrator where LeavesNoAdministrator.
	UpdateAccount(ctx context.Context, a Account, e AuditEntry) error

	// Tokens returns the tokens of an account, of all accounts for "", ordered
	// by Created and ID, revoked and expired ones with them.
	Tokens(ctx context.Context, account string) ([]Token, error)
	// TokenBySum returns the token with that hash, ErrNotFound where there is none.
	TokenBySum(ctx context.Context, sum TokenSum) (Token, error)
	// CreateToken adds t; ErrExists where the ID or Sum is taken.
	CreateToken(ctx context.Context, t Token, e AuditEntry) error
	// RevokeToken sets Revoked of a token that is not revoked yet; a revoked
	// one keeps its earlier time and writes no entry. ErrNotFound.
	RevokeToken(ctx context.Context, id string, at time.Time, e AuditEntry) error
	// TouchToken sets LastUsed. It is called at most once a minute for a token
	// and is not audited. An unknown id is no error.
	TouchToken(ctx context.Context, id string, at time.Time) error

	// Session returns the data under key when it expires after now, else nil
	// and no error. The key is a hash of what the browser holds.
	Session(ctx context.Context, key string, now time.Time) ([]byte, error)
	// SaveSession adds or replaces the data under key.
	SaveSession(ctx context.Context, key string, data []byte, expires time.Time) error
	// DeleteSession removes key; an unknown key is no error.
	DeleteSession(ctx context.Context, key string) error
	// DeleteExpiredSessions removes what expired at or before now.
	DeleteExpiredSessions(ctx context.Context, now time.Time) error

	// Record writes an audit entry that goes with no other change: logins,
	// refused logins, logouts.
	Record(ctx context.Context, e AuditEntry) error
	// RecordLogin sets LastLogin of the account without a new Revision, and
	// writes the entry. ErrNotFound.
	RecordLogin(ctx context.Context, account string, at time.Time, e AuditEntry) error
}
