package stele

import (
	"time"

	"github.com/stelehq/stele/internal/engine"
	"github.com/stelehq/stele/internal/event"
)

// Event is one stored event. It is valid as long as its source says; its values are copies and stay. Not for
// concurrent use.
type Event struct {
	row  engine.Row
	lost func(error)
}

// Key returns the event's key.
func (e *Event) Key() Key { return e.row.Key }

// Time returns the event's instant in UTC.
func (e *Event) Time() time.Time { return e.row.Key.Time() }

// AppendCLEF appends the event as it was given (R6): one JSON object without white space, and no newline.
func (e *Event) AppendCLEF(dst []byte) []byte {
	out, err := e.row.Block.AppendCLEF(dst, e.row.Index)
	if err != nil {
		e.damaged(err)
		return dst
	}
	return out
}

// Value decodes the whole event.
func (e *Event) Value() Value {
	v, err := e.row.Block.Value(e.row.Index)
	if err != nil {
		e.damaged(err)
		return Value{}
	}
	return v
}

// Lookup returns the value at a path of raw member names, Undefined if it is absent: Lookup("@l"), Lookup("User", "Name").
// Of duplicate members the last counts.
func (e *Event) Lookup(path ...string) Value {
	v, err := e.row.Block.Lookup(e.row.Index, path...)
	if err != nil {
		e.damaged(err)
		return Value{}
	}
	return v
}

func (e *Event) damaged(err error) {
	if e.lost != nil {
		e.lost(err)
	}
}

// Level returns the level as it was written, "Information" if there is none.
func (e *Event) Level() string { return engine.LevelOf(e.Lookup("@l")) }

// Message returns the rendered message: "@m" as given, or the template "@mt" with its holes filled in.
func (e *Event) Message() string {
	switch m := e.Lookup("@m"); m.Kind {
	case event.String:
		return m.Text
	case event.Undefined, event.Null:
	default:
		return string(m.AppendDisplay(nil))
	}
	if mt := e.Lookup("@mt"); mt.Kind != event.String {
		return event.RenderMessage(event.Value{Kind: event.Object})
	}
	return event.RenderMessage(e.Value())
}

// Exception returns the exception's text, "" if there is none.
func (e *Event) Exception() string {
	x := e.Lookup("@x")
	switch x.Kind {
	case event.String:
		return x.Text
	case event.Undefined, event.Null:
		return ""
	}
	return string(x.AppendDisplay(nil))
}

// An eventRow is the event as a filter sees it.
type eventRow struct{ e *Event }

func (r eventRow) Timestamp() int64            { return r.e.row.Key.Instant() }
func (r eventRow) Arrival() uint64             { return r.e.row.Key.Arrival() }
func (r eventRow) ID() string                  { return r.e.row.Key.String() }
func (r eventRow) Lookup(path ...string) Value { return r.e.Lookup(path...) }
func (r eventRow) Object() Value               { return r.e.Value() }
