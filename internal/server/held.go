package server

import (
	"context"
	"net/http"
	"time"

	"github.com/quaywatch/quaywatch/internal/identity"
)

// heldOpen runs a page that answers without end: the live link of the console.
// It ends with the server, or an open page would keep the server from going
// down; and with the rights of who looks, which are asked for anew at each
// heartbeat. One account can't use up the links of all.
func (s *Server) heldOpen(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, ok := identity.PrincipalFrom(r.Context())
		if !ok || !s.events.enter(p.Account.Name) {
			s.meter.dropped.Inc()
			w.Header().Set("Retry-After", "30")
			http.Error(w, "Too many pages are open in this account.", http.StatusServiceUnavailable)
			return
		}
		defer s.events.leave(p.Account.Name)
		ctx, cancel := context.WithCancel(r.Context())
		watched := make(chan struct{})
		go func() {
			defer close(watched)
			defer cancel()
			s.untilOver(ctx, p)
		}()
		defer func() { cancel(); <-watched }()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// untilOver waits for the end of the request, of the server or of the rights of p.
func (s *Server) untilOver(ctx context.Context, p identity.Principal) {
	tick := time.NewTicker(heartbeat)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.ending:
			return
		case <-tick.C:
			if !s.stillMay(ctx, p) {
				return
			}
		}
	}
}
