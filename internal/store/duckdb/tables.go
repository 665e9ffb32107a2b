package duckdb

import (
	"database/sql/driver"
	"strings"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
)

// table is one kind of observation: its columns in order, and the column that
// closed days are sorted by before time.
type table struct {
	name    string
	subject string
	columns string
}

// headColumns are those of event.Head, first in every table. A raw text is kept
// where the observation carries it; its hash is kept where it does not.
const headColumns = `time TIMESTAMP, seen TIMESTAMP, told BOOLEAN, exercise VARCHAR, source VARCHAR,
	input VARCHAR, pos BIGINT, line BIGINT, length INTEGER, sum BLOB, raw BLOB`

var tables = []table{
	{"positions", "mmsi", `mmsi UINTEGER, type UTINYINT, lat DOUBLE, lon DOUBLE, sog FLOAT, cog FLOAT, heading FLOAT,
		turn FLOAT, status TINYINT, second TINYINT, flags UTINYINT, station VARCHAR`},
	{"statics", "mmsi", `mmsi UINTEGER, type UTINYINT, name VARCHAR, call_sign VARCHAR, imo UINTEGER, ship_type UTINYINT,
		bow USMALLINT, stern USMALLINT, port UTINYINT, starboard UTINYINT, draught FLOAT, destination VARCHAR,
		epfd UTINYINT, flags UTINYINT, station VARCHAR, clock TIMESTAMP`},
	{"flows", "server_ip", `last TIMESTAMP, client_mac VARCHAR, client_ip VARCHAR, client_port USMALLINT,
		server_mac VARCHAR, server_ip VARCHAR, server_port USMALLINT, direction VARCHAR, transport VARCHAR, vlan USMALLINT,
		application VARCHAR, operations VARCHAR, packets_out UBIGINT, packets_in UBIGINT, bytes_out UBIGINT, bytes_in UBIGINT,
		answered BOOLEAN`},
	{"devices", "mac", `mac VARCHAR, ip VARCHAR, protocol VARCHAR, name VARCHAR, vendor VARCHAR, product VARCHAR, model VARCHAR,
		firmware VARCHAR, serial VARCHAR`},
	{"operations", "server_ip", `last TIMESTAMP, client_mac VARCHAR, client_ip VARCHAR, client_port USMALLINT,
		server_mac VARCHAR, server_ip VARCHAR, server_port USMALLINT, transport VARCHAR, protocol VARCHAR,
		operation VARCHAR, function VARCHAR, asked UBIGINT, accepted UBIGINT, refused UBIGINT`},
	{"access", "reader", `reader VARCHAR, badge VARCHAR, person VARCHAR, result VARCHAR, direction VARCHAR, reason VARCHAR`},
	{"alerts", "product", `product VARCHAR, signature VARCHAR, severity VARCHAR, asset VARCHAR, client_ip VARCHAR,
		client_port USMALLINT, server_ip VARCHAR, server_port USMALLINT, text VARCHAR`},
	{"visits", "y, x", "y INTEGER, x INTEGER, mmsi UINTEGER, n UINTEGER"}, // see visits.go
	{"health", "source", `state VARCHAR, last_seen TIMESTAMP, last_told TIMESTAMP, accepted UBIGINT, rejected UBIGINT,
		skipped UBIGINT, rate DOUBLE, drift_ns BIGINT, error VARCHAR`},
}

func (t table) create() string {
	if t.name == "visits" { // a sum, which has no single raw record to go back to
		return "CREATE TABLE IF NOT EXISTS visits (time TIMESTAMP, " + t.columns + ")"
	}
	return "CREATE TABLE IF NOT EXISTS " + t.name + " (" + headColumns + ", " + t.columns + ")"
}

// arrival is the expression for the newest arrival among rows of the table.
// Visits are sums of positions and have the age of their hour.
func (t table) arrival() string {
	if t.name == "visits" {
		return "max(time)"
	}
	return "max(seen)"
}

// Bits of the flags column.
const (
	flagAccurate = 1 << iota
	flagRAIM
	flagClassB
)

// headValues are the values of headColumns.
func headValues(row []driver.Value, h *event.Head) []driver.Value {
	var sum, raw driver.Value
	if len(h.Raw.Text) > 0 {
		raw = h.Raw.Text
	}
	if keepsSum(&h.Raw) {
		sum = h.Raw.Sum[:]
	}
	return append(row, h.Time, h.Seen, h.Told, text(h.Exercise), h.Source,
		h.Raw.Input, h.Raw.Offset, h.Raw.Line, int32(h.Raw.Length), sum, raw)
}

// keepsSum reports whether the hash is kept: that of a text which is kept whole
// can be worked out again.
func keepsSum(r *event.Raw) bool { return !r.Sum.IsZero() && len(r.Text) < r.Length }

func staticValues(row []driver.Value, r *event.VesselReport) []driver.Value {
	return append(headValues(row, &r.Head), r.MMSI, r.Type, text(r.Name), text(r.CallSign), r.IMO, r.ShipType,
		r.Bow, r.Stern, r.Port, r.Starboard, r.Draught, text(r.Destination), r.EPFD, flags(r), text(r.Station), moment(r.Clock))
}

func flowValues(row []driver.Value, r *event.Flow) []driver.Value {
	return append(headValues(row, &r.Head), r.Last, text(r.Client.MAC), text(r.Client.IP), r.Client.Port,
		text(r.Server.MAC), text(r.Server.IP), r.Server.Port, string(r.Direction), r.Transport, r.VLAN,
		text(r.Application), text(strings.Join(r.Operations, ",")), r.PacketsOut, r.PacketsIn, r.BytesOut, r.BytesIn, r.Answered)
}

// deviceValues leaves the addresses out of what was told of a device behind them:
// the table has no column for that, and the row would pass as the speaker's own.
func deviceValues(row []driver.Value, r *event.DeviceSighting) []driver.Value {
	mac, ip := r.MAC, r.IP
	if r.Behind != "" {
		mac, ip = "", ""
	}
	return append(headValues(row, &r.Head), text(mac), text(ip), r.Protocol, text(r.Name), text(r.Vendor),
		text(r.Product), text(r.Model), text(r.Firmware), text(r.Serial))
}

func operationValues(row []driver.Value, r *event.DeviceOperation) []driver.Value {
	return append(headValues(row, &r.Head), r.Last, text(r.Client.MAC), text(r.Client.IP), r.Client.Port,
		text(r.Server.MAC), text(r.Server.IP), r.Server.Port, text(r.Transport), r.Protocol, r.Operation, text(r.Function),
		r.Asked, r.Accepted, r.Refused)
}

func accessValues(row []driver.Value, r *event.AccessEvent) []driver.Value {
	return append(headValues(row, &r.Head), r.Reader, text(r.Badge), text(r.Person), string(r.Result), text(r.Direction), text(r.Reason))
}

func alertValues(row []driver.Value, r *event.Alert) []driver.Value {
	return append(headValues(row, &r.Head), r.Product, r.Signature, text(r.Severity), text(r.Asset),
		text(r.Client.IP), r.Client.Port, text(r.Server.IP), r.Server.Port, text(r.Text))
}

func healthValues(row []driver.Value, r *event.SourceHealth) []driver.Value {
	var drift driver.Value
	if r.HasDrift {
		drift = int64(r.Drift)
	}
	return append(headValues(row, &r.Head), r.State, moment(r.LastSeen), moment(r.LastTold), r.Accepted, r.Rejected,
		r.Skipped, r.Rate, drift, text(r.Error))
}

// Absent values are NULL, never a default that looks like a measurement.

func text(s string) driver.Value {
	if s == "" {
		return nil
	}
	return s
}

func moment(t time.Time) driver.Value {
	if t.IsZero() {
		return nil
	}
	return t
}

func flags(r *event.VesselReport) uint8 {
	var f uint8
	if r.Accurate {
		f |= flagAccurate
	}
	if r.RAIM {
		f |= flagRAIM
	}
	if r.ClassB {
		f |= flagClassB
	}
	return f
}
