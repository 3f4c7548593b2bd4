package syntax

import (
	"os"
	"testing"

	"pgregory.net/rapid"
)

// Random trees, of the shapes that the parser makes: a Path's root is no Path, a Logic has two terms or more.

var names = rapid.SampledFrom([]string{"A", "_b1", "User", "Größe", "note", "android", "Cin", "let", "select"})

// bound are names that only lets and lambdas use.
var bound = rapid.SampledFrom([]string{"x", "Let_", "from"})

func literals() *rapid.Generator[Expr] {
	return rapid.OneOf(
		rapid.Just(Expr(&Null{})),
		rapid.Map(rapid.Bool(), func(b bool) Expr { return &Bool{Value: b} }),
		rapid.Map(rapid.SampledFrom([]string{"0", "1", "1.50", "007", "0xfF", "1d2h", "3ms", "4us1ns", "79228162514264337593543950335"}),
			func(s string) Expr { return &Number{Text: s} }),
		rapid.Map(rapid.StringOf(rapid.RuneFrom([]rune(`ab'"\/ %é日-`))), func(s string) Expr { return &String{Value: s} }),
		rapid.Map(names, func(s string) Expr { return &Property{Name: s} }),
		rapid.Map(rapid.SampledFrom([]string{"v", "0a"}), func(s string) Expr { return &Variable{Name: s} }),
		rapid.Just(Expr(&Call{Name: "count", Args: []Expr{&Star{}}})),
		rapid.Map(rapid.SampledFrom([]string{"Level", "t", "Properties", "0x"}), func(s string) Expr { return &BuiltIn{Name: s} }),
	)
}

// values are expressions that may stand where a value is wanted.
func values(depth int) *rapid.Generator[Expr] {
	if depth == 0 {
		return literals()
	}
	v, c := values(depth-1), conditions(depth-1)
	return rapid.OneOf(
		literals(),
		rapid.Map(rapid.SliceOfN(v, 0, 3), func(items []Expr) Expr { return &Array{Items: items} }),
		rapid.Custom(func(t *rapid.T) Expr {
			o := &Object{}
			for range rapid.IntRange(0, 2).Draw(t, "members") {
				o.Members = append(o.Members, Member{rapid.SampledFrom([]string{"a", "b c", "not", "", "it's"}).Draw(t, "name"), v.Draw(t, "member")})
			}
			return o
		}),
		rapid.Custom(func(t *rapid.T) Expr { return path(t, v) }),
		rapid.Custom(func(t *rapid.T) Expr {
			l := &Let{}
			for range rapid.IntRange(1, 2).Draw(t, "bindings") {
				l.Bindings = append(l.Bindings, Member{bound.Draw(t, "name"), v.Draw(t, "value")})
			}
			l.Body = &Logic{Op: And, Terms: []Expr{c.Draw(t, "body"), &Local{Name: l.Bindings[0].Name}}}
			return l
		}),
		rapid.Custom(func(t *rapid.T) Expr {
			l := &Lambda{Params: rapid.SliceOfNDistinct(bound, 0, 2, rapid.ID[string]).Draw(t, "params"), Body: c.Draw(t, "body")}
			if len(l.Params) > 0 {
				l.Body = &Binary{Op: Add, Left: v.Draw(t, "left"), Right: &Local{Name: l.Params[0]}}
			}
			return &Call{Name: names.Draw(t, "function"), Args: []Expr{v.Draw(t, "of"), l}}
		}),
		rapid.Custom(func(t *rapid.T) Expr {
			args := rapid.SliceOfN(rapid.OneOf(v, regexes()), 0, 3).Draw(t, "args")
			return &Call{Name: names.Draw(t, "function"), Args: args, CI: rapid.Bool().Draw(t, "ci")}
		}),
		rapid.Custom(func(t *rapid.T) Expr {
			op := rapid.SampledFrom([]Op{Add, Subtract, Multiply, Divide, Remainder, Power}).Draw(t, "op")
			return &Binary{Op: op, Left: v.Draw(t, "left"), Right: v.Draw(t, "right")}
		}),
		rapid.Map(v, func(e Expr) Expr { return &Unary{Op: Negate, Of: e} }),
		rapid.Custom(func(t *rapid.T) Expr {
			op := rapid.SampledFrom([]Op{Equal, NotEqual, Less, LessEqual, Greater, GreaterEqual, Like, NotLike, In, NotIn}).Draw(t, "op")
			right := v
			if op == Equal || op == NotEqual {
				right = rapid.OneOf(v, regexes())
			}
			return &Binary{Op: op, Left: v.Draw(t, "left"), Right: right.Draw(t, "right"), CI: rapid.Bool().Draw(t, "ci")}
		}),
		rapid.Custom(func(t *rapid.T) Expr { return &IsNull{Of: v.Draw(t, "of"), Not: rapid.Bool().Draw(t, "not")} }),
		rapid.Map(c, func(e Expr) Expr { return &Unary{Op: Not, Of: e} }),
		rapid.Custom(func(t *rapid.T) Expr {
			return &Logic{Op: rapid.SampledFrom([]Op{And, Or}).Draw(t, "op"), Terms: rapid.SliceOfN(c, 2, 4).Draw(t, "terms")}
		}),
		rapid.Custom(func(t *rapid.T) Expr {
			return &If{Cond: c.Draw(t, "if"), Then: c.Draw(t, "then"), Else: c.Draw(t, "else")}
		}),
	)
}

// conditions are values, and text in double quotes.
func conditions(depth int) *rapid.Generator[Expr] {
	texts := rapid.Map(rapid.StringOf(rapid.RuneFrom([]rune(`ab'"\ é`))), func(s string) Expr { return &Text{Value: s} })
	return rapid.OneOf(values(depth), texts)
}

func regexes() *rapid.Generator[Expr] {
	return rapid.Map(rapid.SampledFrom([]string{"", "a.*", "a/b", `\d+\\`, "[/]"}), func(s string) Expr { return &Regex{Source: s} })
}

func path(t *rapid.T, v *rapid.Generator[Expr]) Expr {
	root := v.Draw(t, "root")
	var steps []Step
	if inner, ok := root.(*Path); ok {
		root, steps = inner.Root, inner.Steps
	}
	for range rapid.IntRange(1, 3).Draw(t, "steps") {
		s := Step{Kind: rapid.SampledFrom([]StepKind{Name, Index, Any, All}).Draw(t, "kind")}
		switch s.Kind {
		case Name:
			s.Name = rapid.SampledFrom([]string{"B", "like", "NULL", "日"}).Draw(t, "name")
		case Index:
			s.At = v.Draw(t, "index")
		}
		steps = append(steps, s)
	}
	return &Path{Root: root, Steps: steps}
}

// checkOften checks a thousand cases, and with STELE_LONG a hundred thousand: they are cheap, and what is wrong is rare.
func checkOften(t *testing.T, property func(*rapid.T)) {
	rounds := 10
	if os.Getenv("STELE_LONG") != "" {
		rounds = 1000
	}
	for range rounds {
		rapid.Check(t, property)
	}
}

// TestPrintedTreesParseBack: what Print writes, Parse reads as the same tree.
func TestPrintedTreesParseBack(t *testing.T) {
	checkOften(t, func(t *rapid.T) {
		e := conditions(3).Draw(t, "tree")
		text := Print(e)
		if len(text) > MaxBytes {
			t.Skip("skipped: the tree's text is over the limit on size, which Parse refuses")
		}
		again, err := Parse(text)
		if err != nil {
			t.Fatalf("%s\n%v", text, err)
		}
		if diff := same(e, again); diff != "" {
			t.Fatalf("%s\n%s", text, diff)
		}
		if printed := Print(again); printed != text {
			t.Fatalf("%s\nprints as\n%s", text, printed)
		}
	})
}
