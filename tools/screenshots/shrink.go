package main

import (
	"bytes"
	"cmp"
	"image"
	"image/color"
	"image/png"
	"slices"
)

// shrink writes a picture of a screen with 256 colours: a screen has few, and
// most of the rest are the edges of letters. That halves the file or better.
func shrink(full []byte) ([]byte, error) {
	src, err := png.Decode(bytes.NewReader(full))
	if err != nil {
		return nil, err
	}
	box := src.Bounds()
	dst := image.NewPaletted(box, commonest(src, 256))
	near := map[color.NRGBA]uint8{}
	for y := box.Min.Y; y < box.Max.Y; y++ {
		for x := box.Min.X; x < box.Max.X; x++ {
			c := color.NRGBAModel.Convert(src.At(x, y)).(color.NRGBA)
			i, known := near[c]
			if !known {
				i = uint8(dst.Palette.Index(c))
				near[c] = i
			}
			dst.SetColorIndex(x, y, i)
		}
	}
	var small bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&small, dst); err != nil {
		return nil, err
	}
	if small.Len() > len(full) {
		return full, nil
	}
	return small.Bytes(), nil
}

// commonest are the n most frequent colours. Colours that share the upper five
// bits of each channel count as one, and the most frequent of them stands for all.
func commonest(src image.Image, n int) color.Palette {
	type tally struct {
		best color.NRGBA
		most int // of best
		all  int
	}
	exact := map[color.NRGBA]int{}
	box := src.Bounds()
	for y := box.Min.Y; y < box.Max.Y; y++ {
		for x := box.Min.X; x < box.Max.X; x++ {
			exact[color.NRGBAModel.Convert(src.At(x, y)).(color.NRGBA)]++
		}
	}
	groups := map[[3]uint8]*tally{}
	for c, count := range exact {
		k := [3]uint8{c.R >> 3, c.G >> 3, c.B >> 3}
		g := groups[k]
		if g == nil {
			g = &tally{}
			groups[k] = g
		}
		g.all += count
		if count > g.most || count == g.most && less(c, g.best) < 0 {
			g.best, g.most = c, count
		}
	}
	ranked := make([]*tally, 0, len(groups))
	for _, g := range groups {
		ranked = append(ranked, g)
	}
	slices.SortFunc(ranked, func(a, b *tally) int { return cmp.Or(cmp.Compare(b.all, a.all), less(a.best, b.best)) })
	out := make(color.Palette, 0, n)
	for _, g := range ranked[:min(n, len(ranked))] {
		out = append(out, g.best)
	}
	return out
}

// less orders colours, so that the same picture gives the same file.
func less(a, b color.NRGBA) int {
	return cmp.Or(cmp.Compare(a.R, b.R), cmp.Compare(a.G, b.G), cmp.Compare(a.B, b.B))
}
