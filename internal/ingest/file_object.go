package ingest

import (
	"bytes"
	"unicode/utf8"

	"github.com/stelehq/stele/internal/event"
)

// objectScan takes a text that is one JSON object apart, and knows the members whose names mean something. Of the
// names that anything is looked for by, none needs an escape; so names are compared as they stand in Members.
type objectScan struct {
	event.Members
	known  *nameSet        // nil: only find and the members are asked for
	slots  [maxNames]int32 // for each known name the last member that has it: its index and one; 0: none has the name
	marked bool            // a name begins with @

	// lenient replaces bytes that are not UTF-8 by U+FFFD, as in lines of text; without it a text that has some is none.
	lenient  bool
	replaced bool   // the text that was scanned last had some: clean is what was read
	clean    []byte // the text from where the object began
}

// scan checks the text and takes it apart. Blanks around the object are allowed, nothing else is.
func (s *objectScan) scan(text []byte) error {
	rest, err := s.scanFirst(text)
	if err == nil && len(rest) > 0 {
		return event.Expected(text, len(text)-len(rest), "the end of the line after the object")
	}
	return err
}

// scanFirst is scan of the object that text begins with; it returns what follows it.
func (s *objectScan) scanFirst(text []byte) (rest []byte, err error) {
	s.replaced = false
	next, err := s.scanObject(text)
	if err != nil && s.lenient && !utf8.Valid(text) {
		s.clean, s.replaced = appendValid(s.clean[:0], text), true
		var still error
		if next, still = s.scanObject(s.clean); still != nil {
			return nil, err
		}
		text = s.clean
	}
	if err != nil && !s.replaced {
		return nil, err
	}
	return text[event.SkipSpace(text, next):], nil
}

// appendValid appends text with U+FFFD for each byte that is not UTF-8.
func appendValid(dst, text []byte) []byte {
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		dst, text = utf8.AppendRune(dst, r), text[size:]
	}
	return dst
}

// scanObject takes the object apart that text begins with; it returns where it ends.
func (s *objectScan) scanObject(text []byte) (next int, err error) {
	if s.known != nil {
		clear(s.slots[:])
	}
	s.marked = false
	if next, err = s.Scan(text, 0, 0); err != nil || s.known == nil {
		return next, err
	}
	for i := range s.Len() {
		name := s.RawName(i)
		if len(name) == 0 {
			continue
		}
		if id := s.known.find(name); id != 0 {
			s.slots[id] = int32(i + 1)
		}
		if name[0] == '@' {
			s.marked = true
		}
	}
	return next, nil
}

// slot returns the value of the last member with a known name.
func (s *objectScan) slot(id nameID) ([]byte, bool) {
	if at := s.slots[id]; at != 0 {
		return s.Value(int(at - 1)), true
	}
	return nil, false
}

// find returns the value of the last member called name.
func (s *objectScan) find(name string) ([]byte, bool) {
	if i := s.Find(name); i >= 0 {
		return s.Value(i), true
	}
	return nil, false
}

// memberOf returns the value of a member of an object that Compact has written, the last of those
// whose name is the one given but for case.
func memberOf(object []byte, name string) (value []byte, ok bool) {
	if len(object) == 0 || object[0] != '{' {
		return nil, false
	}
	for i := 1; i < len(object) && object[i] == '"'; {
		end := event.StringEnd(object, i)
		after := event.ValueEnd(object, end+1)
		if end-i-2 == len(name) && equalFold(object[i+1:end-1], name) {
			value, ok = object[end+1:after], true
		}
		i = after + 1
	}
	return value, ok
}

// itemOf walks an array that Compact has written: it returns the item at i, which is 1 for the first, and
// where the next one begins. ok is false at the end.
func itemOf(array []byte, i int) (item []byte, next int, ok bool) {
	if i >= len(array) || array[0] != '[' || array[i] == ']' {
		return nil, i, false
	}
	end := event.ValueEnd(array, i)
	return array[i:end], end + 1, true
}

// textOf returns what stands between the quotes of a value that is a string, escapes as they are.
func textOf(value []byte) ([]byte, bool) {
	if len(value) < 2 || value[0] != '"' {
		return nil, false
	}
	return value[1 : len(value)-1], true
}

// stringOf decodes a value that is a JSON string. What is returned may be a part of value or of scratch.
func stringOf(value, scratch []byte) (text, rest []byte, ok bool) {
	raw, ok := textOf(value)
	if !ok || bytes.IndexByte(raw, '\\') < 0 {
		return raw, scratch, ok
	}
	text, rest, _, err := event.ScanString(value, 0, scratch[:0])
	return text, rest, err == nil
}

// equalFold compares ASCII letters without regard to case.
func equalFold(name []byte, want string) bool {
	if len(name) != len(want) {
		return false
	}
	for i, c := range name {
		w := want[i]
		if c != w && (c|0x20 != w|0x20 || c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return true
}
