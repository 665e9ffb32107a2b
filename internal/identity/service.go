package identity

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// Options of a Service. Only Store is needed.
type Options struct {
	Store Store
	Now   func() time.Time // time.Now
	Log   *slog.Logger     // discards
	// Params are the costs of argon2id; zero is Recommended. Tests that log in
	// often set lower ones, nothing else should.
	Params Params
}

// Service does what people and the server ask of identity. It checks what it is
// given, not whether who asks may ask: the server does that with Allowed, and
// the command line works for whoever owns the data directory.
type Service struct {
	store    Store
	now      func() time.Time
	log      *slog.Logger
	hasher   *hasher
	throttle *throttle
	policies *Policies

	setUp     sync.Mutex
	setUpCode string // "" until asked for, and when set-up is done
}

// New returns a service over a store.
func New(o Options) (*Service, error) {
	if o.Store == nil {
		return nil, errors.New("identity: no store")
	}
	s := &Service{store: o.Store, now: o.Now, log: o.Log}
	if s.now == nil {
		s.now = time.Now
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if o.Params == (Params{}) {
		o.Params = Recommended
	}
	var err error
	if s.hasher, err = newHasher(o.Params); err != nil {
		return nil, err
	}
	if s.policies, err = LoadPolicies(); err != nil {
		return nil, err
	}
	s.throttle = newThrottle(s.now)
	return s, nil
}

// Policies are the policies in force.
func (s *Service) Policies() *Policies { return s.policies }

// Principal is the account acting by itself with all its roles.
func (s *Service) Principal(a Account) Principal {
	return Principal{Account: a, Roles: slices.Clone(a.Roles), policies: s.policies}
}

// SessionPrincipal returns who a session belongs to. ErrDenied where the
// account is gone or disabled, or has changed its password or roles since the
// session began.
func (s *Service) SessionPrincipal(ctx context.Context, name string, generation int64) (Principal, error) {
	a, err := s.store.Account(ctx, name)
	switch {
	case errors.Is(err, ErrNotFound):
		return Principal{}, fmt.Errorf("session of account %s: %w", name, ErrDenied)
	case err != nil:
		return Principal{}, fmt.Errorf("read account %s: %w", name, err)
	case a.Disabled || a.Generation != generation:
		return Principal{}, fmt.Errorf("session of account %s: %w", name, ErrDenied)
	}
	return s.Principal(a), nil
}

// Again looks the principal up anew: ErrDenied where it may no longer act. Long
// connections ask it from time to time.
func (s *Service) Again(ctx context.Context, p Principal) (Principal, error) {
	if p.Token == "" {
		return s.SessionPrincipal(ctx, p.Account.Name, p.Account.Generation)
	}
	tokens, err := s.store.Tokens(ctx, p.Account.Name)
	if err != nil {
		return Principal{}, fmt.Errorf("read tokens of %s: %w", p.Account.Name, err)
	}
	i := slices.IndexFunc(tokens, func(t Token) bool { return t.ID == p.Token })
	if i < 0 {
		return Principal{}, ErrDenied
	}
	return s.principalOf(ctx, tokens[i])
}

// entry makes an audit entry of now.
func (s *Service) entry(actor, action, subject, detail string) AuditEntry {
	return AuditEntry{Time: s.now().UTC(), Actor: actor, Action: action, Subject: subject, Detail: detail}
}
