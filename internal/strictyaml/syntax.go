package strictyaml

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// checkBytes finds what makes the bytes no text at all, with a better place
// than the YAML reader gives.
func (d *decoder) checkBytes(data []byte) (Problem, bool) {
	if len(data) > MaxBytes {
		return Problem{File: d.file, Line: 1, Column: 1,
			Text: fmt.Sprintf("the file has %d bytes, at most %d are read", len(data), MaxBytes), Hint: "split it into several files"}, true
	}
	line, column := 1, 1
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			return Problem{File: d.file, Line: line, Column: column,
				Text: fmt.Sprintf("byte 0x%02x is not UTF-8 text", data[i]), Hint: "save the file as UTF-8"}, true
		case r < ' ' && r != '\n' && r != '\r' && r != '\t', r == 0x7f:
			return Problem{File: d.file, Line: line, Column: column,
				Text: fmt.Sprintf("control character 0x%02x", r), Hint: "remove it; is this a text file?"}, true
		case r == '\n':
			line, column = line+1, 0
		}
		column++
		i += size
	}
	return Problem{}, false
}

var yamlErrorLine = regexp.MustCompile(`^(?:yaml: )?(?:line (\d+): )?(.*)`)

// unfinished matches what the parser of the YAML library, unlike its scanner, says.
var unfinished = regexp.MustCompile(`^did not find expected (key|node content|<|'-'|',')`)

// syntaxProblem turns an error of the YAML reader into a problem. The reader
// gives a line only, and not always the right one, so the usual slips are
// looked for in the lines around it.
func (d *decoder) syntaxProblem(data []byte, err error) Problem {
	m := yamlErrorLine.FindStringSubmatch(strings.SplitN(err.Error(), "\n", 2)[0])
	line, _ := strconv.Atoi(m[1])
	if unfinished.MatchString(m[2]) {
		line++ // for these the reader counts lines from 0
	}
	line = max(line, 1)
	p := Problem{File: d.file, Line: line, Column: 1, Text: "not valid YAML: " + m[2], Hint: "look at the indentation and the quotes on this line and the one before"}
	lines := bytes.Split(data, []byte("\n"))
	for at := max(line-1, 1); at <= min(line+1, len(lines)); at++ {
		text := lines[at-1]
		indent := text[:len(text)-len(bytes.TrimLeft(text, " \t"))]
		if tab := bytes.IndexByte(indent, '\t'); tab >= 0 {
			p.Line, p.Column = at, tab+1
			p.Text, p.Hint = "a tab in the indentation", "indent with spaces"
			return p
		}
	}
	if anchor, ok := strings.CutPrefix(m[2], "unknown anchor '"); ok {
		return d.anchorProblem(lines, strings.TrimSuffix(anchor, "' referenced"), p)
	}
	if p.Line <= len(lines) {
		text := lines[p.Line-1]
		p.Column = utf8.RuneCount(text[:len(text)-len(bytes.TrimLeft(text, " "))]) + 1
	}
	return p
}

// anchorProblem finds where an alias without an anchor stands.
func (d *decoder) anchorProblem(lines [][]byte, name string, p Problem) Problem {
	for i, text := range lines {
		if at := bytes.Index(text, []byte("*"+name)); at >= 0 {
			p.Line, p.Column = i+1, utf8.RuneCount(text[:at])+1
			break
		}
	}
	p.Text = "the alias *" + name + " has no anchor &" + name
	p.Hint = "text that begins with * needs quotes"
	return p
}
