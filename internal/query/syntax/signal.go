package syntax

import (
	"strings"

	"github.com/stelehq/stele/internal/fault"
)

// Signals says which saved filters select an event: one by its id, or several joined.
//
//	signal-1                        one
//	signal-1,signal-2               both select it
//	signal-1~signal-2               one of them selects it, or both
//	(signal-1~signal-2),signal-3    parentheses
//
// The two operators bind alike, from the left, as Seq's do.
type Signals struct {
	Pos
	ID    string     // "": Op of Terms
	Op    Op         // And, Or
	Terms []*Signals // two or more
}

// MaxSignalBytes is the length limit of a signal expression.
const MaxSignalBytes = 4 << 10

// ParseSignals reads a signal expression. An error is an *Error, or of kind TooLarge if text is over MaxSignalBytes. Whether there are such
// signals is not its business.
func ParseSignals(text string) (*Signals, error) {
	if len(text) > MaxSignalBytes {
		return nil, fault.New(fault.TooLarge, "parse signals", "a signal expression of %d bytes is too long; at most %d are allowed", len(text), MaxSignalBytes)
	}
	p := signalParser{text: text}
	p.next()
	s, err := p.chain(0)
	if err == nil && p.token != "" {
		err = p.unexpected("`,`, `~` or the end")
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// signalParser reads tokens: an operator, a parenthesis, or whatever stands between those and white space.
type signalParser struct {
	text  string
	at    int    // of token
	token string // "": the end
}

const (
	signalMarks = ",~()"
	signalSpace = " \t\r\n"
)

func (p *signalParser) next() {
	p.at += len(p.token)
	for p.at < len(p.text) && strings.IndexByte(signalSpace, p.text[p.at]) >= 0 {
		p.at++
	}
	rest := p.text[p.at:]
	n := strings.IndexAny(rest, signalMarks+signalSpace)
	switch {
	case n < 0:
		n = len(rest)
	case n == 0:
		n = 1
	}
	p.token = rest[:n]
}

// chain reads terms and the operators between them.
func (p *signalParser) chain(depth int) (*Signals, error) {
	at := Pos(p.at)
	left, err := p.term(depth)
	open := false // left is a chain without parentheses, which may get longer
	for err == nil && (p.token == "," || p.token == "~") {
		op := And
		if p.token == "~" {
			op = Or
		}
		p.next()
		var right *Signals
		if right, err = p.term(depth); err != nil {
			break
		}
		if open && left.Op == op {
			left.Terms = append(left.Terms, right)
			continue
		}
		left, open = &Signals{Pos: at, Op: op, Terms: []*Signals{left, right}}, true
	}
	return left, err
}

func (p *signalParser) term(depth int) (*Signals, error) {
	switch {
	case p.token == "(":
		if depth++; depth > MaxDepth {
			return nil, ErrorAt(p.text, Pos(p.at), "", "more than %d parentheses in each other", MaxDepth)
		}
		p.next()
		inner, err := p.chain(depth)
		if err != nil {
			return nil, err
		}
		if p.token != ")" {
			return nil, p.unexpected("`,`, `~` or `)`")
		}
		p.next()
		return inner, nil
	case p.token == "" || strings.Contains(signalMarks, p.token):
		return nil, p.unexpected("the id of a signal, such as signal-1, or `(`")
	}
	s := &Signals{Pos: Pos(p.at), ID: p.token}
	p.next()
	return s, nil
}

func (p *signalParser) unexpected(expected string) error {
	if p.token == "" {
		return ErrorAt(p.text, Pos(p.at), "", "expected %s, found the end", expected)
	}
	meant := ""
	switch strings.ToLower(p.token) {
	case "and", "&", "&&", "+":
		meant = ","
	case "or", "|", "||":
		meant = "~"
	}
	found := strings.ToValidUTF8(p.token, "\uFFFD")
	if r := []rune(found); len(r) > 40 {
		found = string(r[:40]) + "…"
	}
	return ErrorAt(p.text, Pos(p.at), meant, "expected %s, found `%s`", expected, found)
}

// IDs returns the ids of the signals that are named, each once, in the order of the text.
func (s *Signals) IDs() []string {
	seen := map[string]bool{}
	var ids []string
	var walk func(s *Signals)
	walk = func(s *Signals) {
		if s.ID != "" && !seen[s.ID] {
			seen[s.ID] = true
			ids = append(ids, s.ID)
		}
		for _, t := range s.Terms {
			walk(t)
		}
	}
	walk(s)
	return ids
}

// String returns the expression as text, which parses as the same.
func (s *Signals) String() string {
	if s.ID != "" {
		return s.ID
	}
	mark := ","
	if s.Op == Or {
		mark = "~"
	}
	parts := make([]string, len(s.Terms))
	for i, t := range s.Terms {
		if parts[i] = t.String(); t.ID == "" {
			parts[i] = "(" + parts[i] + ")"
		}
	}
	return strings.Join(parts, mark)
}
