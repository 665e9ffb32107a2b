package identity

import (
	"container/list"
	"fmt"
	"net/netip"
	"sync"
	"time"
)

// ThrottledError means that the next try is accepted only after Wait.
type ThrottledError struct{ Wait time.Duration }

func (e *ThrottledError) Error() string {
	return fmt.Sprintf("too many tries, wait %s", e.Wait.Round(time.Second))
}

// throttle slows guessing down, by account and by address. Waiting doubles
// with each failure and is forgotten after an hour of quiet or a success. It
// lives in memory with a bound: a restart forgets it, which an attacker cannot
// cause from outside.
//
// A name that does not exist is throttled like one that does, so the answer
// tells nothing. An account that logged in from an address lately is judged for
// that address apart, so that somebody elsewhere who guesses at its password
// cannot keep its owner out.
type throttle struct {
	now func() time.Time

	mu      sync.Mutex
	entries map[string]*list.Element // of *throttleEntry
	order   *list.List               // most recently used first
	known   map[string]*list.Element // of knownPair: account and address that succeeded
	recent  *list.List
}

type throttleEntry struct {
	key      string
	failures int
	after    time.Time // no try before
	last     time.Time
}

type throttleRule struct {
	free int           // tries without waiting
	most time.Duration // longest wait
}

const (
	maxThrottled = 10_000          // entries kept; the least recently used goes
	maxKnown     = 2_000           // pairs kept
	throttleQuit = time.Hour       // of quiet, then forgotten
	firstWait    = 1 * time.Second // after the free tries, then doubled
)

var (
	accountRule = throttleRule{free: 3, most: 5 * time.Minute}
	addressRule = throttleRule{free: 10, most: 15 * time.Minute}
)

func newThrottle(now func() time.Time) *throttle {
	return &throttle{
		now: now, entries: map[string]*list.Element{}, order: list.New(),
		known: map[string]*list.Element{}, recent: list.New(),
	}
}

// begin counts a try before it is made, so that many at once are not judged
// free together. It returns how long to wait instead, 0 to go on.
func (t *throttle) begin(account, address string) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	account, address = t.keys(account, address)
	now := t.now()
	a, b := t.entry(account, now), t.entry(address, now)
	if wait := max(a.after.Sub(now), b.after.Sub(now)); wait > 0 {
		return wait
	}
	a.count(accountRule, now)
	b.count(addressRule, now)
	return 0
}

// succeeded takes the count of the account away and one try off the address:
// an address that many people share must not fill up by honest logins.
func (t *throttle) succeeded(account, address string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	accountKey, addressKey := t.keys(account, address)
	t.drop(accountKey)
	if e, ok := t.entries[addressKey]; ok {
		entry := e.Value.(*throttleEntry)
		entry.failures = max(0, entry.failures-1)
		entry.after = time.Time{}
	}
	t.remember(account + "\x00" + network(address))
}

// undo takes a begun try back that was not judged (the machine was busy).
func (t *throttle) undo(account, address string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, key := range pair(t.keys(account, address)) {
		if e, ok := t.entries[key]; ok {
			entry := e.Value.(*throttleEntry)
			entry.failures = max(0, entry.failures-1)
			entry.after = time.Time{}
		}
	}
}

func pair(a, b string) [2]string { return [2]string{a, b} }

func (t *throttle) keys(account, address string) (string, string) {
	address = network(address)
	if e, ok := t.known[account+"\x00"+address]; ok {
		t.recent.MoveToFront(e)
		return "pair\x00" + account + "\x00" + address, "addr\x00" + address
	}
	return "name\x00" + account, "addr\x00" + address
}

// entry returns the entry of the key, a fresh one where it was quiet for long.
func (t *throttle) entry(key string, now time.Time) *throttleEntry {
	if e, ok := t.entries[key]; ok {
		t.order.MoveToFront(e)
		entry := e.Value.(*throttleEntry)
		if now.Sub(entry.last) > throttleQuit {
			*entry = throttleEntry{key: key, last: now}
		}
		return entry
	}
	entry := &throttleEntry{key: key, last: now}
	t.entries[key] = t.order.PushFront(entry)
	if t.order.Len() > maxThrottled {
		t.drop(t.order.Back().Value.(*throttleEntry).key)
	}
	return entry
}

func (e *throttleEntry) count(rule throttleRule, now time.Time) {
	e.failures++
	e.last = now
	over := e.failures - rule.free
	if over < 0 {
		return
	}
	wait := rule.most
	if over < 20 { // more would overflow the shift, and is over the most anyway
		wait = min(firstWait<<over, rule.most)
	}
	e.after = now.Add(wait)
}

func (t *throttle) drop(key string) {
	if e, ok := t.entries[key]; ok {
		t.order.Remove(e)
		delete(t.entries, key)
	}
}

func (t *throttle) remember(key string) {
	if e, ok := t.known[key]; ok {
		t.recent.MoveToFront(e)
		return
	}
	t.known[key] = t.recent.PushFront(key)
	if t.recent.Len() > maxKnown {
		back := t.recent.Back()
		t.recent.Remove(back)
		delete(t.known, back.Value.(string))
	}
}

// network is what an address counts as: an IPv4 address by itself, an IPv6
// address by its /64, which one person has the whole of.
func network(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return "?"
	}
	ip = ip.Unmap().WithZone("")
	if ip.Is4() {
		return ip.String()
	}
	p, err := ip.Prefix(64)
	if err != nil {
		return "?"
	}
	return p.String()
}
