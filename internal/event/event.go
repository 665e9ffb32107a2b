// Package event holds the observations that sources produce: one fact each,
// typed, with the time it was told, the time it arrived, and the way back to
// the raw bytes. It exists so that every stage to the right of the sources
// speaks of the same facts. Any stage may import it; it imports nothing of this
// repository.
//
// Observations travel in a [Batch]. A batch is what is made durable at once,
// what a watch is fed with, and what is counted; five hundred rows is the usual
// size. Positive knowledge only: an absent value is absent (NaN, zero time,
// empty string), never a default that looks like a measurement.
package event

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"
)

// MaxRaw is the most raw bytes that an observation carries with it. Longer
// input is cut there; Raw.Length and Raw.Sum still describe the whole.
const MaxRaw = 2048

// Raw is the way back from an observation to the bytes it was read from.
// Input with Offset and Length locates them; Sum proves that they are the same.
type Raw struct {
	Input  string `cbor:"1,keyasint,omitempty" json:"input,omitempty"` // file path, or address such as "tcp://127.0.0.1:4001"
	Offset int64  `cbor:"2,keyasint,omitempty" json:"offset"`          // bytes from the start of Input
	Line   int64  `cbor:"3,keyasint,omitempty" json:"line,omitempty"`  // line number from 1 for text, packet number from 1 for captures, 0 where neither applies
	Length int    `cbor:"4,keyasint,omitempty" json:"length"`          // bytes
	Sum    Sum    `cbor:"5,keyasint,omitempty" json:"sha256"`          // SHA-256 of those bytes
	Text   []byte `cbor:"6,keyasint,omitempty" json:"text,omitempty"`  // the bytes themselves, at most MaxRaw; empty where Input is a file that stays (captures)
}

// Sum is a SHA-256. The zero Sum means that none was taken.
type Sum [sha256.Size]byte

// SumOf returns the SHA-256 of b.
func SumOf(b []byte) Sum { return sha256.Sum256(b) }

// IsZero reports whether no hash was taken.
func (s Sum) IsZero() bool { return s == Sum{} }

// String returns the hash in lower-case hexadecimal, "" when none was taken.
func (s Sum) String() string {
	if s.IsZero() {
		return ""
	}
	return hex.EncodeToString(s[:])
}

// MarshalText implements encoding.TextMarshaler (JSON carries hexadecimal).
func (s Sum) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Sum) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*s = Sum{}
		return nil
	}
	_, err := hex.Decode(s[:], b)
	return err
}

// Where names the place of the raw bytes for a reader, such as
// "ais.log line 12 (offset 840)".
func (r Raw) Where() string {
	at := "offset " + strconv.FormatInt(r.Offset, 10)
	if r.Line > 0 {
		return r.Input + " line " + strconv.FormatInt(r.Line, 10) + " (" + at + ")"
	}
	return r.Input + " (" + at + ")"
}

// Head is what every observation has.
type Head struct {
	Time     time.Time `cbor:"1,keyasint" json:"time"`                         // when it happened, as the source tells, UTC; the arrival time where the source tells none
	Seen     time.Time `cbor:"2,keyasint" json:"seen"`                         // when it arrived here, UTC
	Told     bool      `cbor:"3,keyasint,omitempty" json:"told"`               // Time was told by the source rather than taken from arrival
	Exercise string    `cbor:"4,keyasint,omitempty" json:"exercise,omitempty"` // id of the exercise that it belongs to; empty for real data
	Source   string    `cbor:"5,keyasint,omitempty" json:"source"`             // id of the source
	Raw      Raw       `cbor:"6,keyasint" json:"raw"`
}

// Batch is a set of observations of one source, made durable together.
// Rows of each kind keep the order in which they were read.
type Batch struct {
	ID         string           `cbor:"1,keyasint" json:"id"` // names the batch for de-duplication; the same rows read again give the same ID
	Source     string           `cbor:"2,keyasint" json:"source"`
	Vessels    []VesselReport   `cbor:"3,keyasint,omitempty" json:"vessels,omitempty"`
	Flows      []Flow           `cbor:"4,keyasint,omitempty" json:"flows,omitempty"`
	Devices    []DeviceSighting `cbor:"5,keyasint,omitempty" json:"devices,omitempty"`
	Access     []AccessEvent    `cbor:"6,keyasint,omitempty" json:"access,omitempty"`
	Alerts     []Alert          `cbor:"7,keyasint,omitempty" json:"alerts,omitempty"`
	Advisories []Advisory       `cbor:"8,keyasint,omitempty" json:"advisories,omitempty"`
	Health     []SourceHealth   `cbor:"9,keyasint,omitempty" json:"health,omitempty"`
	Exploited  []Exploited      `cbor:"10,keyasint,omitempty" json:"exploited,omitempty"`
	Contacts   []Contact        `cbor:"11,keyasint,omitempty" json:"contacts,omitempty"`

	Operations []DeviceOperation `cbor:"12,keyasint,omitempty" json:"operations,omitempty"`
}

// Len is the number of observations in the batch.
func (b *Batch) Len() int {
	return len(b.Vessels) + len(b.Flows) + len(b.Devices) + len(b.Access) +
		len(b.Alerts) + len(b.Advisories) + len(b.Health) + len(b.Exploited) + len(b.Contacts) + len(b.Operations)
}

// VesselReport is one AIS report (ITU-R M.1371-5), position or static or both.
// Numbers that the report does not carry, or marks as not available, are NaN
// (floats), -1 (integers) or empty (text).
type VesselReport struct {
	Head
	MMSI        uint32    `cbor:"10,keyasint" json:"mmsi"`    // as sent, 0..1073741823; validity is the watch's business
	Type        uint8     `cbor:"11,keyasint" json:"type"`    // message type 1..27
	Lat         float64   `cbor:"12,keyasint" json:"lat"`     // degrees north, WGS 84, NaN absent
	Lon         float64   `cbor:"13,keyasint" json:"lon"`     // degrees east, NaN absent
	SOG         float32   `cbor:"14,keyasint" json:"sog"`     // knots over ground, 0..102.2, NaN absent
	COG         float32   `cbor:"15,keyasint" json:"cog"`     // degrees over ground, 0..359.9, NaN absent
	Heading     float32   `cbor:"16,keyasint" json:"heading"` // degrees true, 0..359, NaN absent
	Turn        float32   `cbor:"17,keyasint" json:"turn"`    // rate of turn, degrees a minute, right positive, NaN absent
	Status      int8      `cbor:"18,keyasint" json:"status"`  // navigational status 0..15, -1 absent
	Second      int8      `cbor:"19,keyasint" json:"second"`  // UTC second of the fix 0..59, 60..63 special (table 48), -1 absent
	Accurate    bool      `cbor:"20,keyasint,omitempty" json:"accurate"`
	RAIM        bool      `cbor:"21,keyasint,omitempty" json:"raim"`
	Static      bool      `cbor:"22,keyasint,omitempty" json:"static"` // the static fields below were in the message
	Name        string    `cbor:"23,keyasint,omitempty" json:"name,omitempty"`
	CallSign    string    `cbor:"24,keyasint,omitempty" json:"call_sign,omitempty"`
	IMO         uint32    `cbor:"25,keyasint,omitempty" json:"imo,omitempty"` // 0 absent
	ShipType    uint8     `cbor:"26,keyasint,omitempty" json:"ship_type,omitempty"`
	Bow         uint16    `cbor:"27,keyasint,omitempty" json:"bow,omitempty"` // metres from the reference point, 0 absent
	Stern       uint16    `cbor:"28,keyasint,omitempty" json:"stern,omitempty"`
	Port        uint8     `cbor:"29,keyasint,omitempty" json:"port,omitempty"`
	Starboard   uint8     `cbor:"30,keyasint,omitempty" json:"starboard,omitempty"`
	Draught     float32   `cbor:"31,keyasint,omitempty" json:"draught,omitempty"` // metres, 0 absent
	Destination string    `cbor:"32,keyasint,omitempty" json:"destination,omitempty"`
	EPFD        uint8     `cbor:"33,keyasint,omitempty" json:"epfd,omitempty"` // type of position fixing device, 0 absent
	ClassB      bool      `cbor:"34,keyasint,omitempty" json:"class_b,omitempty"`
	Station     string    `cbor:"35,keyasint,omitempty" json:"station,omitempty"`      // receiving station, where the line names one
	Clock       time.Time `cbor:"36,keyasint,omitempty" json:"clock,omitzero"`         // UTC that a base station (types 4, 11) tells; zero absent
	Virtual     bool      `cbor:"37,keyasint,omitempty" json:"virtual,omitempty"`      // type 21: the aid does not exist but as a message
	OffPosition bool      `cbor:"38,keyasint,omitempty" json:"off_position,omitempty"` // type 21: a floating aid says so, where Second is 59 or less
	Text        string    `cbor:"39,keyasint,omitempty" json:"text,omitempty"`         // safety related text (types 12, 14), as far as decoded
}

// Contact is one look of a radar or a camera at something on the water: where it
// is, whoever it says it is. The numbers are those of the sensor's own tracker.
type Contact struct {
	Head
	Sensor   string  `cbor:"10,keyasint" json:"sensor"`                       // id of the sensor in the port file
	Track    string  `cbor:"11,keyasint" json:"track"`                        // the sensor's own number of the target
	Lat      float64 `cbor:"12,keyasint" json:"lat"`                          // degrees north, WGS 84
	Lon      float64 `cbor:"13,keyasint" json:"lon"`                          // degrees east
	SOG      float32 `cbor:"14,keyasint" json:"sog"`                          // knots over ground, NaN absent
	COG      float32 `cbor:"15,keyasint" json:"cog"`                          // degrees over ground, NaN absent
	Accuracy float32 `cbor:"16,keyasint,omitempty" json:"accuracy,omitempty"` // metres, one standard deviation; 0: that of the sensor
	Lost     bool    `cbor:"17,keyasint,omitempty" json:"lost,omitempty"`     // the tracker gave the target up
	Class    string  `cbor:"18,keyasint,omitempty" json:"class,omitempty"`    // what the sensor takes it for, in its own words
}

// Endpoint is one end of a flow.
type Endpoint struct {
	MAC  string `cbor:"1,keyasint,omitempty" json:"mac,omitempty"` // lower-case, colon separated
	IP   string `cbor:"2,keyasint,omitempty" json:"ip,omitempty"`  // empty for traffic below IP
	Port uint16 `cbor:"3,keyasint,omitempty" json:"port,omitempty"`
}

// Direction tells who opened a flow.
type Direction string

// Directions of a flow. A lost handshake is unknown, not a guess; the client
// and server of an unknown direction are in the order of the first packet seen.
const (
	DirectionSeen    Direction = "seen"    // the opening was observed (TCP SYN, first request of a known protocol)
	DirectionUnknown Direction = "unknown" // the conversation was joined in the middle
)

// Flow is one network conversation, or a slice of a long one.
type Flow struct {
	Head                  // Time is the first packet
	Last        time.Time `cbor:"10,keyasint" json:"last"`
	Client      Endpoint  `cbor:"11,keyasint" json:"client"` // who opened it, see Direction
	Server      Endpoint  `cbor:"12,keyasint" json:"server"`
	Direction   Direction `cbor:"13,keyasint" json:"direction"`
	Transport   string    `cbor:"14,keyasint" json:"transport"` // "tcp", "udp", "icmp", "ether/0x88a4", or the IP protocol number as "ip/47"
	VLAN        uint16    `cbor:"15,keyasint,omitempty" json:"vlan,omitempty"`
	Application string    `cbor:"16,keyasint,omitempty" json:"application,omitempty"` // recognised by content: "modbus", "s7comm", "enip", "rtsp", "tls", "smb"…; empty where not
	Operations  []string  `cbor:"17,keyasint,omitempty" json:"operations,omitempty"`  // sorted, of "read", "write", "program", "stop", "identify"…
	PacketsOut  uint64    `cbor:"18,keyasint" json:"packets_out"`                     // client to server
	PacketsIn   uint64    `cbor:"19,keyasint" json:"packets_in"`
	BytesOut    uint64    `cbor:"20,keyasint" json:"bytes_out"` // on the wire, with headers
	BytesIn     uint64    `cbor:"21,keyasint" json:"bytes_in"`
	Answered    bool      `cbor:"22,keyasint,omitempty" json:"answered"` // the server sent something other than a refusal
}

// DeviceSighting is evidence that a device exists and what it says of itself.
type DeviceSighting struct {
	Head
	MAC      string `cbor:"10,keyasint,omitempty" json:"mac,omitempty"`
	IP       string `cbor:"11,keyasint,omitempty" json:"ip,omitempty"`
	Protocol string `cbor:"12,keyasint" json:"protocol"` // what told it: "arp", "dhcp", "lldp", "enip", "modbus", "s7comm", "http", "rtsp"…
	Name     string `cbor:"13,keyasint,omitempty" json:"name,omitempty"`
	Vendor   string `cbor:"14,keyasint,omitempty" json:"vendor,omitempty"`
	Product  string `cbor:"15,keyasint,omitempty" json:"product,omitempty"`
	Model    string `cbor:"16,keyasint,omitempty" json:"model,omitempty"`
	Firmware string `cbor:"17,keyasint,omitempty" json:"firmware,omitempty"`
	Serial   string `cbor:"18,keyasint,omitempty" json:"serial,omitempty"`

	// Behind is the address, as the protocol writes it, of a device that MAC and IP
	// speak for (behind a router, a gateway, a fieldbus master). What is told is then
	// that device's, never the speaker's. Empty: the speaker told it of itself.
	Behind string       `cbor:"19,keyasint,omitempty" json:"behind,omitempty"`
	Facts  []DeviceFact `cbor:"20,keyasint,omitempty" json:"facts,omitempty"`
}

// DeviceFact is one more thing that a device says of itself. Names are those of
// docs/manual/dissectors.md, and "dhcp-fingerprint".
type DeviceFact struct {
	Name  string `cbor:"1,keyasint" json:"name"`
	Value string `cbor:"2,keyasint" json:"value"`
}

// DeviceOperation is one kind of change, or of copying a program, that one client
// asked of one device in one conversation, or in a slice of a long one. Reading,
// identifying and cyclic data are not told: flows have those.
type DeviceOperation struct {
	Head                // Time is that of the first packet that says so, Raw leads to it
	Last      time.Time `cbor:"10,keyasint" json:"last"`
	Client    Endpoint  `cbor:"11,keyasint" json:"client"` // who asked
	Server    Endpoint  `cbor:"12,keyasint" json:"server"` // of whom
	Transport string    `cbor:"13,keyasint" json:"transport"`
	Protocol  string    `cbor:"14,keyasint" json:"protocol"`                     // that the function is of: "modbus", "s7comm", "cip"…
	Operation string    `cbor:"15,keyasint" json:"operation"`                    // "write", "program", "upload", "start", "stop", "firmware" or "set-time"
	Function  string    `cbor:"16,keyasint,omitempty" json:"function,omitempty"` // as the protocol's own tables call it
	Asked     uint64    `cbor:"17,keyasint" json:"asked"`                        // requests that were seen
	Accepted  uint64    `cbor:"18,keyasint" json:"accepted"`                     // answers that do not refuse
	Refused   uint64    `cbor:"19,keyasint" json:"refused"`                      // answers that refuse
}

// AccessResult is the outcome of a badge use.
type AccessResult string

// Results of an access event.
const (
	AccessGranted AccessResult = "granted"
	AccessRefused AccessResult = "refused"
	AccessForced  AccessResult = "forced" // the door opened without a badge
	AccessHeld    AccessResult = "held"   // the door stayed open too long
)

// AccessEvent is one use of a reader, or one event of a door.
type AccessEvent struct {
	Head
	Reader    string       `cbor:"10,keyasint" json:"reader"`                    // reader or door id as the port file has it
	Badge     string       `cbor:"11,keyasint,omitempty" json:"badge,omitempty"` // card number or its hash, as the system exports it
	Person    string       `cbor:"12,keyasint,omitempty" json:"person,omitempty"`
	Result    AccessResult `cbor:"13,keyasint" json:"result"`
	Direction string       `cbor:"14,keyasint,omitempty" json:"direction,omitempty"` // "in", "out" or empty
	Reason    string       `cbor:"15,keyasint,omitempty" json:"reason,omitempty"`
}

// Alert is a judgement that another system made.
type Alert struct {
	Head
	Product   string   `cbor:"10,keyasint" json:"product"`
	Signature string   `cbor:"11,keyasint" json:"signature"`
	Severity  string   `cbor:"12,keyasint,omitempty" json:"severity,omitempty"`
	Asset     string   `cbor:"13,keyasint,omitempty" json:"asset,omitempty"` // asset id, address or name, as told
	Client    Endpoint `cbor:"14,keyasint,omitempty" json:"client"`
	Server    Endpoint `cbor:"15,keyasint,omitempty" json:"server"`
	Text      string   `cbor:"16,keyasint,omitempty" json:"text,omitempty"`
}

// Advisory is a published vulnerability notice, as far as it concerns a first
// reading: who, what, which CVEs, how bad. The document itself stays in Raw.
type Advisory struct {
	Head               // Time is the current release date
	ID       string    `cbor:"10,keyasint" json:"id"` // tracking id, such as "ICSA-24-235-03"
	Title    string    `cbor:"11,keyasint" json:"title"`
	Version  string    `cbor:"12,keyasint,omitempty" json:"version,omitempty"`
	Released time.Time `cbor:"13,keyasint,omitempty" json:"released,omitzero"`
	CVEs     []string  `cbor:"14,keyasint,omitempty" json:"cves,omitempty"` // sorted
	CVSS     float64   `cbor:"15,keyasint,omitempty" json:"cvss,omitempty"` // highest base score, 0..10, 0 absent
	Vendors  []string  `cbor:"16,keyasint,omitempty" json:"vendors,omitempty"`
	Products []string  `cbor:"17,keyasint,omitempty" json:"products,omitempty"`
	TLP      string    `cbor:"18,keyasint,omitempty" json:"tlp,omitempty"`

	// What is said of which product. Empty in notices that were kept before
	// products were told apart.
	Weaknesses []Weakness       `cbor:"19,keyasint,omitempty" json:"weaknesses,omitempty"`
	Fixes      []Fix            `cbor:"20,keyasint,omitempty" json:"fixes,omitempty"`
	Advised    []AdvisedProduct `cbor:"21,keyasint,omitempty" json:"advised,omitempty"`
	Faults     int              `cbor:"22,keyasint,omitempty" json:"faults,omitempty"` // mandatory tests of the standard that the document fails without being ambiguous
	Publisher  string           `cbor:"23,keyasint,omitempty" json:"publisher,omitempty"`
}

// Weakness is one vulnerability of an advisory.
type Weakness struct {
	ID     string  `cbor:"1,keyasint" json:"id"` // CVE, or another id where it has none; may be empty
	Title  string  `cbor:"2,keyasint,omitempty" json:"title,omitempty"`
	CVSS   float64 `cbor:"3,keyasint,omitempty" json:"cvss,omitempty"` // highest base score of the newest version given, 0..10, 0 absent
	System string  `cbor:"4,keyasint,omitempty" json:"cvss_version,omitempty"`
	Vector string  `cbor:"5,keyasint,omitempty" json:"vector,omitempty"`
}

// Fix is what an advisory says can be done.
type Fix struct {
	Kind    string `cbor:"1,keyasint" json:"kind"` // of CSAF: vendor_fix, mitigation, workaround, none_available, no_fix_planned
	Details string `cbor:"2,keyasint" json:"details"`
	URL     string `cbor:"3,keyasint,omitempty" json:"url,omitempty"`
}

// AdvisedProduct is one product of an advisory, with the version or the range
// that the statements are about. Numbers point into Weaknesses and Fixes.
type AdvisedProduct struct {
	Vendor   string   `cbor:"1,keyasint,omitempty" json:"vendor,omitempty"`
	Name     string   `cbor:"2,keyasint" json:"name"`
	Kind     string   `cbor:"3,keyasint,omitempty" json:"kind,omitempty"` // category of the branch in CSAF, such as product_version_range
	Version  string   `cbor:"4,keyasint,omitempty" json:"version,omitempty"`
	Models   []string `cbor:"5,keyasint,omitempty" json:"models,omitempty"`
	CPE      string   `cbor:"6,keyasint,omitempty" json:"cpe,omitempty"`
	PURL     string   `cbor:"7,keyasint,omitempty" json:"purl,omitempty"`
	Affected []int    `cbor:"8,keyasint,omitempty" json:"affected,omitempty"`
	Cleared  []int    `cbor:"9,keyasint,omitempty" json:"cleared,omitempty"` // known not to be affected
	Fixed    []int    `cbor:"10,keyasint,omitempty" json:"fixed,omitempty"`
	Open     []int    `cbor:"11,keyasint,omitempty" json:"open,omitempty"` // under investigation
	Fixes    []int    `cbor:"12,keyasint,omitempty" json:"fixes,omitempty"`
	Joined   bool     `cbor:"13,keyasint,omitempty" json:"joined,omitempty"`  // only together with another product
	Serials  []string `cbor:"14,keyasint,omitempty" json:"serials,omitempty"` // serial numbers, where only some devices are meant
	Assets   []string `cbor:"15,keyasint,omitempty" json:"assets,omitempty"`  // asset ids of the port, in its own notices
}

// Exploited is one entry of the catalogue of known exploited vulnerabilities (KEV).
type Exploited struct {
	Head              // Time is the date it was added
	CVE        string `cbor:"10,keyasint" json:"cve"`
	Vendor     string `cbor:"11,keyasint,omitempty" json:"vendor,omitempty"`
	Product    string `cbor:"12,keyasint,omitempty" json:"product,omitempty"`
	Name       string `cbor:"13,keyasint,omitempty" json:"name,omitempty"`
	Ransomware bool   `cbor:"14,keyasint,omitempty" json:"ransomware"` // known use in ransomware campaigns
}

// SourceHealth is what a source knows of itself at Time.
// Counters run from the start of the source; a restart begins at zero again.
type SourceHealth struct {
	Head
	State     string        `cbor:"10,keyasint" json:"state"`                        // "live", "connecting", "ended" (a file read to its end), "failed"
	LastSeen  time.Time     `cbor:"11,keyasint,omitempty" json:"last_seen,omitzero"` // arrival of the last input
	LastTold  time.Time     `cbor:"12,keyasint,omitempty" json:"last_told,omitzero"` // time told by the last input
	Accepted  uint64        `cbor:"13,keyasint" json:"accepted"`
	Rejected  uint64        `cbor:"14,keyasint" json:"rejected"`
	Skipped   uint64        `cbor:"15,keyasint" json:"skipped"` // understood and of no concern: comments, other sentences
	Reasons   []Reason      `cbor:"16,keyasint,omitempty" json:"reasons,omitempty"`
	Rate      float64       `cbor:"17,keyasint" json:"rate"`               // inputs a second over the last minute
	Drift     time.Duration `cbor:"18,keyasint,omitempty" json:"drift_ns"` // source clock minus a better clock, where HasDrift
	HasDrift  bool          `cbor:"19,keyasint,omitempty" json:"has_drift"`
	DriftFrom string        `cbor:"20,keyasint,omitempty" json:"drift_from,omitempty"` // what it was measured against: "arrival", "AIS base station 4310302"
	Error     string        `cbor:"21,keyasint,omitempty" json:"error,omitempty"`      // the last failure, for people
	Expect    time.Duration `cbor:"22,keyasint,omitempty" json:"expect_ns,omitempty"`  // the longest normal silence that was declared; 0 none declared
}

// Reason is one cause of rejection with its count and the latest example.
type Reason struct {
	Text  string `cbor:"1,keyasint" json:"text"` // such as "checksum does not match"
	Count uint64 `cbor:"2,keyasint" json:"count"`
	Last  Raw    `cbor:"3,keyasint" json:"last"`
}

// Stored is a batch with its place in the stream. A consumer keeps the Seq that
// it has applied in the same transaction as the effect, so that a batch told
// twice has effect once.
type Stored struct {
	Seq   uint64
	Batch *Batch
}
