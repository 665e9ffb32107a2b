package csaf

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// number is a version of a document (3.1.11): an integer, or three of them.
type number struct {
	parts    [3]int
	semantic bool
	pre      string // pre-release
	build    string // build metadata
	sound    bool
}

func readNumber(text string) number {
	var v number
	text, v.build, _ = strings.Cut(text, "+")
	text, v.pre, _ = strings.Cut(text, "-")
	parts := strings.Split(text, ".")
	v.semantic = len(parts) == 3
	if len(parts) != 1 && len(parts) != 3 {
		return v
	}
	for i, p := range parts {
		n, err := strconv.Atoi(p)
		if err != nil || n < 0 {
			return v
		}
		v.parts[i] = n
	}
	v.sound = true
	return v
}

// compare orders by SemVer 2.0, section 11; build metadata does not count.
func (v number) compare(w number) int {
	if d := slices.Compare(v.parts[:], w.parts[:]); d != 0 {
		return d
	}
	switch {
	case v.pre == w.pre:
		return 0
	case v.pre == "":
		return 1
	case w.pre == "":
		return -1
	}
	a, b := strings.Split(v.pre, "."), strings.Split(w.pre, ".")
	for i := range min(len(a), len(b)) {
		x, errX := strconv.Atoi(a[i])
		y, errY := strconv.Atoi(b[i])
		var d int
		switch {
		case errX == nil && errY == nil:
			d = cmp.Compare(x, y)
		case errX == nil:
			d = -1
		case errY == nil:
			d = 1
		default:
			d = cmp.Compare(a[i], b[i])
		}
		if d != 0 {
			return d
		}
	}
	return cmp.Compare(len(a), len(b))
}

// draft is whether it is a version before the first release.
func (v number) zero() bool { return v.parts[0] == 0 }

type revision struct {
	n    *node
	at   time.Time
	v    number
	text string
}

// history runs the tests of versions and revisions (6.1.14, 6.1.16 to 6.1.22, 6.1.30).
func (c *checker) history() {
	tracking := c.root.get("document").get("tracking")
	status, version := tracking.get("status").str(), tracking.get("version")
	v := readNumber(version.str())
	released := status == "final" || status == "interim"
	if v.sound && status != "draft" && (v.zero() || v.pre != "") {
		c.fail("6.1.17", tracking.get("status"), "is %q, and version %s is a draft", status, version.str())
	}
	if released && v.pre != "" {
		c.fail("6.1.20", version, "is a pre-release, and the status is %q", status)
	}
	var all []revision
	seen := map[string]bool{}
	for _, r := range tracking.get("revision_history").each() {
		at, ok := when(r.get("date").str())
		n := r.get("number")
		rev := revision{n, at, readNumber(n.str()), n.str()}
		if !ok || !rev.v.sound {
			return // the schema has told of it, and nothing can be ordered
		}
		if released && rev.v.zero() {
			c.fail("6.1.18", n, "is a draft version, and the status is %q", status)
		}
		if rev.v.pre != "" {
			c.fail("6.1.19", n, "%s is a pre-release", rev.text)
		}
		if seen[rev.text] {
			c.fail("6.1.22", n, "version %s is there twice", rev.text)
		}
		if seen[rev.text] = true; v.sound && rev.v.semantic != v.semantic {
			c.fail("6.1.30", n, "%s and %s mix integer and semantic versions", rev.text, version.str())
		}
		all = append(all, rev)
	}
	slices.SortStableFunc(all, func(a, b revision) int { return cmp.Or(a.at.Compare(b.at), a.v.compare(b.v)) })
	c.order(all, version, v, status)
}

// order runs the tests that need the revisions by date.
func (c *checker) order(all []revision, version *node, v number, status string) {
	if len(all) == 0 || !v.sound {
		return
	}
	for i := 1; i < len(all); i++ {
		was, is := all[i-1], all[i]
		if was.v.compare(is.v) > 0 {
			c.fail("6.1.14", is.n, "version %s is later than %s, and has a lower number", is.text, was.text)
		}
		if is.v.parts[0] > was.v.parts[0]+1 {
			c.fail("6.1.21", is.n, "versions between %s and %s are missing", was.text, is.text)
		}
	}
	if all[0].v.parts[0] > 1 {
		c.fail("6.1.21", all[0].n, "the first version is %s, and must be 0 or 1", all[0].text)
	}
	last := all[len(all)-1]
	here, there := v, last.v
	if status == "draft" {
		here.pre, there.pre = "", ""
	}
	if here.compare(there) != 0 {
		c.fail("6.1.16", version, "is %s, and the last revision is %s", version.str(), last.text)
	}
}
