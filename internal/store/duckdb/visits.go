package duckdb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
)

// A visit is the number of positions that one vessel told inside one cell of
// gridDeg degrees in one hour. Visits exist for the hours before t.sorted, late
// rows included; they answer heat maps without a scan of the positions.
const (
	gridDeg   = 0.01
	sortGrace = 15 * time.Minute // after an hour, before it is sorted: most late rows are in by then
)

// sortHours rewrites the positions of each hour that is over, sorted by vessel,
// so that one vessel's day is read from few blocks, and counts their visits.
// Only hours that hold something are visited: a clock may tell any year.
// Each hour is one transaction: a crash repeats or has not begun it.
func (t *Telemetry) sortHours(ctx context.Context, now time.Time) error {
	end := now.UTC().Add(-sortGrace).Truncate(time.Hour)
	hours, err := t.times(ctx, "SELECT DISTINCT date_trunc('hour', time) AS h FROM positions WHERE time >= ? AND time < ? ORDER BY h", t.sorted, end)
	if err != nil {
		return fmt.Errorf("looking for unsorted hours: %w", err)
	}
	for _, hour := range hours {
		if err := t.sortHour(ctx, hour); err != nil {
			return fmt.Errorf("sorting the positions of %s: %w", hour.Format(time.RFC3339), err)
		}
	}
	return nil
}

func (t *Telemetry) sortHour(ctx context.Context, hour time.Time) error {
	next := hour.Add(time.Hour)
	for _, s := range []struct {
		q    string
		args []any
	}{
		{"BEGIN TRANSACTION", nil},
		{"CREATE OR REPLACE TEMP TABLE hour AS SELECT * FROM positions WHERE time >= ? AND time < ? ORDER BY mmsi, time", []any{hour, next}},
		{"DELETE FROM positions WHERE time >= ? AND time < ?", []any{hour, next}},
		{"INSERT INTO positions SELECT * FROM hour ORDER BY mmsi, time", nil},
		{fmt.Sprintf(`INSERT INTO visits SELECT ?, floor(lat / %v)::INTEGER AS y, floor(lon / %v)::INTEGER AS x, mmsi, count(*)
			FROM hour WHERE lat IS NOT NULL GROUP BY y, x, mmsi ORDER BY y, x, mmsi`, gridDeg, gridDeg), []any{hour}},
		{"DROP TABLE hour", nil},
		{"DELETE FROM sorted", nil},
		{"INSERT INTO sorted VALUES (?)", []any{next}},
		{"COMMIT", nil},
	} {
		if err := t.exec(ctx, s.q, s.args...); err != nil {
			return errors.Join(err, t.exec(context.WithoutCancel(ctx), "ROLLBACK"))
		}
	}
	t.sorted = next
	return nil
}

func (t *Telemetry) readSorted(ctx context.Context) (time.Time, error) {
	var upto sql.NullTime
	if err := t.db.QueryRowContext(ctx, "SELECT max(upto) FROM sorted").Scan(&upto); err != nil {
		return time.Time{}, fmt.Errorf("reading how far positions are sorted: %w", err)
	}
	if !upto.Valid {
		return time.Unix(0, 0).UTC(), nil
	}
	return upto.Time.UTC(), nil
}

// visit counts a position that is too late for the counting of its hour.
func (t *Telemetry) visit(r *event.VesselReport) error {
	if !r.Time.Before(t.sorted) || math.IsNaN(r.Lat) || math.IsNaN(r.Lon) {
		return nil
	}
	return t.row("visits", []driver.Value{r.Time.UTC().Truncate(time.Hour), cell(r.Lat, gridDeg), cell(r.Lon, gridDeg), r.MMSI, uint32(1)})
}

func cell(deg, size float64) int32 { return int32(math.Floor(deg / size)) }

// Heat counts the positions with event time in [from, to) inside box by cells
// of cellDeg degrees (0.0001 to 90), ordered from the south-west. Cells that
// are a multiple of 0.01 degrees are answered from the hourly visits where whole
// hours are asked for; a cell on the edge of the box then counts whole.
func (t *Telemetry) Heat(ctx context.Context, box [4]float64, cellDeg float64, from, to time.Time) ([]event.HeatCell, error) {
	if !(cellDeg >= 1e-4 && cellDeg <= 90) {
		return nil, fmt.Errorf("heat map: a cell of %v degrees is outside 0.0001 to 90", cellDeg)
	}
	t.mu.Lock()
	sorted := t.sorted
	t.mu.Unlock()
	t.days.RLock()
	defer t.days.RUnlock()
	scale := int64(math.Round(cellDeg / gridDeg))
	wholeCells := scale >= 1 && math.Abs(float64(scale)*gridDeg-cellDeg) < 1e-9
	counted := from // up to here visits answer, from here on the positions
	if until := earlier(to, sorted); wholeCells && from.Equal(from.Truncate(time.Hour)) && until.After(from) {
		counted = until.Truncate(time.Hour)
	}
	parts, args := []string{}, []any{}
	if counted.After(from) {
		part, a, err := t.visitCells(ctx, box, scale, from, counted)
		if err != nil {
			return nil, err
		}
		parts, args = append(parts, part), append(args, a...)
	}
	if to.After(counted) {
		part, a, err := t.positionCells(ctx, box, cellDeg, counted, to)
		if err != nil {
			return nil, err
		}
		parts, args = append(parts, part), append(args, a...)
	}
	return t.heat(ctx, parts, args, cellDeg)
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func (t *Telemetry) visitCells(ctx context.Context, box [4]float64, scale int64, from, to time.Time) (string, []any, error) {
	rel, err := t.relation(ctx, "visits", from, to)
	if err != nil {
		return "", nil, err
	}
	where, args := "time >= ? AND time < ?", []any{from, to}
	if box != [4]float64{} {
		where += " AND y BETWEEN ? AND ?"
		args = append(args, cell(box[0], gridDeg), cell(box[2], gridDeg))
		west, east := cell(box[1], gridDeg), cell(box[3], gridDeg)
		if west > east {
			where += " AND (x >= ? OR x <= ?)"
		} else {
			where += " AND x BETWEEN ? AND ?"
		}
		args = append(args, west, east)
	}
	return fmt.Sprintf("SELECT floor(y / %d)::INTEGER AS y, floor(x / %d)::INTEGER AS x, mmsi, n::BIGINT AS n FROM %s WHERE %s", scale, scale, rel, where), args, nil
}

func (t *Telemetry) positionCells(ctx context.Context, box [4]float64, cellDeg float64, from, to time.Time) (string, []any, error) {
	rel, err := t.relation(ctx, "positions", from, to)
	if err != nil {
		return "", nil, err
	}
	inBox, boxArgs := boxClause(box)
	return fmt.Sprintf("SELECT floor(lat / %v)::INTEGER AS y, floor(lon / %v)::INTEGER AS x, mmsi, 1::BIGINT AS n FROM %s WHERE time >= ? AND time < ? AND lat IS NOT NULL AND %s",
		cellDeg, cellDeg, rel, inBox), append([]any{from, to}, boxArgs...), nil
}

func (t *Telemetry) heat(ctx context.Context, parts []string, args []any, cellDeg float64) ([]event.HeatCell, error) {
	if len(parts) == 0 {
		return nil, nil
	}
	all := parts[0]
	for _, p := range parts[1:] {
		all += " UNION ALL " + p
	}
	rows, err := t.db.QueryContext(ctx, `WITH per AS (SELECT y, x, mmsi, sum(n) AS n FROM (`+all+`) GROUP BY y, x, mmsi)
		SELECT y, x, sum(n)::BIGINT, count(*) FROM per GROUP BY y, x ORDER BY y, x LIMIT ?`, append(args, maxRows)...)
	if err != nil {
		return nil, fmt.Errorf("reading the heat map: %w", err)
	}
	defer rows.Close()
	var out []event.HeatCell
	for rows.Next() {
		var x, y int
		var c event.HeatCell
		if err := rows.Scan(&y, &x, &c.Reports, &c.Vessels); err != nil {
			return nil, fmt.Errorf("reading the heat map: %w", err)
		}
		c.Lat, c.Lon = float64(y)*cellDeg, float64(x)*cellDeg
		out = append(out, c)
	}
	return out, rows.Err()
}
