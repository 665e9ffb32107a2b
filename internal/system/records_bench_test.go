package system

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quaywatch/quaywatch/internal/config"
	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/source"
)

// recordRows are so many that the second after which telemetry is written at the latest is a
// small part of the time.
const recordRows = 400_000

// counting counts the batches that a sink took.
type counting struct {
	source.Sink
	put *atomic.Uint64
}

func (c counting) Put(ctx context.Context, b *event.Batch) error {
	if err := c.Sink.Put(ctx, b); err != nil {
		return err
	}
	c.put.Add(1)
	return nil
}

// record gives the ends of conversation i: most of the office to its servers, a
// third inside a zone, one in fifty to cranes, which nothing allows.
func record(i int) (client, server string, port int, service string) {
	if i%50 == 0 { // undeclared, of twenty stations
		return fmt.Sprintf("10.20.4.%d", 1+i/50%20), fmt.Sprintf("10.40.2.%d", 1+i/1000%10), 502, "modbus"
	}
	if i%3 == 0 { // inside a zone
		return fmt.Sprintf("10.30.20.%d", 1+i/3%200), fmt.Sprintf("10.30.20.%d", 201+i/7%40), 443, "tls"
	}
	return fmt.Sprintf("10.20.4.%d", 1+i/11%250), fmt.Sprintf("10.20.10.%d", 1+i/13%50), 443, "tls"
}

// logsOf writes recordRows conversations as Zeek's TSV, its JSON, and EVE.
func logsOf(b *testing.B, kind string) string {
	b.Helper()
	name := map[string]string{"zeek": "conn.log", "zeek-json": "conn.log", "eve": "eve.json"}[kind]
	path := filepath.Join(b.TempDir(), name)
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	w := bufio.NewWriter(f)
	if kind == "zeek" {
		fmt.Fprintln(w, "#separator \\x09\n#path\tconn\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration\torig_bytes\tresp_bytes\tconn_state\tlocal_orig\tlocal_resp\tmissed_bytes\thistory\torig_pkts\torig_ip_bytes\tresp_pkts\tresp_ip_bytes\ttunnel_parents")
	}
	for i := range recordRows {
		c, s, port, service := record(i)
		ts := float64(1772344800) + float64(i)/1000
		switch kind {
		case "zeek":
			fmt.Fprintf(w, "%.6f\tC%016x\t%s\t%d\t%s\t%d\ttcp\t%s\t1.250000\t900\t1800\tSF\tT\tT\t0\tShADadFf\t9\t1368\t8\t2216\t-\n", ts, i, c, 40000+i%20000, s, port, service)
		case "zeek-json":
			fmt.Fprintf(w, `{"ts":%.6f,"uid":"C%016x","id.orig_h":"%s","id.orig_p":%d,"id.resp_h":"%s","id.resp_p":%d,"proto":"tcp","service":"%s","duration":1.25,"orig_bytes":900,"resp_bytes":1800,"conn_state":"SF","local_orig":true,"local_resp":true,"missed_bytes":0,"history":"ShADadFf","orig_pkts":9,"orig_ip_bytes":1368,"resp_pkts":8,"resp_ip_bytes":2216}`+"\n",
				ts, i, c, 40000+i%20000, s, port, service)
		case "eve":
			at := time.UnixMicro(int64(ts * 1e6)).UTC().Format("2006-01-02T15:04:05.000000-0700")
			fmt.Fprintf(w, `{"timestamp":"%s","flow_id":%d,"in_iface":"eth1","event_type":"flow","src_ip":"%s","src_port":%d,"dest_ip":"%s","dest_port":%d,"proto":"TCP","app_proto":"%s","flow":{"pkts_toserver":9,"pkts_toclient":8,"bytes_toserver":1368,"bytes_toclient":2216,"start":"%s","end":"%s","age":1,"state":"closed","reason":"timeout","alerted":false},"tcp":{"tcp_flags":"1b","tcp_flags_ts":"1b","tcp_flags_tc":"1b","syn":true,"fin":true,"psh":true,"ack":true,"state":"closed"}}`+"\n",
				at, i+1, c, 40000+i%20000, s, port, service, at, at)
		}
	}
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
	return path
}

// BenchmarkRecords reads flow records of sensors as the running system does: from
// the file through the source into the stream (fsync before the acknowledgement),
// judged against zones and conduits, durable in telemetry. The figure is records a
// second until the last one is judged and durable.
func BenchmarkRecords(b *testing.B) {
	for _, kind := range []string{"zeek", "zeek-json", "eve"} {
		b.Run(kind, func(b *testing.B) {
			path := logsOf(b, kind)
			dir := b.TempDir()
			cfg, err := config.Parse(dir+"/quaywatch.yaml", nil)
			if err != nil {
				b.Fatal(err)
			}
			cfg.Port = "../../examples/saltmere/port.yaml"
			s, err := Open(context.Background(), cfg, Options{Command: "bench"})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			ctx, stop := context.WithCancel(context.Background())
			done := make(chan error, 1)
			go func() { done <- s.pipeline(ctx) }()
			go func() { _ = every(ctx, time.Second, s.telemetry.Flush) }() // as in the running system
			var put atomic.Uint64
			n := 0
			used := processor()
			for b.Loop() {
				n++
				k := config.KindZeek
				if kind == "eve" {
					k = config.KindEVE
				}
				src, err := newSource(config.Source{ID: fmt.Sprintf("bench-%d", n), Kind: k, Address: path}, nil, nil, nil)
				if err != nil {
					b.Fatal(err)
				}
				if err := src.Run(ctx, counting{s.stream, &put}); err != nil {
					b.Fatal(err)
				}
				for s.telemetry.Position() < put.Load() || s.seen.Load() < put.Load() {
					time.Sleep(time.Millisecond)
				}
			}
			b.ReportMetric(float64(n)*recordRows/b.Elapsed().Seconds(), "records/s")
			b.ReportMetric(float64((processor()-used).Nanoseconds())/(float64(n)*recordRows), "cpu-ns/record")
			b.StopTimer()
			stop()
			<-done
			counts, err := s.telemetry.Counts(context.Background())
			if err != nil || counts["flows"] != int64(n)*recordRows {
				b.Fatalf("%d flows are kept of %d (%v)", counts["flows"], n*recordRows, err)
			}
		})
	}
}
