package block

import (
	"slices"
	"sync"
)

// leads finds where a path leads in events of each layout: at each step to the last member of that name. Names are compared once for each object and column,
// tokens once for each layout. nil: it leads nowhere.
func (b *Block) leads(path []string) []target {
	s := b.schema
	if len(path) == 1 && !slices.ContainsFunc(s.objects[1:], func(o object) bool { return o.parent == 0 && o.name == path[0] }) {
		return b.leadsOfMember(path[0])
	}
	p := s.onPath(path)
	var leads []target
	for i, l := range s.layouts {
		at := s.lead(l, &p)
		if at.found == targetNone {
			continue
		}
		if leads == nil {
			leads = make([]target, len(s.layouts))
		}
		leads[i] = at
	}
	return leads
}

// leadsOfMember is leads for a name at the top of the events that no object has.
func (b *Block) leadsOfMember(name string) (leads []target) {
	s := b.schema
	for i := range s.columns {
		c := &s.columns[i]
		whole := c.kind == kindEvent
		if !whole && (c.object != 0 || c.name != name) {
			continue
		}
		if leads == nil {
			leads = make([]target, len(s.layouts))
		}
		seats, nth := b.seatsOf(uint32(i)), uint32(0)
		for j, at := range seats {
			if nth++; j == 0 || at.layout != seats[j-1].layout {
				nth = 0
			}
			l, tokens := &leads[at.layout], s.layouts[at.layout].tokens
			switch {
			case whole:
				*l = target{found: targetWhole, column: uint32(i)}
			case l.found == targetLeaf && slices.Contains(tokens[at.token+1:], leaf(l.column)): // of members of one name the last counts
			case c.origin.way == wayFixed:
				*l = target{found: targetLeaf, column: uint32(i), nth: uint32(s.fixedBefore(tokens[:at.token])), byShape: true}
			default:
				*l = target{found: targetLeaf, column: uint32(i), nth: nth}
			}
		}
	}
	return leads
}

// A leafSeat is where a leaf of a column stands.
type leafSeat struct{ layout, token uint32 }

// leafSeats are those of all columns: each in its layouts one after the other, found out when they are first asked for.
type leafSeats struct {
	once sync.Once
	all  []leafSeat
	ends []uint32 // of each column's
}

func (b *Block) seatsOf(column uint32) []leafSeat {
	f := &b.seats
	f.once.Do(func() {
		f.find(b.schema)
		b.account.Take(8*len(f.all) + 4*len(f.ends))
	})
	start := uint32(0)
	if column > 0 {
		start = f.ends[column-1]
	}
	return f.all[start:f.ends[column]]
}

func (f *leafSeats) find(s *schema) {
	f.ends = make([]uint32, len(s.columns)+1)
	for _, l := range s.layouts {
		for _, t := range l.tokens {
			if t.isLeaf() {
				f.ends[t.id()+1]++
			}
		}
	}
	for i := range s.columns {
		f.ends[i+1] += f.ends[i]
	}
	f.all = make([]leafSeat, f.ends[len(s.columns)])
	for i, l := range s.layouts {
		for j, t := range l.tokens {
			if t.isLeaf() {
				f.all[f.ends[t.id()]] = leafSeat{uint32(i), uint32(j)}
				f.ends[t.id()]++ // from where the column's begin to where they end
			}
		}
	}
}

// at is where the field's path leads in events of a shape.
func (f *Field) at(shape int) (t target) {
	if f.leads == nil {
		return t
	}
	sh := &f.b.schema.shapes[shape]
	if t = f.leads[sh.number]; t.byShape {
		t.nth, t.byShape = sh.entries[t.nth], false
	}
	return t
}

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
func (s *schema) lead(l *layout, p *pathMembers) (t target) {
	tokens := l.tokens
	if len(tokens) == 1 && s.columns[tokens[0].id()].kind == kindEvent {
		return target{found: targetWhole, column: tokens[0].id()}
	}
	if !p.some && p.steps > 0 {
		return target{}
	}
	at := 0
	t = objectTarget(0, len(tokens))
	for range p.steps {
		if t.found != targetObject {
			return target{}
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
	switch {
	case t.found != targetLeaf:
	case s.columns[t.column].origin.way == wayFixed:
		t.nth, t.byShape = uint32(s.fixedBefore(tokens[:at])), true
	default:
		t.nth = earlier(tokens[:at], tokens[at])
	}
	return t
}
