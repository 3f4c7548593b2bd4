package ingest

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"

	"github.com/stelehq/stele/internal/fault"
)

// A userPattern is what FileOptions.Pattern says: a pattern, or a regular expression with named
// groups. Either takes the first line of an event apart. Lines that do not fit continue the event before
// them. What of a pattern comes after the first {:n} is for these lines:
//
//	{@t} [{@l}] {SourceContext}: {@m:*}{:n}{@x:*}
//	\________ first line ________/     \_ the others
type userPattern struct {
	head  *pattern // of the first line
	begin *pattern // what of head leads to @t: where the rest does not fit; nil: head has none
	tail  *pattern // of the other lines; nil: they are joined as in any text
	level bool     // it has a property of its own that is called level
	re    *regexp.Regexp
	roles []capture // of re's groups
}

// CheckPattern says what is wrong with a pattern, if something is.
func CheckPattern(source string) error {
	_, err := newUserPattern(source)
	return err
}

func newUserPattern(source string) (*userPattern, error) {
	if strings.Contains(source, "(?P<") || strings.Contains(source, "(?<") {
		return newRegexpPattern(source)
	}
	whole, err := compilePattern(source)
	if err != nil {
		return nil, err
	}
	u := &userPattern{head: whole}
	for _, c := range whole.captures {
		u.level = u.level || c.name == "level"
	}
	for i, n := range whole.nodes {
		if n.kind == nodeFixed && n.name == "n" && !whole.inside(i) {
			u.head, u.tail = whole.part(0, i), whole.part(i+1, len(whole.nodes)-1)
			break
		}
	}
	if len(u.head.nodes) == 1 {
		return nil, fault.New(fault.Invalid, opPattern, "byte 1: the pattern says nothing about the first line of an event").WithHint("such as {@t} [{@l}] {@m:*}{:n}{@x:*}")
	}
	if u.tail != nil && len(u.tail.nodes) == 1 {
		u.tail = nil
	}
	for i, n := range u.head.nodes {
		if n.kind == nodeTime && n.capture >= 0 && u.head.captures[n.capture].role == roleTime && !u.head.inside(i) {
			u.begin = u.head.part(0, i+1)
			break
		}
	}
	return u, nil
}

// part is the pattern of some of the nodes, with the same captures.
func (p *pattern) part(from, to int) *pattern {
	part := &pattern{captures: p.captures}
	for _, n := range p.nodes[from:to] {
		n.skip -= from
		part.nodes = append(part.nodes, n)
	}
	part.nodes = append(part.nodes, node{kind: nodeEnd})
	part.endLazy()
	return part
}

// inside reports whether node i is part of a pattern inside the pattern.
func (p *pattern) inside(i int) bool {
	depth := 0
	for _, n := range p.nodes[:i] {
		switch n.kind {
		case nodeOpen:
			depth++
		case nodeClose:
			depth--
		case nodeMaybe:
			if n.skip > i {
				return true
			}
		}
	}
	return depth > 0
}

// newRegexpPattern compiles a regular expression of RE2's syntax. Groups called time, level,
// message and exception are the event's own, others properties.
func newRegexpPattern(source string) (*userPattern, error) {
	if len(source) > patternBytes {
		return nil, fault.New(fault.Invalid, opPattern, "the pattern has %d bytes, over the limit of %d", len(source), patternBytes)
	}
	re, err := regexp.Compile(source)
	if err != nil {
		return nil, fault.New(fault.Invalid, opPattern, "%s", strings.TrimPrefix(err.Error(), "error parsing regexp: ")).
			WithHint("the syntax is that of github.com/google/re2/wiki/Syntax")
	}
	u := &userPattern{re: re}
	for _, name := range re.SubexpNames() {
		role := roleProperty
		switch name {
		case "t", "time", "timestamp":
			role = roleTime
		case "l", "level":
			role = roleLevel
		case "m", "message", "msg":
			role = roleMessage
		case "x", "exception":
			role = roleException
		}
		for _, other := range u.roles {
			if name != "" && (other.name == name || role != roleProperty && other.role == role) {
				return nil, fault.New(fault.Invalid, opPattern, "the group %q is there already", name)
			}
		}
		u.roles = append(u.roles, capture{name, role})
	}
	return u, nil
}

func openPattern(o *FileOptions, c calendar, s *sample) (dialect, error) {
	u, err := newUserPattern(o.Pattern)
	if err != nil {
		return nil, err
	}
	d := &textDialect{chronology: chronology{calendar: c}, limit: o.EventBytes / 2, stamped: true, pattern: u}
	d.ahead.times = &d.times
	d.forms = []*lineForm{{format: "pattern", shown: "text (by the pattern)", parse: u.parse}}
	d.form = d.forms[0]
	times := sample{whole: true}
	for _, line := range s.lines {
		if text := u.timeText(line); text != nil {
			times.lines, times.raw = append(times.lines, text), append(times.raw, text)
		}
	}
	d.times.prefer(&times)
	d.times.judge(&times, c)
	if s.patient && len(s.lines) > 0 && d.count(s) == 0 {
		return nil, fault.New(fault.Invalid, opDetect, "no line of the file's beginning fits the pattern: of the first, %q, %s", clipped(s.lines[0]), u.stuck(s.lines[0], &d.times))
	}
	return d, nil
}

// count counts the lines of a sample that begin an event.
func (d *textDialect) count(s *sample) (n int) {
	for _, line := range s.lines {
		if d.parse(line) {
			n++
		}
	}
	return n
}

func clipped(line []byte) []byte {
	if len(line) > 80 {
		return append(bytes.ToValidUTF8(line[:80], nil), "…"...)
	}
	return line
}

// timeText returns what a line has for @t.
func (u *userPattern) timeText(line []byte) []byte {
	if u.head == nil {
		return nil
	}
	m := matching{p: u.head, text: line, steps: matchSteps + 4*len(line)}
	if !m.run(0, 0) {
		return nil
	}
	for i, c := range u.head.captures {
		if c.role == roleTime && m.captured[i].set {
			return line[m.captured[i].start:m.captured[i].end]
		}
	}
	return nil
}

// stuck says what of a line does not fit.
func (u *userPattern) stuck(line []byte, times *stampFinder) string {
	if u.re != nil {
		return "nothing matches the regular expression"
	}
	m := matching{p: u.head, text: line, times: times, steps: matchSteps + 4*len(line)}
	m.run(0, 0)
	return fmt.Sprintf("byte %d does not fit: %s was expected there", m.furthest+1, m.p.nodes[m.stuck].describe())
}

func (n *node) describe() string {
	switch n.kind {
	case nodeEnd:
		return "the line's end"
	case nodeLiteral:
		return fmt.Sprintf("%q", n.text)
	case nodeBlank:
		return "a blank"
	}
	return "{:" + n.name + "}"
}

// parse is the form of a line that the pattern makes.
func (u *userPattern) parse(line []byte, r *record) bool {
	if u.re != nil {
		return u.parseRegexp(line, r)
	}
	m := matching{p: u.head, text: line, times: r.times, steps: matchSteps + 4*len(line)}
	if !m.run(0, 0) {
		// More than the pattern says may follow.
		m = matching{p: u.head, text: line, times: r.times, steps: matchSteps + 4*len(line), loose: true}
		if !m.run(0, 0) {
			if u.begin == nil {
				return false
			}
			m = matching{p: u.begin, text: line, times: r.times, steps: matchSteps, loose: true}
			if !m.run(0, 0) {
				return false
			}
			u.begin.assign(&m, r)
			r.message = bytes.TrimLeft(line[m.end:], " \t")
			return true
		}
	}
	u.head.assign(&m, r)
	if m.loose {
		r.present("unmatched", bytes.TrimSpace(line[m.end:]))
	}
	r.kept = u.level
	if u.tail != nil {
		r.finish = u.finish
	}
	return true
}

// finish gives the lines after the first to the pattern's tail.
func (u *userPattern) finish(e *textEvent) {
	if len(e.more) == 0 {
		return
	}
	text := e.more[1:]
	m := matching{p: u.tail, text: text, steps: matchSteps + 4*len(text), loose: true}
	if !m.run(0, 0) || m.end < len(text) {
		return
	}
	r := &e.record
	message, exception := r.message, r.exception
	r.message, r.exception = nil, nil
	u.tail.assign(&m, r)
	if r.message != nil {
		e.head = append(e.head, r.message...)
	}
	rest := append([]byte(nil), r.exception...)
	e.more, e.trace = e.more[:0], false
	if len(rest) > 0 {
		e.more, e.trace = append(append(e.more, '\n'), rest...), true
	}
	r.message, r.exception = message, exception
}

func (u *userPattern) parseRegexp(line []byte, r *record) bool {
	at := u.re.FindSubmatchIndex(line)
	if at == nil {
		return false
	}
	message := false
	for i, c := range u.roles {
		if i == 0 || c.name == "" || at[2*i] < 0 {
			continue
		}
		value := line[at[2*i]:at[2*i+1]]
		switch c.role {
		case roleTime:
			if s, ok := r.times.inside(value); ok && s.end == len(value) {
				r.clock, r.timed = s.clock, true
			} else if k, ok := clockText(value, r.times); ok {
				r.clock, r.timed = k, true
			} else {
				r.present(c.name, value)
			}
		case roleLevel:
			r.level = internLevel(value)
		case roleMessage:
			r.message, message = value, true
		case roleException:
			r.exception = value
		default:
			r.present(c.name, value)
		}
	}
	before, after := bytes.TrimSpace(line[:at[0]]), bytes.TrimSpace(line[at[1]:])
	switch {
	case !message:
		r.message = line
	case len(before) > 0 || len(after) > 0:
		r.room = append(append(append(r.room[:0], before...), ' '), after...)
		r.present("unmatched", bytes.TrimSpace(r.room))
	}
	return true
}
