package system

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quaywatch/quaywatch/internal/config"
	"github.com/quaywatch/quaywatch/internal/server"
)

func TestDemoLeavesOtherDirectoriesAlone(t *testing.T) {
	dir := t.TempDir()
	mine := filepath.Join(dir, "port", "port.yaml")
	if err := os.MkdirAll(filepath.Dir(mine), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(mine, []byte("the real port"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Demo(t.Context(), DemoOptions{Listen: "127.0.0.1:0", Dir: dir}); err == nil || !strings.Contains(err.Error(), dir) {
		t.Fatalf("the demo took a directory of somebody else: %v", err)
	}
	if b, err := os.ReadFile(mine); err != nil || string(b) != "the real port" {
		t.Fatalf("the port file that was there: %q, %v", b, err)
	}

	own := filepath.Join(dir, "new", "place")
	for range 2 { // the second time it is known by its mark
		if err := claimDemo(own); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDemoIsForThisMachine(t *testing.T) {
	for host, want := range map[string]bool{
		"127.0.0.1:8642": true, "localhost:8642": true, "LocalHost": true, "[::1]:8642": true, "::1": true, "127.8.9.10:1": true,
		"rebound.example:8642": false, "localhost.rebound.example": false, "127.0.0.1.rebound.example:8642": false, "10.0.0.5:8642": false, "": false,
	} {
		if got := thisMachine(host); got != want {
			t.Errorf("Host %q: %t, want %t", host, got, want)
		}
	}
	dir := t.TempDir()
	if err := writeExample(filepath.Join(dir, "port")); err != nil {
		t.Fatal(err)
	}
	cfg, err := demoConfig(DemoOptions{Dir: dir, Listen: config.DefaultListen}, "127.0.0.1:9", "127.0.0.1:4002")
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), cfg, Options{Command: "demo"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	login, err := s.demoAccount(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	srv, err := s.server(RunOptions{Exercise: "demo"})
	if err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]int{"rebound.example:8642": http.StatusMisdirectedRequest, "127.0.0.1:8642": http.StatusSeeOther} {
		for _, path := range []string{"/", server.PathLogin} {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
			r.Host = host
			r.Header.Set("Accept", "text/html")
			w := httptest.NewRecorder()
			login(srv).ServeHTTP(w, r)
			if given := w.Header().Get("Set-Cookie") != ""; w.Code != want || given != (want == http.StatusSeeOther) {
				t.Errorf("%s%s: %d, cookie %t", host, path, w.Code, given)
			}
		}
	}
}
