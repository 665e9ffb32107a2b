package cli

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/quaywatch/quaywatch/internal/source"
	"github.com/quaywatch/quaywatch/internal/source/eve"
	"github.com/quaywatch/quaywatch/internal/source/pcap"
	"github.com/quaywatch/quaywatch/internal/source/zeek"
)

// recordings are the paths of a network command by what they hold.
type recordings struct{ captures, zeek, eve []string }

// sortInputs looks into the first bytes of files: names decide nothing but which
// files of a directory are looked into. A directory that holds a capture is read
// for its captures; logs beside them are read where they are named.
func sortInputs(args []string) (in recordings) {
	for _, path := range args {
		info, err := os.Stat(path)
		if err != nil || !info.IsDir() {
			in.add(path, kindOfFile(path))
			continue
		}
		kinds := kindsOfLogs(path)
		if len(kinds) == 0 || holdsCapture(path) {
			in.add(path, "")
			continue
		}
		for _, kind := range kinds {
			in.add(path, kind)
		}
	}
	return in
}

// kindsOfLogs are the kinds of logs under a directory, "zeek" before "eve".
func kindsOfLogs(dir string) []string {
	found := map[string]bool{}
	_ = filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil //nolint:nilerr // what can't be read is told by who reads it
		}
		if zeek.IsLog(d.Name()) || eve.IsLog(d.Name()) {
			found[kindOfFile(p)] = true
		}
		if found["zeek"] && found["eve"] {
			return filepath.SkipAll
		}
		return nil
	})
	var out []string
	for _, kind := range []string{"zeek", "eve"} {
		if found[kind] {
			out = append(out, kind)
		}
	}
	return out
}

func (in *recordings) add(path, kind string) {
	switch kind {
	case "zeek":
		in.zeek = append(in.zeek, path)
	case "eve":
		in.eve = append(in.eve, path)
	default:
		in.captures = append(in.captures, path)
	}
}

// kindOfFile is "zeek", "eve" or "" for anything else. Archives are known by name.
func kindOfFile(path string) string {
	if filepath.Ext(path) == ".gz" {
		switch name := filepath.Base(path); {
		case zeek.IsLog(name):
			return "zeek"
		case eve.IsLog(name):
			return "eve"
		}
		return ""
	}
	head := firstBytes(path, 4096)
	switch {
	case bytes.HasPrefix(head, []byte("#separator")), bytes.Contains(head, []byte(`"id.orig_h"`)), bytes.HasPrefix(head, []byte("###")) && bytes.Contains(head, []byte("\n#separator")),
		bytes.HasPrefix(head, []byte("#fields\t")):
		return "zeek"
	case bytes.HasPrefix(head, []byte("{")) && bytes.Contains(head, []byte(`"event_type"`)):
		return "eve"
	}
	return ""
}

func firstBytes(path string, n int) []byte {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	b := make([]byte, n)
	got, _ := f.Read(b) // nothing read is nothing known
	return b[:got]
}

// holdsCapture reports whether a directory holds a capture.
func holdsCapture(dir string) (found bool) {
	_ = filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && pcap.IsCapture(firstBytes(p, 16)) {
			found = true
			return filepath.SkipAll
		}
		return nil
	})
	return found
}

// readStats counts what a network command read.
type readStats struct {
	pcap.Stats
	Zeek *zeek.Stats `json:"zeek,omitempty"`
	EVE  *eve.Stats  `json:"eve,omitempty"`
}

// readLogs reads the logs of sensors into the sink, as recordings.
func readLogs(ctx context.Context, in recordings, sink source.Sink, stats *readStats) error {
	recording := func() time.Time { return time.Time{} }
	if len(in.zeek) > 0 {
		src, err := zeek.New(zeek.Options{ID: "zeek", Paths: in.zeek, Clock: recording})
		if err != nil {
			return err
		}
		if err := src.Run(ctx, sink); err != nil {
			return err
		}
		z := src.Stats()
		stats.Zeek = &z
	}
	if len(in.eve) > 0 {
		src, err := eve.New(eve.Options{ID: "eve", Paths: in.eve, Clock: recording})
		if err != nil {
			return err
		}
		if err := src.Run(ctx, sink); err != nil {
			return err
		}
		e := src.Stats()
		stats.EVE = &e
	}
	return nil
}
