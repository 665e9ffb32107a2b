package system

import (
	"context"
	"fmt"

	"github.com/quaywatch/quaywatch/internal/finding"
)

// recallMost bounds the findings that the watches are given at a start.
const recallMost = 100_000

// recalled are the rules whose watches end what an earlier run told. A device
// that was last heard before the warm-up would else stay a finding for ever.
var recalled = []string{"cross.chain", "network.identity-mismatch", "network.scan", "network.undeclared-conduit", "network.unregistered-device"}

// recallFindings gives the watches what an earlier run told and what still holds.
func (s *System) recallFindings(ctx context.Context) error {
	holds := true
	q := finding.Query{Rules: recalled, Present: &holds, Limit: 1000}
	var open []finding.Finding
	for len(open) < recallMost {
		page, err := s.register.List(ctx, q)
		if err != nil {
			return fmt.Errorf("reading back the findings that hold: %w", err)
		}
		open = append(open, page.Findings...)
		if q.Cursor = page.Next; q.Cursor == "" {
			break
		}
	}
	s.watchMu.Lock()
	defer s.watchMu.Unlock()
	s.watches.Resume(open)
	return nil
}
