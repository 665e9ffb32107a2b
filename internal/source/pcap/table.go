package pcap

import (
	"cmp"
	"slices"
	"time"

	"github.com/quaywatch/quaywatch/ics"
	"github.com/quaywatch/quaywatch/internal/event"
)

// Defaults of the flow table.
const (
	defaultMaxFlows  = 1 << 16
	defaultSlice     = 60 * time.Second
	defaultTCPIdle   = 5 * time.Minute
	defaultOtherIdle = 60 * time.Second
	earlyLive        = 2 * time.Second
	closedIdle       = 10 * time.Second   // a closed TCP conversation waits for stragglers
	sweepEvery       = int64(time.Second) // of a live input; see newTable
	sweepSeldom      = 10 * time.Second   // of files: nobody waits for a flow to be told
	maxFragments     = 1024
)

// table follows conversations and tells them in slices. It is bounded: when it
// is full, the flow that was silent longest is told and forgotten, so that
// nothing is lost; what comes after of the same conversation is a new flow,
// whose opening was then not seen.
type table struct {
	o         Options
	flows     index
	free      *flow // flows that are over, to be used again; linked by next
	oldest    *flow // least recently used
	newest    *flow
	fragments map[fragmentKey]*flow
	now       int64 // newest packet time, nanoseconds
	swept     int64
	every     int64 // between sweeps
	due       wheel
	ready     []*flow // of the sweep at hand; here so that it costs no allocation
	names     names
	since     int64 // watching without a gap since; 0: nothing seen yet
	evicted   uint64
	counted   uint64 // packets that are in a flow
	result    ics.Result
	tell      func(f *flow) error
	identity  func(fr *frame, from, to end, r *ics.Result) error
	input     string
}

type fragmentKey struct {
	conversation key
	id           uint32
}

func newTable(o Options) *table {
	every := max(sweepEvery, min(int64(sweepSeldom), int64(o.Early)/6))
	return &table{o: o, every: every, due: wheel{every: every}, fragments: map[fragmentKey]*flow{}}
}

// add counts one packet.
func (t *table) add(fr *frame, p *packet) error {
	if err := t.turn(fr.time); err != nil {
		return err
	}
	f, side, err := t.find(fr, p)
	if err != nil {
		return err
	}
	if f.first != 0 && fr.time-f.first >= t.patience(f) {
		if err := t.slice(f); err != nil {
			return err
		}
	}
	sooner := fr.time < f.first || f.first == 0 // something may be due of it before what the wheel knows
	if f.first == 0 {
		f.first, f.raw = fr.time, t.rawOf(fr)
		f.last = fr.time
	}
	f.first, f.last = min(f.first, fr.time), max(f.last, fr.time)
	if e := &f.ends[side]; e.mac.zero() { // some link layers tell the sender's MAC only
		e.mac = p.srcMAC
	}
	f.packets[side]++
	t.counted++
	f.bytes[side] += uint64(fr.wire)
	t.touch(f)
	switch {
	case !p.ip:
		f.spoke[side] = true
		err = t.inspectLink(fr, f, side, p)
	case p.proto == protoTCP:
		t.handshake(f, side, p)
		err = t.inspect(fr, f, side, p)
	case p.proto == protoICMP || p.proto == protoICMPv6:
		t.echo(f, side, p)
	default:
		f.spoke[side] = true
		err = t.inspect(fr, f, side, p)
	}
	if pace := f.pace(); sooner || pace != f.wasPace {
		f.wasPace = pace
		t.due.set(f, t.dueAt(f))
	}
	return err
}

// turn moves the clock and ends what was silent for long. The clock does not go
// back: late packets count in the present.
func (t *table) turn(now int64) error {
	if t.since == 0 {
		t.since, t.swept = now, now
		t.due.start(now)
	}
	t.now = max(t.now, now)
	if t.now-t.swept < t.every {
		return nil
	}
	return t.sweep(t.now)
}

// sweep tells the flows that are silent for longer than their limit, and the
// slices that are due of those that are merely quiet, oldest first.
func (t *table) sweep(now int64) error {
	t.swept = now
	t.ready = t.due.take(now, t.dueAt, t.ready[:0])
	slices.SortFunc(t.ready, func(a, b *flow) int { return cmp.Compare(a.touched, b.touched) })
	var first error
	for _, f := range t.ready {
		switch {
		case first != nil: // it is due at the next sweep
		case now-f.last >= t.limit(f):
			first = t.end(f)
			continue
		default:
			first = t.slice(f)
		}
		t.due.set(f, t.dueAt(f))
	}
	return first
}

// dueAt is when something is to be told of f if no more is heard of it. A flow that
// is not quiet is told as its packets come.
func (t *table) dueAt(f *flow) int64 {
	at := f.last + t.limit(f)
	if f.first != 0 {
		at = min(at, f.first+t.patience(f))
	}
	return max(at, f.last+int64(min(closedIdle, t.o.Early)))
}

// patience is how long a slice of f may last.
func (t *table) patience(f *flow) int64 {
	if f.told && !f.hurried {
		return int64(t.o.Slice)
	}
	return int64(t.o.Early)
}

func (t *table) limit(f *flow) int64 {
	switch {
	case f.key.proto != protoTCP || f.key.layer == 2:
		return int64(t.o.OtherIdle)
	case f.over():
		return int64(min(closedIdle, t.o.TCPIdle))
	}
	return int64(t.o.TCPIdle)
}

// find gives the flow of the packet, a new one where there is none.
func (t *table) find(fr *frame, p *packet) (*flow, ics.Side, error) {
	var fk fragmentKey
	if p.fragment {
		whole := p.key
		whole.loPort, whole.hiPort = 0, 0
		fk = fragmentKey{whole, p.fragID}
		if f := t.fragments[fk]; f != nil && !p.first {
			return f, f.senderOf(p), nil
		}
	}
	f := t.flows.get(&p.key, p.hash)
	if f != nil && p.flags&(flagSYN|flagACK) == flagSYN && p.proto == protoTCP && (f.reset || f.closed[0] || f.closed[1]) {
		if err := t.end(f); err != nil { // the ports are used again
			return nil, 0, err
		}
		f = nil
	}
	if f == nil {
		if t.flows.n >= t.o.MaxFlows {
			t.evicted++
			t.since = fr.time // the table forgot: openings can't be told any more
			if err := t.end(t.oldest); err != nil {
				return nil, 0, err
			}
		}
		f = t.begin(fr, p)
	}
	if p.fragment && p.first && len(t.fragments) < maxFragments {
		t.fragments[fk], f.fragmented = f, true
	}
	return f, f.senderOf(p), nil
}

func (t *table) begin(fr *frame, p *packet) *flow {
	f := t.free
	if f != nil {
		t.free, f.next = f.next, nil
	} else {
		f = &flow{}
	}
	f.hash, f.key, f.swapped, f.ends, f.vlan, f.transport = p.hash, p.key, p.swapped, p.ends(), p.vlan, transportOf(p)
	switch {
	case p.dstMAC.group(), p.ip && p.dst.netip(p.key.layer).IsMulticast():
		f.opened(sideA, openerProtocol) // nobody answers from a group address
	case p.ip && p.proto != protoTCP && fr.time-t.since >= int64(t.o.OtherIdle):
		f.opened(sideA, openerFresh)
	}
	t.flows.put(f)
	f.prev, f.next = t.newest, nil
	if t.newest != nil {
		t.newest.next = f
	} else {
		t.oldest = f
	}
	t.newest = f
	return f
}

// touch moves f to the end of the list.
func (t *table) touch(f *flow) {
	f.touched = t.counted
	if t.newest == f {
		return
	}
	t.unlink(f)
	f.prev, f.next = t.newest, nil
	if t.newest != nil {
		t.newest.next = f
	} else {
		t.oldest = f
	}
	t.newest = f
}

func (t *table) unlink(f *flow) {
	if f.prev != nil {
		f.prev.next = f.next
	} else {
		t.oldest = f.next
	}
	if f.next != nil {
		f.next.prev = f.prev
	} else {
		t.newest = f.prev
	}
}

// slice tells what was counted since the last one.
func (t *table) slice(f *flow) error {
	if f.first == 0 {
		return nil
	}
	err := t.tell(f)
	f.told = true
	f.clear()
	return err
}

// sliceAll tells what was counted of every flow, oldest first, and keeps them.
func (t *table) sliceAll() error {
	var first error
	for f := t.oldest; f != nil; f = f.next {
		if err := t.slice(f); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// end tells the rest of f and forgets it.
func (t *table) end(f *flow) error {
	err := t.slice(f)
	t.unlink(f)
	t.due.remove(f)
	t.flows.del(f)
	if f.fragmented {
		for k, v := range t.fragments { // at most maxFragments; order does not matter
			if v == f {
				delete(t.fragments, k)
			}
		}
	}
	*f = flow{acts: f.acts[:0], next: t.free} // nothing of it is kept
	t.free = f
	return err
}

// flush tells everything, oldest first, and forgets it.
func (t *table) flush() error {
	var first error
	for t.oldest != nil {
		if err := t.end(t.oldest); err != nil && first == nil {
			first = err
		}
	}
	t.since, t.now = 0, 0
	return first
}

// handshake reads the TCP flags (RFC 9293 section 3.5).
func (t *table) handshake(f *flow, side ics.Side, p *packet) {
	switch {
	case p.flags&flagRST != 0:
		f.reset = true
		return
	case p.flags&(flagSYN|flagACK) == flagSYN:
		f.opened(side, openerSYN)
		f.forget()
	case p.flags&(flagSYN|flagACK) == flagSYN|flagACK:
		f.opened(1-side, openerSYN)
		f.forget()
	case p.flags&flagFIN != 0:
		f.closed[side] = true
	}
	f.spoke[side] = true
}

// echo reads who asks in ICMP: echo request and reply of RFC 792 and RFC 4443.
// Errors answer some other conversation; who opened those is not told here.
func (t *table) echo(f *flow, side ics.Side, p *packet) {
	f.spoke[side] = true
	switch {
	case p.proto == protoICMP && p.icmpType == 8, p.proto == protoICMPv6 && p.icmpType == 128:
		f.opened(side, openerProtocol)
	case p.proto == protoICMP && p.icmpType == 0, p.proto == protoICMPv6 && p.icmpType == 129:
		f.opened(1-side, openerProtocol)
	}
}

// inspect gives the payload to ics and keeps what it told.
func (t *table) inspect(fr *frame, f *flow, side ics.Side, p *packet) error {
	if !p.ports || len(p.body) == 0 {
		return nil
	}
	if p.proto != protoTCP && p.proto != protoUDP {
		return nil
	}
	if p.proto == protoUDP && isDHCP(p) {
		f.app = "dhcp"
		if p.body[0] == 1 {
			f.opened(side, openerProtocol)
		} else {
			f.opened(1-side, openerProtocol)
		}
		return nil
	}
	f.talks = true
	if f.conv.Settled() {
		return nil
	}
	s := ics.Segment{Transport: ics.TCP, Source: p.sport, Destination: p.dport, Sender: side, Seq: p.seq, Payload: p.body, Missing: p.missing}
	if p.proto == protoUDP {
		s.Transport = ics.UDP
	}
	r := &t.result
	f.conv.Inspect(s, r)
	switch r.Sender {
	case ics.RoleClient:
		f.opened(side, openerProtocol)
	case ics.RoleServer:
		f.opened(1-side, openerProtocol)
	}
	f.ops |= r.Operations
	if w := weigh(r.Operations); w > f.weight && w > 1 {
		f.raw, f.weight = t.rawOf(fr), w
	}
	t.note(fr, f, side, r)
	if r.Identity.IsZero() && r.ServerName == "" && len(r.Behind) == 0 {
		return nil
	}
	from, to := f.ends[side], f.ends[1-side]
	return t.identity(fr, from, to, r)
}

// rawOf is the way back to the packet.
func (t *table) rawOf(fr *frame) event.Raw {
	return event.Raw{Input: t.input, Offset: fr.offset, Line: fr.number, Length: len(fr.data), Sum: event.SumOf(fr.data)}
}
