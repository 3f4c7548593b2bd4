package ingest

import (
	"bytes"
	"slices"
	"strings"
)

// matching is one attempt to match a text.
type matching struct {
	p        *pattern
	text     []byte
	times    *stampFinder
	steps    int
	captured [patternCaptures]span
	clock    clock // of @t
	loose    bool  // more text may follow than the pattern says
	end      int   // where the match ended, if loose
	furthest int   // how far into the text any way came
	stuck    int   // the node that was tried there
}

type span struct {
	start, end int
	set        bool
}

// matchSteps bounds what one line costs.
const matchSteps = 4096

// match takes text apart into r, nil: says only whether it fits. The whole text has to fit.
func (p *pattern) match(text []byte, r *record) bool {
	m := matching{p: p, text: text, times: r.times, steps: matchSteps}
	if !m.run(0, 0) {
		return false
	}
	p.assign(&m, r)
	return true
}

func (m *matching) run(i, at int) bool {
	for {
		n := &m.p.nodes[i]
		if at >= m.furthest {
			m.furthest, m.stuck = at, i
		}
		if m.steps--; m.steps < 0 {
			return false
		}
		switch n.kind {
		case nodeEnd:
			m.end = at
			return m.loose || at == len(m.text)
		case nodeLiteral:
			if !hasPrefix(m.text[at:], n.text) {
				return false
			}
			at += len(n.text)
		case nodeBlank:
			end := at
			for end < len(m.text) && isBlank(m.text[end]) {
				end++
			}
			if end == at && at != len(m.text) {
				return false
			}
			at = end
		case nodeTime:
			var s stamp
			var ok bool
			if n.find != nil {
				s, ok = n.find(m.text[at:])
			} else {
				s, ok = m.times.inside(m.text[at:])
			}
			if !ok || s.start > 0 || s.end == 0 {
				return false
			}
			if n.capture >= 0 {
				if m.p.captures[n.capture].role == roleTime {
					m.clock = s.clock
				}
				m.captured[n.capture] = span{at, at + s.end, true}
			}
			at += s.end
		case nodeFixed:
			taken := n.measure(m.text[at:])
			if taken == 0 {
				return false
			}
			if n.capture >= 0 {
				m.captured[n.capture] = span{at, at + taken, true}
			}
			at += taken
		case nodeSpan:
			end := at
			for end < len(m.text) && n.set[m.text[end]] {
				end++
			}
			for ; end > at; end-- {
				if m.canBegin(i+1, end) && (n.valid == nil || n.valid(m.text[at:end])) && m.run(i+1, end) {
					return m.take(n, at, end)
				}
			}
			return false
		case nodeLazy:
			for end := at; end <= len(m.text) && m.steps > 0; end++ {
				if next := &m.p.nodes[i+1]; next.kind == nodeLiteral {
					skip := bytes.Index(m.text[end:], []byte(next.text))
					if skip < 0 {
						return false
					}
					end += skip
				} else if !m.canBegin(i+1, end) {
					continue
				}
				if m.run(i+1, end) {
					return m.take(n, at, end)
				}
			}
			return false
		case nodeRest:
			end := len(m.text)
			m.take(n, at, end)
			at = end
		case nodeOpen:
			m.captured[n.capture].start = at
		case nodeClose:
			m.captured[n.capture].end, m.captured[n.capture].set = at, true
		case nodeMaybe:
			if m.run(i+1, at) {
				return true
			}
			for c := n.within[0]; c < n.within[1]; c++ {
				m.captured[c].set = false
			}
			i = n.skip
			continue
		}
		i++
	}
}

func (m *matching) take(n *node, start, end int) bool {
	if n.capture >= 0 {
		m.captured[n.capture] = span{start, end, true}
	}
	return true
}

// canBegin says cheaply whether node i has a chance at a place.
func (m *matching) canBegin(i, at int) bool {
	switch n := &m.p.nodes[i]; n.kind {
	case nodeEnd:
		return m.loose || at == len(m.text)
	case nodeLiteral:
		return at < len(m.text) && m.text[at] == n.text[0]
	case nodeBlank:
		return at == len(m.text) || isBlank(m.text[at])
	}
	return true
}

func hasPrefix(text []byte, prefix string) bool {
	return len(text) >= len(prefix) && string(text[:len(prefix)]) == prefix
}

func setOf(extra string, classes ...func(byte) bool) *charSet {
	var s charSet
	for b := range 256 {
		s[b] = strings.IndexByte(extra, byte(b)) >= 0
		for _, in := range classes {
			s[b] = s[b] || in(byte(b))
		}
	}
	return &s
}

var (
	anySet   = setOf("", func(byte) bool { return true })
	blankSet = setOf("", isBlank)
	wordSet  = setOf("", isWord)
	// timeSet is what times begin with: digits, brackets, the padding of a day, the names of weekdays and months, glog's
	// letters and TAI64N's sign.
	timeSet = setOf("[( @jJfFmMaAsSoOnNdDtTwWiIeE", isDigit)
)

func isLetter(b byte) bool { return b|0x20 >= 'a' && b|0x20 <= 'z' || b >= 0x80 }

func isVisible(b byte) bool { return b > ' ' && b != 0x7f }

// matchers is what may stand after the colon, but for the stars. docs/patterns.md tells of them.
var matchers = map[string]node{
	"alpha":          {kind: nodeSpan, set: setOf("", isLetter)},
	"alphanum":       {kind: nodeSpan, set: setOf("", isLetter, isDigit)},
	"ident":          {kind: nodeSpan, set: setOf("", isWord), valid: startsWithLetter},
	"token":          {kind: nodeSpan, set: setOf("", isVisible)},
	"name":           {kind: nodeSpan, set: setOf(".$/-:<>@#[]~`", isWord), valid: isName},
	"place":          {kind: nodeSpan, set: setOf(`.$/-:<>@\`, isWord), valid: isPlace},
	"nat":            {kind: nodeSpan, set: setOf("", isDigit)},
	"int":            {kind: nodeFixed, measure: measureInt},
	"dec":            {kind: nodeFixed, measure: measureDecimal},
	"n":              {kind: nodeFixed, measure: measureNewline},
	"s":              {kind: nodeFixed, measure: func(b []byte) int { return len(b) - len(bytes.TrimLeft(b, " \t")) }},
	"t":              {kind: nodeLiteral, text: "\t"},
	"line":           {kind: nodeFixed, measure: measureLine},
	"level":          {kind: nodeFixed, set: wordSet, measure: measureLevel},
	"letter":         {kind: nodeFixed, set: wordSet, measure: measureLetter},
	"timestamp":      {kind: nodeTime, find: nil},
	"iso8601dt":      {kind: nodeTime, find: leading(parseISO)},
	"serilogdt":      {kind: nodeTime, find: leading(parseISO)},
	"w3cdt":          {kind: nodeTime, find: leading(parseISO)},
	"syslogdt":       {kind: nodeTime, find: leading(parseSyslog)},
	"unixdt":         {kind: nodeTime, find: findUnix},
	"trailingindent": {kind: nodeFixed, measure: measureLine}, // the lines after the first are joined anyway
	"trailingident":  {kind: nodeFixed, measure: measureLine},
}

// layoutMatchers are for the layouts of this package alone.
var layoutMatchers = map[string]node{
	"mel": {kind: nodeFixed, set: wordSet, measure: measureWord(func(b []byte) bool {
		return len(b) == 4 && bytes.Contains([]byte(" trce dbug info warn fail crit "), b)
	})},
	"mysql": {kind: nodeFixed, set: wordSet, measure: measureWord(func(b []byte) bool {
		return bytes.Contains([]byte(" Note System Warning Error ERROR "), b) && len(b) > 3
	})},
	"word":        {kind: nodeFixed, set: wordSet, measure: measureWord(func(b []byte) bool { return isLevelWord(b) || isRareLevel(b) })},
	"capitals":    {kind: nodeFixed, set: wordSet, measure: measureWord(func(b []byte) bool { return allCapitals(b) && (isLevelWord(b) || isRareLevel(b)) })},
	"lower":       {kind: nodeFixed, set: wordSet, measure: measureWord(func(b []byte) bool { return isLevelWord(b) && b[0] >= 'a' })},
	"three":       {kind: nodeFixed, set: wordSet, measure: measureWord(func(b []byte) bool { return len(b) == 3 && (isLevelWord(b) || isRareLevel(b)) })},
	"qualified":   {kind: nodeSpan, set: setOf(".$/-:<>@#[]~`", isWord), valid: func(b []byte) bool { return isName(b) && isQualified(b) }},
	"host":        {kind: nodeSpan, set: setOf(".-:%", isWord), valid: isHost},
	"app":         {kind: nodeSpan, set: setOf(".-/()@_+\\", isWord), valid: startsWithLetter},
	"id":          {kind: nodeSpan, set: setOf("-.:/", isWord)},
	"class":       {kind: nodeSpan, set: setOf(".$", isWord), valid: isQualified},
	"rust":        {kind: nodeSpan, set: setOf(":", isWord), valid: func(b []byte) bool { return isName(b) && bytes.Contains(b, []byte("::")) }},
	"kitchen":     {kind: nodeTime, find: leading(parseKitchen)},
	"weekdaydt":   {kind: nodeTime, find: leading(parseWeekdayISO)},
	"slashed":     {kind: nodeTime, find: leading(parseSlashed)},
	"ctime":       {kind: nodeTime, find: leading(parseCtime)},
	"compact":     {kind: nodeTime, find: leading(parseCompact)},
	"timeofday":   {kind: nodeTime, find: leading(parseTimeOfDay)},
	"monthday":    {kind: nodeTime, find: leading(monthDay('-'))},
	"dottedmonth": {kind: nodeTime, find: leading(monthDay('.'))},
	"glogdt":      {kind: nodeTime, find: findGlogTime},
}

func timeMatchers() (names []string) {
	for name, n := range matchers {
		if n.kind == nodeTime {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func matcherNames() []string {
	names := []string{"*"}
	for name := range matchers {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func numeric(matcher string) bool { return matcher == "nat" || matcher == "int" || matcher == "dec" }

func startsWithLetter(b []byte) bool { return !isDigit(b[0]) }

// isName recognises a logger's name: a.b.C, a::b, a/b, Foo$Bar, c.C.[x].[/].
func isName(b []byte) bool {
	return isLetter(b[0]) || len(b) > 1 && (b[0] == '_' || b[0] == '.' || b[0] == '<' || b[0] == '$')
}

// isPlace recognises a place in code: main.go:12, Foo.java:12, a/b.py:7.
func isPlace(b []byte) bool {
	at := bytes.LastIndexByte(b, ':')
	return at > 0 && at < len(b)-1 && allDigits(string(b[at+1:]))
}

func measureInt(b []byte) int {
	n := 0
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		n = 1
	}
	digits := measureDigits(b[n:])
	if digits == 0 {
		return 0
	}
	return n + digits
}

func measureDigits(b []byte) (n int) {
	for n < len(b) && isDigit(b[n]) {
		n++
	}
	return n
}

func measureDecimal(b []byte) int {
	n := measureInt(b)
	if n > 0 && n < len(b) && b[n] == '.' {
		if more := measureDigits(b[n+1:]); more > 0 {
			n += 1 + more
		}
	}
	return n
}

func measureNewline(b []byte) int {
	switch {
	case hasPrefix(b, "\r\n"):
		return 2
	case hasPrefix(b, "\n"):
		return 1
	}
	return 0
}

func measureLine(b []byte) int {
	if at := bytes.IndexByte(b, '\n'); at >= 0 {
		return at
	}
	return len(b)
}

// measureLevel takes a word that is a level's name.
func measureLevel(b []byte) int { return measureWord(isLevelWord)(b) }

// measureWord makes a measure of a test of words.
func measureWord(is func([]byte) bool) func([]byte) int {
	return func(b []byte) int {
		n := 0
		for n < len(b) && n < 17 && isWord(b[n]) {
			n++
		}
		if n == 0 || n > 16 || !is(b[:n]) {
			return 0
		}
		return n
	}
}

// isRareLevel recognises words that are levels where a layout has one.
func isRareLevel(b []byte) bool {
	switch string(b) {
	case "SUCCESS", "NOTSET", "TRCE", "ANY", "UNKNOWN", "AUDIT", "PNC", "TRC", "FTL", "OFF", "ALL", "LOG", "STDOUT", "STDERR":
		return true
	}
	return false
}

// isHost recognises a host's name or address where a syslog line has it.
func isHost(b []byte) bool { return b[len(b)-1] != ':' && !isLevelWord(b) }

// isQualified recognises a logger's name that is no ordinary word.
func isQualified(b []byte) bool {
	at := bytes.IndexAny(b, ".:$")
	return at > 0 && at < len(b)-1
}

// measureLetter takes a letter that is a level.
func measureLetter(b []byte) int {
	if len(b) == 0 || letterLevel(b[0]) == "" || len(b) > 1 && isWord(b[1]) && !isDigit(b[1]) {
		return 0
	}
	return 1
}
