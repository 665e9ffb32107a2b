package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Limits of connections. The events stream moves its own write deadline.
const (
	readHeaderTimeout = 10 * time.Second
	readTimeout       = 30 * time.Second
	writeTimeout      = 60 * time.Second
	idleTimeout       = 2 * time.Minute
	shutdownWait      = 10 * time.Second
	maxHeaderBytes    = 64 << 10
)

// ErrPlainHTTP means that the address could be reached from other machines
// without TLS.
var ErrPlainHTTP = errors.New("plain HTTP is allowed on loopback only; give a certificate, or let the server make its own")

// Listen opens the address, such as "127.0.0.1:8642". Without a TLS
// configuration only loopback is allowed: passwords must not cross a wire in
// the clear.
func Listen(ctx context.Context, address string, config *tls.Config) (net.Listener, error) {
	if config == nil {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			return nil, fmt.Errorf("listen on %q: %w", address, err)
		}
		if !isLoopback(host) {
			return nil, fmt.Errorf("listen on %q: %w", address, ErrPlainHTTP)
		}
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %q: %w", address, err)
	}
	if config != nil {
		l = tls.NewListener(l, config)
	}
	return l, nil
}

// Serve answers on the listener until ctx is done, then lets requests finish
// for ten seconds. It also sweeps expired sessions. It returns nil after an
// orderly end.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	hs := &http.Server{
		Handler: s, ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes,
		ErrorLog:    slog.NewLogLogger(s.log.Handler(), slog.LevelDebug), // handshakes of scanners
		BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
	sweeping, stop := context.WithCancel(ctx)
	swept := make(chan struct{})
	go func() {
		defer close(swept)
		s.sessions.Sweep(sweeping)
	}()
	defer func() { stop(); <-swept }()

	failed := make(chan error, 1)
	go func() { failed <- hs.Serve(l) }()
	select {
	case err := <-failed:
		s.End()
		return fmt.Errorf("serve on %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	s.End()
	wait, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownWait)
	defer cancel()
	if err := hs.Shutdown(wait); err != nil {
		_ = hs.Close() // what is still open is cut
		return fmt.Errorf("shut down the server: %w", err)
	}
	return nil
}
