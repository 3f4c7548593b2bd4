package ingest

import (
	"strings"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
)

// jsonDialect turns JSON lines into CLEF. It adds @t, @l, and @m or @mt in front and removes
// nothing (R9):
//
//	{"ts":1669575482.09,"level":"info","msg":"up"}
//	{"@t":"2022-11-27T18:58:02.0900000Z","@l":"info","@m":"up","ts":1669575482.09,"level":"info","msg":"up"}
type jsonDialect struct {
	calendar calendar

	// Where each is looked for, first to last. The first of them is what the file's sample
	// has most, or what the user named.
	times, levels, messages, templates []fieldPath

	namedTime, namedLevel bool // named by the user: any number, any string

	object objectScan
	shown  string
}

func newJSONDialect(o FileOptions, c calendar, sample [][]byte) *jsonDialect {
	d := &jsonDialect{calendar: c, times: timeFields, levels: levelFields, messages: messageFields, templates: templateFields}
	if o.TimeField != "" {
		d.times, d.namedTime = namedField(o.TimeField), true
	}
	if o.LevelField != "" {
		d.levels, d.namedLevel = namedField(o.LevelField), true
	}
	if o.MessageField != "" {
		d.messages, d.templates = namedField(o.MessageField), nil
	}
	d.times = d.preferred(d.times, sample, func(v []byte, _ fieldPath) bool {
		_, ok := timeValue(v, d.calendar, !d.namedTime)
		return ok
	})
	d.levels = d.preferred(d.levels, sample, func(v []byte, p fieldPath) bool {
		_, ok := levelValue(v, p, &d.object)
		return ok
	})
	d.messages = d.preferred(d.messages, sample, func(v []byte, _ fieldPath) bool {
		_, ok := messageValue(v)
		return ok
	})
	return d
}

// preferred moves one path to the front: the first that fits at least half of the sample,
// else the one that fits most of it. One file has one clock, so it should be read from one
// field, though single lines may have another.
func (d *jsonDialect) preferred(candidates []fieldPath, sample [][]byte, fits func([]byte, fieldPath) bool) []fieldPath {
	counts := make([]int, len(candidates))
	lines := 0
	for _, line := range sample {
		if d.object.scan(line, 0) != nil {
			continue
		}
		lines++
		for i, p := range candidates {
			if v, ok := d.object.lookup(p); ok && fits(v, p) {
				counts[i]++
			}
		}
	}
	best := 0
	for i, n := range counts {
		if n*2 >= lines && n > 0 {
			best = i
			break
		}
		if n > counts[best] {
			best = i
		}
	}
	list := append([]fieldPath{candidates[best]}, candidates[:best]...)
	return append(list, candidates[best+1:]...)
}

// first returns the first time in the sample, for the lines before it.
func (d *jsonDialect) first(s *sample) (instant int64, ok bool) {
	for _, line := range s.lines {
		if _, e, err := d.appendEvent(nil, line, 0); err == nil && e.dated {
			return e.instant, true
		}
	}
	return 0, false
}

// errorIfMisnamed refuses a file none of whose first lines has a time where the user says that it is.
func (d *jsonDialect) errorIfMisnamed(field string, sample [][]byte) error {
	for _, line := range sample {
		if d.object.scan(line, 0) != nil {
			continue
		}
		names := make([]string, 0, len(d.object.members))
		for i := range d.object.members {
			if names = append(names, string(d.object.name(i))); len(names) == 12 {
				names = append(names, "…")
				break
			}
		}
		return fault.New(fault.Invalid, opDetect, "no line has a time in %q", field).WithHint("the first has %s", strings.Join(names, ", "))
	}
	return nil
}

// reserved are the names that CLEF gives a meaning, with the first bytes of the JSON values
// that have it.
var reserved = map[string]string{
	"@t": `"`, "@m": `"`, "@mt": `"`, "@l": `"`, "@x": `"`, "@i": `"-0123456789`, "@r": `[`,
	"@tr": `"`, "@sp": `"`, "@ps": `"`, "@st": `"`, "@sk": `"`, "@ra": `{`, "@sa": `{`,
}

// jsonEvent is what a line of JSON was read as.
type jsonEvent struct {
	instant int64
	dated   bool // the line has a time; else the caller's was taken
}

// appendEvent appends the CLEF of a line. undated is the time of an event that has none.
func (d *jsonDialect) appendEvent(dst, line []byte, undated int64) (out []byte, e jsonEvent, err error) {
	o := &d.object
	if err := o.scan(line, 0); err != nil {
		return dst, e, err
	}
	has := map[string]bool{} // members that already are CLEF
	for i := range o.members {
		if name := o.name(i); len(name) > 1 && name[0] == '@' && d.isCLEF(i) {
			has[string(name)] = true
		}
	}
	dst = append(dst, '{')
	empty := len(dst)
	if has["@t"] {
		v, _ := o.find("@t")
		e.instant, e.dated = timeValue(v, d.calendar, false)
	} else {
		e.instant, e.dated = d.time()
		if !e.dated {
			e.instant = undated
		}
		dst = append(dst, `"@t":"`...)
		dst = event.AppendTime(dst, e.instant)
		dst = append(dst, '"')
	}
	if level := d.level(); level != "" && !has["@l"] {
		dst = appendField(dst, empty, "@l", level)
	}
	if !has["@m"] && !has["@mt"] {
		if name, text := d.message(); name != "" {
			dst = appendField(dst, empty, name, text)
		}
	}
	for i := range o.members {
		if len(dst) > empty {
			dst = append(dst, ',')
		}
		name := o.name(i)
		if _, taken := reserved[string(name)]; taken && !has[string(name)] {
			// A user's member that only happens to be called so is escaped, as CLEF says.
			name = append([]byte{'@'}, name...)
		}
		dst = event.AppendString(dst, name)
		dst = append(dst, ':')
		dst = append(dst, o.value(i)...)
	}
	return append(dst, '}'), e, nil
}

func appendField(dst []byte, empty int, name, text string) []byte {
	if len(dst) > empty {
		dst = append(dst, ',')
	}
	dst = append(dst, '"')
	dst = append(dst, name...)
	dst = append(dst, `":`...)
	return event.AppendText(dst, text)
}

// isCLEF reports whether a member has not only the name but also the kind of value that
// CLEF gives a meaning. Of duplicates, all must.
func (d *jsonDialect) isCLEF(i int) bool {
	o := &d.object
	name := string(o.name(i))
	kinds, ok := reserved[name]
	if !ok {
		return false
	}
	for j := range o.members {
		if string(o.name(j)) != name {
			continue
		}
		v := o.value(j)
		fits := false
		for k := range len(kinds) {
			fits = fits || v[0] == kinds[k]
		}
		if name == "@t" || name == "@st" {
			text, _ := stringOf(v)
			_, _, err := event.ParseTime([]byte(text))
			fits = fits && err == nil
		}
		if !fits {
			return false
		}
	}
	return true
}

func (d *jsonDialect) time() (int64, bool) {
	for _, p := range d.times {
		if v, ok := d.object.lookup(p); ok {
			if instant, ok := timeValue(v, d.calendar, !d.namedTime); ok {
				return instant, true
			}
		}
	}
	return 0, false
}

func (d *jsonDialect) level() string {
	for _, p := range d.levels {
		v, ok := d.object.lookup(p)
		if !ok {
			continue
		}
		if level, ok := levelValue(v, p, &d.object); ok {
			return level
		}
		if text, ok := stringOf(v); ok && d.namedLevel {
			return text
		}
	}
	return windowsFallback(&d.object)
}

// message returns the member to add and its text: @m, or @mt if the line has only a template.
func (d *jsonDialect) message() (name, text string) {
	for _, p := range d.messages {
		if v, ok := d.object.lookup(p); ok {
			if text, ok := messageValue(v); ok {
				return "@m", text
			}
		}
	}
	for _, p := range d.templates {
		if v, ok := d.object.lookup(p); ok {
			if text, ok := messageValue(v); ok {
				return "@mt", text
			}
		}
	}
	return "", ""
}

// found says which members were taken for time, level and message.
func (d *jsonDialect) found(sample [][]byte) string {
	var found []string
	has := func(p fieldPath) bool {
		for _, line := range sample {
			if d.object.scan(line, 0) == nil {
				if _, ok := d.object.lookup(p); ok {
					return true
				}
			}
		}
		return false
	}
	for _, role := range []struct {
		what string
		path fieldPath
	}{{"time", d.times[0]}, {"level", d.levels[0]}, {"message", d.messages[0]}} {
		if has(role.path) {
			found = append(found, role.what+" in "+role.path.String())
		}
	}
	if len(found) == 0 {
		return ""
	}
	return " (" + strings.Join(found, ", ") + ")"
}
