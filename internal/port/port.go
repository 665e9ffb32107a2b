// Package port holds the declared port: sites, areas, zones, conduits, assets,
// services, parties and authorities, read from the port file. It exists because
// every answer that the product gives is about this one model. Every stage may
// import it; it imports nothing of this repository but the strict YAML reader.
//
// A [Port] that [Load] returned is complete and consistent: every reference
// resolves, networks of zones do not overlap, check digits are right. It is not
// changed after loading, so any goroutine may read it. A name that is left out
// is the id; a date without a time means the end of that day in the port's time
// zone; MAC addresses are lower-case with colons.
package port

import (
	"net/netip"
	"time"
)

// Domain is the security world of a zone or asset.
type Domain string

// The three worlds.
const (
	IT       Domain = "it"
	OT       Domain = "ot"
	Physical Domain = "physical"
)

// Point is a position, written [longitude, latitude] in degrees, WGS 84
// (the order of RFC 7946).
type Point [2]float64

// Lon is the longitude in degrees east.
func (p Point) Lon() float64 { return p[0] }

// Lat is the latitude in degrees north.
func (p Point) Lat() float64 { return p[1] }

// Ring is the outline of a polygon; the last point joins the first.
type Ring []Point

// Port is the whole declared port.
type Port struct {
	Identity    Identity    `yaml:"port"`
	Sites       []Site      `yaml:"sites"`
	Areas       []Area      `yaml:"areas"`
	Zones       []Zone      `yaml:"zones"`
	Conduits    []Conduit   `yaml:"conduits"`
	Assets      []Asset     `yaml:"assets"`
	Services    []Service   `yaml:"services"`
	Terminals   []Terminal  `yaml:"terminals"` // where cargo changes between ship and shore, for what outages cost
	Parties     []Party     `yaml:"parties"`
	Authorities []Authority `yaml:"authorities"`
	Approvals   []Approval  `yaml:"approvals"`   // which stations may change which devices
	WorkOrders  []WorkOrder `yaml:"work_orders"` // the same for a time
	Waters      []Water     `yaml:"waters"`
	Land        []Land      `yaml:"land"`
	Vessels     []Vessel    `yaml:"vessels"`   // the port's own craft: tugs, pilot boats
	Aids        []Aid       `yaml:"aids"`      // aids to navigation and base stations with AIS
	Sensors     []Sensor    `yaml:"sensors"`   // radars and cameras that track what is on the water
	Firewalls   []Firewall  `yaml:"firewalls"` // where the rules between zones are written down

	index *index // built by Load
}

// Identity names the port.
type Identity struct {
	Name          string `yaml:"name"`
	LOCODE        string `yaml:"locode"`         // UN/LOCODE, five characters
	TimeZone      string `yaml:"time_zone"`      // IANA name
	Currency      string `yaml:"currency"`       // ISO 4217
	SecurityLevel int    `yaml:"security_level"` // ISPS 1, 2, 3
	LearningDays  int    `yaml:"learning_days"`  // of listening, before what is new for a device is told; 0: 7
	Centre        Point  `yaml:"centre"`         // where maps open
}

// Site is a place with an operator: a terminal, an office, the VTS tower.
type Site struct {
	ID       string `yaml:"id"`
	Name     string `yaml:"name"`
	Kind     string `yaml:"kind"`     // one of SiteKinds
	Facility string `yaml:"facility"` // IMO port facility number, where it has one
	Operator string `yaml:"operator"` // party
	Position Point  `yaml:"position"`
}

// Area is a physical place with a perimeter and access points.
type Area struct {
	ID           string        `yaml:"id"`
	Name         string        `yaml:"name"`
	Site         string        `yaml:"site"`
	Inside       string        `yaml:"inside"`     // the area around it, where there is one
	Restricted   bool          `yaml:"restricted"` // entry needs a right (ISPS A/16.3)
	Perimeter    Ring          `yaml:"perimeter"`
	AccessPoints []AccessPoint `yaml:"access_points"`
}

// AccessPoint is a gate or door on the perimeter of an area.
type AccessPoint struct {
	ID       string   `yaml:"id"`
	Name     string   `yaml:"name"`
	Kind     string   `yaml:"kind"`    // one of AccessPointKinds
	From     string   `yaml:"from"`    // area on the outer side; empty: the public side
	Readers  []string `yaml:"readers"` // asset ids of kind badge-reader
	Cameras  []string `yaml:"cameras"` // asset ids of kind camera that see it
	Position Point    `yaml:"position"`
}

// Zone is a grouping of assets with one security requirement (IEC 62443-3-2).
type Zone struct {
	ID           string         `yaml:"id"`
	Name         string         `yaml:"name"`
	Domain       Domain         `yaml:"domain"`
	Level        float64        `yaml:"level"`     // Purdue 0, 1, 2, 3, 3.5, 4, 5
	Target       int            `yaml:"sl_target"` // IEC 62443 SL-T 0..4
	Site         string         `yaml:"site"`
	Networks     []netip.Prefix `yaml:"networks"`
	LearningDays int            `yaml:"learning_days"` // as in port, for the devices of the zone; 0: as the port says
	External     bool           `yaml:"external"`      // everything that no other zone holds; at most one, without networks
	Owner        string         `yaml:"owner"`
	Window       string         `yaml:"patch_window"` // when its assets may be changed, such as "Sun 02:00-06:00", several with commas, local time
}

// Conduit is the communication that is allowed from one zone to another.
// Traffic that answers an allowed conversation is allowed with it. Traffic
// inside one zone needs no conduit.
type Conduit struct {
	ID      string    `yaml:"id"`
	Name    string    `yaml:"name"`
	From    string    `yaml:"from"` // zone that opens
	To      string    `yaml:"to"`   // zone that serves
	Allow   []Allow   `yaml:"allow"`
	Reason  string    `yaml:"reason"`
	Owner   string    `yaml:"owner"`   // party
	Expires time.Time `yaml:"expires"` // the last moment that it holds; zero: does not expire
}

// Expired reports whether the conduit has ended by the time t.
func (c *Conduit) Expired(t time.Time) bool { return !c.Expires.IsZero() && t.After(c.Expires) }

// Firewall says where the rules of an asset are written down and what lies
// behind its interfaces, for the comparison of rules with conduits.
type Firewall struct {
	Asset      string     `yaml:"asset"`
	Config     string     `yaml:"config"`     // file with its configuration, from the directory of the port file
	Interfaces []Attached `yaml:"interfaces"` // empty: by the addresses and routes of the configuration
}

// Attached says which zones are reached through an interface of a firewall,
// directly or over others.
type Attached struct {
	Name  string   `yaml:"name"` // as the configuration has it
	Zones []string `yaml:"zones"`
}

// Allow is one line of what a conduit allows.
type Allow struct {
	Transport   string      `yaml:"transport"`   // "tcp", "udp", "icmp", "any"
	Ports       []PortRange `yaml:"ports"`       // of the server; empty: all
	Application string      `yaml:"application"` // such as "modbus"; empty: any
	Access      string      `yaml:"access"`      // "read", "write", "read-write"; empty: not limited
}

// PortRange is a range of port numbers with both ends, written 502 or "5000-5010".
type PortRange struct{ Low, High uint16 }

// Contains reports whether the range holds n.
func (r PortRange) Contains(n uint16) bool { return r.Low <= n && n <= r.High }

// Asset is a device, system or installation.
type Asset struct {
	ID           string         `yaml:"id"`
	Name         string         `yaml:"name"`
	Domain       Domain         `yaml:"domain"`
	Kind         string         `yaml:"kind"` // one of AssetKinds
	Vendor       string         `yaml:"vendor"`
	Product      string         `yaml:"product"`
	Model        string         `yaml:"model"`
	Firmware     string         `yaml:"firmware"`
	Serial       string         `yaml:"serial"`
	Addresses    []Address      `yaml:"addresses"`
	Zone         string         `yaml:"zone"`
	Area         string         `yaml:"area"`
	Owner        string         `yaml:"owner"`
	Criticality  string         `yaml:"criticality"` // "low", "medium", "high", "critical"
	Remote       []RemoteAccess `yaml:"remote_access"`
	Position     Point          `yaml:"position"`      // zero: not given
	Container    string         `yaml:"container"`     // ISO 6346 number, where the asset is housed in one
	ControlledBy []string       `yaml:"controlled_by"` // asset ids: which PLC moves this crane, which server runs this application
	Window       string         `yaml:"patch_window"`  // of this asset, instead of the one of its zone
	Components   string         `yaml:"components"`    // list of what is inside: a CycloneDX or SPDX file in JSON, by its path below the directory of the port file
}

// Address is a network address of an asset; at least one of IP and MAC is set.
type Address struct {
	IP  netip.Addr `yaml:"ip"`
	MAC string     `yaml:"mac"` // lower-case, colon separated
}

// RemoteAccess is a way in from outside that somebody has.
type RemoteAccess struct {
	Party     string `yaml:"party"`
	Via       string `yaml:"via"` // asset: VPN gateway, modem, jump host
	Reason    string `yaml:"reason"`
	WorkOrder bool   `yaml:"work_order"` // each session needs a work order
}

// Service is a business function of the port.
type Service struct {
	ID       string    `yaml:"id"`
	Name     string    `yaml:"name"`
	Owner    string    `yaml:"owner"`
	Unit     string    `yaml:"unit"`     // what capacity counts: "moves/h", "trucks/h", "plugs", "%"
	Capacity float64   `yaml:"capacity"` // in Unit
	Needs    Need      `yaml:"needs"`
	Manual   *Manual   `yaml:"manual"`   // nil: no manual working declared, which is not the same as none possible
	Recovery *Recovery `yaml:"recovery"` // nil: no objectives declared
}

// Need is what a service depends on. Exactly one of its fields is used in a
// node: ID names an asset or a service; All, Any and KOfN combine nodes.
type Need struct {
	ID   string `yaml:"id"`
	All  []Need `yaml:"all"`
	Any  []Need `yaml:"any"`
	KOfN *KOfN  `yaml:"k_of_n"`
}

// KOfN is satisfied while K of its nodes are.
type KOfN struct {
	K  int    `yaml:"k"`
	Of []Need `yaml:"of"`
}

// Manual is how a service goes on by hand.
type Manual struct {
	Fraction   float64 `yaml:"fraction"`    // of capacity, 0..1
	RampHours  float64 `yaml:"ramp_hours"`  // until that fraction is reached
	LimitHours float64 `yaml:"limit_hours"` // how long people can keep it up; 0: not limited
	Staff      int     `yaml:"staff"`       // people needed a shift
}

// Recovery holds the declared objectives.
type Recovery struct {
	RTOHours  float64 `yaml:"rto_hours"`  // recovery time objective
	RPOHours  float64 `yaml:"rpo_hours"`  // recovery point objective
	MTPDHours float64 `yaml:"mtpd_hours"` // maximum tolerable period of disruption
}

// Terminal is a place where cargo changes between ship and shore: which services
// move it, and the figures of a usual year. A figure that is left out is
// assumed within a range and shown as an assumption. Money is in the currency
// of the port.
type Terminal struct {
	ID      string   `yaml:"id"`
	Name    string   `yaml:"name"`
	Kind    string   `yaml:"kind"`    // "container", "ro-ro", "bulk"
	Unit    string   `yaml:"unit"`    // what is moved: "containers", "vehicles", "m3"
	Sea     []string `yaml:"sea"`     // services that a ship needs to come in or leave
	Quay    string   `yaml:"quay"`    // service that loads and discharges; its capacity is in units an hour
	Yard    []string `yaml:"yard"`    // services that the quay and the land side both need in the storage
	Gate    string   `yaml:"gate"`    // service of the road; its capacity is in trucks an hour
	Rail    string   `yaml:"rail"`    // service of the railway; its capacity is in trains a day
	Release string   `yaml:"release"` // service that frees imports; its capacity is in units an hour
	Reefers string   `yaml:"reefers"` // service that keeps cold boxes cold
	Figures Figures  `yaml:"figures"`
}

// Figures are the figures of a terminal in a usual year.
type Figures struct {
	Berths           *Figure `yaml:"berths"`             // ships that can be worked at once
	CallsPerWeek     *Figure `yaml:"calls_per_week"`     // ships that come in a week
	UnitsPerCall     *Figure `yaml:"units_per_call"`     // units discharged and loaded, for each ship
	DischargeShare   *Figure `yaml:"discharge_share"`    // part of them that is discharged, 0..1
	ShareOfQuay      *Figure `yaml:"share_of_quay"`      // largest part of the quay's capacity on one ship, 0..1
	Storage          *Figure `yaml:"storage"`            // units that the yard or the tanks hold
	ImportDwellDays  *Figure `yaml:"import_dwell_days"`  // from ship to land, where nothing hinders
	ExportDwellDays  *Figure `yaml:"export_dwell_days"`  // from land to ship
	RailShare        *Figure `yaml:"rail_share"`         // part of the land side that goes by rail, 0..1
	UnitsPerTruck    *Figure `yaml:"units_per_truck"`    // units a truck brings and takes in one visit
	UnitsPerTrain    *Figure `yaml:"units_per_train"`    // units a train brings and takes
	TruckPark        *Figure `yaml:"truck_park"`         // trucks that can wait before the road is full
	TruckPatience    *Figure `yaml:"truck_patience"`     // hours of queue beyond which hauliers send no more trucks
	ReleaseShare     *Figure `yaml:"release_share"`      // part of imports that needs a release of its own, 0..1
	ReeferShare      *Figure `yaml:"reefer_share"`       // part of the stored units that is cold, 0..1
	ReeferHoldHours  *Figure `yaml:"reefer_hold_hours"`  // hours without power until a cold unit is at risk
	PatienceHours    *Figure `yaml:"patience_hours"`     // hours that a ship waits before it goes elsewhere
	MarginPerUnit    *Figure `yaml:"margin_per_unit"`    // money the operator earns on a unit, and loses with it
	ShipHourClaim    *Figure `yaml:"ship_hour_claim"`    // money the operator owes for an hour that a ship waits longer
	LateUnitDay      *Figure `yaml:"late_unit_day"`      // money the operator owes for a day that a unit is late
	ReeferClaim      *Figure `yaml:"reefer_claim"`       // money the operator owes for a cold unit at risk
	StaffHour        *Figure `yaml:"staff_hour"`         // money for an hour of a person in manual working
	EconomyShipHour  *Figure `yaml:"economy_ship_hour"`  // money others lose for an hour that a ship waits longer
	EconomyUnitDay   *Figure `yaml:"economy_unit_day"`   // money others lose for a day that a unit is late
	EconomyTruckHour *Figure `yaml:"economy_truck_hour"` // money others lose for an hour that a truck waits
	EconomyDiverted  *Figure `yaml:"economy_diverted"`   // money others lose for a unit that goes through another port
}

// Figure is a number with what is not known of it: 4, or "800-1600" from least to most.
type Figure struct{ Low, High float64 }

// Party is a person, team, company or agency.
type Party struct {
	ID       string   `yaml:"id"`
	Name     string   `yaml:"name"`
	Kind     string   `yaml:"kind"`      // "person", "team", "company", "agency"
	MemberOf []string `yaml:"member_of"` // parties
	Role     string   `yaml:"role"`
	Badges   []Badge  `yaml:"badges"`
	Accounts []string `yaml:"accounts"`
	Areas    []string `yaml:"areas"` // restricted areas that its badges (and its members' badges) may enter
	Phone    string   `yaml:"phone"`
	Email    string   `yaml:"email"`
}

// Badge is a card of a person.
type Badge struct {
	Number  string    `yaml:"number"`
	Revoked bool      `yaml:"revoked"`
	Expires time.Time `yaml:"expires"` // the last moment that it opens doors; zero: does not expire
}

// Expired reports whether the badge has ended by the time t.
func (b *Badge) Expired(t time.Time) bool { return !b.Expires.IsZero() && t.After(b.Expires) }

// Authority is the right to decide something.
type Authority struct {
	ID       string   `yaml:"id"`
	Decision string   `yaml:"decision"` // "isolate the office from the terminals"
	Over     []string `yaml:"over"`     // assets, zones, services, conduits or areas that it is about
	Holders  []string `yaml:"holders"`  // parties
	Agree    int      `yaml:"agree"`    // how many holders must agree; 0 is read as 1
}

// Water is a named piece of water or a berth.
type Water struct {
	ID    string `yaml:"id"`
	Name  string `yaml:"name"`
	Kind  string `yaml:"kind"` // "berth", "anchorage", "fairway", "basin", "restricted", "boarding"
	Shape Ring   `yaml:"shape"`
}

// Land is a piece of coast.
type Land struct {
	ID    string `yaml:"id"`
	Name  string `yaml:"name"`
	Kind  string `yaml:"kind"` // "land", "quay", "breakwater", "building", "yard"
	Shape Ring   `yaml:"shape"`
}

// Vessel is a craft of the port itself.
type Vessel struct {
	ID       string `yaml:"id"`
	Name     string `yaml:"name"`
	IMO      int    `yaml:"imo" strict:"digits"` // with check digit; 0: has none
	MMSI     int    `yaml:"mmsi" strict:"digits"`
	CallSign string `yaml:"call_sign"`
	Kind     string `yaml:"kind"` // "tug", "pilot", "patrol", "bunker", "other"
	Owner    string `yaml:"owner"`
}

// Aid is an aid to navigation or a base station that speaks AIS.
type Aid struct {
	ID       string `yaml:"id"`
	Name     string `yaml:"name"`
	MMSI     int    `yaml:"mmsi" strict:"digits"` // 99MIDxxxx for aids, 00MIDxxxx for base stations (ITU-R M.585-9)
	Kind     string `yaml:"kind"`                 // "aid", "virtual-aid", "base-station"
	Position Point  `yaml:"position"`
}

// Sensor is a radar or a camera that tracks what is on the water, and tells it as
// contacts. Where it can't see, nothing follows from seeing nothing.
type Sensor struct {
	ID       string  `yaml:"id"`
	Name     string  `yaml:"name"`
	Kind     string  `yaml:"kind"`     // one of SensorKinds
	Asset    string  `yaml:"asset"`    // the device, where it is in the register
	Position Point   `yaml:"position"` // zero: that of the asset
	Range    float64 `yaml:"range_m"`  // metres within which a ship is seen
	Blind    float64 `yaml:"blind_m"`  // metres within which nothing is seen
	Accuracy float64 `yaml:"accuracy"` // metres, one standard deviation of a place that it tells; 0: 25
	Every    float64 `yaml:"every_s"`  // seconds between two looks at a target; 0: 3
	Shadows  []Ring  `yaml:"shadows"`  // where land or buildings stand in between
}

// SensorKinds are the kinds of sensor.
var SensorKinds = []string{"radar", "camera"}

// TerminalKinds are the kinds of terminal.
var TerminalKinds = []string{"container", "ro-ro", "bulk"}

// SiteKinds are the kinds of site.
var SiteKinds = []string{"container-terminal", "ro-ro-terminal", "bulk-terminal", "passenger-terminal", "vts", "office", "customs", "pilot-station", "utility", "rail", "gate-complex", "other"}

// AccessPointKinds are the kinds of access point.
var AccessPointKinds = []string{"gate", "door", "turnstile", "barrier", "cabinet", "water-gate"}

// AssetKinds are the kinds of asset, by domain.
var AssetKinds = map[Domain][]string{
	IT:       {"server", "workstation", "laptop", "printer", "phone", "switch", "router", "firewall", "vpn-gateway", "jump-host", "wireless-access-point", "storage", "application", "directory", "mail", "modem", "other-it"},
	OT:       {"plc", "rtu", "hmi", "engineering-station", "historian", "scada-server", "tos-server", "vts-server", "drive", "crane", "asc", "agv", "straddle-carrier", "radar", "ais-base-station", "vhf-radio", "meteo-sensor", "tank-gauge", "pump", "valve", "reefer-rack", "weighbridge", "ocr-portal", "gnss-receiver", "ups", "substation", "safety-controller", "switch", "firewall", "gateway", "modem", "jump-host", "server", "other-ot"},
	Physical: {"camera", "badge-reader", "door-controller", "access-server", "video-recorder", "intercom", "barrier", "fence-sensor", "alarm-panel", "radar", "switch", "server", "workstation", "other-physical"},
}
