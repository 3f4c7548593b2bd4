package syslog

import (
	"bytes"
)

// Messages in a stream (RFC 6587, RFC 5425). Each frame tells by itself which of the two it is:
//
//	octet counting     LENGTH SP MESSAGE           LENGTH in decimal digits; MESSAGE begins with <
//	non-transparent    MESSAGE LF   or MESSAGE NUL
//
// LF, CR and NUL between frames are skipped.

// Frame is what a Splitter found at the start of a stream.
type Frame struct {
	Text []byte // a message; nil if only what separates was found
	// Over is how long a message is, as far as is known, that is over the limit: Text is its start, and
	// the rest of it is skipped. Else 0.
	Over int
}

// Splitter cuts a stream into messages. Limit must be set. Not for concurrent use.
type Splitter struct {
	Limit int // most bytes of a message

	scanned  int  // bytes at the start of the stream without an end of the message
	skip     int  // bytes still to be skipped of a counted message
	skipLine bool // whether to skip to the end of the line
}

// longestLength is how many digits a length may have.
const longestLength = 9

// Next looks at the bytes that have come and are not used up. used is how many are now; 0 asks for more bytes, of
// which Limit and 16 more than it must find room. Frame.Text is a part of stream.
func (s *Splitter) Next(stream []byte) (f Frame, used int) {
	switch {
	case len(stream) == 0:
		return f, 0
	case s.skip > 0:
		used = min(s.skip, len(stream))
		s.skip -= used
		return f, used
	case s.skipLine:
		end := endOfLine(stream)
		if end < 0 {
			return f, len(stream)
		}
		s.skipLine = false
		return f, end + 1
	}
	if s.scanned == 0 {
		for used < len(stream) && isEnd(stream[used]) {
			used++
		}
		if used > 0 {
			return f, used
		}
	}
	switch length, digits, is := counted(stream); {
	case is == maybe:
		return f, 0
	case is == yes && length > s.Limit:
		f = Frame{Text: stream[digits+1 : min(len(stream), digits+1+length)], Over: length}
		s.skip = length - len(f.Text)
		return f, digits + 1 + len(f.Text)
	case is == yes && len(stream) < digits+1+length:
		return f, 0
	case is == yes:
		used = digits + 1 + length
		return Frame{Text: stream[digits+1 : used]}, used
	}
	end := endOfLine(stream[s.scanned:])
	if end < 0 {
		s.scanned = len(stream)
		if s.scanned > s.Limit {
			s.scanned, s.skipLine = 0, true
			return Frame{Text: stream, Over: len(stream)}, len(stream)
		}
		return f, 0
	}
	end += s.scanned
	s.scanned = 0
	f.Text = stream[:end]
	if end > s.Limit {
		f.Over = end
	}
	return f, end + 1
}

// Rest returns the message that a stream broke off in, nil if there is none, and begins anew.
func (s *Splitter) Rest(stream []byte) []byte {
	skipping := s.skip > 0 || s.skipLine
	*s = Splitter{Limit: s.Limit}
	if skipping || len(stream) == 0 {
		return nil
	}
	if _, digits, is := counted(stream); is == yes {
		stream = stream[digits+1:]
	}
	return stream
}

type answer uint8

const (
	no answer = iota
	yes
	maybe // more bytes will tell
)

// counted reads the length in front of a message.
func counted(b []byte) (length, digits int, is answer) {
	if b[0] == '0' {
		return 0, 0, no
	}
	for digits < len(b) && digits <= longestLength && isDigit(b[digits]) {
		length = length*10 + int(b[digits]-'0')
		digits++
	}
	switch {
	case digits == 0, digits > longestLength:
		return 0, 0, no
	case digits == len(b), b[digits] == ' ' && digits+1 == len(b):
		return 0, 0, maybe
	case b[digits] == ' ' && b[digits+1] == '<':
		return length, digits, yes
	}
	return 0, 0, no
}

func isEnd(c byte) bool { return c == '\n' || c == '\r' || c == 0 }

func endOfLine(b []byte) int {
	end := bytes.IndexByte(b, '\n')
	if end < 0 {
		end = len(b)
	}
	if nul := bytes.IndexByte(b[:end], 0); nul >= 0 {
		return nul
	}
	if end == len(b) {
		return -1
	}
	return end
}
