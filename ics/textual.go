package ics

import "strings"

// Protocols of text lines: HTTP (RFC 9112), RTSP (RFC 2326, RFC 7826), SSH (RFC 4253).

const maxStartLine = 2048

var httpMethods = []string{"GET ", "POST ", "PUT ", "HEAD ", "DELETE ", "OPTIONS ", "PATCH ", "CONNECT ", "TRACE ", "NOTIFY ", "M-SEARCH ", "SUBSCRIBE "}

// rtspMethods with what they ask for: a player reads; a publisher writes.
var rtspMethods = map[string]Operations{
	"DESCRIBE": Read, "OPTIONS": Identify, "SETUP": Read, "PLAY": Read, "PAUSE": Read, "TEARDOWN": Read,
	"GET_PARAMETER": Read, "SET_PARAMETER": Write, "ANNOUNCE": Write, "RECORD": Write,
	"REDIRECT": Other, "PLAY_NOTIFY": Read,
}

func recogniseHTTP(m *message) (string, bool) {
	if hasPrefix(m.data, "HTTP/1.") {
		return "HTTP status line", true
	}
	for _, method := range httpMethods {
		if !hasPrefix(m.data, method) {
			continue
		}
		if l, ok := line(m.data, maxStartLine); ok && (strings.HasSuffix(l, " HTTP/1.1") || strings.HasSuffix(l, " HTTP/1.0")) {
			return "HTTP request line", true
		}
	}
	return "", false
}

// Bounds of what is read of one HTTP conversation: heads of answers, and segments
// that are searched for a description of the device.
const (
	maxHTTPHeads  = 8
	maxHTTPBodies = 64
)

type httpState struct{ heads, bodies int }

// dissectHTTP reads the head of a message that begins with the segment, and of
// the first answers also a description of the device in them. What a request does
// to the device is not known from its method, so no operation is told but Other.
func dissectHTTP(m *message, r *Result) (used, need int) {
	st, _ := m.c.state.(*httpState)
	if st == nil {
		st = &httpState{}
		m.c.state = st
	}
	switch {
	case hasPrefix(m.data, "HTTP/1."):
		r.Sender = RoleServer
		if st.heads >= maxHTTPHeads {
			return len(m.data), 0
		}
		st.heads++
		r.identify(Identity{Product: headerField(m.data, "Server")})
		r.fact("http-realm", realm(headerField(m.data, "WWW-Authenticate")))
		described(m.data, r)
	default:
		if _, ok := recogniseHTTP(m); ok {
			r.Sender = RoleClient
			r.ServerName = headerField(m.data, "Host")
			r.Operations |= Other
			if st.heads == 0 {
				r.fact("http-user-agent", headerField(m.data, "User-Agent"))
			}
			return len(m.data), 0
		}
		if m.c.roles[m.Sender&1] == RoleServer && st.bodies < maxHTTPBodies {
			st.bodies++
			described(m.data, r)
		}
	}
	return len(m.data), 0
}

// realm is the name that a server gives to what it guards (RFC 9110 section
// 11.5); appliances put their product there.
func realm(challenge string) string {
	_, v, found := strings.Cut(challenge, "realm=\"")
	if !found {
		return ""
	}
	v, _, _ = strings.Cut(v, "\"")
	return v
}

func recogniseRTSP(m *message) (string, bool) {
	if hasPrefix(m.data, "RTSP/1.0 ") || hasPrefix(m.data, "RTSP/2.0 ") {
		return "RTSP status line", true
	}
	l, ok := line(m.data, maxStartLine)
	if !ok || !strings.HasSuffix(l, " RTSP/1.0") && !strings.HasSuffix(l, " RTSP/2.0") {
		return "", false
	}
	_, ok = rtspMethods[strings.SplitN(l, " ", 2)[0]]
	return "RTSP request line", ok
}

func dissectRTSP(m *message, r *Result) (used, need int) {
	switch {
	case hasPrefix(m.data, "RTSP/"):
		r.Sender = RoleServer
		r.identify(Identity{Product: headerField(m.data, "Server")})
		r.fact("rtsp-realm", realm(headerField(m.data, "WWW-Authenticate")))
	default:
		if _, ok := recogniseRTSP(m); ok {
			l, _ := line(m.data, maxStartLine)
			method := strings.SplitN(l, " ", 2)[0]
			// A server may send OPTIONS, SET_PARAMETER or REDIRECT too: only
			// these methods tell who is the client.
			if method == "DESCRIBE" || method == "SETUP" || method == "PLAY" || method == "ANNOUNCE" || method == "RECORD" {
				r.Sender = RoleClient
			} else {
				r.Sender = m.role(554)
			}
			r.function(Function{Protocol: "rtsp", Name: method, Request: true, Operations: rtspMethods[method]})
		}
	}
	return len(m.data), 0
}

func recogniseSSH(m *message) (string, bool) {
	return "SSH version line", hasPrefix(m.data, "SSH-2.0-") || hasPrefix(m.data, "SSH-1.99-") || hasPrefix(m.data, "SSH-1.5-")
}

// dissectSSH takes the banner of the server as the product; both ends send one,
// so only the port tells which is which.
func dissectSSH(m *message, r *Result) (used, need int) {
	if _, ok := recogniseSSH(m); !ok {
		m.c.done = m.c.sides[0].started && m.c.sides[1].started // the banners are over
		return len(m.data), 0
	}
	r.Sender = m.role(22)
	if l, ok := line(m.data, maxText); ok && r.Sender == RoleServer {
		_, software, _ := strings.Cut(strings.TrimPrefix(l, "SSH-"), "-")
		r.identify(Identity{Product: text([]byte(software))})
	}
	r.Operations |= Other
	return len(m.data), 0
}
