package advisory

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// resolved is a vendor of the index that a text may mean.
type resolved struct {
	key      string
	likeness float64 // 1: the same by the table; less: by likeness
}

// resolve finds the vendors that a text means: by the table where it can, else
// by likeness.
func (x *index) resolve(text string) []resolved {
	if found, known := x.likely[text]; known {
		return found
	}
	var out []resolved
	for _, key := range vendorKeys(text) {
		if x.vendors[key] != nil {
			out = append(out, resolved{key, 1})
		}
	}
	for _, r := range x.alike(fold(text), len(out) == 0) {
		if !slices.ContainsFunc(out, func(o resolved) bool { return o.key == r.key }) {
			out = append(out, r)
		}
	}
	x.likely[text] = out
	return out
}

// alike are the vendors whose name is nearly this one: one name within the
// other, or, where mistakes are allowed, a typing mistake or two.
func (x *index) alike(name string, mistakes bool) []resolved {
	var out []resolved
	if len(name) < 4 {
		return nil
	}
	told := strings.Fields(name)
	try := func(key, as string) {
		most := 0
		if mistakes {
			most = allowed(min(len(name), len(as)))
		}
		d := distance(name, as, most)
		l := 1 - float64(d)/float64(max(len(name), len(as)))
		if d > most {
			words := strings.Fields(as)
			if !within(words, told) && !within(told, words) || len(as) < 4 {
				return
			}
			l = 0.5 + 0.5*float64(min(len(words), len(told)))/float64(max(len(words), len(told)))*0.9
		}
		if i := slices.IndexFunc(out, func(r resolved) bool { return r.key == key }); i < 0 {
			out = append(out, resolved{key, l})
		} else {
			out[i].likeness = max(out[i].likeness, l)
		}
	}
	for _, key := range x.keys {
		try(key, key)
	}
	for as, key := range aliases {
		if x.vendors[key] != nil {
			try(key, as)
		}
	}
	slices.SortFunc(out, func(a, b resolved) int {
		return cmp.Or(cmp.Compare(b.likeness, a.likeness), cmp.Compare(a.key, b.key))
	})
	return out[:min(len(out), 6)]
}

// within is whether all words are among others.
func within(words, others []string) bool {
	return !slices.ContainsFunc(words, func(w string) bool { return !slices.Contains(others, w) })
}

// allowed is how many typing mistakes a word of n letters may have.
func allowed(n int) int {
	switch {
	case n < 4:
		return 0
	case n < 8:
		return 1
	case n < 14:
		return 2
	}
	return 3
}

// distance counts insertions, deletions, replacements and swaps of neighbours
// that make one text the other (optimal string alignment); most+1 where it is more.
func distance(a, b string, most int) int {
	if len(a)-len(b) > most || len(b)-len(a) > most {
		return most + 1
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		least := i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
			least = min(least, row[j])
		}
		if least > most {
			return most + 1
		}
		before, last, row = last, row, before
	}
	return min(last[len(b)], most+1)
}

// near is a word of a catalogue that a word of the register may mean.
type near struct {
	word     string
	likeness float64
}

// meant are the words of the catalogue that a word may mean: itself; with a
// digit in it also those that go on or end earlier (RV50 and RV50X) and those
// with an open end (750-82xx); without one, where the catalogue does not know
// it, those that differ by typing mistakes.
func (c *catalogue) meant(word string) []near {
	if found, known := c.close[word]; known {
		return found
	}
	var out []near
	if c.places[word] != nil {
		out = append(out, near{word, 1})
	}
	switch {
	case hasDigit(word) && len(word) >= 4:
		out = c.extended(word, out)
	case len(out) == 0 && !hasDigit(word):
		out = c.mistyped(word, out)
	}
	c.close[word] = out
	return out
}

func (c *catalogue) words() []string {
	if c.sorted == nil {
		c.sorted, c.open = slices.Sorted(maps.Keys(c.places)), nil
		for _, w := range c.sorted {
			if hasDigit(w) && len(w) >= 4 && openWord.MatchString(w) {
				c.open = append(c.open, w)
			}
		}
	}
	return c.sorted
}

// extended are the words of which this one is the beginning, those that are its
// beginning, and those that leave its end open.
func (c *catalogue) extended(word string, out []near) []near {
	all := c.words()
	at, _ := slices.BinarySearch(all, word)
	for _, w := range all[at:] {
		if !strings.HasPrefix(w, word) {
			break
		}
		if w != word {
			out = append(out, near{w, float64(len(word)) / float64(len(w))})
		}
	}
	for n := len(word) - 1; n >= 2; n-- {
		head := word[:n]
		if n >= 4 && hasDigit(head) && c.places[head] != nil {
			out = append(out, near{head, float64(n) / float64(len(word))})
		}
		if series := head + strings.Repeat("0", len(word)-n); len(word)-n <= 2 && hasDigit(head) && c.places[series] != nil && series != word {
			out = append(out, near{series, 0.8})
		}
	}
	for _, w := range c.open {
		if opens(w, word) {
			out = append(out, near{w, 0.9})
		}
	}
	return out
}

// openWord finds words in which x stands for any digit or letter.
var openWord = regexp.MustCompile(`\dx|xx`)

// opens is whether a word with open places means another, or its beginning.
func opens(pattern, word string) bool {
	if len(pattern) > len(word) || pattern == word {
		return false
	}
	for i := range len(pattern) {
		if pattern[i] != word[i] && pattern[i] != 'x' {
			return false
		}
	}
	return true
}

// mistyped are the words without digits that differ by a typing mistake or two.
func (c *catalogue) mistyped(word string, out []near) []near {
	most := allowed(len(word) - 1)
	if most == 0 {
		return out
	}
	for _, w := range c.words() {
		if hasDigit(w) || len(w) < 4 {
			continue
		}
		if d := distance(word, w, most); d <= most {
			out = append(out, near{w, 1 - float64(d)/float64(max(len(w), len(word)))})
		}
	}
	return out
}
