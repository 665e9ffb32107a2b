package ics

import "strconv"

// S7comm is carried in TPKT (RFC 1006) and COTP (ISO 8073, X.224). Siemens has
// not published it; codes and layouts follow the public Wireshark and Zeek
// descriptions and are held to real captures by the tests.

const (
	s7Magic      = 0x32
	s7Job        = 1
	s7Ack        = 2
	s7AckData    = 3
	s7UserData   = 7
	maxSZLRecord = 64
)

func recogniseS7(m *message) (string, bool) {
	t, ok := firstTPDU(m)
	if !ok || t.kind != cotpData {
		return "", false
	}
	_, ok = parseS7(t.data)
	return "TPKT, COTP data and an S7 header (0x32) whose lengths add up", ok
}

// s7 is one S7comm message.
type s7 struct {
	rosctr       byte // 1 job, 2 ack, 3 ack with data, 7 user data
	failed       bool
	param, value []byte
}

func parseS7(b []byte) (s7, bool) {
	if len(b) < 10 || b[0] != s7Magic || be16(b[2:]) != 0 {
		return s7{}, false
	}
	h := s7{rosctr: b[1]}
	head := 10
	switch h.rosctr {
	case s7Job, s7UserData:
	case s7Ack, s7AckData:
		head = 12
	default:
		return s7{}, false
	}
	p, d := int(be16(b[6:])), int(be16(b[8:]))
	if len(b) < head+p+d {
		return s7{}, false
	}
	if head == 12 {
		h.failed = b[10] != 0 || b[11] != 0
	}
	h.param, h.value = b[head:head+p], b[head+p:head+p+d]
	return h, true
}

// s7Functions is by function code; an empty name is none of them.
var s7Functions = [256]struct {
	name string
	ops  Operations
}{
	0x00: {"cpu services", Other},
	0x04: {"read variable", Read},
	0x05: {"write variable", Write},
	0x1a: {"request download", Program},
	0x1b: {"download block", Program},
	0x1c: {"download ended", Program},
	0x1d: {"start upload", Upload},
	0x1e: {"upload", Upload},
	0x1f: {"end upload", Upload},
	0x28: {"program invocation", Other},
	0x29: {"plc stop", Stop},
	0xf0: {"setup communication", 0},
}

func (h s7) tell(m *message, r *Result) {
	if h.rosctr == s7UserData {
		h.tellUserData(m.c, r)
		return
	}
	if h.rosctr == s7Job {
		r.Sender = RoleClient
	} else {
		r.Sender = RoleServer
	}
	if len(h.param) == 0 {
		return // a bare acknowledgement
	}
	code := h.param[0]
	f := s7Functions[code]
	if f.name == "" {
		f.name, f.ops = "unknown", Other
	}
	// In a download the controller asks the engineering station for the blocks:
	// these jobs go the other way.
	if code == 0x1b || code == 0x1c {
		r.Sender = m.role(isoPort)
	}
	if code == 0x28 {
		if h.rosctr == s7Job {
			f.name, f.ops = invocation(h.param)
		} else {
			f.ops = 0 // the answer does not repeat which
		}
	}
	if h.rosctr == s7Job && (code >= 0x1a && code <= 0x1d) {
		f.name += blockName(h.param)
	}
	r.function(Function{"s7comm", uint16(code), f.name, h.rosctr == s7Job, h.failed, f.ops})
}

// s7Blocks are the kinds of blocks by the two characters of a file name.
var s7Blocks = map[string]string{"08": "OB", "0A": "DB", "0B": "SDB", "0C": "FC", "0D": "SFC", "0E": "FB", "0F": "SFB"}

// blockName reads the block that a download or upload names: after eight bytes a
// length, then '_', two characters of kind, five of number, one of file system.
func blockName(param []byte) string {
	if len(param) < 18 || param[8] < 9 || param[9] != '_' {
		return ""
	}
	kind, known := s7Blocks[string(param[10:12])]
	if !known {
		return ""
	}
	n, err := strconv.Atoi(string(param[12:17]))
	if err != nil {
		return ""
	}
	return " " + kind + " " + strconv.Itoa(n)
}

// invocation names a program invocation (PI) service: seven bytes, the length
// of an argument block, the block, the length of the name, the name.
func invocation(param []byte) (string, Operations) {
	name := ""
	if len(param) >= 10 {
		block := int(be16(param[8:]))
		if at := 10 + block; at < len(param) {
			n := int(param[at])
			name = text(param[at+1 : min(at+1+n, len(param))])
		}
	}
	switch name {
	case "P_PROGRAM":
		return "start (P_PROGRAM)", Start
	case "_INSE", "_DELE", "_GARB", "_MODU", "_N_DELE", "_NEW":
		return "change of program memory (" + name + ")", Program
	case "":
		return "program invocation", Other
	}
	return "program invocation " + name, Other
}

// User data: 00 01 12, length, method, type (high half: 4 request, 8 answer)
// and group, sub-function, sequence. With length 8 follow the data unit
// reference, whether more follows, and the error.
//
// A long answer comes in parts, each asked for; it is told once, when the last
// part is there.
func (h s7) tellUserData(c *Conversation, r *Result) {
	p := h.param
	if len(p) < 8 || p[0] != 0 || p[1] != 1 || p[2] != 0x12 {
		r.Malformed = true
		return
	}
	kind, group, sub := p[5]>>4, p[5]&0x0f, p[6]
	switch kind {
	case 4:
		r.Sender = RoleClient
	case 8:
		r.Sender = RoleServer
	}
	long := len(p) >= 12
	if kind == 4 && long { // asks for the next part
		return
	}
	failed := long && be16(p[10:]) != 0
	body := h.value
	if kind == 8 && long {
		if p[9] != 0 {
			c.addPart(p[8], body)
			return
		}
		body = c.joined(p[8], body)
	}
	name, ops := userFunction(group, sub)
	if group == 4 && sub == 1 { // read system status list (SZL)
		ops = systemStatus(body, kind == 8 && !failed, r)
	}
	r.function(Function{"s7comm", uint16(p[5]), name, kind == 4, failed, ops})
}

// maxParts bounds an answer in parts, in bytes.
const maxParts = 8 << 10

// addPart keeps a part of an answer: return code, transport size, length, data.
// The parts of one reference are joined as one value.
func (c *Conversation) addPart(reference byte, value []byte) {
	if len(value) < 4 {
		return
	}
	if c.partsOf != reference || len(c.parts) == 0 {
		c.partsOf, c.parts = reference, append([]byte(nil), value...)
		return
	}
	if len(c.parts)+len(value) <= maxParts {
		c.parts = append(c.parts, value[4:]...)
	}
}

// joined is the whole value with its last part.
func (c *Conversation) joined(reference byte, value []byte) []byte {
	if len(c.parts) == 0 || c.partsOf != reference || len(value) < 4 {
		return value
	}
	whole := append(c.parts, value[4:]...)
	c.parts = nil
	return whole
}

// userFunctions are the services of user data by group and number.
var userFunctions = map[[2]byte]struct {
	name string
	ops  Operations
}{
	{1, 0x01}: {"request diagnostic data", Read}, {1, 0x02}: {"variable table", Read}, {1, 0x0c}: {"erase", Program},
	{1, 0x0e}: {"read diagnostic data", Read}, {1, 0x0f}: {"remove diagnostic data", Read}, {1, 0x10}: {"force", Write},
	{1, 0x13}: {"request diagnostic data", Read}, {2, 0x01}: {"cyclic data", Read}, {2, 0x04}: {"unsubscribe cyclic data", Read},
	{3, 0x01}: {"list blocks", Read}, {3, 0x02}: {"list blocks of type", Read}, {3, 0x03}: {"get block info", Read},
	{4, 0x01}: {"read system status list", Read}, {4, 0x02}: {"message service", Read}, {4, 0x03}: {"diagnostic message", Read},
	{4, 0x0b}: {"acknowledge alarm", Write}, {4, 0x0c}: {"alarm acknowledged", Read}, {4, 0x13}: {"alarm query", Read},
	{5, 0x01}: {"password", Other}, {7, 0x01}: {"read clock", Read}, {7, 0x02}: {"set clock", SetTime},
	{7, 0x03}: {"read clock", Read}, {7, 0x04}: {"set clock", SetTime},
	{15, 0x01}: {"request download", Program}, {15, 0x02}: {"download block", Program}, {15, 0x03}: {"continue download", Program},
	{15, 0x04}: {"download ended", Program}, {15, 0x06}: {"start upload", Upload}, {15, 0x07}: {"upload", Upload}, {15, 0x08}: {"continue upload", Upload},
}

func userFunction(group, sub byte) (string, Operations) {
	if f, known := userFunctions[[2]byte{group, sub}]; known {
		return f.name, f.ops
	}
	return "user data group " + strconv.Itoa(int(group)) + " function " + strconv.Itoa(int(sub)), Other
}

// systemStatus reads an SZL request or answer: return code, transport size,
// length, then list id, index, record length, record count and the records.
func systemStatus(v []byte, answered bool, r *Result) Operations {
	if len(v) < 8 {
		return Read
	}
	list := be16(v[4:]) & 0xff
	if list != 0x11 && list != 0x1c {
		return Read
	}
	if !answered || v[0] != 0xff || len(v) < 12 {
		return Identify
	}
	size, count := int(be16(v[8:])), min(int(be16(v[10:])), maxSZLRecord)
	rest := v[12:]
	for ; count > 0 && size >= 4 && len(rest) >= size; count-- {
		r.identify(szlRecord(list, rest[:size]))
		rest = rest[size:]
	}
	return Identify
}

// szlRecord reads one record of list 0x11 (module identification: index, order
// number in 20 bytes, then version words) or 0x1C (component identification:
// index, text in up to 32 bytes).
func szlRecord(list uint16, b []byte) Identity {
	index := be16(b)
	if list == 0x11 {
		if len(b) < 28 {
			return Identity{}
		}
		switch index {
		case 1:
			id := Identity{Model: text(b[2:22])}
			if hasPrefix(b[2:], "6ES7") {
				id.Vendor = "Siemens" // the maker's own order numbers
			}
			return id
		case 7: // firmware: 'V' and major in one word, minor and patch in the next
			if b[24] == 'V' {
				return Identity{Firmware: "V" + strconv.Itoa(int(b[25])) + "." + strconv.Itoa(int(b[26])) + "." + strconv.Itoa(int(b[27]))}
			}
		}
		return Identity{}
	}
	value := text(b[2:min(len(b), 34)])
	switch index {
	case 1:
		return Identity{Name: value}
	case 4:
		if value == "Original Siemens Equipment" {
			return Identity{Vendor: "Siemens"}
		}
	case 5:
		return Identity{Serial: value}
	case 7:
		return Identity{Product: value}
	}
	return Identity{}
}
