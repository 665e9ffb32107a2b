package server

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/quaywatch/quaywatch/internal/identity"
)

// meter counts what the server does. Labels come from fixed sets, so that no
// client can make the metrics grow.
type meter struct {
	requests *prometheus.HistogramVec
	logins   *prometheus.CounterVec
	streams  prometheus.Gauge
	dropped  prometheus.Counter
}

func newMeter() *meter {
	return &meter{
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "quaywatch_http_request_seconds", Help: "Time to answer, by face and status.",
			Buckets: []float64{.001, .005, .01, .025, .05, .1, .25, .5, 1, 5},
		}, []string{"face", "status"}),
		logins: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "quaywatch_logins_total", Help: "Logins, by outcome.",
		}, []string{"outcome"}),
		streams: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "quaywatch_event_streams", Help: "Open event streams.",
		}),
		dropped: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "quaywatch_event_streams_refused_total", Help: "Event streams that were refused because too many were open.",
		}),
	}
}

func (m *meter) collectors() []prometheus.Collector {
	return []prometheus.Collector{m.requests, m.logins, m.streams, m.dropped}
}

func (m *meter) request(r *http.Request, status int, took time.Duration) {
	face := "console"
	switch {
	case r.URL.Path == "/api/v1/events", r.URL.Path == "/api/v1/vessels/live":
		return // as long as somebody looks on
	case strings.HasPrefix(r.URL.Path, "/api/"):
		face = "api"
	case strings.HasPrefix(r.URL.Path, "/assets/"):
		face = "assets"
	}
	m.requests.WithLabelValues(face, strconv.Itoa(status/100)+"xx").Observe(took.Seconds())
}

func (m *meter) login(err error) {
	var throttled *identity.ThrottledError
	outcome := "failed"
	switch {
	case err == nil:
		outcome = "accepted"
	case errors.Is(err, identity.ErrCredentials):
		outcome = "refused"
	case errors.As(err, &throttled):
		outcome = "throttled"
	case errors.Is(err, identity.ErrBusy):
		outcome = "busy"
	}
	m.logins.WithLabelValues(outcome).Inc()
}
