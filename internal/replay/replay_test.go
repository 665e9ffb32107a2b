package replay

import (
	"bytes"
	"context"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

// capture has a date before each sentence, a damaged line, a message of two
// sentences and a comment.
const capture = "2016-03-31 00:00:01, !AIVDM,1,1,,A,15RTgt0PAso;90TKcjM8h6g208CQ,0*4A\n" +
	"# a remark\n" +
	"2016-03-31 00:00:05, !AIVDM,1,1,,A,15RTgt0PAso;90TKcjM8h6g208CQ,0*4B\n" +
	"2016-03-31 00:00:11, !AIVDM,2,1,9,B,58KvN<42ACikUKW77F1H4hF0<PTp622222222216`0`cF5BF0RT13H0T,0*70\n" +
	"2016-03-31 00:00:11, !AIVDM,2,2,9,B,PFRC88888888880,2*29\n" +
	"2016-03-31 00:00:03, !AIVDM,1,1,,A,15RTgt0PAso;90TKcjM8h6g208CQ,0*4A"

// log is a sink and a clock: it notes what came and how long was waited for.
type log struct {
	bytes.Buffer
	now    time.Duration
	waited []time.Duration
}

func (l *log) Send(_ context.Context, b []byte) error { _, err := l.Write(b); return err }

func (l *log) options(speed float64) Options {
	return Options{Speed: speed, Since: func() time.Duration { return l.now }, Wait: func(_ context.Context, d time.Duration) error {
		l.waited = append(l.waited, d)
		l.now += d
		return nil
	}}
}

func TestTimesAreKept(t *testing.T) {
	for _, x := range []struct {
		speed  float64
		waited []time.Duration
	}{
		{0, nil},
		{1, []time.Duration{10 * time.Second}}, // from 00:00:01 to 00:00:11; the late one goes at once
		{20, []time.Duration{500 * time.Millisecond}},
	} {
		var l log
		stats, err := Play(t.Context(), strings.NewReader(capture), &l, l.options(x.speed))
		if err != nil || l.String() != capture+"\n" {
			t.Errorf("speed %g sends other bytes (%v):\n%s", x.speed, err, l.String())
		}
		if !slices.Equal(l.waited, x.waited) {
			t.Errorf("speed %g waits %v, want %v", x.speed, l.waited, x.waited)
		}
		if want := (Stats{Lines: 6, Messages: 3, Timed: 3, Recorded: 10 * time.Second}); stats != want {
			t.Errorf("speed %g: %+v, want %+v", x.speed, stats, want)
		}
	}
}

func TestBareSentences(t *testing.T) {
	var l log
	o := l.options(0)
	o.Bare = true
	if _, err := Play(t.Context(), strings.NewReader(capture), &l, o); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(l.String(), "2016") || strings.Count(l.String(), "\r\n") != 5 {
		t.Errorf("sent:\n%s", l.String())
	}
}

// What is no capture is sent as it is, in bounded memory.
func TestAnythingIsPlayed(t *testing.T) {
	long := strings.Repeat("x", 5*maxHeld) + "\n"
	var l log
	if _, err := Play(t.Context(), strings.NewReader(long+capture), &l, l.options(1)); err != nil || l.String() != long+capture+"\n" {
		t.Errorf("%d bytes sent of %d (%v)", l.Len(), len(long+capture)+1, err)
	}
	if _, err := Play(t.Context(), strings.NewReader(""), &l, Options{Speed: -1}); err == nil {
		t.Error("a negative speed was taken")
	}
}

func FuzzPlay(f *testing.F) {
	f.Add([]byte(capture))
	f.Add([]byte("$PGHP,1,2010,6,11,11,46,11,390,231,45,992190934,1,2B*5B\r\n!AIVDM,1,1,,B,402=481uaUcf;OQ55JS9ITi025Jp,0*2B"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var l log
		if _, err := Play(t.Context(), bytes.NewReader(b), &l, l.options(1)); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(bytes.TrimSuffix(l.Bytes(), []byte("\n")), bytes.TrimSuffix(b, []byte("\n"))) {
			t.Errorf("%q was sent as %q", b, l.Bytes())
		}
	})
}

func TestEndOfContextEndsTheWait(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	l := log{}
	o := l.options(1)
	o.Wait = func(ctx context.Context, _ time.Duration) error { cancel(); return wait(ctx, time.Hour) }
	if _, err := Play(ctx, strings.NewReader(capture), &l, o); err == nil {
		t.Error("it went on after its end")
	}
}

// Several clients get all of it, and the end.
func TestServer(t *testing.T) {
	s, err := Listen(t.Context(), "127.0.0.1:0", 3)
	if err != nil {
		t.Fatal(err)
	}
	s.Block = true
	got := make(chan string, 3)
	for range 3 {
		conn, err := net.Dial("tcp", s.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			b, _ := io.ReadAll(conn) // what came is compared
			got <- string(b)
		}()
	}
	if err := s.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	many := strings.Repeat(capture+"\n", 500)
	if _, err := Play(t.Context(), strings.NewReader(many), s, Options{}); err != nil {
		t.Fatal(err)
	}
	clients, lost, err := s.Close()
	if err != nil || clients != 3 || lost != 0 {
		t.Errorf("%d clients, %d lost: %v", clients, lost, err)
	}
	for range 3 {
		if b := <-got; b != many {
			t.Errorf("a client got %d bytes of %d", len(b), len(many))
		}
	}
}

// A client that takes nothing costs the others neither lines nor time.
func TestSlowClient(t *testing.T) {
	s, err := Listen(t.Context(), "127.0.0.1:0", 1)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	piece := bytes.Repeat([]byte("x"), 64<<10)
	for range 4 * queued { // more than queue and sockets hold
		if err := s.Send(t.Context(), piece); err != nil {
			t.Fatal(err)
		}
	}
	_ = conn.Close() // gone without having read
	if _, lost, err := s.Close(); err != nil || lost == 0 {
		t.Errorf("%d lost: %v", lost, err)
	}
}

func TestDatagrams(t *testing.T) {
	l, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	d, err := Dial(t.Context(), l.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	if err := d.Send(t.Context(), []byte(strings.Repeat("0123456789\n", 300))); err != nil { // 3300 bytes
		t.Fatal(err)
	}
	buf, sum := make([]byte, 65536), 0
	if err := l.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	for sum < 3300 {
		n, _, err := l.ReadFrom(buf)
		if err != nil || n > maxDatagram || buf[n-1] != '\n' {
			t.Fatalf("a datagram of %d bytes after %d: %v", n, sum, err)
		}
		sum += n
	}
}
