package syntax

// Rewrite replaces each node of e, innermost first, with what f makes of it. The tree is changed where it stands.
func Rewrite(e Expr, f func(Expr) Expr) Expr {
	each := func(list []Expr) {
		for i := range list {
			list[i] = Rewrite(list[i], f)
		}
	}
	members := func(list []Member) {
		for i := range list {
			list[i].Value = Rewrite(list[i].Value, f)
		}
	}
	switch e := e.(type) {
	case *Array:
		each(e.Items)
	case *Object:
		members(e.Members)
	case *Path:
		e.Root = Rewrite(e.Root, f)
		for i := range e.Steps {
			if e.Steps[i].Kind == Index {
				e.Steps[i].At = Rewrite(e.Steps[i].At, f)
			}
		}
	case *Call:
		each(e.Args)
	case *Lambda:
		e.Body = Rewrite(e.Body, f)
	case *Let:
		members(e.Bindings)
		e.Body = Rewrite(e.Body, f)
	case *Logic:
		each(e.Terms)
	case *Unary:
		e.Of = Rewrite(e.Of, f)
	case *Binary:
		e.Left, e.Right = Rewrite(e.Left, f), Rewrite(e.Right, f)
	case *IsNull:
		e.Of = Rewrite(e.Of, f)
	case *If:
		e.Cond, e.Then, e.Else = Rewrite(e.Cond, f), Rewrite(e.Then, f), Rewrite(e.Else, f)
	}
	return f(e)
}
