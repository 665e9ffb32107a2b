package identity

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"

	"golang.org/x/crypto/argon2"
)

// ErrBusy means that too many passwords are being checked at this moment.
var ErrBusy = errors.New("too many logins at once, try again in a few seconds")

const (
	maxHashing = 4  // hashes at once at the most: 4 × 64 MiB
	maxWaiting = 32 // requests that wait for their turn; more are refused at once
)

// hasher makes and checks password hashes, a few at a time, so that a flood of
// logins costs waiting and never the memory of the machine.
type hasher struct {
	params  Params
	slots   chan struct{}
	waiting atomic.Int32
	dummy   phc // checked for accounts that do not exist, so that they take as long
}

func newHasher(p Params) (*hasher, error) {
	if p.Memory < 8*uint32(p.Threads) || p.Memory > maxMemory || p.Time < 1 || p.Time > maxTime || p.Threads < 1 || p.Threads > maxThreads {
		return nil, fmt.Errorf("%w: argon2id costs %+v", ErrInvalid, p)
	}
	h := &hasher{params: p, slots: make(chan struct{}, min(maxHashing, max(1, runtime.GOMAXPROCS(0))))}
	h.dummy = phc{Params: p, salt: make([]byte, saltBytes), tag: make([]byte, tagBytes)}
	rand.Read(h.dummy.salt) // never fails (crypto/rand, Go 1.24)
	rand.Read(h.dummy.tag)
	return h, nil
}

// hash returns the PHC string of the password with a new salt.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	release, err := h.acquire(ctx)
	if err != nil {
		return "", err
	}
	defer release()
	made := phc{Params: h.params, salt: make([]byte, saltBytes)}
	rand.Read(made.salt)
	made.tag = argon2.IDKey([]byte(password), made.salt, h.params.Time, h.params.Memory, h.params.Threads, tagBytes)
	return made.String(), nil
}

// check reports whether the password is that of the stored hash, and whether
// the hash is weaker than what is made today. An empty or damaged hash costs as
// much as a true one and is never right.
func (h *hasher) check(ctx context.Context, stored, password string) (ok, weak bool, err error) {
	release, err := h.acquire(ctx)
	if err != nil {
		return false, false, err
	}
	defer release()
	parsed, err := parsePHC(stored)
	if err != nil {
		h.dummy.matches([]byte(password))
		if stored == "" {
			return false, false, nil
		}
		return false, false, err
	}
	return parsed.matches([]byte(password)), parsed.weakerThan(h.params), nil
}

// acquire waits for a turn.
func (h *hasher) acquire(ctx context.Context) (release func(), err error) {
	if h.waiting.Add(1) > maxWaiting {
		h.waiting.Add(-1)
		return nil, ErrBusy
	}
	defer h.waiting.Add(-1)
	select {
	case h.slots <- struct{}{}:
		return func() { <-h.slots }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("wait to check a password: %w", ctx.Err())
	}
}
