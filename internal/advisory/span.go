package advisory

import (
	"regexp"
	"strings"
)

// answer is one of three.
type answer int8

const (
	no answer = iota
	unknown
	yes
)

// span is the versions that a text of an advisory means. Texts that are not
// understood stay unread: a version is never outside of them.
type span struct {
	all    bool
	anyOf  []bounds
	unread string // why a part was not read; "" where all was
}

// bounds are constraints that hold together.
type bounds []bound

type bound struct {
	op   string // "<", "<=", ">", ">=", "="
	at   version
	text string
}

// allOf are the texts that mean every version.
var allOf = regexp.MustCompile(`^(vers:[a-z]+/\*|\*|all|any|all versions?|any versions?|all versions? \*|all firmware versions?|all software versions?|all released versions?|versions? all)$`)

// wordy turns words into signs, the longer phrases first.
var wordy = []struct {
	find *regexp.Regexp
	with string
}{
	{regexp.MustCompile(`[≤⩽]`), "<="}, {regexp.MustCompile(`[≥⩾]`), ">="}, {regexp.MustCompile(`=<`), "<="}, {regexp.MustCompile(`=>`), ">="},
	{regexp.MustCompile(`^vers:[a-z.+-]*/`), ""},
	{regexp.MustCompile(`\s*,?\s*(and|or)( all)? (prior|earlier|below|older|lower|previous)( versions?)?( are)?$`), " \x01<="},
	{regexp.MustCompile(`\s*,?\s*(and|or)( all)? (later|newer|above|higher|greater|onwards?|up)( versions?)?$`), " \x01>="},
	{regexp.MustCompile(`\ball (firmware |software )?versions? ?(prior to|before|earlier than|lower than|below|<)`), "<"},
	{regexp.MustCompile(`\ball (firmware |software )?versions? ?(up to and including|up to|through|<=)`), "<="},
	{regexp.MustCompile(`\ball (firmware |software )?versions? ?(>=?|=)`), "$2"},
	{regexp.MustCompile(`\ball (firmware |software )?versions? of\b`), ""},
	{regexp.MustCompile(`\bup to,? and including\b`), "<="},
	{regexp.MustCompile(`\b(prior to|before|earlier than|lower than|less than|older than|below)( versions?)?\b`), "<"},
	{regexp.MustCompile(`\b(later than|newer than|higher than|greater than|above|after)( versions?)?\b`), ">"},
	{regexp.MustCompile(`^(up to|through)\b`), "<="},
	{regexp.MustCompile(`^(firmware |software )?versions? ?([<>=])`), "$2"},
	{regexp.MustCompile(`^from (.+?) (?:to|through|up to|until) (.+)$`), ">= $1 <= $2"},
	{regexp.MustCompile(`^between (.+?) and (.+)$`), ">= $1 <= $2"},
	{regexp.MustCompile(`^([^<>=|,]*\d[^<>=|,]*?) (?:to|through|up to|thru) ([^<>=|,]*\d[^<>=|,]*)$`), ">= $1 <= $2"},
}

var (
	listed   = regexp.MustCompile(`,?\s+(and|or)\s+`)
	suffixed = regexp.MustCompile(`^([^<>=|,]+) \x01(<=|>=)$`)
	sign     = regexp.MustCompile(`<=|>=|==|<|>|=`)
	months   = regexp.MustCompile(`\b(january|february|march|april|may|june|july|august|september|october|november|december)\b[ /,-]*\d|\d{1,2}/\d{1,2}/\d{2,4}`)
	parts    = regexp.MustCompile(`\b(bios|u-boot|bootloader|kernel|driver|plugin|plug-in|function state|library)\b`)
)

// readSpan reads what an advisory calls a version or a range. A list of single
// versions is a span too.
func readSpan(text string) span {
	s := strings.Join(strings.Fields(strings.ReplaceAll(strings.ToLower(text), "_", " ")), " ")
	switch {
	case allOf.MatchString(s):
		return span{all: true}
	case s == "":
		return span{unread: "the notice names no version"}
	case strings.Contains(s, "serial"):
		return span{unread: "the notice goes by serial number"}
	case months.MatchString(s):
		return span{unread: "the notice goes by date"}
	case parts.MatchString(s):
		return span{unread: "the notice goes by the version of a part"}
	}
	for _, w := range wordy {
		s = strings.TrimSpace(w.find.ReplaceAllString(s, w.with))
	}
	if m := suffixed.FindStringSubmatch(s); m != nil {
		s = m[2] + " " + m[1]
	}
	if strings.Contains(s, "\x01") {
		return span{unread: "the notice's words for the versions are not understood"}
	}
	return readItems(s)
}

// readItems reads items parted by | or commas, as in the vers notation: a lower
// bound and the upper bound behind it belong together, all else are alternatives.
func readItems(s string) span {
	var out span
	var lower bounds
	if !sign.MatchString(s) {
		s = listed.ReplaceAllString(s, "|")
	}
	items := strings.FieldsFunc(s, func(r rune) bool { return r == '|' || r == ',' || r == ';' })
	for _, item := range items {
		b, ok := readBounds(strings.TrimSpace(item))
		if !ok {
			out.unread = "the notice's words for the versions are not understood"
			continue
		}
		if lower != nil && len(b) == 1 && (b[0].op == "<" || b[0].op == "<=") {
			out.anyOf = append(out.anyOf, bounds{lower[0], b[0]})
			lower = nil
			continue
		}
		if lower != nil {
			out.anyOf = append(out.anyOf, lower)
		}
		lower = nil
		if len(b) == 1 && (b[0].op == ">" || b[0].op == ">=") {
			lower = b
			continue
		}
		out.anyOf = append(out.anyOf, b)
	}
	if lower != nil {
		out.anyOf = append(out.anyOf, lower)
	}
	for _, b := range out.anyOf {
		if len(b) == 2 && !sound(b) {
			out.unread = "the notice's range begins above its end"
		}
	}
	if len(out.anyOf) == 0 && out.unread == "" {
		out.unread = "the notice names no version"
	}
	return out
}

// sound is whether the lower of two bounds is not above the upper.
func sound(b bounds) bool {
	o := b[0].at.against(&b[1].at)
	return o.why == "" && o.sign <= 0 || o.open
}

var joint = regexp.MustCompile(`^(and|&&|&)\s+|\s+(and|&&|&)$`)

// readBounds reads "2.0", "< 2.0" or ">= 1.0 and < 2.0".
func readBounds(s string) (bounds, bool) {
	at := sign.FindAllStringIndex(s, -1)
	if len(at) == 0 {
		v, ok := readVersion(s)
		return bounds{{"=", v, s}}, ok
	}
	if at[0][0] > 0 && strings.Trim(s[:at[0][0]], " ") != "" {
		return nil, false // words before the first sign say what is not understood
	}
	var out bounds
	for i, p := range at {
		end := len(s)
		if i+1 < len(at) {
			end = at[i+1][0]
		}
		text := strings.TrimSpace(joint.ReplaceAllString(strings.TrimSpace(s[p[1]:end]), ""))
		v, ok := readVersion(text)
		if !ok {
			return nil, false
		}
		out = append(out, bound{strings.Replace(s[p[0]:p[1]], "==", "=", 1), v, text})
	}
	if len(out) == 1 {
		return out, true
	}
	low := strings.HasPrefix(out[0].op, ">")
	high := strings.HasPrefix(out[1].op, "<")
	if !low { // "<= 2.0 >= 1.0"
		out[0], out[1] = out[1], out[0]
		low, high = strings.HasPrefix(out[0].op, ">"), strings.HasPrefix(out[1].op, "<")
	}
	return out, len(out) == 2 && low && high
}

// holds is whether a version is within the span, and the reason where that
// can't be told.
func (s *span) holds(v *version) (answer, string) {
	if s.all {
		return yes, ""
	}
	got, why, within, without := no, "", 0, 0
	for _, b := range s.anyOf {
		a, reason := b.hold(v)
		switch a {
		case yes:
			within++
		case unknown:
			why = reason
		default:
			without++
		}
		got = max(got, a)
	}
	// "< 2.1.5 | < 2.2.3" are two branches of one product, each with its fix: a
	// version above one bound and below the other may be fixed.
	if within > 0 && without > 0 && s.branches() {
		return unknown, "the notice has several upper bounds, of which some exclude this version"
	}
	if got == no && s.unread != "" {
		return unknown, s.unread
	}
	return got, why
}

// branches is whether there are several bare upper bounds.
func (s *span) branches() bool {
	n := 0
	for _, b := range s.anyOf {
		if len(b) == 1 && strings.HasPrefix(b[0].op, "<") {
			n++
		}
	}
	return n > 1
}

// hold is whether all bounds hold: no where one surely does not.
func (b bounds) hold(v *version) (answer, string) {
	got, why := yes, ""
	for i := range b {
		a, reason := b[i].holds(v)
		if a == no {
			return no, ""
		}
		if a < got {
			got, why = a, reason
		}
	}
	return got, why
}

func (b *bound) holds(v *version) (answer, string) {
	o := v.against(&b.at)
	if b.at.wildcard && o.why == "" && (o.sign == 0 || o.open && o.sign > 0) {
		return b.inWildcard()
	}
	switch {
	case o.why != "":
		return unknown, "can't be compared with " + b.text + ": " + o.why
	case o.sign == 0 && o.open:
		return unknown, "is not told as exactly as " + b.text
	case o.sign == 0:
		return truth(strings.Contains(b.op, "=")), ""
	case o.open && !(o.sign > 0 && (b.op == "<" || b.op == ">=")):
		return unknown, "is not told as exactly as " + b.text + ", or the notice is not"
	}
	switch b.op[0] {
	case '<':
		return truth(o.sign < 0), ""
	case '>':
		return truth(o.sign > 0), ""
	}
	if o.sign < 0 {
		return unknown, "is older than " + b.text + "; the notice names single versions and says nothing of others"
	}
	return no, ""
}

// singles is whether the span is single versions and no range.
func (s *span) singles() bool {
	for _, b := range s.anyOf {
		if len(b) != 1 || b[0].op != "=" {
			return false
		}
	}
	return len(s.anyOf) > 0
}

// inWildcard answers for a version within "8.1.x".
func (b *bound) inWildcard() (answer, string) {
	if strings.Contains(b.op, "=") {
		return yes, ""
	}
	return unknown, "is within " + b.text + ", which the notice leaves open"
}

func truth(t bool) answer {
	if t {
		return yes
	}
	return no
}
