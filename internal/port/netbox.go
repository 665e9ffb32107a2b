package port

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

// netboxColumns are those of NetBox's bulk import of devices that we fill.
var netboxColumns = []string{"name", "role", "manufacturer", "device_type", "serial", "site", "status", "comments"}

// NetBox writes the assets as CSV for NetBox's bulk import of devices. What NetBox
// must have and the register does not is "unknown": nothing is made up. Addresses
// are in the comments, because NetBox imports them apart.
func (p *Port) NetBox(w io.Writer) error {
	out := csv.NewWriter(w)
	if err := out.Write(netboxColumns); err != nil {
		return err
	}
	or := func(texts ...string) string {
		for _, t := range texts {
			if t != "" {
				return t
			}
		}
		return "unknown"
	}
	for i := range p.Assets {
		a := &p.Assets[i]
		site := ""
		if z := p.Zone(a.Zone); z != nil {
			site = z.Site
		}
		var notes []string
		for _, d := range a.Addresses {
			if d.IP.IsValid() {
				notes = append(notes, d.IP.String())
			}
			if d.MAC != "" {
				notes = append(notes, d.MAC)
			}
		}
		notes = append([]string{"quaywatch id " + a.ID, "zone " + or(a.Zone)}, notes...)
		if err := out.Write([]string{a.Name, a.Kind, or(a.Vendor), or(a.Model, a.Product), a.Serial, or(site), "active", strings.Join(notes, "; ")}); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// netboxNames are the headers under which NetBox exports or imports a column.
var netboxNames = map[string][]string{
	"name": {"name"}, "role": {"role", "device role", "device_role"}, "vendor": {"manufacturer"}, "model": {"device_type", "device type", "type"},
	"serial": {"serial", "serial number"}, "ip": {"primary_ip4", "ipv4 address", "ip address", "primary_ip", "primary ip"}, "status": {"status"},
}

var notID = regexp.MustCompile(`[^a-z0-9]+`)

// FromNetBox turns NetBox's CSV of devices into an inventory that assets_csv takes.
// kinds gives for each role of NetBox (in lower case) the domain and kind, "ot/plc"; a role
// that is the name of a kind of one domain needs none. Zones are those of zones,
// where it is given, that hold the address. Rows that can't be turned are left out
// and told, with their line; the rest goes on.
func FromNetBox(r io.Reader, w io.Writer, kinds map[string]string, zones *Port) (rejected []string, err error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	if err != nil {
		return nil, err
	}
	if len(data) > MaxBytes {
		return nil, fmt.Errorf("the file has more than %d MiB", MaxBytes>>20)
	}
	in := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(data, []byte("\ufeff"))))
	in.FieldsPerRecord = -1
	header, err := in.Read()
	if err != nil {
		return nil, fmt.Errorf("the header can't be read: %w", err)
	}
	at := map[string]int{}
	for field, names := range netboxNames {
		at[field] = slices.IndexFunc(header, func(h string) bool { return slices.Contains(names, strings.ToLower(strings.TrimSpace(h))) })
	}
	if at["name"] < 0 || at["role"] < 0 {
		return nil, errors.New("the header names no columns name and role: export the devices of NetBox as CSV")
	}
	out := csv.NewWriter(w)
	if err := out.Write([]string{"id", "name", "domain", "kind", "vendor", "model", "serial", "ip", "zone"}); err != nil {
		return nil, err
	}
	taken := map[string]bool{}
	for {
		row, err := in.Read()
		if errors.Is(err, io.EOF) {
			out.Flush()
			return rejected, out.Error()
		}
		if err != nil {
			out.Flush()
			return rejected, errors.Join(out.Error(), fmt.Errorf("%w: after a broken quote the lines can't be told apart", err))
		}
		line, _ := in.FieldPos(0)
		get := func(field string) string {
			if i := at[field]; i >= 0 && i < len(row) {
				return strings.TrimSpace(row[i])
			}
			return ""
		}
		id := strings.Trim(notID.ReplaceAllString(strings.ToLower(get("name")), "-"), "-")
		domain, kind, ok := kindOfRole(strings.ToLower(get("role")), kinds)
		switch {
		case id == "" || len(id) > maxID:
			rejected = append(rejected, fmt.Sprintf("line %d: no id can be made of the name %q", line, get("name")))
			continue
		case taken[id]:
			rejected = append(rejected, fmt.Sprintf("line %d: the id %q is taken by a device before", line, id))
			continue
		case !ok:
			rejected = append(rejected, fmt.Sprintf("line %d: what kind the role %q is, is not declared", line, get("role")))
			continue
		}
		taken[id] = true
		ip, zone := get("ip"), ""
		if prefix, err := netip.ParsePrefix(ip); err == nil {
			ip = prefix.Addr().String()
		}
		if a, err := netip.ParseAddr(ip); err == nil && zones != nil {
			if z := zones.ZoneOf(a); z != nil {
				zone = z.ID
			}
		}
		if err := out.Write([]string{id, get("name"), domain, kind, get("vendor"), get("model"), get("serial"), ip, zone}); err != nil {
			return rejected, err
		}
	}
}

// kindOfRole finds the declared kind of a role, or the one kind of that name.
func kindOfRole(role string, kinds map[string]string) (domain, kind string, ok bool) {
	if d, k, found := strings.Cut(kinds[role], "/"); found {
		return d, k, slices.Contains(AssetKinds[Domain(d)], k)
	}
	name := strings.ReplaceAll(role, " ", "-")
	for _, d := range []Domain{IT, OT, Physical} {
		if !slices.Contains(AssetKinds[d], name) {
			continue
		}
		if ok {
			return "", "", false // of several domains
		}
		domain, kind, ok = string(d), name, true
	}
	return domain, kind, ok
}
