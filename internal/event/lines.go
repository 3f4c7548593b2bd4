package event

import (
	"bytes"
	"iter"
)

// A body of events is lines of JSON:
//
//	[EF BB BF] { line (LF | CR LF) } [line]
//
// Lines of white space alone are no events.

// Line is one line of a body that is not blank.
type Line struct {
	Number int    // from 1, blank lines counted
	Offset int    // of Text in the body
	Text   []byte // without its end; a part of the body
}

// Lines cuts a body into lines. Nothing is copied, and nothing kept: a body of any size costs what its reader keeps.
func Lines(body []byte) iter.Seq[Line] {
	return func(yield func(Line) bool) {
		at := 0
		if bytes.HasPrefix(body, []byte("\xEF\xBB\xBF")) {
			at = 3
		}
		for number := 1; at < len(body); number++ {
			end := len(body)
			next := end
			if n := bytes.IndexByte(body[at:], '\n'); n >= 0 {
				end, next = at+n, at+n+1
			}
			if end > at && body[end-1] == '\r' {
				end--
			}
			if SkipSpace(body[:end], at) < end && !yield(Line{number, at, body[at:end:end]}) {
				return
			}
			at = next
		}
	}
}
