package syntax

import "strings"

// Print writes e in canonical form: keywords in lower case, single blanks, no needless parentheses.
// Parse of the result gives e again, but for places in the text.
func Print(e Expr) string {
	p := printer{}
	p.argument(e)
	return p.String()
}

type printer struct{ strings.Builder }

// prec returns how tightly e's outermost operator binds.
func prec(e Expr) int {
	switch e := e.(type) {
	case *Logic:
		return ops[e.Op].prec
	case *Unary:
		return ops[e.Op].prec
	case *Binary:
		return ops[e.Op].prec
	case *IsNull:
		return precIsNull
	case *If, *Let, *Lambda:
		return 0 // they take in all that follows
	}
	return precPath
}

// expr writes e, in parentheses if it binds less tightly than least.
func (p *printer) expr(e Expr, least int) {
	if prec(e) < least {
		p.WriteByte('(')
		p.node(e)
		p.WriteByte(')')
		return
	}
	p.node(e)
}

// argument writes e where it stands alone between delimiters.
func (p *printer) argument(e Expr) { p.expr(e, 0) }

func (p *printer) node(e Expr) {
	switch e := e.(type) {
	case *Null:
		p.WriteString("null")
	case *Bool:
		if e.Value {
			p.WriteString("true")
		} else {
			p.WriteString("false")
		}
	case *Number:
		p.WriteString(e.Text)
	case *String:
		p.WriteString(quote(e.Value, '\''))
	case *Text:
		p.WriteByte('"')
		p.WriteString(strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(e.Value))
		p.WriteByte('"')
	case *Regex:
		p.regex(e.Source)
	case *Array:
		p.list('[', e.Items, ']')
	case *Object:
		p.object(e)
	case *Property:
		switch {
		case strings.EqualFold(e.Name, "let"):
			p.WriteString("(" + e.Name + ")") // a | may come next
		case IsIdentifier(e.Name):
			p.WriteString(e.Name)
		default:
			p.WriteString("@Properties[" + quote(e.Name, '\'') + "]")
		}
	case *BuiltIn:
		p.WriteString("@" + e.Name)
	case *Local:
		p.WriteString(e.Name)
	case *Variable:
		p.WriteString("$" + e.Name)
	case *Star:
		p.WriteByte('*')
	case *Lambda:
		p.WriteString("|" + strings.Join(e.Params, ", ") + "| ")
		p.argument(e.Body)
	case *Let:
		p.WriteString("let |")
		for i, b := range e.Bindings {
			if i > 0 {
				p.WriteString(", ")
			}
			p.WriteString(b.Name + ": ")
			p.argument(b.Value)
		}
		p.WriteString("| ")
		p.argument(e.Body)
	case *Path:
		p.path(e)
	case *Call:
		p.WriteString(e.Name)
		p.list('(', e.Args, ')')
		if e.CI {
			p.WriteString(" ci")
		}
	case *Logic:
		for i, t := range e.Terms {
			if i > 0 {
				p.WriteString(" " + e.Op.String() + " ")
			}
			p.expr(t, ops[e.Op].prec+1)
		}
	case *Unary:
		p.unary(e)
	case *Binary:
		p.binary(e)
	case *IsNull:
		p.expr(e.Of, precIsNull)
		if e.Not {
			p.WriteString(" is not null")
		} else {
			p.WriteString(" is null")
		}
	case *If:
		p.WriteString("if ")
		p.argument(e.Cond)
		p.WriteString(" then ")
		p.argument(e.Then)
		p.WriteString(" else ")
		p.argument(e.Else)
	}
}

func (p *printer) unary(e *Unary) {
	if e.Op == Not {
		p.WriteString("not ")
		p.expr(e.Of, precNot)
		return
	}
	p.WriteByte('-')
	if inner, ok := e.Of.(*Unary); ok && inner.Op == Negate {
		p.WriteByte(' ') // -- begins a comment
	}
	p.expr(e.Of, precUnary)
}

func (p *printer) binary(e *Binary) {
	level := ops[e.Op].prec
	p.expr(e.Left, level)
	p.WriteString(" " + e.Op.String() + " ")
	right := level + 1
	if e.CI && takesCI(e.Right) {
		right = precPath + 1 // else the ci would be read as the call's
	}
	p.expr(e.Right, right)
	if e.CI {
		p.WriteString(" ci")
	}
}

// takesCI says whether a `ci` written after e would become part of e.
func takesCI(e Expr) bool {
	switch e := e.(type) {
	case *Call:
		return !e.CI
	case *Unary:
		return takesCI(e.Of)
	case *Binary:
		return takesCI(e.Right)
	}
	return false
}

func (p *printer) path(e *Path) {
	root := precPath
	if _, isNumber := e.Root.(*Number); isNumber {
		root++ // 1.x would be read as a number and a mistake
	}
	p.expr(e.Root, root)
	for _, s := range e.Steps {
		switch s.Kind {
		case Name:
			p.WriteString("." + s.Name)
		case Any:
			p.WriteString("[?]")
		case All:
			p.WriteString("[*]")
		case Index:
			p.WriteByte('[')
			p.argument(s.At)
			p.WriteByte(']')
		}
	}
}

func (p *printer) list(opening byte, items []Expr, closing byte) {
	p.WriteByte(opening)
	for i, x := range items {
		if i > 0 {
			p.WriteString(", ")
		}
		p.argument(x)
	}
	p.WriteByte(closing)
}

func (p *printer) object(e *Object) {
	p.WriteByte('{')
	for i, m := range e.Members {
		if i > 0 {
			p.WriteString(", ")
		}
		if wordAt(m.Name, false) == len(m.Name) && m.Name != "" {
			p.WriteString(m.Name)
		} else {
			p.WriteString(quote(m.Name, '\''))
		}
		p.WriteString(": ")
		p.argument(m.Value)
	}
	p.WriteByte('}')
}

// regex escapes the slashes of source; its own escapes stay.
func (p *printer) regex(source string) {
	p.WriteByte('/')
	for i := 0; i < len(source); i++ {
		switch {
		case source[i] == '\\' && i+1 < len(source):
			p.WriteByte(source[i])
			i++
			p.WriteByte(source[i])
		case source[i] == '/':
			p.WriteString(`\/`)
		default:
			p.WriteByte(source[i])
		}
	}
	p.WriteByte('/')
}

// quote writes s between quotes, doubling those inside.
func quote(s string, q byte) string {
	one := string(q)
	return one + strings.ReplaceAll(s, one, one+one) + one
}
