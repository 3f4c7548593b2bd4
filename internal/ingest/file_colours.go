package ingest

import "bytes"

// withoutColours drops the colours of terminals from a line that begins with them, as programs
// write it whose output was meant for a terminal. A line that has them only further on says something with them.
func withoutColours(line []byte, room *[]byte) []byte {
	if !coloured(line) {
		return line
	}
	plain := (*room)[:0]
	for i := 0; i < len(line); {
		if n := escapeLength(line[i:]); n > 0 {
			i += n
			continue
		}
		plain = append(plain, line[i])
		i++
	}
	*room = plain
	return plain
}

// colouredBytes is how far into a line colours must begin.
const colouredBytes = 64

// coloured reports whether a line begins with an escape of a terminal, or has a colour near its beginning.
func coloured(line []byte) bool {
	for at := 0; at < min(len(line), colouredBytes); {
		next := bytes.IndexByte(line[at:min(len(line), colouredBytes)], 0x1b)
		if next < 0 {
			return false
		}
		at += next
		n := escapeLength(line[at:])
		if n > 0 && (at == 0 || len(skipReset(line[at:])) == len(line)-at) {
			return true
		}
		at += max(n, 1)
	}
	return false
}

// escapeLength measures the escape that sets a colour, or clears a line, at the beginning of text; 0: there is none.
func escapeLength(text []byte) int {
	if !hasPrefix(text, "\x1b[") {
		return 0
	}
	end := 2
	for end < len(text) && (isDigit(text[end]) || text[end] == ';') {
		end++
	}
	if end < len(text) && (text[end] == 'm' || text[end] == 'K') {
		return end + 1
	}
	return 0
}

// skipColours returns text without the escapes it begins with.
func skipColours(text []byte) []byte {
	for {
		n := escapeLength(text)
		if n == 0 {
			return text
		}
		text = text[n:]
	}
}

// skipReset returns text without the escape that ends colours, if it begins with it.
func skipReset(text []byte) []byte {
	for _, reset := range [...]string{"\x1b[0m", "\x1b[m"} {
		if hasPrefix(text, reset) {
			return text[len(reset):]
		}
	}
	return text
}
