package report

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestPrintingWaitsForItsTurn(t *testing.T) {
	dir := t.TempDir()
	ran := filepath.Join(dir, "ran")
	browser := filepath.Join(dir, "browser")
	if err := os.WriteFile(browser, []byte("#!/bin/sh\ntouch '"+ran+"'\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("QUAYWATCH_CHROMIUM", browser)
	for range cap(printing) {
		printing <- struct{}{}
	}
	defer func() {
		for range cap(printing) {
			<-printing
		}
	}()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := printHTML(ctx, []byte("<p>")); !errors.Is(err, context.Canceled) {
		t.Errorf("with all turns taken: %v", err)
	}
	if _, err := os.Stat(ran); err == nil {
		t.Error("another browser was started")
	}
}
