package ais

import (
	"os"
	"path/filepath"
	"testing"
)

// shared gives the path of a file of the public test data, which is not part of
// the repository.
func shared(t testing.TB, name string) string {
	root := os.Getenv("QUAYWATCH_TESTDATA")
	if root == "" {
		root = filepath.Join("..", "..", "shared", "data")
	}
	path := filepath.Join(root, "ais", name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("test data is not there: %v (set QUAYWATCH_TESTDATA)", err)
	}
	return path
}

func sharedBytes(t testing.TB, name string) []byte {
	b, err := os.ReadFile(shared(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}
