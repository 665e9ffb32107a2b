package cli

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"quaywatch": func() { os.Exit(Main()) },
	})
}

// freeAddress sets $FREE to an address of this machine that nobody has.
func freeAddress(e *testscript.Env) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	e.Setenv("FREE", l.Addr().String())
	return l.Close()
}

// TestScripts runs testdata/scripts: each command as its users call it. $SHARED
// is the directory of shared test data; a script that needs it begins with
// "[!shared] skip". $REPO is the root of the repository.
func TestScripts(t *testing.T) {
	repo, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	shared := os.Getenv("QUAYWATCH_TESTDATA")
	if shared == "" {
		shared = filepath.Join(repo, "..", "shared", "data")
	}
	_, err = os.Stat(shared)
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join(repo, "testdata", "scripts"),
		Setup: func(e *testscript.Env) error {
			e.Setenv("SHARED", shared)
			e.Setenv("REPO", repo)
			return freeAddress(e)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": scriptExits},
		Condition: func(cond string) (bool, error) {
			if cond == "shared" {
				return err == nil, nil
			}
			return false, fmt.Errorf("unknown condition %q", cond)
		},
	})
}
