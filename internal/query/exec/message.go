package exec

import (
	"bytes"
	"strings"

	"github.com/stelehq/stele/internal/event"
)

// A messageText is an event's message as filters see it: the same as event.RenderMessage gives for the whole event, made
// of those members alone that its template names. It keeps what the next event can use again.
type messageText struct {
	text, folded       []byte
	rendered, isFolded bool
	templates          map[string][]event.Token
	path               []string
}

// What is kept from event to event is bounded.
const (
	keptTemplates = 256
	keptTemplate  = 4 << 10 // bytes of one
	keptText      = 64 << 10
)

// next makes ready for another event.
func (m *messageText) next() {
	m.rendered, m.isFolded = false, false
	if cap(m.text)+cap(m.folded) > keptText {
		m.text, m.folded = nil, nil
	}
}

// of renders the row's message. It is valid until next.
func (m *messageText) of(row Row) []byte {
	if !m.rendered {
		m.text, m.rendered = m.appendTo(m.text[:0], row), true
	}
	return m.text
}

// contains says whether the row's message holds a text, whatever its case; the text is folded.
func (m *messageText) contains(row Row, folded []byte) bool {
	if !m.isFolded {
		m.folded, m.isFolded = appendFold(m.folded[:0], m.of(row)), true
	}
	return bytes.Contains(m.folded, folded)
}

func (m *messageText) appendTo(dst []byte, row Row) []byte {
	switch given := m.member(row, "@m"); given.Kind {
	case event.Undefined, event.Null:
	default:
		return given.AppendDisplay(dst)
	}
	template := m.member(row, "@mt")
	if template.Kind != event.String {
		return dst
	}
	tokens := m.tokens(template.Text)
	var renderings event.Value
	for i := range tokens {
		if tokens[i].Name != "" && tokens[i].Format != "" {
			renderings = m.member(row, "@r")
			break
		}
	}
	return event.AppendMessage(dst, tokens, renderings, func(name string) event.Value { return m.property(row, name) })
}

func (m *messageText) tokens(template string) []event.Token {
	if tokens, ok := m.templates[template]; ok {
		return tokens
	}
	tokens := event.ParseTemplate(template)
	if len(template) > keptTemplate {
		return tokens
	}
	if m.templates == nil || len(m.templates) >= keptTemplates {
		m.templates = make(map[string][]event.Token)
	}
	m.templates[template] = tokens
	return tokens
}

// member reads one member, by a path that need not be made anew.
func (m *messageText) member(row Row, name string) event.Value {
	m.path = append(m.path[:0], name)
	return row.Lookup(m.path...)
}

// property is event.Value's Property of a row.
func (m *messageText) property(row Row, name string) event.Value {
	v := m.member(row, escaped(name))
	if v.Kind != event.Undefined || !strings.Contains(name, ".") {
		return v
	}
	m.path = append(m.path[:0], strings.Split(name, ".")...)
	m.path[0] = escaped(m.path[0])
	return row.Lookup(m.path...)
}

// escaped is the raw name of the user's property called name.
func escaped(name string) string {
	if strings.HasPrefix(name, "@") {
		return "@" + name
	}
	return name
}
