package source

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
)

// Bounds of a feed.
const (
	maxReasons  = 32               // distinct reasons of rejection; further ones are counted as "other reasons"
	healthEvery = 10 * time.Second // how often a feed tells of itself
	rateWindow  = 60               // seconds
)

// States of a feed, as SourceHealth tells them.
const (
	StateConnecting = "connecting"
	StateLive       = "live"
	StateEnded      = "ended"
	StateFailed     = "failed"
)

// FeedOptions sets up a Feed. The zero value suits a file.
type FeedOptions struct {
	// Clock gives the arrival time; nil is the system clock in UTC. A clock that
	// returns the zero time says that the input is a recording whose arrival is
	// not known: the told time then stands for it, so that reading the recording
	// again gives the same observations.
	Clock func() time.Time
	// Expect is the longest normal silence that the operator declared; 0: none.
	Expect time.Duration
	// FlushEvery is how long a row may wait for a batch to fill. 0 suits
	// files: only full batches and the end flush. Live feeds use about 250 ms.
	FlushEvery time.Duration
	// Bookmarks, where set, is told the mark of the last durable row.
	Bookmarks Bookmarks
	// Repeatable says that reading the input again gives the same rows at the
	// same offsets, so that batches can be named after their content.
	Repeatable bool
}

// Feed is the part that all sources share: it batches observations, puts them
// into the sink, and keeps the account of the source's own health. A source
// calls Start, then the adders as it reads, then End. Its methods may be called
// from several goroutines.
type Feed struct {
	id   string
	sink Sink
	o    FeedOptions

	mu      sync.Mutex
	batch   event.Batch
	stuck   *event.Batch // could not be put: goes first, under its own name, so that a sink that has it after all keeps it once
	started time.Time
	serial  uint64
	mark    string // everything before it has been added
	saved   string
	health  event.SourceHealth
	reasons map[string]int // index into health.Reasons
	perSec  [rateWindow]uint64
	secAt   int64           // unix second of the newest slot
	told    bool            // health changed since it was last put
	tellAt  time.Time       // of the account that was last put where nothing works in the background
	run     context.Context // of Start, for accounts that are due when an input is counted that gives no row
	stop    context.CancelFunc
	done    chan struct{}
	failed  error // of the background flush, told at the next call
}

// NewFeed makes the feed of the source id.
func NewFeed(id string, sink Sink, o FeedOptions) *Feed {
	if o.Clock == nil {
		o.Clock = func() time.Time { return time.Now().UTC() }
	}
	f := &Feed{id: id, sink: sink, o: o, reasons: map[string]int{}}
	f.started = o.Clock()
	f.batch.Source = id
	f.health.Source = id
	f.health.State = StateConnecting
	f.health.Expect = o.Expect
	return f
}

// Now is the arrival time of this moment.
func (f *Feed) Now() time.Time { return f.o.Clock() }

// Head makes the head of an observation that was read from raw. A zero told
// means that the source tells no time: the arrival time stands in, and Told is false.
func (f *Feed) Head(told time.Time, raw event.Raw) event.Head {
	now := f.o.Clock()
	h := event.Head{Time: told.UTC(), Seen: now, Told: !told.IsZero(), Source: f.id, Raw: raw}
	if !h.Told {
		h.Time = now
	}
	if now.IsZero() {
		h.Seen = h.Time
	}
	return h
}

// Start puts the first health account and, where FlushEvery is set, begins to
// flush in the background until End. The context ends the background work too.
func (f *Feed) Start(ctx context.Context) error {
	ctx, f.stop = context.WithCancel(ctx)
	f.run, f.tellAt = ctx, f.started
	f.done = make(chan struct{})
	if f.o.FlushEvery > 0 {
		go f.background(ctx)
	} else {
		close(f.done)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.flush(ctx, true)
}

func (f *Feed) background(ctx context.Context) {
	defer close(f.done)
	tick := time.NewTicker(f.o.FlushEvery)
	defer tick.Stop()
	last := f.started
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		f.mu.Lock()
		now := f.o.Clock()
		due := now.Sub(last) >= healthEvery
		if due {
			last = now
		}
		if err := f.flush(ctx, due); ctx.Err() == nil {
			f.failed = err // nil where the sink takes batches again: nothing was lost
		}
		f.mu.Unlock()
	}
}

// Vessel adds a vessel report.
func (f *Feed) Vessel(ctx context.Context, r event.VesselReport) error {
	fitVessel(&r)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.batch.Vessels = append(f.batch.Vessels, r)
	return f.added(ctx, &r.Head)
}

// Flow adds a flow.
func (f *Feed) Flow(ctx context.Context, r event.Flow) error {
	fitFlow(&r)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.batch.Flows = append(f.batch.Flows, r)
	return f.added(ctx, &r.Head)
}

// Device adds a device sighting.
func (f *Feed) Device(ctx context.Context, r event.DeviceSighting) error {
	fitDevice(&r)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.batch.Devices = append(f.batch.Devices, r)
	return f.added(ctx, &r.Head)
}

// Operation adds an operation that was asked of a device.
func (f *Feed) Operation(ctx context.Context, r event.DeviceOperation) error {
	fitOperation(&r)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.batch.Operations = append(f.batch.Operations, r)
	return f.added(ctx, &r.Head)
}

// Access adds an access event.
func (f *Feed) Access(ctx context.Context, r event.AccessEvent) error {
	fitAccess(&r)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.batch.Access = append(f.batch.Access, r)
	return f.added(ctx, &r.Head)
}

// Alert adds an alert of another system.
func (f *Feed) Alert(ctx context.Context, r event.Alert) error {
	fitAlert(&r)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.batch.Alerts = append(f.batch.Alerts, r)
	return f.added(ctx, &r.Head)
}

// Advisory adds an advisory.
func (f *Feed) Advisory(ctx context.Context, r event.Advisory) error {
	fitAdvisory(&r)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.batch.Advisories = append(f.batch.Advisories, r)
	return f.added(ctx, &r.Head)
}

// Exploited adds an entry of the catalogue of known exploited vulnerabilities.
func (f *Feed) Exploited(ctx context.Context, r event.Exploited) error {
	fitExploited(&r)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.batch.Exploited = append(f.batch.Exploited, r)
	return f.added(ctx, &r.Head)
}

// Contact adds a look of a radar or a camera.
func (f *Feed) Contact(ctx context.Context, r event.Contact) error {
	fitContact(&r)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.batch.Contacts = append(f.batch.Contacts, r)
	return f.added(ctx, &r.Head)
}

// added counts a row that was appended and flushes a full batch.
func (f *Feed) added(ctx context.Context, h *event.Head) error {
	if err := f.failed; err != nil {
		f.failed = nil
		return err
	}
	f.health.Accepted++
	f.health.State = StateLive
	f.health.LastSeen = h.Seen
	if h.Told && h.Time.After(f.health.LastTold) {
		f.health.LastTold = h.Time
	}
	f.count(h.Seen)
	if f.batch.Len() >= BatchRows {
		if err := f.flush(ctx, false); err != nil {
			return err
		}
	}
	return f.tellAccount(ctx, h.Seen)
}

// tellAccount puts the health account where it is due and no background work does
// so. It goes alone: batches of a file are named after their content, and a file
// that is read again must give the same ones. A recording has no clock to be due by.
func (f *Feed) tellAccount(ctx context.Context, now time.Time) error {
	if f.run == nil || f.o.FlushEvery > 0 || f.stuck != nil || now.Sub(f.tellAt) < healthEvery {
		return nil
	}
	if now = f.o.Clock(); now.IsZero() || now.Sub(f.tellAt) < healthEvery {
		return nil
	}
	f.tellAt = now
	f.serial++
	b := event.Batch{ID: fmt.Sprintf("%s/%d/health/%d", f.id, f.started.UnixNano(), f.serial), Source: f.id, Health: []event.SourceHealth{f.account()}}
	return f.put(ctx, &b)
}

// Rejected counts an input that could not be read. The reason is one of few
// texts, without the values of the input (those are in raw), so that it counts.
func (f *Feed) Rejected(reason string, raw event.Raw) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.health.Rejected++
	i, known := f.reasons[reason]
	if !known && len(f.health.Reasons) >= maxReasons-1 {
		reason = "other reasons"
		i, known = f.reasons[reason]
	}
	if !known {
		i = len(f.health.Reasons)
		f.reasons[reason] = i
		f.health.Reasons = append(f.health.Reasons, event.Reason{Text: reason})
	}
	f.health.Reasons[i].Count++
	f.health.Reasons[i].Last = raw
	f.heard()
}

// Skipped counts input that was understood and is of no concern.
func (f *Feed) Skipped() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.health.Skipped++
	f.heard()
}

// heard notes that something arrived, good or bad.
func (f *Feed) heard() {
	now := f.o.Clock()
	if !now.IsZero() {
		f.health.LastSeen = now
	}
	f.count(now)
	if err := f.tellAccount(f.run, now); err != nil {
		f.failed = err
	}
}

// Connecting tells that the feed has no connection at the moment, and why.
func (f *Feed) Connecting(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.health.State = StateConnecting
	if err != nil {
		f.health.Error = err.Error()
	}
	f.told = true
}

// Connected tells that the feed is there, before anything has arrived.
func (f *Feed) Connected() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.health.State = StateLive
	f.health.Error = ""
	f.told = true
}

// Drift tells how far the clock of the source is ahead of a better one.
func (f *Feed) Drift(ahead time.Duration, against string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.health.Drift, f.health.HasDrift, f.health.DriftFrom = ahead, true, against
}

// Mark says that everything before mark has been added; it becomes the bookmark
// when those rows are durable.
func (f *Feed) Mark(mark string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mark = mark
}

// Flush makes everything that was added durable.
func (f *Feed) Flush(ctx context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.flush(ctx, false)
}

// Health is the account at this moment.
func (f *Feed) Health() event.SourceHealth {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.account()
}

// End stops the background work, flushes what is left and puts the last account:
// ended where err is nil, failed otherwise. It returns err, or the failure of the flush.
func (f *Feed) End(ctx context.Context, err error) error {
	if f.stop != nil {
		f.stop()
		<-f.done
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case err == nil:
		f.health.State = StateEnded
	case ctx.Err() != nil: // asked to stop: what is here must still be kept
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
	default:
		f.health.State = StateFailed
		f.health.Error = err.Error()
	}
	if ferr := f.flush(ctx, true); ferr != nil && err == nil {
		return ferr
	}
	return err
}

// flush puts the batch, with the health account where it is due. On failure the
// rows stay for the next try. A failure may hide a success (the answer was lost,
// or came too late), so the batch is then tried again as it was: rows that came
// since go into the next one, under a name of its own.
func (f *Feed) flush(ctx context.Context, withHealth bool) error {
	if f.stuck != nil {
		if err := f.put(ctx, f.stuck); err != nil {
			return err
		}
		f.stuck = nil
	}
	if withHealth || f.told {
		f.batch.Health = append(f.batch.Health[:0], f.account())
	}
	if f.batch.Len() == 0 {
		return f.saveMark(ctx)
	}
	f.serial++
	f.batch.ID = f.name()
	f.told = false
	if err := f.put(ctx, &f.batch); err != nil {
		kept := f.batch
		f.stuck, f.batch = &kept, event.Batch{Source: f.id}
		return err
	}
	f.batch = event.Batch{Source: f.id,
		Vessels: f.batch.Vessels[:0], Flows: f.batch.Flows[:0], Devices: f.batch.Devices[:0],
		Access: f.batch.Access[:0], Alerts: f.batch.Alerts[:0], Advisories: f.batch.Advisories[:0],
		Exploited: f.batch.Exploited[:0], Contacts: f.batch.Contacts[:0], Operations: f.batch.Operations[:0], Health: f.batch.Health[:0]}
	return f.saveMark(ctx)
}

func (f *Feed) put(ctx context.Context, b *event.Batch) error {
	if err := f.sink.Put(ctx, b); err != nil {
		return fmt.Errorf("source %s: keeping %d observations: %w", f.id, b.Len(), err)
	}
	return nil
}

func (f *Feed) saveMark(ctx context.Context) error {
	if f.o.Bookmarks == nil || f.mark == f.saved {
		return nil
	}
	if err := f.o.Bookmarks.SetBookmark(ctx, f.id, f.mark); err != nil {
		return fmt.Errorf("source %s: saving the bookmark: %w", f.id, err)
	}
	f.saved = f.mark
	return nil
}

// name names the batch: after its content where that repeats, else after the
// start of the feed and a serial number. Every row is in the name: two batches
// that differ in one document must not be taken for the same.
func (f *Feed) name() string {
	var first, last *event.Raw
	sum := sha256.New()
	each(&f.batch, func(h *event.Head) {
		if first == nil {
			first = &h.Raw
		}
		last = &h.Raw
		sum.Write(h.Raw.Sum[:])
	})
	if !f.o.Repeatable || first == nil {
		return fmt.Sprintf("%s/%d/%d", f.id, f.started.UnixNano(), f.serial)
	}
	return fmt.Sprintf("%s/%s/%d-%d/%d/%.16x", f.id, strings.ReplaceAll(first.Input, " ", "_"),
		first.Offset, last.Offset, f.batch.Len()-len(f.batch.Health), sum.Sum(nil)[:8])
}

// each visits the heads of all rows but health, in the order of the kinds.
func each(b *event.Batch, visit func(*event.Head)) {
	for i := range b.Vessels {
		visit(&b.Vessels[i].Head)
	}
	for i := range b.Flows {
		visit(&b.Flows[i].Head)
	}
	for i := range b.Devices {
		visit(&b.Devices[i].Head)
	}
	for i := range b.Access {
		visit(&b.Access[i].Head)
	}
	for i := range b.Alerts {
		visit(&b.Alerts[i].Head)
	}
	for i := range b.Advisories {
		visit(&b.Advisories[i].Head)
	}
	for i := range b.Exploited {
		visit(&b.Exploited[i].Head)
	}
	for i := range b.Contacts {
		visit(&b.Contacts[i].Head)
	}
	for i := range b.Operations {
		visit(&b.Operations[i].Head)
	}
}

// account is the health as an observation of this moment.
func (f *Feed) account() event.SourceHealth {
	now := f.o.Clock()
	h := f.health
	if now.IsZero() {
		now = h.LastTold
	}
	h.Time, h.Seen, h.Told = now, now, false
	h.Rate = f.rate(now)
	h.Reasons = slices.Clone(h.Reasons)
	fitHealth(&h)
	return h
}

// count adds one arrival to the second that it came in.
func (f *Feed) count(at time.Time) {
	f.turnTo(at.Unix())
	f.perSec[f.secAt%rateWindow]++ // a late one counts in the newest second
}

// turnTo clears the slots of the seconds that passed without input.
func (f *Feed) turnTo(sec int64) {
	if sec <= f.secAt {
		return
	}
	for s := max(f.secAt+1, sec-rateWindow+1); s <= sec; s++ {
		f.perSec[s%rateWindow] = 0
	}
	f.secAt = sec
}

// rate is the inputs a second over the last minute, or since the start where that is shorter.
func (f *Feed) rate(now time.Time) float64 {
	f.turnTo(now.Unix())
	var n uint64
	for _, c := range f.perSec {
		n += c
	}
	window := min(max(now.Sub(f.started).Seconds(), 1), rateWindow)
	return float64(n) / window
}
