package ics

import "strconv"

// CIP messages (ODVA, The CIP Networks Library, volume 1, chapters 2, 4 and
// appendix A); services of Logix controllers after Rockwell publication
// 1756-PM020.

const (
	cipIdentityClass = 0x01
	cipRouterClass   = 0x02
	cipManagerClass  = 0x06
	cipFileClass     = 0x37
	cipTimeSyncClass = 0x43
	cipClockClass    = 0x8b // wall clock of Logix controllers
	maxCIPDepth      = 4
	maxCIPServices   = 64
)

// cipService is a row of a table of services.
type cipService struct {
	name string
	ops  Operations
}

// fileServices are those of the file object (volume 1 section 5-42), which devices
// take firmware and configuration by.
var fileServices = [128]cipService{
	0x4b: {"initiate file upload", Upload}, 0x4c: {"initiate file download", Program}, 0x4d: {"initiate partial file read", Upload},
	0x4e: {"initiate partial file write", Program}, 0x4f: {"file upload transfer", Upload}, 0x50: {"file download transfer", Program},
	0x51: {"clear file", Program},
}

// cipServices is by service code; an empty name is none of them.
var cipServices = [128]cipService{
	0x01: {"get attributes all", Read},
	0x02: {"set attributes all", Write},
	0x03: {"get attribute list", Read},
	0x04: {"set attribute list", Write},
	0x05: {"reset", Start},
	0x06: {"start", Start},
	0x07: {"stop", Stop},
	0x08: {"create", Program},
	0x09: {"delete", Program},
	0x0a: {"multiple service packet", 0},
	0x0d: {"apply attributes", Write},
	0x0e: {"get attribute single", Read},
	0x10: {"set attribute single", Write},
	0x11: {"find next object instance", Read},
	0x15: {"restore", Program},
	0x16: {"save", Program},
	0x17: {"no operation", 0},
	0x18: {"get member", Read},
	0x19: {"set member", Write},
	0x1a: {"insert member", Write},
	0x1b: {"remove member", Write},
	0x4b: {"execute pccc", Other},
	0x4c: {"read tag", Read},
	0x4d: {"write tag", Write},
	0x4e: {"read modify write tag", Read | Write},
	0x52: {"read tag fragmented", Read},
	0x53: {"write tag fragmented", Write},
	0x55: {"get instance attribute list", Read},
}

// connectionManager are the services whose codes mean something else on class 6.
var connectionManager = [128]string{
	0x4e: "forward close",
	0x52: "unconnected send",
	0x54: "forward open",
	0x56: "get connection data",
	0x57: "search connection data",
	0x5a: "get connection owner",
	0x5b: "large forward open",
}

// asked is a request that awaits its answer: answers do not repeat the path.
type asked struct {
	key      askedKey
	services []askedService // storage is used again
}

// askedKey pairs an answer with its request: by the sender's context, or on a
// connection by the sequence count.
type askedKey struct {
	context   [8]byte
	sequence  uint16
	connected bool
}

type askedService struct {
	service   byte
	class     uint32
	attribute uint16 // 0: none is in the path
	known     bool   // the path was read
}

// remember gives room for the services of a request; the oldest request goes at
// the bound.
func (c *Conversation) remember(k askedKey) *asked {
	if n := len(c.asked); n < cap(c.asked) && n < maxAsked {
		c.asked = c.asked[:n+1] // with the storage that it had
	} else if n < maxAsked {
		c.asked = append(c.asked, asked{})
	} else {
		oldest := c.asked[0]
		copy(c.asked, c.asked[1:])
		c.asked[len(c.asked)-1] = oldest
	}
	a := &c.asked[len(c.asked)-1]
	a.key, a.services = k, a.services[:0]
	return a
}

// answerTo takes the request out that has the key, nil where none does.
func (c *Conversation) answerTo(k askedKey) []askedService {
	for i := range c.asked {
		if c.asked[i].key == k {
			was := c.asked[i]
			copy(c.asked[i:], c.asked[i+1:])
			last := len(c.asked) - 1
			c.asked[last] = asked{services: was.services} // its storage for a later one
			c.asked = c.asked[:last]
			return was.services
		}
	}
	return nil
}

// tellCIP reads one message router request or answer.
func (c *Conversation) tellCIP(b []byte, k askedKey, r *Result) {
	if len(b) < 2 {
		return
	}
	if b[0]&0x80 != 0 {
		was := c.answerTo(k)
		budget := maxCIPServices
		c.tellAnswer(b, &was, 0, &budget, r)
		return
	}
	c.tellRequest(b, 0, &c.remember(k).services, r)
}

// tellRequest reads service, path and what is inside it. services gets one row
// a service, in order, for the answer.
func (c *Conversation) tellRequest(b []byte, depth int, services *[]askedService, r *Result) {
	if len(b) < 2 || depth > maxCIPDepth || len(*services) >= maxCIPServices {
		return
	}
	path := 2 + 2*int(b[1])
	if len(b) < path {
		r.Malformed = true
		return
	}
	service := b[0]
	class, attribute, known := pathOf(b[2:path])
	*services = append(*services, askedService{service, class, attribute, known})
	name, ops := serviceOf(service, class, known)
	r.function(Function{"cip", uint16(service), name, true, false, ops})
	rest := b[path:]
	switch {
	case service == 0x4b && class == cipPCCCClass:
		(&(*services)[len(*services)-1]).tellPCCC(rest, false, c, r)
	case service == 0x0a && class == cipRouterClass:
		forEachEmbedded(rest, func(inner []byte) { c.tellRequest(inner, depth+1, services, r) })
	case service == 0x52 && known && class == cipManagerClass && len(rest) >= 4:
		// priority, ticks, length, message, pad, route: the answer comes back
		// bare, from the module at the end of the route.
		if n := int(le16(rest[2:])); len(rest) >= 4+n {
			var routed []askedService
			c.tellRequest(rest[4:4+n], depth+1, &routed, r)
		}
	}
}

// forEachEmbedded walks a multiple service packet: count, offsets from the
// count, messages.
func forEachEmbedded(b []byte, visit func([]byte)) {
	if len(b) < 2 {
		return
	}
	count := min(int(le16(b)), maxCIPServices)
	if len(b) < 2+2*count {
		return
	}
	for i := range count {
		from, to := int(le16(b[2+2*i:])), len(b)
		if i+1 < count {
			to = int(le16(b[4+2*i:]))
		}
		if from < 2+2*count || to > len(b) || from >= to {
			continue
		}
		visit(b[from:to])
	}
}

// tellAnswer reads service, reserved, status, size of additional status, data.
// was holds the requests that are answered, in order; budget bounds the work.
func (c *Conversation) tellAnswer(b []byte, was *[]askedService, depth int, budget *int, r *Result) {
	if len(b) < 4 || depth > maxCIPDepth || *budget <= 0 {
		return
	}
	*budget--
	service, status := b[0]&0x7f, b[2]
	var q askedService
	if len(*was) > 0 && (*was)[0].service == service {
		q, *was = (*was)[0], (*was)[1:]
	}
	name, ops := serviceOf(service, q.class, q.known)
	r.function(Function{"cip", uint16(service), name, false, status != 0, ops})
	head := 4 + 2*int(b[3])
	if len(b) < head {
		return
	}
	data := b[head:]
	switch {
	case service == 0x0a:
		forEachEmbedded(data, func(inner []byte) { c.tellAnswer(inner, was, depth+1, budget, r) })
	case status == 0 && service == 0x4b && q.class == cipPCCCClass:
		q.tellPCCC(data, true, c, r)
	case status != 0 || !q.known || q.class != cipIdentityClass:
	case service == 0x01:
		r.identify(identityObject(data))
	case service == 0x0e:
		r.identify(identityAttribute(q.attribute, data))
	}
}

// identityAttribute reads one attribute of class 1 (volume 1 section 5-2).
func identityAttribute(attribute uint16, b []byte) Identity {
	switch {
	case attribute == 1 && len(b) >= 2:
		return Identity{Vendor: vendorName(le16(b))}
	case attribute == 2 && len(b) >= 2:
		return Identity{Kind: deviceTypes[le16(b)]}
	case attribute == 4 && len(b) >= 2:
		return Identity{Firmware: revision(b[0], b[1])}
	case attribute == 6 && len(b) >= 4:
		return Identity{Serial: serialText(le32(b))}
	case attribute == 7 && len(b) >= 1 && len(b) >= 1+int(b[0]):
		return Identity{Product: text(b[1 : 1+int(b[0])])}
	}
	return Identity{}
}

// serviceOf names a service. Where the path is not known, codes with two
// meanings are told as Other.
func serviceOf(service byte, class uint32, known bool) (string, Operations) {
	service &= 0x7f
	if name := connectionManager[service]; name != "" {
		switch {
		case known && class == cipManagerClass:
			return name, 0
		case !known:
			if eitherNames[service] != "" {
				return eitherNames[service], Other
			}
			return name, 0
		}
	}
	f := cipServices[service]
	switch {
	case known && class == cipFileClass && fileServices[service].name != "":
		f = fileServices[service]
	case f.name == "":
		return serviceNumbers[service], Other
	case service >= 0x4b && known && !tagClass(class):
		// From here on codes mean what the object says, and only some objects are known.
		return serviceNumbers[service], Other
	case known && class == cipIdentityClass && f.ops == Read:
		return f.name, Identify
	case known && (class == cipClockClass || class == cipTimeSyncClass) && f.ops == Write:
		return f.name, SetTime
	case service == 0x4b && class == cipPCCCClass:
		return f.name, 0 // what is inside tells
	}
	return f.name, f.ops
}

// serviceNumbers name a service by its code, eitherNames one that means two things
// where the path was not seen; made once, because they may come with each packet.
var serviceNumbers, eitherNames = func() (numbers, either [128]string) {
	for i := range numbers {
		numbers[i] = "service 0x" + strconv.FormatUint(uint64(i), 16)
		if a, b := cipServices[i].name, connectionManager[i]; a != "" && b != "" {
			either[i] = a + " or " + b
		}
	}
	return numbers, either
}()

// tagClass: the objects whose own services are those of tags in Logix controllers:
// a symbolic path (0), symbols, templates; and PCCC.
func tagClass(class uint32) bool {
	return class == 0 || class == 0x6b || class == 0x6c || class == cipPCCCClass
}

// pathOf reads the class, and the attribute where there is one, out of a padded
// path (volume 1 appendix C-1.4). A symbolic path names a tag: it is known, and of
// no class (0).
func pathOf(p []byte) (class uint32, attribute uint16, known bool) {
	for len(p) >= 2 {
		value, size := uint32(p[1]), 2
		if p[0]&0xe3 == 0x21 { // logical segment of 16 bits, padded
			if len(p) < 4 {
				return class, attribute, known
			}
			value, size = uint32(le16(p[2:])), 4
		}
		switch p[0] {
		case 0x20, 0x21:
			if known {
				return class, attribute, known
			}
			class, known = value, true
		case 0x24, 0x25, 0x28, 0x29, 0x2c, 0x2d: // instance, member, connection point
		case 0x30, 0x31:
			attribute = uint16(value)
		case 0x91:
			return class, attribute, true
		default:
			return class, attribute, known
		}
		p = p[size:]
	}
	return class, attribute, known
}

// vendors are the CIP vendor numbers met most in plants, from the register that
// ODVA keeps; names shortened. A number that is not here is told as a number.
var vendors = map[uint16]string{
	1: "Rockwell Automation/Allen-Bradley", 3: "Honeywell", 5: "Rockwell Automation/Reliance Electric",
	12: "Banner Engineering", 26: "Festo", 40: "WAGO", 44: "Yaskawa", 46: "ABB", 47: "Omron", 48: "Turck",
	57: "Pepperl+Fuchs", 68: "Eaton", 75: "ABB Robotics", 82: "Mitsubishi Electric Automation",
	90: "HMS Industrial Networks", 94: "Advantech", 97: "Danfoss", 100: "Bosch Rexroth",
	108: "Beckhoff Automation", 109: "National Instruments", 145: "Siemens Energy & Automation",
	161: "Mitsubishi Electric", 176: "Red Lion Controls", 181: "Pilz", 243: "Schneider Automation",
	250: "Yokogawa Electric", 283: "Hilscher", 309: "ProSoft Technology", 315: "SEW-Eurodrive",
	322: "ifm", 345: "Endress+Hauser", 367: "Keyence", 501: "VIPA",
}

func vendorName(n uint16) string {
	if name, ok := vendors[n]; ok {
		return name
	}
	return "CIP vendor " + strconv.Itoa(int(n))
}

// deviceTypes are the profiles of volume 1 chapter 6 that matter for a role.
var deviceTypes = map[uint16]string{
	0x02: "AC Drive", 0x07: "General Purpose Discrete I/O", 0x0c: "Communications Adapter",
	0x0e: "Programmable Logic Controller", 0x10: "Position Controller", 0x13: "DC Drive",
	0x18: "Human-Machine Interface", 0x22: "Encoder", 0x23: "Safety Discrete I/O Device",
	0x2b: "Generic Device (keyable)", 0x2c: "Managed Ethernet Switch",
}
