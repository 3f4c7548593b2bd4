package block

import (
	"encoding/binary"
	"errors"

	"github.com/stelehq/stele/internal/event"
)

// A trie finds an event's shape while the event is read. A node stands for the members seen so far; an edge, for the next member's
// name and kind, leads on and owns a column; the node where the event ends is the shape. Each node remembers the member
// taken last and tries it first: most events repeat the one before, so most members cost one comparison of text.
//
// What a trie may hold is bounded, so that events with ever new names can't exhaust memory: beyond the bounds errSchemaFull.
type trie struct {
	schema
	root      *node
	nodes     int
	nameBytes int
	objectIDs map[objectKey]uint32
	columnIDs map[columnDef]uint32
	byTokens  map[string]uint32 // shapes by their tokens, those that translations have led to
	keyBytes  int               // of byTokens
	wholeNode *node             // where events kept whole end; nil until the first
	undo      undo

	// Where nodes and members live, so that those of an event that is taken back cost no memory again.
	nodePool   pool[node] // the first nodes of it are in use
	memberPool pool[member]
	members    int // as many of memberPool
	tokens     int // of all shapes
	resets     int
	text       []byte
}

// A pool gives places by number, and always the same for a number.
type pool[T any] struct{ pieces [][]T }

const (
	poolPiece  = 256
	keptPieces = 16
)

func (p *pool[T]) cut() {
	if len(p.pieces) > keptPieces {
		clear(p.pieces[keptPieces:])
		p.pieces = p.pieces[:keptPieces]
	}
}

func (p *pool[T]) at(i int) *T {
	for i/poolPiece >= len(p.pieces) {
		p.pieces = append(p.pieces, make([]T, poolPiece))
	}
	return &p.pieces[i/poolPiece][i%poolPiece]
}

const (
	maxColumns   = 4096
	maxShapes    = 4096
	maxNodes     = 1 << 16
	maxNameBytes = 4 << 20
	maxMembers   = 512 // of one event, nested ones included
)

// errSchemaFull says that an event can't have a shape of its own; it is then kept whole.
var errSchemaFull = errors.New("the schema is full")

type objectKey struct {
	parent uint32
	name   string
}

type node struct {
	last   *member            // the member taken last
	other  *member            // the one before it that was another
	first  *member            // the member added last; the others follow by next
	count  int                // of members
	byText map[string]*member // by text, once there are many
	close  *node              // where the end of the object leads; nil if not taken yet
	parent *node              // the node before, nil at the root
	token  token              // what led here
	object uint32             // the object whose members come next
	depth  int32              // objects open, the event included
	outer  *node              // the node at which the object was opened
	shape  int32              // -1 until an event ends here
}

type member struct {
	text   string // `"Name":`, name as AppendString writes it
	head   octet  // of text
	tail   octet
	name   string
	isTime bool // @t of the event itself
	edge   edge // of the kind met first
	more   []edge
	next   *member // of the same node
}

type edge struct {
	to     *node
	column uint32
	kind   kind
}

// An octet is up to eight bytes of a member's text, from at on: what a mask leaves of them.
type octet struct {
	bits, mask uint64
	at         int
}

// newOctet returns the octet that ends before end, or the first one if that is shorter.
func newOctet(text string, end int) (w octet) {
	w.at = max(0, end-8)
	for i := range min(end, 8) {
		w.bits |= uint64(text[w.at+i]) << (8 * i)
		w.mask |= 0xFF << (8 * i)
	}
	return w
}

// stands says whether the member's text stands at the beginning of src. Two words cover most.
func (m *member) stands(src []byte) bool {
	n := len(m.text)
	if len(src) < 16 || n > 16 {
		return len(src) >= n && string(src[:n]) == m.text
	}
	head, tail := binary.LittleEndian.Uint64(src), binary.LittleEndian.Uint64(src[m.tail.at&15:])
	return (head^m.head.bits)&m.head.mask|(tail^m.tail.bits)&m.tail.mask == 0
}

// find returns the edge of kind k, nil if there is none yet.
func (m *member) find(k kind) *edge {
	if m.edge.kind == k {
		return &m.edge
	}
	for i := range m.more {
		if m.more[i].kind == k {
			return &m.more[i]
		}
	}
	return nil
}

// undo is what the current event has added: everything past these lengths, reached only through one edge.
type undo struct {
	active                  bool
	objects, columns, nodes int
	members, nameBytes      int
	at                      *node   // where the first new edge starts
	newMember               bool    // its member is new as well
	member                  *member // nil: the edge is at.close
}

func newTrie() trie {
	t := trie{objectIDs: map[objectKey]uint32{}, columnIDs: map[columnDef]uint32{}}
	t.reset()
	return t
}

// reset empties the trie and keeps its memory, up to what most events need.
func (t *trie) reset() {
	clear(t.objectIDs)
	clear(t.columnIDs)
	clear(t.objects)
	clear(t.columns)
	clear(t.shapes)
	t.objects, t.columns, t.shapes = append(t.objects[:0], object{}), t.columns[:0], t.shapes[:0]
	t.resets++
	t.byTokens, t.keyBytes = nil, 0
	t.nodes, t.members, t.tokens, t.nameBytes, t.wholeNode, t.undo = 0, 0, 0, 0, nil, undo{}
	t.nodePool.cut()
	t.memberPool.cut()
	t.root = t.newNode(node{depth: 1})
}

// newNode takes a node that no event ends at.
func (t *trie) newNode(n node) *node {
	n.shape = -1
	at := t.nodePool.at(t.nodes)
	*at = n
	t.nodes++
	return at
}

// size is about how many bytes of memory the trie takes.
func (t *trie) size() int {
	return 112*(t.nodes+t.members) + 3*t.nameBytes + 160*(len(t.columns)+len(t.objects)) + 8*t.tokens + 64*len(t.shapes) + t.keyBytes
}

// isFull says that no node can be added, or to no use: what ends at or after a new node is a new shape.
func (t *trie) isFull() bool { return t.nodes >= maxNodes || len(t.shapes) >= maxShapes-1 }

// nearlyFull says that the bounds are near enough for a fresh start to pay.
func (t *trie) nearlyFull() bool {
	return len(t.columns) > maxColumns/2 || len(t.shapes) > maxShapes/2 || t.nodes > maxNodes/2 || t.nameBytes > maxNameBytes/2 || len(t.objects) > maxColumns/2
}

const manyMembers = 8

// find returns the member with the given text, nil if there is none yet.
func (n *node) find(text []byte) *member {
	if n.byText != nil {
		return n.byText[string(text)]
	}
	for m := n.first; m != nil; m = m.next {
		if m.text == string(text) {
			return m
		}
	}
	return nil
}

func (t *trie) begin(n *node, m *member, newMember bool) {
	if t.undo.active {
		return
	}
	t.undo = undo{active: true, objects: len(t.objects), columns: len(t.columns), nodes: t.nodes, members: t.members, nameBytes: t.nameBytes, at: n, member: m, newMember: newMember}
}

// keep makes what the current event has added stay; forget takes it back.
func (t *trie) keep() { t.undo = undo{} }

func (t *trie) forget() {
	u := t.undo
	if !u.active {
		return
	}
	t.undo = undo{}
	for _, c := range t.columns[u.columns:] {
		delete(t.columnIDs, c)
	}
	for _, o := range t.objects[u.objects:] {
		delete(t.objectIDs, objectKey(o))
	}
	clear(t.columns[u.columns:])
	t.columns, t.objects, t.nodes, t.members, t.nameBytes = t.columns[:u.columns], t.objects[:u.objects], u.nodes, u.members, u.nameBytes
	switch {
	case u.member == nil:
		u.at.close = nil
	case u.newMember:
		u.at.first, u.at.last, u.at.other = u.member.next, nil, nil
		u.at.count--
		delete(u.at.byText, u.member.text)
	case len(u.member.more) > 0: // the edge added last
		u.member.more = u.member.more[:len(u.member.more)-1]
	default:
		u.member.edge = edge{}
	}
}

// add returns the member name of n, which find has not found. It can only be the first thing an event adds or follow what it has added.
func (t *trie) add(n *node, name []byte) (*member, error) {
	if t.isFull() || t.nameBytes+len(name) > maxNameBytes {
		return nil, errSchemaFull
	}
	b := event.AppendString(t.text[:0], name)
	plain := len(b) == len(name)+2
	b = append(b, ':')
	t.text = b
	text := string(b)
	m := t.memberPool.at(t.members)
	*m = member{text: text, head: newOctet(text, min(8, len(text))), tail: newOctet(text, min(16, len(text))), isTime: n.object == 0 && string(name) == timeName}
	if plain {
		m.name = text[1 : len(text)-2]
	} else {
		m.name = string(name)
	}
	t.begin(n, m, true)
	t.members++
	t.nameBytes += len(name)
	m.next, n.first = n.first, m
	n.count++
	if n.byText != nil {
		n.byText[m.text] = m
	} else if n.count > manyMembers {
		n.byText = make(map[string]*member, 2*manyMembers)
		for m := n.first; m != nil; m = m.next {
			n.byText[m.text] = m
		}
	}
	return m, nil
}

// follow returns the edge of kind k, which it makes if need be.
func (t *trie) follow(n *node, m *member, k kind) (*edge, error) {
	if e := m.find(k); e != nil {
		return e, nil
	}
	if t.isFull() {
		return nil, errSchemaFull
	}
	var column uint32
	next := node{parent: n}
	if k == kindObject {
		id, ok := t.objectIDs[objectKey{n.object, m.name}]
		if !ok {
			if len(t.objects) >= maxColumns {
				return nil, errSchemaFull
			}
			t.begin(n, m, false)
			id = uint32(len(t.objects))
			t.objects = append(t.objects, object{parent: n.object, name: m.name})
			t.objectIDs[objectKey{n.object, m.name}] = id
		}
		next.object, next.depth, next.outer, next.token = id, n.depth+1, n, opening(id)
	} else {
		def := columnDef{object: n.object, kind: k, name: m.name}
		id, ok := t.columnIDs[def]
		if !ok {
			if len(t.columns) >= maxColumns {
				return nil, errSchemaFull
			}
			t.begin(n, m, false)
			id = uint32(len(t.columns))
			t.columns = append(t.columns, def)
			t.columnIDs[def] = id
		}
		column = id
		next.object, next.depth, next.outer, next.token = n.object, n.depth, n.outer, leaf(id)
	}
	t.begin(n, m, false)
	e := edge{to: t.newNode(next), column: column, kind: k}
	if m.edge.to == nil {
		m.edge = e
		return &m.edge, nil
	}
	m.more = append(m.more, e)
	return &m.more[len(m.more)-1], nil
}

// leave returns the node after the end of the object that n is in.
func (t *trie) leave(n *node) (*node, error) {
	if n.close != nil {
		return n.close, nil
	}
	if t.isFull() {
		return nil, errSchemaFull
	}
	t.begin(n, nil, false)
	o := n.outer
	n.close = t.newNode(node{parent: n, token: closing, object: o.object, depth: o.depth, outer: o.outer})
	return n.close, nil
}

// shapeAt returns the shape of the events that end at n.
func (t *trie) shapeAt(n *node) (uint32, error) {
	if n.shape >= 0 {
		return uint32(n.shape), nil
	}
	// One place is kept for the shape of events kept whole.
	if len(t.shapes) >= maxShapes-1 && n != t.wholeNode {
		return 0, errSchemaFull
	}
	tokens := n.tokens()
	t.tokens += len(tokens)
	n.shape = int32(len(t.shapes))
	t.shapes = append(t.shapes, shape{layout: &layout{tokens: tokens, data: t.dataColumns(tokens)}})
	return uint32(n.shape), nil
}

// addTokens notes a shape's tokens, a string of four bytes for each.
func (t *trie) addTokens(tokens string, shape uint32) {
	if t.byTokens == nil {
		t.byTokens = map[string]uint32{}
	}
	t.byTokens[tokens] = shape
	t.keyBytes += len(tokens) + 48
}

// whole returns the node and the column of events kept whole. Both have their place beyond the bounds.
func (t *trie) whole() (*node, uint32) {
	if t.wholeNode == nil { // no member's name leads to it
		id := uint32(len(t.columns))
		t.columns = append(t.columns, columnDef{kind: kindEvent})
		t.wholeNode = &node{parent: t.root, shape: -1, token: leaf(id), depth: 1}
	}
	return t.wholeNode, t.wholeNode.token.id()
}

// tokens lists what leads from the root to n.
func (n *node) tokens() []token {
	count := 0
	for at := n; at.parent != nil; at = at.parent {
		count++
	}
	tokens := make([]token, count)
	for at := n; at.parent != nil; at = at.parent {
		count--
		tokens[count] = at.token
	}
	return tokens
}
