package firewall

import "cmp"

// fuzzy is a set of values of which some are certain and some possible: a group
// with a member that is not understood holds its known members for certain, and
// any other value possibly. must lies within may.
type fuzzy struct{ must, may Set }

func certain(s Set) fuzzy { return fuzzy{s, s} }

// anything is a set of which nothing is known.
func anything(d Dim) fuzzy { return fuzzy{Set{}, full(d)} }

func (f fuzzy) or(o fuzzy) fuzzy  { return fuzzy{f.must.or(o.must), f.may.or(o.may)} }
func (f fuzzy) and(o fuzzy) fuzzy { return fuzzy{f.must.and(o.must), f.may.and(o.may)} }
func (f fuzzy) not(d Dim) fuzzy   { return fuzzy{f.may.not(d), f.must.not(d)} }

// services is a union of protocols with ports, of which some are certain.
type services struct{ must, may []Match }

func (s services) or(o services) services {
	return services{append(s.must[:len(s.must):len(s.must)], o.must...), append(s.may[:len(s.may):len(s.may)], o.may...)}
}

func anyService() services { return services{[]Match{All()}, []Match{All()}} }

// someService is a service of which nothing is known.
func someService() services { return services{nil, []Match{All()}} }

// service is a protocol with ports, all certain.
func service(proto, src, dst Set) services {
	m := All().With(Proto, proto).With(SrcPort, src).With(DstPort, dst)
	return services{[]Match{m}, []Match{m}}
}

// not is every protocol and port that is not among them.
func (s services) not() services {
	return services{complement(s.may), complement(s.must)}
}

// complement is all packets that none of the sets has.
func complement(list []Match) []Match {
	space := newSpace(list)
	var out []Match
	for _, b := range merge(minus(space.boxes([]Match{All()}), merge(space.boxes(list)))) {
		out = append(out, space.match(b))
	}
	return out
}

// draft is the match of a rule while it is read.
type draft struct {
	sets     [dims]fuzzy
	services services
	unsure   string // why it may not match what it seems to; empty: it does
	partly   string // why some of it is only possible
}

func newDraft() *draft {
	d := &draft{services: anyService()}
	for k := range dims {
		d.sets[k] = certain(full(k))
	}
	return d
}

// narrow takes a condition on one dimension.
func (d *draft) narrow(k Dim, f fuzzy) { d.sets[k] = d.sets[k].and(f) }

// serve takes a condition on protocol and ports.
func (d *draft) serve(s services) {
	d.services = services{crossed(d.services.must, s.must), crossed(d.services.may, s.may)}
}

// crossed are the packets in a set of each list.
func crossed(a, b []Match) []Match {
	var out []Match
	for _, x := range a {
		for _, y := range b {
			if m := x.And(y); !m.Empty() {
				out = append(out, m)
			}
		}
	}
	return out
}

// doubt says that there is a condition which was not understood.
func (d *draft) doubt(why string) {
	if d.unsure == "" {
		d.unsure = why
	}
}

// forget gives up the conditions that were read: words may have been taken for
// others than they are.
func (d *draft) forget(why string) {
	*d = *newDraft()
	d.doubt(why)
}

// part says that something in a list was not understood; the rest is certain.
func (d *draft) part(why string) {
	if d.partly == "" {
		d.partly = why
	}
}

// into gives a rule what was read.
func (d *draft) into(r *Rule) {
	may, must := All(), All()
	for k := range dims {
		may[k], must[k] = d.sets[k].may, d.sets[k].must
	}
	r.May = crossed([]Match{may}, d.services.may)
	r.Why = cmp.Or(d.unsure, d.partly)
	if d.unsure == "" {
		r.Must = crossed([]Match{must}, d.services.must)
	}
}
