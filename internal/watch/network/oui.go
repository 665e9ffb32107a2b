package network

import (
	_ "embed"
	"encoding/hex"
	"strings"
	"sync"
)

//go:embed oui.tsv
var ouiTable string

// makers maps the first three bytes of a MAC, in six hexadecimal digits, to
// the maker. It is read once, at first use.
var makers = sync.OnceValue(func() map[string]string {
	m := make(map[string]string, 512)
	for l := range strings.Lines(ouiTable) {
		l = strings.TrimRight(l, "\n")
		if prefix, name, ok := strings.Cut(l, "\t"); ok && !strings.HasPrefix(l, "#") {
			m[prefix] = name
		}
	}
	return m
})

// maker is who registered the MAC's prefix, "" where the table has none. A MAC
// that was made up locally (second bit of the first byte, IEEE 802-2014 clause
// 8.4) says nothing.
func maker(mac string) string {
	if len(mac) != 17 {
		return ""
	}
	first, err := hex.DecodeString(mac[:2])
	if err != nil || first[0]&3 != 0 {
		return ""
	}
	return makers()[strings.ToLower(mac[0:2]+mac[3:5]+mac[6:8])]
}
