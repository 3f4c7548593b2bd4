package event

import (
	"strings"
)

// ValueKind says which of a Value's fields holds.
type ValueKind uint8

// The kinds of values. Their order is no promise.
const (
	Undefined ValueKind = iota // the absence of a value
	Null
	Bool
	Number
	String
	Array
	Object
)

// String returns the kind's name, in lower case.
func (k ValueKind) String() string {
	names := [...]string{"undefined", "null", "bool", "number", "string", "array", "object"}
	if int(k) < len(names) {
		return names[k]
	}
	return "unknown"
}

// Value is an immutable JSON value, or Undefined (its zero value).
type Value struct {
	Kind    ValueKind
	Bool    bool
	Text    string   // Number: its text as written. String: WTF-8.
	Items   []Value  // Array
	Members []Member // Object: in order, duplicates kept
}

// Member is one member of an object; Name is WTF-8, raw (an escaped @@m stays @@m).
type Member struct {
	Name  string
	Value Value
}

// StringValue returns s, which must be WTF-8, as a Value.
func StringValue(s string) Value { return Value{Kind: String, Text: s} }

// NumberValue returns the number that text, a JSON number, spells.
func NumberValue(text string) Value { return Value{Kind: Number, Text: text} }

// BoolValue returns true or false.
func BoolValue(b bool) Value { return Value{Kind: Bool, Bool: b} }

// ParseValue decodes one JSON value; nothing but white space may follow. Strict RFC 8259, MaxDepth.
// The value keeps one copy of src alive and nothing of src itself.
func ParseValue(src []byte) (Value, error) {
	p := valueParser{src: src, text: string(src)}
	v, i, err := p.value(0, 0)
	if err != nil {
		return Value{}, err
	}
	if i = SkipSpace(src, i); i < len(src) {
		return Value{}, Expected(src, i, "the end after the value")
	}
	return v, nil
}

// valueParser cuts texts out of one string, so that a value costs few allocations.
type valueParser struct {
	src     []byte
	text    string // src again
	scratch []byte
}

func (p *valueParser) value(i, depth int) (v Value, next int, err error) {
	i = SkipSpace(p.src, i)
	if i >= len(p.src) {
		return v, i, Expected(p.src, i, "a JSON value")
	}
	switch c := p.src[i]; c {
	case '"':
		v.Kind = String
		v.Text, next, err = p.string(i)
	case '{':
		v.Kind = Object
		v.Members, next, err = p.members(i, depth)
	case '[':
		v.Kind = Array
		v.Items, next, err = p.items(i, depth)
	case 't', 'f':
		v.Kind, v.Bool = Bool, c == 't'
		next, err = ScanLiteral(p.src, i, literalOf(c))
	case 'n':
		v.Kind = Null
		next, err = ScanLiteral(p.src, i, "null")
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		v.Kind = Number
		if next, err = ScanNumber(p.src, i); err == nil {
			v.Text = p.text[i:next]
		}
	default:
		err = Expected(p.src, i, "a JSON value")
	}
	return v, next, err
}

func (p *valueParser) string(i int) (string, int, error) {
	val, rest, next, err := ScanString(p.src, i, p.scratch[:0])
	p.scratch = rest
	if err != nil {
		return "", next, err
	}
	if len(rest) == 0 {
		return p.text[i+1 : next-1], next, nil
	}
	return string(val), next, nil
}

func (p *valueParser) items(i, depth int) ([]Value, int, error) {
	if err := tooDeep(i, depth); err != nil {
		return nil, i, err
	}
	i = SkipSpace(p.src, i+1)
	if i < len(p.src) && p.src[i] == ']' {
		return nil, i + 1, nil
	}
	var items []Value
	for {
		item, next, err := p.value(i, depth+1)
		if err != nil {
			return nil, next, err
		}
		items = append(items, item)
		i = SkipSpace(p.src, next)
		switch {
		case i < len(p.src) && p.src[i] == ',':
			i++
		case i < len(p.src) && p.src[i] == ']':
			return items, i + 1, nil
		default:
			return nil, i, Expected(p.src, i, "a comma or ] of the array")
		}
	}
}

func (p *valueParser) members(i, depth int) ([]Member, int, error) {
	if err := tooDeep(i, depth); err != nil {
		return nil, i, err
	}
	i = SkipSpace(p.src, i+1)
	if i < len(p.src) && p.src[i] == '}' {
		return nil, i + 1, nil
	}
	var members []Member
	if depth == 0 {
		members = make([]Member, 0, 16) // most events fit
	}
	for {
		if i >= len(p.src) || p.src[i] != '"' {
			return nil, i, Expected(p.src, i, "a member's name in double quotes")
		}
		name, next, err := p.string(i)
		if err != nil {
			return nil, next, err
		}
		i = SkipSpace(p.src, next)
		if i >= len(p.src) || p.src[i] != ':' {
			return nil, i, Expected(p.src, i, "a colon after the member's name")
		}
		v, next, err := p.value(i+1, depth+1)
		if err != nil {
			return nil, next, err
		}
		members = append(members, Member{name, v})
		i = SkipSpace(p.src, next)
		switch {
		case i < len(p.src) && p.src[i] == ',':
			i = SkipSpace(p.src, i+1)
		case i < len(p.src) && p.src[i] == '}':
			return members, i + 1, nil
		default:
			return nil, i, Expected(p.src, i, "a comma or } of the object")
		}
	}
}

// AppendJSON appends the value as JSON without white space. Undefined appends nothing; a member that is Undefined is
// left out, an Undefined item is null.
func (v Value) AppendJSON(dst []byte) []byte {
	switch v.Kind {
	case Null:
		return append(dst, "null"...)
	case Bool:
		if v.Bool {
			return append(dst, "true"...)
		}
		return append(dst, "false"...)
	case Number:
		return append(dst, v.Text...)
	case String:
		return AppendText(dst, v.Text)
	case Array:
		dst = append(dst, '[')
		for i, item := range v.Items {
			if i > 0 {
				dst = append(dst, ',')
			}
			if item.Kind == Undefined {
				item.Kind = Null
			}
			dst = item.AppendJSON(dst)
		}
		return append(dst, ']')
	case Object:
		dst = append(dst, '{')
		for first, i := true, 0; i < len(v.Members); i++ {
			if v.Members[i].Value.Kind == Undefined {
				continue
			}
			if !first {
				dst = append(dst, ',')
			}
			first = false
			dst = append(AppendText(dst, v.Members[i].Name), ':')
			dst = v.Members[i].Value.AppendJSON(dst)
		}
		return append(dst, '}')
	}
	return dst
}

// String returns the value as JSON; Undefined is the empty string.
func (v Value) String() string { return string(v.AppendJSON(nil)) }

// AppendDisplay appends the value as people read it: a string bare, all else as JSON.
func (v Value) AppendDisplay(dst []byte) []byte {
	if v.Kind == String {
		return append(dst, v.Text...)
	}
	return v.AppendJSON(dst)
}

// Get returns the last member called name, or Undefined.
func (v Value) Get(name string) Value {
	for i := len(v.Members) - 1; i >= 0; i-- {
		if v.Members[i].Name == name {
			return v.Members[i].Value
		}
	}
	return Value{}
}

// Property returns what a template's hole or an expression calls name: of an event the last property with that name,
// else what lies at name read as a path of names with dots between. Undefined if there is none. Names that begin with @
// stand for the properties whose raw names begin with @@.
func (v Value) Property(name string) Value {
	if found := v.Get(escapeName(name)); found.Kind != Undefined {
		return found
	}
	first, rest, dotted := strings.Cut(name, ".")
	if !dotted {
		return Value{}
	}
	v = v.Get(escapeName(first))
	for dotted {
		first, rest, dotted = strings.Cut(rest, ".")
		v = v.Get(first)
	}
	return v
}

func escapeName(name string) string {
	if strings.HasPrefix(name, "@") {
		return "@" + name
	}
	return name
}
