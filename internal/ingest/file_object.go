package ingest

import (
	"github.com/stelehq/stele/internal/event"
)

// objectScan takes a line that is one JSON object apart, without decoding its values. The
// values are kept compact: as the store keeps them.
//
//	buf      name | value | name | value | …      (names WTF-8, values JSON)
//	members  where each begins and ends, in the order of the line
type objectScan struct {
	buf     []byte
	members []objectMember
	scratch []byte
}

type objectMember struct{ name, value, end int }

func (s *objectScan) name(i int) []byte  { m := s.members[i]; return s.buf[m.name:m.value] }
func (s *objectScan) value(i int) []byte { m := s.members[i]; return s.buf[m.value:m.end] }

// scan checks the line and takes it apart. depth is how deep the object lies in the event.
func (s *objectScan) scan(line []byte, depth int) error {
	s.buf, s.members = s.buf[:0], s.members[:0]
	i := event.SkipSpace(line, 0)
	if i >= len(line) || line[i] != '{' {
		return event.Expected(line, i, "a JSON object")
	}
	i = event.SkipSpace(line, i+1)
	if i < len(line) && line[i] == '}' {
		return s.end(line, i+1)
	}
	for {
		if i >= len(line) || line[i] != '"' {
			return event.Expected(line, i, "a member's name in double quotes")
		}
		name, rest, next, err := event.ScanString(line, i, s.scratch[:0])
		if err != nil {
			return err
		}
		s.scratch = rest[:0]
		m := objectMember{name: len(s.buf)}
		s.buf = append(s.buf, name...)
		m.value = len(s.buf)
		i = event.SkipSpace(line, next)
		if i >= len(line) || line[i] != ':' {
			return event.Expected(line, i, "a colon after the member's name")
		}
		if s.buf, i, err = event.Compact(s.buf, line, i+1, depth+1); err != nil {
			return err
		}
		m.end = len(s.buf)
		s.members = append(s.members, m)
		i = event.SkipSpace(line, i)
		if i < len(line) && line[i] == ',' {
			i = event.SkipSpace(line, i+1)
			continue
		}
		if i < len(line) && line[i] == '}' {
			return s.end(line, i+1)
		}
		return event.Expected(line, i, "a comma or } of the object")
	}
}

func (s *objectScan) end(line []byte, i int) error {
	if i = event.SkipSpace(line, i); i < len(line) {
		return event.Expected(line, i, "the end of the line after the object")
	}
	return nil
}

// find returns the value of the last member called name.
func (s *objectScan) find(name string) ([]byte, bool) {
	for i := len(s.members) - 1; i >= 0; i-- {
		if string(s.name(i)) == name {
			return s.value(i), true
		}
	}
	return nil, false
}

// stringOf decodes a value that is a JSON string.
func stringOf(value []byte) (string, bool) {
	if len(value) == 0 || value[0] != '"' {
		return "", false
	}
	text, _, _, err := event.ScanString(value, 0, nil)
	return string(text), err == nil
}
