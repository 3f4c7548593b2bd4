package exec

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/stelehq/stele/internal/event"
)

// Times are numbers: ticks of 100 ns since 0001-01-01T00:00Z. Nanoseconds are their fractions.

const (
	ticksPerSecond = 10_000_000
	epochSeconds   = 62_135_596_800 // from year 1 to 1970
	lastSecond     = 315_537_897_599
)

// ticksOf converts an instant in nanoseconds since 1970.
func ticksOf(instant int64) event.Decimal {
	if instant%100 == 0 {
		return event.DecimalOf(epochSeconds*ticksPerSecond + instant/100)
	}
	ns := new(big.Int).Mul(big.NewInt(epochSeconds), big.NewInt(1e9))
	d, _ := fit(ns.Add(ns, big.NewInt(instant)), 2) // 66 bits
	return d
}

func ticksOfTime(t time.Time) event.Decimal {
	ns := new(big.Int).Mul(big.NewInt(t.Unix()+epochSeconds), big.NewInt(1e9))
	d, _ := fit(ns.Add(ns, big.NewInt(int64(t.Nanosecond()))), 2)
	return d.Normalized()
}

// timeOf converts ticks; not ok outside the years 1 to 9999. What is finer than a nanosecond is cut.
func timeOf(ticks event.Decimal) (time.Time, bool) {
	if ticks.Neg {
		return time.Time{}, false
	}
	ns := mantissaOf(ticks)
	ns.Quo(ns.Mul(ns, big.NewInt(100)), pow10(int(ticks.Scale)))
	sec, frac := ns.QuoRem(ns, big.NewInt(1e9), new(big.Int))
	if !sec.IsInt64() || sec.Int64() > lastSecond {
		return time.Time{}, false
	}
	return time.Unix(sec.Int64()-epochSeconds, frac.Int64()).UTC(), true
}

// parseDateTime reads what event.ParseTime reads, with blanks around it or before the zone; years 1 to 9999.
func parseDateTime(s string) (event.Decimal, bool) {
	s = strings.TrimSpace(s)
	if i := strings.LastIndexByte(s, ' '); i > 0 && i+1 < len(s) && strings.IndexByte("+-Zz", s[i+1]) >= 0 {
		s = s[:i] + s[i+1:]
	}
	instant, _, err := event.ParseTime([]byte(s))
	switch {
	case err != nil:
		return event.Decimal{}, false
	case instant != math.MinInt64 && instant != math.MaxInt64:
		return ticksOf(instant).Normalized(), true
	}
	// Outside what int64 nanoseconds hold the leaf clamps (R3).
	s = strings.Replace(strings.ToUpper(s), " ", "T", 1)
	for _, layout := range [...]string{"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05", "2006-01-02"} {
		if t, err := time.Parse(layout, s); err == nil && t.Unix() >= -epochSeconds && t.Unix() <= lastSecond-epochSeconds {
			return ticksOfTime(t), true
		}
	}
	return event.Decimal{}, false
}

// isoText writes ticks with seven digits of fraction, nine if they are needed; offset in ticks, whole minutes.
func isoText(ticks, offset event.Decimal) (string, bool) {
	perMinute := event.DecimalOf(60 * ticksPerSecond)
	if rest, ok := remainder(offset, perMinute); !ok || !rest.IsZero() {
		return "", false
	}
	quotient, _ := divide(offset, perMinute)
	minutes, ok := quotient.Int64()
	if !ok || minutes < -14*60 || minutes > 14*60 {
		return "", false
	}
	local, ok := add(ticks, offset)
	if !ok {
		return "", false
	}
	t, ok := timeOf(local)
	if !ok {
		return "", false
	}
	layout := "2006-01-02T15:04:05.0000000"
	if t.Nanosecond()%100 != 0 {
		layout += "00"
	}
	s := t.Format(layout)
	if minutes == 0 {
		return s + "Z", true
	}
	sign := byte('+')
	if minutes < 0 {
		sign, minutes = '-', -minutes
	}
	return s + string([]byte{sign, '0' + byte(minutes/600), '0' + byte(minutes/60%10), ':', '0' + byte(minutes%60/10), '0' + byte(minutes%10)}), true
}

// parseTimeSpan reads [-][d.]HH:mm[:ss[.f]], or days alone, into ticks.
func parseTimeSpan(s string) (event.Decimal, bool) {
	s = strings.TrimSpace(s)
	s, neg := strings.CutPrefix(s, "-")
	days, clock, fraction := "0", s, ""
	colon := strings.IndexByte(s, ':')
	if colon < 0 {
		days, clock = s, "00:00"
	} else {
		if dot := strings.IndexByte(s[:colon], '.'); dot >= 0 {
			days, clock = s[:dot], s[dot+1:]
		}
		if dot := strings.IndexByte(clock, '.'); dot >= 0 {
			clock, fraction = clock[:dot], clock[dot+1:]
			if fraction == "" || len(fraction) > 7 || strings.Count(clock, ":") != 2 {
				return event.Decimal{}, false
			}
		}
	}
	parts := append([]string{days}, strings.Split(clock, ":")...)
	limits := []int64{10_675_199, 23, 59, 59}
	weights := []int64{86_400, 3600, 60, 1}
	if len(parts) < 3 || len(parts) > len(limits) {
		return event.Decimal{}, false
	}
	var seconds int64
	for i, p := range parts {
		n, ok := digits(p)
		if !ok || n > limits[i] {
			return event.Decimal{}, false
		}
		seconds += n * weights[i]
	}
	tenths, ok := digits((fraction + "0000000")[:7])
	if !ok {
		return event.Decimal{}, false
	}
	d, ok := add(multiplied(seconds, ticksPerSecond), event.DecimalOf(tenths))
	if neg {
		d = negate(d)
	}
	return d, ok
}

// digits reads a number of ASCII digits alone, at most nine.
func digits(s string) (int64, bool) {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil && len(s) <= 9
}

func multiplied(a, b int64) event.Decimal {
	d, _ := multiply(event.DecimalOf(a), event.DecimalOf(b))
	return d
}
