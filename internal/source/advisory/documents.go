package advisory

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// Bounds of one archive or folder, against archives that unpack to more than
// any publisher has.
const (
	maxDocuments = 500_000
	maxUnpacked  = 16 << 30 // bytes
	maxWindow    = 64 << 20 // bytes of zstd history kept in memory
)

// found is one file that may be a document.
type found struct {
	name string // for Raw.Input: the path, or "archive!path in it"
	text []byte // cut behind maxDocument+1 bytes
}

// Visit calls the function with each JSON file at path (a folder, a tar or one
// document, as the source reads them), in a fixed order. The text of a file that
// is larger than a document may be ends early.
func Visit(ctx context.Context, path string, visit func(name string, text []byte) error) error {
	return documents(ctx, path, func(f found) error {
		if f.text == nil {
			return nil
		}
		return visit(f.name, f.text)
	})
}

// documents visits each JSON file at path, which is a folder (with those below
// it, in order of name), a tar (plain, gzip or zstd, told by content), or one
// document. Files that are not JSON by name are given with nil text.
func documents(ctx context.Context, root string, visit func(found) error) error {
	info, err := os.Stat(root)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return folder(ctx, root, visit)
	}
	f, err := os.Open(root)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // opened for reading: closing can't lose anything
	in := bufio.NewReaderSize(f, 1<<20)
	if head, err := in.Peek(1); err == nil && isJSON(head[0]) {
		text, err := readDocument(in)
		if err != nil {
			return fmt.Errorf("reading %s: %w", root, err)
		}
		return visit(found{root, text})
	}
	return archive(ctx, root, in, visit)
}

// isJSON tells a document from an archive by its first byte.
func isJSON(b byte) bool {
	return b == '{' || b == 0xEF || b == ' ' || b == '\n' || b == '\t' || b == '\r'
}

func readDocument(r io.Reader) ([]byte, error) { return io.ReadAll(io.LimitReader(r, maxDocument+1)) }

func folder(ctx context.Context, root string, visit func(found) error) error {
	n := 0
	return filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if !d.Type().IsRegular() {
			return nil // folders are entered by the walk; links are not followed
		}
		if n++; n > maxDocuments {
			return fmt.Errorf("%s holds more than %d files", root, maxDocuments)
		}
		if !jsonName(name) {
			return visit(found{name: name})
		}
		f, err := os.Open(name) //nolint:gosec // G122: links were left out above; who can swap files in the folder can write any notice there
		if err != nil {
			return err
		}
		text, err := readDocument(f)
		_ = f.Close()
		if err != nil {
			return fmt.Errorf("reading %s: %w", name, err)
		}
		return visit(found{name, text})
	})
}

func jsonName(name string) bool { return strings.EqualFold(path.Ext(filepath.ToSlash(name)), ".json") }

func archive(ctx context.Context, name string, in *bufio.Reader, visit func(found) error) error {
	plain, closeIt, err := unpack(in)
	if err != nil {
		return fmt.Errorf("unpacking %s: %w", name, err)
	}
	defer closeIt()
	limited := &io.LimitedReader{R: plain, N: maxUnpacked}
	files := tar.NewReader(limited)
	for n := 0; ; n++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		h, err := files.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil && limited.N == 0:
			return fmt.Errorf("%s unpacks to more than 16 GiB", name)
		case err != nil:
			return fmt.Errorf("reading %s after %d files: %w (it must be a tar, plain or packed with gzip or zstd)", name, n, err)
		case n >= maxDocuments:
			return fmt.Errorf("%s holds more than %d files", name, maxDocuments)
		case h.Typeflag != tar.TypeReg:
			continue
		}
		inside := name + "!" + path.Clean(h.Name)
		if !jsonName(h.Name) {
			if err := visit(found{name: inside}); err != nil {
				return err
			}
			continue
		}
		text, err := readDocument(files)
		if err != nil {
			return fmt.Errorf("reading %s: %w", inside, err)
		}
		if err := visit(found{inside, text}); err != nil {
			return err
		}
	}
}

// unpack returns the plain bytes, whatever the packing.
func unpack(in *bufio.Reader) (io.Reader, func(), error) {
	magic, _ := in.Peek(4) // shorter input is no archive, and the tar reader says so
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, nil, err
		}
		return z, func() { _ = z.Close() }, nil
	case bytes.Equal(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, nil, err
		}
		return z, z.Close, nil
	}
	return in, func() {}, nil
}
