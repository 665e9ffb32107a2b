package csaf

import (
	"fmt"
	"slices"
	"strings"

	cvss2 "github.com/pandatix/go-cvss/20"
	cvss30 "github.com/pandatix/go-cvss/30"
	cvss31 "github.com/pandatix/go-cvss/31"
	cvss4 "github.com/pandatix/go-cvss/40"
)

// metric is one metric of a scoring system: its name in a vector, its property
// in JSON, and the values in both ("N=NETWORK").
type metric struct {
	short, property string
	values          [][2]string // in a vector, in JSON
	base            bool        // every vector must have it
}

func metrics(lines string) []metric {
	var out []metric
	for line := range strings.Lines(strings.TrimSpace(lines)) {
		f := strings.Fields(line)
		m := metric{short: strings.TrimSuffix(f[0], "!"), property: f[1], base: strings.HasSuffix(f[0], "!")}
		for _, v := range f[2:] {
			short, long, _ := strings.Cut(v, "=")
			m.values = append(m.values, [2]string{short, long})
		}
		out = append(out, m)
	}
	return out
}

func (m *metric) long(short string) (string, bool) {
	for _, v := range m.values {
		if v[0] == short {
			return v[1], true
		}
	}
	return "", false
}

func (m *metric) brief(long string) string {
	for _, v := range m.values {
		if v[1] == long {
			return v[0]
		}
	}
	return ""
}

// Metrics of CVSS 2.0 and 3 (FIRST, JSON representations of the vectors).
// Those with ! are base metrics.
var (
	metrics2 = metrics(`
AV! accessVector L=LOCAL A=ADJACENT_NETWORK N=NETWORK
AC! accessComplexity H=HIGH M=MEDIUM L=LOW
Au! authentication M=MULTIPLE S=SINGLE N=NONE
C! confidentialityImpact N=NONE P=PARTIAL C=COMPLETE
I! integrityImpact N=NONE P=PARTIAL C=COMPLETE
A! availabilityImpact N=NONE P=PARTIAL C=COMPLETE
E exploitability U=UNPROVEN POC=PROOF_OF_CONCEPT F=FUNCTIONAL H=HIGH ND=NOT_DEFINED
RL remediationLevel OF=OFFICIAL_FIX TF=TEMPORARY_FIX W=WORKAROUND U=UNAVAILABLE ND=NOT_DEFINED
RC reportConfidence UC=UNCONFIRMED UR=UNCORROBORATED C=CONFIRMED ND=NOT_DEFINED
CDP collateralDamagePotential N=NONE L=LOW LM=LOW_MEDIUM MH=MEDIUM_HIGH H=HIGH ND=NOT_DEFINED
TD targetDistribution N=NONE L=LOW M=MEDIUM H=HIGH ND=NOT_DEFINED
CR confidentialityRequirement L=LOW M=MEDIUM H=HIGH ND=NOT_DEFINED
IR integrityRequirement L=LOW M=MEDIUM H=HIGH ND=NOT_DEFINED
AR availabilityRequirement L=LOW M=MEDIUM H=HIGH ND=NOT_DEFINED`)
	metrics3 = metrics(`
AV! attackVector N=NETWORK A=ADJACENT_NETWORK L=LOCAL P=PHYSICAL
AC! attackComplexity L=LOW H=HIGH
PR! privilegesRequired N=NONE L=LOW H=HIGH
UI! userInteraction N=NONE R=REQUIRED
S! scope U=UNCHANGED C=CHANGED
C! confidentialityImpact H=HIGH L=LOW N=NONE
I! integrityImpact H=HIGH L=LOW N=NONE
A! availabilityImpact H=HIGH L=LOW N=NONE
E exploitCodeMaturity X=NOT_DEFINED U=UNPROVEN P=PROOF_OF_CONCEPT F=FUNCTIONAL H=HIGH
RL remediationLevel X=NOT_DEFINED O=OFFICIAL_FIX T=TEMPORARY_FIX W=WORKAROUND U=UNAVAILABLE
RC reportConfidence X=NOT_DEFINED U=UNKNOWN R=REASONABLE C=CONFIRMED
CR confidentialityRequirement X=NOT_DEFINED L=LOW M=MEDIUM H=HIGH
IR integrityRequirement X=NOT_DEFINED L=LOW M=MEDIUM H=HIGH
AR availabilityRequirement X=NOT_DEFINED L=LOW M=MEDIUM H=HIGH
MAV modifiedAttackVector X=NOT_DEFINED N=NETWORK A=ADJACENT_NETWORK L=LOCAL P=PHYSICAL
MAC modifiedAttackComplexity X=NOT_DEFINED L=LOW H=HIGH
MPR modifiedPrivilegesRequired X=NOT_DEFINED N=NONE L=LOW H=HIGH
MUI modifiedUserInteraction X=NOT_DEFINED N=NONE R=REQUIRED
MS modifiedScope X=NOT_DEFINED U=UNCHANGED C=CHANGED
MC modifiedConfidentialityImpact X=NOT_DEFINED H=HIGH L=LOW N=NONE
MI modifiedIntegrityImpact X=NOT_DEFINED H=HIGH L=LOW N=NONE
MA modifiedAvailabilityImpact X=NOT_DEFINED H=HIGH L=LOW N=NONE`)
)

// scoreSystem is a scoring system as the standard refers to it.
type scoreSystem struct {
	version, prefix string
	metrics         []metric
	severity        bool // has ratings in words
}

var (
	system2  = &scoreSystem{"2.0", "", metrics2, false}
	system30 = &scoreSystem{"3.0", "CVSS:3.0/", metrics3, true}
	system31 = &scoreSystem{"3.1", "CVSS:3.1/", metrics3, true}
)

// vector takes a vector apart; the error is for people.
func (s *scoreSystem) vector(text string) (map[string]string, error) {
	rest, ok := strings.CutPrefix(text, s.prefix)
	if !ok {
		return nil, fmt.Errorf("does not begin with %s", s.prefix)
	}
	out := map[string]string{}
	for part := range strings.SplitSeq(rest, "/") {
		name, value, _ := strings.Cut(part, ":")
		i := slices.IndexFunc(s.metrics, func(m metric) bool { return m.short == name })
		if i < 0 {
			return nil, fmt.Errorf("%.20q is no metric of CVSS %s", part, s.version)
		}
		if _, known := s.metrics[i].long(value); !known {
			return nil, fmt.Errorf("%.20q has a value that CVSS %s does not know", part, s.version)
		}
		if _, twice := out[name]; twice {
			return nil, fmt.Errorf("has %s twice", name)
		}
		out[name] = value
	}
	for _, m := range s.metrics {
		if _, has := out[m.short]; m.base && !has {
			return nil, fmt.Errorf("has no %s", m.short)
		}
	}
	return out, nil
}

type scorer interface {
	BaseScore() float64
	TemporalScore() float64
	EnvironmentalScore() float64
}

// scores computes base, temporal and environmental score of a vector.
func (s *scoreSystem) scores(values map[string]string) ([3]float64, error) {
	var set interface {
		scorer
		Set(abv, value string) error
	}
	switch s.version {
	case "2.0":
		set = &cvss2.CVSS20{}
	case "3.0":
		set = &cvss30.CVSS30{}
	default:
		set = &cvss31.CVSS31{}
	}
	for _, m := range s.metrics {
		v, given := values[m.short]
		if !given {
			v = m.values[len(m.values)-1][0] // ND of CVSS 2
			if s.severity {
				v = "X"
			}
		}
		if err := set.Set(m.short, v); err != nil {
			return [3]float64{}, fmt.Errorf("CVSS %s: %s:%s: %w", s.version, m.short, v, err)
		}
	}
	return [3]float64{set.BaseScore(), set.TemporalScore(), set.EnvironmentalScore()}, nil
}

// rating is the severity in words of a score of CVSS 3 (3.1, section 5).
func rating(score float64) string {
	switch {
	case score >= 9:
		return "CRITICAL"
	case score >= 7:
		return "HIGH"
	case score >= 4:
		return "MEDIUM"
	case score > 0:
		return "LOW"
	}
	return "NONE"
}

// cvss checks a score object against the schema (6.1.8), its computation
// (6.1.9) and its consistency (6.1.10).
func (c *checker) cvss(n *node, systems ...*scoreSystem) {
	if n == nil || n.kind != isObject {
		return
	}
	version := n.get("version")
	var s *scoreSystem
	for _, one := range systems {
		if version.str() == one.version {
			s = one
		}
	}
	if s == nil {
		c.fail("6.1.8", n, "has no version that is known here")
		return
	}
	if !c.cvssSchema(n, s) {
		return
	}
	values, err := s.vector(n.get("vectorString").str())
	if err != nil {
		c.fail("6.1.8", n.get("vectorString"), "is no vector: %s", err)
		return
	}
	for _, m := range s.metrics {
		given := n.get(m.property)
		if given == nil {
			continue
		}
		short, stated := values[m.short]
		if !stated {
			values[m.short] = m.brief(given.str()) // the vector leaves it open, so the property decides
		} else if want, _ := m.long(short); given.str() != want {
			c.fail("6.1.10", given, "is %s, and the vector says %s", given.str(), want)
		}
	}
	scores, err := s.scores(values)
	if err != nil {
		c.fail("6.1.9", n, "can't be computed: %s", err)
		return
	}
	for i, name := range []string{"base", "temporal", "environmental"} {
		if got, ok := n.get(name + "Score").number(); ok && got != scores[i] {
			c.fail("6.1.9", n.get(name+"Score"), "is %g, and the vector gives %.1f", got, scores[i])
		}
		if got := n.get(name + "Severity"); s.severity && got != nil && got.str() != rating(scores[i]) {
			c.fail("6.1.9", got, "is %s, and the vector gives %s", got.str(), rating(scores[i]))
		}
	}
}

// cvssSchema checks properties and their values; false where no more can be said.
func (c *checker) cvssSchema(n *node, s *scoreSystem) bool {
	sound := true
	wrong := func(at *node, format string, args ...any) {
		sound = false
		c.fail("6.1.8", at, format, args...)
	}
	must := []string{"vectorString", "baseScore"}
	if s.severity {
		must = append(must, "baseSeverity")
	}
	for _, name := range must {
		if n.get(name) == nil {
			wrong(n, "%q is missing", name)
		}
	}
	for _, p := range n.items {
		i := slices.IndexFunc(s.metrics, func(m metric) bool { return m.property == p.key })
		switch {
		case p.key == "version" || p.key == "vectorString":
			if p.kind != isString {
				wrong(p, "is %s, and must be text", kindNames[p.kind])
			}
		case strings.HasSuffix(p.key, "Score"):
			if v, ok := p.number(); !ok || v < 0 || v > 10 {
				wrong(p, "is no number from 0 to 10")
			}
		case s.severity && strings.HasSuffix(p.key, "Severity"):
			if !slices.Contains([]string{"NONE", "LOW", "MEDIUM", "HIGH", "CRITICAL"}, p.str()) {
				wrong(p, "is no severity")
			}
		case i >= 0:
			if !slices.ContainsFunc(s.metrics[i].values, func(v [2]string) bool { return v[1] == p.str() }) {
				wrong(p, "%.40q is no value of it", p.str())
			}
		default:
			c.strange = append(c.strange, p)
		}
	}
	return sound
}

// score4 reads the property cvss_v4 of a score, which CSAF 2.0 does not know and
// own documents may have: the score is computed from the vector. False where
// there is no sound vector.
func score4(n *node) (Score, bool) {
	vector := n.get("vectorString").str()
	v, err := cvss4.ParseVector(vector)
	if err != nil {
		return Score{}, false
	}
	return Score{Version: "4.0", Vector: vector, Base: v.Score()}, true
}
