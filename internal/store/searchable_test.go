package store

import (
	"strings"
	"testing"

	"github.com/quaywatch/quaywatch/internal/finding"
)

// TestSearchableOrder: what a change put in stays, whatever a filling that began
// before reads; what is not certain is not answered.
func TestSearchableOrder(t *testing.T) {
	row := func(n int64, text string, same bool) savedRow {
		return savedRow{n: n, text: text, same: same, searchRow: searchRow{id: strings.Repeat("F", int(n)), place: -n}}
	}
	s := newSearchable(3)
	find := func(word string) (int, bool) {
		_, total, ok := s.find(finding.Query{Limit: 10}, []string{word}, nil)
		return total, ok
	}
	if _, ok := find("old"); ok {
		t.Error("an index that was never filled answers")
	}
	s.put([]savedRow{row(1, "new", true)}) // it was there before, with this text
	s.set(&savedRow{n: 1, text: "old", searchRow: searchRow{id: "F"}}, false)
	filled := row(2, "old", false)
	s.set(&filled, false)
	s.filled = true
	for word, want := range map[string]int{"new": 1, "old": 1, "o": 1, "ld": 0} {
		if got, ok := find(word); !ok || got != want {
			t.Errorf("%q finds %d (%v), want %d", word, got, ok, want)
		}
	}
	s.put([]savedRow{row(2, "old", true)})
	if got, _ := find("old"); got != 1 {
		t.Errorf("told again, it is found %d times", got)
	}
	s.distrust()
	if _, ok := find("new"); ok || len(s.doubt) != 1 {
		t.Error("an index that is in doubt answers, or nobody fills it")
	}
	<-s.doubt
	s.filled = true
	s.put([]savedRow{row(3, "last", false), row(4, "one too many", false)})
	if _, ok := find("last"); ok {
		t.Error("an index without all findings answers")
	}
}

// TestPlainLetters: accents don't hide a word.
func TestPlainLetters(t *testing.T) {
	for in, want := range map[string]string{"malmö": "malmo", "abc": "abc", "łódź": "łodz", "": "", "\xff": "\xff"} {
		if got := plainLetters(in); got != want && in != "\xff" {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}
