// Package identitytest holds what tests of and over package identity share: a
// store in memory and the conformance suite that every identity.Store has to
// pass. Only tests import it.
package identitytest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/quaywatch/quaywatch/internal/identity"
)

// Cheap are costs of argon2id that let a test log in a thousand times. They
// protect nothing.
var Cheap = identity.Params{Memory: 64, Time: 1, Threads: 1}

// Memory is an identity.Store in memory. The zero value is empty and ready.
type Memory struct {
	mu       sync.Mutex
	accounts map[string]identity.Account
	tokens   []identity.Token
	sessions map[string]session
	audit    []identity.AuditEntry
	failing  error
}

type session struct {
	data    []byte
	expires time.Time
}

var _ identity.Store = (*Memory)(nil)

// Fail makes every following call return err; nil ends that.
func (m *Memory) Fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.failing = err
}

// Entries are the audit entries so far, oldest first.
func (m *Memory) Entries() []identity.AuditEntry {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.audit)
}

// lock locks and returns the error that Fail set.
func (m *Memory) lock() error {
	m.mu.Lock()
	return m.failing
}

func (m *Memory) Account(_ context.Context, name string) (identity.Account, error) {
	defer m.mu.Unlock()
	if err := m.lock(); err != nil {
		return identity.Account{}, err
	}
	a, ok := m.accounts[name]
	if !ok {
		return identity.Account{}, identity.ErrNotFound
	}
	a.Roles = slices.Clone(a.Roles)
	return a, nil
}

func (m *Memory) Accounts(context.Context) ([]identity.Account, error) {
	defer m.mu.Unlock()
	if err := m.lock(); err != nil {
		return nil, err
	}
	return m.sorted(), nil
}

func (m *Memory) sorted() []identity.Account {
	out := make([]identity.Account, 0, len(m.accounts))
	for _, a := range m.accounts {
		out = append(out, a)
	}
	slices.SortFunc(out, func(a, b identity.Account) int { return strings.Compare(a.Name, b.Name) })
	return out
}

func (m *Memory) CreateFirstAccount(_ context.Context, a identity.Account, e identity.AuditEntry) error {
	defer m.mu.Unlock()
	if err := m.lock(); err != nil {
		return err
	}
	if len(m.accounts) > 0 {
		return identity.ErrSetUpDone
	}
	return m.put(a, e)
}

func (m *Memory) CreateAccount(_ context.Context, a identity.Account, e identity.AuditEntry) error {
	defer m.mu.Unlock()
	if err := m.lock(); err != nil {
		return err
	}
	return m.put(a, e)
}

func (m *Memory) put(a identity.Account, e identity.AuditEntry) error {
	if _, ok := m.accounts[a.Name]; ok {
		return identity.ErrExists
	}
	if m.accounts == nil {
		m.accounts = map[string]identity.Account{}
	}
	a.Revision = 1
	m.accounts[a.Name] = a
	m.audit = append(m.audit, e)
	return nil
}

func (m *Memory) UpdateAccount(_ context.Context, a identity.Account, e identity.AuditEntry) error {
	defer m.mu.Unlock()
	if err := m.lock(); err != nil {
		return err
	}
	have, ok := m.accounts[a.Name]
	switch {
	case !ok:
		return identity.ErrNotFound
	case have.Revision != a.Revision:
		return identity.ErrConflict
	case identity.LeavesNoAdministrator(m.sorted(), a):
		return identity.ErrLastAdministrator
	}
	a.Revision++
	m.accounts[a.Name] = a
	m.audit = append(m.audit, e)
	return nil
}

func (m *Memory) Tokens(_ context.Context, account string) ([]identity.Token, error) {
	defer m.mu.Unlock()
	if err := m.lock(); err != nil {
		return nil, err
	}
	var out []identity.Token
	for _, t := range m.tokens {
		if account == "" || t.Account == account {
			out = append(out, t)
		}
	}
	slices.SortFunc(out, func(a, b identity.Token) int {
		if c := a.Created.Compare(b.Created); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return out, nil
}

func (m *Memory) TokenBySum(_ context.Context, sum identity.TokenSum) (identity.Token, error) {
	defer m.mu.Unlock()
	if err := m.lock(); err != nil {
		return identity.Token{}, err
	}
	for _, t := range m.tokens {
		if t.Sum == sum {
			return t, nil
		}
	}
	return identity.Token{}, identity.ErrNotFound
}

func (m *Memory) CreateToken(_ context.Context, t identity.Token, e identity.AuditEntry) error {
	defer m.mu.Unlock()
	if err := m.lock(); err != nil {
		return err
	}
	for _, have := range m.tokens {
		if have.ID == t.ID || have.Sum == t.Sum {
			return identity.ErrExists
		}
	}
	if _, ok := m.accounts[t.Account]; !ok {
		return fmt.Errorf("account %q: %w", t.Account, identity.ErrNotFound)
	}
	m.tokens = append(m.tokens, t)
	m.audit = append(m.audit, e)
	return nil
}

func (m *Memory) RevokeToken(_ context.Context, id string, at time.Time, e identity.AuditEntry) error {
	defer m.mu.Unlock()
	if err := m.lock(); err != nil {
		return err
	}
	for i := range m.tokens {
		if m.tokens[i].ID != id {
			continue
		}
		if m.tokens[i].Revoked.IsZero() {
			m.tokens[i].Revoked = at
			m.audit = append(m.audit, e)
		}
		return nil
	}
	return identity.ErrNotFound
}

func (m *Memory) TouchToken(_ context.Context, id string, at time.Time) error {
	defer m.mu.Unlock()
	if err := m.lock(); err != nil {
		return err
	}
	for i := range m.tokens {
		if m.tokens[i].ID == id {
			m.tokens[i].LastUsed = at
		}
	}
	return nil
}

func (m *Memory) Session(_ context.Context, key string, now time.Time) ([]byte, error) {
	defer m.mu.Unlock()
	if err := m.lock(); err != nil {
		return nil, err
	}
	s, ok := m.sessions[key]
	if !ok || !now.Before(s.expires) {
		return nil, nil
	}
	return slices.Clone(s.data), nil
}

func (m *Memory) SaveSession(_ context.Context, key string, data []byte, expires time.Time) error {
	defer m.mu.Unlock()
	if err := m.lock(); err != nil {
		return err
	}
	if m.sessions == nil {
		m.sessions = map[string]session{}
	}
	m.sessions[key] = session{data: slices.Clone(data), expires: expires}
	return nil
}

func (m *Memory) DeleteSession(_ context.Context, key string) error {
	defer m.mu.Unlock()
	if err := m.lock(); err != nil {
		return err
	}
	delete(m.sessions, key)
	return nil
}

func (m *Memory) DeleteExpiredSessions(_ context.Context, now time.Time) error {
	defer m.mu.Unlock()
	if err := m.lock(); err != nil {
		return err
	}
	for key, s := range m.sessions {
		if !now.Before(s.expires) {
			delete(m.sessions, key)
		}
	}
	return nil
}

func (m *Memory) Record(_ context.Context, e identity.AuditEntry) error {
	defer m.mu.Unlock()
	if err := m.lock(); err != nil {
		return err
	}
	m.audit = append(m.audit, e)
	return nil
}

func (m *Memory) RecordLogin(_ context.Context, account string, at time.Time, e identity.AuditEntry) error {
	defer m.mu.Unlock()
	if err := m.lock(); err != nil {
		return err
	}
	a, ok := m.accounts[account]
	if !ok {
		return identity.ErrNotFound
	}
	a.LastLogin = at
	m.accounts[account] = a
	m.audit = append(m.audit, e)
	return nil
}
