package console

import (
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/quaywatch/quaywatch/internal/port"
	"github.com/quaywatch/quaywatch/internal/watch/vessel"
)

// wakeStep is the shortest piece of a wake that is sent, in degrees of latitude
// (11 m): a ship at anchor has a point of a wake and not a knot of sixty.
const wakeStep = 0.0001

// seas is the vessels of one picture as features of the map, written once for
// all who look at it: a picture is asked for by every open page whenever it
// changes.
type seas struct {
	first    *vessel.Track // of the picture: another one has its own
	len      int
	asOf     time.Time
	port     *port.Port
	features []byte // GeoJSON features with commas between them
	near     int    // vessels among them
	all      int    // vessels that have a position
}

type seasCache struct {
	mu   sync.Mutex
	last *seas
}

// of returns the features of pic, written anew when it is another picture or
// another port than the last.
func (sc *seasCache) of(pic vessel.Picture, p *port.Port) *seas {
	var first *vessel.Track
	if len(pic.Tracks) > 0 {
		first = &pic.Tracks[0]
	}
	sc.mu.Lock()
	defer sc.mu.Unlock()
	if s := sc.last; s != nil && s.first == first && s.len == len(pic.Tracks) && s.asOf.Equal(pic.AsOf) && s.port == p {
		return s
	}
	s := &seas{first: first, len: len(pic.Tracks), asOf: pic.AsOf, port: p}
	near, all := nearest(pic, p.Identity.Centre, mapVessels)
	s.near, s.all = len(near), all
	if sc.last != nil {
		s.features = make([]byte, 0, len(sc.last.features)+len(sc.last.features)/8)
	}
	for i, t := range near {
		if i > 0 {
			s.features = append(s.features, ',')
		}
		s.features = appendVessel(s.features, t, pic.AsOf)
	}
	sc.last = s
	return s
}

// appendVessel writes a vessel and its wake.
func appendVessel(b []byte, t *vessel.Track, asOf time.Time) []byte {
	heading := float64(bearing(*t))
	if math.IsNaN(heading) {
		heading = 0
	}
	at := port.Point{t.Lon, t.Lat}
	b = append(b, `{"type":"Feature","geometry":{"type":"Point","coordinates":`...)
	b = appendPoint(b, at)
	b = append(b, `},"properties":{"heading":`...)
	b = strconv.AppendInt(b, int64(math.Round(heading)), 10)
	b = append(b, `,"icon":"`...)
	b = append(b, vesselIcon(*t, asOf)...)
	b = append(b, `","id":"`...)
	b = append(b, trackID(*t)...)
	b = append(b, `","layer":"vessel","name":`...)
	name, _ := json.Marshal(trackName(*t)) // a string can always be written
	b = append(b, name...)
	b = append(b, "}}"...)
	wake := wakeOf(t, wakeStep)
	if len(wake) == 0 {
		return b
	}
	b = append(b, `,{"type":"Feature","geometry":{"type":"LineString","coordinates":[`...)
	for _, p := range wake {
		b = append(appendPoint(b, p), ',')
	}
	b = appendPoint(b, at)
	return append(b, `]},"properties":{"layer":"wake"}}`...)
}

// wakeOf is where a vessel was, oldest first, without the points that lie nearer
// than step degrees to the one before.
func wakeOf(t *vessel.Track, step float64) []port.Point {
	var out []port.Point
	shrink := math.Cos(t.Lat * math.Pi / 180)
	for i := range t.Past {
		p := port.Point{t.Past[i].Lon, t.Past[i].Lat}
		if math.IsNaN(p[0]) || math.IsNaN(p[1]) {
			continue
		}
		if n := len(out); n > 0 && math.Hypot((p[0]-out[n-1][0])*shrink, p[1]-out[n-1][1]) < step {
			continue
		}
		out = append(out, p)
	}
	return out
}

// appendPoint writes a position [longitude, latitude] in millionths of a degree
// (0.1 m; AIS tells 1/600,000, ITU-R M.1371-5 table 48).
func appendPoint(b []byte, p port.Point) []byte {
	b = append(b, '[')
	b = appendDecimal(b, p[0], 6)
	b = append(b, ',')
	b = appendDecimal(b, p[1], 6)
	return append(b, ']')
}

// appendDecimal writes a finite number with so many digits after the point.
// Positions are written by the hundred thousand, and strconv takes ten times as
// long for a fixed number of digits.
func appendDecimal(b []byte, v float64, digits int) []byte {
	unit := int64(math.Pow10(digits))
	n := int64(math.Round(v * float64(unit)))
	if n < 0 {
		b, n = append(b, '-'), -n
	}
	b = append(strconv.AppendInt(b, n/unit, 10), '.')
	for unit /= 10; unit > 0; unit /= 10 {
		b = append(b, byte('0'+n/unit%10))
	}
	return b
}

// mapLive is what moves on the map: vessels, marks of findings, the walk of the
// selected one.
func (c *Console) mapLive(w http.ResponseWriter, r *http.Request) {
	pic, p := c.d.Vessels(), c.d.Port()
	marks, err := c.markFeatures(r, p)
	if err != nil {
		c.d.Log.Error("map: findings not read", "error", err)
		http.Error(w, "findings could not be read", http.StatusInternalServerError)
		return
	}
	s := c.seas.of(pic, p)
	rest, err := json.Marshal(marks)
	if err != nil {
		c.d.Log.Error("map: findings not written", "error", err)
		http.Error(w, "findings could not be written", http.StatusInternalServerError)
		return
	}
	comma := ""
	if len(s.features) > 0 && len(marks) > 0 {
		comma = ","
	}
	note, _ := json.Marshal(c.mapNote(pic, s.near, s.all)) // a string can always be written
	if len(marks) == 0 {
		rest = []byte("[]")
	}
	w.Header().Set("Content-Type", "application/geo+json")
	w.Header().Set("Cache-Control", "no-store")
	for _, part := range [][]byte{[]byte(`{"type":"FeatureCollection","features":[`), s.features, []byte(comma), rest[1 : len(rest)-1], []byte(`],"note":`), note, []byte("}\n")} {
		if _, err := w.Write(part); err != nil {
			if r.Context().Err() == nil {
				c.d.Log.Error("map: not sent", "error", err)
			}
			return
		}
	}
}
