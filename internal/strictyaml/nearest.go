package strictyaml

import "unicode/utf8"

// maxNearestLength bounds the words that are compared; the cost grows with the square.
const maxNearestLength = 64

// Nearest returns the candidate that word is most likely a slip of, the first
// in order where several are as near, and "" when none is near: at most one
// slip (a letter missing, added, changed, or two swapped) for every three letters.
func Nearest(word string, candidates []string) string {
	if len(word) > maxNearestLength {
		return ""
	}
	w := []rune(word)
	best, bestDistance := "", max(len(w)/3, 1)+1
	var scratch [3][maxNearestLength + 1]int
	for _, c := range candidates {
		if c == word || len(c) > maxNearestLength {
			continue
		}
		if gap := utf8.RuneCountInString(c) - len(w); gap >= bestDistance || -gap >= bestDistance {
			continue
		}
		if d := slips(w, []rune(c), &scratch); d < bestDistance {
			best, bestDistance = c, d
		}
	}
	return best
}

// slips is the optimal string alignment distance of a and b, with three rows of scratch.
func slips(a, b []rune, rows *[3][maxNearestLength + 1]int) int {
	before, above, row := &rows[0], &rows[1], &rows[2]
	for j := range len(b) + 1 {
		above[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			row[j] = min(above[j]+1, row[j-1]+1, above[j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, above, row = above, row, before
	}
	return above[len(b)]
}

// didYouMean is the hint that names the nearest candidate, or lists them all
// where there are few, or is empty.
func didYouMean(word string, candidates []string) string {
	if near := Nearest(word, candidates); near != "" {
		return "did you mean " + quote(near) + "?"
	}
	if len(candidates) == 0 || len(candidates) > 16 {
		return ""
	}
	return "known here: " + join(candidates)
}
