package console

import "testing"

func TestNames(t *testing.T) {
	for _, c := range []struct {
		text, word string
		want       bool
	}{
		{"10.0.0.17 reached 10.0.0.9", "10.0.0.1", false},
		{"10.0.0.17 reached 10.0.0.1 over tcp", "10.0.0.1", true},
		{"10.0.0.1", "10.0.0.1", true},
		{"Camera 17 stopped", "Camera 1", false},
		{"cam-1 and cam-17", "cam-17", true},
		{"anything", "", false},
	} {
		if got := names(c.text, c.word); got != c.want {
			t.Errorf("names(%q, %q) is %v", c.text, c.word, got)
		}
	}
}
