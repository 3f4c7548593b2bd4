package ingest

import (
	"bytes"
	"sync"
	"time"
)

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

// timeOfDay reads 15:04:05 with an optional fraction after a dot or a comma (of three digits
// also after a colon), and AM or PM; without seconds if the form allows it. The hour may have one digit if it is padded
// or followed by AM or PM.
func (c *cursor) timeOfDay(k *clock, noSeconds bool) {
	short := c.peek() == ' ' && c.i+1 < len(c.b) && isDigit(c.b[c.i+1])
	if short {
		c.i++
	}
	if c.digitsAhead() == 1 {
		k.hour = c.digits(1)
		if !short && !c.halfDayAhead() {
			c.bad = true
		}
	} else {
		k.hour = c.digits(2)
	}
	c.byte(':')
	k.minute = c.digits(2)
	if !noSeconds || c.peek() == ':' {
		c.byte(':')
		k.second = c.digits(2)
		c.fraction(k)
	}
	c.halfDay(k)
}

func (c *cursor) fraction(k *clock) {
	switch b := c.peek(); {
	case c.i+1 >= len(c.b) || !isDigit(c.b[c.i+1]):
		return
	case b == ':':
		ahead := cursor{b: c.b, i: c.i + 1}
		if ahead.digitsAhead() != 3 {
			return
		}
	case b != '.' && b != ',':
		return
	}
	c.i++
	scale := 100_000_000
	from := c.i
	for isDigit(c.peek()) {
		k.nanos += int(c.b[c.i]-'0') * scale
		scale /= 10
		c.i++
	}
	if c.i > from+9 {
		k.finer = bytes.TrimRight(c.b[from+9:c.i], "0")
	}
}

// halfDayAhead reports whether AM or PM comes within the next bytes.
func (c *cursor) halfDayAhead() bool {
	ahead := bytes.ToUpper(c.b[c.i:min(len(c.b), c.i+24)])
	return bytes.Contains(ahead, []byte("AM")) || bytes.Contains(ahead, []byte("PM"))
}

// halfDay reads AM or PM, with a blank before it or not (Java writes one that is narrow).
func (c *cursor) halfDay(k *clock) {
	if c.bad {
		return
	}
	rest := c.b[c.i:]
	for _, blank := range []string{" ", "\u00a0", "\u202f"} {
		if hasPrefix(rest, blank) {
			rest = rest[len(blank):]
			break
		}
	}
	if len(rest) < 2 || rest[1]|0x20 != 'm' || len(rest) > 2 && isWord(rest[2]) {
		return
	}
	switch rest[0] | 0x20 {
	case 'a':
		if k.hour == 12 {
			k.hour = 0
		}
	case 'p':
		if k.hour < 12 {
			k.hour += 12
		}
	default:
		return
	}
	c.i = len(c.b) - len(rest) + 2
}

// zoneNames are the names of RFC 822, which are the same everywhere, UTC, and those of Europe's, Japan's and India's zones.
var zoneNames = map[string]int{
	"Z": 0, "UTC": 0, "GMT": 0, "UT": 0, "WET": 0,
	"EST": -5 * 60, "EDT": -4 * 60, "CST": -6 * 60, "CDT": -5 * 60, "MST": -7 * 60, "MDT": -6 * 60, "PST": -8 * 60, "PDT": -7 * 60,
	"CET": 60, "CEST": 120, "MEZ": 60, "MESZ": 120, "BST": 60, "WEST": 60, "EET": 120, "EEST": 180, "MSK": 180,
	"IST": 330, "JST": 540, "KST": 540, "AEST": 600, "AEDT": 660,
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
	case sign >= 'A' && sign <= 'Z':
		if zone := c.placeZone(); zone != nil {
			k.place = zone
			return
		}
		n := 0
		for c.i+n < len(c.b) && c.b[c.i+n] >= 'A' && c.b[c.i+n] <= 'Z' && n < 5 {
			n++
		}
		name := c.b[c.i : c.i+n]
		minutes, known := zoneNames[string(name)]
		// A lone Z belongs to the time only when it touches it.
		if !known || string(name) == "Z" && c.i != save.i {
			break
		}
		c.i += n
		if !c.atBoundary() {
			break
		}
		k.zoned, k.offset = true, minutes*60
		return
	}
	*c = save
}

// placeZone reads the name of a zone in the time zone database, such as Europe/Berlin.
func (c *cursor) placeZone() *time.Location {
	n, slash := 0, false
	for c.i+n < len(c.b) && n < 40 && (isWord(c.b[c.i+n]) || c.b[c.i+n] == '/' || c.b[c.i+n] == '-') {
		slash = slash || c.b[c.i+n] == '/'
		n++
	}
	if !slash {
		return nil
	}
	zone := zoneOf(c.b[c.i : c.i+n])
	if zone != nil {
		c.i += n
	}
	return zone
}

// zones remembers names of zones; nil is a name of none. Of those a text may have any number.
var zones = struct {
	sync.RWMutex
	of map[string]*time.Location
}{of: map[string]*time.Location{}}

const zonesRemembered = 1024

// zoneOf returns the zone of a name, nil if there is none.
func zoneOf(name []byte) *time.Location {
	zones.RLock()
	zone, ok := zones.of[string(name)]
	zones.RUnlock()
	if ok {
		return zone
	}
	zone, err := time.LoadLocation(string(name))
	if err != nil {
		zone = nil
	}
	zones.Lock()
	defer zones.Unlock()
	if len(zones.of) < zonesRemembered {
		zones.of[string(name)] = zone
	}
	return zone
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
