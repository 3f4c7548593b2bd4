package ingest

import (
	"bytes"
	"strings"

	"github.com/stelehq/stele/internal/event"
)

// A role is what a member of a flat record (logfmt, CSV) may be for the event, judged by its
// name. The lower the rank the more telling is the name.
type role struct {
	kind roleKind
	rank uint8
}

type roleKind uint8

const (
	noRole roleKind = iota
	timeRole
	levelRole
	messageRole
)

// flatRoles has the names that JSON dialects are searched for, folded, but those inside objects.
var flatRoles = newFlatRoles()

func newFlatRoles() map[string]role {
	roles := map[string]role{}
	for kind, list := range map[roleKind][]fieldPath{timeRole: timeFields, levelRole: levelFields, messageRole: messageFields} {
		for rank, p := range list {
			if p.String() == "s" { // only mongod's structured log calls the level so
				continue
			}
			name := string(foldName(nil, []byte(p.String())))
			if _, known := roles[name]; !known && (len(p.inner) == 0 || strings.HasPrefix(p.String(), "log.")) {
				roles[name] = role{kind, uint8(rank)}
			}
		}
	}
	roles["at"] = role{levelRole, 255} // Heroku
	roles["content"] = role{messageRole, 255}
	return roles
}

// roleOf returns what a member of this name may be.
func roleOf(name []byte) role {
	var folded [32]byte
	if len(name) > len(folded) {
		return role{}
	}
	return flatRoles[string(foldName(folded[:0], name))]
}

// foldName appends a name in lower case without what separates its words: "Event Time",
// event_time, event.time and @eventTime are one name.
func foldName(dst, name []byte) []byte {
	for _, b := range name {
		switch {
		case b-'A' < 26:
			dst = append(dst, b|0x20)
		case b == '_' || b == '-' || b == ' ' || b == '.' || b == '@':
		default:
			dst = append(dst, b)
		}
	}
	return dst
}

// play takes a value for the time, the level or the message of a record, which keeps it as a property; false: it cannot be that.
func (r *record) play(kind roleKind, value []byte) bool {
	switch kind {
	case timeRole:
		k, ok := clockText(value, nil)
		if ok {
			r.clock, r.timed = k, true
		}
		return ok
	case levelRole:
		level := wordLevel(value)
		if level != "" {
			r.level, r.word, r.kept = level, value, true
		}
		return level != ""
	}
	if len(value) > 0 {
		r.message = value
	}
	return len(value) > 0
}

// clockText reads a text as a time, all of it: in a form that lines of text have too, in any
// of ISO 8601, or as a plausible number since 1970. times knows the forms of the file, nil: any.
func clockText(text []byte, times *stampFinder) (clock, bool) {
	if len(text) < 8 || len(text) > 64 {
		return clock{}, false
	}
	c := cursor{b: text}
	if k := parseISO(&c); !c.bad && k.valid() && c.i == len(text) {
		return k, true
	}
	if allDigits(string(text[:8])) {
		if instant, ok := parseEpoch(string(text), true); ok {
			return clockOf(instant), true
		}
	}
	if s, ok := times.find(text); ok && s.end == len(text) && s.level == "" {
		return s.clock, true
	}
	if instant, _, err := event.ParseTime(text); err == nil {
		k := clockOf(instant)
		k.zoned = bytes.ContainsAny(text, "Zz+") || bytes.LastIndexByte(text, '-') > bytes.IndexByte(text, ':')
		return k, true
	}
	return clock{}, false
}

// wordLevel returns Serilog's name of a value that is a level: a known word, also with slog's
// distance from it (INFO+2), or bunyan's number; "" if it is none.
func wordLevel(value []byte) string {
	if len(value) == 0 || len(value) > 16 {
		return ""
	}
	if isDigit(value[0]) {
		return numberLevel(string(value))
	}
	if string(value) == "DEBUG5" { // PostgreSQL's lowest
		value = value[:5]
	}
	if at := bytes.IndexAny(value, "+-"); at > 0 && allDigits(string(value[at+1:])) {
		value = value[:at]
	}
	return event.LevelRank(string(value)).String()
}

// member adds a property whose name comes from the file. A name that CLEF gives a meaning is
// escaped, as CLEF says. The value follows.
func (r *record) member(name []byte) {
	r.fields = append(r.fields, ',')
	r.fields = appendMemberName(r.fields, name)
}

// appendMemberName appends a name that comes from a file, and a colon.
func appendMemberName(dst, name []byte) []byte {
	at := len(dst)
	if len(name) > 1 && name[0] == '@' && (name[1] == '@' || reservedBit(name) != 0) {
		dst = append(event.AppendString(append(dst, '@'), name), ':')
		dst[at], dst[at+1] = '"', '@' // @"name" becomes "@name"
		return dst
	}
	return append(event.AppendString(dst, name), ':')
}

// isNumber reports whether a text is a JSON number, all of it.
func isNumber(text []byte) bool {
	i := 0
	digits := func() bool {
		from := i
		for i < len(text) && isDigit(text[i]) {
			i++
		}
		return i > from
	}
	if i < len(text) && text[i] == '-' {
		i++
	}
	first := i
	if !digits() || text[first] == '0' && i > first+1 {
		return false
	}
	if i < len(text) && text[i] == '.' {
		if i++; !digits() {
			return false
		}
	}
	if i < len(text) && text[i]|0x20 == 'e' {
		if i++; i < len(text) && (text[i] == '+' || text[i] == '-') {
			i++
		}
		if !digits() {
			return false
		}
	}
	return i == len(text)
}

// appendCell appends a value that comes as text: a JSON number stays that number.
func appendCell(dst, text []byte) []byte {
	if isNumber(text) {
		return append(dst, text...)
	}
	return event.AppendString(dst, text)
}
