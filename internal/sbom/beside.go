package sbom

import (
	"io"
	"os"
	"path/filepath"
)

// Beside reads the list that a port file names: it is below the directory of the
// port file, and no link leads out of that.
func Beside(portFile, path string) (*List, error) {
	dir := portFile
	if info, err := os.Stat(portFile); err == nil && !info.IsDir() {
		dir = filepath.Dir(portFile)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }() // opened for reading: closing can't lose anything
	f, err := root.Open(filepath.FromSlash(path))
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, MaxList+1))
	if err != nil {
		return nil, err
	}
	return Read(text)
}
