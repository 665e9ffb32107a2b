package health

import (
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
)

// Status is how a source stands.
type Status string

// Statuses. Silent and failed are findings; "ended" is a file read to its end.
const (
	Live    Status = "live"
	Silent  Status = "silent"
	Failed  Status = "failed"
	Ended   Status = "ended"
	Waiting Status = "waiting" // configured, nothing heard yet
)

// Source is one source with its latest account.
type Source struct {
	ID     string             `json:"id"`
	Kind   string             `json:"kind"` // "ais", "pcap", "access", "advisories", "kev"
	Domain string             `json:"domain"`
	Status Status             `json:"status"`
	Since  time.Time          `json:"since"` // of the status
	Why    string             `json:"why"`   // in words: "nothing for 4 min, expected every 30 s"
	Health event.SourceHealth `json:"health"`
}

// Picture is all sources, ordered by id.
type Picture struct {
	AsOf    time.Time `json:"as_of"`
	Sources []Source  `json:"sources"`
}
