package identity

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"
)

const (
	// TokenPrefix begins every API token, so that scanners for lost secrets find it.
	TokenPrefix = "qw_"

	// MaxTokenLife is the longest life of a token. None lives for ever.
	MaxTokenLife = 366 * 24 * time.Hour

	// MaxTokens is the most usable tokens of one account.
	MaxTokens = 50

	tokenBytes = 32 // 256 bits
)

// NewToken is what somebody who makes a token gives.
type NewToken struct {
	Account string        // whose
	Name    string        // what it is for
	Role    Role          // one that the account holds
	Life    time.Duration // 1 minute to MaxTokenLife
}

// CreateToken makes an API token and returns its secret, which is shown once
// and stored nowhere. Errors: ErrInvalid, ErrNotFound.
func (s *Service) CreateToken(ctx context.Context, actor string, n NewToken) (secret string, t Token, err error) {
	a, err := s.store.Account(ctx, n.Account)
	if err != nil {
		return "", Token{}, fmt.Errorf("account %q: %w", n.Account, err)
	}
	now := s.now().UTC()
	if err := s.checkToken(ctx, a, n, now); err != nil {
		return "", Token{}, err
	}
	random := make([]byte, tokenBytes)
	rand.Read(random) // never fails (crypto/rand, Go 1.24)
	secret = TokenPrefix + base64.RawURLEncoding.EncodeToString(random)
	t = Token{
		ID: "T-" + rand.Text()[:12], Account: a.Name, Name: strings.TrimSpace(n.Name), Role: n.Role,
		Sum: sha256.Sum256([]byte(secret)), Created: now, Expires: now.Add(n.Life),
	}
	detail := fmt.Sprintf("for account %s, role %s, until %s", t.Account, t.Role, t.Expires.Format(time.RFC3339))
	if err := s.store.CreateToken(ctx, t, s.entry(actor, "token.create", "token/"+t.ID, detail)); err != nil {
		return "", Token{}, fmt.Errorf("create a token for %s: %w", a.Name, err)
	}
	return secret, t, nil
}

func (s *Service) checkToken(ctx context.Context, a Account, n NewToken, now time.Time) error {
	if strings.TrimSpace(n.Name) == "" {
		return fmt.Errorf("%w: say what the token is for", ErrInvalid)
	}
	if err := checkText("name of the token", n.Name, MaxDisplay); err != nil {
		return err
	}
	if a.Disabled || !a.Has(n.Role) {
		return fmt.Errorf("%w: account %s does not hold the role %q", ErrInvalid, a.Name, n.Role)
	}
	if n.Life < time.Minute || n.Life > MaxTokenLife {
		return fmt.Errorf("%w: a token lives from one minute to %d days", ErrInvalid, MaxTokenLife/(24*time.Hour))
	}
	have, err := s.store.Tokens(ctx, a.Name)
	if err != nil {
		return fmt.Errorf("read tokens of %s: %w", a.Name, err)
	}
	usable := 0
	for _, t := range have {
		if t.Usable(now) {
			usable++
		}
	}
	if usable >= MaxTokens {
		return fmt.Errorf("%w: account %s has %d tokens already, revoke one first", ErrInvalid, a.Name, usable)
	}
	return nil
}

// Tokens returns the tokens of an account, of all for "".
func (s *Service) Tokens(ctx context.Context, account string) ([]Token, error) {
	return s.store.Tokens(ctx, account)
}

// RevokeToken ends a token at once. ErrNotFound.
func (s *Service) RevokeToken(ctx context.Context, actor, id string) error {
	entry := s.entry(actor, "token.revoke", "token/"+id, "")
	if err := s.store.RevokeToken(ctx, id, entry.Time, entry); err != nil {
		return fmt.Errorf("revoke token %q: %w", id, err)
	}
	return nil
}

// TokenPrincipal returns who a token secret belongs to: ErrDenied where it is
// not known, expired or revoked, or its account is disabled or lost the role.
func (s *Service) TokenPrincipal(ctx context.Context, secret string) (Principal, error) {
	random, ok := strings.CutPrefix(secret, TokenPrefix)
	if !ok || len(random) != base64.RawURLEncoding.EncodedLen(tokenBytes) {
		return Principal{}, ErrDenied
	}
	t, err := s.store.TokenBySum(ctx, sha256.Sum256([]byte(secret)))
	if errors.Is(err, ErrNotFound) {
		return Principal{}, ErrDenied
	}
	if err != nil {
		return Principal{}, fmt.Errorf("look a token up: %w", err)
	}
	p, err := s.principalOf(ctx, t)
	if err != nil {
		return Principal{}, err
	}
	if now := s.now().UTC(); now.Sub(t.LastUsed) >= time.Minute {
		if err := s.store.TouchToken(ctx, t.ID, now.Truncate(time.Minute)); err != nil {
			s.log.Warn("could not note the use of a token", "token", t.ID, "error", err)
		}
	}
	return p, nil
}

// principalOf judges a stored token.
func (s *Service) principalOf(ctx context.Context, t Token) (Principal, error) {
	if !t.Usable(s.now()) {
		return Principal{}, fmt.Errorf("token %s is expired or revoked: %w", t.ID, ErrDenied)
	}
	a, err := s.store.Account(ctx, t.Account)
	if errors.Is(err, ErrNotFound) {
		return Principal{}, ErrDenied
	}
	if err != nil {
		return Principal{}, fmt.Errorf("read account %s: %w", t.Account, err)
	}
	if a.Disabled || !a.Has(t.Role) {
		return Principal{}, fmt.Errorf("token %s: its account is disabled or lost the role: %w", t.ID, ErrDenied)
	}
	return Principal{Account: a, Token: t.ID, Roles: []Role{t.Role}, policies: s.policies}, nil
}
