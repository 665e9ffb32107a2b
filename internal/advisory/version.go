package advisory

import (
	"cmp"
	"regexp"
	"strings"
)

// version is a version as it is written on machines and in advisories: numbers
// with points, perhaps letters before and behind, and additions such as "SP1",
// "Update 4" or "(10)". Makers number as they like, so two versions can be
// compared only as far as both say the same things.
type version struct {
	prefix   string // letters before the numbers, except those that mean "version"
	parts    []string
	letter   string // directly behind the numbers: the "a" of 11.2a
	extras   []extra
	wildcard bool // ends in ".x" or ".*"
}

// extra is an addition: "SP1" is {"sp", ["1"]}.
type extra struct {
	tag   string
	parts []string
}

var (
	versionWord = regexp.MustCompile(`^(?:versions|version|ver|firmware|release|revision|software|sw|sv|fw|rev|v|r)[ .:]*((?:versions|version|ver|firmware|release|revision|fw|rev|v|r)?[ .]*\d)`)
	mainPart    = regexp.MustCompile(`^([a-z]{0,4}(?:-v)?)[ .-]?(\d+(?:\.\d+)*)((?:\.[x*])+|[.-]xx)?`)
	letterPart  = regexp.MustCompile(`^[. ]?([a-z])(?:$|[ .(_-])`)
	extraPart   = regexp.MustCompile(`^[ .\-,]*(service pack|hotfix ?rev|hot ?fix|[a-z]{1,10}|\()[ .:#-]*(\d+(?:\.\d+)*)\)?`)
	barePart    = regexp.MustCompile(`^[ -](\d+(?:\.\d+)*)`)
)

// tags are the additions that come after a release, by one name each.
var tags = map[string]string{
	"sp": "sp", "service pack": "sp", "update": "update", "upd": "update", "u": "update", "hf": "hf", "hotfix": "hf", "hot fix": "hf",
	"hotfixrev": "hf", "hotfix rev": "hf", "patch": "patch", "p": "patch", "build": "build", "b": "build", "(": "(", "r": "r", "rev": "r", "-": "-",
}

// joining are words that join two versions, and are no additions to one.
var joining = map[string]bool{"and": true, "or": true, "to": true, "with": true, "through": true, "thru": true, "from": true, "only": true,
	"if": true, "for": true, "on": true, "than": true, "until": true, "not": true, "in": true, "of": true, "by": true, "as": true, "except": true, "via": true, "v": true}

// early are the additions that come before a release.
var early = map[string]bool{"rc": true, "beta": true, "alpha": true, "pre": true}

const maxVersion = 120 // bytes; what is longer is a sentence

// readVersion takes a version text apart; false where it is none.
func readVersion(text string) (version, bool) {
	var v version
	s := strings.Join(strings.Fields(strings.ReplaceAll(strings.ToLower(text), "_", " ")), " ")
	if strings.HasPrefix(s, "(") && strings.HasSuffix(s, ")") {
		s = strings.TrimSpace(s[1 : len(s)-1])
	}
	s = strings.Trim(s, "\"' ")
	if len(s) > maxVersion {
		return v, false
	}
	for {
		m := versionWord.FindStringSubmatchIndex(s)
		if m == nil {
			break
		}
		s = s[m[2]:]
	}
	m := mainPart.FindStringSubmatch(s)
	if m == nil {
		return v, false
	}
	v.prefix, v.parts, v.wildcard = m[1], strings.Split(m[2], "."), m[3] != ""
	s = s[len(m[0]):]
	if v.wildcard {
		return v, strings.TrimSpace(s) == ""
	}
	if l := letterPart.FindStringSubmatch(s); l != nil {
		v.letter = l[1]
		s = s[strings.Index(s, l[1])+1:]
	}
	for s = strings.TrimRight(s, " "); s != ""; {
		if e := extraPart.FindStringSubmatch(s); e != nil {
			tag := e[1]
			if joining[tag] {
				return v, false
			}
			if known, ok := tags[tag]; ok {
				tag = known
			}
			v.extras = append(v.extras, extra{tag, strings.Split(e[2], ".")})
			s = s[len(e[0]):]
		} else if e := barePart.FindStringSubmatch(s); e != nil {
			behind := strings.Split(e[1], ".")
			if len(behind) == len(v.parts) {
				return v, false // "2.0-2.5" is more likely two versions than one
			}
			v.extras = append(v.extras, extra{"-", behind})
			s = s[len(e[0]):]
		} else if len(s) == 1 && 'a' <= s[0] && s[0] <= 'z' && len(v.extras) > 0 {
			v.extras = append(v.extras, extra{s, nil})
			s = ""
		} else {
			return v, false
		}
	}
	return v, true
}

// order is what comparing two versions gives.
type order struct {
	sign int    // of the first against the second
	open bool   // one says more than the other: "2.1" against "2.1.3"
	why  string // where they can't be compared; sign means nothing then
}

// against compares two versions.
func (v *version) against(w *version) order {
	if v.prefix != w.prefix && (v.prefix != "" && w.prefix != "" || len(v.prefix+w.prefix) > 1) {
		return order{why: "the two begin with different letters"}
	}
	if o := compareParts(v.parts, w.parts); o.why != "" || o.sign != 0 && !o.open {
		return o
	} else if o.sign != 0 {
		shorter := w
		if o.sign < 0 {
			shorter = v
		}
		if shorter.letter != "" || len(shorter.extras) > 0 {
			return order{why: "one goes on with numbers where the other goes on with letters"}
		}
		return o
	}
	switch {
	case v.letter != "" && w.letter != "" && v.letter != w.letter:
		return order{sign: cmp.Compare(v.letter, w.letter)}
	case v.letter != w.letter:
		return order{sign: cmp.Compare(len(v.letter), len(w.letter)), open: true}
	}
	for i := range min(len(v.extras), len(w.extras)) {
		a, b := v.extras[i], w.extras[i]
		if a.tag != b.tag {
			return order{why: "one goes on with " + a.tag + ", the other with " + b.tag}
		}
		if o := compareParts(a.parts, b.parts); o.sign != 0 || o.why != "" {
			return o
		}
	}
	if len(v.extras) == len(w.extras) {
		return order{open: v.wildcard || w.wildcard}
	}
	longer, sign := v, 1
	if len(w.extras) > len(v.extras) {
		longer, sign = w, -1
	}
	next := longer.extras[min(len(v.extras), len(w.extras))].tag
	switch {
	case early[next]:
		return order{sign: -sign, open: true}
	case tags[next] != "":
		return order{sign: sign, open: true}
	}
	return order{why: "only one goes on with " + next}
}

// compareParts compares numbers with points. Numbers that only one of the two
// has make the order open, unless they are zero.
func compareParts(a, b []string) order {
	if len(a) > 0 && len(b) > 0 {
		if x, y := digits(a[0]), digits(b[0]); (x >= 4) != (y >= 4) || max(x, y)-min(x, y) >= 3 && max(x, y) > 4 {
			return order{why: "the two are numbered differently"}
		}
	}
	for i := range min(len(a), len(b)) {
		sign := compareNumbers(a[i], b[i])
		if sign == 0 && len(a[i]) == len(b[i]) {
			continue
		}
		// "1.060" and "1.12" may be read as decimals, and then are the other way round.
		if i == 1 && len(a) == 2 && len(b) == 2 && len(a[i]) != len(b[i]) && (a[i][0] == '0' || b[i][0] == '0') && cmp.Compare(a[i], b[i]) != sign && strings.Trim(a[i]+b[i], "0") != "" {
			return order{why: "the numbers could be decimals"}
		}
		if sign != 0 {
			return order{sign: sign}
		}
	}
	longer, sign := a[min(len(a), len(b)):], 1
	if len(b) > len(a) {
		longer, sign = b[len(a):], -1
	}
	for _, p := range longer {
		if strings.Trim(p, "0") != "" {
			return order{sign: sign, open: true}
		}
	}
	return order{}
}

// digits counts the digits of a number without leading zeros.
func digits(s string) int { return len(strings.TrimLeft(s, "0")) }

// compareNumbers compares whole numbers of any length.
func compareNumbers(a, b string) int {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
}
