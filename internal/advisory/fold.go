package advisory

import (
	_ "embed"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

//go:embed vendors.tsv
var vendorTable string

// aliases maps a folded name to the folded name that is used here.
var aliases = readAliases(vendorTable)

func readAliases(table string) map[string]string {
	out := map[string]string{}
	for line := range strings.Lines(table) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		names := strings.Split(line, "\t")
		for _, n := range names {
			out[fold(n)] = fold(names[0])
		}
	}
	return out
}

// legal are words of a company's legal form, which registers write or leave out.
var legal = map[string]bool{
	"inc": true, "llc": true, "ltd": true, "limited": true, "gmbh": true, "ag": true, "co": true, "corp": true,
	"corporation": true, "company": true, "kg": true, "sa": true, "spa": true, "bv": true, "nv": true, "oy": true,
	"ab": true, "as": true, "plc": true, "pte": true, "pty": true, "srl": true, "kk": true, "se": true, "the": true,
}

// accents are the letters that the names of vendors have, without their accents.
var accents = strings.NewReplacer("ä", "a", "ö", "o", "ü", "u", "ß", "ss", "é", "e", "è", "e", "ê", "e", "á", "a", "à", "a",
	"ã", "a", "â", "a", "å", "a", "ç", "c", "ó", "o", "ô", "o", "õ", "o", "ø", "o", "í", "i", "ñ", "n", "ú", "u", "š", "s", "ž", "z", "&", " ")

// fold makes names comparable: small letters, no accents, no punctuation, no
// legal form, single spaces. "GeutebrÃ¼ck GmbH" (a name that was read in the
// wrong encoding, as real advisories hold it) folds as "Geutebrück" does.
func fold(name string) string {
	name = accents.Replace(strings.ToLower(mended(name)))
	words := strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	kept := slices.DeleteFunc(slices.Clone(words), func(w string) bool { return legal[w] })
	if len(kept) == 0 {
		kept = words // a name that is nothing else
	}
	return strings.Join(kept, " ")
}

// mended undoes UTF-8 that was read as Latin-1, where the bytes allow no doubt.
func mended(s string) string {
	var b []byte
	for _, r := range s {
		if r > 0xFF {
			return s
		}
		b = append(b, byte(r))
	}
	if len(b) == utf8.RuneCountInString(s) && len(b) != len(s) && utf8.Valid(b) {
		return string(b)
	}
	return s
}

// vendorKeys are the names under which a vendor text is found: the whole, and
// each company where it names several ("Exacq Technologies, Johnson Controls Inc.").
func vendorKeys(text string) []string {
	var keys []string
	add := func(part string) {
		k := fold(part)
		if known, ok := aliases[k]; ok {
			k = known
		}
		if k != "" && !slices.Contains(keys, k) && !(len(keys) > 0 && nothing[k]) {
			keys = append(keys, k)
		}
	}
	add(text)
	if _, whole := aliases[fold(text)]; whole {
		return keys
	}
	parts := strings.NewReplacer("a subsidiary of ", ",", "an affiliate of ", ",", "an affiliate company of ", ",", "a division of ", ",", "a brand of ", ",", "part of ", ",", "an ", " ", " and ", ",", "(formerly", ",", "(", ",", ")", ",", ";", ",", "/", ",", " by ", ",").Replace(text)
	for part := range strings.SplitSeq(parts, ",") {
		add(part)
	}
	return keys
}

// nothing are parts of a vendor text that name no company by themselves.
var nothing = map[string]bool{"inc": true, "llc": true, "ltd": true, "gmbh": true, "co": true, "multiple": true, "n a": true,
	"ag": true, "kg": true, "corp": true, "limited": true, "company": true, "corporation": true}

// generic are words of product names that tell no product from another.
var generic = map[string]bool{
	"series": true, "controller": true, "controllers": true, "plc": true, "server": true, "software": true, "system": true,
	"systems": true, "camera": true, "cameras": true, "switch": true, "switches": true, "firmware": true, "version": true,
	"versions": true, "family": true, "device": true, "devices": true, "module": true, "modules": true, "panel": true,
	"all": true, "and": true, "for": true, "with": true, "the": true, "of": true, "in": true, "or": true, "prior": true,
	"industrial": true, "ethernet": true, "network": true, "web": true, "cpu": true, "hmi": true, "scada": true, "ip": true,
	"gateway": true, "router": true, "drive": true, "drives": true, "unit": true, "terminal": true, "client": true, "pro": true,
	"recorder": true, "access": true, "control": true, "video": true, "door": true, "reader": true, "automation": true, "electric": true,
	"variants": true, "incl": true, "siplus": true, "products": true, "product": true, "application": true, "platform": true, "station": true,
}

// words splits a product text into words that can be compared. Hyphens inside
// are dropped, so that "S7-1500" and "S71500" agree.
func words(text string) []string {
	var out []string
	for _, w := range split(text) {
		if !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	return out
}

func split(text string) []string {
	text = accents.Replace(strings.ToLower(mended(text)))
	parts := strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '-' })
	out := parts[:0]
	for _, w := range parts {
		if w = strings.ReplaceAll(w, "-", ""); w != "" {
			out = append(out, w)
		}
	}
	return out
}

// join is two neighbouring words that others write as one: "ET 200SP", "ET200SP".
type join struct{ first, second, both string }

// joins are the pairs of a short word and one with a digit.
func joins(text string) []join {
	var out []join
	last := ""
	for _, w := range split(text) {
		if last != "" && len(last) <= 5 && hasDigit(w) {
			out = append(out, join{last, w, last + w})
		}
		last = w
	}
	return out
}

// squeezed is a text without anything but letters and digits, in small letters:
// how model numbers are compared.
func squeezed(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, text)
}

var (
	bracket   = regexp.MustCompile(`\([^()]*\)`)
	exclusion = regexp.MustCompile(`\b(excl|excluding|except|exclusive|without|not including)\b`)
)

// articles are the article numbers in the model text of a register, squeezed:
// ten or more letters and digits mixed, or the whole text.
func articles(model string) []string {
	var out []string
	whole := squeezed(model)
	for _, part := range strings.FieldsFunc(model, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune("(),;/", r) }) {
		w := squeezed(part)
		if (len(w) >= 10 || w == whole && len(w) >= 6) && hasDigit(w) && strings.ContainsFunc(w, unicode.IsLetter) {
			out = append(out, w)
		}
	}
	return out
}

// telling are the words of an asset's product or model that tell it from others
// of the same vendor.
func telling(text, vendor string) []string {
	all := words(text)
	own := words(vendor)
	out := slices.DeleteFunc(slices.Clone(all), func(w string) bool {
		return generic[w] || slices.Contains(own, w) || len(w) < 2 || len(w) < 3 && !hasDigit(w)
	})
	if len(out) > 1 || len(out) == 1 && hasDigit(out[0]) {
		return out
	}
	// Little but short words, such as "Omron CJ series": better those too.
	return slices.DeleteFunc(all, func(w string) bool { return generic[w] || slices.Contains(own, w) || len(w) < 2 })
}

func hasDigit(s string) bool { return strings.ContainsAny(s, "0123456789") }

// neutral are words that a notice adds to a product's name without meaning
// another product. "Software" or "module" are not among them: a software
// controller is not the controller.
var neutral = map[string]bool{
	"series": true, "family": true, "families": true, "firmware": true, "version": true, "versions": true, "all": true, "and": true, "the": true,
	"of": true, "in": true, "or": true, "for": true, "with": true, "incl": true, "including": true, "related": true, "variants": true, "variant": true,
	"product": true, "products": true, "device": true, "devices": true, "model": true, "models": true, "siplus": true, "running": true,
	"controller": true, "controllers": true, "plc": true, "plcs": true, "cpu": true, "cpus": true, "programmable": true, "logic": true,
	"camera": true, "cameras": true, "switch": true, "switches": true, "router": true, "routers": true, "drive": true, "drives": true, "hmi": true,
	"panel": true, "panels": true, "recorder": true, "reader": true, "readers": true, "door": true, "industrial": true, "ethernet": true, "network": true,
	"ip": true, "automation": true, "line": true, "range": true, "prior": true, "access": true, "point": true, "pn": true, "dp": true,
}

// core are the words of a product's name that a register must have before the
// product is surely meant. What stands in brackets explains, and is left out.
func core(name, vendor string) []string {
	own := words(vendor)
	return slices.DeleteFunc(words(bracket.ReplaceAllString(name, " ")), func(w string) bool {
		return neutral[w] || slices.Contains(own, w) || len(w) < 2
	})
}

// singleWord is whether a product's name is one word besides those that say
// nothing at all.
func singleWord(name, vendor string) bool {
	own := words(vendor)
	left := slices.DeleteFunc(words(bracket.ReplaceAllString(name, " ")), func(w string) bool {
		return slices.Contains([]string{"series", "family", "all", "products", "devices", "firmware", "versions", "the"}, w) || slices.Contains(own, w)
	})
	return len(left) == 1
}
