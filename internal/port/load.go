package port

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/quaywatch/quaywatch/internal/strictyaml"
)

// Problem is one fault of a port file, or a warning about it.
type Problem = strictyaml.Problem

// Problems are all the faults that were found, in the order of the files.
type Problems = strictyaml.Problems //nolint:errname // a list of faults, warnings too, that is an error only by Err

// Load reads and checks the port file at path: one YAML file with what it
// includes, or a directory of them. The error is Problems when the file itself
// is at fault; warnings are left out, see [Check].
func Load(path string) (*Port, error) {
	p, problems, err := read(path, time.Time{})
	if err != nil {
		return nil, err
	}
	return p, problems.Err()
}

// Check reads the port file at path as [Load] does and returns all that was
// found, warnings too. The port is nil where it can't be used. What has
// expired is judged at the time now. A path that can't be opened is a problem
// like any other, so that callers have one list to show.
func Check(path string, now time.Time) (*Port, Problems) {
	p, problems, err := read(path, now)
	if err != nil {
		return nil, Problems{{File: path, Line: 1, Column: 1, Text: err.Error(), Hint: "give a port file, or a directory that holds one"}}
	}
	return p, problems
}

// Parse reads a port from one YAML document in memory, such as standard input.
// Files can't be included from it. name stands for the file in problems.
func Parse(name string, data []byte, now time.Time) (*Port, Problems) {
	r := newReader(nil, "")
	r.document(name, name, data)
	return r.finish(now)
}

// read opens the directory of the port file as a root that nothing it includes
// can leave.
func read(path string, now time.Time) (*Port, Problems, error) {
	info, err := os.Stat(path)
	if err != nil {
		var perr *os.PathError
		if errors.As(err, &perr) {
			err = perr.Err
		}
		return nil, nil, fmt.Errorf("open port file %s: %w", path, err)
	}
	dir, file := path, ""
	if !info.IsDir() {
		dir, file = filepath.Split(path)
		if dir == "" {
			dir = "."
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, nil, fmt.Errorf("open port file: %w", err)
	}
	defer root.Close()
	shown := dir
	if shown == "." && path != "." {
		shown = ""
	}
	r := newReader(root.FS(), shown)
	if file != "" {
		r.file(file, nil)
	} else {
		r.directory()
	}
	p, problems := r.finish(now)
	return p, problems, nil
}
