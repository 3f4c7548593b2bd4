package gelf

import "github.com/stelehq/stele/internal/syslog"

// Splitter cuts a stream into messages. Each ends with NUL; a newline ends one too where its brackets are closed,
// and so does the start of the next object. Limit must be set. Not for concurrent use.
type Splitter struct {
	Limit int // most bytes of a message

	scanned int // bytes at the start of the stream that the state below has seen
	depth   int // of brackets that are open
	closed  bool
	text    bool // inside a string
	escape  bool // after its backslash
	skip    bool // whether the message is over Limit and the rest of it is passed over
}

// Next is as syslog.Splitter's: of the bytes that have come it returns the message that they begin with and how
// many are used up, 0 if more must come.
func (s *Splitter) Next(stream []byte) (f syslog.Frame, used int) {
	if s.skip && s.closed && len(stream) > 0 && stream[0] == '{' { // it ended with the bytes that came before
		*s = Splitter{Limit: s.Limit}
	}
	if s.scanned == 0 && !s.skip {
		for used < len(stream) && isSpace(stream[used]) {
			used++
		}
		if used > 0 {
			return f, used
		}
	}
	for i := s.scanned; i < len(stream); i++ {
		c := stream[i]
		switch {
		case c == 0, c == '\n' && s.closed:
			return s.frame(stream[:i]), i + 1
		case c == '{' && s.closed:
			return s.frame(stream[:i]), i
		}
		s.step(c)
	}
	switch s.scanned = len(stream); {
	case s.skip:
		s.scanned = 0
		return f, len(stream)
	case s.scanned > s.Limit:
		s.scanned, s.skip = 0, true
		return syslog.Frame{Text: stream, Over: len(stream)}, len(stream)
	}
	return f, 0
}

// step follows the brackets and strings of JSON.
func (s *Splitter) step(c byte) {
	switch {
	case s.escape:
		s.escape = false
	case s.text:
		s.escape, s.text = c == '\\', c != '"'
	case c == '"':
		s.text = true
	case c == '{' || c == '[':
		s.depth++
	case (c == '}' || c == ']') && s.depth > 0:
		s.depth--
		s.closed = s.depth == 0
	}
}

func (s *Splitter) frame(text []byte) syslog.Frame {
	skipped := s.skip
	*s = Splitter{Limit: s.Limit}
	if skipped {
		return syslog.Frame{}
	}
	f := syslog.Frame{Text: text}
	if len(text) > s.Limit {
		f.Over = len(text)
	}
	return f
}

// Rest returns the message that a stream broke off in, nil if there is none, and begins anew.
func (s *Splitter) Rest(stream []byte) []byte {
	skipping := s.skip
	*s = Splitter{Limit: s.Limit}
	for len(stream) > 0 && isSpace(stream[0]) {
		stream = stream[1:]
	}
	if skipping || len(stream) == 0 {
		return nil
	}
	return stream
}

func isSpace(c byte) bool { return c == 0 || c == '\n' || c == '\r' || c == ' ' || c == '\t' }
