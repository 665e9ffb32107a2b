package pcap

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// read lists what a capture gives, bytes and all, and how it ends.
func readWhole(in packets) (out []string, end string) {
	defer in.stop()
	for {
		it, err := in.next()
		if err != nil {
			return out, err.Error()
		}
		out = append(out, fmt.Sprintf("%d %d %d %d %d %d %d %x %q %x %v %v", it.number, it.start, it.offset, it.end, it.time, it.link, it.wire, sha256.Sum256(it.data), it.refused, sha256.Sum256(it.body), it.key, it.swapped))
	}
}

// TestAheadReadsTheSame: what is read ahead is what is read one by one, whole and cut
// off at many places, with packets of all sizes.
func TestAheadReadsTheSame(t *testing.T) {
	var captures [][]byte
	dir := filepath.Join("..", "..", "..", "..", "shared", "data", "ot", "pcap")
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.Contains(filepath.Ext(path), "pcap") {
			if b, err := os.ReadFile(path); err == nil && len(b) < 100<<10 {
				captures = append(captures, b)
			}
		}
		return nil
	})
	big := []byte{0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0}
	for i := range 40 {
		n := uint32(i * i * i * 4)
		if i%7 == 3 {
			n = maxFrame
		}
		big = binary.LittleEndian.AppendUint32(big, uint32(1000+i))
		big = binary.LittleEndian.AppendUint32(big, 0)
		big = binary.LittleEndian.AppendUint32(big, n)
		big = binary.LittleEndian.AppendUint32(big, n)
		big = append(big, bytes.Repeat([]byte{byte(i)}, int(n))...)
	}
	captures = append(captures, big, bigBlocks())
	for i, b := range captures {
		for _, cut := range []int{len(b), len(b) - 1, len(b) / 2, len(b)/2 + 7, 30, 24, 5} {
			if cut > len(b) || cut < 0 {
				continue
			}
			one1, err := openCapture(bytes.NewReader(b[:cut]), "x")
			if err != nil {
				continue
			}
			two, err := openCapture(iotest.HalfReader(bytes.NewReader(b[:cut])), "x")
			if err != nil {
				t.Fatal(err)
			}
			want, wantEnd := readWhole(&one{c: one1})
			got, gotEnd := readWhole(readAheadOf(two))
			if !slices.Equal(want, got) || wantEnd != gotEnd {
				t.Fatalf("capture %d cut at %d: %d packets and %q, ahead %d and %q", i, cut, len(want), wantEnd, len(got), gotEnd)
			}
			if one1.number != two.number || one1.offset != two.offset || one1.start != two.start || one1.before != two.before {
				t.Errorf("capture %d cut at %d ends at another place: %+v, ahead %+v", i, cut, one1, two)
			}
		}
	}
}

// bigBlocks is a pcapng capture with blocks to skip that are larger than what is read
// at once, between packets.
func bigBlocks() []byte {
	out := []byte{0x0a, 0x0d, 0x0d, 0x0a, 28, 0, 0, 0, 0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255, 28, 0, 0, 0,
		1, 0, 0, 0, 20, 0, 0, 0, 1, 0, 0, 0, 0, 0, 4, 0, 20, 0, 0, 0}
	block := func(kind uint32, body []byte) {
		n := uint32(12 + len(body))
		out = binary.LittleEndian.AppendUint32(out, kind)
		out = binary.LittleEndian.AppendUint32(out, n)
		out = append(out, body...)
		out = binary.LittleEndian.AppendUint32(out, n)
	}
	for i := range 30 {
		packet := make([]byte, 20+4*i)
		binary.LittleEndian.PutUint32(packet[8:], uint32(i))
		binary.LittleEndian.PutUint32(packet[12:], uint32(4*i))
		binary.LittleEndian.PutUint32(packet[16:], uint32(4*i))
		block(6, packet)
		block(0x0bad, make([]byte, i*100_000/4*4))
	}
	return out
}

// TestAheadStops: a reader that is given up ends, wherever it is.
func TestAheadStops(t *testing.T) {
	for after := range 60 {
		var endless endless
		c, err := openCapture(&endless, "x")
		if err != nil {
			t.Fatal(err)
		}
		a := readAheadOf(c)
		for range after % 4 * 5000 {
			if _, err := a.next(); err != nil {
				t.Fatal(err)
			}
		}
		a.stop() // hangs where the goroutine does not end
	}
}

// endless is a capture of empty packets without end.
type endless struct{ begun bool }

func (e *endless) Read(b []byte) (int, error) {
	if !e.begun {
		e.begun = true
		return copy(b, []byte{0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0}), nil
	}
	n := len(b) / 16 * 16
	if n == 0 {
		n = len(b)
	}
	clear(b[:n])
	return n, nil
}

// TestWindow holds the window to the bytes it is made of, read in pieces of any size.
func TestWindow(t *testing.T) {
	want := make([]byte, 5000)
	for i := range want {
		want[i] = byte(i * i >> 3)
	}
	broken := errors.New("broken")
	for name, src := range map[string]io.Reader{
		"whole": bytes.NewReader(want), "byte by byte": iotest.OneByteReader(bytes.NewReader(want)),
		"end with data": iotest.DataErrReader(bytes.NewReader(want)),
		"broken":        io.MultiReader(bytes.NewReader(want), iotest.ErrReader(broken)),
	} {
		w := window{src: src, buf: make([]byte, 64)}
		var got []byte
		for n := 1; ; n = n*7%211 + 1 {
			b, err := w.peek(n)
			if err != nil {
				got = append(got, b...)
				if end := io.EOF; name == "broken" && !errors.Is(err, broken) || name != "broken" && !errors.Is(err, end) {
					t.Errorf("%s: ends with %v", name, err)
				}
				break
			}
			got = append(got, b...)
			if gone, err := w.discard(n); gone != n || err != nil {
				t.Fatalf("%s: %d of %d bytes are taken: %v", name, gone, n, err)
			}
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes of %d, or others", name, len(got), len(want))
		}
	}
	w := window{src: iotest.HalfReader(bytes.NewReader(want)), buf: make([]byte, 64)}
	if n, err := w.discard(4000); n != 4000 || err != nil {
		t.Fatalf("%d bytes are left out: %v", n, err)
	}
	if b, err := w.peek(1000); err != nil || !bytes.Equal(b, want[4000:]) {
		t.Errorf("after leaving out: %v", err)
	}
	if n, err := w.discard(2000); n != 1000 || !errors.Is(err, io.EOF) {
		t.Errorf("%d bytes are left out of 1000: %v", n, err)
	}
	if _, err := (&window{src: stuck{}, buf: make([]byte, 8)}).peek(1); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("a reader that gives nothing: %v", err)
	}
}

type stuck struct{}

func (stuck) Read([]byte) (int, error) { return 0, nil }
