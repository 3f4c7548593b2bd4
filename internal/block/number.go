package block

import "strconv"

// Numbers keep their text (R6). An integer that int64 holds, or a plain decimal of up to 18 digits, is stored as one
// or two integers from which the text follows; -0, exponents and longer numbers are stored as text.

const maxDigits = 18 // any number of so many digits fits an int64

// scanNumber reads the number that starts at src[i]. kind 0 means that src is to be judged by event.ScanNumber: it is
// unusual or no number at all. Otherwise value (and scale) give back src[i:next] exactly.
func scanNumber(src []byte, i int) (k kind, value int64, scale uint8, next int) {
	p := i
	negative := p < len(src) && src[p] == '-'
	if negative {
		p++
	}
	start := p
	var v uint64
	for p < len(src) && src[p]-'0' <= 9 && p-start <= maxDigits {
		v = v*10 + uint64(src[p]-'0')
		p++
	}
	whole := p - start
	if whole == 0 || whole > 1 && src[start] == '0' {
		return 0, 0, 0, 0
	}
	if p < len(src) && src[p] == '.' && whole <= maxDigits {
		p++
		point := p
		for p < len(src) && src[p]-'0' <= 9 && whole+p-point <= maxDigits {
			v = v*10 + uint64(src[p]-'0')
			p++
		}
		fraction := p - point
		if fraction == 0 || whole+fraction > maxDigits || continues(src, p) || negative && v == 0 {
			return 0, 0, 0, 0
		}
		return kindDecimal, signed(v, negative), uint8(fraction), p
	}
	if continues(src, p) || negative && v == 0 {
		if whole <= maxDigits {
			return 0, 0, 0, 0
		}
		return scanWide(src, i, start)
	}
	if whole > maxDigits {
		return scanWide(src, i, start)
	}
	return kindInt, signed(v, negative), 0, p
}

// scanWide reads an integer of 19 digits, some of which an int64 holds.
func scanWide(src []byte, i, start int) (kind, int64, uint8, int) {
	p := start
	for p < len(src) && src[p]-'0' <= 9 && p-start <= maxDigits+1 {
		p++
	}
	if p-start != maxDigits+1 || continues(src, p) {
		return 0, 0, 0, 0
	}
	v, err := strconv.ParseInt(string(src[i:p]), 10, 64)
	if err != nil {
		return 0, 0, 0, 0
	}
	return kindInt, v, 0, p
}

// continues says whether the number goes on at src[p] in a way that scanNumber does not read.
func continues(src []byte, p int) bool {
	return p < len(src) && (src[p]-'0' <= 9 || src[p] == '.' || src[p]|0x20 == 'e' || src[p] == '-' || src[p] == '+')
}

func signed(v uint64, negative bool) int64 {
	if negative {
		return -int64(v)
	}
	return int64(v)
}

// appendDecimal appends the text of a decimal: at least one digit before the point, exactly scale after it.
func appendDecimal(dst []byte, mantissa int64, scale uint8) []byte {
	v := uint64(mantissa)
	if mantissa < 0 {
		dst, v = append(dst, '-'), -v
	}
	var digits [32]byte
	p := len(digits)
	for n := 0; v > 0 || n <= int(scale); n++ {
		if n == int(scale) && scale > 0 {
			p--
			digits[p] = '.'
		}
		p--
		digits[p] = byte('0' + v%10)
		v /= 10
		if p < 2 { // only in damaged data: scale is at most maxDigits
			break
		}
	}
	return append(dst, digits[p:]...)
}
