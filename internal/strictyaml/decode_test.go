package strictyaml

import (
	"errors"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

type colour string

func (c *colour) UnmarshalText(text []byte) error {
	if string(text) != "red" {
		return errors.New("only red is known")
	}
	*c = colour(text)
	return nil
}

type node struct {
	ID   string `yaml:"id"`
	Kids []node `yaml:"kids"`
}

type everything struct {
	Common `yaml:",inline"`
	Count  int               `yaml:"count"`
	Small  uint8             `yaml:"small"`
	Number int               `yaml:"number" strict:"digits"`
	Ratio  float64           `yaml:"ratio"`
	On     bool              `yaml:"on"`
	Day    time.Time         `yaml:"day"`
	Wait   time.Duration     `yaml:"wait"`
	IP     netip.Addr        `yaml:"ip"`
	Net    netip.Prefix      `yaml:"net"`
	Listen netip.AddrPort    `yaml:"listen"`
	Colour colour            `yaml:"colour"`
	Pair   [2]float64        `yaml:"pair"`
	Words  []string          `yaml:"words"`
	Labels map[string]string `yaml:"labels"`
	Tree   node              `yaml:"tree"`
	More   *Common           `yaml:"more"`
}

// Common is exported, for embedded fields must be settable.
type Common struct {
	Title string `yaml:"title"`
}

var asNode = Scalar(func(text string) (node, error) {
	if text == "bad" {
		return node{}, errors.New("is a bad node")
	}
	return node{ID: text}, nil
})

func decode(text string) (everything, *Positions, Problems) {
	e := everything{Wait: time.Minute}
	p, problems := Decode("f.yaml", []byte(text), &e, asNode)
	return e, p, problems
}

func TestDecodeReadsAllTypes(t *testing.T) {
	e, _, problems := decode(`
title: 2.10
count: -3
small: 255
number: 002320001
ratio: 1e3
on: true
day: 2027-03-31
wait: 90d
ip: ::ffff:10.0.0.1
net: 10.0.0.0/8
listen: "[::1]:8443"
colour: red
pair: [1, 2.5]
words: [a, 007, 2027-01-01]
labels: {x.y: "1", z: w}
tree: {id: top, kids: [left, {id: right}, &again {id: x}, *again]}
more: {title: deep}
`)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	want := everything{Common: Common{"2.10"}, Count: -3, Small: 255, Number: 2320001, Ratio: 1000, On: true,
		Day: time.Date(2027, 3, 31, 0, 0, 0, 0, time.UTC), Wait: 90 * 24 * time.Hour, IP: netip.MustParseAddr("10.0.0.1"),
		Net: netip.MustParsePrefix("10.0.0.0/8"), Listen: netip.MustParseAddrPort("[::1]:8443"), Colour: "red", Pair: [2]float64{1, 2.5},
		Words: []string{"a", "007", "2027-01-01"}, Labels: map[string]string{"x.y": "1", "z": "w"},
		Tree: node{"top", []node{{ID: "left"}, {ID: "right"}, {ID: "x"}, {ID: "x"}}}, More: &Common{"deep"}}
	if diff := cmp.Diff(want, e, cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
		cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }), cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })); diff != "" {
		t.Error(diff)
	}
}

func TestEmptyDocumentKeepsDefaults(t *testing.T) {
	for _, text := range []string{"", "\n# only a comment\n", "---\n", "{}"} {
		if e, _, problems := decode(text); len(problems) > 0 || e.Wait != time.Minute {
			t.Errorf("%q: %v, wait %v", text, problems, e.Wait)
		}
	}
}

func TestProblemsNameThePlace(t *testing.T) {
	cases := []struct{ text, want string }{
		{"titel: x", `f.yaml:1:1: unknown key "titel" (did you mean "title"?)`},
		{"tree: {id: a, kid: []}", `f.yaml:1:15: unknown key "kid" (did you mean "id"?)`},
		{"count: 1\ncount: 2", `f.yaml:2:1: key "count" is given twice, first on line 1 (keep one of them)`},
		{"count: 1.5", "f.yaml:1:8: 1.5 is not a whole number (write decimal digits only)"},
		{"count: 0x10", "f.yaml:1:8: 0x10 is not a whole number (write decimal digits only)"},
		{"count: 010", "f.yaml:1:8: 010 begins with a zero, which some readers of YAML take as octal (remove the leading zero)"},
		{"count: 99999999999999999999", "f.yaml:1:8: 99999999999999999999 is too large a number here"},
		{"small: 256", "f.yaml:1:8: 256 is out of range (from 0 to 255)"},
		{"small: -1", "f.yaml:1:8: -1 is out of range (from 0 to 255)"},
		{"number: 12a", `f.yaml:1:9: "12a" is not made of digits (write the digits only, such as 235012345)`},
		{"ratio: .inf", "f.yaml:1:8: .inf is not a usable number (write decimal digits, such as 12.5)"},
		{"on: yes", `f.yaml:1:5: is the text "yes", true or false is expected (write true or false without quotes)`},
		{"day: 31.3.2027", `f.yaml:1:6: "31.3.2027" is no date or time; write 2027-03-31, or 2027-03-31T18:00:00Z`},
		{"wait: 5", `f.yaml:1:7: "5" is no duration; write a number with a unit, such as 30s, 15m, 8h or 90d`},
		{"wait: 999999999d", `f.yaml:1:7: "999999999d" is no duration; write a number with a unit, such as 30s, 15m, 8h or 90d`},
		{"ip: 10.0.0", `f.yaml:1:5: "10.0.0" is no IP address; write it like 10.20.1.5 or 2001:db8::5`},
		{"net: 10.0.0.0", `f.yaml:1:6: "10.0.0.0" is no network; write address/length, such as 10.20.1.0/24`},
		{"listen: localhost", `f.yaml:1:9: "localhost" is no address with a port; write it like 127.0.0.1:8443 or [::1]:8443`},
		{"colour: blue", `f.yaml:1:9: "blue" can't be read: only red is known`},
		{"colour: \"\"", `f.yaml:1:9: "" is empty`},
		{"pair: [1]", "f.yaml:1:7: has 1 values, 2 are expected"},
		{"pair: 1", "f.yaml:1:7: is the number 1, a list of 2 values is expected (write [a, b])"},
		{"words: a", "f.yaml:1:8: is the text \"a\", a list is expected (begin each item with '- ', or write [a, b])"},
		{"labels: [a]", "f.yaml:1:9: is a list, keys and values are expected"},
		{"title: {a: b}", "f.yaml:1:8: is keys and values, text is expected"},
		{"title: !odd x", `f.yaml:1:8: is of the unknown type "!odd", text is expected (put it in quotes: "x")`},
		{"title: ~", "f.yaml:1:8: has no value (give it a value, or remove the key)"},
		{"? [a]\n: b", "f.yaml:1:3: a key must be plain text"},
		{"tree: {kids: [bad]}", `f.yaml:1:15: "bad" is a bad node`},
		{"- a", "f.yaml:1:1: is a list, keys and values are expected"},
		{"title: &a [*a]", "f.yaml:1:8: is a list, text is expected"},
		{"tree: &a {kids: [*a]}", "nested deeper than 64 levels"},
		{"title: a\n---\ntitle: b", "f.yaml:2:1: a second document begins here (only one document is read; remove the line ---)"},
		{"words:\n\t- a", "f.yaml:2:1: a tab in the indentation (indent with spaces)"},
		{"title: \xff", "f.yaml:1:8: byte 0xff is not UTF-8 text (save the file as UTF-8)"},
		{"title: [a\ncount: 1", "f.yaml:"},
	}
	for _, c := range cases {
		t.Run(c.text, func(t *testing.T) {
			_, _, problems := decode(c.text)
			if !slices.ContainsFunc(problems, func(p Problem) bool { return strings.Contains(p.String(), c.want) }) {
				t.Errorf("got  %v\nwant %s", problems, c.want)
			}
		})
	}
}

func TestAllProblemsAreCollectedAndTheRestIsRead(t *testing.T) {
	e, _, problems := decode("count: x\nratio: y\ntitle: good\nodd: 1\n")
	if len(problems) != 3 || e.Title != "good" || e.Wait != time.Minute {
		t.Errorf("%d problems, title %q", len(problems), e.Title)
	}
}

func TestProblemsAreBounded(t *testing.T) {
	_, _, problems := decode("words: [" + strings.Repeat("{}, ", 5000) + "]")
	if len(problems) != MaxProblems+1 || !slices.ContainsFunc(problems, func(p Problem) bool { return strings.HasPrefix(p.Text, "more than") }) {
		t.Errorf("%d problems", len(problems))
	}
}

// TestAliasesAreBounded feeds ten levels of ten aliases each, ten thousand million values.
func TestAliasesAreBounded(t *testing.T) {
	var b strings.Builder
	b.WriteString("tree:\n  kids:\n  - &n0 {id: x}\n")
	for i := 1; i <= 10; i++ {
		last := "*n" + strconv.Itoa(i-1)
		b.WriteString("  - &n" + strconv.Itoa(i) + " {kids: [" + strings.Repeat(last+", ", 9) + last + "]}\n")
	}
	_, _, problems := decode(b.String())
	if !slices.ContainsFunc(problems, func(p Problem) bool { return strings.Contains(p.Text, "aliases unfold to more than") }) {
		t.Errorf("not told: %v", problems)
	}
}

func TestPositions(t *testing.T) {
	_, p, problems := decode("title: x\ntree:\n  id: a\n  kids:\n    - b\n    - {id: c}\nlabels: {x.y: v}\n")
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for path, want := range map[string][2]int{"": {1, 1}, "title": {1, 8}, "tree.kids[1].id": {6, 12}, `labels["x.y"]`: {7, 15},
		"tree.kids[7]": {5, 5}, "tree.missing": {3, 3}, "nothing": {1, 1}, "tree..": {3, 3}, "[": {1, 1}, "tree.kids[-1]": {5, 5}} {
		if line, column := p.At(path); [2]int{line, column} != want {
			t.Errorf("%q is at %d:%d, want %v", path, line, column, want)
		}
	}
	if text, ok := p.Text("tree.kids[0]"); text != "b" || !ok || p.Has("tree.kids[2]") || !p.Has("tree.kids[1].id") {
		t.Errorf("text %q %v", text, ok)
	}
}

func TestErrIsNilForWarnings(t *testing.T) {
	ps := Problems{{Text: "w", Warning: true}}
	if ps.Err() != nil || len(ps.Warnings()) != 1 {
		t.Error("a warning is no error")
	}
	if ps = append(ps, Problem{File: "f", Line: 1, Column: 2, Text: "bad", Hint: "mend it"}); ps.Err() == nil || ps.Err().Error() != "f:1:2: bad (mend it)" {
		t.Error(ps.Err())
	}
}

func TestNearest(t *testing.T) {
	words := []string{"networks", "name", "level", "domain"}
	for word, want := range map[string]string{"netwroks": "networks", "nam": "name", "leevl": "level", "xyz": "", "name": "", "": ""} {
		if got := Nearest(word, words); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", word, got, want)
		}
	}
}

// TestPathsRoundTrip: whatever the key, the path made of it leads to its value.
func TestPathsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.StringMatching(`[ -~äß]{0,12}`).Draw(t, "key")
		index := rapid.IntRange(0, 5).Draw(t, "index")
		name, i, rest, ok := nextStep(Item(Key("", key), index))
		if !ok || name != key || i != -1 {
			t.Fatalf("key %q: %q %d %q %v", key, name, i, rest, ok)
		}
		if _, i, rest, ok = nextStep(rest); !ok || i != index || rest != "" {
			t.Fatalf("index %d: %d %q %v", index, i, rest, ok)
		}
	})
}

// TestSlipsIsADistance: symmetric, zero for equal words, at most the longer length.
func TestSlipsIsADistance(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching(`[a-d]{0,8}`)
		a, b := []rune(word.Draw(t, "a")), []rune(word.Draw(t, "b"))
		var rows [3][maxNearestLength + 1]int
		ab, ba := slips(a, b, &rows), slips(b, a, &rows)
		if ab != ba || (ab == 0) != slices.Equal(a, b) || ab > max(len(a), len(b)) {
			t.Fatalf("%q %q: %d %d", string(a), string(b), ab, ba)
		}
	})
}

// FuzzDecode: no bytes make the reader panic, and every problem has a place.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{"", "title: x", "tree: &a {kids: [*a]}", "a: b: c", "\t", "- [", "? ", "<<: {}", "count: 0o7", "day: 2027-02-30", "!!binary x", "labels: {\"\": a}"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var e everything
		p, problems := Decode("f", data, &e, asNode)
		for _, q := range problems {
			if q.Line < 1 || q.Column < 1 || q.Text == "" {
				t.Errorf("a problem without a place: %+v", q)
			}
			p.At(q.Path)
		}
	})
}
