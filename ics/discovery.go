package ics

import (
	"bytes"
	"net/url"
	"strings"
)

// Discovery of cameras and appliances: WS-Discovery (OASIS, version 1.1) as ONVIF
// uses it (ONVIF Core Specification section 7), and SSDP (UPnP Device Architecture
// 2.0 section 1).

const maxXML = 16 << 10

func recogniseWSDiscovery(m *message) (string, bool) {
	b := m.data[:min(len(m.data), maxXML)]
	if !startsXML(b) || !bytes.Contains(b, []byte("Envelope")) || !bytes.Contains(b, []byte("/discovery")) {
		return "", false
	}
	for _, action := range [...]string{"Probe", "Hello", "Bye", "Resolve"} {
		if bytes.Contains(b, []byte("/"+action)) {
			return "SOAP envelope with an action of WS-Discovery", true
		}
	}
	return "", false
}

func startsXML(b []byte) bool {
	b = bytes.TrimLeft(b, " \r\n\t\xef\xbb\xbf")
	return len(b) > 0 && b[0] == '<'
}

// dissectWSDiscovery reads scopes of ONVIF: name, hardware, location.
func dissectWSDiscovery(m *message, r *Result) (used, need int) {
	used = len(m.data)
	b := m.data[:min(used, maxXML)]
	if !startsXML(b) {
		r.Malformed = true
		return used, 0
	}
	probe := bytes.Contains(b, []byte("/Probe<")) || bytes.Contains(b, []byte("/Resolve<"))
	r.function(Function{Protocol: "ws-discovery", Name: map[bool]string{true: "probe", false: "announcement"}[probe], Request: probe, Operations: Identify})
	if probe {
		r.Sender = RoleClient
		return used, 0
	}
	r.Sender = RoleServer
	for _, scope := range strings.Fields(element(b, "Scopes")) {
		kind, value, found := strings.Cut(strings.TrimPrefix(scope, "onvif://www.onvif.org/"), "/")
		if !found || kind == scope {
			continue
		}
		if plain, err := url.PathUnescape(value); err == nil {
			value = plain
		}
		value = text([]byte(value))
		switch strings.ToLower(kind) {
		case "name":
			r.identify(Identity{Name: value})
		case "hardware":
			r.identify(Identity{Model: value})
		case "location":
			r.fact("onvif-location", value)
		}
	}
	if types := element(b, "Types"); strings.Contains(types, "NetworkVideoTransmitter") {
		r.identify(Identity{Kind: "Camera"})
	}
	if service := element(b, "XAddrs"); service != "" {
		r.fact("onvif-service", service)
	}
	return used, 0
}

// element is the text of the first element of a local name, whatever its prefix;
// "" where there is none or it holds other elements.
func element(b []byte, local string) string {
	for at := 0; at < len(b); {
		i := bytes.Index(b[at:], []byte(local))
		if i < 0 {
			return ""
		}
		at += i + len(local)
		before := b[at-len(local)-1 : at-len(local)]
		if at-len(local) < 1 || before[0] != ':' && before[0] != '<' || at >= len(b) || b[at] != '>' && b[at] != ' ' {
			continue
		}
		if before[0] == ':' && isClosing(b[:at-len(local)-1]) || bytes.HasSuffix(b[:at-len(local)], []byte("</")) {
			continue
		}
		open := bytes.IndexByte(b[at:], '>')
		if open < 0 || open > 0 && b[at+open-1] == '/' {
			return ""
		}
		rest := b[at+open+1:]
		end := bytes.IndexByte(rest, '<')
		if end < 0 || !bytes.HasPrefix(rest[end:], []byte("</")) {
			return ""
		}
		return text(bytes.TrimSpace(rest[:end]))
	}
	return ""
}

// isClosing: what precedes a prefix is "</".
func isClosing(b []byte) bool {
	for i := len(b) - 1; i >= 0 && len(b)-i < 32; i-- {
		switch b[i] {
		case '/':
			return true
		case '<', '>', ' ':
			return false
		}
	}
	return false
}

// described reads what cameras and appliances answer when they are asked who they
// are: GetDeviceInformation of ONVIF, or a device description of UPnP.
func described(b []byte, r *Result) bool {
	b = b[:min(len(b), maxXML)]
	switch {
	case bytes.Contains(b, []byte("GetDeviceInformationResponse")):
		id := Identity{Vendor: element(b, "Manufacturer"), Model: element(b, "Model"), Firmware: element(b, "FirmwareVersion"), Serial: element(b, "SerialNumber")}
		r.fact("onvif-hardware", element(b, "HardwareId"))
		r.identify(id)
		return !id.IsZero()
	case bytes.Contains(b, []byte("urn:schemas-upnp-org:device")):
		id := Identity{Vendor: element(b, "manufacturer"), Model: element(b, "modelName"), Serial: element(b, "serialNumber"), Name: element(b, "friendlyName")}
		r.identify(id)
		return !id.IsZero()
	}
	return false
}

func recogniseSSDP(m *message) (string, bool) {
	b := m.data
	switch {
	case hasPrefix(b, "NOTIFY * HTTP/1.1\r\n"), hasPrefix(b, "M-SEARCH * HTTP/1.1\r\n"):
		return "SSDP request line", true
	case hasPrefix(b, "HTTP/1.1 200 OK\r\n") && headerField(b, "USN") != "":
		return "SSDP answer with a unique service name", true
	}
	return "", false
}

// dissectSSDP tells the product; a search names nobody.
func dissectSSDP(m *message, r *Result) (used, need int) {
	switch {
	case hasPrefix(m.data, "M-SEARCH "):
		r.Sender = RoleClient
	case hasPrefix(m.data, "NOTIFY "), hasPrefix(m.data, "HTTP/1.1 "):
		r.Sender = RoleServer
		r.identify(Identity{Product: headerField(m.data, "Server")})
		r.fact("upnp-description", headerField(m.data, "Location"))
	}
	return len(m.data), 0
}
