package event

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Message templates, as messagetemplates.org and Serilog have them:
//
//	template = { text | {{ | }} | hole }
//	hole     = '{' [@|$] name [ , alignment ] [ : format ] '}'
//	name     = letters, digits, _ and .   (a name of digits alone is positional, and looked up like any other)
//	alignment = [-] digits, not zero      (negative: to the left)
//	format   = letters, digits, punctuation but }, blank and +
//
// Nothing is refused: what is no valid hole is text.

// Token is literal text (Name empty) or a hole.
type Token struct {
	Text   string // literal text, braces single; or the hole's raw text with its braces
	Name   string // hole: property name without @ or $ operator
	Format string // after ':'
	Align  int    // after ','; negative is left
}

// What a template can make of an event is bounded, for a small template can name a large property many times.
const (
	MaxMessage = 1 << 20 // a message that is longer keeps its further holes as raw text
	maxAlign   = 1000    // a hole that is wider is text
)

// ParseTemplate never fails: what is no valid hole is text. {{ and }} are one brace. Neighbouring texts are one token.
func ParseTemplate(template string) []Token {
	tokens := make([]Token, 0, 2*strings.Count(template, "{")+1)
	var text textRun // since the last hole
	for rest := template; rest != ""; {
		i := 0
		for i < len(rest) && rest[i] != '{' && rest[i] != '}' {
			i++
		}
		if i > 0 {
			text.add(rest[:i])
			rest = rest[i:]
			continue
		}
		if rest[0] == '}' || strings.HasPrefix(rest, "{{") {
			text.add(rest[:1])
			if len(rest) > 1 && rest[1] == rest[0] {
				rest = rest[1:]
			}
			rest = rest[1:]
			continue
		}
		raw := holeText(rest)
		rest = rest[len(raw):]
		hole, ok := parseHole(raw)
		if !ok {
			text.add(raw)
			continue
		}
		tokens = append(text.end(tokens), hole)
	}
	tokens = text.end(tokens)
	if len(tokens) == 0 {
		return nil
	}
	return tokens
}

// textRun gathers a text. Most texts are a whole part of their template and cost no copy.
type textRun struct {
	whole  string
	pieces []byte
}

func (r *textRun) add(s string) {
	if r.whole == "" && len(r.pieces) == 0 {
		r.whole = s
		return
	}
	r.pieces = append(append(r.pieces, r.whole...), s...)
	r.whole = ""
}

// end appends the text, if there is one, as a token and begins the next.
func (r *textRun) end(tokens []Token) []Token {
	text := r.whole
	if len(r.pieces) > 0 {
		text = string(r.pieces)
	}
	if r.whole, r.pieces = "", r.pieces[:0]; text != "" {
		tokens = append(tokens, Token{Text: text})
	}
	return tokens
}

// holeText returns what a hole that begins with s[0] == '{' could extend over, its closing brace included if there is one.
func holeText(s string) string {
	for i, r := range s[1:] {
		if r == '}' {
			return s[:i+2]
		}
		if !inFormat(r) && r != '$' {
			return s[:i+1]
		}
	}
	return s
}

func inName(r rune) bool {
	if r < utf8.RuneSelf {
		return r|0x20 >= 'a' && r|0x20 <= 'z' || r >= '0' && r <= '9' || r == '_' || r == '.'
	}
	return unicode.IsLetter(r) || unicode.IsDigit(r)
}

func inFormat(r rune) bool { return inName(r) || unicode.IsPunct(r) || r == ' ' || r == '+' }

func parseHole(raw string) (Token, bool) {
	t := Token{Text: raw}
	tag, closed := strings.CutSuffix(raw[1:], "}")
	if !closed {
		return t, false
	}
	tag, t.Format, _ = strings.Cut(tag, ":")
	name, align, aligned := strings.Cut(tag, ",")
	if name != "" && (name[0] == '@' || name[0] == '$') {
		name = name[1:]
	}
	t.Name = name
	if name == "" || strings.ContainsFunc(name, func(r rune) bool { return !inName(r) }) ||
		strings.ContainsFunc(t.Format, func(r rune) bool { return !inFormat(r) }) {
		return t, false
	}
	if aligned {
		n, err := strconv.Atoi(align)
		if err != nil || n == 0 || n > maxAlign || n < -maxAlign || align[0] == '+' {
			return t, false
		}
		t.Align = n
	}
	return t, true
}

// AppendMessage appends the template with its holes filled. lookup gives the value of a hole's name (a path if dotted),
// Undefined if there is none: then the hole's raw text stands, as it does after MaxMessage bytes. renderings is the event's @r, or Undefined: an array
// of texts for the holes that have a format, in order.
func AppendMessage(dst []byte, tokens []Token, renderings Value, lookup func(name string) Value) []byte {
	formatted, start := 0, len(dst)
	for i := range tokens {
		t := &tokens[i]
		if t.Name == "" || len(dst)-start > MaxMessage {
			dst = append(dst, t.Text...)
			continue
		}
		var rendering Value
		if t.Format != "" {
			if formatted < len(renderings.Items) {
				rendering = renderings.Items[formatted]
			}
			formatted++
		}
		dst = t.appendFilled(dst, rendering, lookup)
	}
	return dst
}

// appendFilled appends what stands in the hole's place.
func (t *Token) appendFilled(dst []byte, rendering Value, lookup func(name string) Value) []byte {
	start := len(dst)
	if rendering.Kind == String {
		dst = append(dst, rendering.Text...)
	} else {
		v := lookup(t.Name)
		if v.Kind == Undefined {
			return append(dst, t.Text...)
		}
		dst = appendFormatted(dst, v, t.Format)
	}
	return alignFrom(dst, start, t.Align)
}

// alignFrom pads dst[start:] with blanks to the width of align, in characters.
func alignFrom(dst []byte, start, align int) []byte {
	width := max(align, -align)
	if width == 0 {
		return dst
	}
	pad := width - utf8.RuneCount(dst[start:])
	for range pad {
		dst = append(dst, ' ')
	}
	if pad > 0 && align > 0 {
		copy(dst[start+pad:], dst[start:len(dst)-pad])
		for i := range pad {
			dst[start+i] = ' '
		}
	}
	return dst
}

// MessageParts returns the tokens of an event's message, and for each what stands in its place: the same as Text for
// literal text and for holes without a property. An event with @m alone has one token of text, one with neither has none.
func MessageParts(event Value) (tokens []Token, filled []string) {
	template := event.Get("@mt")
	if template.Kind != String {
		if m := event.Get("@m"); m.Kind == String && m.Text != "" {
			return []Token{{Text: m.Text}}, []string{m.Text}
		}
		return nil, nil
	}
	tokens = ParseTemplate(template.Text)
	filled = make([]string, len(tokens))
	renderings, total := event.Get("@r"), 0
	for i := range tokens {
		if filled[i] = tokens[i].Text; tokens[i].Name != "" && total <= MaxMessage {
			filled[i] = string(AppendMessage(nil, tokens[i:i+1], renderings, event.Property))
		}
		total += len(filled[i])
		if tokens[i].Name != "" && tokens[i].Format != "" && len(renderings.Items) > 0 {
			renderings.Items = renderings.Items[1:]
		}
	}
	return tokens, filled
}

// RenderMessage gives an event's message: @m if present; else @mt with holes filled from the properties (dotted names are paths,
// @r renderings are used for holes with a format, in order; alignment applied; strings bare, other values as JSON; a missing property leaves
// the raw hole); else "" . event is the whole CLEF object.
func RenderMessage(event Value) string {
	switch m := event.Get("@m"); m.Kind {
	case Undefined, Null:
	default:
		return string(m.AppendDisplay(nil))
	}
	template := event.Get("@mt")
	if template.Kind != String {
		return ""
	}
	return string(AppendMessage(nil, ParseTemplate(template.Text), event.Get("@r"), event.Property))
}
