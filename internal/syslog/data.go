package syslog

import "github.com/stelehq/stele/internal/event"

// Structured data (RFC 5424, section 6.3): one or more elements without anything between.
//
//	[id name="value" name="value"]        in a value \" \\ and \] are escapes, any other \ is itself

// dataLength returns how long the structured data at the start of b are, 0 if there are none that
// are well-formed. A blank or the end follows them.
func dataLength(b []byte) int {
	i := 0
	for i < len(b) && b[i] == '[' {
		n := elementLength(b[i:])
		if n == 0 {
			return 0
		}
		i += n
	}
	if i < len(b) && b[i] != ' ' {
		return 0
	}
	return i
}

func elementLength(b []byte) int {
	i := 1 + nameLength(b[1:])
	if i == 1 {
		return 0
	}
	for i < len(b) && b[i] == ' ' {
		for i < len(b) && b[i] == ' ' {
			i++
		}
		if i < len(b) && b[i] == ']' {
			break
		}
		n := nameLength(b[i:])
		if n == 0 || i+n+1 >= len(b) || b[i+n] != '=' || b[i+n+1] != '"' {
			return 0
		}
		i += n + 2
		for i < len(b) && b[i] != '"' {
			if b[i] == '\\' {
				i++
			}
			i++
		}
		i++
	}
	if i >= len(b) || b[i] != ']' {
		return 0
	}
	return i + 1
}

// nameLength measures the name of an element or of a member.
func nameLength(b []byte) int {
	i := 0
	for i < len(b) && b[i] > ' ' && b[i] != '=' && b[i] != ']' && b[i] != '"' && b[i] != 0x7F {
		i++
	}
	return i
}

// writeData writes structured data that dataLength has measured, as an object of objects.
func writeData(w *event.Builder, b []byte, scratch []byte) []byte {
	w.Open('{')
	for i := 0; i < len(b); {
		i++ // [
		n := nameLength(b[i:])
		w.InnerBytes(b[i : i+n]).Open('{')
		i += n
		for {
			for b[i] == ' ' {
				i++
			}
			if b[i] == ']' {
				i++
				break
			}
			n := nameLength(b[i:])
			w.InnerBytes(b[i : i+n])
			i += n + 2 // ="
			scratch = scratch[:0]
			for b[i] != '"' {
				if b[i] == '\\' && (b[i+1] == '"' || b[i+1] == '\\' || b[i+1] == ']') {
					i++
				}
				scratch = append(scratch, b[i])
				i++
			}
			i++ // "
			w.String(scratch)
		}
		w.Close('}')
	}
	w.Close('}')
	return scratch
}

// AppendData appends a message's structured data as a JSON object of objects.
func AppendData(dst, data []byte) []byte {
	var w event.Builder
	writeData(&w, data, nil)
	return append(dst, w.Bytes()...)
}
