package pcap

import "io"

// item is one packet on its way from the capture to the flow table.
type item struct {
	frame
	packet
	refused string // why not even the link layer was understood; "" where it was
}

// read decodes the frame.
func (it *item) read() {
	it.refused = ""
	if reason, ok := it.decode(&it.frame); !ok {
		it.refused = reason
		return
	}
	it.seal()
}

// packets gives the packets of a capture one after the other. One is valid until the
// next is asked for.
type packets interface {
	next() (*item, error)
	// stop ends the reading; no other call may follow.
	stop()
}

// one reads each packet when it is asked for: a live input must not wait for more.
type one struct {
	c  *capture
	it item
}

func (o *one) next() (*item, error) {
	if err := o.c.next(&o.it.frame); err != nil {
		return nil, err
	}
	o.it.read()
	return &o.it, nil
}

func (o *one) stop() {}

// Sizes of what is read ahead. A block should stay in the cache of a core; two of them
// are enough for the reader to be ahead, two more smooth its pace.
const (
	blockBytes = 128 << 10
	blocks     = 4
)

// block is a run of packets, with the bytes that they point into.
type block struct {
	buf   []byte
	items []item
	err   error // what came after them
}

// ahead reads and decodes in a goroutine of its own, so that this overlaps with the
// work of the flow table. The capture is the goroutine's until next gave an error or
// stop returned.
type ahead struct {
	c       *capture
	full    chan *block
	empty   chan *block
	quit    chan struct{}
	present *block
	at      int
}

// readAheadOf begins to read c.
func readAheadOf(c *capture) *ahead {
	a := &ahead{c: c, full: make(chan *block, blocks), empty: make(chan *block, blocks), quit: make(chan struct{})}
	for range blocks {
		a.empty <- &block{buf: make([]byte, blockBytes)}
	}
	go a.run()
	return a
}

func (a *ahead) next() (*item, error) {
	if b := a.present; b != nil {
		if a.at < len(b.items) {
			a.at++
			return &b.items[a.at-1], nil
		}
		if b.err != nil {
			return nil, b.err
		}
		b.items = b.items[:0]
		a.empty <- b // never full: there are no more than it holds
	}
	a.present, a.at = nil, 0
	b, more := <-a.full
	if !more {
		return nil, io.EOF // only after stop
	}
	a.present = b
	return a.next()
}

func (a *ahead) stop() {
	close(a.quit)
	for range a.full { // until the goroutine has ended
	}
}

// run fills blocks. A block ends where the window leaves its buffer behind.
func (a *ahead) run() {
	defer close(a.full)
	var next *block // taken for the packet that is read now
	stopped := false
	w := &a.c.w
	w.another = func(least int) []byte {
		if next == nil {
			next = a.take()
		}
		if next == nil {
			stopped = true
			return make([]byte, least) // what is read now is not looked at
		}
		if len(next.buf) < least {
			next.buf = make([]byte, least)
		}
		return next.buf
	}
	w.renew(w.end - w.at) // what was read with the header goes with the first packets
	var present *block
	for present, next = next, nil; !stopped; {
		present.items = append(present.items, item{})
		last := len(present.items) - 1
		it := &present.items[last]
		err := a.c.next(&it.frame)
		switch {
		case err != nil:
			present.items, present.err = present.items[:last], err
		case next != nil: // the packet lies in the next buffer
			it.read()
			next.items = append(next.items, *it)
			present.items = present.items[:last]
		default:
			it.read()
			continue
		}
		select {
		case a.full <- present:
		case <-a.quit:
			return
		}
		if err != nil {
			return
		}
		present, next = next, nil
	}
}

// take waits for an empty block; nil: stopped.
func (a *ahead) take() *block {
	select {
	case b := <-a.empty:
		return b
	case <-a.quit:
		return nil
	}
}
