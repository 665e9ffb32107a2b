package cross

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/port"
)

// TestExamplePort plays the story of the example port against its own file:
// the cabinet is an area of its own, and the camera stands outside its door.
func TestExamplePort(t *testing.T) {
	p, err := port.Load(filepath.Join("..", "..", "..", "examples", "saltmere", "port.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var recorder, server finding.Subject
	for i := range p.Assets {
		switch a := &p.Assets[i]; {
		case a.Kind == "video-recorder" && recorder.ID == "":
			recorder = asset(a.ID)
		case a.Kind == "tos-server" && server.ID == "":
			server = asset(a.ID)
		}
	}
	got := run(t, p, door(0, "physical.forced-door", "rdr-q3-07"), device(4, "network.scan", "camera-17"),
		undeclared(6.5, camera, recorder), undeclared(9, recorder, server))
	if len(got) != 1 || got[0].Subject.ID != "camera-17" || got[0].Grade != finding.Confirmed || got[0].Severity != finding.Alarm {
		t.Fatalf("%d chains, want one confirmed alarm from camera-17: %+v", len(got), got)
	}
	if f := got[0]; len(f.Links) != 3 || !strings.HasPrefix(f.Title, "Camera 17 is reaching ") || len(f.Services) == 0 {
		t.Errorf("title %q over %d hops, services %v", f.Title, len(f.Links), f.Services)
	}
	t.Log(got[0].Title, "|", got[0].Summary, "|", strings.Join(got[0].Next, "; "))
}

// TestOtherDoorsOfTheYard: a workshop that opens onto the same terminal was held
// open for a delivery meanwhile. That is no part of what happened at the cabinet.
func TestOtherDoorsOfTheYard(t *testing.T) {
	p, err := port.Load(filepath.Join("..", "..", "..", "examples", "saltmere", "port.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	tosServer := asset("tos-db-2")
	knock := tried(undeclared(4, camera, nvr))
	knock.Facts[0].Text = "a knock without an answer"
	got := run(t, p, door(-2, "physical.held-door", "rdr-workshop"), door(0, "physical.forced-door", "rdr-q3-07"),
		knock, undeclared(6, camera, nvr), undeclared(9, nvr, tosServer))
	if len(got) != 1 {
		t.Fatalf("%d chains, want one", len(got))
	}
	var texts []string
	for _, f := range got[0].Facts {
		texts = append(texts, f.Text)
	}
	all := strings.Join(texts, "\n")
	if strings.Contains(all, "rdr-workshop") || !strings.Contains(all, "rdr-q3-07") {
		t.Errorf("the facts are\n%s\nwant the cabinet and not the workshop", all)
	}
	if !strings.Contains(all, "camera-17 reached nvr-2") {
		t.Errorf("the facts are\n%s\nwant the answered conversation too, after the knock", all)
	}
}
