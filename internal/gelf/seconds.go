package gelf

import "math"

// parseSeconds reads a JSON number as a time in nanoseconds since 1970: seconds with decimals, exactly as far
// as nanoseconds go, clamped to int64. From 10^11 on it is milliseconds. 0 is no time.
func parseSeconds(text string) (instant int64, ok bool) {
	var digits []byte // without the decimal point
	point, exponent := -1, 0
	i, negative := 0, false
	if i < len(text) && text[i] == '-' {
		negative, i = true, i+1
	}
	for ; i < len(text); i++ {
		switch c := text[i]; {
		case c-'0' <= 9:
			digits = append(digits, c-'0')
		case c == '.' && point < 0:
			point = len(digits)
		case c|0x20 == 'e' && len(digits) > 0:
			if exponent, ok = parseExponent(text[i+1:]); !ok {
				return 0, false
			}
			i = len(text)
		default:
			return 0, false
		}
	}
	if len(digits) == 0 || len(digits) > 100 {
		return 0, false
	}
	if point < 0 {
		point = len(digits)
	}
	point += exponent
	for len(digits) > 0 && digits[0] == 0 {
		digits, point = digits[1:], point-1
	}
	if len(digits) == 0 {
		return 0, false
	}
	if point > 11 {
		point -= 3
	}
	// The first point+9 digits are the nanoseconds.
	n := int64(0)
	for j := range max(0, point+9) {
		d := int64(0)
		if j < len(digits) {
			d = int64(digits[j])
		}
		if n > (math.MaxInt64-d)/10 {
			n = math.MaxInt64
			break
		}
		n = n*10 + d
	}
	if negative {
		n = -n
	}
	return n, true
}

// parseExponent reads the digits after e; one beyond three digits is none of a time.
func parseExponent(text string) (n int, ok bool) {
	sign := 1
	if len(text) > 0 && (text[0] == '+' || text[0] == '-') {
		if text[0] == '-' {
			sign = -1
		}
		text = text[1:]
	}
	if len(text) == 0 || len(text) > 3 {
		return 0, false
	}
	for _, c := range []byte(text) {
		if c-'0' > 9 {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return sign * n, true
}
