package system

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/quaywatch/quaywatch/internal/store"
)

// outboxPlace names the setting that holds the number of the newest notice that
// the stream has.
const outboxPlace = "outbox.carried"

// outboxPage is how many notices are carried before the place is written.
const outboxPage = 500

// outbox is what carrying notices needs of the records.
type outbox interface {
	Outbox(ctx context.Context, after int64, limit int) ([]store.Notice, error)
	TrimOutbox(ctx context.Context, seq int64) error
	Setting(ctx context.Context, name string) (value string, ok bool, err error)
	SetSetting(ctx context.Context, name, value string) error
}

// announce moves the outbox of the records into the stream.
func (s *System) announce(ctx context.Context) error { return carry(ctx, s.records, s.stream.Announce) }

// carry tells every notice behind the place that was reached before, in order. A
// notice counts as carried only after the stream has it, so a crash tells some
// again, under the same id. The records keep carried notices for a while, which
// is why the place is remembered and not taken from what is left.
func carry(ctx context.Context, box outbox, tell func(ctx context.Context, id string, notice []byte) error) error {
	at := int64(-1)
	text, known, err := box.Setting(ctx, outboxPlace)
	if err != nil {
		return err
	}
	if known {
		if at, err = strconv.ParseInt(text, 10, 64); err != nil {
			return fmt.Errorf("setting %s holds %q, which is no number of a notice: %w", outboxPlace, text, err)
		}
	}
	for {
		notices, err := box.Outbox(ctx, at, outboxPage)
		if err != nil || len(notices) == 0 {
			return err
		}
		for _, n := range notices {
			data, err := json.Marshal(n)
			if err != nil {
				return fmt.Errorf("announcing change %d: %w", n.Seq, err)
			}
			if err := tell(ctx, fmt.Sprintf("finding/%d", n.Seq), data); err != nil {
				return err
			}
		}
		at = notices[len(notices)-1].Seq
		if err := box.SetSetting(ctx, outboxPlace, strconv.FormatInt(at, 10)); err != nil {
			return err
		}
		if err := box.TrimOutbox(ctx, at); err != nil {
			return err
		}
	}
}
