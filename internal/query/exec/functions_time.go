package exec

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	_ "time/tzdata" // OffsetIn gives the same everywhere, also where the system has no time zones

	"github.com/stelehq/stele/internal/event"
)

// Functions of times.

func dateTime(_ *env, c *call) value {
	if c.args[0].Kind != event.String {
		return undefined
	}
	return defined(parseDateTime(c.args[0].Text))
}

func timeSpan(_ *env, c *call) value {
	if c.args[0].Kind != event.String {
		return undefined
	}
	return defined(parseTimeSpan(c.args[0].Text))
}

func toISOString(_ *env, c *call) value {
	ticks, ok := c.args[0].decimal()
	offset := event.Decimal{}
	if c.args[1].Kind != event.Undefined {
		var whole bool
		offset, whole = c.args[1].decimal()
		ok = ok && whole
	}
	if !ok {
		return undefined
	}
	s, ok := isoText(ticks, offset)
	if !ok {
		return undefined
	}
	return stringOf(s)
}

// totalMilliseconds takes ticks, or text as TimeSpan takes it.
func totalMilliseconds(_ *env, c *call) value {
	ticks, ok := c.args[0].decimal()
	if c.args[0].Kind == event.String {
		ticks, ok = parseTimeSpan(c.args[0].Text)
	}
	if !ok {
		return undefined
	}
	return defined(divide(ticks, event.DecimalOf(10_000)))
}

// localTime is a time as the clock shows it at an offset from UTC; offset in ticks.
func localTime(ticks, offset event.Decimal) (time.Time, event.Decimal, bool) {
	local, ok := add(ticks, offset)
	if !ok {
		return time.Time{}, local, false
	}
	t, ok := timeOf(local)
	return t, local, ok
}

var (
	ticksPerDay  = event.DecimalOf(86_400 * ticksPerSecond)
	ticksPerHour = event.DecimalOf(3600 * ticksPerSecond)
)

// datePart: `date` is the day's midnight as the local clock shows it, in ticks, and `time` what has passed since; Sunday is weekday 0.
func datePart(_ *env, c *call) value {
	ticks, ok := c.args[0].decimal()
	offset, ok2 := c.args[2].decimal()
	if !ok || !ok2 || c.args[1].Kind != event.String {
		return undefined
	}
	t, local, ok := localTime(ticks, offset)
	if !ok {
		return undefined
	}
	ofDay, _ := remainder(local, ticksPerDay)
	switch strings.ToLower(c.args[1].Text) {
	case "date":
		return defined(subtract(local, ofDay))
	case "time":
		return decimalOf(ofDay)
	case "year":
		return intOf(t.Year())
	case "month":
		return intOf(int(t.Month()))
	case "day":
		return intOf(t.Day())
	case "hour":
		return intOf(t.Hour())
	case "minute":
		return intOf(t.Minute())
	case "second":
		return intOf(t.Second())
	case "millisecond":
		return intOf(t.Nanosecond() / 1e6)
	case "weekday":
		return intOf(int(t.Weekday()))
	}
	return undefined
}

func timeOfDay(_ *env, c *call) value {
	ticks, ok := c.args[0].decimal()
	hours, ok2 := c.args[1].decimal()
	if !ok || !ok2 {
		return undefined
	}
	offset, ok := multiply(hours, ticksPerHour)
	if !ok {
		return undefined
	}
	_, local, ok := localTime(ticks, offset)
	if !ok {
		return undefined
	}
	return defined(remainder(local, ticksPerDay))
}

// zones are the time zones that were asked for; nil for a name that is none.
var zones struct {
	byName sync.Map // string to *time.Location
	count  atomic.Int32
}

// maxZones is more than there are; beyond it names, which may come from events, are looked up each time.
const maxZones = 2000

// zone finds an IANA time zone; nil if there is none of that name.
func (e *env) zone(name string) *time.Location {
	if name == "" || name == "Local" || len(name) > 64 { // Go's own meanings
		return nil
	}
	if known, ok := zones.byName.Load(name); ok {
		return known.(*time.Location)
	}
	if !e.spend(100) { // it may be a file
		return nil
	}
	found, err := time.LoadLocation(name)
	if err != nil {
		found = nil
	}
	if zones.count.Add(1) <= maxZones {
		zones.byName.Store(name, found)
	}
	return found
}

func offsetIn(e *env, c *call) value {
	ticks, ok := c.args[1].decimal()
	if !ok || c.args[0].Kind != event.String {
		return undefined
	}
	t, ok := timeOf(ticks)
	if !ok {
		return undefined
	}
	in := e.zone(c.args[0].Text)
	if in == nil {
		return undefined
	}
	_, seconds := t.In(in).Zone()
	return decimalOf(multiplied(int64(seconds), ticksPerSecond))
}

// toTimeString writes [-][d.]HH:mm:ss[.f], seven digits of fraction if there is one; what is finer than a tick is cut.
func toTimeString(_ *env, c *call) value {
	d, ok := c.args[0].decimal()
	if !ok {
		return undefined
	}
	m := mantissaOf(d)
	m.Quo(m, pow10(int(d.Scale)))
	if !m.IsInt64() {
		return undefined
	}
	ticks := m.Int64()
	sign := ""
	// Of the smallest int64 the absolute value is one more than fits.
	abs := uint64(ticks)
	if ticks < 0 {
		sign, abs = "-", -abs
	}
	seconds, fraction := abs/ticksPerSecond, abs%ticksPerSecond
	s := sign
	if days := seconds / 86_400; days > 0 {
		s += fmt.Sprintf("%d.", days)
	}
	s += fmt.Sprintf("%02d:%02d:%02d", seconds/3600%24, seconds/60%60, seconds%60)
	if fraction > 0 {
		s += fmt.Sprintf(".%07d", fraction)
	}
	return stringOf(s)
}
