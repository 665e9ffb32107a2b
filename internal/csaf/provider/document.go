package provider

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"

	"github.com/quaywatch/quaywatch/internal/csaf"
)

// keyring are the keys of the operator; nil: signatures are not asked for.
type keyring = openpgp.EntityList

func readKeys(text []byte) (keyring, error) {
	if len(text) == 0 {
		return nil, nil
	}
	keys, err := openpgp.ReadArmoredKeyRing(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("reading the OpenPGP keys: %w", err)
	}
	return keys, nil
}

// document fetches one document and keeps it where it is what it should be.
func (f *fetcher) document(ctx context.Context, e *entry) error {
	address := orElse(e.Content.Source, e.link("self", ".json"))
	name, err := localName(address)
	if err != nil {
		return err
	}
	sum, err := f.sum(ctx, e)
	if err != nil {
		return err
	}
	kept := filepath.Join(f.o.Dir, name)
	if old, err := os.ReadFile(kept); err == nil && sum != nil && sum.agrees(old) && f.keys == nil {
		f.report.Unchanged++
		return nil
	}
	text, err := f.get(ctx, address, csaf.MaxDocument)
	if err != nil {
		return err
	}
	if sum != nil && !sum.agrees(text) {
		return fmt.Errorf("its %s hash is another than the provider tells", sum.algorithm)
	}
	if err := f.signed(ctx, e, text); err != nil {
		return err
	}
	d, err := readable(text, name)
	if err != nil {
		return err
	}
	if old, err := os.ReadFile(kept); err == nil {
		if bytes.Equal(old, text) {
			f.report.Unchanged++
			return nil
		}
		if was, _ := csaf.Read(old); was != nil && d.Current.Before(was.Current) {
			return fmt.Errorf("is of %s, and older than the one that is kept, of %s", d.Current.Format(time.RFC3339), was.Current.Format(time.RFC3339))
		}
	}
	if sum == nil && f.keys == nil {
		f.report.Unproven++
	}
	if err := write(kept, text); err != nil {
		return err
	}
	f.report.Fetched++
	return nil
}

var yearName = regexp.MustCompile(`^\d{4}$`)

// localName is year and name of a document by its address (CSAF 2.0, 7.1.11).
func localName(address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil || address == "" {
		return "", errors.New("the feed gives no address of the document")
	}
	name, year := path.Base(u.Path), path.Base(path.Dir(u.Path))
	if !strings.HasSuffix(name, ".json") || name != csaf.Filename(strings.TrimSuffix(name, ".json")) {
		return "", fmt.Errorf("%q is no name of a document (CSAF 2.0, 5.1)", name)
	}
	if !yearName.MatchString(year) {
		year = "other"
	}
	return filepath.Join(year, name), nil
}

// readable reads a document; the error is why it can't be used, or is not the
// one of that name.
func readable(text []byte, name string) (*csaf.Document, error) {
	d, report := csaf.Read(text)
	if d == nil {
		if report.Other != "" {
			return nil, errors.New("is a " + report.Other + " and no document")
		}
		return nil, errors.New(report.Errors()[0].String())
	}
	if want := csaf.Filename(d.ID); want != filepath.Base(name) {
		return nil, fmt.Errorf("its id is %s, so that its name would be %s", d.ID, want)
	}
	return d, nil
}

// checksum is a hash that the provider tells.
type checksum struct {
	algorithm string
	value     []byte
	make      func() hash.Hash
}

func (c *checksum) agrees(text []byte) bool {
	h := c.make()
	_, _ = h.Write(text) // never fails
	return bytes.Equal(h.Sum(nil), c.value)
}

// sum fetches the hash of a document, the stronger one where there are two; nil
// where the feed names none.
func (f *fetcher) sum(ctx context.Context, e *entry) (*checksum, error) {
	address := e.link("hash", ".sha512", ".sha256")
	if address == "" {
		return nil, nil //nolint:nilnil // no hash is offered, which the caller counts
	}
	text, err := f.get(ctx, address, maxSmall)
	if err != nil {
		return nil, err
	}
	c := &checksum{"SHA-512", nil, sha512.New}
	if strings.HasSuffix(strings.ToLower(address), ".sha256") {
		c = &checksum{"SHA-256", nil, sha256.New}
	}
	first, _, _ := strings.Cut(strings.TrimSpace(string(text)), " ")
	if c.value, err = hex.DecodeString(first); err != nil || len(c.value) != c.make().Size() {
		return nil, fmt.Errorf("%s holds no %s hash", address, c.algorithm)
	}
	return c, nil
}

// signed checks the signature against the operator's keys, where there are any.
func (f *fetcher) signed(ctx context.Context, e *entry, text []byte) error {
	if f.keys == nil {
		return nil
	}
	address := e.link("signature", ".asc")
	if address == "" {
		return errors.New("is not signed, and keys are configured")
	}
	signature, err := f.get(ctx, address, maxSmall)
	if err != nil {
		return err
	}
	if _, err := openpgp.CheckArmoredDetachedSignature(f.keys, bytes.NewReader(text), bytes.NewReader(signature), nil); err != nil {
		return fmt.Errorf("its signature is by none of the keys: %w", err)
	}
	return nil
}

// write puts a document in its place at once, so that a reader never sees half.
func write(name string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o750); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(name), ".fetch-*")
	if err != nil {
		return err
	}
	_, err = tmp.Write(text)
	err = errors.Join(err, tmp.Chmod(0o640), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), name)
	}
	if err != nil {
		if gone := os.Remove(tmp.Name()); gone != nil && !errors.Is(gone, fs.ErrNotExist) {
			err = errors.Join(err, gone)
		}
	}
	return err
}
