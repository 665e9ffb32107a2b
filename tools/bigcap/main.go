// Command bigcap makes one large capture out of small ones, for measuring speed:
// it repeats every Ethernet packet of the captures under a directory, each time
// with other IPv4 addresses and a later time, until the file has the asked size.
// With -count it reads a capture instead and counts its flows with gopacket, as a
// plain program would: the peer that the bench compares with.
package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
)

func main() {
	size := flag.Int64("size", 1_000_000_000, "bytes of the capture, about")
	out := flag.String("o", "", "capture to write")
	count := flag.String("count", "", "capture whose flows to count, instead")
	flag.Parse()
	err := errors.New("name -o FILE and a directory of captures, or -count FILE")
	switch {
	case *count != "":
		err = countFlows(*count)
	case *out != "" && flag.NArg() == 1:
		err = write(*out, flag.Arg(0), *size)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bigcap:", err)
		os.Exit(1)
	}
}

// packets are the Ethernet packets of the pcap files under dir, in the order of names.
func packets(dir string) (all [][]byte, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || filepath.Ext(path) != ".pcap" {
			return err
		}
		f, err := os.Open(path) //nolint:gosec // G122: a developer names the directory
		if err != nil {
			return err
		}
		defer f.Close()
		r, err := pcapgo.NewReader(bufio.NewReader(f))
		if err != nil || r.LinkType() != layers.LinkTypeEthernet {
			return nil // of another form: others are enough
		}
		for {
			b, _, err := r.ReadPacketData()
			if err != nil {
				return nil // the end, or a damaged one
			}
			all = append(all, b)
		}
	})
	return all, err
}

func write(path, dir string, size int64) (err error) {
	all, err := packets(dir)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return fmt.Errorf("no Ethernet packets in the .pcap files under %s", dir)
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	buf := bufio.NewWriterSize(f, 1<<20)
	w := pcapgo.NewWriter(buf)
	if err := w.WriteFileHeader(1<<18, layers.LinkTypeEthernet); err != nil {
		return err
	}
	at, written, n := time.Date(2026, 3, 1, 6, 0, 0, 0, time.UTC), int64(0), 0
	for round := uint32(0); written < size; round++ {
		for _, b := range all {
			shift(b)
			at = at.Add(50 * time.Microsecond)
			if err := w.WritePacket(gopacket.CaptureInfo{Timestamp: at, CaptureLength: len(b), Length: len(b)}, b); err != nil {
				return err
			}
			written, n = written+int64(len(b))+16, n+1
		}
	}
	fmt.Fprintf(os.Stderr, "%d packets, %d bytes\n", n, written)
	return buf.Flush()
}

// shift gives both ends of an IPv4 packet the next addresses, in place: each round
// of the captures is then traffic of another plant.
func shift(b []byte) {
	if len(b) < 34 || b[12] != 8 || b[13] != 0 {
		return
	}
	for _, at := range []int{26, 30} {
		ip := binary.BigEndian.Uint32(b[at:])
		if ip>>28 != 14 && ip != 0xffffffff { // no group and no broadcast
			binary.BigEndian.PutUint32(b[at:], ip+1<<8)
		}
	}
}

// countFlows counts flows by addresses and ports, and nothing else.
func countFlows(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	r, err := pcapgo.NewReader(bufio.NewReaderSize(f, 1<<20))
	if err != nil {
		return err
	}
	type key struct {
		net, transport gopacket.Flow
	}
	flows := map[key]uint64{}
	var eth layers.Ethernet
	var ip4 layers.IPv4
	var ip6 layers.IPv6
	var tcp layers.TCP
	var udp layers.UDP
	parser := gopacket.NewDecodingLayerParser(layers.LayerTypeEthernet, &eth, &ip4, &ip6, &tcp, &udp)
	parser.IgnoreUnsupported = true
	var found []gopacket.LayerType
	n := 0
	for ; ; n++ {
		b, _, err := r.ZeroCopyReadPacketData()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		_ = parser.DecodeLayers(b, &found) // what is damaged counts as far as it was read
		var k key
		for _, l := range found {
			switch l {
			case layers.LayerTypeIPv4:
				k.net = ip4.NetworkFlow()
			case layers.LayerTypeIPv6:
				k.net = ip6.NetworkFlow()
			case layers.LayerTypeTCP:
				k.transport = tcp.TransportFlow()
			case layers.LayerTypeUDP:
				k.transport = udp.TransportFlow()
			}
		}
		flows[k]++
	}
	fmt.Printf("%d packets, %d flows\n", n, len(flows))
	return nil
}
