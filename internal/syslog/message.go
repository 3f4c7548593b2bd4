// Package syslog reads syslog messages: RFC 5424, and what goes by the name of RFC 3164. It
// reads them as they come over the network and as syslog daemons write them to files, and turns
// them into CLEF.
package syslog

import (
	"bytes"
	"unicode"

	"github.com/stelehq/stele/internal/event"
)

// What a message may look like; [ ] is what may be missing:
//
//	RFC 5424   <PRI>1 TIME HOST APP PID MSGID DATA [BOM][TEXT]      each but PRI and 1 may be -
//	RFC 3164   [<PRI>]TIME [HOST] [APP[PID]:] TEXT
//	Cisco      <PRI>[SEQUENCE:] [HOST:] [* or .]TIME [ZONE]: %FACILITY-SEVERITY-MNEMONIC: TEXT
//	in files   TIME HOST APP[PID]: TEXT
//	least      [<PRI>]TEXT
//
// TIME of RFC 3164 is "Nov 20 10:23:12", with a fraction, a year before or after, or it is that of RFC 3339.

// NoPriority is the Priority of a message without <PRI>.
const NoPriority = -1

// Message is one message taken apart. Its slices are parts of the text that was parsed; what
// the message does not have is nil. All but what only separates is in one of the fields.
type Message struct {
	Priority int    // facility*8 + severity, or NoPriority
	Version  int    // 1 for RFC 5424, else 0
	Time     Time   // Time.Month is 0 if there is none
	Mark     byte   // '*' or '.' before Cisco's time: the clock is not set, or not synchronised; else 0
	Zone     []byte // the name of a zone that is none of RFC 5322's
	Sequence []byte // Cisco's number of the message: digits
	Host     []byte
	App      []byte
	Pid      []byte // of the process, often but not always a number
	MsgID    []byte // RFC 5424's, or Cisco's FACILITY-SEVERITY-MNEMONIC, which is in Text too
	Data     []byte // RFC 5424's structured data as written: one [id name="value" …] or more; well-formed
	Text     []byte
}

// Parse takes a message apart. Nothing is refused: what is not understood is Text. What ends a
// message (NUL, CR, LF) is dropped, and an octet count that a framing left before <PRI>.
func Parse(text []byte) Message {
	m := Message{Priority: NoPriority}
	for len(text) > 0 && (text[len(text)-1] == '\n' || text[len(text)-1] == '\r' || text[len(text)-1] == 0) {
		text = text[:len(text)-1]
	}
	text = bytes.TrimPrefix(text, bom)
	text = withoutCount(text)
	if priority, after, ok := leadingPriority(text); ok {
		m.Priority, text = priority, after
	}
	if after, ok := m.modern(text); ok {
		m.Text = bytes.TrimPrefix(after, bom)
		// rsyslog separates with a blank and begins the text, which it took from RFC 3164, with one.
		m.Text = bytes.TrimPrefix(m.Text, []byte{' '})
		return m
	}
	m.Text = m.legacy(text)
	return m
}

// bom is UTF-8's byte order mark.
var bom = []byte("\xef\xbb\xbf")

// leadingPriority reads <PRI>, 0 to 191.
func leadingPriority(b []byte) (priority int, rest []byte, ok bool) {
	if len(b) < 3 || b[0] != '<' {
		return 0, b, false
	}
	i := 1
	for i < len(b) && i < 4 && isDigit(b[i]) {
		priority = priority*10 + int(b[i]-'0')
		i++
	}
	if i == 1 || i == len(b) || b[i] != '>' || priority > 191 {
		return 0, b, false
	}
	return priority, b[i+1:], true
}

// withoutCount drops the length in front of a message that was framed by it, as some senders
// do where nothing asks for it.
func withoutCount(b []byte) []byte {
	n := 0
	for n < len(b) && n < 9 && isDigit(b[n]) {
		n++
	}
	if n > 0 && n+1 < len(b) && b[n] == ' ' && b[n+1] == '<' {
		if _, _, ok := leadingPriority(b[n+1:]); ok {
			return b[n+1:]
		}
	}
	return b
}

// modern reads the header of RFC 5424 and returns what follows it. If it is none, m is as it was.
func (m *Message) modern(b []byte) (rest []byte, ok bool) {
	n := 0
	for n < len(b) && n < 3 && isDigit(b[n]) {
		n++
	}
	if n == 0 || n == len(b) || b[0] == '0' || b[n] != ' ' {
		return nil, false
	}
	var fields [5][]byte
	rest = b[n+1:]
	for i := range fields {
		word, after, more := bytes.Cut(rest, []byte{' '})
		if !more && i < len(fields)-1 {
			return nil, false
		}
		fields[i], rest = field(word), after
	}
	var time Time
	if fields[0] != nil {
		t, end, ok := parseISO(fields[0])
		if !ok || end != len(fields[0]) {
			return nil, false
		}
		time = t
	} else if m.Priority == NoPriority {
		return nil, false // any line of words would do
	}
	m.Version, _ = decimal(b[:n])
	m.Time, m.Host, m.App, m.Pid, m.MsgID = time, fields[1], fields[2], fields[3], fields[4]
	switch n := dataLength(rest); {
	case n > 0:
		m.Data, rest = rest[:n], rest[n:]
	case len(rest) > 0 && rest[0] == '-' && (len(rest) == 1 || rest[1] == ' '):
		rest = rest[1:]
	default:
		return rest, true // there should be data; what is there is text
	}
	return bytes.TrimPrefix(rest, []byte{' '}), true
}

// field is nil for what stands for nothing.
func field(b []byte) []byte {
	if len(b) == 0 || len(b) == 1 && b[0] == '-' {
		return nil
	}
	return b
}

// legacy reads what RFC 3164 describes, and its relatives. It returns the text.
func (m *Message) legacy(b []byte) []byte {
	rest, ok := m.timed(bytes.TrimLeft(b, " "))
	if !ok {
		return m.tagged(b, false)
	}
	switch {
	case len(rest) == 0:
		return rest
	case rest[0] == ':': // Cisco
		return m.mnemonic(bytes.TrimLeft(rest[1:], " "))
	}
	rest = bytes.TrimLeft(rest, " ")
	if len(rest) > 1 && rest[0] == ':' && rest[1] == ' ' {
		return m.mnemonic(rest[2:])
	}
	if tagLength(rest) > 0 || len(rest) > 0 && rest[0] == '%' {
		return m.tagged(rest, true)
	}
	if n := bytes.IndexByte(rest, ' '); n > 0 && isHost(rest[:n]) {
		m.Host, rest = rest[:n], rest[n+1:]
		if len(rest) > 1 && rest[0] == ':' && rest[1] == ' ' { // ASA
			return m.mnemonic(rest[2:])
		}
		return m.tagged(rest, true)
	}
	return rest
}

// timed reads the time and what Cisco's devices put around it. What follows is nothing, a blank or
// a colon. If there is no time, m is as it was.
func (m *Message) timed(b []byte) (rest []byte, ok bool) {
	if rest, ok = m.clock(b); ok {
		return rest, true
	}
	n := 0
	for n < len(b) && n < 12 && isDigit(b[n]) {
		n++
	}
	if n+1 >= len(b) || b[n] != ':' || b[n+1] != ' ' {
		return nil, false
	}
	after := bytes.TrimLeft(b[n+1:], " ")
	if rest, ok = m.clock(after); !ok {
		// The number may be followed by the name of the device.
		i := bytes.Index(after, []byte(": "))
		if i <= 0 || !isHost(after[:i]) {
			return nil, false
		}
		if rest, ok = m.clock(after[i+2:]); !ok {
			return nil, false
		}
		m.Host = after[:i]
	}
	if n > 0 {
		m.Sequence = b[:n]
	}
	return rest, true
}

// clock reads a time, the mark before it and the zone's name after it.
func (m *Message) clock(b []byte) (rest []byte, ok bool) {
	mark := byte(0)
	if len(b) > 0 && (b[0] == '*' || b[0] == '.') {
		mark, b = b[0], b[1:]
	}
	t, n, ok := parseTime(b)
	if !ok || n < len(b) && b[n] != ' ' && b[n] != ':' {
		return nil, false
	}
	rest = b[n:]
	if !t.Zoned {
		if zone, after := zoneName(rest); zone != nil {
			rest = after
			if t.Offset, t.Zoned = offsetOf(zone); !t.Zoned {
				m.Zone = zone
			}
		}
	}
	m.Time, m.Mark = t, mark
	return rest, true
}

// tagged reads the tag that names the program, and returns the text. Without a time before it a tag is
// believed if it has a process id, or could be a program's name: "Error: it broke" is a text.
func (m *Message) tagged(b []byte, timed bool) []byte {
	if len(b) > 0 && b[0] == '%' {
		return m.mnemonic(b)
	}
	n := tagLength(b)
	if n == 0 {
		return b
	}
	tag, rest := b[:n], b[n:]
	tag = bytes.TrimSuffix(tag, []byte{':'})
	app, pid := tag, []byte(nil)
	if tag[len(tag)-1] == ']' {
		if open := bytes.LastIndexByte(tag, '['); open > 0 {
			app, pid = tag[:open], tag[open+1:len(tag)-1]
		}
	}
	if !timed && (m.Priority == NoPriority || pid == nil && !isProgram(app)) {
		return b
	}
	m.App, m.Pid = app, field(pid)
	return bytes.TrimPrefix(rest, []byte{' '})
}

// isProgram tells names as programs have them from the words that texts begin with.
func isProgram(b []byte) bool {
	for _, c := range b {
		if !isDigit(c) && (c < 'a' || c > 'z') && bytes.IndexByte([]byte("-_./"), c) < 0 {
			return false
		}
	}
	return b[0] >= 'a' && b[0] <= 'z' && event.LevelRank(string(b)) == event.RankUnknown
}

// tagLength returns how long the tag at the start of b is, 0 if there is none: a word that ends in a
// colon, or in a number in brackets.
//
//	sshd[19939]: …   sshd(pam_unix)[19939]: …   kernel: …   postfix/smtpd[17]: …   cron[9] …   app[1]:text
func tagLength(b []byte) int {
	const longest = 256
	end := bytes.IndexByte(b[:min(len(b), longest)], ' ')
	if end < 0 {
		end = min(len(b), longest)
	}
	word := b[:end]
	if bytes.ContainsFunc(word, unicode.IsControl) {
		return 0
	}
	if n := bytes.Index(word, []byte("]:")); n > 0 && bytes.IndexByte(word[:n], '[') > 0 {
		return n + 2
	}
	n := len(word)
	switch {
	case n < 2:
	case word[n-1] == ':':
		return n
	case word[n-1] == ']':
		open := bytes.LastIndexByte(word, '[')
		if _, ok := decimal(word[open+1 : n-1]); ok && open > 0 {
			return n
		}
	}
	return 0
}

// mnemonic notes the %FACILITY-SEVERITY-MNEMONIC: that Cisco's texts begin with. It stays in the text.
func (m *Message) mnemonic(b []byte) []byte {
	if len(b) == 0 || b[0] != '%' {
		return b
	}
	n, dashes := 1, 0
	for n < len(b) && (isDigit(b[n]) || b[n] >= 'A' && b[n] <= 'Z' || b[n] == '_' || b[n] == '-') {
		if b[n] == '-' {
			dashes++
		}
		n++
	}
	if dashes >= 2 && n < len(b) && b[n] == ':' {
		m.MsgID = b[1:n]
	}
	return b
}

// isHost tells a name or address from other words.
func isHost(b []byte) bool {
	for _, c := range b {
		switch {
		case isDigit(c), c|0x20 >= 'a' && c|0x20 <= 'z':
		case bytes.IndexByte([]byte(".-_:/@%[]"), c) >= 0:
		default:
			return false
		}
	}
	return len(b) > 0 && len(b) <= 255 && b[0] != '-' && b[0] != '[' || bytes.HasPrefix(b, []byte("[::"))
}

// decimal reads a number of at most 18 digits.
func decimal(b []byte) (n int, ok bool) {
	if len(b) == 0 || len(b) > 18 {
		return 0, false
	}
	for _, c := range b {
		if !isDigit(c) {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}

func isDigit(c byte) bool { return c-'0' <= 9 }
