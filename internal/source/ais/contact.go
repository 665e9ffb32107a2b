package ais

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"time"

	nmea "github.com/quaywatch/quaywatch/ais"
	"github.com/quaywatch/quaywatch/internal/event"
)

// Contacts makes a Source one of contacts: the lines are those of a radar's or a
// camera's tracker. It reads TLL and TTM sentences (IEC 61162-1) of any talker,
// with or without a tag block, and JSON objects, one a line.
type Contacts struct {
	Sensor   string  // id of the sensor in the port file
	Lat, Lon float64 // where it stands: TTM tells bearing and distance from there
}

// Faults of a line of contacts.
var (
	errFields   = errors.New("the sentence has too few fields")
	errPlace    = errors.New("the place is missing or not on earth")
	errRelative = errors.New("the bearing is relative to a bow: a fixed sensor tells true bearings")
	errUnits    = errors.New("the unit of distance is none of K, N, S")
	errJSON     = errors.New(`not a contact: a JSON object needs "track", "lat" and "lon"`)
	errTime     = errors.New("the time is not hhmmss.ss or RFC 3339")
	errNoTime   = errors.New("nothing tells when the sensor saw it: a recording needs a tag block or a time with a date")
)

// contact reads the current line as a contact. The error is of the sink.
func (in *intake) contact(ctx context.Context, now time.Time) error {
	line := bytes.TrimSpace(in.lines.text)
	if len(line) == 0 {
		return nil
	}
	c := event.Contact{Sensor: in.s.c.Contacts.Sensor, SOG: float32(math.NaN()), COG: float32(math.NaN())}
	var told time.Time
	var err error
	known := true
	if line[0] == '{' {
		told, err = contactJSON(line, &c)
	} else {
		told, known, err = in.contactSentence(line, now, &c)
	}
	if err == nil && !known {
		in.feed.Skipped()
		return nil
	}
	if err == nil && !c.Lost && !onEarth(c.Lat, c.Lon) {
		err = errPlace
	}
	if err == nil && told.IsZero() && now.IsZero() {
		err = errNoTime
	}
	if err != nil {
		in.feed.Rejected(reason(err), in.raw(in.lines.offset))
		return nil
	}
	c.Head = in.feed.Head(told, in.raw(in.lines.offset))
	return in.feed.Contact(ctx, c)
}

func onEarth(lat, lon float64) bool {
	return lat >= -90 && lat <= 90 && lon >= -180 && lon <= 180 && !(lat == 0 && lon == 0) // what a tracker without a place writes
}

// contactSentence reads TLL and TTM; known is false for other sentences.
func (in *intake) contactSentence(line []byte, now time.Time, c *event.Contact) (told time.Time, known bool, err error) {
	told, _, line, err = nmea.TagBlock(line)
	if err != nil {
		return told, true, err
	}
	if len(line) == 0 || line[0] != '$' {
		return told, false, nil
	}
	f, err := nmea.Checksum(line)
	if err != nil {
		return told, true, err
	}
	if len(f[0]) != 5 {
		return told, false, nil
	}
	var clock, status []byte
	switch string(f[0][2:]) {
	case "TLL": // number, latitude, N/S, longitude, E/W, name, UTC, status, reference
		if len(f) < 9 {
			return told, true, errFields
		}
		clock, status = f[7], f[8]
		c.Lat, c.Lon = degreesOf(f[2], f[3]), degreesOf(f[4], f[5])
	case "TTM": // number, distance, bearing, T/R, speed, course, T/R, CPA, TCPA, units, name, status, reference, UTC, acquisition
		if len(f) < 13 {
			return told, true, errFields
		}
		status = f[12]
		if len(f) > 14 {
			clock = f[14]
		}
		if err := in.bearing(f, c); err != nil {
			return told, true, err
		}
	default:
		return told, false, nil
	}
	c.Track, c.Lost = string(f[1]), string(status) == "L"
	if c.Track == "" {
		return told, true, errFields
	}
	if told.IsZero() && len(clock) > 0 {
		told, err = clockNear(clock, now)
	}
	return told, true, err
}

// bearing places a TTM.
func (in *intake) bearing(f [][]byte, c *event.Contact) error {
	away, bearing := numberOf(f[2]), numberOf(f[3])
	unit, ok := map[string]float64{"K": 1000, "N": 1852, "S": 1609.344}[string(f[10])]
	switch {
	case !ok:
		return errUnits
	case string(f[4]) != "T":
		return errRelative
	case !(away >= 0 && away < 1000) || !(bearing >= 0 && bearing <= 360):
		return errPlace
	}
	at := in.s.c.Contacts
	const metre = 180 / math.Pi / 6371008.8 // in degrees of a great circle
	sin, cos := math.Sincos(bearing * math.Pi / 180)
	c.Lat = at.Lat + away*unit*metre*cos
	c.Lon = at.Lon + away*unit*metre*sin/math.Cos((at.Lat+c.Lat)/2*math.Pi/180)
	if v := numberOf(f[5]); v >= 0 && v < 200 {
		c.SOG = float32(v * unit / 1852)
	}
	if v := numberOf(f[6]); v >= 0 && v <= 360 && string(f[7]) == "T" {
		c.COG = float32(math.Mod(v, 360))
	}
	return nil
}

// numberOf is a decimal number, NaN where it is none.
func numberOf(b []byte) float64 {
	v, err := strconv.ParseFloat(string(b), 64)
	if err != nil || math.IsInf(v, 0) {
		return math.NaN()
	}
	return v
}

// degreesOf reads llll.ll and a letter of the hemisphere; NaN where it is neither.
func degreesOf(b, side []byte) float64 {
	v := numberOf(b)
	whole := math.Floor(v / 100)
	d := whole + (v-whole*100)/60
	switch string(side) {
	case "N", "E":
		return d
	case "S", "W":
		return -d
	}
	return math.NaN()
}

// clockNear is the moment next to now whose time of day is hhmmss.ss in UTC.
func clockNear(b []byte, now time.Time) (time.Time, error) {
	v := numberOf(b)
	if len(b) < 6 || !(v >= 0 && v < 240000) {
		return time.Time{}, errTime
	}
	if now.IsZero() {
		return time.Time{}, nil // a time of day is none without a day
	}
	h, m, s := int(v/10000), int(v/100)%100, math.Mod(v, 100)
	if m > 59 || s >= 61 {
		return time.Time{}, errTime
	}
	t := now.UTC().Truncate(24 * time.Hour).Add(time.Duration(h)*time.Hour + time.Duration(m)*time.Minute + time.Duration(s*float64(time.Second)))
	switch d := t.Sub(now); {
	case d > 12*time.Hour:
		t = t.Add(-24 * time.Hour)
	case d < -12*time.Hour:
		t = t.Add(24 * time.Hour)
	}
	return t, nil
}

// contactJSON reads an object such as {"time": "2026-11-23T12:00:00Z", "track": "7",
// "lat": 45.3, "lon": -12.0, "sog": 6.5, "cog": 81, "accuracy": 12, "class": "ship", "lost": false}.
func contactJSON(line []byte, c *event.Contact) (told time.Time, err error) {
	var o struct {
		Time     string           `json:"time"`
		Track    *json.RawMessage `json:"track"` // text or number
		Lat      *float64         `json:"lat"`
		Lon      *float64         `json:"lon"`
		SOG      *float64         `json:"sog"`
		COG      *float64         `json:"cog"`
		Accuracy float64          `json:"accuracy"`
		Class    string           `json:"class"`
		Lost     bool             `json:"lost"`
	}
	if err := json.Unmarshal(line, &o); err != nil || o.Track == nil {
		return told, errJSON
	}
	var text string
	if json.Unmarshal(*o.Track, &text) != nil {
		text = string(*o.Track)
	}
	if o.Lost && o.Lat == nil {
		o.Lat, o.Lon = new(float64), new(float64)
	}
	if text == "" || o.Lat == nil || o.Lon == nil {
		return told, errJSON
	}
	c.Track, c.Lat, c.Lon, c.Class, c.Lost = text, *o.Lat, *o.Lon, o.Class, o.Lost
	if o.SOG != nil && *o.SOG >= 0 && *o.SOG < 200 {
		c.SOG = float32(*o.SOG)
	}
	if o.COG != nil && *o.COG >= 0 && *o.COG <= 360 {
		c.COG = float32(math.Mod(*o.COG, 360))
	}
	if o.Accuracy > 0 && o.Accuracy < 10_000 {
		c.Accuracy = float32(o.Accuracy)
	}
	if o.Time != "" {
		if told, err = time.Parse(time.RFC3339, o.Time); err != nil {
			return told, errTime
		}
	}
	return told, nil
}
