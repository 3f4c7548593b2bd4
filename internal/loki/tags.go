package loki

import (
	"github.com/stelehq/stele/internal/event"
)

// tags are a stream's labels, or an entry's structured metadata: the members that they become, and what among them
// CLEF has a name for.
type tags struct {
	members []byte // "app":"shop","level":"info"
	level   string
	rank    int    // how telling the name of the level was; 0: there is none
	trace   []byte // 32 hexadecimal digits, or none
	span    []byte // 16

	set map[string]struct{} // of the members one by one, made at first need
}

func (t *tags) reset() {
	t.members, t.level, t.rank, t.trace, t.span = t.members[:0], "", 0, t.trace[:0], t.span[:0]
	t.set = nil
}

// add adds a pair; value is text.
func (t *tags) add(name, value []byte) {
	t.name(name)
	t.members = event.AppendString(t.members, value)
	t.meaning(name, value)
}

// addJSON adds a pair whose value is compact JSON: a string, or what a client sends in place of one.
func (t *tags) addJSON(name, value []byte) {
	t.name(name)
	t.members = append(t.members, value...)
	if value[0] == '"' {
		value, _, _, _ = event.ScanString(value, 0, nil)
	}
	t.meaning(name, value)
}

func (t *tags) name(name []byte) {
	if len(t.members) > 0 {
		t.members = append(t.members, ',')
	}
	if len(name) > 0 && name[0] == '@' { // doubled, as CLEF says
		name = append([]byte{'@'}, name...)
	}
	t.members = append(event.AppendString(t.members, name), ':')
}

// The names of levels, the least telling first: detected_level is Loki's own guess.
var levelNames = []string{"detected_level", "severity_text", "severity", "level"}

func (t *tags) meaning(name, value []byte) {
	switch {
	case len(value) == 32 && isCalled(name, "traceid") && isHex(value):
		t.trace = append(t.trace[:0], value...)
	case len(value) == 16 && isCalled(name, "spanid") && isHex(value):
		t.span = append(t.span[:0], value...)
	}
	for i, of := range levelNames {
		if string(name) != of || i+1 < t.rank {
			continue
		}
		if level := levelOf(string(value), i == 0); level != "" {
			t.level, t.rank = level, i+1
		}
	}
}

// isCalled compares without regard to case and underscores: trace_id, traceID, TraceId.
func isCalled(name []byte, want string) bool {
	for _, c := range name {
		if c == '_' {
			continue
		}
		if len(want) == 0 || c|0x20 != want[0] {
			return false
		}
		want = want[1:]
	}
	return want == ""
}

// levelOf returns what @l is to say: words as they are, pino's and bunyan's numbers by name.
func levelOf(text string, guessed bool) string {
	if text == "" || guessed && event.LevelRank(text) == event.RankUnknown {
		return ""
	}
	if text[0]-'0' > 9 {
		return text
	}
	if len(text) == 2 && text[1] == '0' {
		return event.Rank(text[0] - '0').String()
	}
	return ""
}

func isHex(text []byte) bool {
	for _, c := range text {
		if digit(c) == 16 {
			return false
		}
	}
	return true
}

// without returns the members that are not among the labels' too, name and value: winston-loki sends some twice.
func (t *tags) without(labels *tags) []byte {
	if len(t.members) == 0 || len(labels.members) == 0 {
		return t.members
	}
	kept := t.members[:0]
	for rest := t.members; len(rest) > 0; {
		var member []byte
		if member, rest = cutMember(rest); labels.has(member) {
			continue
		}
		if len(kept) > 0 {
			kept = append(kept, ',')
		}
		kept = append(kept, member...)
	}
	t.members = kept
	return kept
}

// has tells whether a member is there. Its time does not grow with how many there are.
func (t *tags) has(member []byte) bool {
	if t.set == nil {
		t.set = map[string]struct{}{}
		for rest := t.members; len(rest) > 0; {
			var one []byte
			one, rest = cutMember(rest)
			t.set[string(one)] = struct{}{}
		}
	}
	_, ok := t.set[string(member)]
	return ok
}

// cutMember cuts the first of compact members off.
func cutMember(members []byte) (member, rest []byte) {
	n := event.ValueEnd(members, event.StringEnd(members, 0)+1)
	return members[:n], members[min(n+1, len(members)):]
}
