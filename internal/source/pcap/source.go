// Package pcap reads network captures: pcap and pcapng files, directories of
// them, a file that still grows, or a stream. It turns packets into flows and
// sightings of devices. It exists so that the network can be judged without a
// sensor of its own: any capture will do. It only reads what others captured;
// it opens no socket.
//
// Time is packet time. A flow is told when it ends, and in slices while it
// lasts, so that a screen moves and memory stays bounded.
package pcap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"github.com/quaywatch/quaywatch/ics"
	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/source"
)

// Bounds of a directory walk.
const (
	maxFiles    = 100_000
	maxProblems = 1000
)

// Options sets up a Source. The zero value suits files.
type Options struct {
	// Clock gives the arrival time; nil is the system clock.
	Clock func() time.Time
	// Expect is the longest normal silence of a live input; 0: none declared.
	Expect time.Duration
	// MaxFlows bounds the flow table; 0 is 65,536.
	MaxFlows int
	// Slice is how long a flow may last before a part of it is told; 0 is 60 s.
	Slice time.Duration
	// Early is how soon a new flow is told for the first time; 0 is 2 s of a
	// live input, so that a screen moves, and Slice otherwise.
	Early time.Duration
	// TCPIdle and OtherIdle end a silent flow; 0 is 5 min and 60 s.
	TCPIdle, OtherIdle time.Duration
	// Follow goes on reading at the end of the last file until the context is
	// done: for a capture that another program still writes, or a FIFO.
	// New files in a directory are noticed: the older are finished in the order
	// of names, and the newest is followed.
	Follow bool
	// Bookmarks remember how far each file was told, so that a restart goes on
	// there; nil: every start reads everything. Readers and FIFOs have none.
	Bookmarks source.Bookmarks
	// Input names a reader in evidence; empty is the id of the source.
	Input string
	// Lost, where set, tells how many packets a live input dropped so far; they are
	// counted as rejected.
	Lost func() uint64
	// Progress, where set, is told how far the files are read, in bytes.
	Progress func(read, total int64)
}

func (o Options) withDefaults() Options {
	if o.MaxFlows <= 0 {
		o.MaxFlows = defaultMaxFlows
	}
	if o.Slice <= 0 {
		o.Slice = defaultSlice
	}
	if o.TCPIdle <= 0 {
		o.TCPIdle = defaultTCPIdle
	}
	if o.OtherIdle <= 0 {
		o.OtherIdle = defaultOtherIdle
	}
	return o
}

// Source reads captures. It is used once.
type Source struct {
	id     string
	paths  []string
	reader io.Reader
	o      Options

	feed      *source.Feed
	table     *table
	sightings sightings
	stats     Stats
	newest    atomic.Int64 // packet time, nanoseconds: stats.Last for other goroutines
	problems  []error
	book      bookmark
	here      func(now int64) error // marks the place of the file that is followed
	ends      func() bool           // the followed file was replaced: its end is an end; nil: nothing is followed
	read      int64
	total     int64
	lost      uint64 // packets that a live input dropped
}

// Stats counts what was read.
type Stats struct {
	Files      int    `json:"files"`          // captures
	Other      int    `json:"other_files"`    // files that are no captures
	Packets    uint64 `json:"packets"`        // read
	Refused    uint64 `json:"refused"`        // packets whose link layer was not understood
	Flows      uint64 `json:"flows"`          // told, slices counted
	Devices    uint64 `json:"devices"`        // sightings told
	Operations uint64 `json:"operations"`     // told, of those that change a device or copy its program
	Evicted    uint64 `json:"evicted"`        // flows told early because the table was full
	Bytes      int64  `json:"bytes"`          // of the files
	First      int64  `json:"first_ns"`       // packet time of the first packet
	Last       int64  `json:"last_ns"`        // of the newest
	Damaged    int    `json:"damaged_inputs"` // captures that ended in a damaged record
}

// New makes a source of files and directories. A directory is walked, files in
// the order of their names; captures are known by their first bytes.
func New(id string, paths []string, o Options) *Source {
	return &Source{id: id, paths: paths, o: o.withDefaults()}
}

// NewReader makes a live source of one capture stream. Run closes r, where it
// can be closed, when the context ends.
func NewReader(id string, r io.Reader, o Options) *Source {
	s := &Source{id: id, reader: r, o: o.withDefaults()}
	if s.o.Input == "" {
		s.o.Input = id
	}
	return s
}

// ID is the id of the source.
func (s *Source) ID() string { return s.id }

// Stats is what was read; call it after Run.
func (s *Source) Stats() Stats { return s.stats }

// Newest is the newest packet time that was read so far, the beginning of 1970 where there
// was none. It may be called from any goroutine, while Run runs.
func (s *Source) Newest() time.Time { return unix(s.newest.Load()) }

// Problems are the inputs that could not be read to their end, with file and
// packet; at most a thousand. Call it after Run. They do not fail the run:
// what was read stands.
func (s *Source) Problems() []error { return s.problems }

// Run reads everything. It fails where a path does not exist or the sink does,
// and where a followed file is damaged; another damaged capture is counted as
// rejected and listed in Problems.
func (s *Source) Run(ctx context.Context, sink source.Sink) error {
	live := s.reader != nil || s.o.Follow
	if s.o.Early <= 0 {
		s.o.Early = s.o.Slice
		if live {
			s.o.Early = min(earlyLive, s.o.Slice)
		}
	}
	fo := source.FeedOptions{Clock: s.o.Clock, Expect: s.o.Expect, Repeatable: !live}
	if s.reader == nil {
		fo.Bookmarks = s.o.Bookmarks
	}
	if live {
		fo.FlushEvery = 250 * time.Millisecond
	}
	s.feed = source.NewFeed(s.id, sink, fo)
	s.table = newTable(s.o)
	s.table.tell = func(f *flow) error { return s.tell(ctx, f) }
	s.table.identity = func(fr *frame, from, to end, r *ics.Result) error {
		return s.sightings.spoken(ctx, s.table, fr, from, to, r)
	}
	s.sightings = sightings{told: map[seen]int64{}, emit: s.device}
	if err := s.feed.Start(ctx); err != nil {
		return s.feed.End(ctx, err)
	}
	err := s.readAll(ctx)
	if ctx.Err() != nil { // asked to stop: what is in the table is still told
		keep, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		s.table.tell = func(f *flow) error { return s.tell(keep, f) }
	}
	if ferr := s.table.flush(); err == nil {
		err = ferr
	}
	// Even what the sink refused is in the feed now, and the mark is saved after it.
	_ = s.checkpoint(true) // nothing is left in the table that could fail
	s.stats.Evicted = s.table.evicted
	return s.feed.End(ctx, err)
}

func (s *Source) readAll(ctx context.Context) error {
	if s.reader != nil {
		return s.readLive(ctx)
	}
	files, err := s.list()
	if err != nil {
		return err
	}
	if err := s.book.load(ctx, s.o.Bookmarks, s.id); err != nil {
		return err
	}
	if len(s.problems) == 0 { // a directory that can't be read now may be back at the next start
		s.book.trim(files)
	}
	if s.o.Follow {
		return s.followAll(ctx, files)
	}
	for _, f := range files {
		if err := s.readFile(ctx, f); err != nil {
			return err
		}
	}
	return nil
}

// input is one file to read.
type input struct {
	path  string
	named bool // given by name, rather than found in a directory
}

// list finds the files under the paths.
func (s *Source) list() ([]input, error) {
	var out []input
	for _, path := range s.paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, fmt.Errorf("source %s: %w", s.id, err)
		}
		if !info.IsDir() {
			out = append(out, input{path, true})
			s.total += info.Size()
			continue
		}
		err = filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
			if err != nil {
				s.problem(err)
				return nil
			}
			if !d.Type().IsRegular() {
				return nil
			}
			if len(out) >= maxFiles {
				return fmt.Errorf("source %s: more than %d files under %s: name the directories one by one", s.id, maxFiles, path)
			}
			if info, err := d.Info(); err == nil {
				s.total += info.Size()
			}
			out = append(out, input{p, false})
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return slices.Clip(out), nil
}

func (s *Source) problem(err error) {
	if len(s.problems) < maxProblems {
		s.problems = append(s.problems, err)
	}
}

func (s *Source) progress() {
	if s.o.Progress != nil {
		s.o.Progress(s.read, s.total)
	}
}

// readCapture reads one stream.
func (s *Source) readCapture(ctx context.Context, r io.Reader, name string) error {
	c, err := openCapture(r, name)
	if err != nil {
		return s.trouble(ctx, err, name, 0, 0)
	}
	return s.readPackets(ctx, c, nil)
}

// readPackets reads the packets of c to its end. file is where they come from,
// nil for a stream.
func (s *Source) readPackets(ctx context.Context, c *capture, file *os.File) error {
	name, from := c.name, c.offset
	s.book.at = 0
	s.stats.Files++
	s.feed.Connected()
	var in packets
	if file != nil && !s.o.Follow && regular(file) {
		in = readAheadOf(c)
	} else {
		in = &one{c: c}
		s.here = func(now int64) error { return s.markHere(name, file, c.start, c.before, now) }
		defer func() { s.here = nil }()
	}
	read := s.read
	for first := true; ; first = false {
		it, err := in.next()
		switch {
		case errors.Is(err, io.EOF):
			s.stats.Bytes += c.offset - from
			return ctx.Err()
		case err != nil:
			s.stats.Bytes += c.offset - from
			return s.trouble(ctx, err, name, c.number, c.offset)
		}
		if first {
			err = s.join(it.time)
			s.table.input = name
		}
		before := it.number - 1
		if err == nil && (before-s.book.number >= markPackets || before < s.book.number || s.book.at == 0) {
			err = s.markHere(name, file, it.start, before, it.time)
		}
		if it.number&0xfff == 0 {
			if err == nil {
				err = ctx.Err()
			}
			s.read = read + it.end
			s.progress()
		}
		s.missed(name)
		counted := s.table.counted
		if err == nil {
			err = s.packet(ctx, it)
		}
		if err != nil {
			in.stop()
			c.start, c.before = it.start, before
			if s.table.counted != counted { // it is in a flow, whatever failed then
				c.start, c.before = it.end, it.number
			}
			return err
		}
	}
}

// missed tells that a live input dropped packets since it was asked last.
func (s *Source) missed(name string) {
	if s.o.Lost == nil {
		return
	}
	if lost := s.o.Lost(); lost > s.lost {
		s.lost = lost
		s.feed.Rejected("packets were dropped before they could be read", event.Raw{Input: name})
	}
}

// join decides whether a further file goes on with the conversations of the one
// before (a capture written in parts) or has nothing to do with it.
func (s *Source) join(at int64) error {
	if at >= s.table.now && at-s.table.now < int64(s.o.TCPIdle) {
		return nil
	}
	return s.table.flush()
}

// trouble tells what is wrong with an input; the rest goes on. What the sink
// could not keep is no trouble of the input: it fails the run. So does trouble
// with a file that is followed, unless it is over with that file.
func (s *Source) trouble(ctx context.Context, err error, name string, packet, offset int64) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var idle *idleError
	if errors.As(err, &idle) {
		return idle.err
	}
	reason := "input can't be read"
	var damage *DamageError
	switch {
	case errors.Is(err, errNotCapture):
		reason = "not a capture"
	case errors.As(err, &damage):
		reason = "capture is damaged or cut off"
		s.stats.Damaged++
	}
	s.problem(err)
	s.feed.Rejected(reason, event.Raw{Input: name, Offset: offset, Line: packet})
	if s.ends != nil && !s.ends() {
		return fmt.Errorf("source %s: %w", s.id, err) // more may come, but where it begins is not known
	}
	return nil
}

// packet hands one packet on.
func (s *Source) packet(ctx context.Context, it *item) error {
	s.stats.Packets++
	if it.time == 0 { // a simple packet block tells no time: it happened with the one before
		it.time = max(s.table.now, 1)
	}
	if s.stats.First == 0 {
		s.stats.First = it.time
	}
	if it.time > s.stats.Last {
		s.stats.Last = it.time
		s.newest.Store(it.time)
	}
	if it.refused != "" {
		s.stats.Refused++
		s.feed.Rejected(it.refused, s.table.rawOf(&it.frame))
		return nil
	}
	if !it.ip || it.proto == protoUDP {
		if err := s.sightings.announced(ctx, s.table, &it.frame, &it.packet); err != nil {
			return err
		}
	}
	return s.table.add(&it.frame, &it.packet)
}

// tell puts the present slice of f.
func (s *Source) tell(ctx context.Context, f *flow) error {
	o := f.observation(&s.table.names)
	o.Head = s.feed.Head(unix(f.first), f.raw)
	s.stats.Flows++
	if err := s.feed.Flow(ctx, o); err != nil {
		return err
	}
	return s.tellActs(ctx, f)
}

func (s *Source) device(ctx context.Context, at time.Time, raw event.Raw, d event.DeviceSighting) error {
	d.Head = s.feed.Head(at, raw)
	s.stats.Devices++
	return s.feed.Device(ctx, d)
}
