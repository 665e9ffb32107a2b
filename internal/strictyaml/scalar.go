package strictyaml

import (
	"encoding"
	"errors"
	"math"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// builtin are the types of the standard library whose own errors say too little
// to somebody who writes a file.
var builtin = map[reflect.Type]scalarFunc{
	reflect.TypeFor[time.Time]():      parser(parseTime),
	reflect.TypeFor[time.Duration]():  parser(parseDuration),
	reflect.TypeFor[netip.Addr]():     parser(parseAddr),
	reflect.TypeFor[netip.Prefix]():   parser(parsePrefix),
	reflect.TypeFor[netip.AddrPort](): parser(parseAddrPort),
}

func parser[T any](parse func(string) (T, error)) scalarFunc {
	return func(text string, v reflect.Value) error {
		t, err := parse(text)
		if err == nil {
			v.Set(reflect.ValueOf(t))
		}
		return err
	}
}

// scalar reads a plain value. It reports false where v is no plain value.
func (d *decoder) scalar(n *yaml.Node, v reflect.Value) bool {
	parse, ok := d.scalars[v.Type()]
	if !ok {
		parse, ok = builtin[v.Type()]
	}
	if !ok {
		if u, is := v.Addr().Interface().(encoding.TextUnmarshaler); is {
			parse, ok = func(text string, _ reflect.Value) error { return unmarshalText(u, text) }, true
		}
	}
	if ok {
		if err := parse(n.Value, v); err != nil {
			d.problem(n, quote(n.Value)+" "+err.Error(), "")
		}
		return true
	}
	switch v.Kind() {
	case reflect.String:
		d.text(n, v)
	case reflect.Bool:
		d.boolean(n, v)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		d.integer(n, v)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		d.unsigned(n, v)
	case reflect.Float32, reflect.Float64:
		d.float(n, v)
	default:
		return false
	}
	return true
}

func unmarshalText(u encoding.TextUnmarshaler, text string) error {
	if text == "" {
		return errors.New("is empty")
	}
	if err := u.UnmarshalText([]byte(text)); err != nil {
		return errors.New("can't be read: " + err.Error())
	}
	return nil
}

func (d *decoder) text(n *yaml.Node, v reflect.Value) {
	switch n.Tag {
	case "!!str", "!!int", "!!float", "!!timestamp", "!!merge":
		v.SetString(n.Value)
	default:
		d.problem(n, "is "+kindOf(n)+", text is expected", `put it in quotes: "`+n.Value+`"`)
	}
}

func (d *decoder) boolean(n *yaml.Node, v reflect.Value) {
	if n.Tag != "!!bool" {
		d.problem(n, "is "+kindOf(n)+", true or false is expected", "write true or false without quotes")
		return
	}
	v.SetBool(strings.EqualFold(n.Value, "true"))
}

// wholeNumber returns the decimal text of an integer, false after telling why it is none.
func (d *decoder) wholeNumber(n *yaml.Node) (string, bool) {
	if n.Tag != "!!int" && n.Tag != "!!float" {
		d.problem(n, "is "+kindOf(n)+", a whole number is expected", unquoteHint(n))
		return "", false
	}
	digits := strings.TrimLeft(n.Value, "+-")
	switch {
	case strings.Trim(digits, "0123456789") != "":
		d.problem(n, n.Value+" is not a whole number", "write decimal digits only")
	case len(digits) > 1 && digits[0] == '0':
		d.problem(n, n.Value+" begins with a zero, which some readers of YAML take as octal", "remove the leading zero")
	default:
		return strings.TrimPrefix(n.Value, "+"), true
	}
	return "", false
}

func (d *decoder) integer(n *yaml.Node, v reflect.Value) {
	digits, ok := d.wholeNumber(n)
	if !ok {
		return
	}
	i, err := strconv.ParseInt(digits, 10, v.Type().Bits())
	if err != nil {
		d.problem(n, n.Value+" is too large a number here", "")
		return
	}
	v.SetInt(i)
}

func (d *decoder) unsigned(n *yaml.Node, v reflect.Value) {
	digits, ok := d.wholeNumber(n)
	if !ok {
		return
	}
	u, err := strconv.ParseUint(digits, 10, v.Type().Bits())
	if err != nil {
		d.problem(n, n.Value+" is out of range", "from 0 to "+strconv.FormatUint(math.MaxUint64>>(64-v.Type().Bits()), 10))
		return
	}
	v.SetUint(u)
}

// digits reads an integer that is written as an identifier: decimal digits,
// leading zeros allowed, quoted or not.
func (d *decoder) digits(n *yaml.Node, v reflect.Value) {
	i, err := strconv.ParseInt(n.Value, 10, v.Type().Bits())
	if err != nil || strings.Trim(n.Value, "0123456789") != "" {
		d.problem(n, quote(n.Value)+" is not made of digits", "write the digits only, such as 235012345")
		return
	}
	v.SetInt(i)
}

func (d *decoder) float(n *yaml.Node, v reflect.Value) {
	if n.Tag != "!!int" && n.Tag != "!!float" {
		d.problem(n, "is "+kindOf(n)+", a number is expected", unquoteHint(n))
		return
	}
	f, err := strconv.ParseFloat(n.Value, v.Type().Bits())
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) || strings.ContainsAny(n.Value, "_xXpP") {
		d.problem(n, n.Value+" is not a usable number", "write decimal digits, such as 12.5")
		return
	}
	v.SetFloat(f)
}

func unquoteHint(n *yaml.Node) string {
	if _, err := strconv.ParseFloat(n.Value, 64); err == nil && n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
		return "remove the quotes"
	}
	return ""
}

func parseTime(text string) (time.Time, error) {
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, errors.New("is no date or time; write 2027-03-31, or 2027-03-31T18:00:00Z")
}

// maxDays keeps days times 24 hours inside a time.Duration.
const maxDays = 100_000

func parseDuration(text string) (time.Duration, error) {
	bad := errors.New("is no duration; write a number with a unit, such as 30s, 15m, 8h or 90d")
	var days time.Duration
	rest := text
	if head, tail, ok := strings.Cut(text, "d"); ok {
		n, err := strconv.ParseUint(head, 10, 32)
		if err != nil || n > maxDays {
			return 0, bad
		}
		days, rest = time.Duration(n)*24*time.Hour, tail
		if rest == "" {
			return days, nil
		}
	}
	t, err := time.ParseDuration(rest)
	if err != nil || (days > 0 && t < 0) {
		return 0, bad
	}
	return days + t, nil
}

func parseAddr(text string) (netip.Addr, error) {
	a, err := netip.ParseAddr(text)
	if err != nil {
		return a, errors.New("is no IP address; write it like 10.20.1.5 or 2001:db8::5")
	}
	return a.Unmap(), nil
}

func parsePrefix(text string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return p, errors.New("is no network; write address/length, such as 10.20.1.0/24")
	}
	return p, nil
}

func parseAddrPort(text string) (netip.AddrPort, error) {
	p, err := netip.ParseAddrPort(text)
	if err != nil {
		return p, errors.New("is no address with a port; write it like 127.0.0.1:8443 or [::1]:8443")
	}
	return p, nil
}

// kindOf says what a node is, for a reader.
func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "keys and values"
	case yaml.SequenceNode:
		return "a list"
	}
	switch n.Tag {
	case "!!str":
		return "the text " + quote(n.Value)
	case "!!int", "!!float":
		return "the number " + n.Value
	case "!!bool":
		return "the yes/no value " + n.Value
	case "!!timestamp":
		return "the date " + n.Value
	case "!!null":
		return "nothing"
	}
	return "of the unknown type " + quote(n.Tag)
}

// wanted says what a Go type expects, for a reader.
func wanted(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "true or false"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "a whole number"
	}
	return "a single value"
}
