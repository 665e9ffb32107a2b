// Package eve reads the EVE log (JSON lines) of a Suricata sensor: flows, alerts,
// what its parsers of Modbus, DNP3 and EtherNet/IP say was asked of devices, and
// DHCP. It exists so that a port that has Suricata needs no second sensor. The
// composition root makes a [Source] of it; it imports event, source and
// source/tail only.
//
// A record is one line. What can't be read is rejected by itself and the rest goes on.
package eve

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/source"
	"github.com/quaywatch/quaywatch/internal/source/tail"
)

// Options set up a Source.
type Options struct {
	ID        string
	Paths     []string // eve.json, and directories with such files
	Follow    bool     // the log grows and rotates
	Expect    time.Duration
	Bookmarks source.Bookmarks
	Clock     func() time.Time
}

// Source reads EVE logs. It is used once.
type Source struct {
	o     Options
	feed  *source.Feed
	asked map[uint64]map[string]bool // flow id → operations, reads included
	stats Stats
}

// Stats counts what was read.
type Stats struct {
	Rows       uint64 `json:"rows"`
	Flows      uint64 `json:"flows"`
	Devices    uint64 `json:"devices"`
	Operations uint64 `json:"operations"`
	Alerts     uint64 `json:"alerts"`
	Rejected   uint64 `json:"rejected"`
	Logs       int    `json:"logs"`
	Last       int64  `json:"last_ns"` // newest time told
}

// maxAsked bounds the flows of which it is remembered what was asked until they
// are told; at the bound the memory starts anew.
const maxAsked = 200_000

// New checks the options and makes the source.
func New(o Options) (*Source, error) {
	if o.ID == "" || len(o.Paths) == 0 {
		return nil, errors.New("eve source: an id and a file or directory are needed")
	}
	return &Source{o: o, asked: map[uint64]map[string]bool{}}, nil
}

// ID is the id of the source.
func (s *Source) ID() string { return s.o.ID }

// Stats is what was read; call it after Run.
func (s *Source) Stats() Stats { return s.stats }

// Run reads to the end of the log, or until ctx is done where it is followed.
func (s *Source) Run(ctx context.Context, sink source.Sink) error {
	fo := source.FeedOptions{Clock: s.o.Clock, Expect: s.o.Expect, Bookmarks: s.o.Bookmarks, Repeatable: true}
	if s.o.Follow {
		fo.FlushEvery = 250 * time.Millisecond
	}
	s.feed = source.NewFeed(s.o.ID, sink, fo)
	if err := s.feed.Start(ctx); err != nil {
		return s.feed.End(ctx, err)
	}
	set := tail.New(tail.Options{ID: s.o.ID, Paths: s.o.Paths, Match: IsLog, Follow: s.o.Follow, Bookmarks: s.o.Bookmarks})
	return s.feed.End(ctx, set.Run(ctx, s.feed, s.take))
}

// IsLog reports whether a file of a directory is an EVE log: eve.json, and what
// rotation makes of it.
func IsLog(name string) bool {
	return strings.HasPrefix(name, "eve") && (strings.Contains(name, ".json"))
}

// lenient: a record that a sensor wrote is read as far as it can be.
var lenient = json.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))

// take reads one line.
func (s *Source) take(ctx context.Context, f *tail.File, l *tail.Line) error {
	if f.State == nil {
		f.State = true
		s.stats.Logs++
	}
	if l.Long {
		s.reject("line is longer than 1 MiB", l)
		return nil
	}
	if len(strings.TrimSpace(string(l.Text[:min(len(l.Text), 64)]))) == 0 && len(l.Text) < 64 {
		return nil
	}
	var r record
	if err := json.Unmarshal(l.Text, &r, lenient); err != nil {
		s.reject("line is not an EVE record", l)
		return nil //nolint:nilerr // told; the rest goes on
	}
	s.stats.Rows++
	at, ok := moment(r.Timestamp)
	if !ok {
		s.reject("timestamp holds no time", l)
		return nil
	}
	s.stats.Last = max(s.stats.Last, at.UnixNano())
	switch r.Type {
	case "flow":
		return s.flow(ctx, &r, l)
	case "alert":
		return s.alert(ctx, &r, at, l)
	case "modbus", "dnp3", "enip":
		return s.operations(ctx, &r, at, l)
	case "dhcp":
		return s.dhcp(ctx, &r, at, l)
	}
	s.feed.Skipped()
	return nil
}

func (s *Source) reject(reason string, l *tail.Line) {
	s.stats.Rejected++
	s.feed.Rejected(reason, l.Raw(true))
}

// moment reads Suricata's time: 2026-03-01T06:00:00.123456+0000.
func moment(text string) (time.Time, bool) {
	for _, layout := range []string{"2006-01-02T15:04:05.999999999-0700", time.RFC3339Nano} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

func (s *Source) flow(ctx context.Context, r *record, l *tail.Line) error {
	f, reason := r.conversation()
	if reason != "" {
		s.reject(reason, l)
		return nil
	}
	start, ok := moment(r.Flow.Start)
	if !ok {
		s.reject("flow.start holds no time", l)
		return nil
	}
	end, ok := moment(r.Flow.End)
	if !ok {
		end = start
	}
	f.Operations = s.operationsOf(r.FlowID)
	f.Head, f.Last = s.feed.Head(start, l.Raw(false)), end
	s.stats.Flows++
	return s.feed.Flow(ctx, f)
}

// operations tells what a parser's record says was asked, and keeps it for the flow.
func (s *Source) operations(ctx context.Context, r *record, at time.Time, l *tail.Line) error {
	client, server, ok := r.ends()
	if !ok {
		s.reject(badEnds, l)
		return nil
	}
	told := 0
	for _, d := range r.deeds() {
		s.ask(r.FlowID, d.operation)
		if !watched[d.operation] {
			continue
		}
		o := event.DeviceOperation{Client: client, Server: server, Transport: strings.ToLower(r.Proto), Protocol: r.Type,
			Operation: d.operation, Function: d.function, Asked: d.asked, Accepted: d.accepted, Refused: d.refused, Last: at}
		o.Head = s.feed.Head(at, l.Raw(true))
		s.stats.Operations++
		told++
		if err := s.feed.Operation(ctx, o); err != nil {
			return err
		}
	}
	if told == 0 {
		s.feed.Skipped()
	}
	return nil
}

func (s *Source) ask(id uint64, operation string) {
	if id == 0 || operation == "" {
		return
	}
	m := s.asked[id]
	if m == nil {
		if len(s.asked) >= maxAsked {
			clear(s.asked)
		}
		m = map[string]bool{}
		s.asked[id] = m
	}
	m[operation] = true
}

func (s *Source) alert(ctx context.Context, r *record, at time.Time, l *tail.Line) error {
	client, server, ok := r.ends()
	if !ok || r.Alert == nil {
		s.reject(badEnds, l)
		return nil
	}
	a := event.Alert{Product: "suricata", Signature: r.Alert.Signature, Severity: severities[r.Alert.Severity],
		Asset: server.IP, Client: client, Server: server, Text: r.Alert.Category}
	a.Head = s.feed.Head(at, l.Raw(true))
	s.stats.Alerts++
	return s.feed.Alert(ctx, a)
}

// severities of a rule, 1 the gravest.
var severities = map[int]string{1: "high", 2: "medium", 3: "low", 4: "informational"}

func (s *Source) dhcp(ctx context.Context, r *record, at time.Time, l *tail.Line) error {
	if r.DHCP == nil || r.DHCP.MAC == "" || r.DHCP.Host == "" && (r.DHCP.Assigned == "" || r.DHCP.Assigned == "0.0.0.0") {
		s.feed.Skipped()
		return nil
	}
	d := event.DeviceSighting{MAC: strings.ToLower(r.DHCP.MAC), Protocol: "dhcp", Name: r.DHCP.Host}
	if r.DHCP.Assigned != "0.0.0.0" {
		d.IP = r.DHCP.Assigned
	}
	d.Head = s.feed.Head(at, l.Raw(true))
	s.stats.Devices++
	return s.feed.Device(ctx, d)
}
