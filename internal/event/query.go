package event

import (
	"net/netip"
	"time"
)

// HeatCell counts the reported positions inside one cell of a grid.
type HeatCell struct {
	Lat     float64 `json:"lat"`     // degrees north, of the south-west corner
	Lon     float64 `json:"lon"`     // degrees east, of the south-west corner
	Reports int64   `json:"reports"` // positions told inside the cell
	Vessels int64   `json:"vessels"` // distinct MMSI among them
}

// FlowQuery selects flows of the past. Zero fields select all.
type FlowQuery struct {
	From, To time.Time      // of the first packet; From inclusive, To exclusive
	Client   []netip.Prefix // networks of the side that opened; empty: any
	Server   []netip.Prefix // networks of the side that served; empty: any
	Port     uint16         // of the server; 0: any
	Limit    int            // most rows, the largest by bytes first; 0 is 1000
}

// FlowTotal is what one client sent to one service of one server in the time
// of the query.
type FlowTotal struct {
	Client      string    `json:"client"` // IP, or MAC below IP
	Server      string    `json:"server"`
	Transport   string    `json:"transport"`
	Port        uint16    `json:"port"` // of the server
	Application string    `json:"application,omitempty"`
	Flows       int64     `json:"flows"`
	BytesOut    int64     `json:"bytes_out"` // client to server, on the wire
	BytesIn     int64     `json:"bytes_in"`
	First       time.Time `json:"first"`
	Last        time.Time `json:"last"`
}

// AccessQuery selects access events of the past. Zero fields select all.
type AccessQuery struct {
	From, To time.Time // event time; From inclusive, To exclusive
	Reader   string    // exact
	Badge    string    // exact
	Limit    int       // most rows, newest first; 0 is 1000
}

// OperationQuery selects operations asked of devices in the past. Zero fields
// select all.
type OperationQuery struct {
	From, To  time.Time // event time; From inclusive, To exclusive
	Servers   []string  // addresses of the device, IP or MAC, as observed; empty: any
	Clients   []string  // addresses of who asked; empty: any
	Operation string    // exact; "": any
	Limit     int       // most rows, newest first; 0 is 1000
}
