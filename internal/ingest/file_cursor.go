package ingest

import "time"

// A cursor walks over the bytes of a timestamp. After the first thing that is not as
// expected bad is set, and nothing moves any more.
type cursor struct {
	b   []byte
	i   int
	bad bool
}

func isDigit(b byte) bool { return b-'0' <= 9 }

func isWord(b byte) bool {
	return isDigit(b) || b|0x20 >= 'a' && b|0x20 <= 'z' || b == '_' || b >= 0x80
}

func (c *cursor) peek() byte {
	if c.bad || c.i >= len(c.b) {
		return 0
	}
	return c.b[c.i]
}

func (c *cursor) byte(want byte) {
	if c.bad || c.i >= len(c.b) || c.b[c.i] != want {
		c.bad = true
		return
	}
	c.i++
}

func (c *cursor) oneOf(set string) {
	b := c.peek()
	for i := range len(set) {
		if set[i] == b && b != 0 {
			c.i++
			return
		}
	}
	c.bad = true
}

// digits reads exactly n digits.
func (c *cursor) digits(n int) int {
	if c.bad || len(c.b)-c.i < n {
		c.bad = true
		return 0
	}
	v := 0
	for _, d := range c.b[c.i : c.i+n] {
		if !isDigit(d) {
			c.bad = true
			return 0
		}
		v = v*10 + int(d-'0')
	}
	c.i += n
	return v
}

// digitsAhead counts the digits that follow, up to ten.
func (c *cursor) digitsAhead() int {
	n := 0
	for !c.bad && n < 10 && c.i+n < len(c.b) && isDigit(c.b[c.i+n]) {
		n++
	}
	return n
}

// paddedDay reads 04, " 4" or 4.
func (c *cursor) paddedDay() int {
	if c.peek() == ' ' {
		c.i++
		return c.digits(1)
	}
	if c.digitsAhead() == 1 {
		return c.digits(1)
	}
	return c.digits(2)
}

const (
	months   = "janfebmaraprmayjunjulaugsepoctnovdec"
	weekdays = "montuewedthufrisatsun"
)

// name reads three letters that are in the table, and returns their place in it from 1.
func (c *cursor) name(table string) int {
	if c.bad || len(c.b)-c.i < 3 {
		c.bad = true
		return 0
	}
	var low [3]byte
	for j := range low {
		low[j] = c.b[c.i+j] | 0x20
	}
	for at := 0; at < len(table); at += 3 {
		if table[at:at+3] == string(low[:]) {
			c.i += 3
			return at/3 + 1
		}
	}
	c.bad = true
	return 0
}

func (c *cursor) month() int { return c.name(months) }
func (c *cursor) weekday()   { c.name(weekdays) }

// timeOfDay reads 15:04:05 with an optional fraction after a dot or a comma; without
// seconds if the form allows it.
func (c *cursor) timeOfDay(k *clock, noSeconds bool) {
	k.hour = c.digits(2)
	c.byte(':')
	k.minute = c.digits(2)
	if noSeconds && c.peek() != ':' {
		return
	}
	c.byte(':')
	k.second = c.digits(2)
	if b := c.peek(); b != '.' && b != ',' {
		return
	}
	if c.i+1 >= len(c.b) || !isDigit(c.b[c.i+1]) {
		return
	}
	c.i++
	scale := 100_000_000
	for isDigit(c.peek()) { // digits past the ninth are cut
		k.nanos += int(c.b[c.i]-'0') * scale
		scale /= 10
		c.i++
	}
}

// zoneNames are the names of RFC 822, which are the same everywhere, and UTC.
var zoneNames = map[string]int{
	"Z": 0, "UTC": 0, "GMT": 0, "UT": 0,
	"EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
	"CET": 1, "CEST": 2,
}

// zone reads Z, +00:00, +0000, +00 or a known name, with a blank before it or not. What
// is none of these is left alone.
func (c *cursor) zone(k *clock) {
	if c.bad {
		return
	}
	save := *c
	if c.peek() == ' ' {
		c.i++
	}
	switch sign := c.peek(); {
	case sign == '+' || sign == '-':
		c.i++
		n := c.digitsAhead()
		if n != 2 && n != 4 {
			break
		}
		hours, minutes := c.digits(2), 0
		if n == 4 {
			minutes = c.digits(2)
		} else if c.peek() == ':' {
			c.i++
			minutes = c.digits(2)
		}
		if c.bad || hours > 15 || minutes > 59 || !c.atBoundary() {
			break
		}
		k.zoned, k.offset = true, hours*3600+minutes*60
		if sign == '-' {
			k.offset = -k.offset
		}
		return
	default:
		n := 0
		for c.i+n < len(c.b) && c.b[c.i+n] >= 'A' && c.b[c.i+n] <= 'Z' && n < 5 {
			n++
		}
		name := string(c.b[c.i : c.i+n])
		hours, known := zoneNames[name]
		// A lone Z belongs to the time only when it touches it.
		if !known || name == "Z" && c.i != save.i {
			break
		}
		c.i += n
		if !c.atBoundary() {
			break
		}
		k.zoned, k.offset = true, hours*3600
		return
	}
	*c = save
}

// atBoundary reports whether no word goes on here.
func (c *cursor) atBoundary() bool { return c.i >= len(c.b) || !isWord(c.b[c.i]) }

func clockOf(instant int64) clock {
	t := time.Unix(0, instant).UTC()
	return clock{
		year: t.Year(), month: int(t.Month()), day: t.Day(),
		hour: t.Hour(), minute: t.Minute(), second: t.Second(), nanos: t.Nanosecond(), zoned: true,
	}
}
