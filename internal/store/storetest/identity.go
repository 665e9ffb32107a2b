package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quaywatch/quaywatch/internal/identity"
	"github.com/quaywatch/quaywatch/internal/identity/audit"
	"github.com/quaywatch/quaywatch/internal/identity/identitytest"
	"github.com/quaywatch/quaywatch/internal/store"
)

type auditEntry = audit.Entry

// testAccounts does the same random steps to the records and to a store in
// memory, and compares what they answer and what they hold.
func testAccounts(t *testing.T, d Database) {
	ctx := context.Background()
	records := open(t, d)
	random := rand.New(rand.NewPCG(3, 4)) //nolint:gosec // the same cases every time
	var model identitytest.Memory
	if _, err := records.Identity().Account(ctx, "nobody"); !errors.Is(err, identity.ErrNotFound) {
		t.Errorf("an unknown account: %v", err)
	}
	for step := range 400 {
		doing, act := someIdentityStep(random, step)
		want, got := act(ctx, &model), act(ctx, records.Identity())
		if !errors.Is(kindOf(got), kindOf(want)) {
			t.Fatalf("step %d, %s: the records say %v, memory says %v", step, doing, got, want)
		}
		if diff := cmp.Diff(holds(t, &model), holds(t, records.Identity())); diff != "" {
			t.Fatalf("step %d, %s (-memory +records):\n%s", step, doing, diff)
		}
	}
	var logged []identity.AuditEntry
	for before := int64(0); ; {
		entries := must[[]auditEntry](t)(records.Audit(ctx, store.AuditQuery{Before: before, Limit: 100}))
		for _, e := range entries {
			if e.Action != "audit.key" {
				logged = append(logged, identity.AuditEntry{Time: e.Time, Actor: e.Actor, Action: e.Action, Subject: e.Subject, Detail: e.Detail})
			}
			before = e.Seq
		}
		if len(entries) < 100 {
			break
		}
	}
	slices.Reverse(logged)
	if diff := cmp.Diff(model.Entries(), logged); diff != "" {
		t.Errorf("audit entries (-memory +records):\n%s", diff)
	}
}

// kindOf is the sentinel that an error wraps.
func kindOf(err error) error {
	for _, e := range []error{identity.ErrNotFound, identity.ErrExists, identity.ErrConflict, identity.ErrLastAdministrator, identity.ErrSetUpDone} {
		if errors.Is(err, e) {
			return e
		}
	}
	return err
}

type held struct {
	Accounts []identity.Account
	Tokens   []identity.Token
	Jane     []identity.Token
}

func holds(t *testing.T, s identity.Store) held {
	t.Helper()
	ctx := context.Background()
	h := held{
		Accounts: must[[]identity.Account](t)(s.Accounts(ctx)),
		Tokens:   must[[]identity.Token](t)(s.Tokens(ctx, "")),
		Jane:     must[[]identity.Token](t)(s.Tokens(ctx, "jane")),
	}
	if len(h.Accounts) == 0 {
		h.Accounts = nil
	}
	if len(h.Tokens) == 0 {
		h.Tokens = nil
	}
	if len(h.Jane) == 0 {
		h.Jane = nil
	}
	return h
}

// someIdentityStep is one step that both stores are asked to do.
func someIdentityStep(random *rand.Rand, step int) (string, func(context.Context, identity.Store) error) {
	name := []string{"jane", "joe", "j.o-e@port", "zoe"}[random.IntN(4)]
	at := start.Add(time.Duration(step) * time.Second)
	roles := [][]identity.Role{{identity.Administrator}, {identity.Analyst}, {identity.Administrator, identity.Analyst}}[random.IntN(3)]
	entry := identity.AuditEntry{Time: at, Actor: "jane", Action: "step", Subject: "account:" + name, Detail: fmt.Sprint(step)}
	account := identity.Account{Name: name, Display: "Jäne", Roles: roles, Party: "p", PasswordHash: "$argon2id$", MustChange: random.IntN(2) == 0,
		Disabled: random.IntN(3) == 0, Generation: int64(step), Created: at, Changed: at}
	tokenID := fmt.Sprint("T-", random.IntN(6))
	token := identity.Token{ID: tokenID, Account: name, Name: "feed", Role: identity.Analyst, Sum: identity.TokenSum{byte(random.IntN(8)), 0xff}, Created: at, Expires: at.AddDate(1, 0, 0)}
	switch random.IntN(8) {
	case 0:
		return "first account", func(ctx context.Context, s identity.Store) error { return s.CreateFirstAccount(ctx, account, entry) }
	case 1:
		return "create account", func(ctx context.Context, s identity.Store) error { return s.CreateAccount(ctx, account, entry) }
	case 2, 3:
		stale := random.IntN(4) == 0
		return "update account", func(ctx context.Context, s identity.Store) error {
			a := account
			if there, err := s.Account(ctx, name); err == nil {
				a.Revision, a.Created, a.LastLogin = there.Revision, there.Created, there.LastLogin
			}
			if stale {
				a.Revision--
			}
			return s.UpdateAccount(ctx, a, entry)
		}
	case 4:
		return "create token", func(ctx context.Context, s identity.Store) error {
			if _, err := s.Account(ctx, name); err != nil {
				return nil //nolint:nilerr // a token belongs to an account, so there is nothing to try
			}
			return s.CreateToken(ctx, token, entry)
		}
	case 5:
		return "revoke token", func(ctx context.Context, s identity.Store) error { return s.RevokeToken(ctx, tokenID, at, entry) }
	case 6:
		return "touch token", func(ctx context.Context, s identity.Store) error {
			if _, err := s.TokenBySum(ctx, token.Sum); err != nil {
				return err
			}
			return s.TouchToken(ctx, tokenID, at)
		}
	default:
		return "log in", func(ctx context.Context, s identity.Store) error { return s.RecordLogin(ctx, name, at, entry) }
	}
}

func testSessions(t *testing.T, d Database) {
	ctx := context.Background()
	s := open(t, d).Identity()
	read := func(key string, now time.Time) string {
		b, err := s.Session(ctx, key, now)
		check(t, err)
		return string(b)
	}
	check(t, s.SaveSession(ctx, "a", []byte("one\x00\xff"), start.Add(time.Hour)))
	check(t, s.SaveSession(ctx, "b", []byte("three"), start.Add(2*time.Hour)))
	check(t, s.SaveSession(ctx, "a", []byte("two\x00\xff"), start.Add(time.Hour)))
	if got := read("a", start); got != "two\x00\xff" {
		t.Errorf("session a holds %q", got)
	}
	if got := read("a", start.Add(time.Hour)); got != "" {
		t.Errorf("an expired session holds %q", got)
	}
	check(t, s.DeleteExpiredSessions(ctx, start.Add(time.Hour)))
	if got := read("a", start); got != "" {
		t.Errorf("a deleted session holds %q", got)
	}
	if b, err := s.Session(ctx, "b", start); b == nil || err != nil {
		t.Errorf("a session that lasts: %v, %v", b, err)
	}
	check(t, s.DeleteSession(ctx, "b"))
	check(t, s.DeleteSession(ctx, "never was"))
	if b, err := s.Session(ctx, "b", start); b != nil || err != nil {
		t.Errorf("after deleting: %v, %v", b, err)
	}
}
