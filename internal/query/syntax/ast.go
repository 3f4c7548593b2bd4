// Package syntax reads and writes Stele's language of filters and queries: text to tree, tree to text. It knows the
// grammar and nothing of events; names of functions and built-ins are looked up by package exec.
// docs/query-language.md is the reference.
package syntax

// Pos is a byte offset in the text that an expression was read from.
type Pos int

// Expr is a node of the syntax tree. Trees are read-only once parsed, except that package exec
// rewrites names to their canonical spelling while it compiles.
type Expr interface{ At() Pos }

// At returns the node's place in the text.
func (p Pos) At() Pos { return p }

// Literals.
type (
	// Null is the atom null.
	Null struct{ Pos }
	// Bool is true or false.
	Bool struct {
		Pos
		Value bool
	}
	// Number is a decimal, hexadecimal or duration literal as it was spelled: "1.50", "0xff", "1d2h".
	Number struct {
		Pos
		Text string
	}
	// String is text in single quotes.
	String struct {
		Pos
		Value string
	}
	// Text is text in double quotes: a condition on message and exception. It is no value.
	Text struct {
		Pos
		Value string
	}
	// Regex is /source/. It stands right of = and <>, and in text functions.
	Regex struct {
		Pos
		Source string
	}
	// Array is [a, b].
	Array struct {
		Pos
		Items []Expr
	}
	// Object is {a: 1, 'b c': 2}.
	Object struct {
		Pos
		Members []Member
	}
)

// Member is one member of an Object, or one binding of a Let.
type Member struct {
	Name  string
	Value Expr
}

// Names and what is reached from them.
type (
	// Property is a user property: X, short for @Properties['X'].
	Property struct {
		Pos
		Name string
	}
	// BuiltIn is @Level and the like; Name is without the @.
	BuiltIn struct {
		Pos
		Name string
	}
	// Local is a name that a Let or a Lambda around it binds, or a Lateral of the query.
	Local struct {
		Pos
		Name string
	}
	// Variable is $name; Name is without the $.
	Variable struct {
		Pos
		Name string
	}
	// Path is Root followed by one step or more. Root is never itself a Path.
	Path struct {
		Pos
		Root  Expr
		Steps []Step
	}
	// Call is a function's application.
	Call struct {
		Pos
		Name string
		Args []Expr
		CI   bool
	}
	// Star is the argument of count(*): the only argument of a Call.
	Star struct{ Pos }
	// Lambda is |Params| Body, an argument of a Call.
	Lambda struct {
		Pos
		Params []string
		Body   Expr
	}
	// Let is `let |Bindings| Body`. Each binding is seen by those after it and by Body.
	Let struct {
		Pos
		Bindings []Member
		Body     Expr
	}
)

// StepKind says what a Step does.
type StepKind uint8

// The kinds of step.
const (
	Name  StepKind = iota // .Name
	Index                 // [Expr]
	Any                   // [?]
	All                   // [*]
)

// Step is one step of a Path.
type Step struct {
	Kind StepKind
	Name string // Name
	At   Expr   // Index
}

// Op is an operator.
type Op uint8

// The operators. Their order is that of table ops.
const (
	Or Op = iota
	And
	Not
	Equal
	NotEqual
	Less
	LessEqual
	Greater
	GreaterEqual
	Like
	NotLike
	In
	NotIn
	Add
	Subtract
	Multiply
	Divide
	Remainder
	Power
	Negate
)

// Precedences, weakest first. `not` lies between `and` and the comparisons: see docs/query-language.md.
const (
	precOr = iota + 1
	precAnd
	precNot
	precCompare
	precAdd
	precMultiply
	precPower
	precUnary
	precIsNull
	precPath
)

var ops = [...]struct {
	text string
	prec int
}{
	Or:           {"or", precOr},
	And:          {"and", precAnd},
	Not:          {"not", precNot},
	Equal:        {"=", precCompare},
	NotEqual:     {"<>", precCompare},
	Less:         {"<", precCompare},
	LessEqual:    {"<=", precCompare},
	Greater:      {">", precCompare},
	GreaterEqual: {">=", precCompare},
	Like:         {"like", precCompare},
	NotLike:      {"not like", precCompare},
	In:           {"in", precCompare},
	NotIn:        {"not in", precCompare},
	Add:          {"+", precAdd},
	Subtract:     {"-", precAdd},
	Multiply:     {"*", precMultiply},
	Divide:       {"/", precMultiply},
	Remainder:    {"%", precMultiply},
	Power:        {"^", precPower},
	Negate:       {"-", precUnary},
}

// String returns the operator as it is written.
func (o Op) String() string { return ops[o].text }

// IsComparison says whether o compares, and so may be followed by ci.
func (o Op) IsComparison() bool { return ops[o].prec == precCompare }

// Operators.
type (
	// Logic is a chain of `and` or of `or`: two terms or more.
	Logic struct {
		Pos
		Op    Op
		Terms []Expr
	}
	// Unary is `not` or negation.
	Unary struct {
		Pos
		Op Op
		Of Expr
	}
	// Binary is a comparison or arithmetic; CI only on comparisons.
	Binary struct {
		Pos
		Op          Op
		Left, Right Expr
		CI          bool
	}
	// IsNull is `is null` or `is not null`.
	IsNull struct {
		Pos
		Of  Expr
		Not bool
	}
	// If is `if Cond then Then else Else`.
	If struct {
		Pos
		Cond, Then, Else Expr
	}
)

// Children calls f for each direct part of e, in order of the text.
func Children(e Expr, f func(Expr)) {
	switch e := e.(type) {
	case *Array:
		for _, x := range e.Items {
			f(x)
		}
	case *Object:
		for _, m := range e.Members {
			f(m.Value)
		}
	case *Path:
		f(e.Root)
		for _, s := range e.Steps {
			if s.Kind == Index {
				f(s.At)
			}
		}
	case *Call:
		for _, x := range e.Args {
			f(x)
		}
	case *Lambda:
		f(e.Body)
	case *Let:
		for _, b := range e.Bindings {
			f(b.Value)
		}
		f(e.Body)
	case *Logic:
		for _, x := range e.Terms {
			f(x)
		}
	case *Unary:
		f(e.Of)
	case *Binary:
		f(e.Left)
		f(e.Right)
	case *IsNull:
		f(e.Of)
	case *If:
		f(e.Cond)
		f(e.Then)
		f(e.Else)
	}
}
