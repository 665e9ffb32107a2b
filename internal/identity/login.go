package identity

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// ErrCredentials means that name and password do not fit. It says no more: not
// whether the account exists, is disabled or has no password.
var ErrCredentials = errors.New("the account name or the password is not right")

// Login checks name and password for a try from address (an IP). It returns
// the account; the caller begins the session. Errors: ErrCredentials,
// *ThrottledError, ErrBusy. Each judged try is in the audit log.
func (s *Service) Login(ctx context.Context, name, password, address string) (Account, error) {
	name = strings.ToLower(strings.TrimSpace(name))
	if CheckName(name) != nil {
		name = "" // is judged like an unknown account, and kept out of the log
	}
	if wait := s.throttle.begin(name, address); wait > 0 {
		return Account{}, &ThrottledError{Wait: wait}
	}
	a, err := s.verify(ctx, name, password)
	switch {
	case errors.Is(err, ErrCredentials):
		return Account{}, s.refused(ctx, a, address)
	case err != nil:
		s.throttle.undo(name, address)
		return Account{}, err
	}
	s.throttle.succeeded(name, address)
	entry := s.entry(a.Name, "login", "account/"+a.Name, "from "+network(address))
	if err := s.store.RecordLogin(ctx, a.Name, entry.Time, entry); err != nil {
		return Account{}, fmt.Errorf("record the login of %s: %w", a.Name, err)
	}
	a.LastLogin = entry.Time
	return a, nil
}

// verify returns the account when the password is right and it may log in. On
// ErrCredentials the account is the one that was tried, zero where there is
// none. It takes as long in all cases.
func (s *Service) verify(ctx context.Context, name, password string) (Account, error) {
	a, err := s.store.Account(ctx, name)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return Account{}, fmt.Errorf("read account %s: %w", name, err)
	}
	if len(password) > maxPassword {
		password = "" // never right; keeps the cost of hashing bounded
	}
	ok, weak, err := s.hasher.check(ctx, a.PasswordHash, normal(password))
	switch {
	case errors.Is(err, errPHC):
		s.log.Error("the stored password hash of an account is damaged; set a new password", "account", a.Name, "error", err)
	case err != nil:
		return Account{}, err
	}
	if !ok || a.Disabled || a.Name == "" {
		return a, ErrCredentials
	}
	if weak {
		s.strengthen(ctx, &a, password)
	}
	return a, nil
}

// strengthen replaces a hash that was made with lower costs. A failure does not
// keep anybody out.
func (s *Service) strengthen(ctx context.Context, a *Account, password string) {
	made, err := s.hasher.hash(ctx, normal(password))
	if err != nil {
		return
	}
	next := *a
	next.PasswordHash = made
	entry := s.entry(a.Name, "account.rehash", "account/"+a.Name, "the password hash was made anew with today's costs")
	if err := s.store.UpdateAccount(ctx, next, entry); err != nil {
		s.log.Warn("could not store a stronger password hash", "account", a.Name, "error", err)
		return
	}
	next.Revision++
	*a = next
}

// refused records a refused try. The name is written only where such an account
// exists: people type passwords into the wrong field.
func (s *Service) refused(ctx context.Context, a Account, address string) error {
	subject, why := "account/?", "unknown account"
	if a.Name != "" {
		subject, why = "account/"+a.Name, "wrong password"
		if a.Disabled {
			why = "the account is disabled"
		}
	}
	entry := s.entry("-", "login.refused", subject, why+", from "+network(address))
	if err := s.store.Record(ctx, entry); err != nil {
		return fmt.Errorf("record a refused login: %w", err)
	}
	return ErrCredentials
}

// Logout records the end of a session that its owner ended.
func (s *Service) Logout(ctx context.Context, account string) error {
	entry := s.entry(account, "logout", "account/"+account, "")
	if err := s.store.Record(ctx, entry); err != nil {
		return fmt.Errorf("record the logout of %s: %w", account, err)
	}
	return nil
}
