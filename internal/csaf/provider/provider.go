// Package provider fetches security advisories from a CSAF provider or
// aggregator (CSAF 2.0, section 7) into a folder, from where the source of
// advisories reads them. It exists for ports that have a network and want the
// notices of their makers; it connects to the hosts that the operator names and
// to no other. The command line imports it; it imports csaf.
//
// A document is kept only if its hash agrees, its signature is by a key of the
// operator (where keys are given), it can be read, and it has the name that the
// standard wants. All else is told and left out.
package provider

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Bounds of what is taken from a provider.
const (
	maxMetadata = 16 << 20  // bytes
	maxFeed     = 256 << 20 // bytes
	maxSmall    = 64 << 10  // bytes of a hash or a signature
	maxFeeds    = 1_000
	maxEntries  = 500_000
	maxRedirect = 3
)

// Options say from where to where.
type Options struct {
	Metadata string       // address of provider-metadata.json or aggregator.json; https
	Hosts    []string     // hosts besides that of Metadata that may be asked
	Keys     []byte       // armored OpenPGP public keys; with them every document must be signed
	Dir      string       // folder for the documents, below it one for each year
	Client   *http.Client // nil: one with a limit of a minute on each answer
	OnReject func(document string, fault error)
}

// Report counts what was done.
type Report struct {
	Feeds     int `json:"feeds"`
	Listed    int `json:"listed"`  // documents in the feeds
	Fetched   int `json:"fetched"` // new or changed
	Unchanged int `json:"unchanged"`
	Unproven  int `json:"unproven"` // of those fetched: neither hash nor signature was offered
	Rejected  int `json:"rejected"`
}

// fetcher is one run.
type fetcher struct {
	o      Options
	client *http.Client
	hosts  []string
	keys   keyring
	report Report
}

// Fetch gets all documents that the feeds of a provider list. A feed that can't
// be read, or metadata that can't, is an error; a document that is not kept is
// told by OnReject and counted.
func Fetch(ctx context.Context, o Options) (*Report, error) {
	at, err := url.Parse(o.Metadata)
	if err != nil || at.Scheme != "https" || at.Host == "" {
		return nil, fmt.Errorf("%q is no https address of a provider's metadata", o.Metadata)
	}
	f := &fetcher{o: o, hosts: append([]string{at.Host}, o.Hosts...)}
	if f.keys, err = readKeys(o.Keys); err != nil {
		return nil, err
	}
	client := http.Client{Timeout: time.Minute}
	if o.Client != nil {
		client = *o.Client
	}
	client.CheckRedirect = func(r *http.Request, via []*http.Request) error {
		if len(via) > maxRedirect {
			return fmt.Errorf("more than %d redirects", maxRedirect)
		}
		return f.allowed(r.URL)
	}
	f.client = &client
	return &f.report, f.provider(ctx, o.Metadata, true)
}

// allowed is why an address must not be asked.
func (f *fetcher) allowed(u *url.URL) error {
	switch {
	case u.Scheme != "https":
		return fmt.Errorf("%s is not https", u)
	case !slices.Contains(f.hosts, u.Host):
		return fmt.Errorf("%s is on a host that was not named (name it with --host %s)", u, u.Host)
	}
	return nil
}

// get reads one address.
func (f *fetcher) get(ctx context.Context, address string, limit int64) ([]byte, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("%q is no address", address)
	}
	if err := f.allowed(u); err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("User-Agent", "quaywatch")
	answer, err := f.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }() // read to its end, or given up
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", address, answer.Status)
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, limit+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", address, err)
	case int64(len(text)) > limit:
		return nil, fmt.Errorf("%s: is larger than %d bytes", address, limit)
	}
	return text, nil
}

// metadata is the part of provider-metadata.json and aggregator.json that is read.
type metadata struct {
	Canonical     string `json:"canonical_url"`
	Distributions []struct {
		ROLIE struct {
			Feeds []struct {
				URL string `json:"url"`
			} `json:"feeds"`
		} `json:"rolie"`
		Directory string `json:"directory_url"`
	} `json:"distributions"`
	Aggregator json.RawMessage `json:"aggregator"`
	Providers  []struct {
		Metadata struct {
			URL string `json:"url"`
		} `json:"metadata"`
		Mirrors []string `json:"mirrors"`
	} `json:"csaf_providers"`
}

// provider fetches from one provider; from all of an aggregator, where it may be one.
func (f *fetcher) provider(ctx context.Context, address string, aggregator bool) error {
	text, err := f.get(ctx, address, maxMetadata)
	if err != nil {
		return err
	}
	var m metadata
	if err := json.Unmarshal(text, &m); err != nil {
		return fmt.Errorf("%s: is no metadata of a CSAF provider: %w", address, err)
	}
	if m.Aggregator != nil {
		return f.aggregator(ctx, address, &m, aggregator)
	}
	var feeds []string
	for _, d := range m.Distributions {
		for _, one := range d.ROLIE.Feeds {
			feeds = append(feeds, one.URL)
		}
	}
	switch {
	case len(feeds) == 0:
		return fmt.Errorf("%s: names no ROLIE feed; providers with a plain directory only are not read", address)
	case len(feeds) > maxFeeds:
		return fmt.Errorf("%s: names more than %d feeds", address, maxFeeds)
	}
	for _, one := range feeds {
		if err := f.feed(ctx, one); err != nil {
			return err
		}
	}
	return nil
}

// aggregator fetches from every provider that an aggregator lists: from its
// mirror where there is one, for that is on the host that was named.
func (f *fetcher) aggregator(ctx context.Context, address string, m *metadata, may bool) error {
	if !may {
		return fmt.Errorf("%s: is an aggregator within an aggregator", address)
	}
	if len(m.Providers) > maxFeeds {
		return fmt.Errorf("%s: lists more than %d providers", address, maxFeeds)
	}
	var all []error
	for _, p := range m.Providers {
		from := p.Metadata.URL
		if len(p.Mirrors) > 0 {
			from = p.Mirrors[0]
		}
		if err := f.provider(ctx, from, false); err != nil {
			all = append(all, err)
		}
	}
	return errors.Join(all...)
}

// entry is one document in a ROLIE feed (RFC 8322, CSAF 2.0 7.1.15).
type entry struct {
	ID      string `json:"id"`
	Content struct {
		Source string `json:"src"`
	} `json:"content"`
	Links []struct {
		Rel  string `json:"rel"`
		Href string `json:"href"`
	} `json:"link"`
}

// link is the first address of that relation, with one of the endings.
func (e *entry) link(rel string, endings ...string) string {
	for _, ending := range endings {
		for _, l := range e.Links {
			if l.Rel == rel && strings.HasSuffix(strings.ToLower(l.Href), ending) {
				return l.Href
			}
		}
	}
	return ""
}

func (f *fetcher) feed(ctx context.Context, address string) error {
	text, err := f.get(ctx, address, maxFeed)
	if err != nil {
		return err
	}
	var doc struct {
		Feed *struct {
			Entries []entry `json:"entry"`
		} `json:"feed"`
	}
	if err := json.Unmarshal(text, &doc); err != nil || doc.Feed == nil {
		return fmt.Errorf("%s: is no ROLIE feed", address)
	}
	if len(doc.Feed.Entries) > maxEntries {
		return fmt.Errorf("%s: lists more than %d documents", address, maxEntries)
	}
	f.report.Feeds++
	for i := range doc.Feed.Entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		f.report.Listed++
		e := &doc.Feed.Entries[i]
		if err := f.document(ctx, e); err != nil {
			f.report.Rejected++
			if f.o.OnReject != nil {
				f.o.OnReject(orElse(e.Content.Source, e.ID), err)
			}
		}
	}
	return nil
}

func orElse(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
