package stream

import (
	"fmt"

	"github.com/fxamacker/cbor/v2"

	"github.com/quaywatch/quaywatch/internal/event"
)

// Batches travel as CBOR (RFC 8949) with integer keys: a field can be added
// without breaking what is already in the stream. Times are RFC 3339 text with
// nanoseconds, so that no precision and no zone is lost.
var (
	encoder cbor.EncMode
	decoder cbor.DecMode
)

// Bounds of a decoded message.
const (
	maxRows  = 1 << 17 // array elements
	maxDepth = 16
)

func init() {
	var err error
	encoder, err = cbor.EncOptions{Time: cbor.TimeRFC3339Nano, NaNConvert: cbor.NaNConvert7e00}.EncMode()
	if err != nil {
		panic(err) // the options above are constants
	}
	decoder, err = cbor.DecOptions{MaxArrayElements: maxRows, MaxMapPairs: 1 << 10, MaxNestedLevels: maxDepth,
		DupMapKey: cbor.DupMapKeyEnforcedAPF, IndefLength: cbor.IndefLengthForbidden,
		// sources make text fit; a batch that slipped past them is read as it is rather than lost whole
		UTF8: cbor.UTF8DecodeInvalid}.DecMode()
	if err != nil {
		panic(err) // the options above are constants
	}
}

// Encode writes a batch as it stands in the stream.
func Encode(b *event.Batch) ([]byte, error) {
	out, err := encoder.Marshal(b)
	if err != nil {
		return nil, fmt.Errorf("encoding batch %s: %w", b.ID, err)
	}
	return out, nil
}

// Decode reads what Encode wrote. It never panics and bounds what it allocates
// by the length of data.
func Decode(data []byte) (*event.Batch, error) {
	b := new(event.Batch)
	if err := decoder.Unmarshal(data, b); err != nil {
		return nil, fmt.Errorf("decoding a batch of %d bytes: %w", len(data), err)
	}
	return b, nil
}

// halve splits a batch in two of about the same number of rows.
func halve(b *event.Batch) (*event.Batch, *event.Batch) {
	one := &event.Batch{ID: b.ID + "/1", Source: b.Source}
	two := &event.Batch{ID: b.ID + "/2", Source: b.Source}
	one.Vessels, two.Vessels = cut(b.Vessels)
	one.Flows, two.Flows = cut(b.Flows)
	one.Devices, two.Devices = cut(b.Devices)
	one.Access, two.Access = cut(b.Access)
	one.Alerts, two.Alerts = cut(b.Alerts)
	one.Advisories, two.Advisories = cut(b.Advisories)
	one.Health, two.Health = cut(b.Health)
	one.Exploited, two.Exploited = cut(b.Exploited)
	return one, two
}

func cut[T any](rows []T) ([]T, []T) {
	n := (len(rows) + 1) / 2
	return rows[:n], rows[n:]
}
