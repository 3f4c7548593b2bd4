package syslog

import (
	"bytes"

	"github.com/stelehq/stele/internal/event"
)

// Inner is an event within an event: the text of a message that is a JSON object, as programs write
// that log in JSON or CLEF through syslog or GELF. Its time, level and message are taken for the whole's, and its
// members become properties; those called as something of the envelope get two underscores in front, as Seq's
// own GELF input has it. The zero value is ready; not for concurrent use.
type Inner struct {
	members event.Members
	clef    []string // by member: the name that CLEF gives it, empty if none
}

// Parse tells whether text is a JSON object, white space around it allowed, and takes it apart.
func (in *Inner) Parse(text []byte) bool {
	in.clef = in.clef[:0]
	if i := event.SkipSpace(text, 0); i == len(text) || text[i] != '{' {
		return false
	}
	next, err := in.members.Scan(text, 0, 0)
	if err != nil || event.SkipSpace(text, next) != len(text) {
		return false
	}
	for i := range in.members.Len() {
		in.clef = append(in.clef, in.meaning(i))
	}
	return true
}

// meaning returns the name of member i if CLEF gives it a meaning that its value can have, and no later
// member has the name.
func (in *Inner) meaning(i int) string {
	name := string(in.members.Name(i))
	kinds, known := clefNames[name]
	v := in.members.Value(i)
	if !known || bytes.IndexByte([]byte(kinds), v[0]) < 0 || in.members.Find(name) != i {
		return ""
	}
	if name == "@t" || name == "@st" {
		if text, ok := in.members.Text(i); !ok || !isTime(text) {
			return ""
		}
	}
	return name
}

// clefNames are the members that CLEF gives a meaning, with what their values may begin with.
var clefNames = map[string]string{
	"@t": `"`, "@m": `"`, "@mt": `"`, "@l": `"`, "@x": `"`, "@i": `"-0123456789`, "@r": `[`,
	"@tr": `"`, "@sp": `"`, "@ps": `"`, "@st": `"`, "@sk": `"`, "@ra": `{`, "@sa": `{`,
}

func isTime(text string) bool {
	_, _, err := event.ParseTime([]byte(text))
	return err == nil
}

// Has tells whether one of the members is CLEF's name.
func (in *Inner) Has(name string) bool {
	i := in.members.Find(name)
	return i >= 0 && in.clef[i] == name
}

// Time returns the event's own time: CLEF's, or a string that is one under a name that loggers use.
func (in *Inner) Time() (instant int64, ok bool) {
	for _, name := range [...]string{"@t", "timestamp", "@timestamp", "time", "ts", "TIMESTAMP", "TS"} {
		if i := in.members.Find(name); i >= 0 {
			if text, ok := in.members.Text(i); ok {
				if instant, _, err := event.ParseTime([]byte(text)); err == nil {
					return instant, true
				}
			}
		}
	}
	return 0, false
}

// Level returns the event's own level as it is written, empty if there is none.
func (in *Inner) Level() string {
	for _, name := range [...]string{"@l", "level", "lvl", "LVL"} {
		if i := in.members.Find(name); i >= 0 {
			if text, ok := in.members.Text(i); ok && text != "" {
				return text
			}
		}
	}
	return ""
}

// Write writes @m or @mt and all members but @t and @l, which are Time's and Level's. text is what was
// parsed: the message of an event that has none of its own. taken tells the names of the envelope.
func (in *Inner) Write(w *event.Builder, text []byte, taken func(name []byte) bool) {
	if !in.Has("@m") && !in.Has("@mt") {
		in.writeMessage(w, text)
	}
	isCLEF := in.Has("@t") || in.Has("@m") || in.Has("@mt")
	for i, clef := range in.clef {
		switch {
		case clef == "@t", clef == "@l":
			continue
		case clef != "":
			w.Name(clef).Raw(in.members.Value(i))
			continue
		}
		name := in.members.Name(i)
		if isCLEF && bytes.HasPrefix(name, []byte("@@")) {
			name = name[1:]
		}
		if taken(name) {
			name = append([]byte("__"), name...)
		}
		w.UserBytes(name).Raw(in.members.Value(i))
	}
}

func (in *Inner) writeMessage(w *event.Builder, text []byte) {
	w.Name("@m")
	for _, name := range [...]string{"message", "msg", "MSG"} {
		if i := in.members.Find(name); i >= 0 {
			if v := in.members.Value(i); v[0] == '"' && len(v) > 2 {
				w.Raw(v)
				return
			}
		}
	}
	w.String(text)
}
