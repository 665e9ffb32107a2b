package advisory

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// EPSS is what the Exploit Prediction Scoring System (FIRST) says: for each CVE
// the probability, 0..1, that somebody exploits it within 30 days.
type EPSS struct {
	Model  string // such as "v2026.03.14"
	Date   time.Time
	Chance map[string]float64 // by CVE
	// Rejected are lines that were not read, at most 100; More counts the rest.
	Rejected []string
	More     int
}

// Bounds: the file of 2026 has about 300,000 lines.
const (
	maxScores   = 5_000_000
	maxEPSSLine = 1 << 10
)

var epssCVE = regexp.MustCompile(`^CVE-\d{4}-\d{4,19}$`)

// ReadEPSS reads the daily CSV file of FIRST, plain or packed with gzip. Lines
// that are wrong are told and the others go on; a file without the head line
// "cve,epss,percentile", or that ends early, is an error.
func ReadEPSS(name string, in io.Reader) (*EPSS, error) {
	r := bufio.NewReader(in)
	if magic, _ := r.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(r)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		defer func() { _ = z.Close() }() // read to its end, or failed already
		r = bufio.NewReader(z)
	}
	e := &EPSS{Chance: map[string]float64{}}
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, maxEPSSLine), maxEPSSLine)
	head := false
	for n := 1; lines.Scan(); n++ {
		text := strings.TrimSpace(strings.TrimPrefix(lines.Text(), "\ufeff"))
		switch {
		case text == "":
		case strings.HasPrefix(text, "#"):
			e.about(text[1:])
		case !head:
			if !strings.HasPrefix(strings.ReplaceAll(strings.ToLower(text), " ", ""), "cve,epss") {
				return nil, fmt.Errorf("%s:%d: is not the EPSS file: the head line cve,epss,percentile is missing", name, n)
			}
			head = true
		default:
			if err := e.line(text); err != nil {
				e.reject(fmt.Sprintf("%s:%d: %s", name, n, err))
			}
		}
		if len(e.Chance) > maxScores {
			return nil, fmt.Errorf("%s:%d: more than %d scores", name, n, maxScores)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: after %d scores: %w", name, len(e.Chance), err)
	}
	if !head {
		return nil, fmt.Errorf("%s: is not the EPSS file: it is empty", name)
	}
	return e, nil
}

// about reads the comment of the first line: model_version:v2026.03.14,score_date:2026-11-26T00:00:00+0000.
func (e *EPSS) about(text string) {
	for part := range strings.SplitSeq(text, ",") {
		key, value, _ := strings.Cut(strings.TrimSpace(part), ":")
		switch key {
		case "model_version":
			e.Model = value
		case "score_date":
			if len(value) >= 10 {
				if t, err := time.Parse(time.DateOnly, value[:10]); err == nil {
					e.Date = t
				}
			}
		}
	}
}

func (e *EPSS) line(text string) error {
	f := strings.Split(text, ",")
	if len(f) < 2 {
		return errors.New("has no score")
	}
	cve := strings.ToUpper(strings.TrimSpace(f[0]))
	if !epssCVE.MatchString(cve) {
		return fmt.Errorf("%.40q is not a CVE id", f[0])
	}
	p, err := strconv.ParseFloat(strings.TrimSpace(f[1]), 64)
	if err != nil || !(p >= 0 && p <= 1) {
		return fmt.Errorf("%.40q is not a probability", f[1])
	}
	if was, twice := e.Chance[cve]; twice && was != p {
		return fmt.Errorf("%s is there twice, with different scores", cve)
	}
	e.Chance[cve] = p
	return nil
}

func (e *EPSS) reject(text string) {
	if len(e.Rejected) < 100 {
		e.Rejected = append(e.Rejected, text)
	} else {
		e.More++
	}
}

// Predict takes the scores in, in place of earlier ones.
func (s *Set) Predict(e *EPSS) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.epss, s.cache = e, nil
}

// score fills in what is predicted of the match's weaknesses. A lock is held.
func (s *Set) score(m *Match) {
	if s.epss == nil {
		return
	}
	for _, c := range m.CVEs {
		m.EPSS = max(m.EPSS, s.epss.Chance[c])
	}
}
