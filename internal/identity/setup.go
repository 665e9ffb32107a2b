package identity

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"strings"
)

// ErrSetUpCode means that the set-up code does not fit.
var ErrSetUpCode = fmt.Errorf("%w: the set-up code is not right; it is on the standard error of the server that runs now", ErrDenied)

// SetUpCode returns the one-time code that creates the first administrator, and
// "" when there is an account already. Whoever starts the server shows it on
// standard error: only somebody who can read that may take the installation
// over. The code lives in memory; another start makes another code.
func (s *Service) SetUpCode(ctx context.Context) (string, error) {
	needed, err := s.NeedsSetUp(ctx)
	if err != nil {
		return "", err
	}
	s.setUp.Lock()
	defer s.setUp.Unlock()
	if !needed {
		s.setUpCode = ""
	} else if s.setUpCode == "" {
		text := strings.ToLower(rand.Text()) // 26 base32 characters, 130 bits
		s.setUpCode = strings.Join([]string{text[:5], text[5:10], text[10:15], text[15:20]}, "-")
	}
	return s.setUpCode, nil
}

// NeedsSetUp reports whether there is no account yet.
func (s *Service) NeedsSetUp(ctx context.Context) (bool, error) {
	all, err := s.store.Accounts(ctx)
	if err != nil {
		return false, fmt.Errorf("read accounts: %w", err)
	}
	return len(all) == 0, nil
}

// SetUpRequest is what the first administrator gives.
type SetUpRequest struct {
	Code     string
	Name     string
	Display  string
	Password string
	CSO      bool   // is also the chief security officer, as in a small port
	Address  string // IP that it comes from
}

// SetUp creates the first administrator. Errors: ErrSetUpDone, ErrSetUpCode,
// ErrInvalid with the reason, *ThrottledError.
func (s *Service) SetUp(ctx context.Context, r SetUpRequest) (Account, error) {
	if wait := s.throttle.begin("setup", r.Address); wait > 0 {
		return Account{}, &ThrottledError{Wait: wait}
	}
	code, err := s.SetUpCode(ctx)
	switch {
	case err != nil:
		return Account{}, err
	case code == "":
		return Account{}, ErrSetUpDone
	case !sameCode(code, r.Code):
		return Account{}, ErrSetUpCode
	}
	s.throttle.succeeded("setup", r.Address)
	roles := []Role{Administrator}
	if r.CSO {
		roles = append(roles, CSO)
	}
	a, err := s.make(ctx, NewAccount{Name: r.Name, Display: r.Display, Roles: roles, Password: r.Password})
	if err != nil {
		return Account{}, err
	}
	if a.PasswordHash == "" {
		return Account{}, CheckPassword(a.Name, "")
	}
	entry := s.entry("setup", "account.create", "account/"+a.Name, "first administrator, roles "+joinRoles(a.Roles)+", from "+network(r.Address))
	if err := s.store.CreateFirstAccount(ctx, a, entry); err != nil {
		return Account{}, fmt.Errorf("create the first account: %w", err)
	}
	s.setUp.Lock()
	s.setUpCode = ""
	s.setUp.Unlock()
	return a, nil
}

// sameCode compares in constant time and forgives spaces, dashes and capitals.
func sameCode(want, got string) bool {
	clean := strings.NewReplacer("-", "", " ", "")
	a := sha256.Sum256([]byte(clean.Replace(want)))
	b := sha256.Sum256([]byte(clean.Replace(strings.ToLower(got))))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}
