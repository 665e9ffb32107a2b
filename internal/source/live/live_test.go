//go:build linux

// AF_PACKET and network namespaces are Linux's.

package live

import (
	"bytes"
	"context"
	"encoding/binary"
	"go/ast"
	"go/parser"
	"go/token"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/quaywatch/quaywatch/internal/event"
)

// allowed are the calls of package unix that this package may make: none of them
// hands bytes to a network.
var allowed = []string{"Socket", "Close", "SetsockoptInt", "SetsockoptTpacketReq3", "SetsockoptPacketMreq", "Mmap", "Munmap", "Bind", "Poll",
	"GetsockoptInt", "GetsockoptTpacketStatsV3", "NewIfreq", "IoctlIfreq"}

// TestNoCallSends: the package calls nothing of unix beside what takes packets in,
// asks for no ring to send with, and imports nothing that speaks on a network.
func TestNoCallSends(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	calls := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range f.Imports {
			path, _ := strconv.Unquote(i.Path.Value)
			if path == "net" || strings.HasPrefix(path, "net/") || path == "syscall" || path == "os/exec" || i.Name != nil {
				t.Errorf("%s imports %s", name, path)
			}
		}
		ast.Inspect(f, func(n ast.Node) bool {
			s, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			x, ok := s.X.(*ast.Ident)
			if !ok || x.Name != "unix" {
				return true
			}
			switch {
			case s.Sel.Name == "PACKET_TX_RING":
				t.Errorf("%s asks for a ring to send with", name)
			case strings.ToUpper(s.Sel.Name) == s.Sel.Name: // a constant
			case slices.Contains([]string{"TpacketReq3", "PacketMreq", "SockaddrLinklayer", "PollFd", "Errno"}, s.Sel.Name): // types
			case !slices.Contains(allowed, s.Sel.Name):
				t.Errorf("%s calls unix.%s", name, s.Sel.Name)
			default:
				calls++
			}
			return true
		})
	}
	if calls < 10 {
		t.Fatalf("only %d calls were looked at", calls)
	}
}

// sink keeps flows and wakes who waits for them.
type sink struct {
	mu    sync.Mutex
	flows []event.Flow
	came  chan struct{}
}

func (s *sink) Put(_ context.Context, b *event.Batch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flows = append(s.flows, b.Flows...)
	if len(b.Flows) > 0 {
		select {
		case s.came <- struct{}{}:
		default:
		}
	}
	return nil
}

// inNamespace runs f on a thread in a network namespace of its own, with a pair of
// joined interfaces: qa, which is watched, and qb, its other end.
func inNamespace(t *testing.T, f func()) {
	t.Helper()
	ip, err := exec.LookPath("ip")
	if err != nil {
		t.Skip("the tool ip (iproute2) is not here to join interfaces")
	}
	done := make(chan string)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine, and the namespace with it
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			done <- "no right to make a network namespace: " + err.Error()
			return
		}
		for _, args := range []string{"link add name qa type veth peer name qb", "link set qa up", "link set qb up"} {
			if out, err := exec.Command(ip, strings.Fields(args)...).CombinedOutput(); err != nil { // a child is in the namespace of this thread
				done <- "ip " + args + ": " + string(out)
				return
			}
		}
		f()
		done <- ""
	}()
	if why := <-done; why != "" {
		t.Skip(why)
	}
}

// sent is how many packets an interface has sent, by the kernel's count.
func sent(t *testing.T, name string) int {
	t.Helper()
	b, err := os.ReadFile("/proc/thread-self/net/dev")
	if err != nil {
		t.Error(err)
		return -1
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), name+":"); ok {
			n, _ := strconv.Atoi(strings.Fields(rest)[9])
			return n
		}
	}
	t.Errorf("no interface %s", name)
	return -1
}

// datagram is a UDP datagram between two made addresses, tagged for VLAN 20
// where vlan is set.
func datagram(vlan bool) []byte {
	payload := []byte{0, 1, 0, 0, 0, 6, 1, 3, 0, 0, 0, 1}
	b := append([]byte{}, 0x02, 0, 0, 0, 0, 2, 0x02, 0, 0, 0, 0, 1)
	if vlan {
		b = append(b, 0x81, 0, 0, 20)
	}
	b = append(b, 8, 0, 0x45, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(28+len(payload)))
	b = append(b, 0, 1, 0, 0, 64, 17, 0, 0)
	b = append(append(b, net.IPv4(10, 20, 1, 5).To4()...), net.IPv4(10, 20, 2, 9).To4()...)
	b = append(b, 0xc0, 0x30, 0x01, 0xf6)
	b = binary.BigEndian.AppendUint16(b, uint16(8+len(payload)))
	return append(append(b, 0, 0), payload...)
}

// TestInterfaceIsReadAndNothingIsSent: packets that come in are flows, with their
// VLAN, and the watched interface has sent not one packet meanwhile.
func TestInterfaceIsReadAndNothingIsSent(t *testing.T) {
	inNamespace(t, func() {
		// What the kernel itself says when an interface comes up (neighbour discovery) is
		// not ours: it is switched off and counted before.
		for _, end := range []string{"qa", "qb"} {
			if err := os.WriteFile("/proc/sys/net/ipv6/conf/"+end+"/disable_ipv6", []byte("1"), 0o600); err != nil && !os.IsNotExist(err) {
				t.Logf("IPv6 of %s stays on: %v", end, err)
			}
		}
		r, err := open("qa", true)
		if err != nil {
			t.Error(err)
			return
		}
		before := sent(t, "qa")
		fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Error(err)
			return
		}
		defer unix.Close(fd)
		index, err := indexOf(fd, "qb")
		if err != nil {
			t.Error(err)
			return
		}
		for i := range 40 {
			if err := unix.Sendto(fd, datagram(i%2 == 1), 0, &unix.SockaddrLinklayer{Ifindex: index}); err != nil {
				t.Error(err)
				return
			}
		}
		k := &sink{came: make(chan struct{}, 8)}
		s := &Source{o: Options{ID: "live", Interface: "qa"}}
		ctx, stop := context.WithTimeout(context.Background(), 20*time.Second)
		defer stop()
		ended := make(chan error, 1)
		go func() { ended <- s.run(ctx, k, r) }()
		for range 2 { // both flows, told after two seconds
			select {
			case <-k.came:
			case <-ctx.Done():
			}
			if k.count() >= 2 {
				break
			}
		}
		stop()
		<-ended
		vlans := map[uint16]uint64{}
		for _, f := range k.flows {
			if f.Client.IP == "10.20.1.5" && f.Server.Port == 502 {
				vlans[f.VLAN] += f.PacketsOut
			}
		}
		if vlans[0] != 20 || vlans[20] != 20 {
			t.Errorf("packets by VLAN: %v, want 20 untagged and 20 of VLAN 20", vlans)
		}
		if after := sent(t, "qa"); after != before {
			t.Errorf("the watched interface sent %d packets", after-before)
		}
	})
}

func (s *sink) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.flows)
}

func TestWrongInterfaces(t *testing.T) {
	if _, err := open("no-such-if", false); err == nil {
		t.Error("an interface that is not there was opened")
	} else if strings.Contains(err.Error(), "CAP_NET_RAW") {
		t.Skip("no right to open a packet socket")
	}
	if _, err := New(Options{ID: "a", Interface: "a-name-that-is-too-long"}); err == nil {
		t.Error("a name of 16 characters and more was taken")
	}
}

// FuzzBlock: whatever stands in a block, no read leaves it.
func FuzzBlock(f *testing.F) {
	f.Add(bytes.Repeat([]byte{1}, 200))
	f.Fuzz(func(_ *testing.T, data []byte) {
		block := make([]byte, 4096)
		copy(block, data)
		if n := len(packets(nil, block)); n > 1<<20 {
			panic(n)
		}
	})
}
