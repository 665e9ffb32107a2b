package duckdb

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
)

// maxRows bounds every answer.
const maxRows = 200_000

// LastPositions returns the newest position of each vessel with event time at or
// after since, inside box (south, west, north, east in degrees; west may be
// greater than east across the antimeridian; the zero box is the world),
// ordered by MMSI.
func (t *Telemetry) LastPositions(ctx context.Context, box [4]float64, since time.Time, limit int) ([]event.VesselReport, error) {
	if out, ok := t.newest.since(box, since, bound(limit)); ok {
		return out, nil
	}
	return t.lastFromTables(ctx, box, since, limit)
}

func (t *Telemetry) lastFromTables(ctx context.Context, box [4]float64, since time.Time, limit int) ([]event.VesselReport, error) {
	t.days.RLock()
	defer t.days.RUnlock()
	rel, err := t.relation(ctx, "positions", since, farFuture)
	if err != nil {
		return nil, err
	}
	inBox, boxArgs := boxClause(box)
	q := `WITH newest AS (SELECT mmsi, max(time) AS time FROM ` + rel + ` WHERE time >= ? AND lat IS NOT NULL GROUP BY mmsi),
		found AS (SELECT DISTINCT ON (p.mmsi) ` + positionColumns("p.") + ` FROM ` + rel + ` p JOIN newest n ON p.mmsi = n.mmsi AND p.time = n.time
			WHERE p.time >= ? AND p.lat IS NOT NULL ORDER BY p.mmsi, p.input, p.pos)
		SELECT * FROM found WHERE ` + inBox + ` ORDER BY mmsi LIMIT ?`
	args := append([]any{since, since}, boxArgs...)
	return t.positions(ctx, q, append(args, bound(limit))...)
}

// PositionsAt returns the newest position of each vessel told within window up to
// at, inside box: the picture of a moment of the past. Ordered by MMSI.
func (t *Telemetry) PositionsAt(ctx context.Context, box [4]float64, at time.Time, window time.Duration, limit int) ([]event.VesselReport, error) {
	t.days.RLock()
	defer t.days.RUnlock()
	from := at.Add(-window)
	rel, err := t.relation(ctx, "positions", from, at)
	if err != nil {
		return nil, err
	}
	inBox, boxArgs := boxClause(box)
	q := `WITH near AS (SELECT ` + positionColumns("") + ` FROM ` + rel + ` WHERE time > ? AND time <= ? AND lat IS NOT NULL),
		found AS (SELECT DISTINCT ON (mmsi) * FROM near ORDER BY mmsi, time DESC, input, pos)
		SELECT * FROM found WHERE ` + inBox + ` ORDER BY mmsi LIMIT ?`
	args := append([]any{from, at}, boxArgs...)
	return t.positions(ctx, q, append(args, bound(limit))...)
}

// boxClause is the condition of a box and its arguments.
func boxClause(box [4]float64) (string, []any) {
	south, west, north, east := box[0], box[1], box[2], box[3]
	switch {
	case box == [4]float64{}:
		return "true", nil
	case west > east:
		return "lat BETWEEN ? AND ? AND (lon >= ? OR lon <= ?)", []any{south, north, west, east}
	default:
		return "lat BETWEEN ? AND ? AND lon BETWEEN ? AND ?", []any{south, north, west, east}
	}
}

// Track returns the positions of one MMSI from one time to another, oldest first.
func (t *Telemetry) Track(ctx context.Context, mmsi uint32, from, to time.Time, limit int) ([]event.VesselReport, error) {
	t.days.RLock()
	defer t.days.RUnlock()
	rel, err := t.relation(ctx, "positions", from, to)
	if err != nil {
		return nil, err
	}
	q := `SELECT ` + positionColumns("") + ` FROM ` + rel + ` WHERE mmsi = ? AND time >= ? AND time < ? AND lat IS NOT NULL ORDER BY time LIMIT ?`
	return t.positions(ctx, q, mmsi, from, to, bound(limit))
}

// farFuture bounds "until now": event times may be ahead of this machine's clock.
var farFuture = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)

func bound(limit int) int {
	if limit <= 0 || limit > maxRows {
		return maxRows
	}
	return limit
}

func positionColumns(prefix string) string {
	cols := []string{"time", "seen", "told", "exercise", "source", "input", "pos", "line", "length", "sum", "raw",
		"mmsi", "type", "lat", "lon", "sog", "cog", "heading", "turn", "status", "second", "flags", "station"}
	for i := range cols {
		cols[i] = prefix + cols[i]
	}
	return strings.Join(cols, ", ")
}

func (t *Telemetry) positions(ctx context.Context, q string, args ...any) ([]event.VesselReport, error) {
	rows, err := t.db.QueryContext(ctx, q, args...)
	if err != nil {
		return nil, fmt.Errorf("reading positions: %w", err)
	}
	defer rows.Close()
	var out []event.VesselReport
	for rows.Next() {
		var r event.VesselReport
		var head headScan
		var lat, lon sql.NullFloat64
		var sog, cog, heading, turn sql.NullFloat64
		var status, second sql.NullInt16
		var flags uint8
		var station sql.NullString
		dest := append(head.dest(), &r.MMSI, &r.Type, &lat, &lon, &sog, &cog, &heading, &turn, &status, &second, &flags, &station)
		if err := rows.Scan(dest...); err != nil {
			return nil, fmt.Errorf("reading positions: %w", err)
		}
		r.Head = head.head()
		r.Lat, r.Lon = orNaN(lat), orNaN(lon)
		r.SOG, r.COG, r.Heading, r.Turn = float32(orNaN(sog)), float32(orNaN(cog)), float32(orNaN(heading)), float32(orNaN(turn))
		r.Status, r.Second = orAbsent(status), orAbsent(second)
		r.Accurate, r.RAIM, r.ClassB = flags&flagAccurate != 0, flags&flagRAIM != 0, flags&flagClassB != 0
		r.Station = station.String
		out = append(out, r)
	}
	return out, rows.Err()
}

// headScan reads the head columns back.
type headScan struct {
	h                       event.Head
	exercise, source, input sql.NullString
	length                  int32
	sum, raw                []byte
}

func (s *headScan) dest() []any {
	return []any{&s.h.Time, &s.h.Seen, &s.h.Told, &s.exercise, &s.source, &s.input, &s.h.Raw.Offset, &s.h.Raw.Line,
		&s.length, &s.sum, &s.raw}
}

func (s *headScan) head() event.Head {
	h := s.h
	h.Time, h.Seen = h.Time.UTC(), h.Seen.UTC()
	h.Exercise, h.Source = s.exercise.String, s.source.String
	h.Raw.Input, h.Raw.Length, h.Raw.Text = s.input.String, int(s.length), s.raw
	switch {
	case len(s.sum) == len(h.Raw.Sum):
		copy(h.Raw.Sum[:], s.sum)
	case len(s.raw) > 0 && len(s.raw) == h.Raw.Length:
		h.Raw.Sum = event.SumOf(s.raw)
	}
	return h
}

func orNaN(f sql.NullFloat64) float64 {
	if !f.Valid {
		return math.NaN()
	}
	return f.Float64
}

func orAbsent(n sql.NullInt16) int8 {
	if !n.Valid {
		return -1
	}
	return int8(n.Int16)
}
