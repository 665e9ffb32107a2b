package identity

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/alexedwards/scs/v2"
)

// Limits of a browser session.
const (
	SessionIdle = 30 * time.Minute // without any request
	SessionLife = 12 * time.Hour   // one long watch, whatever happens
)

const (
	keyAccount    = "account"
	keyGeneration = "generation"

	// touchEvery spares a write for each request: the idle limit is kept to
	// this precision.
	touchEvery = time.Minute
)

// Sessions are the browser sessions. Load wraps a handler; the rest is called
// below it.
type Sessions struct {
	service *Service
	manager *scs.SessionManager
}

// Sessions returns the browser sessions of the service. With secure the cookie
// goes over TLS only and is bound to this host (prefix __Host-, RFC 6265bis).
// failed writes the answer where the store of sessions fails.
func (s *Service) Sessions(secure bool, failed func(http.ResponseWriter, *http.Request, error)) *Sessions {
	name := "quaywatch"
	if secure {
		name = "__Host-quaywatch"
	}
	// Not scs.New: it starts a goroutine, for a store in memory, that never ends.
	m := &scs.SessionManager{
		IdleTimeout: SessionIdle, Lifetime: SessionLife,
		Store: newSessionStore(s.store, s.now), Codec: sessionCodec{},
		HashTokenInStore: true, // who reads the database can't take a session over
		ErrorFunc:        failed,
		Cookie: scs.SessionCookie{
			Name: name, Path: "/", Secure: secure, HttpOnly: true, SameSite: http.SameSiteStrictMode, Persist: false,
		},
	}
	return &Sessions{service: s, manager: m}
}

// Load reads the session of each request for next and saves it.
func (ss *Sessions) Load(next http.Handler) http.Handler { return ss.manager.LoadAndSave(next) }

// Begin starts a session of the account under a new key, so that a key known
// from before the login is worth nothing afterwards.
func (ss *Sessions) Begin(ctx context.Context, a Account) error {
	if err := ss.manager.Clear(ctx); err != nil {
		return fmt.Errorf("begin a session of %s: %w", a.Name, err)
	}
	if err := ss.manager.RenewToken(ctx); err != nil {
		return fmt.Errorf("begin a session of %s: %w", a.Name, err)
	}
	ss.manager.Put(ctx, keyAccount, a.Name)
	ss.manager.Put(ctx, keyGeneration, strconv.FormatInt(a.Generation, 10))
	return nil
}

// End ends the session.
func (ss *Sessions) End(ctx context.Context) error { return ss.manager.Destroy(ctx) }

// Deadline is when the session ends whatever happens.
func (ss *Sessions) Deadline(ctx context.Context) time.Time { return ss.manager.Deadline(ctx) }

// Touch reads the session of a long request anew and counts the request as
// activity: a live screen must not go dark on a quiet night. It reports false
// where the session was ended or has come to its absolute end.
func (ss *Sessions) Touch(ctx context.Context) (bool, error) {
	key := ss.manager.Token(ctx)
	if key == "" {
		return false, nil
	}
	// The context of the request holds the session as it was at the start.
	fresh, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	fresh, err := ss.manager.Load(fresh, key)
	if err != nil {
		return false, fmt.Errorf("read a session: %w", err)
	}
	if ss.manager.GetString(fresh, keyAccount) == "" || !time.Now().Before(ss.manager.Deadline(fresh)) {
		return false, nil
	}
	if _, _, err := ss.manager.Commit(fresh); err != nil {
		return false, fmt.Errorf("save a session: %w", err)
	}
	return true, nil
}

// Principal returns who the session of the request belongs to. ErrDenied where
// there is none or it is no longer good; it is ended then.
func (ss *Sessions) Principal(ctx context.Context) (Principal, error) {
	name := ss.manager.GetString(ctx, keyAccount)
	if name == "" {
		return Principal{}, ErrDenied
	}
	generation, err := strconv.ParseInt(ss.manager.GetString(ctx, keyGeneration), 10, 64)
	if err != nil {
		return Principal{}, ErrDenied
	}
	p, err := ss.service.SessionPrincipal(ctx, name, generation)
	if errors.Is(err, ErrDenied) {
		if err := ss.End(ctx); err != nil {
			ss.service.log.Warn("could not end a session", "account", name, "error", err)
		}
	}
	return p, err
}

// Sweep deletes expired sessions every ten minutes until ctx is done.
func (ss *Sessions) Sweep(ctx context.Context) {
	tick := time.NewTicker(10 * time.Minute)
	defer tick.Stop()
	for {
		if err := ss.service.store.DeleteExpiredSessions(ctx, ss.service.now().UTC()); err != nil && ctx.Err() == nil {
			ss.service.log.Log(ctx, slog.LevelWarn, "could not delete expired sessions", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// sessionCodec writes a session as JSON with text values. The same session
// gives the same bytes, and no type can be smuggled in.
type sessionCodec struct{}

type sessionRecord struct {
	Deadline time.Time         `json:"deadline"`
	Values   map[string]string `json:"values"`
}

func (sessionCodec) Encode(deadline time.Time, values map[string]any) ([]byte, error) {
	r := sessionRecord{Deadline: deadline, Values: make(map[string]string, len(values))}
	for k, v := range values {
		text, ok := v.(string)
		if !ok {
			return nil, fmt.Errorf("session value %q is %T, want text", k, v)
		}
		r.Values[k] = text
	}
	return json.Marshal(r)
}

func (sessionCodec) Decode(b []byte) (time.Time, map[string]any, error) {
	var r sessionRecord
	if err := json.Unmarshal(b, &r); err != nil {
		return time.Time{}, nil, fmt.Errorf("read a session: %w", err)
	}
	values := make(map[string]any, len(r.Values))
	for k, v := range r.Values {
		values[k] = v
	}
	return r.Deadline, values, nil
}

// sessionStore fits Store to scs. It leaves out writes that would only move the
// end of a session by less than touchEvery, and refuses to save a session that
// was ended a moment ago: a slower request of the same browser would otherwise
// bring it back after the logout.
type sessionStore struct {
	store Store
	now   func() time.Time

	mu    sync.Mutex
	saved map[string]time.Time // key to the end that is in the store
	ended map[string]bool
}

const maxRemembered = 10_000 // keys in each map; then it starts anew

func newSessionStore(store Store, now func() time.Time) *sessionStore {
	return &sessionStore{store: store, now: now, saved: map[string]time.Time{}, ended: map[string]bool{}}
}

// FindCtx implements scs.CtxStore.
func (s *sessionStore) FindCtx(ctx context.Context, key string) ([]byte, bool, error) {
	data, err := s.store.Session(ctx, key, s.now().UTC())
	return data, err == nil && data != nil, err
}

// CommitCtx implements scs.CtxStore.
func (s *sessionStore) CommitCtx(ctx context.Context, key string, data []byte, expires time.Time) error {
	s.mu.Lock()
	ended := s.ended[key]
	saved, known := s.saved[key]
	s.mu.Unlock()
	// What is under a key never changes after the first save: Begin makes a new
	// key. So only the end can differ.
	if ended || known && expires.Sub(saved) < touchEvery {
		return nil
	}
	if err := s.store.SaveSession(ctx, key, data, expires.UTC()); err != nil {
		return fmt.Errorf("save a session: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended[key] { // while it was being written
		return s.store.DeleteSession(ctx, key)
	}
	if len(s.saved) >= maxRemembered {
		clear(s.saved)
	}
	s.saved[key] = expires
	return nil
}

// DeleteCtx implements scs.CtxStore.
func (s *sessionStore) DeleteCtx(ctx context.Context, key string) error {
	s.mu.Lock()
	if len(s.ended) >= maxRemembered {
		clear(s.ended)
	}
	s.ended[key] = true
	delete(s.saved, key)
	s.mu.Unlock()
	if err := s.store.DeleteSession(ctx, key); err != nil {
		return fmt.Errorf("end a session: %w", err)
	}
	return nil
}

// Find implements scs.Store, which scs wants beside the methods with a context.
func (s *sessionStore) Find(key string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), key)
}

// Commit implements scs.Store.
func (s *sessionStore) Commit(key string, data []byte, expires time.Time) error {
	return s.CommitCtx(context.Background(), key, data, expires)
}

// Delete implements scs.Store.
func (s *sessionStore) Delete(key string) error { return s.DeleteCtx(context.Background(), key) }
