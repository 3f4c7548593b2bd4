package event

import "bytes"

// Members takes a JSON object apart without decoding its values. Names and values are kept compact, in the form in which
// the store writes JSON:
//
//	"name":value,"name":value,…
//
// The zero value is ready; it holds memory for the next object. Not for concurrent use.
type Members struct {
	text    []byte
	list    []memberPlace
	name    []byte // a decoded name
	scratch []byte
}

type memberPlace struct{ name, value, end int } // text[name:value-2] stands between the name's quotes, text[value:end] is the value

// Scan reads the object that starts at text[i], white space allowed before it, and returns where it ends. depth is
// how deep it lies in an event: 0 for an event itself. What was read before is forgotten.
func (m *Members) Scan(text []byte, i, depth int) (next int, err error) {
	m.text, m.list = m.text[:0], m.list[:0]
	i = SkipSpace(text, i)
	if i >= len(text) || text[i] != '{' {
		return i, Expected(text, i, "a JSON object")
	}
	if err := tooDeep(i, depth); err != nil {
		return i, err
	}
	if i = SkipSpace(text, i+1); i < len(text) && text[i] == '}' {
		return i + 1, nil
	}
	for {
		if i >= len(text) || text[i] != '"' {
			return i, Expected(text, i, "a member's name in double quotes")
		}
		place := memberPlace{name: len(m.text) + 1}
		if m.text, i, err = Compact(m.text, text, i, depth+1); err != nil {
			return i, err
		}
		i = SkipSpace(text, i)
		if i >= len(text) || text[i] != ':' {
			return i, Expected(text, i, "a colon after the member's name")
		}
		m.text = append(m.text, ':')
		place.value = len(m.text)
		if m.text, i, err = Compact(m.text, text, i+1, depth+1); err != nil {
			return i, err
		}
		place.end = len(m.text)
		m.list = append(m.list, place)
		i = SkipSpace(text, i)
		if i < len(text) && text[i] == ',' {
			m.text = append(m.text, ',')
			i = SkipSpace(text, i+1)
			continue
		}
		if i < len(text) && text[i] == '}' {
			return i + 1, nil
		}
		return i, Expected(text, i, "a comma or } of the object")
	}
}

// Len is how many members there are, duplicates included.
func (m *Members) Len() int { return len(m.list) }

// All returns all members in their order, compact, without the braces. It is valid until the next Scan, and so is
// what the methods below return unless they say otherwise.
func (m *Members) All() []byte { return m.text }

// Member returns member i with its name.
func (m *Members) Member(i int) []byte { p := m.list[i]; return m.text[p.name-1 : p.end] }

// Value returns the value of member i.
func (m *Members) Value(i int) []byte { p := m.list[i]; return m.text[p.value:p.end:p.end] }

// RawName returns the name of member i with its escapes. A name that needs none has none.
func (m *Members) RawName(i int) []byte { p := m.list[i]; return m.text[p.name : p.value-2] }

// Name returns the name of member i, decoded. It is valid until the next call.
func (m *Members) Name(i int) []byte {
	raw := m.RawName(i)
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw
	}
	m.name = m.decoded(i, m.name[:0])
	return m.name
}

func (m *Members) decoded(i int, scratch []byte) []byte {
	name, _, _, _ := ScanString(m.text, m.list[i].name-1, scratch)
	return name
}

// Find returns the place of the last member called name, -1 if there is none.
func (m *Members) Find(name string) int {
	for i := len(m.list) - 1; i >= 0; i-- {
		raw := m.RawName(i)
		if len(raw) < len(name) || len(raw) == len(name) && string(raw) != name {
			continue // an escape is longer than what it means
		}
		if escaped := bytes.IndexByte(raw, '\\') >= 0; !escaped && string(raw) == name || escaped && string(m.decoded(i, nil)) == name {
			return i
		}
	}
	return -1
}

// Text returns the value of member i if it is a string.
func (m *Members) Text(i int) (text string, ok bool) {
	v := m.Value(i)
	if v[0] != '"' {
		return "", false
	}
	s, rest, _, err := ScanString(v, 0, m.scratch[:0])
	m.scratch = rest
	return string(s), err == nil
}

// StringEnd returns where the string ends that begins at text[i], in text that Compact has written.
func StringEnd(text []byte, i int) int {
	for i++; ; {
		n := bytes.IndexByte(text[i:], '"')
		if n < 0 {
			return len(text)
		}
		i += n + 1
		slashes := 0
		for text[i-2-slashes] == '\\' { // the opening quote ends the run at the latest
			slashes++
		}
		if slashes%2 == 0 {
			return i
		}
	}
}

// ValueEnd returns where the value ends that begins at text[i], in text that Compact has written.
func ValueEnd(text []byte, i int) int {
	depth := 0
	for i < len(text) {
		switch text[i] {
		case '"':
			if i = StringEnd(text, i); depth == 0 {
				return i
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth < 0 {
				return i
			}
			if depth == 0 {
				return i + 1
			}
		case ',':
			if depth == 0 {
				return i
			}
		}
		i++
	}
	return i
}
