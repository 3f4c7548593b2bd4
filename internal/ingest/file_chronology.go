package ingest

import (
	"time"

	"github.com/stelehq/stele/internal/event"
)

// A chronology completes the clocks of one text in their order: what a line leaves out follows
// from the line before. A date without a year lies after the one before it, or at most
// disorderOfYears before; a time without a date likewise. So the years of
//
//	Dec 31 23:59:59
//	Jan  1 00:00:00
//
// differ by one, however many there are. Where the first of them lies is known if the text
// was looked at to its end (see lookAhead), since its last line is not after the file's time; else it
// is presumed to be the latest that is possible.
type chronology struct {
	calendar
	before time.Time // of the line before; zero: none
	years  int       // by how many years the first date without one lies before the latest possible
	days   int       // the same for times without a date
}

// How far back a line may lie before it is taken for one of the next year, or day.
const (
	disorderOfYears = 60 * 24 * time.Hour
	disorderOfDays  = 2 * time.Hour
)

// time completes a clock.
func (c *chronology) time(k clock) time.Time {
	t := c.complete(&k)
	if !k.zoned && !c.before.IsZero() {
		t = c.later(&k, t)
	}
	c.before = t
	return t
}

func (c *chronology) complete(k *clock) time.Time {
	switch {
	case k.whole():
		return c.at(k, k.year, k.month, k.day)
	case c.before.IsZero():
		t := c.calendar.time(*k)
		if k.month == 0 {
			day := t.In(c.local()).AddDate(0, 0, -c.days)
			return c.at(k, day.Year(), int(day.Month()), day.Day())
		}
		return c.inYear(k, t.Year()-c.years)
	case k.month == 0:
		t := c.next(k)
		if t.After(c.latest.Add(dateless)) && c.days == 0 {
			return c.calendar.time(*k)
		}
		return t
	}
	t := c.next(k)
	if t.After(c.latest.Add(yearless)) {
		return c.calendar.time(*k)
	}
	return t
}

// next is the first time of a clock that may follow the line before.
func (c *chronology) next(k *clock) (t time.Time) {
	if k.month == 0 {
		earliest := c.before.Add(-disorderOfDays)
		day := earliest.In(c.local()).AddDate(0, 0, -2)
		for range 4 {
			day = day.AddDate(0, 0, 1)
			if t = c.at(k, day.Year(), int(day.Month()), day.Day()); t.After(earliest) {
				break
			}
		}
		return t
	}
	earliest := c.before.Add(-disorderOfYears)
	for year := earliest.Year() - 1; ; year++ {
		if t = c.inYear(k, year); t.After(earliest) {
			return t
		}
	}
}

// inYear is the instant of a date without a year; 29 February is moved to a leap year.
func (c *chronology) inYear(k *clock, year int) time.Time {
	for k.month == 2 && k.day == 29 && !isLeap(year) {
		year++
	}
	return c.at(k, year, k.month, k.day)
}

// later chooses among the two instants that a clock shows when summer time ends the first
// that is not before the line before.
func (c *chronology) later(k *clock, t time.Time) time.Time {
	zone := c.local()
	if k.place != nil {
		zone = k.place
	}
	if zone == time.UTC {
		return t
	}
	const shift = time.Hour
	for _, u := range [...]time.Time{t.Add(-shift), t, t.Add(shift)} {
		local := u.In(zone)
		if local.Hour() == k.hour && local.Minute() == k.minute && !u.Before(c.before) {
			return u
		}
	}
	return t
}

// align learns from the clocks of the whole text, in order, where the first of them lies.
func (c *chronology) align(clocks func(yield func(clock) bool)) {
	var simulated = chronology{calendar: calendar{latest: time.Unix(1<<40, 0), zone: c.zone}}
	var last clock
	first := true
	for k := range clocks {
		if k.whole() {
			simulated.before = c.at(&k, k.year, k.month, k.day)
			continue
		}
		if first {
			first = false
			if simulated.before.IsZero() {
				simulated.before = c.calendar.time(k)
			}
		}
		simulated.before = simulated.complete(&k)
		last = k
	}
	if first {
		return
	}
	end := simulated.before
	if last.month == 0 {
		// The nearest to the file's time, for that may be in another zone.
		is := c.dated(&last, c.latest, func(t time.Time) bool { return !t.After(c.latest.Add(12 * time.Hour)) })
		c.days = int(end.Sub(is).Round(24*time.Hour) / (24 * time.Hour))
		return
	}
	c.years = max(0, end.Year()-c.calendar.time(last).Year())
}

// first completes the first clock that lines have, for what comes before it.
func (c chronology) first(lines [][]byte, clockOf func(line []byte) (clock, bool)) (instant int64, ok bool) {
	for _, line := range lines {
		if k, ok := clockOf(line); ok {
			return event.Instant(c.time(k)), true
		}
	}
	return 0, false
}
