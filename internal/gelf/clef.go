// Package gelf reads Graylog's extended log format, 1.0 and 1.1: messages, what datagrams do to them
// (compression, chunks), and where one ends in a stream.
package gelf

import (
	"bytes"
	"math"
	"time"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/syslog"
)

// A message is one JSON object:
//
//	{"version":"1.1","host":"example.org","short_message":"…","full_message":"…",
//	 "timestamp":1385053862.3072,"level":1,"facility":"…","line":27,"file":"…","_anything":…}

const op = "read GELF"

// Decoder turns messages into events. The zero value is ready; not for concurrent use.
type Decoder struct {
	w     event.Builder
	m     event.Members
	inner syslog.Inner
	names map[string]struct{} // of all members, if they are many
}

// CLEF returns the event of a message that was received at a time from an address, which is kept where the
// message names no host. It is valid until the next call. The error is Invalid: text is no JSON object.
//
//	short_message  @m; if it is a JSON object, that object's members (see syslog.Inner)
//	full_message   @x, unless it says the same
//	timestamp      @t; itself too, if it is beyond what an instant holds
//	level          @l, and itself as it is
//	_name          name; __name if a member of the message or an earlier one is called so
//	version        nothing, if it is 1.0 or 1.1
//
// Everything else is a property under its own name, and so is what is not of the type it should be.
func (d *Decoder) CLEF(text []byte, received time.Time, from string) ([]byte, error) {
	text = bytes.TrimRight(text, "\x00 \t\r\n")
	next, err := d.m.Scan(text, 0, 0)
	if err == nil && next != len(text) {
		err = event.Expected(text, next, "the end after the object")
	}
	if err != nil {
		return nil, fault.WrapAs(fault.Invalid, err, op, "the message is no JSON object")
	}
	clear(d.names)
	instant, timed := d.timestamp()
	clamped := instant == math.MaxInt64 || instant == -math.MaxInt64
	if !timed {
		instant = received.UnixNano()
	}
	level := d.level()
	message := d.message()
	short := d.text("short_message")
	inner := message == "short_message" && d.inner.Parse([]byte(short))
	if inner {
		if own, ok := d.inner.Time(); ok {
			instant = own
		}
		if own := d.inner.Level(); own != "" {
			level = own
		}
	}

	w := d.w.Begin(instant)
	if level != "" {
		w.Name("@l").Text(level)
	}
	switch {
	case inner:
		d.inner.Write(w, []byte(short), d.taken)
	case message != "":
		w.Name("@m").Raw(d.m.Value(d.m.Find(message)))
	}
	said := false // what full_message says
	if full := d.text("full_message"); full != "" && message == "short_message" && !(inner && d.inner.Has("@x")) {
		if said = true; full != short {
			w.Name("@x").Text(full)
		}
	}
	for i := range d.m.Len() {
		name, value := d.m.Name(i), d.m.Value(i)
		taken := false // elsewhere; of duplicates the last is
		switch string(name) {
		case message:
			taken = true
		case "full_message":
			taken = said
		case "timestamp":
			taken = timed && !clamped // it says more than the instant can (R3)
		case "version":
			v := string(value)
			taken = v == `"1.1"` || v == `"1.0"` || v == "1.1" || v == "1.0"
		}
		if !taken || d.m.Find(string(name)) != i {
			d.property(w, name, value)
		}
	}
	if d.m.Find("host") < 0 && from != "" {
		w.Name("remote_addr").Text(from)
	}
	return w.End(), nil
}

// property writes a member under its own name, an additional field under that without its underscore.
func (d *Decoder) property(w *event.Builder, name, value []byte) {
	short := name
	if len(name) > 1 && name[0] == '_' {
		short = name[1:]
	}
	switch {
	case len(short) == len(name):
		w.UserBytes(name)
	case d.has(string(short)) || string(short) == "remote_addr":
		w.UserBytes(append([]byte{'_'}, name...))
	default:
		w.UserBytes(short)
	}
	w.Raw(value)
}

// taken tells whether the message has a property of the name, so that one within its text must yield.
func (d *Decoder) taken(name []byte) bool {
	switch string(name) {
	case "short_message", "full_message", "timestamp", "version":
		return false
	case "remote_addr":
		return true
	}
	return d.has(string(name)) || d.has("_"+string(name))
}

// has tells whether the message has a member of the name, in a time that does not grow with how many there are.
func (d *Decoder) has(name string) bool {
	const few = 32
	if d.m.Len() <= few {
		return d.m.Find(name) >= 0
	}
	if len(d.names) == 0 {
		if d.names == nil {
			d.names = map[string]struct{}{}
		}
		for i := range d.m.Len() {
			d.names[string(d.m.Name(i))] = struct{}{}
		}
	}
	_, ok := d.names[name]
	return ok
}

// message returns the name of the member that is the message: a string.
func (d *Decoder) message() string {
	for _, name := range [...]string{"short_message", "message", "full_message"} {
		if i := d.m.Find(name); i >= 0 && d.m.Value(i)[0] == '"' {
			return name
		}
	}
	return ""
}

// text returns the value of a member that is a string, else "".
func (d *Decoder) text(name string) string {
	if i := d.m.Find(name); i >= 0 {
		if text, ok := d.m.Text(i); ok {
			return text
		}
	}
	return ""
}

// timestamp reads the time: seconds since 1970, or milliseconds where those would be beyond the year 5138. 0 is
// what some senders write for none.
func (d *Decoder) timestamp() (instant int64, ok bool) {
	i := d.m.Find("timestamp")
	if i < 0 {
		return 0, false
	}
	text := d.m.Value(i)
	if text[0] == '"' {
		text = text[1 : len(text)-1]
	}
	return parseSeconds(string(text))
}

// level returns the level that a number, a syslog severity, stands for, or a name as it is; "" if neither is there.
func (d *Decoder) level() string {
	i := d.m.Find("level")
	if i < 0 {
		return ""
	}
	text, isText := d.m.Text(i)
	if !isText {
		text = string(d.m.Value(i))
	}
	if len(text) == 1 && text[0] >= '0' && text[0] <= '7' {
		return syslog.LevelOf(int(text[0] - '0'))
	}
	if isText && event.LevelRank(text) != event.RankUnknown {
		return text
	}
	return ""
}
