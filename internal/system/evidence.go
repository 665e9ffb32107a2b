package system

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/quaywatch/quaywatch/internal/event"
)

// maxEvidence bounds the bytes of one piece of evidence that are read again.
const maxEvidence = 64 << 10

// RawBytes reads the bytes of an observation again where the observation does
// not carry them: packets of a capture. Only files of the configured sources
// are read, and what is read must have the hash that was taken at first.
func (s *System) RawBytes(_ context.Context, r event.Raw) ([]byte, error) {
	if len(r.Text) > 0 {
		return r.Text, nil
	}
	if !s.isInput(r.Input) {
		return nil, fmt.Errorf("%s is not a file of a configured source, so it is not read", r.Input)
	}
	if r.Length <= 0 || r.Length > maxEvidence || r.Offset < 0 {
		return nil, fmt.Errorf("evidence of %d bytes at %d is outside what is read again (1 to %d)", r.Length, r.Offset, maxEvidence)
	}
	f, err := os.Open(r.Input)
	if err != nil {
		return nil, fmt.Errorf("the input is no longer there: %w", err)
	}
	defer f.Close()
	b := make([]byte, r.Length)
	if _, err := f.ReadAt(b, r.Offset); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("%s is now shorter than when it was read", r.Where())
		}
		return nil, fmt.Errorf("reading %s: %w", r.Where(), err)
	}
	if !r.Sum.IsZero() && event.SumOf(b) != r.Sum {
		return nil, fmt.Errorf("%s was changed since it was read: its bytes no longer have the hash %.16s…", r.Where(), r.Sum)
	}
	return b, nil
}

// isInput reports whether a path is a file of a configured source, or below one.
func (s *System) isInput(path string) bool {
	clean := filepath.Clean(path)
	for _, src := range s.cfg.Source {
		root := filepath.Clean(src.Address)
		if clean == root || strings.HasPrefix(clean, root+string(filepath.Separator)) {
			return true
		}
	}
	return false
}
