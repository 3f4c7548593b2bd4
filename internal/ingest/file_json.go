package ingest

import (
	"strings"

	"github.com/stelehq/stele/internal/fault"
)

// jsonDialect reads lines each of which is a JSON object, as Objects does.
type jsonDialect struct {
	objects *Objects
	shown   string

	// Of lines that are not JSON alone.
	others, prefixes *textDialect
	at               int // where the object begins in a line that begins with text
	hasPrefix        bool
	extra            []byte
	crash            bool // the event of text that is being gathered begins like a stack trace: all that follows is of it

	hits           bool   // a document is unwrapped also if what is around it names no index
	source, around []byte // a document and what was around it

	rest []byte // more objects of the line
	line fileLine
}

func newJSONDialect(o FileOptions, c calendar, sample [][]byte) *jsonDialect {
	x := NewObjects(ObjectOptions{TimeField: o.TimeField, MessageField: o.MessageField, LevelField: o.LevelField, Zone: c.zone, Latest: c.latest})
	x.scan.lenient = true
	d := &jsonDialect{objects: x}
	x.times = d.preferred(x.times, sample, func(v []byte, _ *fieldPath) bool {
		_, ok := x.timeValue(v, !x.namedTime)
		return ok
	})
	x.levels = d.preferred(x.levels, sample, func(v []byte, p *fieldPath) bool {
		_, ok := x.levelValue(v, p)
		return ok
	})
	x.messages = d.preferred(x.messages, sample, func(v []byte, _ *fieldPath) bool { return len(messageText(v)) > 0 })
	return d
}

// preferred moves one path to the front: the first that fits at least half of the sample,
// else the one that fits most of it. One file has one clock, so it should be read from one
// field, though single lines may have another.
func (d *jsonDialect) preferred(candidates []fieldPath, sample [][]byte, fits func([]byte, *fieldPath) bool) []fieldPath {
	counts := make([]int, len(candidates))
	lines := 0
	for _, line := range sample {
		if d.objects.scan.scan(line) != nil {
			continue
		}
		lines++
		for i := range candidates {
			if v, ok := d.objects.scan.lookup(candidates[i]); ok && fits(v, &candidates[i]) {
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
		if _, found, err := d.objects.Append(nil, line, ObjectContext{}); err == nil && found.Dated {
			return found.Instant, true
		}
	}
	return 0, false
}

// errorIfMisnamed refuses a file none of whose first lines has a time where the user says that it is.
func (d *jsonDialect) errorIfMisnamed(field string, sample [][]byte) error {
	for _, line := range sample {
		if d.objects.scan.scan(line) != nil {
			continue
		}
		names := make([]string, 0, d.objects.scan.Len())
		for i := range d.objects.scan.Len() {
			if names = append(names, string(d.objects.scan.RawName(i))); len(names) == 12 {
				names = append(names, "…")
				break
			}
		}
		return fault.New(fault.Invalid, opDetect, "no line has a time in %q", field).WithHint("the first has %s", strings.Join(names, ", "))
	}
	return nil
}

// found says which members were taken for time, level and message, as the first line that has them calls them.
func (d *jsonDialect) found(sample [][]byte) string {
	var found []string
	name := func(p fieldPath) string {
		for _, line := range sample {
			if d.objects.scan.scan(line) == nil {
				if _, ok := d.objects.scan.lookup(p); ok {
					at := d.objects.scan.slots[p.id]
					return strings.Join(append([]string{string(d.objects.scan.RawName(int(at - 1)))}, p.inner...), ".")
				}
			}
		}
		return ""
	}
	for _, role := range []struct {
		what string
		path fieldPath
	}{{"time", d.objects.times[0]}, {"level", d.objects.levels[0]}, {"message", d.objects.messages[0]}} {
		if name := name(role.path); name != "" {
			found = append(found, role.what+" in "+name)
		}
	}
	if len(found) == 0 {
		return ""
	}
	return " (" + strings.Join(found, ", ") + ")"
}
