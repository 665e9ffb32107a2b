package port

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/quaywatch/quaywatch/internal/strictyaml"
)

// Columns are the columns that an inventory in CSV may have, in any order.
// id, domain and kind are needed. ip, mac and controlled_by may hold several
// values with a semicolon between them; the first ip belongs to the first mac
// and so on, and "-" stands for none.
var Columns = []string{
	"id", "name", "domain", "kind", "vendor", "product", "model", "firmware", "serial", "ip", "mac",
	"zone", "area", "owner", "criticality", "container", "controlled_by", "components", "patch_window", "lon", "lat",
	"remote_party", "remote_via", "remote_reason", "remote_work_order",
}

var neededColumns = []string{"id", "domain", "kind"}

// table is a CSV file that was read, for the places of its cells.
type table struct {
	file    string
	columns map[string]int
	cells   []cell // rows one after the other, len(columns) each
	width   int
}

type cell struct {
	line, column int32
	given        bool
}

// columnOf maps a path of an asset to the column that holds it.
func columnOf(path string) string {
	name, rest, _ := strings.Cut(path, "[")
	switch name {
	case "addresses":
		if strings.HasSuffix(rest, ".mac") {
			return "mac"
		}
		return "ip"
	case "remote_access":
		if _, field, ok := strings.Cut(rest, "]."); ok {
			return "remote_" + field
		}
		return "remote_party"
	case "position":
		if strings.HasPrefix(rest, "1") {
			return "lat"
		}
		return "lon"
	}
	return name
}

// at is the cell of a path, or the first cell of the row.
func (t *table) at(row int, path string) (cell, string) {
	name := columnOf(path)
	column, ok := t.columns[name]
	if !ok {
		return t.cells[row*t.width], "id"
	}
	return t.cells[row*t.width+column], name
}

func (t *table) problem(row int, path, text, hint string) Problem {
	c, name := t.at(row, path)
	return Problem{File: t.file, Line: int(c.line), Column: int(c.column), Path: strictyaml.Key(strictyaml.Item("row", row), name), Text: text, Hint: hint}
}

func (t *table) has(row int, path string) bool {
	c, name := t.at(row, path)
	_, ok := t.columns[name]
	return ok && c.given && name == columnOf(path)
}

// assets reads an inventory.
func (r *reader) assets(shown string, data []byte) {
	r.order = append(r.order, shown)
	t := &table{file: shown}
	in := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(data, []byte("\ufeff"))))
	in.Comment = '#'
	in.ReuseRecord = true
	header, err := in.Read()
	if err != nil {
		if errors.Is(err, io.EOF) {
			r.problems = append(r.problems, Problem{File: shown, Line: 1, Column: 1, Text: "the file is empty", Hint: "the first line names the columns: " + strings.Join(neededColumns, ",") + ",…"})
			return
		}
		r.csvError(t, err)
		return
	}
	if !r.header(t, in, header) {
		return
	}
	for {
		record, err := in.Read()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			var perr *csv.ParseError
			if r.csvError(t, err); errors.As(err, &perr) && errors.Is(perr.Err, csv.ErrFieldCount) {
				continue
			}
			return // after a broken quote the lines can't be told apart
		}
		if len(r.port.Assets) >= maxPerKind {
			line, _ := in.FieldPos(0)
			r.problems = append(r.problems, Problem{File: shown, Line: line, Column: 1, Text: fmt.Sprintf("more than %d assets", maxPerKind)})
			return
		}
		r.row(t, in, record)
	}
}

func (r *reader) csvError(t *table, err error) {
	p := Problem{File: t.file, Line: 1, Column: 1, Text: err.Error()}
	var perr *csv.ParseError
	if errors.As(err, &perr) {
		p.Line, p.Column, p.Text = perr.Line, max(perr.Column, 1), perr.Err.Error()
		switch {
		case errors.Is(perr.Err, csv.ErrFieldCount):
			p.Text, p.Hint = "the row has another number of cells than the header", "put cells that hold a comma in quotes"
		case errors.Is(perr.Err, csv.ErrQuote), errors.Is(perr.Err, csv.ErrBareQuote):
			p.Text, p.Hint = "a quote in the wrong place; the rest of the file is not read", `double a quote inside a cell: "" `
			p.Hint = strings.TrimSpace(p.Hint)
		}
	}
	r.problems = append(r.problems, p)
}

// header learns the columns.
func (r *reader) header(t *table, in *csv.Reader, names []string) bool {
	t.width, t.columns = len(names), map[string]int{}
	good := true
	fault := func(i int, text, hint string) {
		line, column := in.FieldPos(i)
		r.problems = append(r.problems, Problem{File: t.file, Line: line, Column: column, Text: text, Hint: hint})
		good = false
	}
	for i, name := range names {
		name = strings.TrimSpace(name)
		_, twice := t.columns[name]
		switch {
		case !slices.Contains(Columns, name):
			hint := "columns: " + strings.Join(Columns, ", ")
			if near := strictyaml.Nearest(name, Columns); near != "" {
				hint = fmt.Sprintf("did you mean %q?", near)
			}
			fault(i, fmt.Sprintf("unknown column %q", name), hint)
		case twice:
			fault(i, fmt.Sprintf("column %q is given twice", name), "keep one of them")
		default:
			t.columns[name] = i
		}
	}
	for _, name := range neededColumns {
		if _, ok := t.columns[name]; !ok && good {
			fault(0, fmt.Sprintf("column %q is missing", name), "needed: "+strings.Join(neededColumns, ", "))
		}
	}
	return good
}

// row reads one asset.
func (r *reader) row(t *table, in *csv.Reader, record []string) {
	index := len(t.cells) / t.width
	for i, text := range record {
		line, column := in.FieldPos(i)
		t.cells = append(t.cells, cell{int32(line), int32(column), strings.TrimSpace(text) != ""})
	}
	get := func(name string) string {
		if i, ok := t.columns[name]; ok {
			return strings.TrimSpace(strings.Clone(record[i]))
		}
		return ""
	}
	fault := func(path, text, hint string) {
		r.problems = append(r.problems, t.problem(index, path, text, hint))
	}
	a := Asset{
		ID: get("id"), Name: get("name"), Domain: Domain(get("domain")), Kind: get("kind"),
		Vendor: get("vendor"), Product: get("product"), Model: get("model"), Firmware: get("firmware"), Serial: get("serial"),
		Zone: get("zone"), Area: get("area"), Owner: get("owner"), Criticality: get("criticality"), Container: get("container"),
		ControlledBy: several(get("controlled_by")), Components: get("components"), Window: get("patch_window"),
	}
	a.Addresses = addresses(get("ip"), get("mac"), fault)
	a.Remote = remote(get, fault)
	a.Position = position(get("lon"), get("lat"), fault)
	r.port.Assets = append(r.port.Assets, a)
	r.sources.origin["assets"] = append(r.sources.origin["assets"], origin{csv: t, index: index})
}

// several splits a cell at its semicolons.
func several(text string) []string {
	if text == "" {
		return nil
	}
	parts := strings.Split(text, ";")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return parts
}

type faultFunc func(path, text, hint string)

// addresses pairs the cells ip and mac.
func addresses(ips, macs string, fault faultFunc) []Address {
	ip, mac := several(ips), several(macs)
	if len(ip) > 0 && len(mac) > 0 && len(ip) != len(mac) {
		fault("addresses[0].mac", fmt.Sprintf("%d MAC addresses beside %d IP addresses", len(mac), len(ip)), "give as many of both, with - for none")
		return nil
	}
	out := make([]Address, max(len(ip), len(mac)))
	for i := range out {
		if i < len(ip) && ip[i] != "-" {
			a, err := netip.ParseAddr(ip[i])
			if err != nil {
				fault("addresses[0].ip", fmt.Sprintf("%q is no IP address", ip[i]), "write it like 10.20.1.5 or 2001:db8::5; several with ; between them")
				continue
			}
			out[i].IP = a.Unmap()
		}
		if i < len(mac) && mac[i] != "-" {
			out[i].MAC = mac[i]
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

func remote(get func(string) string, fault faultFunc) []RemoteAccess {
	a := RemoteAccess{Party: get("remote_party"), Via: get("remote_via"), Reason: get("remote_reason")}
	switch text := get("remote_work_order"); text {
	case "", "false":
	case "true":
		a.WorkOrder = true
	default:
		fault("remote_access[0].work_order", fmt.Sprintf("%q is not true or false", text), "write true or false")
	}
	if a == (RemoteAccess{}) {
		return nil
	}
	return []RemoteAccess{a}
}

func position(lon, lat string, fault faultFunc) (p Point) {
	if lon == "" && lat == "" {
		return p
	}
	for i, text := range []string{lon, lat} {
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || f-f != 0 {
			fault(fmt.Sprintf("position[%d]", i), fmt.Sprintf("%q is no number of degrees", text), "give lon and lat both, in decimal degrees")
			return Point{}
		}
		p[i] = f
	}
	return p
}
