package syntax

import (
	"math/big"
	"strings"

	"github.com/stelehq/stele/internal/event"
)

// units are the duration units in nanoseconds. Where one is the beginning of another, the longer comes first.
var units = [...]struct {
	name string
	ns   int64
}{
	{"ms", 1e6}, {"us", 1e3}, {"µs", 1e3}, {"μs", 1e3}, {"ns", 1}, // U+00B5 and U+03BC
	{"d", 24 * 3600 * 1e9}, {"h", 3600 * 1e9}, {"m", 60 * 1e9}, {"s", 1e9},
}

// unitAt returns the unit that s begins with and its length, or 0, 0.
func unitAt(s string) (ns int64, n int) {
	for _, u := range units {
		if strings.HasPrefix(s, u.name) {
			return u.ns, len(u.name)
		}
	}
	return 0, 0
}

// IsDuration says whether the literal has units of time.
func (n *Number) IsDuration() bool {
	last := n.Text[len(n.Text)-1]
	return (last < '0' || last > '9') && !strings.HasPrefix(n.Text, "0x")
}

// Decimal returns the literal's value; ok is false if it is beyond the range of R7. Durations are in ticks of 100 ns.
func (n *Number) Decimal() (d event.Decimal, ok bool) {
	s := n.Text
	if hex, isHex := strings.CutPrefix(s, "0x"); isHex {
		v, ok := new(big.Int).SetString(hex, 16)
		if !ok || v.BitLen() > 96 {
			return event.Decimal{}, false
		}
		return event.ParseDecimal(v.String())
	}
	if last := s[len(s)-1]; last >= '0' && last <= '9' {
		// JSON has no leading zeros.
		if s = strings.TrimLeft(s, "0"); s == "" || s[0] == '.' {
			s = "0" + s
		}
		return event.ParseDecimal(s)
	}
	total, term := new(big.Int), new(big.Int)
	for s != "" {
		digits := digitsAt(s)
		ns, width := unitAt(s[digits:])
		if digits == 0 || width == 0 {
			return event.Decimal{}, false
		}
		term.SetString(s[:digits], 10)
		total.Add(total, term.Mul(term, big.NewInt(ns)))
		s = s[digits+width:]
	}
	text := total.String() + "e-2" // nanoseconds to ticks
	return event.ParseDecimal(text)
}

// digitsAt counts the ASCII digits that s begins with.
func digitsAt(s string) int {
	i := 0
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	return i
}
