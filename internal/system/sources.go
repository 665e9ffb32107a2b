package system

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/quaywatch/quaywatch/internal/config"
	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/port"
	"github.com/quaywatch/quaywatch/internal/source"
	"github.com/quaywatch/quaywatch/internal/source/access"
	"github.com/quaywatch/quaywatch/internal/source/advisory"
	"github.com/quaywatch/quaywatch/internal/source/ais"
	"github.com/quaywatch/quaywatch/internal/source/eve"
	"github.com/quaywatch/quaywatch/internal/source/kev"
	"github.com/quaywatch/quaywatch/internal/source/live"
	"github.com/quaywatch/quaywatch/internal/source/pcap"
	"github.com/quaywatch/quaywatch/internal/source/zeek"
)

// domainOf is the world that a kind of source watches.
func domainOf(kind string) string {
	switch kind {
	case config.KindAIS, config.KindContacts:
		return "sea"
	case config.KindPcap, config.KindInterface, config.KindZeek, config.KindEVE:
		return "ot"
	case config.KindAccess:
		return "physical"
	default:
		return "it"
	}
}

// Recording makes the source of a file that is read once: its arrival is not
// known, so the same file gives the same observations.
func Recording(c config.Source, p *port.Port) (Feed, error) {
	c.Follow, c.Every, c.Expect = false, 0, 0
	src, err := newSource(c, p, nil, func() time.Time { return time.Time{} })
	return Feed{Source: src, Kind: c.Kind, Domain: domainOf(c.Kind)}, err
}

// newSource makes the source that a configuration describes. A nil clock is
// the system clock.
func newSource(c config.Source, p *port.Port, marks source.Bookmarks, clock func() time.Time) (source.Source, error) {
	var src source.Source
	var err error
	switch c.Kind {
	case config.KindAIS:
		src, err = ais.New(ais.Config{ID: c.ID, Address: c.Address, Zone: c.TimeZone, Expect: c.Expect, Bookmarks: marks, Clock: clock})
	case config.KindContacts:
		src, err = contacts(c, p, marks, clock)
	case config.KindPcap:
		src = pcap.New(c.ID, []string{c.Address}, pcap.Options{Clock: clock, Expect: c.Expect, Follow: c.Follow, Bookmarks: marks})
	case config.KindInterface:
		src, err = live.New(live.Options{ID: c.ID, Interface: c.Address, Promiscuous: c.Promiscuous, Expect: c.Expect, Clock: clock})
	case config.KindZeek:
		src, err = zeek.New(zeek.Options{ID: c.ID, Paths: []string{c.Address}, Follow: c.Follow, Expect: c.Expect, Bookmarks: marks, Clock: clock})
	case config.KindEVE:
		src, err = eve.New(eve.Options{ID: c.ID, Paths: []string{c.Address}, Follow: c.Follow, Expect: c.Expect, Bookmarks: marks, Clock: clock})
	case config.KindAccess:
		var m access.Mapping
		if m, err = mapping(c); err == nil {
			src, err = access.New(access.Options{ID: c.ID, Path: c.Address, Follow: c.Follow, Mapping: m, Expect: c.Expect, Bookmarks: marks, Clock: clock})
		}
	case config.KindAdvisories:
		src, err = advisory.New(advisory.Options{ID: c.ID, Path: c.Address, Every: c.Every, Clock: clock, Expect: c.Expect})
	case config.KindKEV:
		src, err = kev.New(kev.Options{ID: c.ID, Path: c.Address, Clock: clock, Expect: c.Expect})
	default:
		err = fmt.Errorf("%q is not a kind of source", c.Kind)
	}
	if err != nil {
		return nil, fmt.Errorf("source %s: %w", c.ID, err)
	}
	return src, nil
}

// contacts makes the source of a radar or a camera of the port file.
func contacts(c config.Source, p *port.Port, marks source.Bookmarks, clock func() time.Time) (source.Source, error) {
	var ids []string
	for i := range p.Sensors {
		s := &p.Sensors[i]
		if s.ID == c.Sensor {
			of := &ais.Contacts{Sensor: s.ID, Lat: s.Position.Lat(), Lon: s.Position.Lon()}
			return ais.New(ais.Config{ID: c.ID, Address: c.Address, Zone: c.TimeZone, Expect: c.Expect, Bookmarks: marks, Clock: clock, Contacts: of})
		}
		ids = append(ids, s.ID)
	}
	if len(ids) == 0 {
		return nil, fmt.Errorf("the port file declares no sensors: add a section sensors with %q", c.Sensor)
	}
	return nil, fmt.Errorf("the port file has no sensor %q: it has %s", c.Sensor, strings.Join(ids, ", "))
}

// mapping translates the declared columns of an access source.
func mapping(c config.Source) (access.Mapping, error) {
	a := c.Access
	m := access.Mapping{Columns: access.Columns(a.Columns), NoHeader: a.NoHeader, Encoding: a.Encoding,
		TimeLayout: a.TimeLayout, TimeZone: c.TimeZone, Directions: a.Directions}
	for _, r := range a.Delimiter {
		m.Delimiter = r
	}
	if len(a.Results) > 0 {
		m.Results = map[string]event.AccessResult{}
		for value, meaning := range a.Results {
			m.Results[value] = event.AccessResult(meaning)
		}
	}
	return m, m.Check()
}

// Times between tries of a source that failed.
const (
	firstRetry = time.Second
	lastRetry  = time.Minute
)

// runSource keeps one source going until the context ends: a source that fails
// is started again, later each time; one that has read its input to the end is
// left, or read again after its interval.
func (s *System) runSource(ctx context.Context, c config.Source) error {
	wait := firstRetry
	for {
		began := time.Now()
		src, err := newSource(c, s.port.Load(), s.records, nil)
		if err != nil {
			return err // a mistake of the configuration: checked before, so never reached while running
		}
		err = src.Run(ctx, s.stream)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil && (c.Every == 0 || c.Kind == config.KindAdvisories):
			s.log.Info("source read to its end", "source", c.ID)
			return nil
		case err == nil:
			wait = c.Every
		default:
			if time.Since(began) > lastRetry {
				wait = firstRetry
			}
			s.log.Warn("source failed, trying again", "source", c.ID, "error", err, "after", wait)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
		if err != nil {
			wait = min(wait*2, lastRetry)
		}
	}
}

// checkSources makes every source once, so that a mistake ends the start and not the night.
func (s *System) checkSources() error {
	var errs []error
	for _, c := range s.cfg.Source {
		_, err := newSource(c, s.port.Load(), s.records, nil)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
