package cli

import (
	"strings"
	"testing"

	"github.com/quaywatch/quaywatch/internal/advisory"
	"github.com/quaywatch/quaywatch/internal/event"
)

func TestAdvisoryCannotSteerTheTerminal(t *testing.T) {
	e := advisory.Entry{Advisory: event.Advisory{ID: "X-1", Title: "\x1b]0;owned\a\x1b[31mrød\u009b2J\u202eevil", Vendors: []string{"V\r\n\x1b[2J"}}}
	var out strings.Builder
	if err := printAdvisory(plain{&out}, &e, false); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	if strings.ContainsAny(text, "\x1b\a\r\u009b\u202e") {
		t.Errorf("control characters reach the terminal: %q", text)
	}
	if !strings.Contains(text, "·]0;owned··[31mrød·2J·evil") {
		t.Errorf("the words are gone: %q", text)
	}
}
