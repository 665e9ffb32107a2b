package identitytest

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/quaywatch/quaywatch/internal/identity"
)

// Conformance holds a store to the contract of identity.Store. Open returns an
// empty store each time. Entries returns the audit entries that the store has
// written, oldest first; nil where the test can't see them.
func Conformance(t *testing.T, open func(t *testing.T) identity.Store, entries func(identity.Store) []identity.AuditEntry) {
	for name, test := range map[string]func(*testing.T, identity.Store){
		"accounts": accounts, "first account": firstAccount, "last administrator": lastAdministrator,
		"tokens": tokens, "sessions": sessions,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
	if entries != nil {
		t.Run("audit", func(t *testing.T) { audited(t, open(t), entries) })
	}
}

var at = time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)

// hashed stands for a password hash; a store does not look into it.
const hashed = "$argon2id$…"

func entry(action string) identity.AuditEntry {
	return identity.AuditEntry{Time: at, Actor: "cli", Action: action, Subject: "account/jane"}
}

func account(name string, roles ...identity.Role) identity.Account {
	return identity.Account{
		Name: name, Display: "Jane", Roles: roles, Party: "party-1", PasswordHash: hashed, MustChange: true,
		Generation: 3, Revision: 1, Created: at, Changed: at.Add(time.Second),
	}
}

func accounts(t *testing.T, s identity.Store) {
	ctx := t.Context()
	jane := account("jane", identity.Analyst, identity.CSO)
	must(t, s.CreateAccount(ctx, account("root", identity.Administrator), entry("create")))
	must(t, s.CreateAccount(ctx, jane, entry("create")))
	is(t, s.CreateAccount(ctx, jane, entry("create")), identity.ErrExists)
	got, err := s.Account(ctx, "jane")
	must(t, err)
	same(t, got, jane)
	_, err = s.Account(ctx, "nobody")
	is(t, err, identity.ErrNotFound)

	jane.Disabled, jane.Generation, jane.Roles = true, 4, []identity.Role{identity.Board}
	must(t, s.UpdateAccount(ctx, jane, entry("change")))
	is(t, s.UpdateAccount(ctx, jane, entry("change")), identity.ErrConflict)
	is(t, s.UpdateAccount(ctx, account("nobody", identity.Board), entry("change")), identity.ErrNotFound)
	must(t, s.RecordLogin(ctx, "jane", at.Add(time.Hour), entry("login")))
	is(t, s.RecordLogin(ctx, "nobody", at, entry("login")), identity.ErrNotFound)
	jane.Revision, jane.LastLogin = 2, at.Add(time.Hour)
	got, err = s.Account(ctx, "jane")
	must(t, err)
	same(t, got, jane)

	all, err := s.Accounts(ctx)
	must(t, err)
	if len(all) != 2 || all[0].Name != "jane" || all[1].Name != "root" {
		t.Errorf("accounts %+v", all)
	}
}

// firstAccount: of many set-ups at once, one wins.
func firstAccount(t *testing.T, s identity.Store) {
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		wg.Go(func() {
			errs[i] = s.CreateFirstAccount(t.Context(), account(string(rune('a'+i)), identity.Administrator), entry("create"))
		})
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else {
			is(t, err, identity.ErrSetUpDone)
		}
	}
	all, err := s.Accounts(t.Context())
	must(t, err)
	if won != 1 || len(all) != 1 {
		t.Errorf("%d set-ups won, %d accounts", won, len(all))
	}
}

func lastAdministrator(t *testing.T, s identity.Store) {
	ctx := t.Context()
	root, other := account("root", identity.Administrator), account("other", identity.Administrator)
	must(t, s.CreateFirstAccount(ctx, root, entry("create")))
	must(t, s.CreateAccount(ctx, other, entry("create")))
	other.Disabled = true
	must(t, s.UpdateAccount(ctx, other, entry("change")))
	root.Roles = []identity.Role{identity.CSO}
	is(t, s.UpdateAccount(ctx, root, entry("change")), identity.ErrLastAdministrator)
	root.Roles, root.Disabled = []identity.Role{identity.Administrator}, true
	is(t, s.UpdateAccount(ctx, root, entry("change")), identity.ErrLastAdministrator)
	root.Disabled, root.Display = false, "Other name"
	must(t, s.UpdateAccount(ctx, root, entry("change")))
}

func tokens(t *testing.T, s identity.Store) {
	ctx := t.Context()
	must(t, s.CreateAccount(ctx, account("jane", identity.CSO), entry("create")))
	one := identity.Token{ID: "T-2", Account: "jane", Name: "feed", Role: identity.CSO, Sum: identity.TokenSum{1}, Created: at, Expires: at.Add(time.Hour)}
	two := one
	two.ID, two.Sum = "T-1", identity.TokenSum{2}
	must(t, s.CreateToken(ctx, one, entry("token")))
	must(t, s.CreateToken(ctx, two, entry("token")))
	is(t, s.CreateToken(ctx, one, entry("token")), identity.ErrExists)
	got, err := s.TokenBySum(ctx, one.Sum)
	must(t, err)
	sameToken(t, got, one)
	_, err = s.TokenBySum(ctx, identity.TokenSum{9})
	is(t, err, identity.ErrNotFound)

	must(t, s.TouchToken(ctx, "T-2", at.Add(time.Minute)))
	must(t, s.TouchToken(ctx, "T-none", at))
	must(t, s.RevokeToken(ctx, "T-2", at.Add(2*time.Minute), entry("revoke")))
	must(t, s.RevokeToken(ctx, "T-2", at.Add(3*time.Minute), entry("revoke")))
	is(t, s.RevokeToken(ctx, "T-none", at, entry("revoke")), identity.ErrNotFound)
	one.LastUsed, one.Revoked = at.Add(time.Minute), at.Add(2*time.Minute)
	for _, owner := range []string{"jane", ""} {
		all, err := s.Tokens(ctx, owner)
		must(t, err)
		if len(all) != 2 {
			t.Fatalf("tokens of %q: %+v", owner, all)
		}
		sameToken(t, all[0], two) // same time, then by id
		sameToken(t, all[1], one)
	}
	none, err := s.Tokens(ctx, "nobody")
	must(t, err)
	if len(none) != 0 {
		t.Errorf("tokens of nobody: %+v", none)
	}
}

func sessions(t *testing.T, s identity.Store) {
	ctx := t.Context()
	read := func(key string, now time.Time) string {
		t.Helper()
		data, err := s.Session(ctx, key, now)
		must(t, err)
		return string(data)
	}
	must(t, s.SaveSession(ctx, "a", []byte("one"), at.Add(time.Minute)))
	must(t, s.SaveSession(ctx, "b", []byte("two"), at.Add(time.Hour)))
	must(t, s.SaveSession(ctx, "a", []byte("three"), at.Add(2*time.Minute)))
	for _, tc := range []struct {
		key  string
		at   time.Time
		want string
	}{{"a", at, "three"}, {"a", at.Add(2*time.Minute - time.Second), "three"}, {"a", at.Add(2 * time.Minute), ""}, {"none", at, ""}} {
		if got := read(tc.key, tc.at); got != tc.want {
			t.Errorf("session %s at %s: %q, want %q", tc.key, tc.at, got, tc.want)
		}
	}
	must(t, s.DeleteExpiredSessions(ctx, at.Add(2*time.Minute)))
	if read("a", at) != "" || read("b", at) != "two" {
		t.Error("the sweep took the wrong sessions")
	}
	must(t, s.DeleteSession(ctx, "b"))
	must(t, s.DeleteSession(ctx, "b"))
	if read("b", at) != "" {
		t.Error("an ended session is still there")
	}
}

// audited: each change writes its entry once, and a refused change none.
func audited(t *testing.T, s identity.Store, entries func(identity.Store) []identity.AuditEntry) {
	ctx := t.Context()
	jane := account("jane", identity.Administrator)
	must(t, s.CreateFirstAccount(ctx, jane, entry("1 create")))
	is(t, s.CreateFirstAccount(ctx, jane, entry("refused")), identity.ErrSetUpDone)
	is(t, s.CreateAccount(ctx, jane, entry("refused")), identity.ErrExists)
	must(t, s.UpdateAccount(ctx, jane, entry("2 change")))
	is(t, s.UpdateAccount(ctx, jane, entry("refused")), identity.ErrConflict)
	token := identity.Token{ID: "T-1", Account: "jane", Role: identity.CSO, Created: at, Expires: at.Add(time.Hour)}
	must(t, s.CreateToken(ctx, token, entry("3 token")))
	must(t, s.RevokeToken(ctx, "T-1", at, entry("4 revoke")))
	must(t, s.RevokeToken(ctx, "T-1", at, entry("refused")))
	must(t, s.Record(ctx, entry("5 refused login")))
	must(t, s.RecordLogin(ctx, "jane", at, entry("6 login")))
	var got []string
	for _, e := range entries(s) {
		got = append(got, e.Action)
		if !e.Time.Equal(at) || e.Actor != "cli" || e.Subject != "account/jane" {
			t.Errorf("entry %+v", e)
		}
	}
	want := []string{"1 create", "2 change", "3 token", "4 revoke", "5 refused login", "6 login"}
	if !slices.Equal(got, want) {
		t.Errorf("audit %q, want %q", got, want)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func is(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
}

func same(t *testing.T, got, want identity.Account) {
	t.Helper()
	roles := slices.Equal(got.Roles, want.Roles)
	times := got.Created.Equal(want.Created) && got.Changed.Equal(want.Changed) && got.LastLogin.Equal(want.LastLogin)
	if !roles || !times || got.Name != want.Name || got.Display != want.Display || got.Party != want.Party || got.PasswordHash != want.PasswordHash ||
		got.MustChange != want.MustChange || got.Disabled != want.Disabled || got.Generation != want.Generation || got.Revision != want.Revision {
		t.Errorf("account\n%+v, want\n%+v", got, want)
	}
}

func sameToken(t *testing.T, got, want identity.Token) {
	t.Helper()
	times := got.Created.Equal(want.Created) && got.Expires.Equal(want.Expires) && got.LastUsed.Equal(want.LastUsed) && got.Revoked.Equal(want.Revoked)
	if !times || got.ID != want.ID || got.Account != want.Account || got.Name != want.Name || got.Role != want.Role || got.Sum != want.Sum {
		t.Errorf("token\n%+v, want\n%+v", got, want)
	}
}
