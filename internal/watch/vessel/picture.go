package vessel

import "time"

// Fix is one reported position.
type Fix struct {
	Time time.Time `json:"time"`
	Lat  float64   `json:"lat"` // degrees north
	Lon  float64   `json:"lon"` // degrees east
	SOG  float32   `json:"sog"` // knots, NaN absent
	COG  float32   `json:"cog"` // degrees, NaN absent
}

// Track is a vessel as the watch knows it.
type Track struct {
	MMSI        uint32    `json:"mmsi"`
	Hull        int       `json:"hull"` // 0 for the first; 1, 2… where several hulls share the MMSI
	Name        string    `json:"name,omitempty"`
	CallSign    string    `json:"call_sign,omitempty"`
	IMO         uint32    `json:"imo,omitempty"`
	ShipType    uint8     `json:"ship_type,omitempty"`
	Destination string    `json:"destination,omitempty"`
	Length      uint16    `json:"length,omitempty"` // metres
	Beam        uint16    `json:"beam,omitempty"`   // metres
	Draught     float32   `json:"draught,omitempty"`
	Heading     float32   `json:"heading"` // degrees true, NaN absent
	Status      int8      `json:"status"`  // navigational status, -1 absent
	Kind        string    `json:"kind"`    // "ship", "base-station", "aid", "sar-aircraft", "sart", "handheld", "unknown", by MMSI and message
	ClassB      bool      `json:"class_b,omitempty"`
	Fix                   // the newest; Lat and Lon NaN where no position was ever told
	Past        []Fix     `json:"past,omitempty"` // thinned, oldest first, at most 64
	First       time.Time `json:"first"`
	LastHeard   time.Time `json:"last_heard"` // any message
	Reports     uint64    `json:"reports"`
	Source      string    `json:"source"`             // of the newest
	Findings    []string  `json:"findings,omitempty"` // ids of present findings
	Exercise    string    `json:"exercise,omitempty"`
	Newest      Sentence  `json:"newest"`         // the newest position as it was sent
	Said        []Said    `json:"said,omitempty"` // identities told under the MMSI, oldest first, where there were several
}

// Sentence is a report as it came in.
type Sentence struct {
	Text  string `json:"text,omitempty"`  // the raw line, as far as it was kept
	Where string `json:"where,omitempty"` // the input with the place in it
}

// Said is an identity that was told under an MMSI.
type Said struct {
	Name     string    `json:"name,omitempty"`
	CallSign string    `json:"call_sign,omitempty"`
	IMO      uint32    `json:"imo,omitempty"`
	Last     time.Time `json:"last"` // when it was told last
}

// Picture is all that is heard, ordered by MMSI and hull.
type Picture struct {
	AsOf   time.Time `json:"as_of"` // newest event time applied
	Tracks []Track   `json:"tracks"`
	Reach  []Reach   `json:"reach,omitempty"` // how far vessels were heard by bearing from the centre of the port; empty until enough is learned
}

// Reach is the farthest that a vessel was heard in one bearing.
type Reach struct {
	Bearing float64 `json:"bearing"` // degrees true, middle of ten
	Metres  float64 `json:"metres"`
}
