// Command aispeer measures the Go peer of package ais, github.com/BertoldVdb/go-ais,
// on a file of bare sentences. It is a module of its own, so that the peer is no
// dependency of Quaywatch; tools/bench.sh runs it where the module can be had.
//
// It prints millions of lines for each second that its threads computed, of the
// fastest of several passes: whole sentences, whole sentences to JSON, and the
// message codec alone (no line, no checksum, no armour), which is the most that
// the peer can be credited with.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"runtime/debug"
	"syscall"
	"time"

	peer "github.com/BertoldVdb/go-ais"
	"github.com/BertoldVdb/go-ais/aisnmea"
)

const passes = 5

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: aispeer FILE")
	}
	data, err := os.ReadFile(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	var lines []string
	for line := range bytes.Lines(data) {
		lines = append(lines, string(bytes.TrimRight(line, "\r\n")))
	}
	debug.SetGCPercent(400) // memory for speed, in the peer's favour

	codec := peer.CodecNewFast(false, false, true)
	var payloads [][]byte
	measure("sentences", len(lines), func() int {
		payloads = payloads[:0]
		return sentences(codec, lines, func(p *aisnmea.VdmPacket) { payloads = append(payloads, p.Payload) })
	})
	measure("json", len(lines), func() int {
		return sentences(codec, lines, func(p *aisnmea.VdmPacket) {
			if _, err := json.Marshal(p.Packet); err != nil {
				log.Fatal(err)
			}
		})
	})
	measure("codec", len(lines), func() (n int) {
		for _, p := range payloads {
			if codec.DecodePacket(p) != nil {
				n++
			}
		}
		return n
	})
}

// sentences decodes all lines and gives each message to use.
func sentences(codec *peer.Codec, lines []string, use func(*aisnmea.VdmPacket)) (n int) {
	nm := aisnmea.NMEACodecNew(codec)
	for _, l := range lines {
		if p, err := nm.ParseSentence(l); err == nil && p != nil && p.Packet != nil {
			n++
			use(p)
		}
	}
	return n
}

func measure(name string, lines int, pass func() int) {
	fastest, messages := time.Hour, 0
	for range passes {
		from := userTime()
		messages = pass()
		fastest = min(fastest, userTime()-from)
	}
	fmt.Printf("%s %.2f M/s (%d lines, %d messages)\n", name, float64(lines)/fastest.Seconds()/1e6, lines, messages)
}

// userTime is the user time of the whole process: the collector's is the peer's too.
func userTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		log.Fatal(err)
	}
	return time.Duration(u.Utime.Nano())
}
