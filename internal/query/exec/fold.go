package exec

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Case folding: ci compares runes by Unicode simple folding, so 'K', 'k' and the Kelvin sign are one, and ß is not ss.
// Each rune's orbit is stood for by its smallest member; of an ASCII letter that is the capital.

func foldRune(r rune) rune {
	if r < utf8.RuneSelf {
		if 'a' <= r && r <= 'z' {
			r -= 'a' - 'A'
		}
		return r
	}
	least := r
	for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
		least = min(least, next)
	}
	return least
}

// appendFold appends s folded. Bytes that are no UTF-8 (lone surrogates) stay as they are.
func appendFold[T string | []byte](dst []byte, s T) []byte {
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf {
			if 'a' <= c && c <= 'z' {
				c -= 'a' - 'A'
			}
			dst = append(dst, c)
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(string(s[i:min(i+utf8.UTFMax, len(s))]))
		if r == utf8.RuneError && n == 1 {
			dst = append(dst, s[i])
		} else {
			dst = utf8.AppendRune(dst, foldRune(r))
		}
		i += n
	}
	return dst
}

func fold(s string) string { return string(appendFold(nil, s)) }

// compareFold orders two strings by their folded code points.
func compareFold(a, b string) int {
	i, j := 0, 0
	for i < len(a) && j < len(b) {
		x, n := utf8.DecodeRuneInString(a[i:])
		y, m := utf8.DecodeRuneInString(b[j:])
		if n == 1 && x == utf8.RuneError || m == 1 && y == utf8.RuneError {
			return strings.Compare(fold(a[i:]), fold(b[j:]))
		}
		if x != y {
			if x, y = foldRune(x), foldRune(y); x != y {
				if x < y {
					return -1
				}
				return 1
			}
		}
		i, j = i+n, j+m
	}
	return (len(a) - i) - (len(b) - j)
}

// textLength counts characters: code points, a lone surrogate as one.
func textLength(s string) int {
	n := 0
	for i := 0; i < len(s); n++ {
		i += charAt(s, i)
	}
	return n
}

// charAt returns the width in bytes of the character at s[i].
func charAt(s string, i int) int {
	if s[i] < utf8.RuneSelf {
		return 1
	}
	r, n := utf8.DecodeRuneInString(s[i:])
	// A lone surrogate is ED A0..BF xx in WTF-8.
	if r == utf8.RuneError && n == 1 && s[i] == 0xed && i+2 < len(s) {
		return 3
	}
	return n
}
