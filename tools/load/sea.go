package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/quaywatch/quaywatch/ais"
)

const (
	step       = 10 * time.Millisecond // between two writes
	firstMMSI  = 219_000_000
	stations   = 40  // receivers, as a coast has them
	reach      = 140 // nautical miles around the example port: as far as a coast's receivers hear together
	portLat    = 45.3
	portLon    = -12.0
	jumpEvery  = time.Second
	staticTime = 6 * time.Minute // between two static reports of a vessel (M.1371-5 annex 1)
)

// names of the receivers, as their tag blocks have them.
var names = func() (out [stations]string) {
	for i := range out {
		out[i] = fmt.Sprintf("rx-%02d", i)
	}
	return out
}()

// ship is one vessel of the load, sailing straight on.
type ship struct {
	station  int
	lat, lon float64
	sog, cog float32
	at       time.Time
}

// sent is when the reports of a vessel that jumped went out: the first at the
// new place, and those after it.
type sent struct{ at []time.Time }

// sea is a fleet that serves its reports over TCP, as a receiver does.
type sea struct {
	o     options
	l     net.Listener
	conns chan net.Conn
	conn  net.Conn
	ships []ship
	rand  *rand.Rand
	seq   uint8

	mu      sync.Mutex
	jumped  map[uint32]*sent
	leaps   []leap
	jumping bool // the next report that may make its vessel jump
	reports int
	bytes   int64
	behind  time.Duration // most that a write came late
	took    time.Duration
}

func newSea(ctx context.Context, o options) (*sea, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &sea{o: o, l: l, conns: make(chan net.Conn, 1), ships: make([]ship, o.vessels), jumped: map[uint32]*sent{},
		rand: rand.New(rand.NewPCG(1, 2))} //nolint:gosec // a fixed seed: the same fleet each time
	for i := range s.ships {
		v := ship{station: i % stations, lat: portLat, lon: portLon, sog: float32(5 + 15*s.rand.Float64()), cog: float32(math.Floor(3600*s.rand.Float64()) / 10)}
		v.move(reach*math.Sqrt(0.02+0.98*s.rand.Float64()), 2*math.Pi*s.rand.Float64()) // none within 20 miles: there is land
		s.ships[i] = v
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.conns <- c
		}
	}()
	return s, nil
}

func (s *sea) address() string { return s.l.Addr().String() }

func (s *sea) close() { _ = s.l.Close() }

// connected waits for the source of the program.
func (s *sea) connected(ctx context.Context) error {
	select {
	case s.conn = <-s.conns:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(20 * time.Second):
		return fmt.Errorf("the program does not connect to its AIS source")
	}
}

// sail sends reports at the rate, each vessel in its turn, until the time is over.
// Jumps begin when every vessel was heard several times, for 20 s at least.
func (s *sea) sail(ctx context.Context) error {
	round := time.Duration(float64(s.o.vessels) / float64(s.o.rate) * float64(time.Second))
	warm := max(3*round, 20*time.Second)
	began := time.Now()
	var lastJump time.Time
	var buf []byte
	next, statics := 0, 0
	tick := time.NewTicker(step)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		now := time.Now()
		passed := now.Sub(began)
		if passed > warm+s.o.duration {
			s.took = passed
			return nil
		}
		if passed > warm && now.Sub(lastJump) > jumpEvery && passed < warm+s.o.duration-4*round {
			lastJump, s.jumping = now, true
		}
		due := int(passed.Seconds() * float64(s.o.rate))
		buf = buf[:0]
		for ; s.reports < due; s.reports++ {
			// Of the reports some are static, in the time of type 5.
			if float64(statics) < passed.Seconds()*float64(s.o.vessels)/staticTime.Seconds() {
				buf = s.static(buf, statics%s.o.vessels)
				statics++
				continue
			}
			buf = s.position(buf, next, now)
			next = (next + 1) % s.o.vessels
		}
		s.bytes += int64(len(buf))
		if _, err := s.conn.Write(buf); err != nil {
			return fmt.Errorf("the program does not take its AIS any more: %w", err)
		}
		s.behind = max(s.behind, time.Since(now))
	}
}

// position appends the report of a vessel. Where a jump is due and the vessel
// has not jumped yet, it reports from 20 to 60 nautical miles elsewhere, and goes on there.
func (s *sea) position(buf []byte, i int, now time.Time) []byte {
	v := &s.ships[i]
	if !v.at.IsZero() {
		v.sail(now.Sub(v.at).Seconds())
	}
	v.at = now
	mmsi := uint32(firstMMSI + i)
	s.mu.Lock()
	was := s.jumped[mmsi]
	if was == nil && s.jumping {
		s.jumping = false
		was = &sent{}
		s.jumped[mmsi] = was
		s.jump(v)
	}
	if was != nil {
		was.at = append(was.at, now)
	}
	s.mu.Unlock()
	m := ais.NewMessage(1, mmsi)
	p := &m.Position
	p.Lat, p.Lon, p.SOG, p.COG, p.Heading, p.Status, p.Second = v.lat, v.lon, v.sog, v.cog, float32(math.Floor(float64(v.cog))), 0, int8(now.UTC().Second())
	return s.write(buf, &m, v.station)
}

// leap is where a vessel was and how far it was put, in nautical miles.
type leap struct{ lat, lon, north, east float64 }

// jump puts a vessel 15 to 28 miles elsewhere, and not like others of its
// neighbourhood: three alike would be an area's trouble and told as one.
func (s *sea) jump(v *ship) {
	l := leap{lat: v.lat, lon: v.lon}
	for range 100 {
		miles, to := 15+13*s.rand.Float64(), 2*math.Pi*s.rand.Float64()
		l.north, l.east = miles*math.Cos(to), miles*math.Sin(to)
		if !slices.ContainsFunc(s.leaps, l.alike) {
			break
		}
	}
	s.leaps = append(s.leaps, l)
	v.move(math.Hypot(l.north, l.east), math.Atan2(l.east, l.north))
}

func (l leap) alike(o leap) bool {
	k := math.Cos(l.lat * math.Pi / 180)
	return math.Hypot(l.lat-o.lat, (l.lon-o.lon)*k)*60 < 30 && math.Hypot(l.north-o.north, l.east-o.east) < 6.5
}

// sail moves a vessel on its course for so many seconds.
func (v *ship) sail(seconds float64) {
	v.move(float64(v.sog)*seconds/3600, float64(v.cog)*math.Pi/180)
}

// move puts a vessel so many nautical miles further, in a direction in radians.
func (v *ship) move(miles, to float64) {
	v.lat += miles / 60 * math.Cos(to)
	v.lon += miles / 60 * math.Sin(to) / math.Cos(v.lat*math.Pi/180)
}

func (s *sea) static(buf []byte, i int) []byte {
	m := ais.NewMessage(5, uint32(firstMMSI+i))
	m.Static.Name = ais.TextOf(fmt.Sprintf("LOAD %05d", i))
	m.Static.CallSign = ais.TextOf(fmt.Sprintf("LD%05d", i))
	m.Static.ShipType, m.Static.Bow, m.Static.Stern, m.Static.Port, m.Static.Starboard = 70, 120, 30, 12, 12
	return s.write(buf, &m, s.ships[i].station)
}

func (s *sea) write(buf []byte, m *ais.Message, station int) []byte {
	s.seq = (s.seq + 1) % 10
	out, err := ais.AppendSentences(buf, m, ais.Envelope{Channel: 'A' + s.seq%2, Seq: s.seq, Station: names[station]})
	if err != nil {
		panic(err) // a mistake of this command: every value is in range
	}
	return out
}

// report is when the nth report (from 0) of a vessel went out since its jump.
func (s *sea) report(mmsi uint32, n int) (time.Time, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.jumped[mmsi]
	if v == nil || n >= len(v.at) {
		return time.Time{}, false
	}
	return v.at[n], true
}
