package replay

import "bytes"

// bare is the encapsulated sentence of a line with a line end, without what
// stands around it; nil where the line holds none.
func bare(line []byte) []byte {
	from := bytes.IndexByte(line, '!')
	if from < 0 {
		return nil
	}
	star := bytes.IndexByte(line[from:], '*')
	if star < 0 || from+star+3 > len(line) {
		return nil
	}
	return append(bytes.Clone(line[from:from+star+3]), '\r', '\n')
}
