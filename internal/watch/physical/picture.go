package physical

import "time"

// Presence is a person inside an area, as far as the readers tell.
type Presence struct {
	Party    string    `json:"party,omitempty"` // party id, "" where the badge is not in the register
	Name     string    `json:"name"`
	Badge    string    `json:"badge"`
	Area     string    `json:"area"` // area id
	Since    time.Time `json:"since"`
	Last     time.Time `json:"last"` // last use of the badge
	Reader   string    `json:"reader"`
	Allowed  bool      `json:"allowed"`         // may enter that area
	Doubt    string    `json:"doubt,omitempty"` // why it may be wrong: "no exit reader", "entered 19 h ago"
	Exercise string    `json:"exercise,omitempty"`
}

// ReaderState is the last that was heard of a reader.
type ReaderState struct {
	Reader   string    `json:"reader"`
	Area     string    `json:"area,omitempty"`
	Last     time.Time `json:"last"` // zero: never heard
	Granted  uint64    `json:"granted"`
	Refused  uint64    `json:"refused"`
	Declared bool      `json:"declared"` // in the port file
}

// AreaCount is how many are inside.
type AreaCount struct {
	Area       string `json:"area"`
	Inside     int    `json:"inside"`
	Doubtful   int    `json:"doubtful"` // of Inside, with a doubt
	NotAllowed int    `json:"not_allowed"`
	Known      bool   `json:"known"` // false: no reader of the area was ever heard, so the count means nothing
}

// Picture is the people on site, ordered by area and name.
type Picture struct {
	AsOf     time.Time     `json:"as_of"`
	Presence []Presence    `json:"presence"`
	Readers  []ReaderState `json:"readers"`
	Areas    []AreaCount   `json:"areas"`
}
