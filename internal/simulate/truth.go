package simulate

import (
	"encoding/json"
	"fmt"
	"time"
)

// Truth is one line of truth.ndjson: what was done, or what merely looked like it.
type Truth struct {
	Time     time.Time `json:"time"`             // when it began, UTC
	Until    time.Time `json:"until,omitzero"`   // when it ended, where that is known
	Kind     string    `json:"kind"`             // "attack" must be found, "negative" must not be told as the attack
	Step     string    `json:"step"`             // what it is, in a few words
	Subjects []string  `json:"subjects"`         // ids of the port file, addresses, "mmsi:…" or badge numbers
	Rules    []string  `json:"rules,omitempty"`  // rules of which one must tell it; of a negative: what may be told of it at most
	Chain    bool      `json:"chain,omitempty"`  // part of the one campaign, to be joined by cross.chain
	Note     string    `json:"note,omitempty"`   // for people
	Client   string    `json:"client,omitempty"` // of a flow outside the conduits
	Server   string    `json:"server,omitempty"` // address:port
}

// tell writes a line of the truth at the present moment.
func (s *Simulation) tell(t Truth) {
	t.Time = s.now
	b, err := json.Marshal(t)
	if err != nil {
		s.fail(fmt.Errorf("write truth %q: %w", t.Step, err))
		return
	}
	s.emit(Told, append(b, '\n'))
}
