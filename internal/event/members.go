package event

// Members takes a JSON object apart without decoding its values, which become compact: as the
// store keeps them. It is reused from object to object; not for concurrent use.
//
//	buf   name | value | name | value | …      (names WTF-8, values JSON)
//	list  where each begins and ends, in the object's order
type Members struct {
	buf     []byte
	list    []memberPlace
	scratch []byte
}

type memberPlace struct{ name, value, end int }

// Scan reads the object that starts at text[i], white space allowed before it, and returns where it ends. depth is
// how deep it lies in an event: 0 for an event itself. What was read before is forgotten.
func (m *Members) Scan(text []byte, i, depth int) (next int, err error) {
	m.buf, m.list = m.buf[:0], m.list[:0]
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
		name, rest, next, err := ScanString(text, i, m.scratch[:0])
		if err != nil {
			return i, err
		}
		m.scratch = rest[:0]
		place := memberPlace{name: len(m.buf)}
		m.buf = append(m.buf, name...)
		place.value = len(m.buf)
		i = SkipSpace(text, next)
		if i >= len(text) || text[i] != ':' {
			return i, Expected(text, i, "a colon after the member's name")
		}
		if m.buf, i, err = Compact(m.buf, text, i+1, depth+1); err != nil {
			return i, err
		}
		place.end = len(m.buf)
		m.list = append(m.list, place)
		i = SkipSpace(text, i)
		if i < len(text) && text[i] == ',' {
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

// Name returns the name of member i; Value its value, compact JSON. Both are valid until the next Scan.
func (m *Members) Name(i int) []byte { p := m.list[i]; return m.buf[p.name:p.value] }

// Value returns the value of member i.
func (m *Members) Value(i int) []byte { p := m.list[i]; return m.buf[p.value:p.end] }

// Find returns the place of the last member called name, -1 if there is none.
func (m *Members) Find(name string) int {
	for i := len(m.list) - 1; i >= 0; i-- {
		if string(m.Name(i)) == name {
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
	s, _, _, err := ScanString(v, 0, m.scratch[:0])
	return string(s), err == nil
}
