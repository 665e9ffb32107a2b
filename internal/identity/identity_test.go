package identity_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/quaywatch/quaywatch/internal/identity"
	"github.com/quaywatch/quaywatch/internal/identity/identitytest"
)

const (
	good    = "three grey herons wade"
	another = "slow tide under iron sky"
)

// clock is a time that tests move.
type clock struct{ at time.Time }

func (c *clock) now() time.Time       { return c.at }
func (c *clock) pass(d time.Duration) { c.at = c.at.Add(d) }
func newClock() *clock                { return &clock{at: time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)} }
func ptr[T any](v T) *T               { return &v }
func actions(m *identitytest.Memory) (out []string) {
	for _, e := range m.Entries() {
		out = append(out, e.Actor+" "+e.Action+" "+e.Subject)
	}
	return out
}

func newService(t *testing.T) (*identity.Service, *identitytest.Memory, *clock) {
	t.Helper()
	store, c := &identitytest.Memory{}, newClock()
	s, err := identity.New(identity.Options{Store: store, Now: c.now, Params: identitytest.Cheap})
	if err != nil {
		t.Fatal(err)
	}
	return s, store, c
}

func create(t *testing.T, s *identity.Service, name string, roles ...identity.Role) identity.Account {
	t.Helper()
	a, err := s.CreateAccount(t.Context(), "cli", identity.NewAccount{Name: name, Roles: roles, Password: good})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestLogin(t *testing.T) {
	s, store, _ := newService(t)
	create(t, s, "root", identity.Administrator)
	create(t, s, "jane", identity.Analyst)
	if _, err := s.UpdateAccount(t.Context(), "root", create(t, s, "gone", identity.Analyst).Name, 0, identity.AccountChange{Disabled: ptr(true)}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateAccount(t.Context(), "root", identity.NewAccount{Name: "feed", Roles: []identity.Role{identity.Analyst}}); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name, account, password string
		want                    error
	}{
		{"right", "jane", good, nil},
		{"capitals and spaces around the name", " Jane ", good, nil},
		{"wrong password", "jane", another, identity.ErrCredentials},
		{"empty password", "jane", "", identity.ErrCredentials},
		{"endless password", "jane", strings.Repeat("x", 1<<20), identity.ErrCredentials},
		{"unknown", "nobody", good, identity.ErrCredentials},
		{"disabled", "gone", good, identity.ErrCredentials},
		{"no password set", "feed", "", identity.ErrCredentials},
		{"password in the wrong field", good, "", identity.ErrCredentials},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a, err := s.Login(t.Context(), tc.account, tc.password, "192.0.2.7")
			if !errors.Is(err, tc.want) || (err == nil) != (tc.want == nil) {
				t.Fatalf("error %v, want %v", err, tc.want)
			}
			if err == nil && (a.Name != "jane" || a.LastLogin.IsZero()) {
				t.Errorf("account %+v", a)
			}
			if err != nil && err.Error() != identity.ErrCredentials.Error() {
				t.Errorf("the error tells more than it may: %q", err)
			}
		})
	}
	for _, e := range store.Entries() {
		if strings.Contains(e.Detail+e.Subject, good) {
			t.Errorf("the audit log holds a password: %+v", e)
		}
	}
}

func TestSetUpIsOnceAndNeedsTheCode(t *testing.T) {
	s, store, c := newService(t)
	code, err := s.SetUpCode(t.Context())
	if err != nil || len(code) < 20 {
		t.Fatalf("code %q, %v", code, err)
	}
	if again, _ := s.SetUpCode(t.Context()); again != code {
		t.Errorf("the code changed from %q to %q while the server runs", code, again)
	}
	try := func(code, password string) error {
		c.pass(time.Hour)
		_, err := s.SetUp(t.Context(), identity.SetUpRequest{Code: code, Name: "root", Password: password, CSO: true, Address: "192.0.2.7"})
		return err
	}
	if err := try("", good); !errors.Is(err, identity.ErrSetUpCode) {
		t.Errorf("without a code: %v", err)
	}
	if err := try("aaaaa-aaaaa-aaaaa-aaaaa", good); !errors.Is(err, identity.ErrSetUpCode) {
		t.Errorf("with a wrong code: %v", err)
	}
	for _, weak := range []string{"", "short", "password2026!"} {
		if err := try(code, weak); !errors.Is(err, identity.ErrInvalid) {
			t.Errorf("password %q: %v", weak, err)
		}
	}
	if err := try(strings.ToUpper(strings.ReplaceAll(code, "-", " ")), good); err != nil {
		t.Fatalf("with the code in capitals: %v", err)
	}
	if err := try(code, good); !errors.Is(err, identity.ErrSetUpDone) {
		t.Errorf("a second time: %v", err)
	}
	if code, err := s.SetUpCode(t.Context()); code != "" || err != nil {
		t.Errorf("code after set-up: %q, %v", code, err)
	}
	a, err := s.Account(t.Context(), "root")
	if err != nil || !a.Has(identity.Administrator) || !a.Has(identity.CSO) || a.MustChange {
		t.Errorf("first account %+v, %v", a, err)
	}
	if got := actions(store); len(got) != 1 || got[0] != "setup account.create account/root" {
		t.Errorf("audit %q", got)
	}
}

func TestAccountChanges(t *testing.T) {
	s, store, _ := newService(t)
	create(t, s, "root", identity.Administrator)
	jane := create(t, s, "jane", identity.Analyst)
	change := func(name string, revision int64, c identity.AccountChange) (identity.Account, error) {
		return s.UpdateAccount(t.Context(), "root", name, revision, c)
	}
	a, err := change("jane", jane.Revision, identity.AccountChange{Display: ptr("Jane"), Roles: &[]identity.Role{identity.CSO, identity.Analyst, identity.CSO}})
	if err != nil || a.Display != "Jane" || len(a.Roles) != 2 || a.Generation != jane.Generation+1 || a.Revision != 2 {
		t.Fatalf("%+v, %v", a, err)
	}
	if _, err := change("jane", jane.Revision, identity.AccountChange{Display: ptr("X")}); !errors.Is(err, identity.ErrConflict) {
		t.Errorf("old revision: %v", err)
	}
	before := len(store.Entries())
	if _, err := change("jane", 0, identity.AccountChange{Display: ptr("Jane")}); err != nil || len(store.Entries()) != before {
		t.Errorf("a change of nothing: %v, %d entries more", err, len(store.Entries())-before)
	}
	for name, c := range map[string]identity.AccountChange{
		"no role":      {Roles: &[]identity.Role{}},
		"unknown role": {Roles: &[]identity.Role{"king"}},
		"line break":   {Display: ptr("a\nb")},
	} {
		if _, err := change("jane", 0, c); !errors.Is(err, identity.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := change("root", 0, identity.AccountChange{Disabled: ptr(true)}); !errors.Is(err, identity.ErrLastAdministrator) {
		t.Errorf("disable the last administrator: %v", err)
	}
	if _, err := change("root", 0, identity.AccountChange{Roles: &[]identity.Role{identity.CSO}}); !errors.Is(err, identity.ErrLastAdministrator) {
		t.Errorf("take the role from the last administrator: %v", err)
	}
	if _, err := change("nobody", 0, identity.AccountChange{}); !errors.Is(err, identity.ErrNotFound) {
		t.Errorf("unknown: %v", err)
	}
}

func TestChangesEndSessions(t *testing.T) {
	for name, change := range map[string]func(context.Context, *identity.Service) error{
		"roles": func(ctx context.Context, s *identity.Service) error {
			_, err := s.UpdateAccount(ctx, "root", "jane", 0, identity.AccountChange{Roles: &[]identity.Role{identity.Board}})
			return err
		},
		"disabled": func(ctx context.Context, s *identity.Service) error {
			_, err := s.UpdateAccount(ctx, "root", "jane", 0, identity.AccountChange{Disabled: ptr(true)})
			return err
		},
		"password set by another": func(ctx context.Context, s *identity.Service) error {
			_, err := s.SetPassword(ctx, "root", "jane", another)
			return err
		},
		"own password": func(ctx context.Context, s *identity.Service) error {
			_, err := s.ChangePassword(ctx, "jane", good, another, "192.0.2.7")
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, _, _ := newService(t)
			jane := create(t, s, "jane", identity.Analyst)
			p, err := s.SessionPrincipal(t.Context(), "jane", jane.Generation)
			if err != nil {
				t.Fatal(err)
			}
			if err := change(t.Context(), s); err != nil {
				t.Fatal(err)
			}
			if _, err := s.SessionPrincipal(t.Context(), "jane", jane.Generation); !errors.Is(err, identity.ErrDenied) {
				t.Errorf("the session goes on: %v", err)
			}
			if _, err := s.Again(t.Context(), p); !errors.Is(err, identity.ErrDenied) {
				t.Errorf("the stream goes on: %v", err)
			}
		})
	}
}

func TestChangePassword(t *testing.T) {
	s, _, _ := newService(t)
	create(t, s, "jane", identity.Analyst)
	if _, err := s.SetPassword(t.Context(), "root", "jane", another); err != nil {
		t.Fatal(err)
	}
	if a, _ := s.Account(t.Context(), "jane"); !a.MustChange {
		t.Error("a password that somebody else set need not be changed")
	}
	try := func(current, next string) error {
		_, err := s.ChangePassword(t.Context(), "jane", current, next, "192.0.2.7")
		return err
	}
	if err := try(good, good); !errors.Is(err, identity.ErrCredentials) {
		t.Errorf("with a wrong password: %v", err)
	}
	if err := try(another, another); !errors.Is(err, identity.ErrInvalid) {
		t.Errorf("to the same: %v", err)
	}
	if err := try(another, good); err != nil {
		t.Errorf("to a good one: %v", err)
	}
	if a, _ := s.Account(t.Context(), "jane"); a.MustChange {
		t.Error("still has to be changed")
	}
}

func TestTokens(t *testing.T) {
	s, store, c := newService(t)
	create(t, s, "root", identity.Administrator)
	create(t, s, "jane", identity.Analyst, identity.CSO)
	for name, n := range map[string]identity.NewToken{
		"role not held": {Account: "jane", Name: "x", Role: identity.Administrator, Life: time.Hour},
		"no name":       {Account: "jane", Name: " ", Role: identity.Analyst, Life: time.Hour},
		"no end":        {Account: "jane", Name: "x", Role: identity.Analyst},
		"too long":      {Account: "jane", Name: "x", Role: identity.Analyst, Life: identity.MaxTokenLife + 1},
	} {
		if _, _, err := s.CreateToken(t.Context(), "jane", n); !errors.Is(err, identity.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	secret, token, err := s.CreateToken(t.Context(), "jane", identity.NewToken{Account: "jane", Name: "feed", Role: identity.Analyst, Life: 24 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(secret, "qw_") || len(secret) != 3+43 {
		t.Errorf("secret of %d characters", len(secret))
	}
	p, err := s.TokenPrincipal(t.Context(), secret)
	if err != nil || p.Account.Name != "jane" || len(p.Roles) != 1 || p.Roles[0] != identity.Analyst {
		t.Fatalf("principal %+v, %v", p, err)
	}
	if p.Allowed(identity.ShelveFindings, identity.Findings("it")) {
		t.Error("the token may do what only the other role of its account may")
	}
	if p.Allowed(identity.ManageOwnTokens, identity.TokensOf("jane")) {
		t.Error("a token may make tokens")
	}
	for _, wrong := range []string{"", "qw_", secret + "A", secret[:len(secret)-1], "QW_" + secret[3:], secret[3:]} {
		if _, err := s.TokenPrincipal(t.Context(), wrong); !errors.Is(err, identity.ErrDenied) {
			t.Errorf("token %q: %v", wrong, err)
		}
	}
	c.pass(24 * time.Hour)
	if _, err := s.TokenPrincipal(t.Context(), secret); !errors.Is(err, identity.ErrDenied) {
		t.Errorf("expired: %v", err)
	}
	c.pass(-time.Hour)
	if err := s.RevokeToken(t.Context(), "root", token.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := s.TokenPrincipal(t.Context(), secret); !errors.Is(err, identity.ErrDenied) {
		t.Errorf("revoked: %v", err)
	}
	if _, err := s.Again(t.Context(), p); !errors.Is(err, identity.ErrDenied) {
		t.Errorf("the stream of a revoked token goes on: %v", err)
	}
	for _, e := range store.Entries() {
		if strings.Contains(e.Detail+e.Subject, secret[3:]) {
			t.Errorf("the audit log holds a token: %+v", e)
		}
	}
}

func TestTokenFollowsItsAccount(t *testing.T) {
	s, _, _ := newService(t)
	create(t, s, "jane", identity.Analyst, identity.CSO)
	secret, _, err := s.CreateToken(t.Context(), "jane", identity.NewToken{Account: "jane", Name: "feed", Role: identity.CSO, Life: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.UpdateAccount(t.Context(), "root", "jane", 0, identity.AccountChange{Roles: &[]identity.Role{identity.Analyst}}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.TokenPrincipal(t.Context(), secret); !errors.Is(err, identity.ErrDenied) {
		t.Errorf("the account lost the role, its token did not: %v", err)
	}
}
