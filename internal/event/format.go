package event

import (
	"strconv"
	"strings"
)

// Formats that a hole can ask for where the event brings no rendering of its own (@r). For numbers:
//
//	0 {0}           at least so many digits, rounded to a whole number     {N:000}   7 -> 007
//	0 {0} . 0 {0}   and exactly so many digits after the point             {N:0.00}  1.5 -> 1.50
//	x | X [digits]  a whole number in hex, at least so many digits         {N:X4}    255 -> 00FF
//
// Halves are rounded away from zero, as .NET does. Other formats, other values, and numbers beyond R7 are given as they are.

// maxFormat is the longest format that is looked at, and the most digits that one asks for.
const maxFormat = 64

func appendFormatted(dst []byte, v Value, format string) []byte {
	if v.Kind != Number || format == "" || len(format) > maxFormat {
		return v.AppendDisplay(dst)
	}
	d, ok := ParseDecimal(v.Text)
	if !ok {
		return v.AppendDisplay(dst)
	}
	whole, fraction, _ := strings.Cut(format, ".")
	switch {
	case whole != "" && strings.Trim(whole, "0") == "" && strings.Trim(fraction, "0") == "" && !strings.HasSuffix(format, "."):
		return appendFixed(dst, d, len(whole), len(fraction))
	case format[0]|0x20 == 'x':
		n, isWhole := d.Int64()
		digits, err := strconv.Atoi("0" + format[1:])
		if isWhole && err == nil && digits <= maxFormat {
			return appendHex(dst, n, digits, format[0] == 'X')
		}
	}
	return v.AppendDisplay(dst)
}

// appendFixed appends d with at least whole digits before the point and exactly fraction digits after it.
func appendFixed(dst []byte, d Decimal, whole, fraction int) []byte {
	m, scale, up := d.mantissa(), int(d.Scale), false
	for ; scale > fraction; scale-- {
		var digit byte
		m, digit = m.tenth()
		up = digit >= 5 // the last digit cut is the one that decides
	}
	if up {
		m, _ = m.timesPlus(1, 1) // a tenth at most of 96 bits: it fits
	}
	if d.Neg && m != (mantissa{}) {
		dst = append(dst, '-')
	}
	text := m.decimal(scale).Append(nil)
	before := len(text)
	if scale > 0 {
		before -= scale + 1
	}
	for range whole - before {
		dst = append(dst, '0')
	}
	dst = append(dst, text...)
	if fraction > 0 && scale == 0 {
		dst = append(dst, '.')
	}
	for range fraction - scale {
		dst = append(dst, '0')
	}
	return dst
}

// appendHex appends n in hex. A negative number is its two's complement in 32 bits if it fits, else in 64, as in .NET.
func appendHex(dst []byte, n int64, digits int, upper bool) []byte {
	u := uint64(n)
	if n < 0 && n >= -1<<31 {
		u = uint64(uint32(n))
	}
	text := strconv.FormatUint(u, 16)
	if upper {
		text = strings.ToUpper(text)
	}
	for range digits - len(text) {
		dst = append(dst, '0')
	}
	return append(dst, text...)
}
