package syslog

import (
	"time"

	"github.com/stelehq/stele/internal/event"
)

// Time is a point in time as a message gives it: calendar fields, of which the year and the
// zone may be missing.
type Time struct {
	Year   int // 0 if there is none
	Month  int // 1 to 12; 0: there is no time at all
	Day    int
	Hour   int
	Minute int
	Second int // 60 for a leap second
	Nanos  int
	Offset int  // seconds east of UTC, if Zoned
	Zoned  bool // the text names a zone
}

// Instant completes the time and returns it in nanoseconds since 1970, clamped to int64. zone is that
// of a time that names none, nil for UTC. A time without a year gets the last one that makes it at most a day
// later than latest, which is when the message was received.
func (t *Time) Instant(latest time.Time, zone *time.Location) int64 {
	if zone == nil {
		zone = time.UTC
	}
	if t.Zoned {
		if zone = time.UTC; t.Offset != 0 {
			zone = time.FixedZone("", t.Offset)
		}
	}
	if t.Year != 0 {
		return event.Instant(t.in(t.Year, zone))
	}
	limit := latest.Add(24 * time.Hour)
	year := limit.In(zone).Year()
	for range 9 { // 29 February may be eight years ago
		if t.Day <= event.DaysIn(year, t.Month) {
			if at := t.in(year, zone); !at.After(limit) {
				return event.Instant(at)
			}
		}
		year--
	}
	return event.Instant(latest)
}

func (t *Time) in(year int, zone *time.Location) time.Time {
	second, nanos := t.Second, t.Nanos
	if second == 60 { // a leap second is the last nanosecond before the next
		second, nanos = 59, 999_999_999
	}
	return time.Date(year, time.Month(t.Month), t.Day, t.Hour, t.Minute, second, nanos, zone)
}

func (t *Time) valid() bool {
	return t.Month >= 1 && t.Month <= 12 && t.Day >= 1 && t.Day <= event.DaysIn(t.Year, t.Month) &&
		t.Hour < 24 && t.Minute < 60 && t.Second <= 60
}

// parseTime reads the time that b begins with, in any form, and returns where it ends.
//
//	Nov 20 10:23:12[.123][ 2026]   Nov  2 2026 10:23:12   2026 Nov 20 10:23:12   2026-11-20T10:23:12.123+01:00
func parseTime(b []byte) (t Time, end int, ok bool) {
	if len(b) == 0 {
		return t, 0, false
	}
	if isDigit(b[0]) {
		if t, end, ok = parseISO(b); ok {
			return t, end, ok
		}
	}
	c := cursor{b: b}
	if isDigit(b[0]) {
		t.Year = c.number(4)
		c.blank()
	}
	t.Month = c.month()
	c.blank()
	if c.i < len(b) && b[c.i] == ' ' {
		c.i++
		t.Day = c.number(1)
	} else {
		t.Day = c.upTo(2)
	}
	c.blank()
	if t.Year == 0 && c.digits() == 4 {
		t.Year = c.number(4)
		c.blank()
	}
	c.timeOfDay(&t)
	if c.bad {
		return t, 0, false
	}
	if t.Year == 0 {
		after := cursor{b: b, i: c.i}
		after.blank()
		if !after.bad && after.digits() == 4 {
			year := after.number(4)
			if year >= 1900 && year < 2200 && (after.i == len(b) || b[after.i] == ' ' || b[after.i] == ':') {
				t.Year, c.i = year, after.i
			}
		}
	}
	return t, c.i, t.valid()
}

// parseISO reads RFC 3339's time that b begins with. The zone may be missing or be written without a
// colon; a blank may stand for the T.
func parseISO(b []byte) (t Time, end int, ok bool) {
	c := cursor{b: b}
	t.Year = c.number(4)
	c.byte('-')
	t.Month = c.number(2)
	c.byte('-')
	t.Day = c.number(2)
	if c.i < len(b) && (b[c.i] == ' ' || b[c.i] == 't') {
		c.i++
	} else {
		c.byte('T')
	}
	c.timeOfDay(&t)
	if c.bad || t.Year == 0 || !t.valid() {
		return t, 0, false
	}
	if c.i == len(b) {
		return t, c.i, true
	}
	sign := 1
	switch b[c.i] {
	case 'Z', 'z':
		t.Zoned = true
		return t, c.i + 1, true
	case '-':
		sign = -1
	case '+':
	default:
		return t, c.i, true
	}
	c.i++
	hours := c.number(2)
	if c.i < len(b) && b[c.i] == ':' {
		c.i++
	}
	minutes := 0
	if c.digits() > 0 || c.i > 0 && b[c.i-1] == ':' {
		minutes = c.number(2)
	}
	t.Zoned, t.Offset = true, sign*(hours*3600+minutes*60)
	return t, c.i, !c.bad && hours < 24 && minutes < 60
}

// zoneName reads the name of a zone after a blank: one that is known, or any capitals if a Cisco text
// follows. What follows must be a blank, a colon or nothing.
func zoneName(b []byte) (zone, rest []byte) {
	if len(b) == 0 || b[0] != ' ' {
		return nil, b
	}
	n := 1
	for n < len(b) && n < 7 && b[n] >= 'A' && b[n] <= 'Z' {
		n++
	}
	zone = b[1:n]
	if _, known := offsetOf(zone); known && (n == len(b) || b[n] == ' ' || b[n] == ':') {
		return zone, b[n:]
	}
	if len(zone) > 1 && n+2 < len(b) && string(b[n:n+3]) == ": %" {
		return zone, b[n:]
	}
	return nil, b
}

// offsetOf knows the zones that RFC 5322 names: seconds east of UTC.
func offsetOf(zone []byte) (seconds int, known bool) {
	const hour = 3600
	switch string(zone) {
	case "UTC", "GMT", "UT":
		return 0, true
	case "EDT":
		return -4 * hour, true
	case "EST", "CDT":
		return -5 * hour, true
	case "CST", "MDT":
		return -6 * hour, true
	case "MST", "PDT":
		return -7 * hour, true
	case "PST":
		return -8 * hour, true
	}
	return 0, false
}

// cursor reads a text from left to right; what does not fit makes it bad.
type cursor struct {
	b   []byte
	i   int
	bad bool
}

// digits counts the digits ahead.
func (c *cursor) digits() (n int) {
	for c.i+n < len(c.b) && isDigit(c.b[c.i+n]) {
		n++
	}
	return n
}

// number reads exactly so many digits.
func (c *cursor) number(width int) (n int) {
	if c.bad || len(c.b)-c.i < width {
		c.bad = true
		return 0
	}
	for _, d := range c.b[c.i : c.i+width] {
		if !isDigit(d) {
			c.bad = true
			return 0
		}
		n = n*10 + int(d-'0')
	}
	c.i += width
	return n
}

// upTo reads one to width digits.
func (c *cursor) upTo(width int) int { return c.number(max(1, min(width, c.digits()))) }

func (c *cursor) byte(want byte) {
	if c.bad || c.i >= len(c.b) || c.b[c.i] != want {
		c.bad = true
		return
	}
	c.i++
}

func (c *cursor) blank() { c.byte(' ') }

const months = "janfebmaraprmayjunjulaugsepoctnovdec"

func (c *cursor) month() int {
	if c.bad || len(c.b)-c.i < 3 {
		c.bad = true
		return 0
	}
	word := [3]byte{c.b[c.i] | 0x20, c.b[c.i+1] | 0x20, c.b[c.i+2] | 0x20}
	for m := range 12 {
		if string(word[:]) == months[m*3:m*3+3] {
			c.i += 3
			return m + 1
		}
	}
	c.bad = true
	return 0
}

// timeOfDay reads 10:23:12, 10:23:12.123 and 10:23:12,123; digits after nine are dropped.
func (c *cursor) timeOfDay(t *Time) {
	t.Hour = c.upTo(2)
	c.byte(':')
	t.Minute = c.number(2)
	c.byte(':')
	t.Second = c.number(2)
	if c.bad || c.i+1 >= len(c.b) || c.b[c.i] != '.' && c.b[c.i] != ',' || !isDigit(c.b[c.i+1]) {
		return
	}
	c.i++
	for unit := 100_000_000; c.i < len(c.b) && isDigit(c.b[c.i]); c.i++ {
		t.Nanos += int(c.b[c.i]-'0') * unit
		unit /= 10
	}
}
