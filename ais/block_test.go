package ais

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"
)

// told is what a message says, made comparable: what it does not carry is
// cleared, as is what lies behind the end of a text, and NaN becomes a number
// that no message has.
func told(m *Message) Message {
	c := *m
	if c.Has&HasPosition == 0 {
		c.Position = Position{}
	}
	if c.Has&(HasName|HasStatic|HasCall|HasVoyage|HasVendor) == 0 && c.Type != 24 {
		c.Static = Static{}
	}
	if c.Has&HasClock == 0 {
		c.Clock = Clock{}
	}
	if c.Has&HasAid == 0 {
		c.Aid = Aid{}
	}
	for _, t := range []*Text{&c.Frame.Station, &c.Static.Name, &c.Static.CallSign, &c.Static.Destination, &c.Static.Vendor} {
		*t = TextOf(t.String())
	}
	const absent = -12345
	p := &c.Position
	for _, v := range []*float32{&p.SOG, &p.COG, &p.Heading, &p.Turn, &p.Altitude, &c.Static.Draught} {
		if *v != *v {
			*v = absent
		}
	}
	for _, v := range []*float64{&p.Lat, &p.Lon} {
		if math.IsNaN(*v) {
			*v = absent
		}
	}
	n := c.Bits.n
	whole := c.Bits.Bytes(nil)
	c.Bits = Bits{n: n}
	copy(c.Bits.b[:], whole)
	return c
}

// sameByBlocks reads data line by line and by blocks and fails where anything
// differs: message, result, error, mark, length, or what is held over.
func sameByBlocks(t *testing.T, data []byte, zone *time.Location) (messages int) {
	t.Helper()
	var lineDropped, blockDropped []int64
	lines := NewDecoder(Options{Zone: zone, Dropped: func(first int64) { lineDropped = append(lineDropped, first) }})
	blocks := NewDecoder(Options{Zone: zone, Dropped: func(first int64) { blockDropped = append(blockDropped, first) }})
	var want, got Message
	for at := 0; at < len(data); {
		line, _, whole := bytes.Cut(data[at:], []byte{'\n'})
		n, r, err := blocks.DecodeNext(data[at:], int64(at), &got)
		if !whole {
			if n != 0 {
				t.Fatalf("offset %d: %d bytes of a line without an end", at, n)
			}
			return messages
		}
		wantR, wantErr := lines.Decode(line, int64(at), &want)
		if n != len(line)+1 || r != wantR || !errors.Is(err, wantErr) || !errors.Is(wantErr, err) {
			t.Fatalf("offset %d: block %d %v %v, line %d %v %v: %q", at, n, r, err, len(line)+1, wantR, wantErr, line)
		}
		if r == Complete {
			messages++
			if a, b := told(&got), told(&want); a != b {
				a.Bits, b.Bits = Bits{n: a.Bits.n}, Bits{n: b.Bits.n}
				t.Fatalf("offset %d: %q\nblock %+v\nline  %+v", at, line, a, b)
			}
		}
		if lines.Idle() != blocks.Idle() || lines.lines != blocks.lines || lines.Unfinished() != blocks.Unfinished() {
			t.Fatalf("offset %d: another state after %q", at, line)
		}
		at += n
	}
	lines.Flush()
	blocks.Flush()
	for i := range lineDropped {
		if len(blockDropped) != len(lineDropped) || blockDropped[i] != lineDropped[i] {
			t.Fatalf("dropped %v, by blocks %v", lineDropped, blockDropped)
		}
	}
	return messages
}

func everyFeed(t *testing.T) map[string][]byte {
	names, err := filepath.Glob(filepath.Join(shared(t, "captures"), "*"))
	if err != nil {
		t.Fatal(err)
	}
	more, err := filepath.Glob(filepath.Join(shared(t, "conformance"), "*"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for _, n := range append(names, more...) {
		out[filepath.Base(n)] = sharedBytes(t, filepath.Join(filepath.Base(filepath.Dir(n)), filepath.Base(n)))
	}
	return out
}

// Every line of every capture and every conformance file, as it is, bare, and
// with line ends of Windows.
func TestBlocksEqualLines(t *testing.T) {
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	messages := 0
	for name, data := range everyFeed(t) {
		t.Run(name, func(t *testing.T) {
			messages += sameByBlocks(t, data, time.UTC)
			sameByBlocks(t, data, paris)
			sameByBlocks(t, bareOf(data), nil)
			sameByBlocks(t, bytes.ReplaceAll(data, []byte("\n"), []byte("\r\n")), nil)
		})
	}
	if messages < 160000 {
		t.Errorf("only %d messages compared", messages)
	}
}

// damaged changes lines in ways that a feed and an attacker would; about half
// of them get their right checksum again, so that what is inside is judged.
func damaged(data []byte, r *rand.Rand) []byte {
	const bytesOfForm = "!,*\\$\r\t 0159AGMOVwxX`\x00\xff-:ZT"
	var out []byte
	for line := range bytes.Lines(data) {
		l := bytes.Clone(line)
		for range r.IntN(3) {
			i := r.IntN(len(l))
			switch r.IntN(4) {
			case 0:
				l[i] = byte(r.Uint32())
			case 1:
				l[i] = bytesOfForm[r.IntN(len(bytesOfForm))]
			case 2:
				l = append(l[:i], l[min(i+1, len(l)):]...)
			default:
				l = append(l[:i], append([]byte{bytesOfForm[r.IntN(len(bytesOfForm))]}, l[i:]...)...)
			}
			if len(l) == 0 {
				l = []byte{'\n'}
			}
		}
		if a, b := bytes.IndexByte(l, '!'), bytes.LastIndexByte(l, '*'); r.IntN(2) == 0 && a >= 0 && b > a && b+3 <= len(l) {
			copy(l[b:], appendSum(nil, l[a+1:b]))
		}
		out = append(out, l...)
	}
	return out
}

func TestBlocksEqualLinesDamaged(t *testing.T) {
	seed := uint64(20160331)
	r := rand.New(rand.NewPCG(seed, 1))
	for name, data := range everyFeed(t) {
		data = data[:min(len(data), 400<<10)]
		for range 3 {
			t.Run(name, func(t *testing.T) {
				sameByBlocks(t, damaged(data, r), nil)
				sameByBlocks(t, damaged(bareOf(data), r), nil)
			})
		}
	}
}

// Blocks end anywhere: what is cut is no line, and goes on with the next block.
func TestBlocksCutAnywhere(t *testing.T) {
	data := []byte("2016-03-31 00:00:01, " + plain + "\r\n" + "2016-03-31 00:00:02, " + plain + "\n" + plain + ",r003669987,1152921693\n" + first + "\n" + last + "\n")
	for cut := range len(data) {
		sameByBlocks(t, data[:cut:cut], nil)
	}
}

func FuzzBlocksEqualLines(f *testing.F) {
	for _, s := range []string{plain + "\n", first + "\n" + last + "\r\n", "2016-03-31 00:00:01, " + plain + "\n2016-03-31 00:00:59, " + plain + "\n",
		plain + ",r003669987,1152921693\n", "!BSVDO,1,1,4,,15RTgt0PAso;90TKcjM8h6g208CQ,0*3A\n", `\g:1-2-3985,s:rEV02,c:1334337317*2D\` + first + "\n" + plain + "\n"} {
		f.Add([]byte(s), false)
		f.Add([]byte(s), true)
	}
	f.Fuzz(func(t *testing.T, data []byte, seal bool) {
		if seal { // gets past the checksum
			var out []byte
			for line := range bytes.Lines(data) {
				if a, b := bytes.IndexByte(line, '!'), bytes.LastIndexByte(line, '*'); a >= 0 && b > a && b+3 <= len(line) {
					line = bytes.Clone(line)
					copy(line[b:], appendSum(nil, line[a+1:b]))
				}
				out = append(out, line...)
			}
			data = out
		}
		sameByBlocks(t, data, nil)
	})
}

// Whole captures, with fragments, tag blocks and bad lines, cost no memory once
// the decoder has seen them.
func TestBlocksAllocateNothing(t *testing.T) {
	for name, data := range map[string][]byte{
		"vernon": sharedBytes(t, "captures/ais_vernon_20160331.log")[:200<<10],
		"dma":    sharedBytes(t, "captures/dma_2010_stream_example.txt"),
		"tags":   sharedBytes(t, "captures/amsa_exact-earth-with-tag-block.txt"),
		"amsa":   sharedBytes(t, "captures/amsa_exact-earth-augmented-2.txt"),
		"uscg":   sharedBytes(t, "captures/noaadata_uscg_2006_test.ais"),
	} {
		d := NewDecoder(Options{})
		var m Message
		pass := func() {
			for at := 0; ; {
				n, _, _ := d.DecodeNext(data[at:], int64(at), &m)
				if n == 0 {
					return
				}
				at += n
			}
		}
		pass()
		if n := testing.AllocsPerRun(3, pass); n != 0 {
			t.Errorf("%s: %g allocations a pass", name, n)
		}
	}
}

// What may stand behind a checksum, and before a sentence, that captures lack.
func TestBlocksOddLines(t *testing.T) {
	for _, head := range []string{"", "2016-03-31 00:00:01, ", "2016-03-31T00:00:59, ", "2016-03-31 00:00:60, ", "         1459375201, ", "  2016-03-31 00:00, "} {
		for _, tail := range []string{"", "\r", "\t", " ", ",r1\t", ",1152921695\t", ",r1,1152921695 \r", "," + string(bytes.Repeat([]byte("x"), MaxLine)), "\x00", ",r1,1459375999999"} {
			line := head + plain + tail + "\n"
			sameByBlocks(t, []byte(line+line+head+first+tail+"\n"+head+last+tail+"\n"), nil)
		}
	}
}
