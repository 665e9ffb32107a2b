package duckdb

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"

	duck "github.com/duckdb/duckdb-go/v2"
)

// Positions are nearly all of what comes in. They don't go through an appender,
// which takes each value of each row as an interface and a call into C: DuckDB
// reads them, a chunk at a time, from the function below, straight out of the
// batches that wait.
const waitingPositions = "waiting_positions"

// positionColumn is a column of the table positions, in its order.
type positionColumn struct {
	name string
	kind duck.Type
	sql  string
	put  func(c *duck.DataChunk, col, row int, r *event.VesselReport) error
	// has tells, for a column that is often empty, whether a report fills it. One
	// that no report of a flush fills is not asked for: NULL costs nothing then.
	has func(r *event.VesselReport) bool
}

// value writes what a report has.
func value[T any](of func(r *event.VesselReport) T) func(*duck.DataChunk, int, int, *event.VesselReport) error {
	return func(c *duck.DataChunk, col, row int, r *event.VesselReport) error {
		return duck.SetChunkValue(*c, col, row, of(r))
	}
}

// known is value, and NULL where has says no.
func known[T any](has func(r *event.VesselReport) bool, of func(r *event.VesselReport) T) func(*duck.DataChunk, int, int, *event.VesselReport) error {
	return func(c *duck.DataChunk, col, row int, r *event.VesselReport) error {
		if !has(r) {
			return c.SetValue(col, row, nil)
		}
		return duck.SetChunkValue(*c, col, row, of(r))
	}
}

func always[T any](name string, kind duck.Type, sql string, of func(r *event.VesselReport) T) positionColumn {
	return positionColumn{name: name, kind: kind, sql: sql, put: value(of)}
}

func often[T any](name string, kind duck.Type, sql string, has func(r *event.VesselReport) bool, of func(r *event.VesselReport) T) positionColumn {
	return positionColumn{name: name, kind: kind, sql: sql, put: known(has, of), has: has}
}

var waitingColumns = []positionColumn{
	always("time", duck.TYPE_TIMESTAMP, "TIMESTAMP", func(r *event.VesselReport) time.Time { return r.Time }),
	always("seen", duck.TYPE_TIMESTAMP, "TIMESTAMP", func(r *event.VesselReport) time.Time { return r.Seen }),
	always("told", duck.TYPE_BOOLEAN, "BOOLEAN", func(r *event.VesselReport) bool { return r.Told }),
	often("exercise", duck.TYPE_VARCHAR, "VARCHAR", func(r *event.VesselReport) bool { return r.Exercise != "" },
		func(r *event.VesselReport) string { return r.Exercise }),
	always("source", duck.TYPE_VARCHAR, "VARCHAR", func(r *event.VesselReport) string { return r.Source }),
	always("input", duck.TYPE_VARCHAR, "VARCHAR", func(r *event.VesselReport) string { return r.Raw.Input }),
	always("pos", duck.TYPE_BIGINT, "BIGINT", func(r *event.VesselReport) int64 { return r.Raw.Offset }),
	always("line", duck.TYPE_BIGINT, "BIGINT", func(r *event.VesselReport) int64 { return r.Raw.Line }),
	always("length", duck.TYPE_INTEGER, "INTEGER", func(r *event.VesselReport) int32 { return int32(r.Raw.Length) }),
	often("sum", duck.TYPE_BLOB, "BLOB", func(r *event.VesselReport) bool { return keepsSum(&r.Raw) },
		func(r *event.VesselReport) []byte { return r.Raw.Sum[:] }),
	often("raw", duck.TYPE_BLOB, "BLOB", func(r *event.VesselReport) bool { return len(r.Raw.Text) > 0 },
		func(r *event.VesselReport) []byte { return r.Raw.Text }),
	always("mmsi", duck.TYPE_UINTEGER, "UINTEGER", func(r *event.VesselReport) uint32 { return r.MMSI }),
	always("type", duck.TYPE_UTINYINT, "UTINYINT", func(r *event.VesselReport) uint8 { return r.Type }),
	often("lat", duck.TYPE_DOUBLE, "DOUBLE", func(r *event.VesselReport) bool { return !math.IsNaN(r.Lat) },
		func(r *event.VesselReport) float64 { return r.Lat }),
	often("lon", duck.TYPE_DOUBLE, "DOUBLE", func(r *event.VesselReport) bool { return !math.IsNaN(r.Lon) },
		func(r *event.VesselReport) float64 { return r.Lon }),
	float("sog", func(r *event.VesselReport) float32 { return r.SOG }),
	float("cog", func(r *event.VesselReport) float32 { return r.COG }),
	float("heading", func(r *event.VesselReport) float32 { return r.Heading }),
	float("turn", func(r *event.VesselReport) float32 { return r.Turn }),
	often("status", duck.TYPE_TINYINT, "TINYINT", func(r *event.VesselReport) bool { return r.Status >= 0 },
		func(r *event.VesselReport) int8 { return r.Status }),
	often("second", duck.TYPE_TINYINT, "TINYINT", func(r *event.VesselReport) bool { return r.Second >= 0 },
		func(r *event.VesselReport) int8 { return r.Second }),
	always("flags", duck.TYPE_UTINYINT, "UTINYINT", flags),
	often("station", duck.TYPE_VARCHAR, "VARCHAR", func(r *event.VesselReport) bool { return r.Station != "" },
		func(r *event.VesselReport) string { return r.Station }),
}

func float(name string, of func(r *event.VesselReport) float32) positionColumn {
	return often(name, duck.TYPE_FLOAT, "FLOAT", func(r *event.VesselReport) bool { return !math.IsNaN(float64(of(r))) }, of)
}

// isPosition reports whether a report goes into the table positions: all do but
// those that only tell who the vessel is, or what a base station's clock says.
func isPosition(r *event.VesselReport) bool {
	return !isStatic(r) || !math.IsNaN(r.Lat)
}

func isStatic(r *event.VesselReport) bool { return r.Static || !r.Clock.IsZero() }

// waiting is what one flush writes into positions. DuckDB calls it from one
// thread, while the writer waits for the statement.
type waiting struct {
	batches []event.Stored
	rows    int    // how many positions they hold
	filled  []bool // by column, whether any of them fills it
	next    int    // batch, and
	at      int    // row in it, to go on with
}

// newWaiting looks through the batches.
func newWaiting(batches []event.Stored) *waiting {
	w := &waiting{batches: batches, filled: make([]bool, len(waitingColumns))}
	for _, b := range batches {
		for i := range b.Batch.Vessels {
			r := &b.Batch.Vessels[i]
			if !isPosition(r) {
				continue
			}
			w.rows++
			for c := range waitingColumns {
				if !w.filled[c] {
					has := waitingColumns[c].has
					w.filled[c] = has == nil || has(r)
				}
			}
		}
	}
	return w
}

// statement copies what waits into the table.
func (w *waiting) statement() string {
	var s strings.Builder
	s.WriteString("INSERT INTO positions SELECT ")
	for i, c := range waitingColumns {
		if i > 0 {
			s.WriteString(", ")
		}
		if w.filled[i] {
			s.WriteString(c.name)
		} else {
			s.WriteString("NULL::" + c.sql)
		}
	}
	s.WriteString(" FROM " + waitingPositions + "()")
	return s.String()
}

// ColumnInfos implements duck.ChunkTableSource.
func (w *waiting) ColumnInfos() []duck.ColumnInfo {
	out := make([]duck.ColumnInfo, len(waitingColumns))
	for i, c := range waitingColumns {
		kind, err := duck.NewTypeInfo(c.kind)
		if err != nil {
			panic(err) // the types above are constants
		}
		out[i] = duck.ColumnInfo{Name: c.name, T: kind}
	}
	return out
}

// Cardinality implements duck.ChunkTableSource.
func (w *waiting) Cardinality() *duck.CardinalityInfo {
	return &duck.CardinalityInfo{Cardinality: uint(w.rows), Exact: true}
}

// Init implements duck.ChunkTableSource.
func (w *waiting) Init() { w.next, w.at = 0, 0 }

// FillChunk implements duck.ChunkTableSource.
func (w *waiting) FillChunk(chunk duck.DataChunk) error {
	n := 0
	for ; n < chunkRows; n++ {
		r := w.report()
		if r == nil {
			break
		}
		for c := range waitingColumns {
			if !w.filled[c] {
				continue
			}
			if err := waitingColumns[c].put(&chunk, c, n, r); err != nil {
				return fmt.Errorf("%s of MMSI %d from %s: %w", waitingColumns[c].name, r.MMSI, r.Raw.Where(), err)
			}
		}
	}
	return chunk.SetSize(n)
}

// chunkRows is how many rows DuckDB takes at once.
var chunkRows = duck.GetDataChunkCapacity()

// report is the next position, nil behind the last.
func (w *waiting) report() *event.VesselReport {
	for w.next < len(w.batches) {
		for rows := w.batches[w.next].Batch.Vessels; w.at < len(rows); {
			r := &rows[w.at]
			w.at++
			if isPosition(r) {
				return r
			}
		}
		w.next, w.at = w.next+1, 0
	}
	return nil
}

// registerPositions makes the function that the writer copies positions from.
func (t *Telemetry) registerPositions(ctx context.Context) error {
	conn, err := t.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	return register(conn, t)
}

func register(conn *sql.Conn, t *Telemetry) error {
	return duck.RegisterTableUDF(conn, waitingPositions, duck.ChunkTableFunction{
		BindArguments: func(map[string]any, ...any) (duck.ChunkTableSource, error) { return t.waiting, nil },
	})
}
