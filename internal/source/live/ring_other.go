//go:build !linux

// Only Linux has AF_PACKET.

package live

import (
	"errors"
	"io"
)

type ring struct{ io.ReadCloser }

func (*ring) lost() uint64 { return 0 }

func open(string, bool) (*ring, error) {
	return nil, errors.New("live capture is there on Linux only: let a capture tool write files, and follow those")
}
