package event

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"github.com/stelehq/stele/internal/fault"
)

// Timestamps (R3). The canonical form has 28 bytes, or 30 if the instant needs more than seven digits:
//
//	 0         1         2
//	 0123456789012345678901234567
//	"2006-01-02T15:04:05.0000000Z"
//	"2006-01-02T15:04:05.000000000Z"
//
// Other forms are read too and are not canonical:
//
//	date [ (T|t|blank) hh:mm [ :ss [ (.|,) digit {digit} ] ] [ Z | z | ±hh | ±hhmm | ±hh:mm ] ]

const (
	opTime   = "parse timestamp"
	nanos    = 1_000_000_000
	daySecs  = 86_400
	epochDay = 719_468 // days from 1 March of year 0 to 1 January 1970
)

// ParseTime reads an ISO 8601 / RFC 3339 timestamp: date, T or t or blank, time to minutes or seconds, any number of
// fractional digits (past 9 are cut), Z or ±hh:mm or ±hhmm or ±hh or none (UTC). Date alone is midnight. The instant is
// clamped to int64 nanoseconds. canonical: text equals AppendTime(instant), so that the text need not be kept.
//
// Years run from 0001 to 9999, hours to 23 (24:00 is refused), days to the month's last. Second 60 is taken for a leap
// second and becomes the last nanosecond of second 59.
func ParseTime(text []byte) (instant int64, canonical bool, err error) {
	if instant, ok := parseCanonical(text); ok {
		return instant, true, nil
	}
	p := timeText{text: text}
	instant = p.parse()
	if p.fault != "" {
		return 0, false, fault.New(fault.Invalid, opTime, "%q: byte %d: %s", clip(string(text[:min(len(text), 100)]), 60), p.where, p.fault)
	}
	if n := len(text); (n == 28 || n == 30) && text[n-1] == 'Z' {
		var buf [30]byte
		canonical = string(AppendTime(buf[:0], instant)) == string(text)
	}
	return instant, canonical, nil
}

// Words of the canonical form with 0 for every digit. XOR with the text leaves digits as 0..9 and the rest as 0.
var (
	form0 = binary.LittleEndian.Uint64([]byte("0000-00-"))
	form1 = binary.LittleEndian.Uint64([]byte("00T00:00"))
	form2 = binary.LittleEndian.Uint64([]byte(":00.0000"))
	form3 = binary.LittleEndian.Uint64([]byte("0000000Z"))
)

const (
	marks0 = 0xFF_00_00_FF_00_00_00_00 // the bytes of form0 that are no digits, and so on
	marks1 = 0x00_00_FF_00_00_FF_00_00
	marks2 = 0x00_00_00_00_FF_00_00_FF
	marks3 = 0xFF_00_00_00_00_00_00_00
)

// offForm is not zero if a byte of x is over 9, or not zero where marks says that no digit stands.
func offForm(x, marks uint64) uint64 {
	return (x|(x+every01*6))&(every01*0xF0) | x&marks
}

func two(x uint64, shift uint) int { return int(x>>shift&15)*10 + int(x>>(shift+8)&15) }

// parseCanonical reads the form of 28 bytes whose instant is within int64. Second 60 is left to the slow way.
func parseCanonical(text []byte) (int64, bool) {
	if len(text) != 28 {
		return 0, false
	}
	w0 := binary.LittleEndian.Uint64(text) ^ form0
	w1 := binary.LittleEndian.Uint64(text[8:]) ^ form1
	w2 := binary.LittleEndian.Uint64(text[16:]) ^ form2
	w3 := binary.LittleEndian.Uint64(text[20:]) ^ form3
	if offForm(w0, marks0)|offForm(w1, marks1)|offForm(w2, marks2)|offForm(w3, marks3) != 0 {
		return 0, false
	}
	year, month := two(w0, 0)*100+two(w0, 16), two(w0, 40)
	day, hour, minute, second := two(w1, 0), two(w1, 24), two(w1, 48), two(w2, 8)
	// 1678 to 2261 lie wholly within int64 nanoseconds.
	if year < 1678 || year > 2261 || month < 1 || month > 12 || day < 1 || day > DaysIn(year, month) ||
		hour > 23 || minute > 59 || second > 59 {
		return 0, false
	}
	fraction := two(w3, 0)*100_000 + two(w3, 16)*1_000 + two(w3, 32)*10 + int(w3>>48&15)
	return (daysFrom(year, month, day)*daySecs+int64(hour*3600+minute*60+second))*nanos + int64(fraction*100), true
}

// timeText is a reader over a timestamp; its first fault ends it.
type timeText struct {
	text  []byte
	at    int
	fault string // the first, empty if none
	where int    // its place
}

func (p *timeText) fail(at int, format string, args ...any) {
	if p.fault == "" {
		p.where, p.fault = at, fmt.Sprintf(format, args...)
	}
}

// number reads a field of exactly width digits whose value is from low to high.
func (p *timeText) number(what string, width, low, high int) int {
	n, from := 0, p.at
	for range width {
		if p.at >= len(p.text) || p.text[p.at]-'0' > 9 {
			p.fail(p.at, "expected a digit of the %s, found %s", what, describe(p.text, p.at))
			return low
		}
		n = n*10 + int(p.text[p.at]-'0')
		p.at++
	}
	if n < low || n > high {
		p.fail(from, "the %s is %0*d, expected %0*d to %0*d", what, width, n, width, low, width, high)
		return low
	}
	return n
}

func (p *timeText) have(set string) bool {
	if p.fault != "" || p.at >= len(p.text) {
		return false
	}
	for i := range len(set) {
		if p.text[p.at] == set[i] {
			p.at++
			return true
		}
	}
	return false
}

func (p *timeText) want(set, what string) {
	if !p.have(set) {
		p.fail(p.at, "expected %s, found %s", what, describe(p.text, p.at))
	}
}

func (p *timeText) parse() int64 {
	year := p.number("year", 4, 1, 9999)
	p.want("-", "- after the year")
	month := p.number("month", 2, 1, 12)
	p.want("-", "- after the month")
	day := p.number("day", 2, 1, DaysIn(year, month))
	seconds, fraction := daysFrom(year, month, day)*daySecs, int64(0)
	if p.fault == "" && p.at < len(p.text) {
		p.want("Tt ", "T or a blank after the date")
		seconds += int64(p.number("hour", 2, 0, 23)) * 3600
		p.want(":", ": after the hour")
		seconds += int64(p.number("minute", 2, 0, 59)) * 60
		if p.have(":") {
			var second int64
			second, fraction = p.seconds()
			seconds += second
		}
		seconds -= p.zone()
	}
	if p.fault == "" && p.at < len(p.text) {
		p.fail(p.at, "expected the end, found %s", describe(p.text, p.at))
	}
	return clampInstant(seconds, fraction)
}

// seconds reads seconds and their fraction in nanoseconds. Second 60 is the last nanosecond of second 59.
func (p *timeText) seconds() (second, fraction int64) {
	second = int64(p.number("second", 2, 0, 60))
	if p.have(".,") {
		from := p.at
		for unit := int64(nanos / 10); p.at < len(p.text) && p.text[p.at]-'0' <= 9; unit /= 10 {
			fraction += int64(p.text[p.at]-'0') * unit
			p.at++
		}
		if p.at == from {
			p.fail(p.at, "expected a digit of the fraction, found %s", describe(p.text, p.at))
		}
	}
	if second == 60 {
		return 59, nanos - 1
	}
	return second, fraction
}

// zone reads what may follow the time and returns the seconds that it is ahead of UTC.
func (p *timeText) zone() int64 {
	if p.have("Zz") {
		return 0
	}
	sign := int64(1)
	switch {
	case p.have("+"):
	case p.have("-"):
		sign = -1
	default:
		return 0
	}
	offset := int64(p.number("zone's hour", 2, 0, 23)) * 3600
	if p.have(":") || p.fault == "" && p.at < len(p.text) {
		offset += int64(p.number("zone's minute", 2, 0, 59)) * 60
	}
	return sign * offset
}

// clampInstant joins seconds and nanoseconds (0 … 999,999,999) since 1970, clamped to int64 nanoseconds.
func clampInstant(seconds, fraction int64) int64 {
	const last = math.MaxInt64 / nanos
	if seconds < 0 && fraction > 0 {
		seconds, fraction = seconds+1, fraction-nanos
	}
	switch {
	case seconds > last || seconds == last && fraction > math.MaxInt64%nanos:
		return math.MaxInt64
	case seconds < -last || seconds == -last && fraction < math.MinInt64%nanos:
		return math.MinInt64
	}
	return seconds*nanos + fraction
}

// Instant is a time in nanoseconds since 1970, clamped to int64.
func Instant(t time.Time) int64 { return clampInstant(t.Unix(), int64(t.Nanosecond())) }

// daysFrom counts days since 1970 in the Gregorian calendar, for years from 1. Years are counted from 1 March, so
// that the leap day is a year's last and the months' lengths repeat every five: 153 days.
func daysFrom(year, month, day int) int64 {
	if month < 3 {
		year, month = year-1, month+12
	}
	return int64(year*365+year/4-year/100+year/400+(153*(month-3)+2)/5+day-1) - epochDay
}

// dateOf is the inverse of daysFrom, for days from 0001-01-01 on.
func dateOf(days int64) (year, month, day int) {
	n := int(days + epochDay)
	const cycle = 146_097 // days in 400 years
	era, n := n/cycle, n%cycle
	year = (n - n/1_460 + n/36_524 - n/146_096) / 365
	n -= year*365 + year/4 - year/100
	month = (5*n + 2) / 153
	day = n - (153*month+2)/5 + 1
	year += era * 400
	if month += 3; month > 12 {
		year, month = year+1, month-12
	}
	return year, month, day
}

// DaysIn is how many days a month has, from 1. In the year 0, which stands for one that is not known, February has 29.
func DaysIn(year, month int) int {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// AppendTime appends the canonical form 2006-01-02T15:04:05.0000000Z, seven digits; instants that need
// more than seven digits get nine.
func AppendTime(dst []byte, instant int64) []byte {
	seconds, fraction := instant/nanos, instant%nanos
	if fraction < 0 {
		seconds, fraction = seconds-1, fraction+nanos
	}
	days, second := seconds/daySecs, int(seconds%daySecs)
	if second < 0 {
		days, second = days-1, second+daySecs
	}
	year, month, day := dateOf(days)
	dst = appendTwo(appendTwo(dst, year/100), year%100)
	dst = appendTwo(append(dst, '-'), month)
	dst = appendTwo(append(dst, '-'), day)
	dst = appendTwo(append(dst, 'T'), second/3600)
	dst = appendTwo(append(dst, ':'), second/60%60)
	dst = appendTwo(append(dst, ':'), second%60)
	ticks, rest := int(fraction/100), int(fraction%100)
	dst = append(dst, '.', byte('0'+ticks/1_000_000))
	dst = appendTwo(dst, ticks/10_000%100)
	dst = appendTwo(dst, ticks/100%100)
	dst = appendTwo(dst, ticks%100)
	if rest != 0 {
		dst = appendTwo(dst, rest)
	}
	return append(dst, 'Z')
}

func appendTwo(dst []byte, n int) []byte { return append(dst, byte('0'+n/10), byte('0'+n%10)) }
