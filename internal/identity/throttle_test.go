package identity

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

func testThrottle() (*throttle, *time.Time) {
	at := time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)
	return newThrottle(func() time.Time { return at }), &at
}

func TestThrottleDoubles(t *testing.T) {
	th, at := testThrottle()
	s := time.Second
	var got []time.Duration
	for range 13 {
		if wait := th.begin("jane", "192.0.2.7"); wait != 0 {
			t.Fatalf("after the wait it says wait %s more", wait)
		}
		// What the entry of the account asks for; the address waits by its own rule.
		entry := th.entry("name\x00jane", *at)
		got = append(got, max(0, entry.after.Sub(*at)))
		*at = at.Add(accountRule.most)
	}
	want := []time.Duration{0, 0, s, 2 * s, 4 * s, 8 * s, 16 * s, 32 * s, 64 * s, 128 * s, 256 * s, 300 * s, 300 * s}
	if !slices.Equal(got, want) {
		t.Errorf("waits %v, want %v", got, want)
	}
	*at = at.Add(throttleQuit + time.Second)
	if wait := th.begin("jane", "192.0.2.7"); wait != 0 || th.entry("name\x00jane", *at).failures != 1 {
		t.Errorf("an hour of quiet is not forgotten: wait %s", wait)
	}
}

func TestThrottleByAddress(t *testing.T) {
	th, _ := testThrottle()
	for i := range addressRule.free {
		if wait := th.begin(fmt.Sprintf("name%d", i), "2001:db8::1"); wait != 0 {
			t.Fatalf("try %d waits %s", i, wait)
		}
	}
	if th.begin("other", "2001:db8::2") == 0 {
		t.Error("the next address of the same /64 goes free")
	}
	if th.begin("other", "2001:db8:1::2") != 0 {
		t.Error("another network waits")
	}
}

func TestThrottleForgivesSuccess(t *testing.T) {
	th, _ := testThrottle()
	for range 100 { // a whole shift behind one address
		if wait := th.begin("jane", "192.0.2.7"); wait != 0 {
			t.Fatalf("an honest login waits %s", wait)
		}
		th.succeeded("jane", "192.0.2.7")
	}
}

// TestThrottleCannotLockTheOwnerOut: somebody elsewhere guesses at a password,
// its owner logs in from the usual desk.
func TestThrottleCannotLockTheOwnerOut(t *testing.T) {
	th, _ := testThrottle()
	th.begin("jane", "192.0.2.7")
	th.succeeded("jane", "192.0.2.7")
	for i := range 50 {
		th.begin("jane", fmt.Sprintf("198.51.100.%d", i))
	}
	if th.begin("jane", "198.51.100.200") == 0 {
		t.Error("guessing from many addresses is not slowed")
	}
	if wait := th.begin("jane", "192.0.2.7"); wait != 0 {
		t.Errorf("the owner waits %s", wait)
	}
	for range 5 {
		th.begin("jane", "192.0.2.7")
	}
	if th.begin("jane", "192.0.2.7") == 0 {
		t.Error("the usual desk may guess for ever")
	}
}

func TestThrottleIsBounded(t *testing.T) {
	th, at := testThrottle()
	for i := range 3 * maxThrottled {
		*at = at.Add(time.Millisecond)
		name, address := fmt.Sprintf("n%d", i), fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255)
		th.begin(name, address)
		th.succeeded(name, address)
	}
	for i := range 3 * maxThrottled {
		th.begin(fmt.Sprintf("m%d", i), fmt.Sprintf("11.%d.%d.%d", i>>16, i>>8&255, i&255))
	}
	if len(th.entries) > maxThrottled || th.order.Len() != len(th.entries) {
		t.Errorf("%d entries, %d in order", len(th.entries), th.order.Len())
	}
	if len(th.known) > maxKnown || th.recent.Len() != len(th.known) {
		t.Errorf("%d pairs, %d in order", len(th.known), th.recent.Len())
	}
}

func TestThrottleCountsBeforeTheAnswer(t *testing.T) {
	th, _ := testThrottle()
	free := 0
	for range 20 { // all at once, none judged yet
		if th.begin("jane", "192.0.2.7") == 0 {
			free++
		}
	}
	if free != accountRule.free {
		t.Errorf("%d tries at once went through, want %d", free, accountRule.free)
	}
	th.undo("jane", "192.0.2.7")
	if th.begin("jane", "192.0.2.7") != 0 {
		t.Error("a try that was taken back still counts")
	}
}
