package datadir

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSecondOwnerIsToldWhoHoldsIt(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	first, err := Acquire(dir, "serve")
	if err != nil {
		t.Fatal(err)
	}
	if err := first.SetAddress("https://127.0.0.1:8642"); err != nil {
		t.Fatal(err)
	}
	_, err = Acquire(dir, "store verify")
	var locked *LockedError
	if !errors.As(err, &locked) {
		t.Fatalf("second Acquire: got %v, want a LockedError", err)
	}
	if locked.PID != os.Getpid() || locked.Command != "serve" {
		t.Errorf("told %+v, want this process as 'serve'", locked.Info)
	}
	for _, want := range []string{"quaywatch serve", "https://127.0.0.1:8642", dir} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("message %q lacks %q", err, want)
		}
	}
	if err := first.Release(); err != nil {
		t.Fatal(err)
	}
	second, err := Acquire(dir, "store verify")
	if err != nil {
		t.Fatalf("after Release: %v", err)
	}
	defer second.Release()
}

func TestLockOfUnknownOwnerIsStillALock(t *testing.T) {
	dir := t.TempDir()
	l, err := Acquire(dir, "serve")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Release()
	if err := os.WriteFile(filepath.Join(dir, lockFile), []byte("\x00{"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = Acquire(dir, "serve")
	var locked *LockedError
	if !errors.As(err, &locked) || !strings.Contains(err.Error(), "did not say who") {
		t.Fatalf("got %v", err)
	}
}
