package ingest

import "strings"

// Seconds since 1970 of the times that count when a number is only presumed to be a time:
// 1980 to 2100. A field that the user named takes any number.
const (
	earliestPresumed = 315_532_800
	latestPresumed   = 4_102_444_800
)

// parseEpoch reads the text of a number, exactly, as seconds, milliseconds, microseconds or
// nanoseconds since 1970, told apart by magnitude: 1669575482.0968924, 1446249499322,
// 1698386133268880. Digits past the nanosecond are cut. presumed asks for a plausible time.
func parseEpoch[T string | []byte](text T, presumed bool) (instant int64, ok bool) {
	if instant, ok = plainEpoch(text); !ok {
		if instant, ok = anyEpoch(string(text), presumed); !ok {
			return 0, false
		}
	}
	if presumed && (instant < earliestPresumed*1e9 || instant > latestPresumed*1e9) {
		return 0, false
	}
	return instant, true
}

// plainEpoch reads digits with or without a point among them, which is what nearly all are.
func plainEpoch[T string | []byte](text T) (instant int64, ok bool) {
	if len(text) == 0 || len(text) > 30 || text[0] < '1' || text[0] > '9' {
		return 0, false
	}
	whole := 0
	for whole < len(text) && isDigit(text[whole]) {
		whole++
	}
	left := whole + nanosShift(whole) // digits to take
	if left > 19 || whole == len(text)-1 {
		return 0, false
	}
	var n uint64
	for i := 0; i < len(text); i++ {
		switch {
		case i == whole && text[i] == '.':
		case !isDigit(text[i]):
			return 0, false
		case left > 0:
			n = n*10 + uint64(text[i]-'0') // 19 digits do not overflow
			left--
		}
	}
	for ; left > 0; left-- {
		n *= 10
	}
	return int64(n), n < 1<<63
}

// nanosShift returns the power of ten that brings a number with so many digits before the point to nanoseconds.
func nanosShift(whole int) int {
	switch {
	case whole <= 11: // below 1e11: seconds, until the year 5138
		return 9
	case whole <= 14:
		return 6
	case whole <= 17:
		return 3
	}
	return 0
}

// anyEpoch reads a number in any form.
func anyEpoch(text string, presumed bool) (instant int64, ok bool) {
	digits, exponent, negative, ok := splitNumber(text)
	if !ok {
		return 0, false
	}
	// The value is 0.d1d2d3… × 10^exponent: its magnitude is known from the exponent alone.
	if digits == "" {
		return 0, !presumed
	}
	whole := exponent + nanosShift(exponent) // digits before the point, once in nanoseconds
	if whole > 19 {
		return 0, false
	}
	var n uint64
	for i := range whole {
		d := uint64(0)
		if i < len(digits) {
			d = uint64(digits[i] - '0')
		}
		if n > (1<<63-1-d)/10 {
			return 0, false
		}
		n = n*10 + d
	}
	instant = int64(n)
	if negative {
		instant = -instant
	}
	return instant, true
}

// splitNumber takes a JSON number apart: significant digits without zeros at either end,
// and the exponent e of 0.digits × 10^e.
func splitNumber(text string) (digits string, exponent int, negative, ok bool) {
	text, negative = strings.CutPrefix(text, "-")
	mantissa := text
	shift := 0
	if at := strings.IndexAny(text, "eE"); at >= 0 {
		mantissa = text[:at]
		if shift, ok = smallInt(text[at+1:]); !ok {
			return "", 0, false, false
		}
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	if whole == "" && fraction == "" || !allDigits(whole) || !allDigits(fraction) || len(mantissa) > 400 {
		return "", 0, false, false
	}
	all := whole + fraction
	trimmed := strings.TrimLeft(all, "0")
	exponent = len(whole) - (len(all) - len(trimmed)) + shift
	return strings.TrimRight(trimmed, "0"), exponent, negative, true
}

func allDigits(s string) bool {
	for i := range len(s) {
		if !isDigit(s[i]) {
			return false
		}
	}
	return true
}

// smallInt reads an exponent of at most four digits.
func smallInt(s string) (int, bool) {
	s = strings.TrimPrefix(s, "+")
	s, negative := strings.CutPrefix(s, "-")
	if s == "" || len(s) > 4 || !allDigits(s) {
		return 0, false
	}
	n := 0
	for i := range len(s) {
		n = n*10 + int(s[i]-'0')
	}
	if negative {
		n = -n
	}
	return n, true
}
