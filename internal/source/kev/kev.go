// Package kev reads the catalogue of known exploited vulnerabilities (KEV) in
// the JSON form that CISA publishes. It exists because a vulnerability that is
// being used comes before one that could be. The composition root makes a
// [Source] of it; it imports event and source only.
//
// The catalogue is nearly all office IT: a device that is not in it is not
// known to be safe.
package kev

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/source"
)

// Bounds: the catalogue of 2025 has 1,404 entries of about 900 bytes.
const (
	maxCatalogue = 256 << 20 // bytes
	maxEntry     = 256 << 10 // bytes
	maxText      = 2_000     // bytes of one field
)

// Options set up a Source.
type Options struct {
	ID       string           // of the source
	Path     string           // of the JSON file; "-" is standard input
	Stdin    io.Reader        // what "-" reads; nil is os.Stdin
	Clock    func() time.Time // arrival time; nil is the system clock
	Expect   time.Duration    // longest normal silence; 0: none declared
	OnReject func(Rejection)  // where set, is told of every rejected entry
}

// Rejection names an entry that was not read.
type Rejection struct {
	Entry int    `json:"entry"` // index in "vulnerabilities", from 0
	Fault string `json:"fault"` // JSON Pointer and reason
}

// Source reads the catalogue. It implements source.Source.
type Source struct{ o Options }

// New checks the options and makes the source.
func New(o Options) (*Source, error) {
	if o.ID == "" {
		return nil, errors.New("kev source: no id")
	}
	if o.Path == "" {
		return nil, fmt.Errorf("kev source %s: no path: name the JSON file of the catalogue", o.ID)
	}
	if o.Stdin == nil {
		o.Stdin = os.Stdin
	}
	return &Source{o}, nil
}

// ID is the id of the source.
func (s *Source) ID() string { return s.o.ID }

// Run reads the catalogue to its end.
func (s *Source) Run(ctx context.Context, sink source.Sink) error {
	feed := source.NewFeed(s.o.ID, sink, source.FeedOptions{Clock: s.o.Clock, Expect: s.o.Expect, Repeatable: s.o.Path != "-"})
	if err := feed.Start(ctx); err != nil {
		return feed.End(ctx, err)
	}
	err := s.read(ctx, feed)
	if err != nil {
		err = fmt.Errorf("kev source %s: %s: %w", s.o.ID, s.o.Path, err)
	}
	return feed.End(ctx, err)
}

func (s *Source) read(ctx context.Context, feed *source.Feed) error {
	in, name := s.o.Stdin, "stdin"
	if s.o.Path != "-" {
		f, err := os.Open(s.o.Path)
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }() // opened for reading: closing can't lose anything
		in, name = f, s.o.Path
	}
	feed.Connected()
	r := bufio.NewReaderSize(in, 64<<10)
	if mark, err := r.Peek(3); err == nil && bytes.Equal(mark, []byte("\xef\xbb\xbf")) {
		_, _ = r.Discard(3) // peeked: they are there
	}
	c := catalogue{feed: feed, input: name, onReject: s.o.OnReject,
		in: json.NewDecoder(io.LimitReader(r, maxCatalogue)), count: -1}
	return c.read(ctx)
}

// catalogue is one reading. Entries are told as they come, so that those before
// a damaged place are not lost.
type catalogue struct {
	feed     *source.Feed
	input    string
	onReject func(Rejection)
	in       *json.Decoder
	count    int // that the catalogue claims; -1: not said
	entries  int
	found    bool
}

func (c *catalogue) read(ctx context.Context) error {
	if err := c.expect('{'); err != nil {
		return err
	}
	for c.in.More() {
		key, err := c.in.Token()
		if err != nil {
			return c.broken(err)
		}
		switch key {
		case "vulnerabilities":
			c.found = true
			err = c.list(ctx)
		case "count":
			err = c.in.Decode(&c.count)
		default:
			var other json.RawMessage
			err = c.in.Decode(&other)
		}
		if err != nil {
			return c.broken(err)
		}
	}
	if _, err := c.in.Token(); err != nil {
		return c.broken(err)
	}
	switch {
	case !c.found:
		return errors.New(`/vulnerabilities: is missing: this is not the catalogue`)
	case c.count >= 0 && c.count != c.entries:
		return fmt.Errorf("/count: says %d entries, but there are %d: the file is not whole, fetch it again", c.count, c.entries)
	}
	return nil
}

func (c *catalogue) expect(want json.Delim) error {
	t, err := c.in.Token()
	if err != nil {
		return c.broken(err)
	}
	if t != want {
		return fmt.Errorf("at byte %d: found %v where %v belongs: this is not the catalogue", c.in.InputOffset(), t, want)
	}
	return nil
}

// broken says where the JSON ends to be JSON. Errors of the feed pass as they are.
func (c *catalogue) broken(err error) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("ends too early, at byte %d after %d entries: fetch it again", c.in.InputOffset(), c.entries)
	case errors.As(err, &syntax):
		return fmt.Errorf("is not JSON at byte %d, after %d entries: %w", c.in.InputOffset(), c.entries, syntax)
	case errors.As(err, &kind):
		return fmt.Errorf("/count: is %s, not a number", kind.Value)
	}
	return err
}

func (c *catalogue) list(ctx context.Context) error {
	if err := c.expect('['); err != nil {
		return err
	}
	for c.in.More() {
		if err := ctx.Err(); err != nil {
			return err
		}
		var text json.RawMessage
		if err := c.in.Decode(&text); err != nil {
			return err
		}
		raw := event.Raw{Input: c.input, Offset: c.in.InputOffset() - int64(len(text)), Length: len(text), Sum: event.SumOf(text)}
		e, err := Decode(text)
		if err != nil {
			raw.Text = bytes.Clone(text[:min(len(text), event.MaxRaw)])
			c.feed.Rejected(err.Error(), raw)
			if c.onReject != nil {
				c.onReject(Rejection{c.entries, "/vulnerabilities/" + strconv.Itoa(c.entries) + err.Error()})
			}
		} else {
			e.Head = c.feed.Head(e.Time, raw)
			if err := c.feed.Exploited(ctx, e); err != nil {
				return err
			}
		}
		c.entries++
	}
	_, err := c.in.Token()
	return err
}

var cvePattern = regexp.MustCompile(`^CVE-\d{4}-\d{4,19}$`)

// Decode reads one entry of the catalogue. The head of the result holds only
// the time (the day it was added). The error begins with a JSON Pointer inside
// the entry.
func Decode(text []byte) (event.Exploited, error) {
	if len(text) > maxEntry {
		return event.Exploited{}, errors.New(": entry is larger than 256 KiB")
	}
	var e struct {
		CVE        string `json:"cveID"`
		Vendor     string `json:"vendorProject"`
		Product    string `json:"product"`
		Name       string `json:"vulnerabilityName"`
		Added      string `json:"dateAdded"`
		Ransomware string `json:"knownRansomwareCampaignUse"`
	}
	if err := json.Unmarshal(text, &e); err != nil {
		var kind *json.UnmarshalTypeError
		if errors.As(err, &kind) && kind.Field != "" {
			return event.Exploited{}, fmt.Errorf("/%s: is %s, not text", kind.Field, kind.Value)
		}
		return event.Exploited{}, errors.New(": entry is not a JSON object")
	}
	out := event.Exploited{
		CVE: strings.ToUpper(strings.TrimSpace(e.CVE)), Vendor: strings.TrimSpace(e.Vendor),
		Product: strings.TrimSpace(e.Product), Name: strings.TrimSpace(e.Name),
		Ransomware: strings.EqualFold(strings.TrimSpace(e.Ransomware), "known"),
	}
	if !cvePattern.MatchString(out.CVE) {
		return event.Exploited{}, errors.New("/cveID: is not a CVE id")
	}
	if max(len(out.Vendor), len(out.Product), len(out.Name)) > maxText {
		return event.Exploited{}, errors.New(": entry has a field longer than 2,000 bytes")
	}
	var err error
	if out.Time, err = time.Parse(time.DateOnly, e.Added); err != nil {
		return event.Exploited{}, errors.New("/dateAdded: is not a date such as 2025-08-25")
	}
	return out, nil
}

var _ source.Source = (*Source)(nil)
