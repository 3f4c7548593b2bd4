package ingest

import "bytes"

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
	example  string // recognised by exactly this form; the tests hold it to that
	embedded bool
	find     func(line []byte) (stamp, bool)
}

// stampForms is tried in this order. A line that begins with any of the forms that are
// not embedded starts an event.
var stampForms = []stampForm{
	{name: "ISO 8601", example: "2016-12-19 20:43:21,123 ", find: findISO},
	{name: "slashed date", example: "2023/01/02 15:04:05 ", find: leading(parseSlashed)},
	{name: "syslog", example: "Jun 14 15:16:01 combo ", find: leading(parseSyslog)},
	{name: "ctime", example: "[Sun Dec 04 04:47:44 2005] ", find: leading(parseCtime)},
	{name: "RFC 1123", example: "Mon, 02 Jan 2006 15:04:05 GMT ", find: leading(parseRFC1123)},
	{name: "day first", example: "20-Nov-2026 10:23:12.123 ", find: leading(parseDayFirst)},
	{name: "month-day", example: "03-17 16:13:38.811 ", find: leading(parseMonthDay)},
	{name: "compact", example: "081109 203518 ", find: leading(parseCompact)},
	{name: "glog", example: "I1120 10:23:12.123456 ", find: findGlog},
	{name: "ISO 8601 after a word", example: "nova.log 2017-05-16 00:00:00.008 ", embedded: true, find: findSecondWord},
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
// 2021-12-03 07:14:48.591 UTC. Seconds, fraction and zone may be missing.
func parseISO(c *cursor) (k clock) {
	k.year = c.digits(4)
	c.byte('-')
	k.month = c.digits(2)
	c.byte('-')
	k.day = c.digits(2)
	c.oneOf("T t_")
	c.timeOfDay(&k, true)
	c.zone(&k)
	return k
}

// parseSlashed reads 2023/01/02 15:04:05.
func parseSlashed(c *cursor) (k clock) {
	k.year = c.digits(4)
	c.byte('/')
	k.month = c.digits(2)
	c.byte('/')
	k.day = c.digits(2)
	c.oneOf(" -T")
	c.timeOfDay(&k, false)
	c.zone(&k)
	return k
}

// parseSyslog reads Jun 14 15:16:01, Jun  4 15:16:01 and Jun 14 2023 15:16:01.
func parseSyslog(c *cursor) (k clock) {
	k.month = c.month()
	c.byte(' ')
	k.day = c.paddedDay()
	c.byte(' ')
	if c.digitsAhead() == 4 {
		k.year = c.digits(4)
		c.byte(' ')
	}
	c.timeOfDay(&k, false)
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

// parseDayFirst reads 17/May/2015:10:05:03 +0000 and 20-Nov-2026 10:23:12.123.
func parseDayFirst(c *cursor) (k clock) {
	k.day = c.paddedDay()
	c.oneOf("/- ")
	k.month = c.month()
	c.oneOf("/- ")
	k.year = c.digits(4)
	c.oneOf(": ")
	c.timeOfDay(&k, false)
	c.zone(&k)
	return k
}

// parseMonthDay reads 03-17 16:13:38.811, as Android writes it.
func parseMonthDay(c *cursor) (k clock) {
	k.month = c.digits(2)
	c.byte('-')
	k.day = c.digits(2)
	c.byte(' ')
	c.timeOfDay(&k, false)
	return k
}

// parseCompact reads 081109 203518: year, month, day and hour, minute, second.
func parseCompact(c *cursor) (k clock) {
	k.year = century(c.digits(2))
	k.month = c.digits(2)
	k.day = c.digits(2)
	c.byte(' ')
	k.hour = c.digits(2)
	k.minute = c.digits(2)
	k.second = c.digits(2)
	if c.digitsAhead() > 0 {
		c.bad = true
	}
	return k
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
	c := cursor{b: line, i: 1}
	var k clock
	k.month = c.digits(2)
	k.day = c.digits(2)
	c.byte(' ')
	c.timeOfDay(&k, false)
	if c.bad || k.nanos == 0 && !bytes.Contains(line[:c.i], []byte(".")) || !k.valid() || !c.atBoundary() {
		return stamp{}, false
	}
	return stamp{clock: k, end: c.i, level: letterLevel(line[0])}, true
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
	n := 0
	for n < len(line) && (isDigit(line[n]) || line[n] == '.') {
		n++
	}
	if n < 10 || n > 30 || n < len(line) && line[n] != ' ' && line[n] != '\t' {
		return stamp{}, false
	}
	instant, ok := parseEpoch(string(line[:n]), true)
	if !ok {
		return stamp{}, false
	}
	return stamp{clock: clockOf(instant), end: n}, true
}
