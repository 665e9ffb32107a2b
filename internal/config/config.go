// Package config reads quaywatch.yaml: where the port file and the data are,
// the engines, the listener and the sources. It exists so that a mistake in the
// configuration is found at the start with its line and column, and not at
// three in the morning. Zero values work: an empty file gives a system on
// embedded stores with no sources. It imports the strict YAML reader only.
package config

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/quaywatch/quaywatch/internal/strictyaml"
)

// Config is the whole configuration. Relative paths are relative to the
// directory of the file.
type Config struct {
	Port   string   `yaml:"port"`   // port file; "" is port.yaml
	Data   string   `yaml:"data"`   // data directory; "" is data
	Listen string   `yaml:"listen"` // host:port; "" is 127.0.0.1:8642
	TLS    TLS      `yaml:"tls"`
	Proxy  Proxy    `yaml:"proxy"`
	Store  Records  `yaml:"records"`
	Tele   Tele     `yaml:"telemetry"`
	Stream Stream   `yaml:"stream"`
	Log    Log      `yaml:"log"`
	Source []Source `yaml:"sources"`
	Feed   []Feed   `yaml:"feeds"`
	Paper  Paper    `yaml:"paper"`
	Board  Board    `yaml:"board"`
	Weak   Weak     `yaml:"weaknesses"`
	Chart  string   `yaml:"chart"` // a PMTiles file that the sea chart draws under everything; "" is none
}

// Paper is the pack that a terminal works from without systems, printed before
// it is needed.
type Paper struct {
	Snapshots string        `yaml:"snapshots"` // directory of exports of the terminal operating system; "": no pack is printed
	Output    string        `yaml:"output"`    // directory of the packs; "" is paper in the data directory
	Terminal  string        `yaml:"terminal"`  // id in the port file; "" is its first container terminal
	Every     time.Duration `yaml:"every"`     // 0 is 6h
	Keep      int           `yaml:"keep"`      // packs; 0 is 8
}

// Weak is what the verdicts on weaknesses take besides the notices.
type Weak struct {
	EPSS      string   `yaml:"epss"`       // exploit predictions, CSV of FIRST, plain or gzip; "": none
	Decisions string   `yaml:"decisions"`  // decisions of people, YAML; those of the console stand over them
	From      []string `yaml:"reach_from"` // entries that the attack graph is asked about; none: internet, mail, vendor
}

// Board is when the report to the board is made by itself.
type Board struct {
	Day int `yaml:"day"` // of the month, UTC, 1 to 28; 0 is 1
}

// TLS is how the console is served. Without anything a certificate of its own
// is made in the data directory.
type TLS struct {
	Certificate string   `yaml:"certificate"` // PEM file with the chain
	Key         string   `yaml:"key"`         // PEM file
	Names       []string `yaml:"names"`       // further names and addresses in the own certificate
	Off         bool     `yaml:"off"`         // plain HTTP, on loopback only
}

// Proxy describes a reverse proxy on this machine, where there is one.
type Proxy struct {
	Header  string   `yaml:"header"`  // that tells the address of the client, such as X-Forwarded-For
	Origins []string `yaml:"origins"` // such as https://security.port.example
}

// Records is where decisions and declarations are kept: SQLite in the data
// directory, or PostgreSQL.
type Records struct {
	Postgres     string `yaml:"postgres"`      // connection URL without a password, or with
	PostgresFile string `yaml:"postgres_file"` // file that holds the URL, so that no secret stands here
}

// Tele bounds the telemetry store.
type Tele struct {
	RetentionDays int `yaml:"retention_days"` // 0 is 400
	MemoryMiB     int `yaml:"memory_mib"`     // 0 is 192
}

// Stream is the embedded stream, or a NATS JetStream cluster.
type Stream struct {
	URL         string `yaml:"url"`         // such as nats://10.0.0.5:4222; "" is embedded
	Credentials string `yaml:"credentials"` // file
	Replicas    int    `yaml:"replicas"`    // 0 is 1, or 3 with a URL
	MaxGiB      int    `yaml:"max_gib"`     // 0 is 4; when full, sources wait
}

// Log is how the program tells of itself on standard error.
type Log struct {
	Level string `yaml:"level"` // debug, info, warn, error; "" is info
	JSON  bool   `yaml:"json"`
}

// Kinds of source.
const (
	KindAIS        = "ais"
	KindPcap       = "pcap"
	KindInterface  = "interface"
	KindZeek       = "zeek"
	KindEVE        = "eve"
	KindAccess     = "access"
	KindAdvisories = "advisories"
	KindKEV        = "kev"
	KindContacts   = "contacts"
)

// Kinds are the kinds of source in the order of the manual.
var Kinds = []string{KindAIS, KindPcap, KindInterface, KindZeek, KindEVE, KindAccess, KindAdvisories, KindKEV, KindContacts}

// Source is one feed.
type Source struct {
	ID          string        `yaml:"id"`
	Kind        string        `yaml:"kind"`
	Address     string        `yaml:"address"`     // ais, contacts: tcp://host:port, udp://host:port; all: a file or directory, "-" for standard input
	Expect      time.Duration `yaml:"expect"`      // the longest normal silence; 0: none declared, silence is then not judged
	Sensor      string        `yaml:"sensor"`      // contacts: id of the sensor in the port file
	TimeZone    string        `yaml:"time_zone"`   // of times without an offset; "" is UTC
	Follow      bool          `yaml:"follow"`      // pcap, zeek, eve, access: the file grows
	Promiscuous bool          `yaml:"promiscuous"` // interface: take packets that are not for this machine
	Every       time.Duration `yaml:"every"`       // advisories, kev: how often the file is read again; 0: once at the start
	Access      *Access       `yaml:"access"`      // how to read the CSV of an access source
}

// Access declares the CSV of an access-control system.
type Access struct {
	Columns    Columns           `yaml:"columns"`
	Delimiter  string            `yaml:"delimiter"` // one character; "" is a comma
	NoHeader   bool              `yaml:"no_header"`
	Encoding   string            `yaml:"encoding"`    // utf-8 or windows-1252
	TimeLayout string            `yaml:"time_layout"` // Go layout, rfc3339, unix or unix-ms
	Results    map[string]string `yaml:"results"`     // value of the file: granted, refused, forced, held or ignore
	Directions map[string]string `yaml:"directions"`  // value of the file: in, out or ""
}

// Columns names the columns by header, or "#n".
type Columns struct {
	Time      string `yaml:"time"`
	Clock     string `yaml:"clock"`
	Reader    string `yaml:"reader"`
	Badge     string `yaml:"badge"`
	Person    string `yaml:"person"`
	Result    string `yaml:"result"`
	Direction string `yaml:"direction"`
	Reason    string `yaml:"reason"`
}

// Feed is one AIS feed out, for other systems of the port.
type Feed struct {
	ID      string   `yaml:"id"`
	Listen  string   `yaml:"listen"`  // host:port of TCP; "" is 127.0.0.1:10110
	Mode    string   `yaml:"mode"`    // of doubted positions: flag or drop; "" is flag
	Clients []string `yaml:"clients"` // networks that may connect; required where Listen is not loopback
	Types   []int    `yaml:"types"`   // message types 1 to 27; none: all
}

// Modes of a feed.
var Modes = []string{"flag", "drop"}

// DefaultFeed is where a feed listens when nothing is said: the port that IANA
// has for NMEA 0183, on this machine only.
const DefaultFeed = "127.0.0.1:10110"

// DefaultListen is where the console is when nothing is said.
const DefaultListen = "127.0.0.1:8642"

// Load reads the configuration at path. The error holds every fault with line
// and column (strictyaml.Problems) where the file itself is at fault.
func Load(path string) (*Config, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	return Parse(path, data)
}

// Parse reads a configuration from data; path names it in errors and its
// directory is where relative paths begin.
func Parse(path string, data []byte) (*Config, error) {
	c := new(Config)
	pos, problems := strictyaml.Decode(path, data, c)
	if pos != nil {
		problems = append(problems, c.check(pos)...)
	}
	if err := problems.Err(); err != nil {
		return nil, err
	}
	c.defaults(filepath.Dir(path))
	return c, nil
}

// defaults fills what was not said and makes paths independent of the working directory.
func (c *Config) defaults(dir string) {
	if c.Port == "" {
		c.Port = "port.yaml"
	}
	if c.Data == "" {
		c.Data = "data"
	}
	if c.Listen == "" {
		c.Listen = DefaultListen
	}
	for i := range c.Feed {
		if f := &c.Feed[i]; f.Listen == "" {
			f.Listen = DefaultFeed
		}
	}
	if c.Paper.Output == "" {
		c.Paper.Output = filepath.Join(c.Data, "paper")
	}
	if c.Weak.From == nil {
		c.Weak.From = []string{"internet", "mail", "vendor"}
	}
	c.Board.Day = cmp.Or(c.Board.Day, 1)
	c.Paper.Every, c.Paper.Keep = cmp.Or(c.Paper.Every, 6*time.Hour), cmp.Or(c.Paper.Keep, 8)
	if c.Stream.URL != "" && c.Stream.Replicas == 0 {
		c.Stream.Replicas = 3
	}
	for _, p := range []*string{&c.Port, &c.Data, &c.Chart, &c.Weak.EPSS, &c.Weak.Decisions, &c.Paper.Snapshots, &c.Paper.Output, &c.TLS.Certificate, &c.TLS.Key, &c.Store.PostgresFile, &c.Stream.Credentials} {
		*p = under(dir, *p)
	}
	for i := range c.Source {
		if s := &c.Source[i]; !strings.Contains(s.Address, "://") && s.Address != "-" && s.Kind != KindInterface {
			s.Address = under(dir, s.Address)
		}
	}
}

func under(dir, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// check finds what is of the right form and still wrong.
func (c *Config) check(pos *strictyaml.Positions) (out strictyaml.Problems) {
	bad := func(path, text, hint string) { out = append(out, pos.Problem(path, text, hint)) }
	if c.Listen != "" {
		host, _, err := net.SplitHostPort(c.Listen)
		switch {
		case err != nil:
			bad("listen", fmt.Sprintf("%q is not an address with a port", c.Listen), "write host:port, such as 127.0.0.1:8642 or :8642")
		case c.TLS.Off && !loopback(host):
			bad("listen", "plain HTTP would leave this machine", "take tls.off away, or listen on 127.0.0.1 behind a proxy")
		}
	}
	if (c.TLS.Certificate == "") != (c.TLS.Key == "") {
		bad("tls", "certificate and key belong together", "give both, or neither for a certificate of its own")
	}
	if c.TLS.Off && c.TLS.Certificate != "" {
		bad("tls.off", "a certificate is given and TLS is off", "take one of them away")
	}
	if c.Store.Postgres != "" && c.Store.PostgresFile != "" {
		bad("records", "postgres and postgres_file are both given", "keep postgres_file, so that no secret stands in the configuration")
	}
	for _, n := range []struct {
		path      string
		value     int
		low, high int
	}{{"telemetry.retention_days", c.Tele.RetentionDays, 1, 36500}, {"telemetry.memory_mib", c.Tele.MemoryMiB, 128, 1 << 20},
		{"paper.keep", c.Paper.Keep, 2, 1000}, {"board.day", c.Board.Day, 1, 28}, {"stream.replicas", c.Stream.Replicas, 1, 5}, {"stream.max_gib", c.Stream.MaxGiB, 1, 1 << 20}} {
		if n.value != 0 && (n.value < n.low || n.value > n.high) {
			bad(n.path, fmt.Sprintf("%d is outside %d to %d", n.value, n.low, n.high), "leave it out for the default")
		}
	}
	if e := c.Paper.Every; e != 0 && e < 10*time.Minute {
		bad("paper.every", fmt.Sprintf("%s is too often", e), "10m or more, such as 6h; a pack is some hundred pages")
	}
	if !slices.Contains([]string{"", "debug", "info", "warn", "error"}, c.Log.Level) {
		bad("log.level", fmt.Sprintf("%q is not a level", c.Log.Level), "use debug, info, warn or error")
	}
	return append(append(out, c.checkSources(pos)...), c.checkFeeds(pos)...)
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (c *Config) checkSources(pos *strictyaml.Positions) (out strictyaml.Problems) {
	seen, stdin := map[string]int{}, ""
	for i, s := range c.Source {
		at := strictyaml.Item("sources", i)
		bad := func(key, text, hint string) {
			out = append(out, pos.Problem(strictyaml.Key(at, key), text, hint))
		}
		if err := checkID(s.ID); err != nil {
			bad("id", err.Error(), "use lower-case letters, digits and dashes, such as ais-tower")
		}
		if first, twice := seen[s.ID]; twice {
			bad("id", fmt.Sprintf("%q is already the id of source %d", s.ID, first+1), "give each source an id of its own")
		} else {
			seen[s.ID] = i
		}
		if !slices.Contains(Kinds, s.Kind) {
			hint := "use one of " + strings.Join(Kinds, ", ")
			if near := strictyaml.Nearest(s.Kind, Kinds); near != "" {
				hint = "did you mean " + near + "?"
			}
			bad("kind", fmt.Sprintf("%q is not a kind of source", s.Kind), hint)
		}
		if s.Address == "" {
			bad("address", "a source needs an address", "give a file, a directory, or for ais and contacts tcp://host:port or udp://host:port")
		}
		if s.Address == "-" {
			if stdin != "" {
				bad("address", "standard input is already read by "+stdin, "give this source a file")
			}
			stdin = s.ID
		}
		if s.Kind == KindInterface && (len(s.Address) > 15 || strings.ContainsAny(s.Address, "/ ")) {
			bad("address", fmt.Sprintf("%q is not the name of an interface", s.Address), "write it as ip link shows it, such as eth1")
		}
		if s.Promiscuous && s.Kind != KindInterface {
			bad("promiscuous", "it belongs to a source of kind interface", "take it away or change the kind")
		}
		if err := checkAddress(s); err != nil {
			bad("address", err.Error(), "ais and contacts take tcp://host:port, udp://host:port, a file or -; the other kinds take a file or directory")
		}
		if _, err := time.LoadLocation(s.TimeZone); err != nil {
			bad("time_zone", fmt.Sprintf("%q is not a time zone", s.TimeZone), "use an IANA name such as Europe/Paris")
		}
		if s.Expect < 0 || s.Every < 0 {
			bad("expect", "a time can't be negative", "write it as 30s, 5m or 1h")
		}
		if (s.Kind == KindContacts) != (s.Sensor != "") {
			bad("sensor", "contacts come from a sensor of the port file, and other kinds from none", "name the sensor of a source of kind contacts, such as radar-head, and of no other")
		}
		if s.Kind == KindAccess && s.Access == nil {
			bad("access", "an access source needs its columns declared", "add access: with columns: time, reader and result at least")
		}
		if s.Kind != KindAccess && s.Access != nil {
			bad("access", "columns belong to a source of kind access", "take it away or change the kind")
		}
		if s.Access != nil && len([]rune(s.Access.Delimiter)) > 1 {
			bad("access.delimiter", fmt.Sprintf("%q is more than one character", s.Access.Delimiter), `use ",", ";", "|" or "\t"`)
		}
	}
	return out
}

func checkID(id string) error {
	if id == "" {
		return errors.New("it needs an id")
	}
	for _, r := range id {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '.' {
			return fmt.Errorf("the id %q has the character %q", id, r)
		}
	}
	return nil
}

func checkAddress(s Source) error {
	scheme, rest, ok := strings.Cut(s.Address, "://")
	if !ok {
		return nil
	}
	if s.Kind != KindAIS && s.Kind != KindContacts || scheme != "tcp" && scheme != "udp" {
		return fmt.Errorf("%q is not an address that a source of kind %s can read", s.Address, s.Kind)
	}
	_, p, err := net.SplitHostPort(rest)
	if err != nil {
		return fmt.Errorf("%q has no host and port", s.Address)
	}
	if n, err := strconv.Atoi(p); err != nil || n < 1 || n > 65535 {
		return fmt.Errorf("%q has no port from 1 to 65535", s.Address)
	}
	return nil
}

// PostgresURL is the connection URL of the records, "" for SQLite.
func (c *Config) PostgresURL() (string, error) {
	if c.Store.PostgresFile == "" {
		return c.Store.Postgres, nil
	}
	b, err := os.ReadFile(c.Store.PostgresFile)
	if err != nil {
		return "", fmt.Errorf("reading the address of the records: %w", err)
	}
	return strings.TrimSpace(string(b)), nil
}
