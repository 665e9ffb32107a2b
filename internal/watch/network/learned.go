package network

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/quaywatch/quaywatch/internal/freeze"
)

// known is one device in a snapshot: its addresses, and what is usual for it.
// Addresses are kept because habits name clients by them: a client whose MAC was
// known would otherwise come back as another one.
type known struct {
	macs, ips   []string
	first, last time.Time
	spoke       bool // it sent something itself, or carried the packets of others
	usual       bool // it has habits
	began       time.Duration
	habits      []string // sorted
	full        bool
	marks       []Mark
	marksFull   bool
}

// said is what a device told of itself at an address by a protocol.
type said struct {
	address, protocol string
	plate             plate
}

// learning is all that a snapshot holds.
type learning struct {
	listened time.Duration
	oldest   time.Time // observation that was taken in
	covered  map[int64]bool
	devices  []known // in the order of their ids
	plates   []said  // in the order of address and protocol
}

// Save writes what the watch has learned: how long it listened, what is usual for
// each device, what each said of itself, and its history. A watch that Restore made of it goes
// on learning, and tells as new what this one would. What a running exercise has
// learned is left out. The size is bounded by Options.MaxHosts.
func (w *Watch) Save(to io.Writer) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	l := learning{listened: w.listen.total, oldest: w.from(), covered: w.covered.slots}
	for _, h := range w.hosts.all() {
		k := known{macs: h.macs, ips: h.ips, first: h.first, last: h.last, spoke: h.there(), marks: h.marks.list(), marksFull: h.marks.full}
		if b := h.habits; b != nil {
			k.usual, k.began, k.habits, k.full = true, b.began, sortedKeys(b.known), b.full
		}
		l.devices = append(l.devices, k)
	}
	for k, p := range w.plates {
		l.plates = append(l.plates, said{k.address, k.protocol, *p})
	}
	slices.SortFunc(l.plates, func(a, b said) int {
		return cmp.Or(cmp.Compare(a.address, b.address), cmp.Compare(a.protocol, b.protocol))
	})
	if err := freeze.Write(to, &l); err != nil {
		return fmt.Errorf("saving what the watch of the network has learned: %w", err)
	}
	return nil
}

// Restore takes over what Save wrote. Call it before the first row. Devices are
// known by their addresses then, and are told as there only once they speak.
// Where it returns an error (freeze.ErrTypes, freeze.ErrDamaged) nothing has changed.
func (w *Watch) Restore(from io.Reader) error {
	var l learning
	if err := freeze.Read(from, &l); err != nil {
		return fmt.Errorf("restoring what the watch of the network has learned: %w", err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.listen.total = max(w.listen.total, l.listened)
	w.before = l.oldest
	for n := range l.covered {
		w.covered.set(n)
	}
	for i := range l.devices[:min(len(l.devices), w.o.MaxHosts)] {
		w.hosts.recall(&l.devices[i])
	}
	for i := range l.plates[:min(len(l.plates), w.o.MaxHosts)] {
		s := &l.plates[i]
		w.plates[plateKey{s.address, s.protocol}] = &s.plate
	}
	w.still, w.same = false, false
	return nil
}

// recall makes a host of a snapshot. Addresses that another host has stay there.
func (x *hosts) recall(k *known) {
	h := newHost(k.first)
	h.last, h.spoke = k.last, k.spoke
	for _, m := range k.macs {
		if x.byMAC[m] == nil {
			h.macs = append(h.macs, m)
			x.byMAC[m] = h
		}
	}
	for _, ip := range k.ips {
		if x.byIP[ip] == nil {
			h.ips = append(h.ips, ip)
			x.byIP[ip] = h
		}
	}
	if k.usual {
		h.habits = &habits{began: k.began, known: make(map[string]bool, len(k.habits)), full: k.full}
		for _, s := range k.habits[:min(len(k.habits), maxHabits)] {
			h.habits.known[s] = true
		}
	}
	h.marks.recall(k.marks, k.marksFull)
	x.marked += len(h.marks.rows)
	x.order = nil
	x.match(h)
}
