package event

// Contract of the leaf package event; the owner replaces every body and splits this file by noun.

// ---- Values (value.go): a decoded JSON value. ----

// ValueKind says which of a Value's fields holds.
type ValueKind uint8

const (
	Undefined ValueKind = iota // the absence of a value
	Null
	Bool
	Number
	String
	Array
	Object
)

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

// ParseValue decodes one JSON value; nothing but white space may follow. Strict RFC 8259, MaxDepth.
func ParseValue(src []byte) (Value, error) { panic("stub") }

// AppendJSON appends the value as JSON without white space (Undefined appends nothing).
func (v Value) AppendJSON(dst []byte) []byte { panic("stub") }

// Get returns the last member called name, or Undefined.
func (v Value) Get(name string) Value { panic("stub") }

// ---- Decimals (decimal.go): .NET's decimal (R7), 96-bit mantissa, scale 0..28. ----

// Decimal is a number of R7. Equal values may have different scales.
type Decimal struct {
	Hi, Mid, Lo uint32
	Scale       uint8
	Neg         bool
}

// ParseDecimal reads a JSON number's text (exponents allowed). ok is false if it is beyond the range of R7;
// digits past scale 28 are rounded half to even.
func ParseDecimal(text string) (d Decimal, ok bool) { panic("stub") }

// Compare orders by value: -1, 0, 1.
func (d Decimal) Compare(o Decimal) int { panic("stub") }

// ---- Message templates (template.go), messagetemplates.org ----

// Token is literal text (Name empty) or a hole.
type Token struct {
	Text   string // literal text, or the hole's raw text with braces
	Name   string // hole: property name without @ or $ operator
	Format string // after ':'
	Align  int    // after ','; negative is left
}

// ParseTemplate never fails: what is no valid hole is text. {{ and }} are one brace.
func ParseTemplate(template string) []Token { panic("stub") }

// RenderMessage gives an event's message: @m if present; else @mt with holes filled from the properties (dotted names are paths,
// @r renderings are used for holes with a format, in order; alignment applied; strings bare, other values as JSON; a missing property leaves
// the raw hole); else "" . event is the whole CLEF object.
func RenderMessage(event Value) string { panic("stub") }
