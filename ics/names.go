package ics

import "strings"

// Names that computers tell on their own segment: multicast DNS (RFC 6762) with
// service discovery (RFC 6763), NetBIOS names and datagrams (RFC 1002 section 4).

const (
	maxRecords  = 64
	maxServices = 16
)

func recogniseMDNS(m *message) (string, bool) {
	if m.Source != 5353 && m.Destination != 5353 {
		return "", false
	}
	return "multicast DNS message that is well formed", dnsMessage(m.data)
}

// domainName reads a name at a place of a message, following at most 16 pointers;
// next is the place after it, 0 where it is damaged.
func domainName(b []byte, at int) (name string, next int) {
	var out strings.Builder
	for hops := 0; at < len(b) && out.Len() <= maxText; {
		switch l := int(b[at]); {
		case l == 0:
			if next == 0 {
				next = at + 1
			}
			return text([]byte(out.String())), next
		case l >= 0xc0:
			if at+2 > len(b) || hops >= 16 {
				return "", 0
			}
			if next == 0 {
				next = at + 2
			}
			at, hops = int(be16(b[at:])&0x3fff), hops+1
		case l > 63 || at+1+l > len(b):
			return "", 0
		default:
			if out.Len() > 0 {
				out.WriteByte('.')
			}
			out.Write(b[at+1 : at+1+l])
			at += 1 + l
		}
	}
	return "", 0
}

// dissectMDNS reads answers: the host is named by its address and service records,
// the services by pointers, the model by text records.
func dissectMDNS(m *message, r *Result) (used, need int) {
	b := m.data
	used = len(b)
	if !dnsMessage(b) {
		r.Malformed = true
		return used, 0
	}
	if b[2]&0x80 == 0 { // a question names nobody
		return used, 0
	}
	at := 12
	for range be16(b[4:]) {
		_, next := domainName(b, at)
		if next == 0 {
			return used, 0
		}
		at = next + 4
	}
	records := min(int(be16(b[6:]))+int(be16(b[8:]))+int(be16(b[10:])), maxRecords)
	services := 0
	for ; records > 0; records-- {
		name, next := domainName(b, at)
		if next == 0 || len(b) < next+10 || len(b) < next+10+int(be16(b[next+8:])) {
			return used, 0
		}
		kind, from := be16(b[next:]), next+10
		at = from + int(be16(b[next+8:]))
		switch kind {
		case 1, 28:
			r.identify(Identity{Name: strings.TrimSuffix(name, ".local")})
		case 33:
			if target, ok := domainName(b, from+6); ok > 0 && at >= from+7 {
				r.identify(Identity{Name: strings.TrimSuffix(target, ".local")})
			}
		case 12:
			if strings.HasPrefix(name, "_") && !strings.HasPrefix(name, "_services.") && services < maxServices {
				services++
				r.fact("mdns-service", strings.TrimSuffix(name, ".local"))
			}
		case 16:
			mdnsText(b[from:at], r)
		}
	}
	return used, 0
}

// mdnsText reads the keys that printers, cameras and speakers use.
func mdnsText(b []byte, r *Result) {
	for n := 0; n < maxRecords && len(b) > 0 && len(b) > int(b[0]); n++ {
		k, v, found := strings.Cut(string(b[1:1+int(b[0])]), "=")
		b = b[1+int(b[0]):]
		if !found {
			continue
		}
		value := text([]byte(v))
		switch strings.ToLower(k) {
		case "model", "md", "ty", "product":
			r.identify(Identity{Model: strings.Trim(value, "()")})
		case "manufacturer", "usb_mfg", "mf":
			r.identify(Identity{Vendor: value})
		case "serialnumber", "sn", "serial":
			r.identify(Identity{Serial: value})
		case "macaddress", "mac":
			r.fact("mac", strings.ToLower(value))
		}
	}
}

// netbiosName decodes the 32 letters of a name (RFC 1001 section 14.1): 15
// characters and a suffix that tells the service.
func netbiosName(b []byte) (name string, suffix byte, ok bool) {
	if len(b) < 34 || b[0] != 32 || b[33] != 0 && b[33] > 63 {
		return "", 0, false
	}
	var raw [16]byte
	for i := range raw {
		hi, lo := b[1+2*i]-'A', b[2+2*i]-'A'
		if hi > 15 || lo > 15 {
			return "", 0, false
		}
		raw[i] = hi<<4 | lo
	}
	return text(raw[:15]), raw[15], true
}

// recogniseNetBIOS: a name service message (port 137) with a coded name, or a
// datagram (port 138) with the source's name.
func recogniseNetBIOS(m *message) (string, bool) {
	b := m.data
	if len(b) >= 50 && int(be16(b[4:]))+int(be16(b[6:])) >= 1 && b[2]&0x78 <= 9<<3 {
		if _, _, ok := netbiosName(b[12:]); ok {
			return "NetBIOS name service message with a coded name", true
		}
	}
	if len(b) >= 82 && b[0] >= 0x10 && b[0] <= 0x12 {
		if _, _, ok := netbiosName(b[14:]); ok {
			return "NetBIOS datagram with coded names", true
		}
	}
	return "", false
}

func dissectNetBIOS(m *message, r *Result) (used, need int) {
	b := m.data
	used = len(b)
	if len(b) >= 82 && b[0] >= 0x10 && b[0] <= 0x12 {
		if name, suffix, ok := netbiosName(b[14:]); ok {
			if suffix == 0 || suffix == 0x20 {
				r.identify(Identity{Name: name})
			}
			return used, 0
		}
	}
	name, suffix, ok := netbiosName(b[min(12, len(b)):])
	if !ok || len(b) < 50 {
		return used, 0
	}
	answer, operation := b[2]&0x80 != 0, b[2]>>3&15
	switch {
	case !answer && (operation == 5 || operation == 8) && len(b) >= 12+38+18 && (suffix == 0 || suffix == 0x20):
		// Registration or refresh: the record at the end holds flags; a group's
		// name is not the sender's.
		if b[len(b)-6]&0x80 == 0 {
			r.identify(Identity{Name: name})
		}
	case answer && len(b) > 56 && be16(b[46:]) == 0x21: // node status: names, then the address of the card
		nodeStatus(b[56:], r)
	}
	return used, 0
}

func nodeStatus(b []byte, r *Result) {
	if len(b) < 1 {
		return
	}
	count := int(b[0])
	rest := b[1:]
	for ; count > 0 && len(rest) >= 18; count-- {
		if rest[15] == 0 {
			if rest[16]&0x80 == 0 {
				r.identify(Identity{Name: text(rest[:15])})
			} else {
				r.fact("netbios-domain", text(rest[:15]))
			}
		}
		rest = rest[18:]
	}
	if count == 0 && len(rest) >= 6 && !zero(rest[:6]) {
		r.fact("mac", macText(rest))
	}
}
