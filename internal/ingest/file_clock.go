package ingest

import "time"

// A clock is a point in time as a line of text gives it: calendar fields, of which the
// year and the zone may be missing.
type clock struct {
	year   int // 0 if the text has none
	month  int // 1..12
	day    int
	hour   int
	minute int
	second int // 60 for a leap second
	nanos  int
	offset int  // seconds east of UTC, if zoned
	zoned  bool // the text names a zone
}

func (c *clock) valid() bool {
	return c.month >= 1 && c.month <= 12 && c.day >= 1 && c.day <= daysIn(c.year, c.month) &&
		c.hour < 24 && c.minute < 60 && c.second <= 60
}

// daysIn treats the missing year as a leap year, so that 29 February is a date.
func daysIn(year, month int) int {
	if month == 2 && year != 0 && !isLeap(year) {
		return 28
	}
	return [...]int{31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}[month-1]
}

func isLeap(year int) bool { return year%4 == 0 && (year%100 != 0 || year%400 == 0) }

// A calendar completes clocks: with a year for the forms that have none, and with a zone.
type calendar struct {
	// latest is when the text was last written to. A date without a year is the last one
	// that is at most a day later.
	latest time.Time
	zone   *time.Location // of times that name none; nil is UTC (R3)
}

// time completes the clock.
func (c calendar) time(k clock) time.Time {
	zone := c.zone
	if zone == nil {
		zone = time.UTC
	}
	if k.zoned {
		zone = time.FixedZone("", k.offset)
	}
	at := func(year int) time.Time {
		return time.Date(year, time.Month(k.month), k.day, k.hour, k.minute, k.second, k.nanos, zone)
	}
	if k.year != 0 {
		return at(k.year)
	}
	limit := c.latest.Add(24 * time.Hour)
	for year, tries := limit.In(zone).Year(), 0; ; year, tries = year-1, tries+1 {
		leapOnly := k.month == 2 && k.day == 29
		if leapOnly && !isLeap(year) {
			continue
		}
		if t := at(year); !t.After(limit) || tries > 8 {
			return t
		}
	}
}

var (
	firstInstant = time.Unix(0, -1<<63)
	lastInstant  = time.Unix(0, 1<<63-1)
)

func instantOf(t time.Time) int64 {
	switch {
	case t.Before(firstInstant):
		return -1 << 63
	case t.After(lastInstant):
		return 1<<63 - 1
	}
	return t.UnixNano()
}
