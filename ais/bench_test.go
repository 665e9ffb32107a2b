package ais

import (
	"bytes"
	"encoding/binary"
	"errors"
	"runtime"
	"testing"
	"time"
)

// feeds are the real captures that speed is measured on. Nothing is chosen from
// them: fragments, statics, corrupt lines and comments are counted like the rest.
func feeds(b *testing.B) map[string][]byte {
	var vernon, other []byte
	for _, f := range []string{"ais_vernon_20160331.log", "ais_vernon_20160401.log", "ais_vernon_20160404.log"} {
		vernon = append(vernon, sharedBytes(b, "captures/"+f)...)
	}
	for _, f := range []string{"amsa_exact-earth-augmented-2.txt", "amsa_exact-earth-with-tag-block.txt", "dma_2010_stream_example.txt", "noaadata_uscg_2006_test.ais"} {
		other = append(other, sharedBytes(b, "captures/"+f)...)
	}
	return map[string][]byte{
		"vernon": vernon,         // a date and time before each sentence
		"bare":   bareOf(vernon), // the same without it, as receivers send
		"other":  other,          // tag blocks, $PGHP, suffixes
		"all":    append(vernon[:len(vernon):len(vernon)], other...),
	}
}

// bareOf leaves out what stands before each sentence.
func bareOf(b []byte) []byte {
	var out []byte
	for line := range bytes.Lines(b) {
		if i := bytes.IndexByte(line, '!'); i >= 0 {
			out = append(out, line[i:]...)
		}
	}
	return out
}

// measure runs read over the feeds again and again, and tells the lines of the
// fastest pass in millions for each second of user time. It wants one core to
// itself (taskset -c); the fastest of many passes is the one least disturbed.
func measure(b *testing.B, read func(data []byte) (messages int)) {
	feeds := feeds(b)
	for _, name := range []string{"vernon", "bare", "other", "all"} {
		b.Run(name, func(b *testing.B) {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			data := feeds[name]
			for len(data) < 1<<20 { // long passes: no feed is in the caches from one to the next
				data = append(data[:len(data):len(data)], feeds[name]...)
			}
			lines := bytes.Count(data, []byte{'\n'})
			fastest, messages := time.Hour, 0
			b.ReportAllocs()
			for b.Loop() {
				from := cpuTime()
				messages = read(data)
				fastest = min(fastest, cpuTime()-from)
			}
			b.ReportMetric(float64(lines)/fastest.Seconds()/1e6, "M/s")
			b.ReportMetric(float64(fastest.Nanoseconds())/float64(lines), "ns/line")
			b.ReportMetric(float64(messages)/float64(lines), "messages/line")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkLines is the line face with lines split by bytes.IndexByte.
func BenchmarkLines(b *testing.B) {
	d := NewDecoder(Options{})
	var m Message
	measure(b, func(data []byte) (messages int) {
		for at := 0; at < len(data); {
			n := bytes.IndexByte(data[at:], '\n') + 1
			if n == 0 {
				n = len(data) - at
			}
			if r, _ := d.Decode(data[at:at+n], int64(at), &m); r == Complete {
				messages++
			}
			at += n
		}
		return messages
	})
}

// BenchmarkBlocks is the block face: the whole capture as one block.
func BenchmarkBlocks(b *testing.B) {
	d := NewDecoder(Options{})
	var m Message
	measure(b, func(data []byte) (messages int) {
		for at := 0; ; {
			n, r, _ := d.DecodeNext(data[at:], int64(at), &m)
			if n == 0 {
				return messages
			}
			if r == Complete {
				messages++
			}
			at += n
		}
	})
}

// BenchmarkReader is the stream face.
func BenchmarkReader(b *testing.B) {
	measure(b, func(data []byte) (messages int) {
		r := NewReader(bytes.NewReader(data), Options{})
		for {
			_, err := r.Next()
			if err == nil {
				messages++
			} else if bad := (*LineError)(nil); !errors.As(err, &bad) {
				return messages
			}
		}
	})
}

// BenchmarkJSON is the block face with every message written as JSON.
func BenchmarkJSON(b *testing.B) {
	d := NewDecoder(Options{})
	var m Message
	out := make([]byte, 0, 1<<16)
	measure(b, func(data []byte) (messages int) {
		for at := 0; ; {
			n, r, _ := d.DecodeNext(data[at:], int64(at), &m)
			if n == 0 {
				return messages
			}
			at += n
			if r != Complete {
				continue
			}
			messages++
			if out = append(AppendJSON(out, &m), '\n'); len(out) > 1<<15 {
				out = out[:0]
			}
		}
	})
}

var sink uint64

// BenchmarkLimit is what has to be done at the very least, and not yet a
// decoder: find the line ends; add up a checksum over all bytes, eight at a
// time; take the armour off 28 characters at a fixed place and put them in
// three words. How near the decoder is to them says what is left to gain.
func BenchmarkLimit(b *testing.B) {
	split := func(data []byte, use func(line []byte) uint64) int {
		var x uint64
		for at := 0; at < len(data); {
			n := bytes.IndexByte(data[at:], '\n') + 1
			if n == 0 {
				n = len(data) - at
			}
			x ^= use(data[at : at+n])
			at += n
		}
		sink = x
		return 0
	}
	b.Run("split", func(b *testing.B) {
		measure(b, func(data []byte) int { return split(data, func(l []byte) uint64 { return uint64(len(l)) }) })
	})
	b.Run("checksum", func(b *testing.B) {
		measure(b, func(data []byte) int { return split(data, func(l []byte) uint64 { return uint64(checksum(l)) }) })
	})
	b.Run("armour", func(b *testing.B) {
		measure(b, func(data []byte) int {
			return split(data, func(l []byte) uint64 {
				x := uint64(checksum(l))
				if len(l) < 47 {
					return x
				}
				p := l[len(l)-34:] // the last 28 characters before the fill bits: the payload of nine in ten
				a, b := binary.LittleEndian.Uint64(p), binary.LittleEndian.Uint64(p[8:])
				c, d := binary.LittleEndian.Uint64(p[16:]), binary.LittleEndian.Uint64(p[20:])
				w0, w1, w2 := unarmour8(a)<<16, unarmour8(b)<<16|unarmour8(d), unarmour8(c)
				x ^= outside(a) | outside(b) | outside(c) | outside(d)
				return x ^ w0>>22 ^ w0>>14 ^ w0>>4 ^ w1>>39 ^ w1<<25 ^ w2>>24 // fields of a position report
			})
		})
	})
}
