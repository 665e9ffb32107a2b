package stream

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/quaywatch/quaywatch/internal/event"
)

// anyValue draws something for a field of any type that a report has, so that a
// field which is added to it is tested, and fails here, before anybody thinks of it.
func anyValue(t *rapid.T, v reflect.Value, name string) {
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
		if rapid.Bool().Draw(t, name+" told") {
			// the widest range that time.Time has a date for
			at := time.Unix(rapid.Int64Range(-62135596800, 253402300799).Draw(t, name), rapid.Int64Range(0, 999_999_999).Draw(t, name+" ns"))
			v.Set(reflect.ValueOf(at.UTC()))
		}
		return
	case v.Type() == reflect.TypeFor[[]byte]():
		if b := rapid.SliceOfN(rapid.Byte(), 0, 60).Draw(t, name); len(b) > 0 {
			v.SetBytes(b)
		}
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			anyValue(t, v.Field(i), name+"."+v.Type().Field(i).Name)
		}
	case reflect.Array:
		for i := range v.Len() {
			v.Index(i).SetUint(uint64(rapid.Byte().Draw(t, name)))
		}
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, name))
	case reflect.String:
		v.SetString(rapid.OneOf(rapid.SampledFrom([]string{"", "tcp://127.0.0.1:4001", "SALT WIND"}), rapid.StringN(0, 20, 40)).Draw(t, name))
	case reflect.Int, reflect.Int8, reflect.Int64:
		n := rapid.Int64().Draw(t, name)
		v.SetInt(n >> (64 - v.Type().Bits())) // shifts in the sign: every value of the type
	case reflect.Uint8, reflect.Uint16, reflect.Uint32:
		v.SetUint(rapid.Uint64().Draw(t, name) >> (64 - v.Type().Bits()))
	case reflect.Float32:
		v.SetFloat(float64(math.Float32frombits(rapid.Uint32().Draw(t, name))))
	case reflect.Float64:
		v.SetFloat(math.Float64frombits(rapid.Uint64().Draw(t, name)))
	default:
		t.Fatalf("%s is a %s, which the columns have no form for", name, v.Type())
	}
}

// exactly compares numbers by their bits, NaNs too.
var exactly = cmp.Options{
	cmp.Comparer(func(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) }),
	cmp.Comparer(func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) }),
}

// Whatever a report holds comes back, whether the rows are alike or not.
func TestVesselsComeBackAsTheyWere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := &event.Batch{ID: "a/1", Source: "ais", Health: []event.SourceHealth{{State: "live", Head: event.Head{Time: time.Unix(1, 0).UTC()}}}}
		for i := range rapid.IntRange(1, 4).Draw(t, "different") {
			var r event.VesselReport
			anyValue(t, reflect.ValueOf(&r).Elem(), fmt.Sprint("row ", i))
			for range rapid.IntRange(1, 3).Draw(t, "times") {
				in.Vessels = append(in.Vessels, r)
			}
		}
		before := []byte("what was there")
		data, err := AppendEncoded(bytes.Clone(before), in)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.HasPrefix(data, before) {
			t.Fatalf("appending changed what was there: %q", data[:len(before)])
		}
		out, err := Decode(data[len(before):])
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(in.Vessels, out.Vessels, exactly); d != "" {
			t.Fatalf("(-in +out):\n%s", d)
		}
		if out.ID != in.ID || out.Source != in.Source || len(out.Health) != 1 || out.Health[0].State != "live" {
			t.Fatalf("the rest of the batch came back as %+v", out)
		}
	})
}

// A batch that an earlier version wrote is in somebody's stream: the file was
// written before there were columns.
func TestBatchesOfBeforeTheColumnsAreRead(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("testdata", "before-columns.cbor"))
	if err != nil {
		t.Fatal(err)
	}
	out, err := Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(wide(), out, cmpopts.EquateNaNs()); d != "" { // CBOR has one NaN for all
		t.Errorf("(-was written +read):\n%s", d)
	}
	again, err := Encode(out)
	if err != nil {
		t.Fatal(err)
	}
	if back, err := Decode(again); err != nil || !cmp.Equal(out, back, exactly) {
		t.Errorf("as columns it reads differently: %v\n%s", err, cmp.Diff(out, back, exactly))
	}
}

// wide is a batch with something in every field of its vessels.
func wide() *event.Batch {
	nan := math.NaN()
	raw := []byte("!AIVDM,1,1,,B,33I>hf0PA706QD:L7NC5lT;`011Q,0*22")
	head := event.Head{Time: time.Date(2026, 11, 23, 12, 0, 1, 123456789, time.UTC), Seen: time.Date(2026, 11, 23, 12, 0, 2, 0, time.UTC), Told: true, Exercise: "X1", Source: "ais",
		Raw: event.Raw{Input: "tcp://127.0.0.1:4001", Offset: 4900, Line: 101, Length: len(raw), Sum: event.SumOf(raw), Text: raw}}
	return &event.Batch{ID: "ais/1", Source: "ais", Vessels: []event.VesselReport{
		{Head: head, MMSI: 211000001, Type: 1, Lat: 44.5, Lon: -13.25, SOG: 10.5, COG: 359.5, Heading: 12, Turn: -3.5, Status: 5, Second: 59, Accurate: true, RAIM: true},
		{Head: head, MMSI: 211000002, Type: 5, Lat: nan, Lon: nan, SOG: float32(nan), COG: float32(nan), Heading: float32(nan), Turn: float32(nan), Status: -1, Second: -1,
			Static: true, Name: "SALT WIND", CallSign: "DABC", IMO: 9074729, ShipType: 70, Bow: 100, Stern: 20, Port: 10, Starboard: 12, Draught: 7.5, Destination: "SALTMERE", EPFD: 1, Station: "r3"},
		{MMSI: 2110001, Type: 4, Lat: 44, Lon: -13, SOG: float32(nan), COG: float32(nan), Heading: float32(nan), Turn: float32(nan), Status: -1, Second: -1, ClassB: true,
			Clock: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)},
	}}
}

// What was written before the columns of aids and texts is still in the stream.
func TestTheFirstVersionOfTheColumnsIsRead(t *testing.T) {
	rows := wide().Vessels
	_, columns, version, err := split(appendVersion(nil, nil, rows, 1))
	if err != nil {
		t.Fatal(err)
	}
	got, err := readVessels(columns, version)
	if err != nil || len(got) != len(rows) {
		t.Fatalf("%d rows of %d: %v", len(got), len(rows), err)
	}
	if got[0].Name != rows[0].Name || got[0].Virtual || got[0].Text != "" {
		t.Errorf("got %+v", got[0])
	}
}

// A damaged message is refused with the reason, and never read as something else.
func TestDamagedColumnsAreRefused(t *testing.T) {
	good, err := Encode(wide())
	if err != nil {
		t.Fatal(err)
	}
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 0x40
		if _, err := Decode(bad); err == nil {
			t.Errorf("byte %d was changed and nobody saw it", i)
		}
	}
	for n := range good {
		if _, err := Decode(good[:n]); err == nil {
			t.Errorf("the first %d of %d bytes were read as a batch", n, len(good))
		}
	}
	newer := sealed(append([]byte("QWB\x03"), good[4:len(good)-crcBytes]...))
	if _, err := Decode(newer); err == nil || !strings.Contains(err.Error(), "newer") {
		t.Errorf("a message of version 3: %v", err)
	}
	longer := sealed(append(bytes.Clone(good[:len(good)-crcBytes]), 0))
	if _, err := Decode(longer); err == nil {
		t.Error("a byte too many was passed over")
	}
}

// sealed gives a message the checksum that it should have.
func sealed(body []byte) []byte {
	return binary.LittleEndian.AppendUint32(body, crc32.Checksum(body, castagnoli))
}

// FuzzDecode gives the decoder any bytes, with a right checksum too, so that it
// gets past that.
func FuzzDecode(f *testing.F) {
	good, err := Encode(wide())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte{0xa1, 0x01, 0x61, 0x61})
	f.Add([]byte(vesselMagic + "\x01\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, message := range [][]byte{data, sealed(bytes.Clone(data[:max(0, len(data)-crcBytes)]))} {
			b, err := Decode(message)
			if err != nil {
				continue
			}
			again, err := Encode(b)
			if err != nil {
				continue // times that RFC 3339 can't write, in the plain form
			}
			back, err := Decode(again)
			if err != nil {
				t.Fatalf("what was decoded, encoded again, can't be read: %v", err)
			}
			if !cmp.Equal(b.Vessels, back.Vessels, exactly) {
				t.Fatalf("the vessels changed:\n%s", cmp.Diff(b.Vessels, back.Vessels, exactly))
			}
		}
	})
}

// BenchmarkCodec measures 500 position reports, the usual batch.
func BenchmarkCodec(b *testing.B) {
	in := &event.Batch{ID: "ais/1", Source: "ais"}
	for i := range 500 {
		r := wide().Vessels[0]
		r.MMSI += uint32(i)
		r.Raw.Offset += int64(49 * i)
		r.Lat += float64(i) / 1000
		r.Lon -= float64(i) / 1000
		in.Vessels = append(in.Vessels, r)
	}
	data, err := Encode(in)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("encode", func(b *testing.B) {
		b.ReportAllocs()
		var out []byte
		for b.Loop() {
			if out, err = AppendEncoded(out[:0], in); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(len(out))/500, "B/report")
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/500, "ns/report")
	})
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := Decode(data); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/500, "ns/report")
	})
}
