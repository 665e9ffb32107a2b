package system

import (
	"context"
	"net"
	"net/http"
	"testing"
	"time"
)

// TestServeWrappedEndsAfterItsRequests: the stores are closed when it returns, so
// a request that is under way must be over by then.
func TestServeWrappedEndsAfterItsRequests(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	entered, release, returned := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	h := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(entered)
		<-release
	})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ended := make(chan struct{})
	go func() { returned <- serveWrapped(ctx, l, func() { close(ended) }, h) }()
	answered := make(chan error, 1)
	go func() {
		res, err := http.Get("http://" + l.Addr().String())
		if err == nil {
			err = res.Body.Close()
		}
		answered <- err
	}()
	<-entered
	cancel()
	<-ended
	select {
	case <-returned:
		t.Fatal("it returned with a request under way")
	case <-time.After(100 * time.Millisecond): // time enough to return, had it not waited
	}
	close(release)
	if err := <-returned; err != nil {
		t.Error(err)
	}
	if err := <-answered; err != nil {
		t.Errorf("the request was cut: %v", err)
	}
}
