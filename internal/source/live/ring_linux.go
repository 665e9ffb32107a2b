package live

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Sizes of the ring: 64 blocks of 1 MiB. A block is handed over when it is full or
// after blockWait, so that a quiet link is told soon.
const (
	blockSize = 1 << 20
	blocks    = 64
	frameSize = 1 << 11
	blockWait = 100       // ms
	pollWait  = 200       // ms, so that closing is noticed
	snapLen   = 256 << 10 // bytes of a packet, as the reader of captures takes
)

// arphrd are link types of interfaces whose packets begin with an Ethernet header.
const (
	arphrdEther    = 1
	arphrdLoopback = 772
)

// ring is an AF_PACKET socket with a TPACKET_V3 receive ring. It reads as a pcap
// stream with nanoseconds.
type ring struct {
	mu     sync.Mutex // held while a Read works on the memory
	fd     int
	mem    []byte
	block  int
	out    []byte // not yet read of the present block
	buf    []byte
	closed atomic.Bool
	gone   bool // released
	drops  atomic.Uint64
}

func htons(v uint16) uint16 { return v<<8 | v>>8 }

func open(name string, promiscuous bool) (*ring, error) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0) // protocol 0: nothing comes in before bind
	if err != nil {
		if errors.Is(err, unix.EPERM) {
			return nil, fmt.Errorf("%w: the program needs the capability CAP_NET_RAW (setcap cap_net_raw+ep, or AmbientCapabilities=CAP_NET_RAW)", err)
		}
		return nil, err
	}
	r := &ring{fd: fd}
	if err := r.setUp(name, promiscuous); err != nil {
		_ = unix.Close(fd) // nothing was read
		return nil, err
	}
	r.out = header()
	return r, nil
}

func (r *ring) setUp(name string, promiscuous bool) error {
	index, err := indexOf(r.fd, name)
	if err != nil {
		return err
	}
	if err := unix.SetsockoptInt(r.fd, unix.SOL_PACKET, unix.PACKET_VERSION, unix.TPACKET_V3); err != nil {
		return fmt.Errorf("TPACKET_V3: %w", err)
	}
	req := unix.TpacketReq3{Block_size: blockSize, Block_nr: blocks, Frame_size: frameSize, Frame_nr: blockSize / frameSize * blocks, Retire_blk_tov: blockWait}
	if err := unix.SetsockoptTpacketReq3(r.fd, unix.SOL_PACKET, unix.PACKET_RX_RING, &req); err != nil {
		return fmt.Errorf("receive ring: %w", err)
	}
	if r.mem, err = unix.Mmap(r.fd, 0, blockSize*blocks, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil { // written: the status word that hands a block back
		return fmt.Errorf("memory of the ring: %w", err)
	}
	if promiscuous {
		m := unix.PacketMreq{Ifindex: int32(index), Type: unix.PACKET_MR_PROMISC}
		if err := unix.SetsockoptPacketMreq(r.fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, &m); err != nil {
			return fmt.Errorf("promiscuous mode: %w", err)
		}
	}
	return unix.Bind(r.fd, &unix.SockaddrLinklayer{Protocol: htons(unix.ETH_P_ALL), Ifindex: index})
}

// indexOf asks the kernel for the number of an interface in the network namespace
// of the socket, and that its packets are Ethernet.
func indexOf(fd int, name string) (int, error) {
	ifr, err := unix.NewIfreq(name)
	if err != nil {
		return 0, err
	}
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFHWADDR, ifr); err != nil {
		return 0, fmt.Errorf("there is no such interface: %w", err)
	}
	if kind := ifr.Uint16(); kind != arphrdEther && kind != arphrdLoopback {
		return 0, fmt.Errorf("packets of link type %d are not read, only Ethernet", kind)
	}
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFINDEX, ifr); err != nil {
		return 0, err
	}
	return int(ifr.Uint32()), nil
}

// header begins a pcap stream: nanoseconds, Ethernet.
func header() []byte {
	b := binary.LittleEndian.AppendUint32(nil, 0xa1b23c4d)
	b = binary.LittleEndian.AppendUint16(b, 2)
	b = binary.LittleEndian.AppendUint16(b, 4)
	b = append(b, make([]byte, 8)...)
	b = binary.LittleEndian.AppendUint32(b, snapLen)
	return binary.LittleEndian.AppendUint32(b, 1)
}

// Read gives the next bytes of the stream; it waits for packets.
func (r *ring) Read(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.out) == 0 {
		if r.closed.Load() {
			return 0, io.EOF
		}
		if err := r.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.out)
	r.out = r.out[n:]
	return n, nil
}

// fill takes the next block where the kernel has handed it over, and waits else.
func (r *ring) fill() error {
	block := r.mem[r.block*blockSize : (r.block+1)*blockSize]
	status := (*uint32)(unsafe.Pointer(&block[8])) //nolint:gosec // G103: the kernel's status word, aligned in a page
	if atomic.LoadUint32(status)&unix.TP_STATUS_USER == 0 {
		fds := []unix.PollFd{{Fd: int32(r.fd), Events: unix.POLLIN | unix.POLLERR}}
		if _, err := unix.Poll(fds, pollWait); err != nil && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("waiting for packets: %w", err)
		}
		if fds[0].Revents&unix.POLLERR != 0 {
			if code, err := unix.GetsockoptInt(r.fd, unix.SOL_SOCKET, unix.SO_ERROR); err == nil && code != 0 {
				return fmt.Errorf("the interface went away: %w", unix.Errno(code))
			}
		}
		return nil
	}
	r.buf = packets(r.buf[:0], block)
	r.out = r.buf
	atomic.StoreUint32(status, unix.TP_STATUS_KERNEL)
	r.block = (r.block + 1) % blocks
	r.count()
	return nil
}

// packets writes the packets of a block as records of a pcap stream. Lengths come
// from the kernel; all the same none leads out of the block.
func packets(out, block []byte) []byte {
	le := binary.LittleEndian
	n, at := le.Uint32(block[12:]), int(le.Uint32(block[16:]))
	for range n {
		if at < 0 || at+48 > len(block) {
			return out
		}
		h := block[at:]
		next, sec, nsec, length, wire, status, mac := le.Uint32(h), le.Uint32(h[4:]), le.Uint32(h[8:]), int(le.Uint32(h[12:])), le.Uint32(h[16:]), le.Uint32(h[20:]), int(le.Uint16(h[24:]))
		if mac+length <= len(h) && length >= 14 && length <= snapLen {
			out = record(out, sec, nsec, wire, h[mac:mac+length], status, le.Uint32(h[32:]), le.Uint16(h[36:]))
		}
		if next < 48 { // the last one; or not a packet that a kernel wrote
			return out
		}
		at += int(next)
	}
	return out
}

// record writes one packet; a VLAN tag that the kernel took out is put back.
func record(out []byte, sec, nsec, wire uint32, data []byte, status, tci uint32, tpid uint16) []byte {
	le := binary.LittleEndian
	tag := 0
	if status&unix.TP_STATUS_VLAN_VALID != 0 {
		tag = 4
		if status&unix.TP_STATUS_VLAN_TPID_VALID == 0 || tpid == 0 {
			tpid = 0x8100
		}
	}
	out = le.AppendUint32(out, sec)
	out = le.AppendUint32(out, nsec)
	out = le.AppendUint32(out, uint32(len(data)+tag))
	out = le.AppendUint32(out, max(wire, uint32(len(data)))+uint32(tag))
	if tag == 0 {
		return append(out, data...)
	}
	out = append(out, data[:12]...)
	out = binary.BigEndian.AppendUint16(out, tpid)
	out = binary.BigEndian.AppendUint16(out, uint16(tci))
	return append(out, data[12:]...)
}

// count adds up what the kernel dropped because the ring was full; asking resets it.
func (r *ring) count() {
	if s, err := unix.GetsockoptTpacketStatsV3(r.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS); err == nil {
		r.drops.Add(uint64(s.Drops))
	}
}

// lost is how many packets the kernel dropped so far.
func (r *ring) lost() uint64 { return r.drops.Load() }

// Close ends the reading.
func (r *ring) Close() error {
	r.closed.Store(true)
	r.mu.Lock() // a Read that waits ends within pollWait
	defer r.mu.Unlock()
	if r.gone {
		return nil
	}
	r.gone, r.out = true, nil
	return errors.Join(unix.Munmap(r.mem), unix.Close(r.fd))
}
