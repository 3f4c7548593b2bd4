package ingest

import (
	"bytes"
	"time"

	"github.com/stelehq/stele/internal/event"
)

// time looks for the time of the object that was scanned.
func (o *Objects) time() (int64, bool) {
	for i := range o.times {
		p := &o.times[i]
		if o.scan.slots[p.id] == 0 {
			continue
		}
		v, ok := o.scan.lookup(*p)
		if !ok {
			continue
		}
		instant, ok := o.timeValue(v, !o.namedTime)
		if !ok {
			continue
		}
		if nanos, more := o.scan.slot(timestampNanosName); more && len(nanos) < 10 && allDigits(string(nanos)) {
			instant += int64(wholeNumber(nanos)) // beside timestampSeconds
		}
		return instant, true
	}
	return 0, false
}

// timeValue reads a JSON value as a time: a string in a form that text logs have too, a number
// since 1970, bare or in a string, or an object that holds one of these. presumed is false for
// a field that the user named.
func (o *Objects) timeValue(v []byte, presumed bool) (int64, bool) {
	switch {
	case len(v) == 0:
		return 0, false
	case v[0] == '-' || isDigit(v[0]):
		return parseEpoch(v, presumed)
	case v[0] == '{':
		return o.timeObject(v, presumed)
	}
	text, scratch, ok := stringOf(v, o.scratch)
	if o.scratch = scratch; !ok || len(text) > 64 {
		return 0, false
	}
	if text = bytes.TrimSpace(text); len(text) < 8 {
		return 0, false
	}
	return o.timeText(text, presumed)
}

// timeObject reads the objects in which some libraries have a time: log4j2's instant, Protobuf's
// Timestamp, MongoDB's date, Loguru's time, PHP's DateTime, the attributes of an XML element.
func (o *Objects) timeObject(v []byte, presumed bool) (int64, bool) {
	for _, parts := range [...][2]string{{"epochSecond", "nanoOfSecond"}, {"seconds", "nanos"}} {
		seconds, ok := memberOf(v, parts[0])
		if !ok {
			continue
		}
		seconds = bytes.Trim(seconds, `"`)
		instant, ok := parseEpoch(seconds, presumed)
		if nanos, more := memberOf(v, parts[1]); ok && more && len(nanos) < 10 && allDigits(string(nanos)) {
			instant += int64(wholeNumber(nanos))
		}
		return instant, ok
	}
	for _, name := range [...]string{"$date", "$numberLong", "timestamp", "repr", "date", "SystemTime", "@SystemTime", "#attributes"} {
		if inner, ok := memberOf(v, name); ok && (inner[0] != '{' || name[0] == '$' || name[0] == '#') {
			return o.timeValue(inner, presumed) // the text grows shorter each time
		}
	}
	return 0, false
}

// timeText reads a text that is nothing but a time.
func (o *Objects) timeText(text []byte, presumed bool) (int64, bool) {
	if ms, ok := bytes.CutPrefix(text, []byte("/Date(")); ok { // JavaScriptSerializer of .NET
		n := 0
		for n < len(ms) && (isDigit(ms[n]) || n == 0 && ms[n] == '-') {
			n++
		}
		return parseEpoch(ms[:n], presumed)
	}
	if instant, ok := parseEpoch(text, presumed); ok {
		return instant, true
	}
	if looksISO(text) && (o.calendar.zone == nil || o.calendar.zone == time.UTC || namesZone(text)) {
		if instant, _, err := event.ParseTime(text); err == nil {
			return instant, true
		}
	}
	for i := range stampForms {
		if stampForms[i].embedded {
			continue
		}
		if s, ok := stampForms[i].find(text); ok && s.end == len(text) {
			return event.Instant(o.calendar.time(s.clock)), true
		}
	}
	return 0, false
}

// looksISO tells texts that event.ParseTime can read from others, whose errors would cost more than
// the reading.
func looksISO(text []byte) bool {
	last := text[len(text)-1]
	return len(text) >= 10 && text[4] == '-' && text[7] == '-' && (isDigit(last) || last|0x20 == 'z')
}

// namesZone tells whether an ISO time ends with a zone.
func namesZone(text []byte) bool {
	return text[len(text)-1]|0x20 == 'z' || len(text) > 16 && bytes.ContainsAny(text[16:], "+-")
}
