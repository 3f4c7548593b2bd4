package exec

import (
	"maps"
	"slices"
	"strings"

	"github.com/stelehq/stele/internal/query/syntax"
)

// Properties returns the paths of names by which expressions read user properties, each once.
func Properties(all []syntax.Expr) (paths [][]string) {
	add := func(names []string) {
		if len(names) > 0 && !slices.ContainsFunc(paths, func(p []string) bool { return slices.Equal(p, names) }) {
			paths = append(paths, names)
		}
	}
	var walk func(e syntax.Expr)
	walk = func(e syntax.Expr) {
		switch e := e.(type) {
		case *syntax.Property:
			add([]string{e.Name})
		case *syntax.Path:
			switch root := e.Root.(type) {
			case *syntax.Property:
				add(append([]string{root.Name}, givenNames(e.Steps)...))
				for _, s := range e.Steps {
					if s.At != nil {
						walk(s.At)
					}
				}
				return
			case *syntax.BuiltIn:
				if b := findBuiltIn(root.Name); b != nil && b.names[0] == "Properties" {
					add(givenNames(e.Steps))
				}
			}
		}
		syntax.Children(e, walk)
	}
	for _, e := range all {
		walk(e)
	}
	return paths
}

// givenNames are the names that steps begin with, however they are written.
func givenNames(steps []syntax.Step) (names []string) {
	for _, s := range steps {
		literal, ok := s.At.(*syntax.String)
		switch {
		case s.Kind == syntax.Name:
			names = append(names, s.Name)
		case s.Kind == syntax.Index && ok:
			names = append(names, literal.Value)
		default:
			return names
		}
	}
	return names
}

// Known are properties that there are, by their paths. The zero value has none. What A.B is, member B of A or one name, makes no difference.
type Known struct {
	paths  map[string][]string
	begins map[string]bool // what they begin with, too
}

// Add adds a property.
func (k *Known) Add(path []string) {
	if k.paths == nil {
		k.paths, k.begins = map[string][]string{}, map[string]bool{}
	}
	name := strings.Join(path, ".")
	if k.paths[name] != nil {
		return
	}
	k.paths[name] = path
	for i := range name {
		if name[i] == '.' {
			k.begins[name[:i]] = true
		}
	}
}

// Len is how many there are.
func (k *Known) Len() int { return len(k.paths) }

// Has says whether there is a property.
func (k *Known) Has(path []string) bool { return k.missing(path) == 0 }

// missing is how many of a path's names lead to something that is not there; 0 if all is there.
func (k *Known) missing(path []string) int {
	for n := 1; n <= len(path); n++ {
		if name := strings.Join(path[:n], "."); k.paths[name] == nil && !k.begins[name] {
			return n
		}
	}
	return 0
}

// Nearest returns as much of a path that Known has not as it takes for that, and what was probably meant; "" if that is not known. Both are
// written as expressions.
func (k *Known) Nearest(path []string) (unknown, nearest string) {
	path = path[:k.missing(path)]
	word, within := path[len(path)-1], ""
	if len(path) > 1 {
		within = strings.Join(path[:len(path)-1], ".") + "."
	}
	names := slices.Sorted(maps.Keys(k.paths))
	var rests []string
	for _, name := range names {
		if rest, ok := strings.CutPrefix(name, within); ok {
			rests = append(rests, rest)
		}
	}
	near := syntax.Nearest(word, rests)
	same := func(name string) bool { return strings.EqualFold(name, word) }
	builtIns := builtInNames()
	at := slices.IndexFunc(builtIns, same)
	switch {
	case near != "" && (same(near) || within != "" || at < 0):
		nearest = written(k.paths[within+near])
	case within == "" && at >= 0: // Level, for @Level
		nearest = "@" + builtIns[at]
	default: // Name, for User.Name
		if i := slices.IndexFunc(names, func(name string) bool { p := k.paths[name]; return same(p[len(p)-1]) }); i >= 0 {
			nearest = written(k.paths[names[i]])
		}
	}
	return written(path), nearest
}

// written is a path as an expression. A name with dots is found by a path too.
func written(path []string) string {
	if parts := strings.Split(path[0], "."); !slices.ContainsFunc(parts, func(part string) bool { return !syntax.IsIdentifier(part) }) {
		path = append(parts, path[1:]...)
	}
	root := &syntax.Property{Name: path[0]}
	if len(path) == 1 {
		return syntax.Print(root)
	}
	p := &syntax.Path{Root: root}
	for _, name := range path[1:] {
		if syntax.IsIdentifier(name) {
			p.Steps = append(p.Steps, syntax.Step{Kind: syntax.Name, Name: name})
		} else {
			p.Steps = append(p.Steps, syntax.Step{Kind: syntax.Index, At: &syntax.String{Value: name}})
		}
	}
	return syntax.Print(p)
}
