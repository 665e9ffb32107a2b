package duckdb

import (
	"context"
	"database/sql"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
)

// FlowTotals sums flows by client, server and service, the largest by bytes first.
func (t *Telemetry) FlowTotals(ctx context.Context, q event.FlowQuery) ([]event.FlowTotal, error) {
	t.days.RLock()
	defer t.days.RUnlock()
	from, to := span(q.From, q.To)
	rel, err := t.relation(ctx, "flows", from, to)
	if err != nil {
		return nil, err
	}
	where, args := []string{"time >= ?", "time < ?"}, []any{from, to}
	if q.Port != 0 {
		where, args = append(where, "server_port = ?"), append(args, q.Port)
	}
	// Networks are matched here and not in SQL: DuckDB's inet type is an
	// extension, and none is loaded.
	text := `SELECT coalesce(client_ip, client_mac, ''), coalesce(server_ip, server_mac, ''), transport, server_port,
		coalesce(application, ''), count(*), sum(bytes_out)::BIGINT, sum(bytes_in)::BIGINT, min(time), max(last)
		FROM ` + rel + ` WHERE ` + strings.Join(where, " AND ") + `
		GROUP BY 1, 2, 3, 4, 5 ORDER BY sum(bytes_out) + sum(bytes_in) DESC, 1, 2, 3, 4, 5`
	rows, err := t.db.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, fmt.Errorf("reading flows: %w", err)
	}
	defer rows.Close()
	limit := limitOr(q.Limit, 1000)
	var out []event.FlowTotal
	for rows.Next() && len(out) < limit {
		var f event.FlowTotal
		if err := rows.Scan(&f.Client, &f.Server, &f.Transport, &f.Port, &f.Application, &f.Flows, &f.BytesOut, &f.BytesIn, &f.First, &f.Last); err != nil {
			return nil, fmt.Errorf("reading flows: %w", err)
		}
		if within(f.Client, q.Client) && within(f.Server, q.Server) {
			f.First, f.Last = f.First.UTC(), f.Last.UTC()
			out = append(out, f)
		}
	}
	return out, rows.Err()
}

// within reports whether an address is in one of the networks; no network means any.
func within(addr string, nets []netip.Prefix) bool {
	if len(nets) == 0 {
		return true
	}
	ip, err := netip.ParseAddr(addr)
	if err != nil {
		return false // a MAC: below IP
	}
	for _, n := range nets {
		if n.Contains(ip) {
			return true
		}
	}
	return false
}

// Operations returns what was asked of devices, newest first.
func (t *Telemetry) Operations(ctx context.Context, q event.OperationQuery) ([]event.DeviceOperation, error) {
	t.days.RLock()
	defer t.days.RUnlock()
	from, to := span(q.From, q.To)
	rel, err := t.relation(ctx, "operations", from, to)
	if err != nil {
		return nil, err
	}
	where, args := "time >= ? AND time < ?", []any{from, to}
	for _, end := range []struct {
		name      string
		addresses []string
	}{{"server", q.Servers}, {"client", q.Clients}} {
		if len(end.addresses) == 0 {
			continue
		}
		marks := strings.TrimSuffix(strings.Repeat("?, ", len(end.addresses)), ", ")
		where += " AND (" + end.name + "_ip IN (" + marks + ") OR " + end.name + "_ip IS NULL AND " + end.name + "_mac IN (" + marks + "))"
		for range 2 {
			for _, a := range end.addresses {
				args = append(args, a)
			}
		}
	}
	if q.Operation != "" {
		where, args = where+" AND operation = ?", append(args, q.Operation)
	}
	rows, err := t.db.QueryContext(ctx, `SELECT time, seen, told, exercise, source, input, pos, line, length, sum, raw,
		last, client_mac, client_ip, client_port, server_mac, server_ip, server_port, transport, protocol, operation, function,
		asked, accepted, refused FROM `+rel+` WHERE `+where+` ORDER BY time DESC, input, pos DESC, operation, function LIMIT ?`,
		append(args, limitOr(q.Limit, 1000))...)
	if err != nil {
		return nil, fmt.Errorf("reading operations: %w", err)
	}
	defer rows.Close()
	var out []event.DeviceOperation
	for rows.Next() {
		var o event.DeviceOperation
		var head headScan
		var cmac, cip, smac, sip, transport, function sql.NullString
		if err := rows.Scan(append(head.dest(), &o.Last, &cmac, &cip, &o.Client.Port, &smac, &sip, &o.Server.Port,
			&transport, &o.Protocol, &o.Operation, &function, &o.Asked, &o.Accepted, &o.Refused)...); err != nil {
			return nil, fmt.Errorf("reading operations: %w", err)
		}
		o.Head, o.Last = head.head(), o.Last.UTC()
		o.Client.MAC, o.Client.IP, o.Server.MAC, o.Server.IP = cmac.String, cip.String, smac.String, sip.String
		o.Transport, o.Function = transport.String, function.String
		out = append(out, o)
	}
	return out, rows.Err()
}

// AccessEvents returns the access events of a query, newest first.
func (t *Telemetry) AccessEvents(ctx context.Context, q event.AccessQuery) ([]event.AccessEvent, error) {
	t.days.RLock()
	defer t.days.RUnlock()
	from, to := span(q.From, q.To)
	rel, err := t.relation(ctx, "access", from, to)
	if err != nil {
		return nil, err
	}
	where, args := "time >= ? AND time < ?", []any{from, to}
	if q.Reader != "" {
		where, args = where+" AND reader = ?", append(args, q.Reader)
	}
	if q.Badge != "" {
		where, args = where+" AND badge = ?", append(args, q.Badge)
	}
	rows, err := t.db.QueryContext(ctx, `SELECT time, seen, told, exercise, source, input, pos, line, length, sum, raw,
		reader, badge, person, result, direction, reason FROM `+rel+` WHERE `+where+` ORDER BY time DESC, input, pos DESC LIMIT ?`,
		append(args, limitOr(q.Limit, 1000))...)
	if err != nil {
		return nil, fmt.Errorf("reading access events: %w", err)
	}
	defer rows.Close()
	var out []event.AccessEvent
	for rows.Next() {
		var e event.AccessEvent
		var head headScan
		var badge, person, result, direction, reason sql.NullString
		if err := rows.Scan(append(head.dest(), &e.Reader, &badge, &person, &result, &direction, &reason)...); err != nil {
			return nil, fmt.Errorf("reading access events: %w", err)
		}
		e.Head = head.head()
		e.Badge, e.Person, e.Direction, e.Reason = badge.String, person.String, direction.String, reason.String
		e.Result = event.AccessResult(result.String)
		out = append(out, e)
	}
	return out, rows.Err()
}

// Counts are the rows of each table, live and closed.
func (t *Telemetry) Counts(ctx context.Context) (map[string]int64, error) {
	t.days.RLock()
	defer t.days.RUnlock()
	out := map[string]int64{}
	for _, tab := range tables {
		rel, err := t.relation(ctx, tab.name, time.Unix(0, 0), farFuture)
		if err != nil {
			return nil, err
		}
		var n int64
		if err := t.db.QueryRowContext(ctx, "SELECT count(*) FROM "+rel).Scan(&n); err != nil {
			return nil, fmt.Errorf("counting %s: %w", tab.name, err)
		}
		out[tab.name] = n
	}
	return out, nil
}

// FlowFile collects flows on disk and writes them as one Parquet file: as many
// as there are, in bounded memory.
type FlowFile struct {
	t   *Telemetry
	seq uint64
}

// NewFlowFile begins a flow file; workDir is used meanwhile.
func NewFlowFile(ctx context.Context, workDir string) (*FlowFile, error) {
	t, err := Open(ctx, Options{Dir: workDir, Threads: 1, FlushEvery: time.Hour, MemoryMiB: 256})
	if err != nil {
		return nil, err
	}
	return &FlowFile{t: t}, nil
}

// Add adds flows.
func (f *FlowFile) Add(ctx context.Context, flows []event.Flow) error {
	if len(flows) == 0 {
		return nil
	}
	f.seq++
	return f.t.Append(ctx, []event.Stored{{Seq: f.seq, Batch: &event.Batch{ID: "flows", Flows: flows}}})
}

// WriteTo writes what was added with the columns of the flows table, ordered by
// time, addresses and place in the input, whole or not at all. The same flows
// give the same bytes.
func (f *FlowFile) WriteTo(ctx context.Context, path string) error {
	if err := f.t.Flush(ctx); err != nil {
		return err
	}
	part := path + ".part"
	q := `COPY (SELECT * FROM flows ORDER BY time, client_ip, client_mac, client_port, server_ip, server_mac, server_port, transport, input, pos, last)
		TO ` + quote(part) + ` (FORMAT parquet, COMPRESSION zstd)`
	if err := f.t.exec(ctx, q); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	if err := syncFile(part); err != nil {
		return err
	}
	if err := os.Rename(part, path); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}

// Close ends the flow file.
func (f *FlowFile) Close() error { return f.t.Close() }

func span(from, to time.Time) (time.Time, time.Time) {
	if from.IsZero() {
		from = time.Unix(0, 0).UTC()
	}
	if to.IsZero() {
		to = farFuture
	}
	return from, to
}

func limitOr(limit, usual int) int {
	if limit <= 0 {
		limit = usual
	}
	return min(limit, maxRows)
}
