package identity

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

func TestCheckPassword(t *testing.T) {
	for _, tc := range []struct {
		name, account, password string
		ok                      bool
	}{
		{"words", "jane", "three grey herons wade", true},
		{"long with one kind of character", "jane", "threegreyheronswade", true},
		{"twelve", "jane", "kq3 zvw9 plm", true},
		{"twelve of another script", "jane", "тихая гавань", true},
		{"not only the account", "jane", "jane sells seashells", true},
		{"eleven", "jane", "kq3 zvw9 pl", false},
		{"eleven with two bytes each", "jane", "тихая гаван", false},
		{"empty", "jane", "", false},
		{"account", "saltmere-harbour", "Saltmere-Harbour", false},
		{"account with a year", "saltmere-harbour", "saltmere-harbour2026!", false},
		{"worst", "jane", "passwordpassword", false},
		{"worst with a year", "jane", "Password2026!", false},
		{"worst with swaps", "jane", "P@55w0rd2026", false},
		{"worst twice", "jane", "changemechangeme", false},
		{"product", "jane", "Quaywatch2026", false},
		{"one character", "jane", "aaaaaaaaaaaaaa", false},
		{"few characters", "jane", "abc1abc1abc1", false},
		{"digits", "jane", "123456789012", false},
		{"digits down", "jane", "987654321098", false},
		{"keys", "jane", "qwertyuiop12345", false},
		{"columns", "jane", "1qaz2wsx3edc", false},
		{"not text", "jane", "three grey \xff herons", false},
		{"endless", "jane", strings.Repeat("three grey ", 100), false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := CheckPassword(tc.account, tc.password)
			if (err == nil) != tc.ok {
				t.Fatalf("error %v, want ok %t", err, tc.ok)
			}
			if err != nil && (!errors.Is(err, ErrInvalid) || tc.password != "" && strings.Contains(err.Error(), tc.password)) {
				t.Errorf("error %v", err)
			}
		})
	}
}

// TestWorstListIsInItsForm keeps the list from holding what could never match.
func TestWorstListIsInItsForm(t *testing.T) {
	if len(worst) < 80 {
		t.Errorf("the list has %d stems", len(worst))
	}
	for w := range worst {
		if w != stem(strings.ToLower(w)) {
			t.Errorf("%q is not a stem", w)
		}
	}
}

func TestPHCRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := phc{
			Params: Params{
				Memory:  rapid.Uint32Range(8, maxMemory).Draw(t, "m"),
				Time:    rapid.Uint32Range(1, maxTime).Draw(t, "t"),
				Threads: rapid.Uint8Range(1, maxThreads).Draw(t, "p"),
			},
			salt: rapid.SliceOfN(rapid.Byte(), 8, 64).Draw(t, "salt"),
			tag:  rapid.SliceOfN(rapid.Byte(), 16, 64).Draw(t, "tag"),
		}
		got, err := parsePHC(h.String())
		if err != nil || got.String() != h.String() {
			t.Fatalf("%s: got %s, %v", h, got, err)
		}
	})
}

// TestPHCOfTheReference checks a hash that the reference implementation of
// argon2 prints in its test suite (phc-winner-argon2, src/test.c: t=2, m=64 MiB,
// p=1, "password", "somesalt").
func TestPHCOfTheReference(t *testing.T) {
	h, err := parsePHC("$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")
	if err != nil {
		t.Fatal(err)
	}
	if !h.matches([]byte("password")) || h.matches([]byte("Password")) {
		t.Error("the hash does not tell the password apart")
	}
	if !h.weakerThan(Recommended) {
		t.Error("two passes are not weaker than three")
	}
}

func TestRecommendedIsRFC9106(t *testing.T) {
	if Recommended.Memory < 64*1024 || Recommended.Time < 3 || Recommended.Threads < 4 || saltBytes < 16 || tagBytes < 32 {
		t.Errorf("%+v is below the second recommended option", Recommended)
	}
}

func FuzzParsePHC(f *testing.F) {
	f.Add("$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")
	f.Add("$argon2i$v=19$m=65536,t=3,p=4$$")
	f.Add("$argon2id$v=19$m=99999999999,t=3,p=4$c29tZXNhbHQ$AA")
	f.Fuzz(func(t *testing.T, s string) {
		h, err := parsePHC(s)
		if err != nil {
			return
		}
		if h.String() != s {
			t.Errorf("accepted %q, writes %q", s, h)
		}
		if h.Memory > maxMemory || h.Time > maxTime || h.Threads > maxThreads || h.Threads == 0 {
			t.Errorf("accepted costs %+v", h.Params)
		}
	})
}

func TestHashesAreBounded(t *testing.T) {
	h, err := newHasher(Params{Memory: 8, Time: 1, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	var release []func()
	for range cap(h.slots) {
		free, err := h.acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		release = append(release, free)
	}
	// Fill the queue, each with a context that we end.
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range maxWaiting {
		wg.Go(func() {
			if _, err := h.acquire(ctx); !errors.Is(err, context.Canceled) {
				t.Errorf("a waiting login got %v", err)
			}
		})
	}
	for h.waiting.Load() < maxWaiting {
		runtime.Gosched()
	}
	if _, err := h.acquire(t.Context()); !errors.Is(err, ErrBusy) {
		t.Errorf("one too many: %v", err)
	}
	cancel()
	wg.Wait()
	for _, free := range release {
		free()
	}
	if free, err := h.acquire(t.Context()); err != nil {
		t.Errorf("after the flood: %v", err)
	} else {
		free()
	}
}

func TestUnknownAccountCostsAHash(t *testing.T) {
	h, err := newHasher(Params{Memory: 8, Time: 1, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	if h.dummy.Params != h.params {
		t.Errorf("an unknown account costs %+v, a known one %+v", h.dummy.Params, h.params)
	}
	for _, stored := range []string{"", "$argon2id$v=19$broken"} {
		if ok, _, _ := h.check(t.Context(), stored, ""); ok {
			t.Errorf("stored %q fits", stored)
		}
	}
}

func TestWeakHashIsMadeAnew(t *testing.T) {
	weak, err := newHasher(Params{Memory: 8, Time: 1, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	stored, err := weak.hash(t.Context(), "three grey herons wade")
	if err != nil {
		t.Fatal(err)
	}
	strong, err := newHasher(Params{Memory: 16, Time: 1, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	if ok, old, err := strong.check(t.Context(), stored, "three grey herons wade"); !ok || !old || err != nil {
		t.Errorf("ok %t, weak %t, %v", ok, old, err)
	}
}

// BenchmarkLogin is the cost of one password check with the true costs.
func BenchmarkLogin(b *testing.B) {
	h, err := newHasher(Recommended)
	if err != nil {
		b.Fatal(err)
	}
	stored, err := h.hash(b.Context(), "three grey herons wade")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if ok, _, err := h.check(b.Context(), stored, "three grey herons wade"); !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}
