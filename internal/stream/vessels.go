package stream

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
)

// Vessel reports travel as columns: most fields of a batch hardly change from
// row to row, and a column that is the same all over takes one value. The form,
// with numbers in little-endian order:
//
//	"QWB" and one byte   the version of the columns, 1 or 2
//	uvarint, bytes       length of the plain form (CBOR) of the batch without vessels, and it
//	uint32               number of rows n, 1 to 131,072
//	n × uint32           the MMSI of each row
//	columns              in the order of vesselColumns, see column.go
//	uint32               CRC-32C of everything before it
//
// Times are kept to the nanosecond as moments in UTC, floating point numbers to
// the bit. To add a field, raise the version, put the column behind the others,
// and read it only where the version has it: what is in a stream must stay
// readable.
const (
	vesselMagic   = "QWB"
	vesselVersion = 2
	crcBytes      = 4
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var errDamaged = errors.New("the columns are damaged")

type report = event.VesselReport

// vesselColumns are all fields of a report but the MMSI.
var vesselColumns = []column{
	bits(
		func(r *report) *bool { return &r.Told },
		func(r *report) *bool { return &r.Accurate },
		func(r *report) *bool { return &r.RAIM },
		func(r *report) *bool { return &r.Static },
		func(r *report) *bool { return &r.ClassB },
	),
	moments(func(r *report) *time.Time { return &r.Time }),
	moments(func(r *report) *time.Time { return &r.Seen }),
	texts(func(r *report) *string { return &r.Exercise }),
	texts(func(r *report) *string { return &r.Source }),
	texts(func(r *report) *string { return &r.Raw.Input }),
	steps(func(r *report) *int64 { return &r.Raw.Offset }),
	steps(func(r *report) *int64 { return &r.Raw.Line }),
	steps(func(r *report) *int { return &r.Raw.Length }),
	sums(func(r *report) *event.Sum { return &r.Raw.Sum }),
	raws(func(r *report) *[]byte { return &r.Raw.Text }),
	small(func(r *report) *uint8 { return &r.Type }),
	floats64(func(r *report) *float64 { return &r.Lat }),
	floats64(func(r *report) *float64 { return &r.Lon }),
	floats32(func(r *report) *float32 { return &r.SOG }),
	floats32(func(r *report) *float32 { return &r.COG }),
	floats32(func(r *report) *float32 { return &r.Heading }),
	floats32(func(r *report) *float32 { return &r.Turn }),
	small(func(r *report) *int8 { return &r.Status }),
	small(func(r *report) *int8 { return &r.Second }),
	texts(func(r *report) *string { return &r.Name }),
	texts(func(r *report) *string { return &r.CallSign }),
	steps(func(r *report) *uint32 { return &r.IMO }),
	small(func(r *report) *uint8 { return &r.ShipType }),
	steps(func(r *report) *uint16 { return &r.Bow }),
	steps(func(r *report) *uint16 { return &r.Stern }),
	small(func(r *report) *uint8 { return &r.Port }),
	small(func(r *report) *uint8 { return &r.Starboard }),
	floats32(func(r *report) *float32 { return &r.Draught }),
	texts(func(r *report) *string { return &r.Destination }),
	small(func(r *report) *uint8 { return &r.EPFD }),
	texts(func(r *report) *string { return &r.Station }),
	moments(func(r *report) *time.Time { return &r.Clock }),
	// From version 2 on:
	bits(
		func(r *report) *bool { return &r.Virtual },
		func(r *report) *bool { return &r.OffPosition },
	),
	texts(func(r *report) *string { return &r.Text }),
}

// addedColumns is how many columns version 2 has more than version 1.
const addedColumns = 2

// columnsOf are the columns that a version has.
func columnsOf(version byte) []column {
	if version == 1 {
		return vesselColumns[:len(vesselColumns)-addedColumns]
	}
	return vesselColumns
}

// appendVessels writes a column message behind out.
func appendVessels(out, plain []byte, rows []report) []byte {
	return appendVersion(out, plain, rows, vesselVersion)
}

func appendVersion(out, plain []byte, rows []report, version byte) []byte {
	start := len(out)
	out = append(out, vesselMagic...)
	out = append(out, version)
	out = binary.AppendUvarint(out, uint64(len(plain)))
	out = append(out, plain...)
	out = binary.LittleEndian.AppendUint32(out, uint32(len(rows)))
	for i := range rows {
		out = binary.LittleEndian.AppendUint32(out, rows[i].MMSI)
	}
	for _, c := range columnsOf(version) {
		out = c.append(out, rows)
	}
	return binary.LittleEndian.AppendUint32(out, crc32.Checksum(out[start:], castagnoli))
}

// split takes a message apart: the plain form, and the columns behind it, nil
// where the message has none, and their version.
func split(data []byte) (plain, vessels []byte, version byte, err error) {
	if len(data) < len(vesselMagic) || string(data[:len(vesselMagic)]) != vesselMagic {
		return data, nil, 0, nil
	}
	rest := data[len(vesselMagic):]
	if len(rest) < 1+crcBytes {
		return nil, nil, 0, fmt.Errorf("%w: they end in their head", errDamaged)
	}
	if version = rest[0]; version < 1 || version > vesselVersion {
		return nil, nil, 0, fmt.Errorf("its columns are of version %d, and this program reads versions 1 to %d: it was written by a newer one", version, vesselVersion)
	}
	body, sum := data[:len(data)-crcBytes], binary.LittleEndian.Uint32(data[len(data)-crcBytes:])
	if got := crc32.Checksum(body, castagnoli); got != sum {
		return nil, nil, 0, fmt.Errorf("%w: their checksum is %08x and should be %08x", errDamaged, got, sum)
	}
	rest = rest[1 : len(rest)-crcBytes]
	n, used := binary.Uvarint(rest)
	if used <= 0 || n > uint64(len(rest)-used) {
		return nil, nil, 0, fmt.Errorf("%w: they end in the plain part", errDamaged)
	}
	rest = rest[used:]
	return rest[:n], rest[n:], version, nil
}

// readVessels reads the columns of a version.
func readVessels(data []byte, version byte) ([]report, error) {
	r := reader{data: data}
	n := int(r.uint32())
	if r.failed || n == 0 || n > maxRows || n > len(r.data)/4 {
		return nil, fmt.Errorf("%w: %d rows in %d bytes", errDamaged, n, len(data))
	}
	rows := make([]report, n)
	for i := range rows {
		rows[i].MMSI = r.uint32()
	}
	columns := columnsOf(version)
	for i, c := range columns {
		if c.read(&r, rows); r.failed {
			return nil, fmt.Errorf("%w: column %d of %d can't be read", errDamaged, i+1, len(columns))
		}
	}
	if len(r.data) > 0 {
		return nil, fmt.Errorf("%w: %d bytes too many", errDamaged, len(r.data))
	}
	return rows, nil
}
