package ais

import "bytes"

// DecodeNext reads the first line of block and returns its length n with its
// line end; the next one begins at block[n:]. n is 0 where no line ends in the
// block: more has to be read first (or, at the end of the input, the rest given
// to Decode). All else is as Decode of that line would have it: the same
// messages, marks, results and errors. It is faster, because the line end needs
// not be looked for beforehand:
//
//	for {
//		n, r, err := d.DecodeNext(block, offset, &m)
//		if n == 0 {
//			break
//		}
//		if r == ais.Complete {
//			use(&m)
//		}
//		block, offset = block[n:], offset+int64(n)
//	}
func (d *Decoder) DecodeNext(block []byte, mark int64, m *Message) (n int, r Result, err error) {
	if !d.note.set && !d.carried.set {
		if n, r, err = d.quick(block, mark, m); n > 0 {
			return n, r, err
		}
	}
	i := bytes.IndexByte(block, '\n')
	if i < 0 {
		return 0, Skipped, nil
	}
	r, err = d.Decode(block[:i], mark, m)
	return i + 1, r, err
}
