package block

// leads finds where a path leads in events of each layout: at each step to the last member of that name. Names are compared once for each object and column,
// tokens once for each layout. nil: it leads nowhere.
func (s *schema) leads(path []string) []lead {
	p := s.onPath(path)
	var leads []lead
	for i, l := range s.layouts {
		at := s.lead(l, &p)
		if at.found == targetNone {
			continue
		}
		if leads == nil {
			leads = make([]lead, len(s.layouts))
		}
		leads[i] = at
	}
	return leads
}

// at is where the field's path leads in events of a shape.
func (f *Field) at(shape int) (t target) {
	if f.leads == nil {
		return t
	}
	sh := &f.b.schema.shapes[shape]
	l := &f.leads[sh.number]
	if t = l.target; l.fixed {
		t.nth = sh.entries[t.nth]
	}
	return t
}

// A lead is where a path leads in a layout.
type lead struct {
	target
	fixed bool // nth says which of the shape's entries is the target's nth
}

const leadBytes = 16

// A pathMembers has the objects and columns that are members on a path: of each object on it, those with the name that comes next.
type pathMembers struct {
	steps   int
	objects []bool
	columns []bool
	some    bool
}

func (s *schema) onPath(path []string) pathMembers {
	p := pathMembers{steps: len(path), objects: make([]bool, len(s.objects)), columns: make([]bool, len(s.columns))}
	depths := make([]int, len(s.objects)) // of those on the path: how many of its names they take
	p.objects[0] = true
	for i := 1; i < len(s.objects); i++ { // parents come first
		o := &s.objects[i]
		if depth := depths[o.parent]; p.objects[o.parent] && depth < len(path) && o.name == path[depth] {
			p.objects[i], depths[i], p.some = true, depth+1, true
		}
	}
	for i := range s.columns {
		c := &s.columns[i]
		if depth := depths[c.object]; p.objects[c.object] && depth < len(path) && c.name == path[depth] {
			p.columns[i], p.some = true, true
		}
	}
	return p
}

// lead finds where a path leads in a layout.
func (s *schema) lead(l *layout, p *pathMembers) lead {
	tokens := l.tokens
	if len(tokens) == 1 && s.columns[tokens[0].id()].kind == kindEvent {
		return lead{target: target{found: targetWhole, column: tokens[0].id()}}
	}
	if !p.some && p.steps > 0 {
		return lead{}
	}
	t, at := objectTarget(0, len(tokens)), 0
	for range p.steps {
		if t.found != targetObject {
			return lead{}
		}
		inside, end := t.tokens()
		t = target{}
		for i := inside; i < end; i++ {
			token := tokens[i]
			if token.isLeaf() {
				if p.columns[token.id()] {
					t, at = target{found: targetLeaf, column: token.id()}, i
				}
				continue
			}
			start := i + 1
			i = s.endOf(tokens, i)
			if p.objects[token.id()] {
				t = objectTarget(start, i)
			}
		}
	}
	if t.found != targetLeaf {
		return lead{target: t}
	}
	if s.columns[t.column].origin.way == wayFixed {
		t.nth = uint32(s.fixedBefore(tokens[:at]))
		return lead{target: t, fixed: true}
	}
	t.nth = earlier(tokens[:at], tokens[at])
	return lead{target: t}
}
