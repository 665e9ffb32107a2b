package console

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"github.com/quaywatch/quaywatch/internal/identity"
	"github.com/quaywatch/quaywatch/internal/port"
	"github.com/quaywatch/quaywatch/internal/watch/network"
)

// Reconciliation keeps what people decide of devices that the register and the
// network tell differently of, and turns it into a change of the port file that
// somebody reviews. It never writes the port file.
type Reconciliation interface {
	Decisions(ctx context.Context) (map[string]Reconciled, error) // by host or asset
	Reconcile(ctx context.Context, r Reconciled, actor string, revision int64) error
	Undo(ctx context.Context, id, actor string, revision int64) error
	// Patch is the diff of the decisions that are not in the port file yet, with what
	// has to be done by hand.
	Patch(ctx context.Context) (diff []byte, byHand []string, err error)
}

// What can be decided.
const (
	Adopt = "adopt" // into the register, as a device of its own
	Merge = "merge" // it is an asset that the register has
	Rogue = "rogue" // it does not belong here
	Take  = "take"  // what the device says of itself is right, and the register is not
)

// Reconciled is a decision on one device.
type Reconciled struct {
	ID       string            `json:"id"` // of the host, or of the asset where Do is take
	Do       string            `json:"do"`
	Device   port.Addition     `json:"device"`            // adopt
	Asset    string            `json:"asset,omitempty"`   // merge
	Correct  []port.Correction `json:"correct,omitempty"` // merge, take
	Reason   string            `json:"reason,omitempty"`
	Revision int64             `json:"-"`
	By       string            `json:"-"`
	Time     time.Time         `json:"-"`
}

// reconcileRows bounds each list of the page.
const reconcileRows = 50

// reconcileView answers "where do the register and the network differ, and what do
// we do about it".
type reconcileView struct {
	frame
	P         *port.Port
	Here      bool
	May       bool
	Hidden    bool
	Strange   []*network.Host
	MoreHosts int
	Differ    []assetRow
	Silent    int // registered with an address, and never seen
	Decided   []Reconciled
	Decisions map[string]Reconciled
	Diff      string
	ByHand    []string
	Problem   string
}

func (c *Console) reconcilePage(_ http.ResponseWriter, r *http.Request) (templ.Component, error) {
	v := reconcileView{frame: c.frame(r, "Reconciliation", "inventory"), P: c.d.Port(), Here: c.d.Reconcile != nil, May: c.d.Allowed(r.Context(), identity.ReconcileRegister, identity.ThePort)}
	if !v.Here {
		return reconcileListPage(v), nil
	}
	var err error
	if v.Decisions, err = c.d.Reconcile.Decisions(r.Context()); err != nil {
		return nil, err
	}
	o := c.observed(r.Context())
	v.Hidden = o.hidden
	for _, h := range o.strange {
		if d, decided := v.Decisions[h.ID]; decided && d.Do != Rogue {
			continue
		}
		if len(v.Strange) == reconcileRows {
			v.MoreHosts++
			continue
		}
		v.Strange = append(v.Strange, h)
	}
	for _, row := range reconcile(v.P, o) {
		switch {
		case row.Asset == nil:
		case row.Host == nil && len(row.Asset.Addresses) > 0:
			v.Silent++
		case len(corrections(row)) > 0 && v.Decisions[row.Asset.ID].Do == "" && len(v.Differ) < reconcileRows:
			v.Differ = append(v.Differ, row)
		}
	}
	for _, d := range v.Decisions {
		v.Decided = append(v.Decided, d)
	}
	slices.SortFunc(v.Decided, func(a, b Reconciled) int {
		return cmp.Or(b.Time.Compare(a.Time), strings.Compare(a.ID, b.ID))
	})
	diff, byHand, err := c.d.Reconcile.Patch(r.Context())
	if err != nil {
		v.Problem = err.Error()
	}
	v.Diff, v.ByHand = string(diff), byHand
	return reconcileListPage(v), nil
}

// corrections are what a device says of itself, where the register says otherwise.
func corrections(row assetRow) (out []port.Correction) {
	if row.Host == nil || row.Asset == nil {
		return nil
	}
	for _, f := range []struct{ name, declared, seen string }{{"firmware", row.Asset.Firmware, row.Host.Firmware}, {"model", row.Asset.Model, row.Host.Model}, {"serial", row.Asset.Serial, row.Host.Serial}} {
		if seen := clean(f.seen); f.declared != "" && seen != "" && !strings.EqualFold(strings.TrimSpace(f.declared), seen) {
			out = append(out, port.Correction{Asset: row.Asset.ID, Field: f.name, Value: seen})
		}
	}
	return out
}

var assetID = regexp.MustCompile(`^[a-z0-9]+([._-][a-z0-9]+)*$`)

// reconcileAct takes one decision, or takes it back.
func (c *Console) reconcileAct(w http.ResponseWriter, r *http.Request) (templ.Component, error) {
	r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
	if err := r.ParseForm(); err != nil {
		return nil, problem{http.StatusBadRequest, "The form could not be read", "It is longer than a form may be, or was cut off."}
	}
	if c.d.Reconcile == nil {
		return nil, problem{http.StatusNotFound, "Not here", "This installation does not keep decisions on devices."}
	}
	account, _ := identity.From(r.Context())
	id := r.PostForm.Get("id")
	revision, _ := strconv.ParseInt(r.PostForm.Get("revision"), 10, 64) // absent: nobody has decided
	var err error
	if r.PostForm.Get("do") == "undo" {
		err = c.d.Reconcile.Undo(r.Context(), id, account.Name, revision)
	} else {
		var d Reconciled
		if d, err = c.reconciled(r, id); err == nil {
			err = c.d.Reconcile.Reconcile(r.Context(), d, account.Name, revision)
		}
	}
	if errors.Is(err, ErrDecided) {
		return nil, problem{http.StatusConflict, "Not decided", "Somebody has decided on it meanwhile. Load the page again and look."}
	}
	if err != nil {
		return nil, err
	}
	http.Redirect(w, r, "/inventory/reconcile", http.StatusSeeOther)
	return nil, nil
}

// reconciled reads a decision and holds it against what is known.
func (c *Console) reconciled(r *http.Request, id string) (Reconciled, error) {
	p, o, f := c.d.Port(), c.observed(r.Context()), r.PostForm
	d := Reconciled{ID: id, Do: f.Get("do"), Reason: strings.TrimSpace(f.Get("reason"))}
	if len([]rune(d.Reason)) > 300 {
		return d, wrong("Keep the reason under 300 characters.")
	}
	if d.Do == Take {
		for _, row := range reconcile(p, o) {
			if row.Asset != nil && row.Asset.ID == id {
				if d.Correct = corrections(row); len(d.Correct) > 0 {
					return d, nil
				}
			}
		}
		return d, wrong("The register and the device do not differ any more.")
	}
	h := o.byID[id]
	if h == nil || h.Asset != "" {
		return d, wrong("The device is in the register by now, or was not heard for long.")
	}
	switch d.Do {
	case Rogue:
		if d.Reason == "" {
			return d, wrong("Say why it does not belong here: whoever finds it will ask.")
		}
	case Merge:
		if d.Asset = strings.TrimSpace(f.Get("asset")); p.Asset(d.Asset) == nil {
			return d, wrong(fmt.Sprintf("The register has no asset %q.", d.Asset))
		}
		ip, mac := addressOf(h)
		d.Correct = []port.Correction{{Asset: d.Asset, Field: "address", Value: cmp.Or(ip, "-") + " " + cmp.Or(mac, "-")}}
	case Adopt:
		a := additionOf(h)
		a.ID, a.Name, a.Domain, a.Kind = strings.TrimSpace(f.Get("asset")), f.Get("name"), f.Get("domain"), f.Get("kind")
		switch {
		case !assetID.MatchString(a.ID) || len(a.ID) > 64:
			return d, wrong("Give it an id of lower-case letters and digits, with single hyphens between them.")
		case p.Asset(a.ID) != nil:
			return d, wrong(fmt.Sprintf("The register has an asset %q already. Merge the device with it, or choose another id.", a.ID))
		case !slices.Contains(port.AssetKinds[port.Domain(a.Domain)], a.Kind):
			return d, wrong(fmt.Sprintf("%q is no kind of the world %q.", a.Kind, a.Domain))
		case len([]rune(a.Name)) > 120:
			return d, wrong("Keep the name under 120 characters.")
		}
		a.Name = clean(a.Name)
		d.Device = a
	default:
		return d, wrong("That step is not known.")
	}
	return d, nil
}

// addressOf is the first address of each kind, of those that are the device's own.
func addressOf(h *network.Host) (ip, mac string) {
	for _, text := range h.IPs {
		if a, err := netip.ParseAddr(text); err == nil && !a.IsLinkLocalUnicast() {
			ip = text
			break
		}
	}
	if len(h.MACs) > 0 {
		mac = h.MACs[0]
	}
	return ip, mac
}

// clean makes a field of the register of what came over the network: no control
// characters, at most 120 of others, and nothing in front by which a program of tables
// would take it for a formula.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == '\ufffd' || r == '\u2028' || r == '\u2029' {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	s = strings.TrimSpace(strings.TrimLeft(s, "=+@ "))
	if len(s) > 1 && s[0] == '-' && (s[1] < '0' || s[1] > '9') {
		s = strings.TrimLeft(s, "-=+@ ")
	}
	if r := []rune(s); len(r) > 120 {
		s = strings.TrimSpace(string(r[:120]))
	}
	return s
}

// additionOf is what a device said of itself, as the register would have it. What
// came over the network is data of a stranger: it is cut and cleaned.
func additionOf(h *network.Host) port.Addition {
	a := port.Addition{Vendor: clean(h.Vendor), Product: clean(h.Product), Model: clean(h.Model), Firmware: clean(h.Firmware), Serial: clean(h.Serial), Zone: h.Zone}
	a.IP, a.MAC = addressOf(h)
	return a
}

// suggestedID is an id for a device, of its first name or address.
func suggestedID(h *network.Host) string {
	text := h.ID
	if len(h.Names) > 0 {
		text = h.Names[0]
	} else if len(h.IPs) > 0 {
		text = cmp.Or(map[bool]string{true: h.Role}[h.Role != "unknown"], "device") + "-" + h.IPs[0]
	}
	return strings.Trim(regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(text), "-"), "-")
}

// patchFile gives the change of the port file.
func (c *Console) patchFile(w http.ResponseWriter, r *http.Request) {
	if c.d.Reconcile == nil {
		c.fail(w, r, problem{http.StatusNotFound, "Not here", "This installation does not keep decisions on devices."})
		return
	}
	diff, _, err := c.d.Reconcile.Patch(r.Context())
	if err != nil {
		c.fail(w, r, problem{http.StatusConflict, "No patch", err.Error() + "."})
		return
	}
	w.Header().Set("Content-Disposition", `attachment; filename="register.patch"`)
	c.send(w, r, "text/x-diff; charset=utf-8", diff)
}

// strangeWords is what a device is taken for, where it is, and since when.
func strangeWords(p *port.Port, h *network.Host) string {
	parts := []string{h.Role}
	if text := strings.TrimSpace(h.Vendor + " " + h.Product + " " + h.Model); text != "" {
		parts = append(parts, text)
	}
	ip, mac := addressOf(h)
	parts = append(parts, cmp.Or(ip, mac))
	if h.Zone != "" {
		parts = append(parts, "in "+zoneName(p, h.Zone))
	}
	return strings.Join(append(parts, "first seen "+h.First.UTC().Format("2006-01-02 15:04")), ", ")
}

func decidedWords(d *Reconciled) string {
	switch d.Do {
	case Adopt:
		return "adopt " + d.ID + " as " + d.Device.ID
	case Merge:
		return d.ID + " is " + d.Asset
	case Rogue:
		return d.ID + " does not belong here"
	}
	return "take what " + d.ID + " says of itself"
}

// suggestedDomain is that of the zone in which a device was seen.
func suggestedDomain(p *port.Port, h *network.Host) port.Domain {
	if z := p.Zone(h.Zone); z != nil {
		return z.Domain
	}
	return port.IT
}

// kindOfRole is how the register calls what the network watch takes a device for.
var kindOfRole = map[string]string{"controller": "plc", "operator station": "hmi", "engineering station": "engineering-station", "historian": "historian", "camera": "camera",
	"server": "server", "workstation": "workstation", "switch": "switch", "gateway": "gateway", "phone": "phone", "reader": "badge-reader"}

func suggestedKind(p *port.Port, h *network.Host) string {
	k := kindOfRole[h.Role]
	if kinds := port.AssetKinds[suggestedDomain(p, h)]; !slices.Contains(kinds, k) && len(kinds) > 0 {
		return kinds[0]
	}
	return k
}
