package stream

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// freePorts returns n loopback ports that were free a moment ago.
func freePorts(t *testing.T, n int) []int {
	t.Helper()
	var ports []int
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports
}

// cluster starts three JetStream servers on loopback that know each other.
func cluster(t *testing.T) []*server.Server {
	t.Helper()
	routes := freePorts(t, 3)
	var urls []*url.URL
	for _, p := range routes {
		urls = append(urls, &url.URL{Scheme: "nats", Host: fmt.Sprint("127.0.0.1:", p)})
	}
	var nodes []*server.Server
	for i, p := range routes {
		ns, err := server.NewServer(&server.Options{ServerName: fmt.Sprint("n", i), Host: "127.0.0.1", Port: server.RANDOM_PORT,
			JetStream: true, StoreDir: t.TempDir(), SyncAlways: true, MaxPayload: maxPayload, NoSigs: true, NoLog: true,
			JetStreamMaxStore: 4 << 30, JetStreamMaxMemory: 64 << 20,
			Cluster: server.ClusterOpts{Name: "port", Host: "127.0.0.1", Port: p}, Routes: urls})
		if err != nil {
			t.Fatal(err)
		}
		ns.Start()
		t.Cleanup(func() { ns.Shutdown(); ns.WaitForShutdown() })
		nodes = append(nodes, ns)
	}
	deadline := time.Now().Add(30 * time.Second)
	for _, ns := range nodes {
		for !ns.ReadyForConnections(time.Second) || !ns.JetStreamIsCurrent() {
			if time.Now().After(deadline) {
				t.Fatal("the cluster did not get ready in 30 s")
			}
		}
	}
	return nodes
}

// TestClusterLosesNothingAcknowledgedWhenTheLeaderDies runs the same code on a
// cluster of three with three replicas and ends the leader of the stream in the
// middle of the puts.
func TestClusterLosesNothingAcknowledgedWhenTheLeaderDies(t *testing.T) {
	if testing.Short() {
		t.Skip("three servers take seconds to elect a leader")
	}
	nodes := cluster(t)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	var all string
	for _, ns := range nodes {
		all += "," + ns.ClientURL()
	}
	var s *Stream
	for s == nil { // the first election may still be under way
		var err error
		if s, err = Open(ctx, Options{URL: all[1:], Replicas: 3, MaxBytes: 64 << 20}); err != nil && ctx.Err() != nil {
			t.Fatal(err)
		}
	}
	defer s.Close()
	acked := map[string]bool{}
	for i := range 300 {
		if i == 100 {
			info, err := s.stream.Info(ctx)
			if err != nil {
				t.Fatal(err)
			}
			for _, ns := range nodes {
				if ns.Name() == info.Cluster.Leader {
					ns.Shutdown()
				}
			}
		}
		id := fmt.Sprint("c", i)
		if err := s.Put(ctx, vessels(id, 2, 10)); err != nil { // waits while there is no leader
			t.Fatalf("batch %s: %v", id, err)
		}
		acked[id] = true
	}
	seen := map[string]int{}
	for _, m := range take(t, s, 0, len(acked)) {
		seen[m.Batch.ID]++
	}
	for id := range acked {
		if seen[id] != 1 {
			t.Errorf("batch %s was acknowledged and is there %d times", id, seen[id])
		}
	}
}
