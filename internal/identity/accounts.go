package identity

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// NewAccount is what somebody who adds an account gives.
type NewAccount struct {
	Name       string
	Display    string
	Roles      []Role
	Party      string
	Password   string // "": the account can't log in by password
	MustChange bool   // the owner has to choose another password at the next login
}

// CreateAccount adds an account. Errors: ErrInvalid with the reason, ErrExists.
func (s *Service) CreateAccount(ctx context.Context, actor string, n NewAccount) (Account, error) {
	a, err := s.make(ctx, n)
	if err != nil {
		return Account{}, err
	}
	entry := s.entry(actor, "account.create", "account/"+a.Name, "roles "+joinRoles(a.Roles))
	if err := s.store.CreateAccount(ctx, a, entry); err != nil {
		return Account{}, fmt.Errorf("create account %s: %w", a.Name, err)
	}
	return a, nil
}

// make checks what is given and returns the account to store.
func (s *Service) make(ctx context.Context, n NewAccount) (Account, error) {
	now := s.now().UTC()
	a := Account{
		Name: n.Name, Display: strings.TrimSpace(n.Display), Roles: cleanRoles(n.Roles), Party: n.Party,
		MustChange: n.MustChange, Generation: 1, Revision: 1, Created: now, Changed: now,
	}
	if err := a.check(); err != nil {
		return Account{}, err
	}
	if n.Password == "" {
		return a, nil
	}
	var err error
	a.PasswordHash, err = s.newHash(ctx, a.Name, n.Password)
	return a, err
}

func (s *Service) newHash(ctx context.Context, account, password string) (string, error) {
	if err := CheckPassword(account, password); err != nil {
		return "", err
	}
	return s.hasher.hash(ctx, normal(password))
}

// Account returns one account; ErrNotFound.
func (s *Service) Account(ctx context.Context, name string) (Account, error) {
	a, err := s.store.Account(ctx, name)
	if err != nil {
		return Account{}, fmt.Errorf("account %q: %w", name, err)
	}
	return a, nil
}

// Accounts returns all accounts, ordered by name.
func (s *Service) Accounts(ctx context.Context) ([]Account, error) {
	return s.store.Accounts(ctx)
}

// AccountChange is what to change of an account; nil fields stay.
type AccountChange struct {
	Display  *string
	Roles    *[]Role
	Party    *string
	Disabled *bool
}

// UpdateAccount changes an account that has the given revision (0: whichever).
// A change of roles or of Disabled ends its sessions. Errors: ErrNotFound,
// ErrConflict, ErrInvalid, ErrLastAdministrator.
func (s *Service) UpdateAccount(ctx context.Context, actor, name string, revision int64, c AccountChange) (Account, error) {
	return s.change(ctx, actor, name, revision, "account.change", func(a *Account) (string, error) {
		var did []string
		if c.Display != nil && *c.Display != a.Display {
			a.Display = strings.TrimSpace(*c.Display)
			did = append(did, "display name")
		}
		if c.Party != nil && *c.Party != a.Party {
			a.Party = *c.Party
			did = append(did, "party "+a.Party)
		}
		if c.Roles != nil {
			if roles := cleanRoles(*c.Roles); !slices.Equal(roles, a.Roles) {
				did = append(did, "roles from "+joinRoles(a.Roles)+" to "+joinRoles(roles))
				a.Roles = roles
				a.Generation++
			}
		}
		if c.Disabled != nil && *c.Disabled != a.Disabled {
			a.Disabled = *c.Disabled
			a.Generation++
			did = append(did, map[bool]string{true: "disabled", false: "enabled"}[a.Disabled])
		}
		return strings.Join(did, "; "), a.check()
	})
}

// SetPassword gives an account a password that its owner did not choose, so it
// must be changed at the next login unless actor is the owner. It ends the
// sessions of the account.
func (s *Service) SetPassword(ctx context.Context, actor, name, password string) (Account, error) {
	if err := CheckPassword(name, password); err != nil {
		return Account{}, err
	}
	return s.change(ctx, actor, name, 0, "account.password", func(a *Account) (string, error) {
		made, err := s.newHash(ctx, name, password)
		a.PasswordHash, a.MustChange = made, actor != name
		a.Generation++
		return "", err
	})
}

// ChangePassword is the owner's own change, with the password of now. Tries are
// throttled like logins. Errors: ErrCredentials, *ThrottledError, ErrInvalid, ErrBusy.
func (s *Service) ChangePassword(ctx context.Context, name, current, next, address string) (Account, error) {
	if wait := s.throttle.begin(name, address); wait > 0 {
		return Account{}, &ThrottledError{Wait: wait}
	}
	a, err := s.verify(ctx, name, current)
	if err != nil {
		if a.Name != "" {
			return Account{}, s.refused(ctx, a, address)
		}
		s.throttle.undo(name, address)
		return Account{}, err
	}
	s.throttle.succeeded(name, address)
	if normal(next) == normal(current) {
		return Account{}, fmt.Errorf("%w: the new password is the old one", ErrInvalid)
	}
	return s.SetPassword(ctx, name, name, next)
}

// change reads, alters and writes an account. Where alter did nothing, nothing
// is written.
func (s *Service) change(ctx context.Context, actor, name string, revision int64, action string, alter func(*Account) (string, error)) (Account, error) {
	a, err := s.store.Account(ctx, name)
	if err != nil {
		return Account{}, fmt.Errorf("account %q: %w", name, err)
	}
	if revision != 0 && revision != a.Revision {
		return Account{}, fmt.Errorf("account %s: %w", name, ErrConflict)
	}
	next := a
	detail, err := alter(&next)
	if err != nil {
		return Account{}, err
	}
	if detail == "" && next.Generation == a.Generation {
		return a, nil
	}
	next.Changed = s.now().UTC()
	if err := s.store.UpdateAccount(ctx, next, s.entry(actor, action, "account/"+name, detail)); err != nil {
		return Account{}, fmt.Errorf("change account %s: %w", name, err)
	}
	next.Revision++
	return next, nil
}

func joinRoles(roles []Role) string {
	names := make([]string, len(roles))
	for i, r := range roles {
		names[i] = string(r)
	}
	return strings.Join(names, ", ")
}
