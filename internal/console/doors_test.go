package console_test

import (
	"bytes"
	"image"
	_ "image/png"
	"net/http"
	"testing"

	"github.com/chromedp/cdproto/runtime"

	"github.com/quaywatch/quaywatch/internal/console"
	"github.com/quaywatch/quaywatch/internal/identity"
	"github.com/quaywatch/quaywatch/internal/server"
)

// withDoors serves the pages around the login under /doors/, as the server would.
func withDoors(c *console.Console) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", c)
	mux.HandleFunc("/doors/login", func(w http.ResponseWriter, r *http.Request) {
		c.LoginPage(w, r, server.LoginView{Status: 200, Port: "Port of Saltmere", Name: "soc", Next: "/", Error: "That account and password do not fit together.", Wait: 4})
	})
	mux.HandleFunc("/doors/setup", func(w http.ResponseWriter, r *http.Request) {
		c.SetupPage(w, r, server.SetupView{Status: 200, Port: "Port of Saltmere", Minimum: 12})
	})
	mux.HandleFunc("/doors/password", func(w http.ResponseWriter, r *http.Request) {
		c.PasswordPage(w, r, server.PasswordView{Status: 200, Account: identity.Account{Name: "soc"}, Must: true, Minimum: 12})
	})
	mux.HandleFunc("/doors/problem", func(w http.ResponseWriter, r *http.Request) {
		c.ProblemPage(w, r, server.ProblemView{Status: 200, Title: "Too many requests", Detail: "Wait a minute.", ID: "r-1"})
	})
	return mux
}

// awaitPromise lets an evaluation wait for its promise.
func awaitPromise(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }

// coloured counts the pixels of a PNG near a colour.
func coloured(t *testing.T, png []byte, want [3]int) int {
	t.Helper()
	img, _, err := image.Decode(bytes.NewReader(png))
	if err != nil {
		t.Fatal(err)
	}
	near := func(a uint32, b int) bool { d := int(a>>8) - b; return d > -14 && d < 14 }
	n := 0
	for y := img.Bounds().Min.Y; y < img.Bounds().Max.Y; y++ {
		for x := img.Bounds().Min.X; x < img.Bounds().Max.X; x++ {
			if r, g, b, _ := img.At(x, y).RGBA(); near(r, want[0]) && near(g, want[1]) && near(b, want[2]) {
				n++
			}
		}
	}
	return n
}
