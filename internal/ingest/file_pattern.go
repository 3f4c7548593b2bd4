package ingest

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/stelehq/stele/internal/fault"
)

// A pattern takes a line apart. Users give one with --pattern, in the language that seqcli has
// for -x (github.com/datalust/seqcli, "Extraction patterns"), and the forms of console logs are
// written in it too:
//
//	{@t} [{thread:*}] {@l} {logger:name} - {@m}
//
//	text            stands for itself; a blank for one blank or tab or more, or the text's end
//	{{ }}           stand for { and }
//	{name:matcher}  what the matcher takes becomes the property; @t, @l, @m, @x are the event's own
//	{name}          with the matcher that suits the name: token, for @t timestamp, for @l level
//	{:matcher}      is passed over
//	{name:=…}       a pattern inside, as a whole the property
//	{:?…}           a pattern inside that may be absent
//
// A pattern is compiled once and matched by walking back where that is needed; the steps are
// counted, so that no line takes long.
type pattern struct {
	nodes    []node
	captures []capture
	first    *charSet // what a text begins with that matches as a whole, unless it is empty
}

type nodeKind uint8

const (
	nodeEnd     nodeKind = iota // the pattern's end
	nodeLiteral                 // text
	nodeBlank                   // one blank or tab or more, or nothing at the text's end
	nodeTime                    // a timestamp; find
	nodeFixed                   // what measure takes, and no less
	nodeSpan                    // as many bytes of the set as the rest leaves, at least one
	nodeLazy                    // as few bytes as the rest leaves
	nodeRest                    // all that is left
	nodeOpen                    // begins the capture of a pattern inside
	nodeClose                   // ends it
	nodeMaybe                   // a pattern inside that may be absent; it ends before skip
)

type node struct {
	kind    nodeKind
	name    string // of the matcher
	text    string
	measure func(text []byte) int // how many bytes it takes; 0: none
	find    func(text []byte) (stamp, bool)
	set     *charSet               // of a nodeSpan; of a nodeFixed what it begins with, nil: anything
	valid   func(text []byte) bool // of a nodeSpan; nil: any
	capture int                    // place in captures, -1: passed over
	skip    int
	within  [2]int // the captures of a nodeMaybe
}

type charSet [256]bool

type captureRole uint8

const (
	roleProperty captureRole = iota
	roleNumber
	roleTime
	roleLevel
	roleMessage
	roleException
)

type capture struct {
	name string
	role captureRole
}

// Bounds of a pattern.
const (
	patternBytes    = 4 << 10
	patternCaptures = 32
	patternDepth    = 8
)

const opPattern = "read pattern"

// compilePattern reads a pattern. The error names the byte and what was expected there.
func compilePattern(source string) (*pattern, error) { return compileWith(source, nil) }

// compileLayout reads a pattern in which layoutMatchers may stand too.
func compileLayout(source string) (*pattern, error) { return compileWith(source, layoutMatchers) }

func compileWith(source string, more map[string]node) (*pattern, error) {
	if len(source) > patternBytes {
		return nil, fault.New(fault.Invalid, opPattern, "the pattern has %d bytes, over the limit of %d", len(source), patternBytes)
	}
	if !utf8.ValidString(source) {
		return nil, fault.New(fault.Invalid, opPattern, "the pattern is not UTF-8")
	}
	c := patternCompiler{source: source, more: more, p: &pattern{}}
	c.sequence(0, len(source), 0)
	if c.err != nil {
		return nil, c.err
	}
	c.emit(node{kind: nodeEnd})
	if len(c.p.nodes) == 1 {
		return nil, fault.New(fault.Invalid, opPattern, "the pattern is empty").WithHint("such as {@t} [{@l}] {@m}")
	}
	c.p.endLazy()
	c.p.first = new(charSet)
	c.p.begins(0, c.p.first)
	return c.p, nil
}

// begins adds what a text begins with that matches from node i on.
func (p *pattern) begins(i int, set *charSet) {
	for ; ; i++ {
		n := &p.nodes[i]
		switch n.kind {
		case nodeOpen, nodeClose:
			continue
		case nodeEnd:
			return
		case nodeLiteral:
			set[n.text[0]] = true
			return
		case nodeMaybe:
			p.begins(i+1, set)
			i = n.skip - 1
			continue
		}
		from := n.set
		switch {
		case n.kind == nodeBlank:
			from = blankSet
		case n.kind == nodeTime:
			from = timeSet
		case from == nil:
			from = anySet
		}
		for b := range set {
			set[b] = set[b] || from[b]
		}
		return
	}
}

// endLazy lets what is lazy take all if nothing comes after it.
func (p *pattern) endLazy() {
	for i := range p.nodes {
		if p.nodes[i].kind == nodeLazy && p.lastFrom(i+1) {
			p.nodes[i].kind = nodeRest
		}
	}
}

// lastFrom reports whether nothing but ends of captures comes from node i on.
func (p *pattern) lastFrom(i int) bool {
	for p.nodes[i].kind == nodeClose {
		i++
	}
	return p.nodes[i].kind == nodeEnd
}

type patternCompiler struct {
	source string
	more   map[string]node // matchers besides those for all
	p      *pattern
	err    error
}

func (c *patternCompiler) fail(at int, format string, args ...any) {
	if c.err == nil {
		c.err = fault.New(fault.Invalid, opPattern, "byte %d: "+format, append([]any{at + 1}, args...)...)
	}
}

func (c *patternCompiler) emit(n node) int {
	c.p.nodes = append(c.p.nodes, n)
	return len(c.p.nodes) - 1
}

// sequence compiles source[from:to].
func (c *patternCompiler) sequence(from, to, depth int) {
	literal := []byte(nil)
	flush := func() {
		if len(literal) > 0 {
			c.emit(node{kind: nodeLiteral, text: string(literal), capture: -1})
			literal = literal[:0]
		}
	}
	for i := from; i < to && c.err == nil; {
		b := c.source[i]
		switch {
		case (b == '{' || b == '}') && i+1 < to && c.source[i+1] == b:
			literal = append(literal, b)
			i += 2
		case b == '}':
			c.fail(i, "this } closes nothing; }} stands for the character itself")
		case b == '{':
			end := c.closing(i, to)
			if end < 0 {
				c.fail(i, "this { is not closed; {{ stands for the character itself")
				return
			}
			flush()
			c.element(i, end, depth)
			i = end + 1
		case b == ' ' || b == '\t':
			flush()
			for i < to && (c.source[i] == ' ' || c.source[i] == '\t') {
				i++
			}
			c.emit(node{kind: nodeBlank, capture: -1})
		default:
			literal = append(literal, b)
			i++
		}
	}
	flush()
}

// closing finds the brace that closes the one at i.
func (c *patternCompiler) closing(i, to int) int {
	depth := 0
	for ; i < to; i++ {
		switch c.source[i] {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// element compiles the braces at from and to.
func (c *patternCompiler) element(from, to, depth int) {
	name, matcher, has := strings.Cut(c.source[from+1:to], ":")
	at := from + 1 + len(name) + 1 // of the matcher
	if depth >= patternDepth {
		c.fail(from, "the patterns inside go deeper than %d", patternDepth)
		return
	}
	if !has && name == "" {
		c.fail(from, "{} says nothing; a name, a matcher or both are expected: {name}, {:matcher}, {name:matcher}")
		return
	}
	if has && matcher == "" {
		c.fail(at-1, "a matcher is expected after the colon: one of %s", strings.Join(matcherNames(), ", "))
		return
	}
	capture := c.capture(from+1, name)
	switch {
	case c.err != nil:
	case strings.HasPrefix(matcher, "=") && name == "@t":
		c.fail(at, "@t wants a matcher of times: %s", strings.Join(timeMatchers(), ", "))
	case strings.HasPrefix(matcher, "="):
		if capture >= 0 {
			c.emit(node{kind: nodeOpen, capture: capture})
		}
		c.sequence(at+1, to, depth+1)
		if capture >= 0 {
			c.emit(node{kind: nodeClose, capture: capture})
		}
	case strings.HasPrefix(matcher, "?"):
		if name != "" {
			c.fail(from+1, "what may be absent has no name itself: {:?{%s}}", name)
			return
		}
		first := len(c.p.captures)
		maybe := c.emit(node{kind: nodeMaybe, capture: -1})
		c.sequence(at+1, to, depth+1)
		c.p.nodes[maybe].skip = len(c.p.nodes)
		c.p.nodes[maybe].within = [2]int{first, len(c.p.captures)}
	default:
		if !has {
			matcher = matcherFor(name)
		}
		n, known := matchers[matcher]
		if !known {
			n, known = c.more[matcher]
		}
		if strings.Trim(matcher, "*") == "" {
			n, known = node{kind: nodeLazy}, true
		}
		if !known {
			c.fail(at, "%q is no matcher; one of %s is expected", matcher, strings.Join(matcherNames(), ", "))
			return
		}
		n.name = matcher
		if n.capture = capture; capture >= 0 {
			role := &c.p.captures[capture].role
			if *role == roleProperty && numeric(matcher) {
				*role = roleNumber
			}
			if *role == roleTime && n.kind != nodeTime {
				c.fail(at, "@t wants a matcher of times: %s", strings.Join(timeMatchers(), ", "))
			}
		}
		c.emit(n)
	}
}

// capture adds what an element gives, -1 for nothing.
func (c *patternCompiler) capture(at int, name string) int {
	if name == "" {
		return -1
	}
	role := roleProperty
	switch name {
	case "@t":
		role = roleTime
	case "@l":
		role = roleLevel
	case "@m":
		role = roleMessage
	case "@x":
		role = roleException
	default:
		for i := range len(name) {
			if b := name[i]; !isWord(b) && b != '.' && b != '-' {
				c.fail(at+i, "%q cannot be part of a name; letters, digits, _ - and . can, and @t, @l, @m, @x", b)
				return -1
			}
		}
	}
	for _, other := range c.p.captures {
		if other.name == name {
			c.fail(at, "there is another {%s}", name)
			return -1
		}
	}
	if len(c.p.captures) == patternCaptures {
		c.fail(at, "the pattern has more than %d names", patternCaptures)
		return -1
	}
	c.p.captures = append(c.p.captures, capture{name, role})
	return len(c.p.captures) - 1
}

func matcherFor(name string) string {
	switch name {
	case "@t":
		return "timestamp"
	case "@l":
		return "level"
	case "@m", "@x":
		return "*"
	}
	return "token"
}

// assign gives what was captured to a record.
func (p *pattern) assign(m *matching, r *record) {
	for i, c := range p.captures {
		at := m.captured[i]
		if !at.set {
			continue
		}
		value := m.text[at.start:at.end]
		switch c.role {
		case roleTime:
			r.clock, r.timed = m.clock, true
		case roleLevel:
			r.level = internLevel(value)
		case roleMessage:
			r.message = bytes.TrimLeft(value, " \t")
		case roleException:
			r.exception = value
		case roleNumber:
			r.number(c.name, value)
		default:
			if value = bytes.Trim(value, " \t"); string(value) != "(null)" { // as log4net writes nothing
				r.present(c.name, value)
			}
		}
	}
}
