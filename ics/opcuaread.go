package ics

// Reads of the build information of an OPC UA server (OPC 10000-5 clauses 6.3.1 and
// 12.4): the request names nodes, the answer holds values in their order.

// buildInfo are the nodes of the server's build information (OPC 10000-5 clause
// 6.3.1 and 12.4): status, build information and the parts of it.
func buildNode(n uint32) bool { return n == 2256 || n >= 2260 && n <= 2266 }

// remember keeps which nodes a read asks for: max age, which timestamps, then
// node, attribute, index range, data encoding.
func (st *opcuaState) remember(request uint32, c *cursor) Operations {
	c.skip(8 + 4)
	count := min(c.u32(), maxOPCUANodes)
	nodes := make([]uint32, 0, max(count, 0))
	ops := Read
	wanted := false
	for ; count > 0 && len(c.b) > 0; count-- {
		space, n := c.uaNode()
		attribute := c.u32()
		c.uaBytes()
		c.skip(2)
		c.uaBytes()
		if space != 0 || attribute != 13 {
			n = 0
		}
		nodes = append(nodes, n)
		wanted = wanted || buildNode(n)
		if n >= 2260 && n <= 2266 {
			ops = Identify
		}
	}
	if wanted {
		if len(st.reads) >= maxOPCUAReads {
			st.reads = st.reads[1:]
		}
		st.reads = append(st.reads, opcuaRead{request, nodes})
	}
	return ops
}

// answered reads the values of build information.
func (st *opcuaState) answered(request uint32, c *cursor, failed bool, r *Result) Operations {
	for i := range st.reads {
		if st.reads[i].request != request {
			continue
		}
		nodes := st.reads[i].nodes
		st.reads = append(st.reads[:i], st.reads[i+1:]...)
		if failed {
			return Read
		}
		ops := Read
		count := min(c.u32(), len(nodes))
		for k := 0; k < count && len(c.b) > 0; k++ {
			if !c.uaValue(nodes[k], r) {
				break
			}
			if nodes[k] >= 2260 {
				ops = Identify
			}
		}
		return ops
	}
	return Read
}

// uaValue reads one DataValue (OPC 10000-6 clause 5.2.2.17). false: of a kind
// whose length is not known here, so that what follows can't be read.
func (c *cursor) uaValue(node uint32, r *Result) bool {
	mask := c.u8()
	if mask&1 != 0 {
		kind := c.u8()
		switch {
		case kind == 12:
			setBuild(node, c.uaString(), r)
		case kind == 21:
			setBuild(node, c.uaLocalized(), r)
		case kind == 22:
			_, t := c.uaNode()
			if c.u8() != 1 {
				return false
			}
			c.uaBuild(t, c.uaBytes(), r)
		case kind > 0 && kind < len(uaSizes) && uaSizes[kind] > 0:
			c.skip(uaSizes[kind])
		default:
			return false
		}
	}
	for _, f := range [...]struct{ bit, size int }{{2, 4}, {4, 8}, {16, 2}, {8, 8}, {32, 2}} {
		if mask&f.bit != 0 {
			c.skip(f.size)
		}
	}
	return true
}

// uaSizes are the lengths of the plain built-in types (clause 5.1.2).
var uaSizes = [...]int{1: 1, 2: 1, 3: 1, 4: 2, 5: 2, 6: 4, 7: 4, 8: 8, 9: 8, 10: 4, 11: 8, 13: 8, 14: 16, 19: 4}

// uaBuild reads BuildInfo (encoding 340), alone or in ServerStatus (864), where two
// times and a state come first.
func (c *cursor) uaBuild(kind uint32, b []byte, r *Result) {
	v := cursor{b: b}
	switch kind {
	case 864:
		v.skip(8 + 8 + 4)
	case 340:
	default:
		return
	}
	uri := v.uaString()
	id := Identity{Vendor: v.uaString(), Product: v.uaString(), Firmware: v.uaString()}
	if id.Product == "" {
		id.Product = uri
	}
	r.identify(id)
	r.fact("opcua-product-uri", uri)
	r.fact("opcua-build-number", v.uaString())
}

func setBuild(node uint32, value string, r *Result) {
	switch node {
	case 2261:
		r.identify(Identity{Product: value})
	case 2262:
		r.fact("opcua-product-uri", value)
	case 2263:
		r.identify(Identity{Vendor: value})
	case 2264:
		r.identify(Identity{Firmware: value})
	case 2265:
		r.fact("opcua-build-number", value)
	}
}
