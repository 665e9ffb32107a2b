package pcap

import "io"

// maxEmptyReads is how often a reader may give nothing before it is given up.
const maxEmptyReads = 100

// window holds the part of a stream that is looked at. It is a bufio.Reader but for
// one thing: where another is set, bytes that were given out stay as they are, because
// a buffer that is used up is left behind and not filled again.
type window struct {
	src     io.Reader
	buf     []byte
	at, end int // of buf: what is here and was not taken
	err     error
	another func(least int) []byte // gives the next buffer; nil: the same is used again
}

func (w *window) reset(src io.Reader) { w.src, w.at, w.end, w.err = src, 0, 0, nil }

// peek gives the next n bytes without taking them; fewer, with the reason, where the
// stream has no more.
func (w *window) peek(n int) ([]byte, error) {
	if w.end-w.at < n {
		w.fill(n)
	}
	if w.end-w.at < n {
		return w.buf[w.at:w.end], w.err
	}
	return w.buf[w.at : w.at+n], nil
}

// fill reads until n bytes are here or the stream gives no more.
func (w *window) fill(n int) {
	if w.at+n > len(w.buf) {
		w.renew(n)
	}
	for empty := 0; w.end-w.at < n && w.err == nil; {
		got, err := w.src.Read(w.buf[w.end:])
		w.end += got
		w.err = err
		if got > 0 {
			empty = 0
		} else if empty++; empty > maxEmptyReads && err == nil {
			w.err = io.ErrNoProgress
		}
	}
}

// renew moves what is here to the start of a buffer that holds n bytes.
func (w *window) renew(n int) {
	to := w.buf
	switch {
	case w.another != nil:
		to = w.another(n)
	case n > len(to):
		to = make([]byte, n)
	}
	w.end = copy(to, w.buf[w.at:w.end])
	w.buf, w.at = to, 0
}

// discard takes n bytes and gives how many there were, with the reason where fewer.
func (w *window) discard(n int) (int, error) {
	left := n
	for {
		got := min(left, w.end-w.at)
		w.at += got
		left -= got
		if left == 0 {
			return n, nil
		}
		if w.fill(1); w.end == w.at {
			return n - left, w.err
		}
	}
}
