package ais

import (
	"math"
	"strconv"
)

// Numbers, times and texts of JSON, written without strconv and time.Format
// where these would cost more than the rest of the message. What is written is
// the same to the last byte: TestNumbersAsStrconv and TestTimesAsFormat compare.

const (
	hexDigits = "0123456789abcdef"
	pairs     = "00010203040506070809" + "10111213141516171819" + "20212223242526272829" + "30313233343536373839" + "40414243444546474849" +
		"50515253545556575859" + "60616263646566676869" + "70717273747576777879" + "80818283848586878889" + "90919293949596979899"
)

// two appends a number below 100 as two digits.
func two[T uint8 | uint16 | uint32 | uint64 | int](b []byte, v T) []byte {
	i := int(v) * 2
	return append(b, pairs[i], pairs[i+1])
}

// digits appends a number.
func digits(b []byte, v uint32) []byte {
	switch {
	case v < 10:
		return append(b, byte('0'+v))
	case v < 100:
		return two(b, v)
	case v < 1000:
		return two(append(b, byte('0'+v/100)), v%100)
	case v < 10000:
		return two(two(b, v/100), v%100)
	}
	b = digits(b, v/10000)
	v %= 10000
	return two(two(b, v/100), v%100)
}

// small appends a number that may be negative.
func small(b []byte, v int8) []byte {
	if v < 0 {
		return digits(append(b, '-'), uint32(-int(v)))
	}
	return digits(b, uint32(v))
}

// scaled gives |v|·scale, rounded to the nearest whole number. It reports false
// where the nearest can't be told for sure: the product of two floats below
// 2³² is off by less than half a millionth, so that only within a millionth of
// a half it might round to the wrong side. Coordinates in 1/10,000 minute are
// multiples of 1/600,000 degree, whose eighth decimal is a third, two thirds or
// nothing: never near a half.
func scaled(v, scale float64) (uint64, bool) {
	x := math.Abs(v) * scale
	if !(x < 1<<32) {
		return 0, false
	}
	n := uint64(x)
	over := x - float64(n)
	if over > 0.5 {
		n++
	}
	return n, math.Abs(over-0.5) > 1e-6
}

// seventh appends degrees with seven decimals.
func seventh(b []byte, v float64) []byte {
	n, ok := scaled(v, 1e7)
	if !ok {
		return strconv.AppendFloat(b, v, 'f', 7, 64)
	}
	if math.Signbit(v) {
		b = append(b, '-')
	}
	b = digits(b, uint32(n/1e7))
	f := uint32(n % 1e7)
	b = append(b, '.', byte('0'+f/1e6))
	f %= 1e6
	return two(two(two(b, f/1e4), f/100%100), f%100)
}

// tenths appends a value with one decimal.
func tenths(b []byte, v float32) []byte {
	n, ok := scaled(float64(v), 10)
	if !ok {
		return strconv.AppendFloat(b, float64(v), 'f', 1, 64)
	}
	if math.Signbit(float64(v)) {
		b = append(b, '-')
	}
	return append(digits(b, uint32(n/10)), '.', byte('0'+n%10))
}

// hundredths appends a value with two decimals.
func hundredths(b []byte, v float32) []byte {
	n, ok := scaled(float64(v), 100)
	if !ok {
		return strconv.AppendFloat(b, float64(v), 'f', 2, 64)
	}
	if math.Signbit(float64(v)) {
		b = append(b, '-')
	}
	return two(append(digits(b, uint32(n/100)), '.'), n%100)
}

// ones appends a value without decimals.
func ones(b []byte, v float32) []byte {
	n, ok := scaled(float64(v), 1)
	if !ok {
		return strconv.AppendFloat(b, float64(v), 'f', 0, 64)
	}
	if math.Signbit(float64(v)) {
		b = append(b, '-')
	}
	return digits(b, uint32(n))
}

// instant appends nanoseconds since 1970 as "2006-01-02T15:04:05.999Z", zeros
// at the end of the fraction left out. The calendar is that of Gregory: years
// are counted from 1 March, so that the leap day is the last of its year.
func instant(b []byte, ns int64) []byte {
	sec := ns / nsPerSec
	if ns%nsPerSec < 0 {
		sec--
	}
	milli := uint32((ns - sec*nsPerSec) / 1e6)
	day := sec / 86400
	if sec%86400 < 0 {
		day--
	}
	clock := uint32(sec - day*86400)
	const toMarch, era = 719468, 146097 // days from 1 March of year 0 to 1970; days of 400 years
	d := uint32(day + toMarch)          // not negative: nanoseconds reach back to the year 1677
	e := d % era
	y := (e - e/1460 + e/36524 - e/146096) / 365
	e -= 365*y + y/4 - y/100
	mp := (5*e + 2) / 153
	year, month := y+d/era*400, mp+3
	if month > 12 {
		year, month = year+1, month-12
	}
	b = moment(b, year, month, e-(153*mp+2)/5+1, clock)
	if milli > 0 {
		b = append(b, '.', byte('0'+milli/100))
		if milli%100 > 0 {
			b = append(b, byte('0'+milli/10%10))
		}
		if milli%10 > 0 {
			b = append(b, byte('0'+milli%10))
		}
	}
	return append(b, 'Z')
}

// moment appends "2006-01-02T15:04:05" of a year up to 9999 and a second of the day.
func moment(b []byte, year, month, day, clock uint32) []byte {
	b = append(two(two(b, year/100), year%100), '-')
	b = append(two(b, month), '-')
	b = append(two(b, day), 'T')
	b = append(two(b, clock/3600), ':')
	b = append(two(b, clock/60%60), ':')
	return two(b, clock%60)
}

// quoted appends a text as a JSON string. What is no printable ASCII is shown
// as the code point of that number: the text of a line may be any byte.
func quoted[T string | []byte](b []byte, v T) []byte {
	b = append(b, '"')
	from := 0
	for i := range len(v) {
		c := v[i]
		if c >= ' ' && c <= '~' && c != '"' && c != '\\' {
			continue
		}
		b = append(b, v[from:i]...)
		from = i + 1
		if c == '"' || c == '\\' {
			b = append(b, '\\', c)
		} else {
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return append(append(b, v[from:]...), '"')
}
