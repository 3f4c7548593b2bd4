package ingest

import (
	"bytes"
	"strconv"
)

// A stamp is a timestamp found in a line of text: the time it says, and the bytes
// [start,end) that it takes up, brackets around it included.
type stamp struct {
	clock
	start, end int
	level      string // of forms that hold a level in the timestamp itself (glog)
}

// A stampForm is one way in which programs write a time. Forms that are embedded count
// only in files most of whose lines have them: elsewhere they are part of the text.
type stampForm struct {
	name     string
	example  string // recognised by this form, and by none before that is not embedded
	embedded bool
	ordered  bool // numbers in an order that only a sample can tell
	letters  bool // begins with a letter, not with a digit
	find     func(line []byte) (stamp, bool)
}

// stampForms is tried in this order. A line that begins with any of the forms that are
// not embedded starts an event.
var stampForms = []stampForm{
	{name: "ISO 8601", example: "2016-12-19 20:43:21,123 ", find: findISO},
	{name: "slashed date", example: "2023/01/02 15:04:05 ", find: leading(parseSlashed)},
	{name: "syslog", example: "Jun 14 15:16:01 combo ", letters: true, find: leading(parseSyslog)},
	{name: "ctime", example: "[Sun Dec 04 04:47:44 2005] ", letters: true, find: leading(parseCtime)},
	{name: "RFC 1123", example: "Mon, 02 Jan 2006 15:04:05 GMT ", letters: true, find: leading(parseRFC1123)},
	{name: "weekday and ISO 8601", example: "Mon 2026-11-16 10:00:00 UTC ", letters: true, find: leading(parseWeekdayISO)},
	{name: "day first", example: "20-Nov-2026 10:23:12.123 ", find: leading(parseDayFirst)},
	{name: "month-day", example: "03-17 16:13:38.811 ", find: leading(monthDay('-'))},
	{name: "compact", example: "081109 203518 ", find: leading(parseCompact)},
	{name: "compact ISO 8601", example: "20171223-22:15:29:606 ", find: leading(parseCompactISO)},
	{name: "two-digit year, month, day", example: "17/06/09 20:10:40 ", ordered: true, find: leading(numericDate(yearFirst, 2))},
	{name: "month, day, year", example: "11/20/2026 10:23:12 ", ordered: true, find: leading(numericDate(monthFirst, 4))},
	{name: "day, month, year", example: "20.11.2026 10:23:12 ", ordered: true, find: leading(numericDate(dayFirst, 4))},
	{name: "month, day, two-digit year", example: "11/20/26 10:23:12 ", ordered: true, find: leading(numericDate(monthFirst, 2))},
	{name: "day, month, two-digit year", example: "20.11.26 10:23:12 ", ordered: true, find: leading(numericDate(dayFirst, 2))},
	{name: "day and month", example: "01 Jan 10:23:12.123 ", find: leading(parseDayMonth)},
	{name: "year, month by name", example: "2026 Nov 20 10:23:12 ", find: leading(parseYearMonth)},
	{name: "glog", example: "I1120 10:23:12.123456 ", letters: true, find: findGlog},
	{name: "month.day", example: "[10.30 16:49:06] ", embedded: true, find: leading(monthDay('.'))},
	{name: "time of day", example: "16:49:06.123 ", embedded: true, find: findTimeOfDay},
	{name: "ISO 8601 after a word", example: "nova.log 2017-05-16 00:00:00.008 ", embedded: true, find: findSecondWord},
	{name: "TAI64N", example: "@400000004a5a1b2c0a1b2c3d ", embedded: true, find: findTAI64N},
	{name: "epoch", example: "1521911721.789543\t", embedded: true, find: findEpoch},
}

// leading makes a finder of a parser: the time begins the line, bare or in brackets, and
// something that is not part of a word follows it.
func leading(parse func(*cursor) clock) func([]byte) (stamp, bool) {
	return func(line []byte) (stamp, bool) {
		c := cursor{b: line}
		var closing byte
		if len(line) > 0 {
			switch line[0] {
			case '[':
				closing = ']'
			case '(':
				closing = ')'
			}
		}
		if closing != 0 {
			c.i++
		}
		k := parse(&c)
		if c.bad || !k.valid() {
			return stamp{}, false
		}
		if closing != 0 {
			c.byte(closing)
		}
		if c.bad || !c.atBoundary() {
			return stamp{}, false
		}
		return stamp{clock: k, end: c.i}, true
	}
}

var findISO = leading(parseISO)

// parseISO reads 2016-12-19 20:43:21,123 and 2020-03-12T00:00:01.935+0000 and
// 2021-12-03 07:14:48.591 UTC, and DB2's 2005-06-03-15.42.50.675872. Seconds, fraction and zone may be missing.
func parseISO(c *cursor) (k clock) {
	k.year = c.digits(4)
	c.byte('-')
	k.month = c.digits(2)
	c.byte('-')
	k.day = c.digits(2)
	if c.peek() == '-' {
		c.dottedTime(&k)
		return k
	}
	c.oneOf("T t_\t")
	c.timeOfDay(&k, true)
	c.zone(&k)
	return k
}

// dottedTime reads -15.42.50.675872.
func (c *cursor) dottedTime(k *clock) {
	c.byte('-')
	k.hour = c.digits(2)
	c.byte('.')
	k.minute = c.digits(2)
	c.byte('.')
	k.second = c.digits(2)
	if !c.bad {
		c.fraction(k)
	}
}

// parseWeekdayISO reads Mon 2026-11-16 10:00:00 UTC, as systemd has it.
func parseWeekdayISO(c *cursor) clock {
	c.weekday()
	c.byte(' ')
	return parseISO(c)
}

// parseSlashed reads 2023/01/02 15:04:05 and 2005.06.03 15:04:05.
func parseSlashed(c *cursor) (k clock) {
	k.year = c.digits(4)
	sep := c.peek()
	c.oneOf("/.")
	k.month = c.digits(2)
	c.byte(sep)
	k.day = c.digits(2)
	c.dateEnd()
	c.timeOfDay(&k, false)
	c.zone(&k)
	return k
}

// dateEnd reads what separates a date of numbers from the time.
func (c *cursor) dateEnd() {
	for _, between := range []string{" - ", ", "} {
		if !c.bad && hasPrefix(c.b[c.i:], between) {
			c.i += len(between)
			return
		}
	}
	c.oneOf(" -T")
}

type dateOrder uint8

const (
	yearFirst dateOrder = iota
	monthFirst
	dayFirst
)

// numericDate reads three numbers in an order, the year with so many digits, and a time.
func numericDate(order dateOrder, yearDigits int) func(*cursor) clock {
	return func(c *cursor) (k clock) {
		short := func() int {
			if c.digitsAhead() == 1 {
				return c.digits(1)
			}
			return c.digits(2)
		}
		var sep byte
		separator := func() {
			if sep == 0 {
				sep = c.peek()
				c.oneOf("/.-")
				return
			}
			c.byte(sep)
		}
		year := func() {
			if c.digitsAhead() != yearDigits {
				c.bad = true
			}
			if k.year = c.digits(yearDigits); yearDigits == 2 {
				k.year = century(k.year)
			}
		}
		switch order {
		case yearFirst:
			year()
			separator()
			k.month = c.digits(2)
			separator()
			k.day = c.digits(2)
		case monthFirst:
			k.month = short()
			separator()
			k.day = short()
			separator()
			year()
		case dayFirst:
			k.day = short()
			separator()
			k.month = short()
			separator()
			year()
		}
		if sep == '.' && order != dayFirst {
			c.bad = true // nobody writes that
		}
		c.dateEnd()
		c.timeOfDay(&k, false)
		c.zone(&k)
		return k
	}
}

// parseSyslog reads Jun 14 15:16:01, Jun  4 15:16:01.123, Jun 14 2023 15:16:01 and
// Jun 14, 2023 3:16:01 PM.
func parseSyslog(c *cursor) (k clock) {
	k.month = c.month()
	c.byte(' ')
	k.day = c.paddedDay()
	if c.peek() == ',' {
		c.i++
	}
	c.byte(' ')
	if c.digitsAhead() == 4 {
		k.year = c.digits(4)
		if c.peek() == ',' {
			c.i++
		}
		c.byte(' ')
	}
	c.timeOfDay(&k, false)
	c.zone(&k)
	return k
}

// parseDayMonth reads 01 Jan 10:23:12.123 and 20 Nov 2026 10:23:12.
func parseDayMonth(c *cursor) (k clock) {
	k.day = c.paddedDay()
	c.byte(' ')
	k.month = c.month()
	c.byte(' ')
	if c.digitsAhead() == 4 {
		k.year = c.digits(4)
		c.byte(' ')
	}
	c.timeOfDay(&k, false)
	c.zone(&k)
	return k
}

// parseYearMonth reads 2026 Nov 20 10:23:12.123.
func parseYearMonth(c *cursor) (k clock) {
	k.year = c.digits(4)
	c.byte(' ')
	k.month = c.month()
	c.byte(' ')
	k.day = c.paddedDay()
	c.byte(' ')
	c.timeOfDay(&k, false)
	c.zone(&k)
	return k
}

// parseCtime reads Sun Dec 04 04:47:44 2005 and the Apache form with a fraction.
func parseCtime(c *cursor) (k clock) {
	c.weekday()
	c.byte(' ')
	k.month = c.month()
	c.byte(' ')
	k.day = c.paddedDay()
	c.byte(' ')
	c.timeOfDay(&k, false)
	c.zone(&k)
	c.byte(' ')
	k.year = c.digits(4)
	return k
}

// parseRFC1123 reads Mon, 02 Jan 2006 15:04:05 GMT.
func parseRFC1123(c *cursor) (k clock) {
	c.weekday()
	c.byte(',')
	c.byte(' ')
	k.day = c.paddedDay()
	c.oneOf(" -")
	k.month = c.month()
	c.oneOf(" -")
	k.year = c.digits(4)
	c.byte(' ')
	c.timeOfDay(&k, false)
	c.zone(&k)
	return k
}

// parseDayFirst reads 17/May/2015:10:05:03 +0000, 20-Nov-2026 10:23:12.123 and 1-Jan-2026::10:00:00.
func parseDayFirst(c *cursor) (k clock) {
	k.day = c.paddedDay()
	c.oneOf("/- ")
	k.month = c.month()
	c.oneOf("/- ")
	k.year = c.digits(4)
	if c.oneOf(": "); c.peek() == ':' {
		c.i++
	}
	c.timeOfDay(&k, false)
	c.zone(&k)
	return k
}

// monthDay reads 03-17 16:13:38.811, as Android writes it, with what is between month and day.
func monthDay(between byte) func(*cursor) clock {
	return func(c *cursor) (k clock) {
		k.month = c.digits(2)
		c.byte(between)
		k.day = c.digits(2)
		c.byte(' ')
		c.timeOfDay(&k, false)
		return k
	}
}

// parseTimeOfDay reads 15:04:05.123; the date is found by the file's time.
func parseTimeOfDay(c *cursor) (k clock) {
	c.timeOfDay(&k, false)
	c.zone(&k)
	return k
}

// parseKitchen reads 3:04PM.
func parseKitchen(c *cursor) (k clock) {
	c.timeOfDay(&k, true)
	return k
}

var findTimeOfDay = leading(parseTimeOfDay)

// parseCompact reads 081109 203518: year, month, day and hour, minute, second; and 230102 15:04:05.
func parseCompact(c *cursor) (k clock) {
	k.year = century(c.digits(2))
	k.month = c.digits(2)
	k.day = c.digits(2)
	c.byte(' ')
	if c.digitsAhead() < 6 {
		c.timeOfDay(&k, false)
		return k
	}
	c.sixDigits(&k)
	return k
}

// sixDigits reads 203518.
func (c *cursor) sixDigits(k *clock) {
	k.hour = c.digits(2)
	k.minute = c.digits(2)
	k.second = c.digits(2)
	if c.digitsAhead() > 0 {
		c.bad = true
	}
}

// parseCompactISO reads 20171223-22:15:29:606, 20230102T150405.123Z, 20120702.102240 and 20230102150405.
func parseCompactISO(c *cursor) (k clock) {
	k.year = c.digits(4)
	k.month = c.digits(2)
	k.day = c.digits(2)
	if k.year < 1970 || k.year > 2100 {
		c.bad = true
	}
	if isDigit(c.peek()) {
		c.sixDigits(&k)
		return k
	}
	c.oneOf("T -_.")
	if c.digitsAhead() == 6 {
		c.sixDigits(&k)
		if !c.bad {
			c.fraction(&k)
		}
	} else if ahead, short := *c, k; !c.bad && ahead.unpaddedTime(&short) {
		*c, k = ahead, short
	} else {
		c.timeOfDay(&k, true)
	}
	c.zone(&k)
	return k
}

// unpaddedTime reads 1:2:3:45, as HealthApp writes 01:02:03.045.
func (c *cursor) unpaddedTime(k *clock) bool {
	for i, to := range [...]*int{&k.hour, &k.minute, &k.second, &k.nanos} {
		if i > 0 {
			c.byte(':')
		}
		n := c.digitsAhead()
		if n == 0 || n > 3 || n == 3 && i < 3 {
			c.bad = true
		}
		*to = c.digits(n)
	}
	k.nanos *= 1_000_000
	return !c.bad
}

// century reads a year of two digits as one of 1970 to 2069.
func century(year int) int {
	if year < 70 {
		return 2000 + year
	}
	return 1900 + year
}

// findGlog reads I1120 10:23:12.123456, whose letter is the level.
func findGlog(line []byte) (stamp, bool) {
	if len(line) == 0 || bytes.IndexByte([]byte("IWEF"), line[0]) < 0 {
		return stamp{}, false
	}
	s, ok := findGlogTime(line[1:])
	s.end++
	s.level = string(line[:1])
	return s, ok
}

// findGlogTime reads 1120 10:23:12.123456 and 20231120 10:23:12.123456.
func findGlogTime(line []byte) (stamp, bool) {
	c := cursor{b: line}
	var k clock
	if c.digitsAhead() == 8 {
		k.year = c.digits(4)
	}
	k.month = c.digits(2)
	k.day = c.digits(2)
	c.byte(' ')
	c.timeOfDay(&k, false)
	if c.bad || bytes.IndexByte(line[:c.i], '.') < 0 || !k.valid() || !c.atBoundary() {
		return stamp{}, false
	}
	return stamp{clock: k, end: c.i}, true
}

// findSecondWord looks for an ISO time after one word without blanks, such as a file's name.
func findSecondWord(line []byte) (stamp, bool) {
	at := bytes.IndexAny(line[:min(len(line), 256)], " \t")
	if at <= 0 {
		return stamp{}, false
	}
	s, ok := findISO(line[at+1:])
	if !ok {
		return stamp{}, false
	}
	s.start += at + 1
	s.end += at + 1
	return s, true
}

// findEpoch reads 1521911721.789543 or 1521911721789 before a blank.
func findEpoch(line []byte) (stamp, bool) {
	s, ok := findUnix(line)
	return s, ok && (s.end == len(line) || isBlank(line[s.end]))
}

// findTAI64N reads what multilog and svlogd write: seconds as daemontools counts them, ten more than since 1970 and 2^62, and
// nanoseconds, in hexadecimal (cr.yp.to/libtai/tai64.html).
func findTAI64N(line []byte) (stamp, bool) {
	const end = 1 + 16 + 8
	if len(line) < end || line[0] != '@' || line[1] != '4' || len(line) > end && !isBlank(line[end]) {
		return stamp{}, false
	}
	seconds, err := strconv.ParseUint(string(line[1:17]), 16, 64)
	nanos, err2 := strconv.ParseUint(string(line[17:end]), 16, 32)
	if err != nil || err2 != nil || nanos >= 1e9 || seconds-1<<62 > 1<<33 {
		return stamp{}, false
	}
	return stamp{clock: clockOf(int64(seconds-1<<62-10)*1e9 + int64(nanos)), end: end}, true
}

// findUnix reads a number of at least ten digits as the time since 1970.
func findUnix(line []byte) (stamp, bool) {
	n := 0
	for n < len(line) && (isDigit(line[n]) || line[n] == '.' && n+1 < len(line) && isDigit(line[n+1])) {
		n++
	}
	if n < 10 || n > 30 {
		return stamp{}, false
	}
	instant, ok := parseEpoch(string(line[:n]), true)
	if !ok {
		return stamp{}, false
	}
	return stamp{clock: clockOf(instant), end: n}, true
}
