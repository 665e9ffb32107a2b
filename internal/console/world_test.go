package console_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/quaywatch/quaywatch/internal/console"
	"github.com/quaywatch/quaywatch/internal/console/consoletest"
	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/identity"
	"github.com/quaywatch/quaywatch/internal/port"
	"github.com/quaywatch/quaywatch/internal/server"
)

// everything lets the reader do all; what rights do is tested by itself.
func everything(context.Context, identity.Action, identity.Resource) bool { return true }

// depsOf joins a console to a made-up world.
func depsOf(w *consoletest.World) console.Deps {
	return console.Deps{
		Port: func() *port.Port { return w.Port }, Desk: w.Desk,
		Vessels: w.Vessels, Network: w.Network, Physical: w.Physical, Health: w.Health,
		Activity: w, Now: w.Now, Allowed: everything, PortPath: "saltmere.yaml", Feeds: feedsOut, History: w, Risk: w.Risk, Graph: w.Graph, Boards: newArchive(w), Weak: newNotices(w, 12), Reconcile: newDecisions(), Past: w.Past(),
		Walls: wallsOf(w), Narrow: w.Narrow, Listening: w.Listening,
	}
}

// wallsOf are the firewalls of the made-up world, judged once.
func wallsOf(w *consoletest.World) func(context.Context) *console.Walls {
	made := sync.OnceValue(func() *console.Walls { return console.NewWalls(w.Walls(), nil, consoletest.Now) })
	return func(context.Context) *console.Walls { return made() }
}

// feedsOut are two AIS feeds out: one that is read, and one that nobody reads.
func feedsOut() []server.FeedStatus {
	return []server.FeedStatus{
		{ID: "vts", Mode: "flag", Address: "10.30.1.2:10110", Clients: []string{"10.30.1.9:53122", "10.30.1.10:53944"},
			FeedCounts: server.FeedCounts{Sent: 1_204_881, Marked: 412, Copies: 39_114, Slow: 1}, DelayP50: 0.121, DelayP99: 0.243},
		{ID: "pilots", Mode: "drop", Address: "127.0.0.1:10111", Clients: []string{}},
	}
}

func newWorld(t testing.TB, assets, findings int) *consoletest.World {
	t.Helper()
	w, err := consoletest.New(assets, findings)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func newConsole(t testing.TB, d console.Deps) *console.Console {
	t.Helper()
	c, err := console.New(d)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// signedIn puts an account into each request, as the server does.
func signedIn(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		account := identity.Account{Name: "soc", Display: "SOC desk", Roles: []identity.Role{identity.Analyst}}
		h.ServeHTTP(w, r.WithContext(identity.With(r.Context(), identity.Principal{Account: account})))
	})
}

// serve runs a console on loopback for a browser.
func serve(t testing.TB, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(signedIn(h))
	t.Cleanup(s.Close)
	return s.URL
}

// attackID is the finding of the attack from camera to terminal operating system.
var attackID = finding.ID("cross.camera-to-tos", finding.Subject{Kind: "chain", ID: "cam-17>nvr-2>tos-app-2"})
