package main

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"testing"
)

// A screen's few colours stay as they are, and a picture of many keeps the
// commonest: the ground behind everything must not change its hue.
func TestShrinkKeepsTheCommonColours(t *testing.T) {
	ground := color.NRGBA{12, 18, 24, 255}
	full := image.NewNRGBA(image.Rect(0, 0, 200, 100))
	for i := range 200 * 100 {
		c := ground
		if i%3 == 0 { // more colours than a palette holds
			c = color.NRGBA{uint8(i), uint8(i / 7), uint8(i / 49), 255}
		}
		full.SetNRGBA(i%200, i/200, c)
	}
	var before bytes.Buffer
	if err := png.Encode(&before, full); err != nil {
		t.Fatal(err)
	}
	after, err := shrink(before.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if len(after) >= before.Len() {
		t.Errorf("%d bytes became %d", before.Len(), len(after))
	}
	got, err := png.Decode(bytes.NewReader(after))
	if err != nil {
		t.Fatal(err)
	}
	if got.Bounds() != full.Bounds() {
		t.Fatalf("size %v became %v", full.Bounds(), got.Bounds())
	}
	for i := 1; i < 200*100; i += 3 {
		if c := color.NRGBAModel.Convert(got.At(i%200, i/200)); c != ground {
			t.Fatalf("the ground at %d,%d became %v", i%200, i/200, c)
		}
	}
}

func TestShrinkRefusesWhatIsNoPicture(t *testing.T) {
	if _, err := shrink([]byte("no picture")); err == nil {
		t.Error("text was taken for a picture")
	}
}
