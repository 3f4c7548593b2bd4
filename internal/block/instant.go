package block

import (
	"math"
	"strconv"

	"github.com/stelehq/stele/internal/event"
)

// A timeForm says how a value follows from the instant of its row. As a byte, the lowest four bits first:
//
//	texts     digits of the fraction, 0 to 9, or 10: as many as there are without trailing zeroes, and no point without any
//	          1 bit: blank between date and time, else T; 3 bits: zone
//	numbers   digits behind the point, 0 (an integer) to 9, or 10: as many as there are without trailing zeroes
//	          4 bits: since 1970 in seconds, milliseconds or microseconds
//
// Minutes are added to the instant first; they are those of the zone where the text names it.
type timeForm struct {
	digits  uint8
	blank   bool
	zone    uint8
	unit    uint8
	minutes int16
	number  bool
}

const (
	zoneNone = iota
	zoneZ
	zoneColon   // +01:00
	zoneNumber  // +0100
	zoneHours   // +01
	zoneBlankUT // " UTC"
	zones

	anyDigits = 10
	mostUnits = 3
)

func (f *timeForm) byte() byte {
	b := f.digits
	if f.number {
		return b | f.unit<<4
	}
	if f.blank {
		b |= 1 << 4
	}
	return b | f.zone<<5
}

// timeFormOf is the form for columns of kind k that byte returns b for.
func timeFormOf(b byte, minutes int64, k kind) timeForm {
	f := timeForm{digits: b & 15, number: !k.isText()}
	if f.minutes = int16(minutes); int64(f.minutes) != minutes {
		f.digits = anyDigits + 1 // fits nothing
	}
	if f.number {
		f.unit = b >> 4
	} else {
		f.blank, f.zone = b>>4&1 != 0, b>>5&7
	}
	return f
}

// fits says whether the form is one, and one of values of kind k.
func (f *timeForm) fits(k kind) bool {
	if f.digits > anyDigits {
		return false
	}
	if f.number {
		return f.unit < mostUnits && f.minutes == 0 && (k == kindInt && f.digits == 0 || k == kindDecimal && f.digits > 0)
	}
	return (k == kindString || k == kindTimeText) && f.zone < zones
}

const (
	maxMinutes = 14 * 60
	secondSize = int64(1e9)
)

var powersOfTen = [...]int64{1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000}

// appendText appends the instant in a form of texts.
func (f *timeForm) appendText(dst []byte, instant int64) []byte {
	instant += int64(f.minutes) * 60 * secondSize // near the ends of time this wraps, for writer and reader alike
	start := len(dst)
	dst = event.AppendTime(dst, instant)
	const point = len("2006-01-02T15:04:05")
	if f.blank {
		dst[start+len("2006-01-02")] = ' '
	}
	fraction := instant % secondSize
	if fraction < 0 {
		fraction += secondSize
	}
	dst = dst[:start+point]
	digits := int(f.digits)
	if digits == anyDigits {
		digits = 9
		for ; digits > 0 && fraction%10 == 0; digits-- {
			fraction /= 10
		}
	} else {
		fraction /= powersOfTen[9-digits]
	}
	if digits > 0 {
		dst = append(dst, '.')
		for i := digits - 1; i >= 0; i-- {
			dst = append(dst, byte('0'+fraction/powersOfTen[i]%10))
		}
	}
	return f.appendZone(dst)
}

func (f *timeForm) appendZone(dst []byte) []byte {
	switch f.zone {
	case zoneZ:
		return append(dst, 'Z')
	case zoneBlankUT:
		return append(dst, " UTC"...)
	case zoneColon, zoneNumber, zoneHours:
		sign, m := byte('+'), int(f.minutes)
		if m < 0 {
			sign, m = '-', -m
		}
		h := m / 60 % 100
		dst = append(dst, sign, byte('0'+h/10), byte('0'+h%10))
		if f.zone == zoneColon {
			dst = append(dst, ':')
		}
		if f.zone != zoneHours {
			dst = append(dst, byte('0'+m%60/10), byte('0'+m%60%10))
		}
	}
	return dst
}

// value is the instant in a form of numbers: with digits behind the point, a mantissa and its scale.
func (f *timeForm) value(instant int64) (mantissa int64, scale uint8) {
	fraction := 9 - 3*int(f.unit) // digits of a nanosecond
	scale = f.digits
	if int(scale) > fraction && f.digits != anyDigits {
		if instant > math.MaxInt64/powersOfTen[int(scale)-fraction] || instant < math.MinInt64/powersOfTen[int(scale)-fraction] {
			return instant, scale
		}
		return instant * powersOfTen[int(scale)-fraction], scale
	}
	if f.digits == anyDigits {
		for scale = uint8(fraction); scale > 0 && instant%10 == 0; scale-- {
			instant /= 10
		}
		return instant, scale
	}
	size := powersOfTen[fraction-int(scale)]
	mantissa = instant / size
	if instant%size < 0 {
		mantissa--
	}
	return mantissa, scale
}

// appendNumber appends the instant in a form of numbers.
func (f *timeForm) appendNumber(dst []byte, instant int64) []byte {
	mantissa, scale := f.value(instant)
	if scale == 0 {
		return strconv.AppendInt(dst, mantissa, 10)
	}
	return appendDecimal(dst, mantissa, scale)
}

// valueOf is the instant as a value.
func (f *timeForm) valueOf(instant int64) event.Value {
	var room [48]byte
	if f.number {
		return event.Value{Kind: event.Number, Text: string(f.appendNumber(room[:0], instant))}
	}
	return event.Value{Kind: event.String, Text: string(f.appendText(room[:0], instant))}
}

// textForm finds the form in which an instant is text, all digits given.
func textForm(text []byte, instant int64) (f timeForm, ok bool) {
	const point = len("2006-01-02T15:04:05")
	if len(text) < point || text[4] != '-' || text[13] != ':' {
		return f, false
	}
	f.blank = text[10] == ' '
	rest := text[point:]
	if len(rest) > 0 && rest[0] == '.' {
		rest = rest[1:]
		for len(rest) > 0 && rest[0]-'0' <= 9 {
			rest, f.digits = rest[1:], f.digits+1
			if f.digits > 9 {
				return f, false
			}
		}
		if f.digits == 0 {
			return f, false
		}
	}
	switch zone := string(rest); {
	case zone == "":
		f.zone = zoneNone
	case zone == "Z":
		f.zone = zoneZ
	case zone == " UTC":
		f.zone = zoneBlankUT
	case len(zone) == 6:
		f.zone = zoneColon
	case len(zone) == 5:
		f.zone = zoneNumber
	case len(zone) == 3:
		f.zone = zoneHours
	default:
		return f, false
	}
	local, _, err := event.ParseTime(text[:len(text)-len(rest)])
	if err != nil {
		return f, false
	}
	// The fraction that is cut off is less than a minute.
	minutes := local - instant + secondSize*30
	if minutes < 0 {
		minutes -= 60*secondSize - 1
	}
	if minutes /= 60 * secondSize; minutes < -maxMinutes || minutes > maxMinutes {
		return f, false
	}
	f.minutes = int16(minutes)
	var room [48]byte
	return f, string(f.appendText(room[:0], instant)) == string(text)
}

// numberForm finds the form in which an instant is a number; scale is 0 for an integer.
func numberForm(mantissa int64, scale uint8, instant int64) (f timeForm, ok bool) {
	for unit := range uint8(mostUnits) {
		f = timeForm{number: true, unit: unit, digits: scale}
		if scale <= 9 {
			if m, s := f.value(instant); m == mantissa && s == scale {
				return f, true
			}
		}
	}
	return f, false
}
