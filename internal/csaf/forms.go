package csaf

import (
	"net/url"
	"regexp"
	"strings"
	"time"
)

// when reads a date-time (RFC 3339). A leap second is taken for the second
// before it.
func when(text string) (time.Time, bool) {
	t, err := time.Parse(time.RFC3339, strings.ToUpper(text))
	if err != nil {
		t, err = time.Parse(time.RFC3339, strings.Replace(strings.ToUpper(text), ":60", ":59", 1))
	}
	return t.UTC(), err == nil
}

func dateTime(text string) string {
	if _, ok := when(text); !ok {
		return "is not a date-time (RFC 3339)"
	}
	return ""
}

// uri wants a scheme, as RFC 3986 does of a URI that is no reference.
func uri(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Scheme == "" || strings.ContainsAny(text, " \t\n<>\"{}|\\^`") {
		return "is not a URI (RFC 3986)"
	}
	return ""
}

var (
	cpeURI   = regexp.MustCompile(`^(?i:cpe:/[aho]?)(:[A-Za-z0-9._\-~%]*){0,6}$`)
	cpeClass = regexp.MustCompile(`^[aho*-]$`)
	cpePart  = regexp.MustCompile(`^([*-]|(\?*|\*)([A-Za-z0-9._-]|\\[!-/:-@\[-^{-~\x60])+(\?*|\*))$`)
	cpeLang  = regexp.MustCompile(`^([*-]|[A-Za-z]{2,3}(-([A-Za-z]{2}|[0-9]{3}))?)$`)
)

// cpe wants a name of CPE 2.2 (URI) or 2.3 (formatted string).
func cpe(text string) string {
	rest, formatted := strings.CutPrefix(text, "cpe:2.3:")
	if !formatted {
		if cpeURI.MatchString(text) {
			return ""
		}
		return "is not a CPE name"
	}
	parts := unescapedColons(rest)
	if len(parts) != 11 || !cpeClass.MatchString(parts[0]) {
		return "is not a CPE 2.3 name: it must have 11 parts, beginning with a, h or o"
	}
	for i, p := range parts[1:] {
		if i == 5 && !cpeLang.MatchString(p) || i != 5 && !cpePart.MatchString(p) {
			return "is not a CPE 2.3 name: part " + p + " is not well formed"
		}
	}
	return ""
}

func unescapedColons(s string) []string {
	var parts []string
	from := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case ':':
			parts = append(parts, s[from:i])
			from = i + 1
		}
	}
	return append(parts, s[from:])
}

var (
	purlType = regexp.MustCompile(`^[A-Za-z.+-][A-Za-z0-9.+-]*$`)
	purlKey  = regexp.MustCompile(`^[A-Za-z.\-_][A-Za-z0-9.\-_]*$`)
)

// purl tells what is wrong with a package URL (pkg:type/namespace/name@version?qualifiers#subpath).
func purl(text string) string {
	rest, ok := strings.CutPrefix(text, "pkg:")
	if !ok {
		return "is not a package URL: it does not begin with pkg:"
	}
	rest, _, _ = strings.Cut(strings.TrimLeft(rest, "/"), "#")
	rest, qualifiers, _ := strings.Cut(rest, "?")
	kindOf, rest, ok := strings.Cut(rest, "/")
	if !ok || !purlType.MatchString(kindOf) {
		return "is not a package URL: it has no type"
	}
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		rest = rest[:at]
	}
	parts := strings.Split(strings.Trim(rest, "/"), "/")
	if parts[len(parts)-1] == "" || strings.HasSuffix(rest, "/") {
		return "is not a package URL: it has no name"
	}
	for _, p := range parts {
		if _, err := url.PathUnescape(p); err != nil {
			return "is not a package URL: it is not percent-encoded well"
		}
	}
	if qualifiers == "" {
		return ""
	}
	for q := range strings.SplitSeq(qualifiers, "&") {
		key, _, ok := strings.Cut(q, "=")
		if !ok || !purlKey.MatchString(key) {
			return "is not a package URL: its qualifiers are not well formed"
		}
	}
	return ""
}

var badName = regexp.MustCompile(`[^+\-a-z0-9]+`)

// Filename is the name that a document with this tracking id must have
// (CSAF 2.0, 5.1), such as "icsa-24-235-03.json".
func Filename(id string) string {
	return badName.ReplaceAllString(strings.ToLower(id), "_") + ".json"
}
