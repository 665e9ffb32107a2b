package pcap

import (
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
	flows     map[key]*flow
	oldest    *flow // least recently used
	newest    *flow
	fragments map[fragmentKey]*flow
	now       int64 // newest packet time, nanoseconds
	swept     int64
	every     int64 // between sweeps, which walk all flows that are quiet
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
	return &table{o: o, every: every, flows: map[key]*flow{}, fragments: map[fragmentKey]*flow{}}
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
		return t.inspectLink(fr, f, side, p)
	case p.proto == protoTCP:
		t.handshake(f, side, p)
	case p.proto == protoICMP || p.proto == protoICMPv6:
		t.echo(f, side, p)
	default:
		f.spoke[side] = true
	}
	return t.inspect(fr, f, side, p)
}

// turn moves the clock and ends what was silent for long. The clock does not go
// back: late packets count in the present.
func (t *table) turn(now int64) error {
	if t.since == 0 {
		t.since, t.swept = now, now
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
	for f := t.oldest; f != nil; {
		next := f.next
		quiet := now - f.last
		if quiet < int64(min(closedIdle, t.o.Early)) {
			break
		}
		switch {
		case quiet >= t.limit(f):
			if err := t.end(f); err != nil {
				return err
			}
		case f.first != 0 && now-f.first >= t.patience(f):
			if err := t.slice(f); err != nil {
				return err
			}
		}
		f = next
	}
	return nil
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
	case f.reset || f.closed[0] && f.closed[1]:
		return int64(min(closedIdle, t.o.TCPIdle))
	}
	return int64(t.o.TCPIdle)
}

// find gives the flow of the packet, a new one where there is none.
func (t *table) find(fr *frame, p *packet) (*flow, ics.Side, error) {
	k, ends := keyOf(p)
	var fk fragmentKey
	if p.fragment {
		whole := k
		whole.loPort, whole.hiPort = 0, 0
		fk = fragmentKey{whole, p.fragID}
		if f := t.fragments[fk]; f != nil && !p.first {
			ends[0].port, ends[1].port = f.ends[0].port, f.ends[1].port
			if ends[0].ip != f.ends[0].ip {
				ends[0].port = f.ends[1].port
			}
			return f, f.senderOf(ends), nil
		}
	}
	f := t.flows[k]
	if f != nil && p.flags&(flagSYN|flagACK) == flagSYN && p.proto == protoTCP && (f.reset || f.closed[0] || f.closed[1]) {
		if err := t.end(f); err != nil { // the ports are used again
			return nil, 0, err
		}
		f = nil
	}
	if f == nil {
		if len(t.flows) >= t.o.MaxFlows {
			t.evicted++
			t.since = fr.time // the table forgot: openings can't be told any more
			if err := t.end(t.oldest); err != nil {
				return nil, 0, err
			}
		}
		f = t.begin(k, ends, fr, p)
	}
	if p.fragment && p.first && len(t.fragments) < maxFragments {
		t.fragments[fk], f.fragmented = f, true
	}
	return f, f.senderOf(ends), nil
}

func (t *table) begin(k key, ends [2]end, fr *frame, p *packet) *flow {
	f := &flow{key: k, ends: ends, vlan: p.vlan, transport: transportOf(p)}
	switch {
	case !p.ip && p.dstMAC.group(), p.ip && p.dst.IsMulticast(), p.dstMAC.group():
		f.opened(sideA, openerProtocol) // nobody answers from a group address
	case p.ip && p.proto != protoTCP && fr.time-t.since >= int64(t.o.OtherIdle):
		f.opened(sideA, openerFresh)
	}
	t.flows[k] = f
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
	delete(t.flows, f.key)
	if f.fragmented {
		for k, v := range t.fragments { // at most maxFragments; order does not matter
			if v == f {
				delete(t.fragments, k)
			}
		}
	}
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
		f.conv = nil
	case p.flags&(flagSYN|flagACK) == flagSYN|flagACK:
		f.opened(1-side, openerSYN)
		f.conv = nil
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
	if f.conv == nil {
		f.conv = &ics.Conversation{}
	}
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
