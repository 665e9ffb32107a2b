package port

import (
	"encoding"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/quaywatch/quaywatch/internal/strictyaml"
)

// decodeOptions are the short forms of the port file.
var decodeOptions = []strictyaml.Option{
	strictyaml.Scalar(func(text string) (fileList, error) { return fileList{text}, nil }),
	strictyaml.Scalar(func(text string) (Need, error) { return Need{ID: text}, nil }),
}

var (
	_ encoding.TextUnmarshaler = (*PortRange)(nil)
	_ encoding.TextMarshaler   = PortRange{}
	_ fmt.Stringer             = PortRange{}
	_ encoding.TextUnmarshaler = (*Figure)(nil)
	_ encoding.TextMarshaler   = Figure{}
	_ fmt.Stringer             = Figure{}
)

// UnmarshalText reads "502" or "5000-5010".
func (r *PortRange) UnmarshalText(text []byte) error {
	low, high, both := strings.Cut(string(text), "-")
	if !both {
		high = low
	}
	l, err := strconv.ParseUint(low, 10, 16)
	if err != nil {
		return errPortRange
	}
	h, err := strconv.ParseUint(high, 10, 16)
	if err != nil {
		return errPortRange
	}
	if l == 0 || h < l {
		return errPortOrder
	}
	r.Low, r.High = uint16(l), uint16(h)
	return nil
}

var (
	errPortRange = errors.New("a port is a number such as 502, or a range such as 5000-5010")
	errPortOrder = errors.New("ports run from 1 to 65535, the lower end of a range first")
)

// String writes the range as the port file does.
func (r PortRange) String() string {
	if r.Low == r.High {
		return strconv.Itoa(int(r.Low))
	}
	return fmt.Sprintf("%d-%d", r.Low, r.High)
}

// MarshalText implements encoding.TextMarshaler.
func (r PortRange) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

var errFigure = errors.New("a figure is a number such as 4, or a range from least to most such as 800-1600, none of them negative")

// UnmarshalText reads "4" or "800-1600".
func (f *Figure) UnmarshalText(text []byte) error {
	low, high, both := strings.Cut(string(text), "-")
	if !both {
		high = low
	}
	l, err := strconv.ParseFloat(strings.TrimSpace(low), 64)
	if err != nil {
		return errFigure
	}
	h, err := strconv.ParseFloat(strings.TrimSpace(high), 64)
	if err != nil || !(l >= 0 && l <= h && h <= 1e12) {
		return errFigure
	}
	f.Low, f.High = l, h
	return nil
}

// String writes the figure as the port file does.
func (f Figure) String() string {
	low := strconv.FormatFloat(f.Low, 'f', -1, 64)
	if f.Low == f.High {
		return low
	}
	return low + "-" + strconv.FormatFloat(f.High, 'f', -1, 64)
}

// MarshalText implements encoding.TextMarshaler.
func (f Figure) MarshalText() ([]byte, error) { return []byte(f.String()), nil }
