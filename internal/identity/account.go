// Package identity answers two questions for every face of the product: who is
// this, and may they do that. It holds local accounts (argon2id), API tokens,
// browser sessions, login throttling, the one-time set-up of a new
// installation, and authorisation by embedded Cedar policies with default deny.
// It exists so that no page and no endpoint decides on rights by itself.
//
// Accounts are local on purpose: on the worst day there is no directory server.
// The server, the console and the composition root import it; it imports
// nothing of this repository.
package identity

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Limits of an account.
const (
	MaxName    = 64  // bytes of a login name
	MaxDisplay = 120 // bytes of a display name
)

// Account is a person (or, for tokens only, a system) that may use the product.
// Accounts are never deleted, because the audit log refers to them; they are
// disabled.
type Account struct {
	Name         string    // login name: lower-case letters, digits and ._-@, first a letter or digit, at most MaxName bytes; unique
	Display      string    // name for people, at most MaxDisplay bytes
	Roles        []Role    // what it may do, sorted, at least one
	Party        string    // id of the party in the port file; empty where not linked
	PasswordHash string    // PHC string of argon2id; empty: cannot log in by password
	MustChange   bool      // the password was set by somebody else and must be changed at the next login
	Disabled     bool      // may not log in; its sessions and tokens are refused
	Generation   int64     // one more at each change of password, roles or Disabled; sessions of an older generation are refused
	Revision     int64     // one more at each change that the store writes; 1 for a new account
	Created      time.Time // UTC
	Changed      time.Time // UTC, of the last change
	LastLogin    time.Time // UTC; zero: never
}

// Has reports whether the account holds the role.
func (a Account) Has(r Role) bool { return slices.Contains(a.Roles, r) }

// Label is the name to show: the display name, else the login name.
func (a Account) Label() string {
	if a.Display != "" {
		return a.Display
	}
	return a.Name
}

// CheckName reports why a login name cannot be used, nil when it can.
func CheckName(name string) error {
	if name == "" {
		return fmt.Errorf("%w: the account name is empty", ErrInvalid)
	}
	if len(name) > MaxName {
		return fmt.Errorf("%w: the account name is longer than %d bytes", ErrInvalid, MaxName)
	}
	for i, c := range name {
		letter := 'a' <= c && c <= 'z' || '0' <= c && c <= '9'
		if !letter && (i == 0 || !strings.ContainsRune("._-@", c)) {
			return fmt.Errorf("%w: the account name %q may hold lower-case letters, digits and . _ - @, and begins with a letter or digit", ErrInvalid, name)
		}
	}
	return nil
}

// check reports what is wrong with an account as a whole.
func (a Account) check() error {
	if err := CheckName(a.Name); err != nil {
		return err
	}
	if err := checkText("display name", a.Display, MaxDisplay); err != nil {
		return err
	}
	if len(a.Roles) == 0 {
		return fmt.Errorf("%w: account %s has no role; give it at least one of %s", ErrInvalid, a.Name, strings.Join(RoleNames(), ", "))
	}
	for _, r := range a.Roles {
		if !r.Valid() {
			return fmt.Errorf("%w: unknown role %q; use %s", ErrInvalid, r, strings.Join(RoleNames(), ", "))
		}
	}
	return nil
}

// checkText refuses text that is too long, not UTF-8 or holds control
// characters, which would corrupt a log line or a screen.
func checkText(what, s string, limit int) error {
	switch {
	case len(s) > limit:
		return fmt.Errorf("%w: the %s is longer than %d bytes", ErrInvalid, what, limit)
	case !utf8.ValidString(s):
		return fmt.Errorf("%w: the %s is not UTF-8", ErrInvalid, what)
	case strings.ContainsFunc(s, unicode.IsControl):
		return fmt.Errorf("%w: the %s holds control characters", ErrInvalid, what)
	}
	return nil
}

// cleanRoles sorts roles and removes repeats.
func cleanRoles(roles []Role) []Role {
	out := slices.Clone(roles)
	slices.Sort(out)
	return slices.Compact(out)
}

// LeavesNoAdministrator reports whether changed, in place of the account of its
// name, takes the last enabled administrator away. A store asks it inside the
// transaction of UpdateAccount, with all accounts as they are before.
func LeavesNoAdministrator(before []Account, changed Account) bool {
	acts := func(a Account) bool { return a.Has(Administrator) && !a.Disabled }
	if acts(changed) {
		return false
	}
	had := false
	for _, a := range before {
		if a.Name == changed.Name {
			had = acts(a)
		} else if acts(a) {
			return false
		}
	}
	return had
}
