package pcap

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// forbidden are packages that can send, or run something that can.
var forbidden = map[string]string{
	"net/http": "opens sockets", "net/rpc": "opens sockets", "net/smtp": "opens sockets", "crypto/tls": "opens sockets",
	"log/syslog": "opens sockets", "syscall": "raw system calls", "os/exec": "runs other programs", "plugin": "loads other code",
	"golang.org/x/sys/unix": "raw system calls",
}

// harmless are the parts of package net that only read text.
var harmless = map[string]bool{"ParseMAC": true, "HardwareAddr": true, "ParseIP": true, "ParseCIDR": true, "IP": true, "IPNet": true, "IPMask": true, "CIDRMask": true}

// listed is what go list tells of a package.
type listed struct {
	ImportPath, Dir string
	Standard        bool
	GoFiles         []string
	Imports         []string
}

// TestNothingCanSend: what reads and judges the network can't speak on it. No
// package between a capture and a verdict, of this repository or another, may
// import what opens sockets; of package net they may use what reads text.
func TestNothingCanSend(t *testing.T) {
	seen := map[string]bool{}
	for _, name := range []string{"ics", "internal/source/pcap", "internal/watch/network"} {
		for _, p := range dependencies(t, name) {
			if p.Standard || seen[p.ImportPath] {
				continue
			}
			seen[p.ImportPath] = true
			for _, i := range p.Imports {
				why, bad := forbidden[i]
				if bad || strings.HasPrefix(i, "golang.org/x/net") || i == "C" {
					t.Errorf("%s (under %s) imports %s: %s", p.ImportPath, name, i, why)
				}
			}
			for _, used := range netUses(t, p) {
				if !harmless[used] {
					t.Errorf("%s (under %s) uses net.%s, which may speak on a network", p.ImportPath, name, used)
				}
			}
		}
	}
	if len(seen) < 5 {
		t.Fatalf("only %d packages were looked at", len(seen))
	}
}

func dependencies(t *testing.T, name string) []listed {
	t.Helper()
	out, err := exec.Command("go", "list", "-deps", "-json=ImportPath,Dir,Standard,GoFiles,Imports", "github.com/quaywatch/quaywatch/"+name).Output()
	if err != nil {
		t.Fatalf("go list of %s: %v", name, err)
	}
	var all []listed
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// netUses lists what the files of p select of package net.
func netUses(t *testing.T, p listed) []string {
	t.Helper()
	var out []string
	for _, name := range p.GoFiles {
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, name), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		local := ""
		for _, i := range f.Imports {
			if path, _ := strconv.Unquote(i.Path.Value); path == "net" {
				local = "net"
				if i.Name != nil {
					local = i.Name.Name
				}
			}
		}
		if local == "." || local == "_" {
			out = append(out, "import under the name "+local)
		}
		if local == "" {
			continue
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := s.X.(*ast.Ident); ok && x.Name == local {
					out = append(out, s.Sel.Name)
				}
			}
			return true
		})
	}
	return out
}
