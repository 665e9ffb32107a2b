package stream

import (
	"bytes"
	"fmt"

	"github.com/fxamacker/cbor/v2"

	"github.com/quaywatch/quaywatch/internal/event"
)

// Batches travel in one of two forms, told apart by their first bytes.
//
// The plain form is CBOR (RFC 8949) with integer keys: a field can be added
// without breaking what is already in the stream. Times are RFC 3339 text with
// nanoseconds, so that no precision and no zone is lost.
//
// Batches with vessel reports, which come by the hundred thousand a second,
// carry those as columns behind the plain form of everything else; see
// vessels.go. A message of the plain form begins with a CBOR map (0xa0 to
// 0xbf), which no column message does, so what was written before there were
// columns is read as ever.
var (
	encoder cbor.UserBufferEncMode
	decoder cbor.DecMode
)

// Bounds of a decoded message.
const (
	maxRows  = 1 << 17 // array elements
	maxDepth = 16
)

func init() {
	var err error
	encoder, err = cbor.EncOptions{Time: cbor.TimeRFC3339Nano, NaNConvert: cbor.NaNConvert7e00}.UserBufferEncMode()
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
func Encode(b *event.Batch) ([]byte, error) { return AppendEncoded(nil, b) }

// AppendEncoded is Encode behind what out holds already, in its memory where
// there is room.
func AppendEncoded(out []byte, b *event.Batch) ([]byte, error) {
	if len(b.Vessels) > maxRows {
		return nil, fmt.Errorf("encoding batch %s: %d vessel reports are more than one message holds (%d)", b.ID, len(b.Vessels), maxRows)
	}
	plain := *b
	plain.Vessels = nil
	buf := bytes.NewBuffer(nil)
	if err := encoder.MarshalToBuffer(&plain, buf); err != nil {
		return nil, fmt.Errorf("encoding batch %s: %w", b.ID, err)
	}
	if len(b.Vessels) == 0 {
		return append(out, buf.Bytes()...), nil
	}
	return appendVessels(out, buf.Bytes(), b.Vessels), nil
}

// Decode reads what Encode wrote, now or in an earlier version. It never panics
// and bounds what it allocates by the length of data. The batch holds on to no
// part of data.
func Decode(data []byte) (*event.Batch, error) {
	b := new(event.Batch)
	plain, vessels, version, err := split(data)
	if err == nil {
		err = decoder.Unmarshal(plain, b)
	}
	if err == nil && vessels != nil {
		b.Vessels, err = readVessels(vessels, version)
	}
	if err != nil {
		return nil, fmt.Errorf("decoding a batch of %d bytes: %w", len(data), err)
	}
	return b, nil
}

// most is how many rows the largest kind of a batch has.
func most(b *event.Batch) int {
	return max(len(b.Vessels), len(b.Flows), len(b.Devices), len(b.Access), len(b.Alerts), len(b.Advisories), len(b.Health), len(b.Exploited), len(b.Contacts), len(b.Operations))
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
	one.Contacts, two.Contacts = cut(b.Contacts)
	one.Operations, two.Operations = cut(b.Operations)
	return one, two
}

func cut[T any](rows []T) ([]T, []T) {
	n := (len(rows) + 1) / 2
	return rows[:n], rows[n:]
}
