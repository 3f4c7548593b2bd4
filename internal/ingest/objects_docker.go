package ingest

import (
	"bytes"

	"github.com/stelehq/stele/internal/event"
)

// Docker's json-file driver, and what collectors make of its files, has the line that a program wrote as the
// member log of an object:
//
//	{"log":"{\"level\":\"warn\",\"msg\":\"m\"}\n","stream":"stdout","time":"2026-11-20T10:00:00.123456789Z"}
//
// If that line is an object of its own, it is read like any other, and its members come before those of the
// object around it. Else it is the message, and may tell the level.

// inside returns the line in an object of Docker's, decoded.
func (o *Objects) inside() (line []byte, ok bool) {
	if _, ok := o.scan.slot(streamName); !ok {
		return nil, false
	}
	v, ok := o.scan.slot(logName)
	if !ok || v[0] != '"' {
		return nil, false
	}
	line, ok = o.decoded(v)
	return bytes.Trim(line, " \t\r\n"), ok
}

// appendInside appends the CLEF of the object in the member log, with the members of the object around it behind; ok is
// false if there is none, and dst is returned as it was.
func (o *Objects) appendInside(dst []byte, c *ObjectContext) (clef []byte, found ObjectFound, ok bool) {
	line, ok := o.inside()
	if !ok || o.scan.marked || len(line) < 2 || line[0] != '{' {
		return dst, found, false
	}
	if o.inner == nil {
		o.inner = NewObjects(ObjectOptions{KeepLevels: o.keepLevels})
		o.inner.nested = true
	}
	o.inner.calendar = o.calendar
	if o.inner.scan.scan(line) != nil {
		return dst, found, false
	}
	within := *c
	dated := false
	if !c.Fixed {
		if instant, ok := o.time(); ok {
			within.Instant, dated = instant, true
		}
	}
	dst, found = o.inner.appendScanned(dst, &within)
	found.Dated = found.Dated || dated
	if dst = dst[:len(dst)-1]; dst[len(dst)-1] != '{' {
		dst = append(dst, ',')
	}
	dst = append(dst, o.scan.All()...)
	return append(dst, '}'), found, true
}

// levelInside is the level that a line of text in an object of Docker's tells.
func (o *Objects) levelInside() (foundLevel, bool) {
	line, ok := o.inside()
	if !ok || len(line) == 0 {
		return foundLevel{}, false
	}
	word, _ := textLevel(line)
	rank := event.LevelRank(word)
	return foundLevel{rank: rank}, rank != event.RankUnknown
}
