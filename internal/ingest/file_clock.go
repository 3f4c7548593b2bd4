package ingest

import (
	"time"

	"github.com/stelehq/stele/internal/event"
)

// A clock is a point in time as a line of text gives it: calendar fields, of which the
// year, the whole date, and the zone may be missing.
type clock struct {
	year   int // 0 if the text has none
	month  int // 1..12; 0 if the text has no date
	day    int
	hour   int
	minute int
	second int // 60 for a leap second
	nanos  int
	finer  []byte         // digits of the fraction past the ninth, without zeros at their end
	offset int            // seconds east of UTC, if zoned
	zoned  bool           // the text names an offset, or a zone that has one
	place  *time.Location // the text names a place's zone
}

func (c *clock) valid() bool {
	if c.hour > 23 || c.minute > 59 || c.second > 60 {
		return false
	}
	if c.month == 0 {
		return c.year == 0 && c.day == 0
	}
	return c.month <= 12 && c.day >= 1 && c.day <= event.DaysIn(c.year, c.month)
}

// whole reports whether the text has the date with the year.
func (c *clock) whole() bool { return c.year != 0 && c.month != 0 }

func isLeap(year int) bool { return event.DaysIn(year, 2) == 29 }

// A calendar completes clocks: with a year or a date for the forms that have none, and with a zone.
type calendar struct {
	// latest is when the text was last written to. A date without a year is the last one
	// that is at most a day later; a time without a date the last one at most an hour later.
	latest time.Time
	zone   *time.Location // of times that name none; nil is UTC (R3)
}

const (
	yearless = 24 * time.Hour // how far beyond calendar.latest each may lie
	dateless = time.Hour
)

// at is the instant of a clock in a year, and on a day if the clock has no date of its own.
func (c calendar) at(k *clock, year, month, day int) time.Time {
	second, nanos := k.second, k.nanos
	if second == 60 { // a leap second is the last nanosecond before it, as for event.ParseTime
		second, nanos = 59, 999_999_999
	}
	switch {
	case k.zoned:
		t := time.Date(year, time.Month(month), day, k.hour, k.minute, second, nanos, time.UTC)
		return t.Add(-time.Duration(k.offset) * time.Second)
	case k.place != nil:
		return time.Date(year, time.Month(month), day, k.hour, k.minute, second, nanos, k.place)
	}
	return time.Date(year, time.Month(month), day, k.hour, k.minute, second, nanos, c.local())
}

func (c calendar) local() *time.Location {
	if c.zone == nil {
		return time.UTC
	}
	return c.zone
}

// time completes a clock by itself.
func (c calendar) time(k clock) time.Time {
	switch {
	case k.whole():
		return c.at(&k, k.year, k.month, k.day)
	case k.month == 0:
		limit := c.latest.Add(dateless)
		return c.dated(&k, limit, func(t time.Time) bool { return !t.After(limit) })
	}
	limit := c.latest.Add(yearless)
	for year, tries := limit.Year()+1, 0; ; year, tries = year-1, tries+1 {
		if k.month == 2 && k.day == 29 && !isLeap(year) {
			continue
		}
		if t := c.at(&k, year, k.month, k.day); !t.After(limit) || tries > 8 {
			return t
		}
	}
}

// dated gives a clock without a date the last one around a time that will do.
func (c calendar) dated(k *clock, around time.Time, will func(time.Time) bool) (t time.Time) {
	day := around.In(c.local()).AddDate(0, 0, 2)
	for range 5 {
		day = day.AddDate(0, 0, -1)
		if t = c.at(k, day.Year(), int(day.Month()), day.Day()); will(t) {
			break
		}
	}
	return t
}
