package identity

import (
	_ "embed"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Rules of passwords after NIST SP 800-63B section 3.1.1: a minimum length, a
// list of what everybody tries first, no rules about kinds of characters and no
// forced change after a time.
const (
	MinPassword = 12   // characters
	maxPassword = 1024 // bytes
)

//go:embed worst.txt
var worstText string

// worst holds the commonest stems of passwords, in small letters: the middle
// that is left when digits and signs are taken off both ends.
var worst = readWorst(worstText)

func readWorst(text string) map[string]bool {
	out := map[string]bool{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "#") {
			out[line] = true
		}
	}
	return out
}

// normal is the form in which passwords are compared: NFKC (SP 800-63B), so
// that the same typed characters match whatever keyboard made them.
func normal(password string) string { return norm.NFKC.String(password) }

// CheckPassword reports why a password can't be used for the account, nil when
// it can. The error never repeats the password.
func CheckPassword(account, password string) error {
	if len(password) > maxPassword {
		return fmt.Errorf("%w: the password is longer than %d bytes", ErrInvalid, maxPassword)
	}
	if !utf8.ValidString(password) {
		return fmt.Errorf("%w: the password is not UTF-8", ErrInvalid)
	}
	password = normal(password)
	if n := utf8.RuneCountInString(password); n < MinPassword {
		return fmt.Errorf("%w: the password has %d characters, it needs at least %d; a few unrelated words are easy to remember", ErrInvalid, n, MinPassword)
	}
	folded := strings.ToLower(password)
	core := stem(folded)
	switch {
	case account != "" && (folded == account || core == stem(account)):
		return fmt.Errorf("%w: the password is the account name", ErrInvalid)
	case worst[folded] || worst[core] || worst[stem(unleet(folded))]:
		return fmt.Errorf("%w: the password is one of those that attackers try first", ErrInvalid)
	case repeats(folded):
		return fmt.Errorf("%w: the password repeats a few characters", ErrInvalid)
	case runs(folded):
		return fmt.Errorf("%w: the password is a row of neighbouring keys or characters", ErrInvalid)
	}
	return nil
}

// stem takes digits, signs and spaces off both ends: "!password2026" is "password".
func stem(s string) string {
	if t := strings.TrimFunc(s, func(r rune) bool { return !unicode.IsLetter(r) }); t != "" {
		return t
	}
	return s
}

var leet = strings.NewReplacer("0", "o", "1", "l", "3", "e", "4", "a", "5", "s", "7", "t", "@", "a", "$", "s", "!", "i")

// unleet undoes the common swaps of letters for digits and signs. Digits at
// the end are taken off first, because there they are a year or a count.
func unleet(s string) string {
	return leet.Replace(strings.TrimRight(s, "0123456789!?.-_# "))
}

// repeats reports whether s is one piece of at most four characters, or one
// word of the list, over and over.
func repeats(s string) bool {
	r := []rune(s)
	for period := 1; period <= len(r)/2; period++ {
		if period > 4 && !worst[string(r[:period])] {
			continue
		}
		same := true
		for i := period; i < len(r) && same; i++ {
			same = r[i] == r[i-period]
		}
		if same {
			return true
		}
	}
	return false
}

// rows are the lines along which fingers and heads run.
var rows = []string{"01234567890123456789", "abcdefghijklmnopqrstuvwxyz", "qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "azertyuiop", "qsdfghjklm", "yxcvbnm", "1qaz2wsx3edc4rfv5tgb6yhn7ujm"}

// runs reports whether s falls into at most three pieces, each a run of three
// or more along a row in either direction.
func runs(s string) bool {
	pieces := 0
	for s != "" {
		n := longestRun(s)
		if n < 3 || pieces == 3 {
			return false
		}
		s, pieces = s[n:], pieces+1
	}
	return true
}

// longestRun is the length in bytes of the longest start of s that lies on a row.
func longestRun(s string) int {
	best := 0
	for _, row := range rows {
		for _, line := range []string{row, reversed(row)} {
			for n := min(len(line), len(s)); n > best; n-- {
				if strings.Contains(line, s[:n]) {
					best = n
				}
			}
		}
	}
	return best
}

func reversed(s string) string {
	b := []byte(s)
	for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
	return string(b)
}
