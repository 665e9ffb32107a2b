package pcap

// spokes is a power of two, and more than the sweeps between the arrival of a packet
// and the end of a silent conversation by default. What is due later is looked at too
// early, and put back.
const spokes = 512

// wheel holds flows by when something is due of them, so that a sweep walks those
// whose time may have come, and not all. A flow stays where it is when its time moves
// on, which is what most packets do; it is put elsewhere when it is found too early.
type wheel struct {
	every int64 // nanoseconds of a spoke
	at    int64 // the first spoke that may hold anything, counted from 1970
	lists [spokes]*flow
}

// start begins an empty wheel at the given time.
func (w *wheel) start(now int64) { w.at = now / w.every }

// set puts f where what is due at that time is found.
func (w *wheel) set(f *flow, at int64) {
	n := min(max(at/w.every, w.at), w.at+spokes-1)
	if f.inWheel && f.spokeAt == n {
		return
	}
	w.remove(f)
	list := &w.lists[n&(spokes-1)]
	f.inWheel, f.spokeAt, f.wheelPrev, f.wheelNext = true, n, nil, *list
	if *list != nil {
		(*list).wheelPrev = f
	}
	*list = f
}

// remove takes f out, where it is in.
func (w *wheel) remove(f *flow) {
	if !f.inWheel {
		return
	}
	if f.wheelPrev != nil {
		f.wheelPrev.wheelNext = f.wheelNext
	} else {
		w.lists[f.spokeAt&(spokes-1)] = f.wheelNext
	}
	if f.wheelNext != nil {
		f.wheelNext.wheelPrev = f.wheelPrev
	}
	f.inWheel, f.wheelPrev, f.wheelNext = false, nil, nil
}

// take gives those of which something is due by now, in no order, and takes them out.
func (w *wheel) take(now int64, due func(*flow) int64, ready []*flow) []*flow {
	from, to := w.at, now/w.every
	w.at = max(w.at, to)
	for n := max(from, to-spokes+1); n <= to; n++ {
		for f := w.lists[n&(spokes-1)]; f != nil; {
			next := f.wheelNext
			if at := due(f); at <= now {
				w.remove(f)
				ready = append(ready, f)
			} else if at/w.every > n {
				w.set(f, at)
			}
			f = next
		}
	}
	return ready
}
