package ingest

import (
	"bytes"
	"strings"
	"time"

	"github.com/stelehq/stele/internal/event"
)

// A fieldPath leads to a value in an object: a member's name, or names from the outside in.
type fieldPath []string

func (p fieldPath) String() string { return strings.Join(p, ".") }

func paths(names ...string) []fieldPath {
	list := make([]fieldPath, len(names))
	for i, n := range names {
		list[i] = strings.Split(n, "/")
	}
	return list
}

// What other dialects call the time, the level and the message of an event, most telling
// first; names compare without regard to case, and / leads into an object. A line's value
// counts only if it can be what it is taken for, so a duration called "time" or a state
// called "level" does no harm.
var (
	timeFields = paths("requestReceivedTimestamp", "stageTimestamp", "TimeCreated", "ts", "time", "timestamp", "@timestamp",
		"datetime", "date_time", "eventTime", "event_time", "record/log_time", "log_time", "logTime", "asctime", "t/$date",
		"__REALTIME_TIMESTAMP", "timeUnixNano", "time_unix_nano", "observedTimeUnixNano", "_time", "created_at", "createdAt",
		"created", "isotimestamp", "UtcTime", "date", "epoch", "when", "t")
	levelFields = paths("record/error_severity", "level", "lvl", "logLevel", "log_level", "log.level", "log/level", "@level",
		"levelname", "level_name", "severity", "severityText", "severity_text", "error_severity", "PRIORITY", "s")
	messageFields = paths("record/message", "message", "msg", "@message", "renderedMessage", "short_message", "log",
		"text", "textPayload", "jsonPayload/message", "body", "alert/signature", "event", "eventName", "description")
	templateFields = paths("messageTemplate", "message_template", "{OriginalFormat}")
)

// namedField reads a --time-field and the like: the name of a member, or a path with dots.
func namedField(name string) []fieldPath {
	list := []fieldPath{{name}}
	if strings.Contains(name, ".") {
		list = append(list, strings.Split(name, "."))
	}
	return list
}

// lookup follows a path. Names compare without regard to case; the last of equals counts.
func (s *objectScan) lookup(p fieldPath) ([]byte, bool) {
	for i := len(s.members) - 1; i >= 0; i-- {
		if !equalFold(s.name(i), p[0]) {
			continue
		}
		v := s.value(i)
		if len(p) == 1 {
			return v, true
		}
		if v[0] != '{' {
			return nil, false
		}
		var inner objectScan
		if inner.scan(v, 1) != nil {
			return nil, false
		}
		return inner.lookup(p[1:])
	}
	return nil, false
}

// equalFold compares ASCII letters without regard to case.
func equalFold(name []byte, want string) bool {
	return len(name) == len(want) && (string(name) == want || strings.EqualFold(string(name), want))
}

// timeValue reads a JSON value as a time: a string in a form that text logs have too, or a
// number since 1970, bare or in a string. presumed is false for a field the user named.
func timeValue(v []byte, c calendar, presumed bool) (int64, bool) {
	if len(v) == 0 {
		return 0, false
	}
	if v[0] == '-' || isDigit(v[0]) {
		return parseEpoch(string(v), presumed)
	}
	text, ok := stringOf(v)
	if !ok || len(text) < 8 || len(text) > 64 {
		return 0, false
	}
	return timeText(strings.TrimSpace(text), c, presumed)
}

func timeText(text string, c calendar, presumed bool) (int64, bool) {
	if instant, ok := parseEpoch(text, presumed); ok {
		return instant, true
	}
	b := []byte(text)
	// The store's own reading has all of ISO 8601; what it leaves out is a zone to presume.
	if c.zone == nil || c.zone == time.UTC {
		if instant, _, err := event.ParseTime(b); err == nil {
			return instant, true
		}
	}
	for _, f := range stampForms {
		if f.embedded {
			continue
		}
		if s, ok := f.find(b); ok && s.end == len(b) {
			return instantOf(c.time(s.clock)), true
		}
	}
	instant, _, err := event.ParseTime(b) // a date alone
	return instant, err == nil
}

// levelValue reads a JSON value as a level: a known word as it is written, or a number of a
// library whose numbers are known. s is the object, which tells the library.
func levelValue(v []byte, p fieldPath, s *objectScan) (string, bool) {
	text, isString := stringOf(v)
	if !isString {
		if len(v) == 0 || !isDigit(v[0]) {
			return "", false
		}
		text = string(v)
	}
	name := p[len(p)-1]
	if isString && name != "s" && event.LevelRank(text) != event.RankUnknown {
		return text, true
	}
	level := ""
	switch {
	case strings.EqualFold(name, "PRIORITY"):
		level = syslogLevel(text)
	case name == "s" && len(text) > 0 && isString:
		// mongod's structured log: I, W, E, F, and D1 to D5.
		if _, mongo := s.lookup(fieldPath{"t", "$date"}); mongo {
			level = letterLevel(text[0])
		}
	case name == "level" || name == "lvl":
		if _, gelf := s.find("short_message"); gelf {
			level = syslogLevel(text)
		} else if !isString {
			level = numberLevel(text)
		}
	}
	return level, level != ""
}

// messageValue reads a JSON value as a message: any string that is not empty.
func messageValue(v []byte) (string, bool) {
	text, ok := stringOf(v)
	text = strings.TrimRight(text, "\r\n")
	return text, ok && text != ""
}

// windowsFallback gives the level of a Windows event that has only the number.
func windowsFallback(s *objectScan) string {
	if _, ok := s.find("Channel"); !ok {
		return ""
	}
	v, ok := s.find("Level")
	if !ok {
		return ""
	}
	return windowsLevel(string(bytes.Trim(v, `"`)))
}
