package port

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/diff"
)

// Addition is a device that is to be in the register.
type Addition struct {
	ID, Name, Domain, Kind, Vendor, Product, Model, Firmware, Serial, IP, MAC, Zone string
}

// fields are the values by the columns of an inventory, in their order.
func (a *Addition) fields() [][2]string {
	return [][2]string{{"id", a.ID}, {"name", a.Name}, {"domain", a.Domain}, {"kind", a.Kind}, {"vendor", a.Vendor}, {"product", a.Product}, {"model", a.Model},
		{"firmware", a.Firmware}, {"serial", a.Serial}, {"ip", a.IP}, {"mac", a.MAC}, {"zone", a.Zone}}
}

// Correction is a field of the register that is to have another value. The field
// address is added to those that are there: its value is an IP and a MAC with a space
// between them, "-" for none.
type Correction struct{ Asset, Field, Value string }

// corrected are the fields that can be corrected.
var corrected = []string{"firmware", "serial", "model"}

// maxPatched bounds the files of a port that are read for a patch, in bytes.
const maxPatched = 64 << 20

// RegisterPatch gives a unified diff, to be applied with "patch -p1" in the directory
// of the port file, that adds devices to its inventory and corrects fields of it. The
// inventory is the CSV file of the port where it has one, else its section assets,
// to which devices can be added. Nothing is written: the patched files are loaded
// from a copy, and a diff that would break the port file is an error that says how.
// skipped is what has to be done by hand, with the reason.
func RegisterPatch(path string, add []Addition, correct []Correction, now time.Time) (text []byte, skipped []string, err error) {
	dir, base := filepath.Dir(path), filepath.Base(path)
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		dir, base = path, "."
	}
	files, err := portFiles(dir)
	if err != nil {
		return nil, nil, err
	}
	// A file that looks like an inventory may be none of this port: the patched port file
	// tells, for what was changed must be in it. An inventory in CSV goes first.
	names := sortedNames(files)
	slices.SortStableFunc(names, func(a, b string) int {
		return cmp.Compare(filepath.Ext(a), filepath.Ext(b))
	})
	var byHand []string
	for _, name := range names {
		if len(add)+len(correct) == 0 {
			return nil, nil, nil
		}
		patched, skipped, err := patchOne(name, files[name], add, correct)
		if err != nil {
			return nil, skipped, err
		}
		if patched == nil {
			continue
		}
		if bytes.Equal(patched, files[name]) { // all has to be done by hand, or stands in another file
			byHand = skipped
			continue
		}
		p, err := loadPatched(base, files, map[string][]byte{name: patched}, now)
		if err != nil {
			return nil, skipped, err
		}
		if took(p, add, correct) {
			return unified(name, files[name], patched), skipped, nil
		}
	}
	if byHand != nil {
		return nil, byHand, nil
	}
	return nil, nil, errors.New("the port file reads neither an inventory in CSV nor a section assets that is written as a list of lines: add one, then ask again")
}

// patchOne patches a file that may hold the register; nil: it is none.
func patchOne(name string, data []byte, add []Addition, correct []Correction) (patched []byte, skipped []string, err error) {
	if filepath.Ext(name) == ".csv" {
		if !isInventory(data) {
			return nil, nil, nil
		}
		t, err := newRows(name, data)
		if err != nil {
			return nil, nil, err
		}
		for i := range add {
			if lost := t.add(&add[i]); len(lost) > 0 {
				skipped = append(skipped, fmt.Sprintf("the inventory has no column for %s of %s: add the columns, or write it by hand", strings.Join(lost, ", "), add[i].ID))
			}
		}
		for _, c := range correct {
			if why := t.correct(c); why != "" {
				skipped = append(skipped, why)
			}
		}
		return t.bytes(), skipped, nil
	}
	if patched = addToSection(string(data), add); patched == nil {
		return nil, nil, nil
	}
	for _, c := range correct {
		skipped = append(skipped, fmt.Sprintf("%s stands in YAML: set %s to %s there by hand", c.Asset, c.Field, c.Value))
	}
	return patched, skipped, nil
}

// took reports whether what the patched file changes is in the patched port: every
// addition and, where there are none, at least one correction. What was left to be
// done by hand is in no file, so not all corrections need to be there.
func took(p *Port, add []Addition, correct []Correction) bool {
	for i := range add {
		if p.Asset(add[i].ID) == nil {
			return false
		}
	}
	return len(add) > 0 || slices.ContainsFunc(correct, p.Corrected)
}

// Corrected reports whether the register says what a correction says: of an address, it
// has the IP or the MAC.
func (p *Port) Corrected(c Correction) bool {
	a := p.Asset(c.Asset)
	if a == nil {
		return false
	}
	switch c.Field {
	case "firmware":
		return a.Firmware == c.Value
	case "serial":
		return a.Serial == c.Value
	case "model":
		return a.Model == c.Value
	}
	ip, mac, _ := strings.Cut(c.Value, " ")
	return slices.ContainsFunc(a.Addresses, func(x Address) bool {
		return x.IP.IsValid() && x.IP.String() == ip || mac != "-" && strings.EqualFold(x.MAC, mac)
	})
}

// unified is the difference of one file, in the form that patch and git take.
func unified(name string, old, patched []byte) []byte {
	d := diff.Diff("a/"+name, old, "b/"+name, patched)
	if i := bytes.Index(d, []byte("--- a/")); i > 0 {
		d = d[i:] // without the line that names the command
	}
	return d
}

func sortedNames[T any](m map[string]T) []string {
	names := make([]string, 0, len(m))
	for n := range m {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// portFiles reads the files that a port file may be made of, by their path below its
// directory.
func portFiles(dir string) (map[string][]byte, error) {
	files, size := map[string][]byte{}, 0
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("reading the files of the port: %w", err)
	}
	defer func() { _ = root.Close() }() // opened for reading: closing can't lose anything
	err = fs.WalkDir(root.FS(), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !e.Type().IsRegular() || !slices.Contains([]string{".yaml", ".yml", ".csv"}, filepath.Ext(name)) {
			return err
		}
		data, err := fs.ReadFile(root.FS(), name)
		if err != nil {
			return err
		}
		if size += len(data); size > maxPatched {
			return fmt.Errorf("more than %d MiB of files", maxPatched>>20)
		}
		files[name] = data
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading the files of the port: %w", err)
	}
	return files, nil
}

// isInventory reports whether a CSV file has the columns that an inventory needs. It is
// read as the port file reads it: a byte order mark and lines of comment may stand first.
func isInventory(data []byte) bool {
	in := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(data, []byte("\ufeff"))))
	in.Comment = '#'
	head, err := in.Read()
	return err == nil && !slices.ContainsFunc(neededColumns, func(c string) bool {
		return !slices.ContainsFunc(head, func(h string) bool { return strings.TrimSpace(h) == c })
	})
}

// rows is an inventory in CSV as its lines, of which only those that change are
// written anew.
type rows struct {
	lines []string // with their ends
	end   string   // of a line
	at    map[string]int
	width int
	row   map[string]int // id to line
}

func newRows(name string, data []byte) (*rows, error) {
	t := &rows{end: "\n", at: map[string]int{}, row: map[string]int{}}
	if bytes.Contains(data, []byte("\r\n")) {
		t.end = "\r\n"
	}
	for line := range strings.Lines(string(data)) {
		t.lines = append(t.lines, line)
	}
	header := false
	for i, line := range t.lines {
		line = strings.TrimPrefix(line, "\ufeff")
		if strings.HasPrefix(line, "#") || strings.TrimSpace(line) == "" {
			continue
		}
		fields, err := csv.NewReader(strings.NewReader(line)).Read()
		switch {
		case !header && err != nil:
			return nil, fmt.Errorf("%s: the header: %w", name, err)
		case !header:
			header = true
			t.width = len(fields)
			for k, h := range fields {
				t.at[strings.TrimSpace(h)] = k
			}
		case err == nil && len(fields) > t.at["id"]:
			t.row[strings.TrimSpace(fields[t.at["id"]])] = i
		}
	}
	return t, nil
}

func (t *rows) write(fields []string) string {
	var b strings.Builder
	w := csv.NewWriter(&b)
	_ = w.Write(fields) // into memory
	w.Flush()
	return strings.TrimSuffix(b.String(), "\n") + t.end
}

// add appends a row, and gives the fields that have no column.
func (t *rows) add(a *Addition) (lost []string) {
	if n := len(t.lines); n > 0 && !strings.HasSuffix(t.lines[n-1], "\n") {
		t.lines[n-1] += t.end
	}
	fields := make([]string, t.width)
	for _, f := range a.fields() {
		if k, ok := t.at[f[0]]; ok {
			fields[k] = f[1]
		} else if f[1] != "" {
			lost = append(lost, f[0]+" "+f[1])
		}
	}
	t.row[a.ID] = len(t.lines)
	t.lines = append(t.lines, t.write(fields))
	return lost
}

// correct changes one field, and says why not where it can't.
func (t *rows) correct(c Correction) string {
	if c.Field == "address" {
		return t.address(c)
	}
	i, there := t.row[c.Asset]
	k, column := t.at[c.Field]
	if !there || !column || !slices.Contains(corrected, c.Field) {
		return fmt.Sprintf("%s of %s is not in the inventory: set it to %s by hand", c.Field, c.Asset, c.Value)
	}
	fields, err := csv.NewReader(strings.NewReader(t.lines[i])).Read()
	if err != nil || len(fields) <= k {
		return fmt.Sprintf("the row of %s can't be read: set %s to %s by hand", c.Asset, c.Field, c.Value)
	}
	fields[k] = c.Value
	t.lines[i] = t.write(fields)
	return ""
}

// address adds an IP and a MAC, each at its place: the first IP of a row belongs to
// its first MAC, and so on.
func (t *rows) address(c Correction) string {
	i, there := t.row[c.Asset]
	ip, hasIP := t.at["ip"]
	mac, hasMAC := t.at["mac"]
	byHand := fmt.Sprintf("give %s the address %s by hand: its row or the columns ip and mac are not there", c.Asset, c.Value)
	if !there || !hasIP || !hasMAC {
		return byHand
	}
	fields, err := csv.NewReader(strings.NewReader(t.lines[i])).Read()
	if err != nil || len(fields) <= max(ip, mac) {
		return byHand
	}
	ips, macs := several(strings.TrimSpace(fields[ip])), several(strings.TrimSpace(fields[mac]))
	for len(ips) < len(macs) {
		ips = append(ips, "-")
	}
	for len(macs) < len(ips) {
		macs = append(macs, "-")
	}
	newIP, newMAC, _ := strings.Cut(c.Value, " ")
	fields[ip], fields[mac] = strings.Join(append(ips, newIP), ";"), strings.Join(append(macs, newMAC), ";")
	t.lines[i] = t.write(fields)
	return ""
}

func (t *rows) bytes() []byte { return []byte(strings.Join(t.lines, "")) }

var (
	assetsSection = regexp.MustCompile(`(?m)^assets:[ \t]*(#.*)?\r?$`)
	nextSection   = regexp.MustCompile(`(?m)^[a-z_]+:`)
)

// addToSection adds devices to the end of the section assets of a YAML file; nil: it has
// none that is written as a list of lines.
func addToSection(data string, add []Addition) []byte {
	at := assetsSection.FindStringIndex(data)
	if at == nil {
		return nil
	}
	end := len(data)
	if next := nextSection.FindStringIndex(data[at[1]:]); next != nil {
		end = at[1] + next[0]
	}
	// Comments and empty lines before the next section belong to it.
	body := data[:end]
	for {
		cut := strings.LastIndex(strings.TrimSuffix(body, "\n"), "\n") + 1
		if line := strings.TrimSpace(body[cut:]); cut <= at[1] || line != "" && !strings.HasPrefix(line, "#") {
			break
		}
		body = body[:cut]
	}
	lineEnd := "\n"
	if strings.Contains(data, "\r\n") {
		lineEnd = "\r\n"
	}
	rest := data[len(body):]
	if !strings.HasSuffix(body, "\n") {
		body += lineEnd
	}
	indent := "  "
	if m := regexp.MustCompile(`(?m)^( *)- `).FindStringSubmatch(data[at[1]:end]); m != nil {
		indent = m[1]
	}
	var b strings.Builder
	for i := range add {
		b.WriteString(indent + "- " + flow(&add[i]) + lineEnd)
	}
	return []byte(body + b.String() + rest)
}

// plain is what means itself in YAML without quotes.
var plain = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9.-]*$|^[0-9]+(\.[0-9]+){3}$`)

// reserved are words that YAML reads as something else than text.
var reserved = []string{"null", "true", "false", "yes", "no", "on", "off", "y", "n"}

func plainOr(s string) string {
	if plain.MatchString(s) && !slices.Contains(reserved, strings.ToLower(s)) {
		return s
	}
	return strconv.Quote(s)
}

// flow is a device as one line of YAML.
func flow(a *Addition) string {
	var parts []string
	address := ""
	for _, f := range a.fields() {
		switch {
		case f[1] == "":
		case f[0] == "ip":
			address = "ip: " + plainOr(f[1])
		case f[0] == "mac":
			if address != "" {
				address += ", "
			}
			address += "mac: " + strconv.Quote(f[1])
		case f[0] == "id" || f[0] == "domain" || f[0] == "kind" || f[0] == "zone":
			parts = append(parts, f[0]+": "+plainOr(f[1]))
		default:
			parts = append(parts, f[0]+": "+strconv.Quote(f[1]))
		}
	}
	if address != "" {
		parts = append(parts, "addresses: [{"+address+"}]")
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// loadPatched loads the patched files from a copy.
func loadPatched(name string, files, changed map[string][]byte, now time.Time) (*Port, error) {
	dir, err := os.MkdirTemp("", "quaywatch-patch-")
	if err != nil {
		return nil, fmt.Errorf("checking the patch: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }() // a left-over copy holds what the port file holds
	for n, data := range files {
		if p, is := changed[n]; is {
			data = p
		}
		path := filepath.Join(dir, filepath.FromSlash(n))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, data, 0o600)); err != nil {
			return nil, fmt.Errorf("checking the patch: %w", err)
		}
	}
	p, problems := Check(filepath.Join(dir, name), now)
	if p == nil {
		return nil, fmt.Errorf("the patched port file would have faults: %s", strings.ReplaceAll(problems.Err().Error(), dir+string(filepath.Separator), ""))
	}
	return p, nil
}
