// Package server is the HTTP face of the product: the API under /api/v1
// (OpenAPI 3.1), the login, the guard in front of the console, metrics and
// health. It exists so that rights, limits, headers and problem documents are
// decided in one place for every page and endpoint. The composition root
// imports it; it sees the stages through the small interfaces in this file and
// never a store or the stream.
package server

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/identity"
	"github.com/quaywatch/quaywatch/internal/port"
	"github.com/quaywatch/quaywatch/internal/watch/health"
	"github.com/quaywatch/quaywatch/internal/watch/network"
	"github.com/quaywatch/quaywatch/internal/watch/physical"
	"github.com/quaywatch/quaywatch/internal/watch/vessel"
)

// Deps is what the server is joined to. Fields without "optional" are needed.
type Deps struct {
	Identity *identity.Service
	Port     func() *port.Port // the port file as loaded now; never nil
	Findings finding.Desk      // unguarded; the server guards it by the rights of who asks

	Vessels   func() vessel.Picture
	Network   func() network.Picture
	People    func() physical.Picture
	Sources   func() health.Picture
	Receivers func() []vessel.Receiver // of AIS; optional: the list is then empty

	Positions Positions // optional: history of vessels
	Flows     Flows     // optional: history of flows
	Operated  Operated  // optional: history of operations asked of devices
	Access    Access    // optional: history of access events
	Audit     AuditLog  // optional: reading the audit log

	Feeds func() []FeedStatus // optional: the AIS feeds out, in the order of the configuration

	Console http.Handler // everything that is not the API; requests to it are logged in, but for /assets/
	Pages   Pages        // login, set-up, password, problem

	Metrics prometheus.Gatherer // optional: /metrics
	Ready   []Check             // optional: what /healthz asks
	Log     *slog.Logger        // optional: discards
	Now     func() time.Time    // optional: time.Now

	Version string // of the program, for the API document
	Secure  bool   // served over TLS, by itself or by a proxy in front: cookies are Secure and HSTS is sent
	// Origins are further origins, such as "https://port.example", that browsers may send
	// unsafe requests from: needed behind a proxy that changes the Host header.
	Origins []string
	// ProxyHeader is the header in which a proxy on loopback tells the address of the
	// client, such as "X-Forwarded-For"; "" trusts none.
	ProxyHeader string
	// PublicMetrics opens /metrics to loopback without a login.
	PublicMetrics bool
}

// Positions is the history of vessels. Boxes are [south, west, north, east] in
// degrees; west may be greater than east where the box crosses the antimeridian.
type Positions interface {
	// LastPositions returns the newest position of each vessel in box told at or after since.
	LastPositions(ctx context.Context, box [4]float64, since time.Time, limit int) ([]event.VesselReport, error)
	// Track returns the positions of a vessel in [from, to), oldest first.
	Track(ctx context.Context, mmsi uint32, from, to time.Time, limit int) ([]event.VesselReport, error)
	// Heat counts positions in [from, to) by cells of cellDeg degrees.
	Heat(ctx context.Context, box [4]float64, cellDeg float64, from, to time.Time) ([]event.HeatCell, error)
}

// Flows is the history of network conversations.
type Flows interface {
	FlowTotals(ctx context.Context, q event.FlowQuery) ([]event.FlowTotal, error)
}

// Operated is the history of what was asked of devices.
type Operated interface {
	// Operations returns what fits the query, newest first.
	Operations(ctx context.Context, q event.OperationQuery) ([]event.DeviceOperation, error)
}

// Access is the history of readers and doors.
type Access interface {
	AccessEvents(ctx context.Context, q event.AccessQuery) ([]event.AccessEvent, error)
}

// AuditLog reads the audit log, newest first.
type AuditLog interface {
	// AuditEntries returns at most limit entries with Seq below before (0: from
	// the newest), of one subject where subject is not "".
	AuditEntries(ctx context.Context, subject string, before int64, limit int) ([]AuditRecord, error)
}

// AuditRecord is an entry with its place in the log, from 0.
type AuditRecord struct {
	Seq int64 `json:"seq"`
	identity.AuditEntry
}

// Check is one thing that has to work for the server to be ready.
type Check struct {
	Name string // such as "records"
	Test func(ctx context.Context) error
}

// check reports what is missing.
func (d Deps) check() error {
	var errs []error
	need := func(name string, missing bool) {
		if missing {
			errs = append(errs, errors.New("server: Deps."+name+" is missing"))
		}
	}
	need("Identity", d.Identity == nil)
	need("Port", d.Port == nil)
	need("Findings", d.Findings == nil)
	need("Vessels", d.Vessels == nil)
	need("Network", d.Network == nil)
	need("People", d.People == nil)
	need("Sources", d.Sources == nil)
	need("Console", d.Console == nil)
	need("Pages", d.Pages == nil)
	return errors.Join(errs...)
}
