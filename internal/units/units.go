// Package units reads and writes sizes and lengths of time as people do: 10MiB, 1d12h.
package units

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/stelehq/stele/internal/fault"
)

// ParseSize reads 262144, 256KiB, 256k, 10MiB, 1g; units are powers of 1024.
func ParseSize(text string) (int64, error) {
	number := strings.TrimRight(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
	unit := strings.ToLower(text[len(number):])
	unit = strings.TrimSuffix(strings.TrimSuffix(unit, "b"), "i")
	shift := map[string]uint{"": 0, "k": 10, "m": 20, "g": 30, "t": 40}
	by, ok := shift[unit]
	n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
	if !ok || err != nil || n < 0 || n > 1<<62>>by {
		return 0, fault.New(fault.Invalid, "", "%q is not a size such as 262144, 256KiB or 10MiB", text)
	}
	return n << by, nil
}

var spans = []struct {
	unit byte
	is   time.Duration
}{{'w', 7 * 24 * time.Hour}, {'d', 24 * time.Hour}, {'h', time.Hour}, {'m', time.Minute}, {'s', time.Second}}

// ParseSpan reads a length of time such as 30d or 1d12h30m: whole numbers of weeks, days, hours, minutes and seconds, each with its unit.
func ParseSpan(text string) (time.Duration, error) {
	bad := fault.New(fault.Invalid, "", "%q is not a length of time such as 30m, 12h, 30d or 1d12h", text)
	var total time.Duration
	for rest := text; rest != ""; {
		n := 0
		for n < len(rest) && rest[n]-'0' <= 9 {
			n++
		}
		if n == 0 || n == len(rest) || n > 9 {
			return 0, bad
		}
		value, _ := strconv.ParseInt(rest[:n], 10, 64)
		unit := time.Duration(0)
		for _, s := range spans {
			if s.unit == rest[n] {
				unit = s.is
			}
		}
		if unit == 0 || value > int64((1<<63-1-total)/unit) {
			return 0, bad
		}
		total += time.Duration(value) * unit
		rest = rest[n+1:]
	}
	if text == "" {
		return 0, bad
	}
	return total, nil
}

// Span renders a length of time so that ParseSpan reads it: 36 hours are 1d12h. What is less than a second is left out.
func Span(d time.Duration) string {
	text := ""
	for _, s := range spans[1:] { // days rather than weeks
		if n := d / s.is; n > 0 {
			text += fmt.Sprintf("%d%c", n, s.unit)
			d -= n * s.is
		}
	}
	if text == "" {
		return "0s"
	}
	return text
}
