package event

import (
	"encoding/binary"
	"math/bits"

	"github.com/stelehq/stele/internal/fault"
)

// A Walk goes through the members of a JSON object that Compact has written, without decoding their values. Such text is known to be
// good and is not checked again: of any other a walk gives what it takes for members, or an error of kind Corrupt, but does not panic.
type Walk struct {
	text    []byte
	at      int
	scratch []byte
}

// Walk starts at the object's first member. Text that is no object has none.
func (w *Walk) Start(text []byte) {
	w.text, w.at = text, len(text)
	if len(text) > 0 && text[0] == '{' {
		w.at = 1
	}
}

// Next returns the next member's name, WTF-8 and valid until the next call, and its value as it stands in the text; ok is false at the end.
func (w *Walk) Next() (name, value []byte, ok bool, err error) {
	i := w.at
	if i < len(w.text) && w.text[i] == ',' {
		i++
	}
	if i >= len(w.text) || w.text[i] == '}' {
		return nil, nil, false, nil
	}
	if w.text[i] != '"' {
		return w.broken(i)
	}
	end, plain := endOfString(w.text, i+1)
	if end+1 >= len(w.text) || w.text[end+1] != ':' {
		return w.broken(i)
	}
	name = w.text[i+1 : end]
	if !plain {
		if name, w.scratch, _, err = ScanString(w.text, i, w.scratch[:0]); err != nil {
			return w.broken(i)
		}
	}
	start := end + 2
	if w.at = endOfValue(w.text, start); w.at <= start {
		return w.broken(start)
	}
	return name, w.text[start:w.at:w.at], true, nil
}

func (w *Walk) broken(i int) (name, value []byte, ok bool, err error) {
	w.at = len(w.text)
	return nil, nil, false, fault.New(fault.Corrupt, opJSON, "byte %d: the text is not compact JSON", i)
}

// Find returns the value at a path of member names in an object that Compact has written, as it stands there; nil if there is none. Of
// duplicate members the last counts.
func (w *Walk) Find(text []byte, path []string) ([]byte, error) {
	for _, wanted := range path {
		var found []byte
		w.Start(text)
		for {
			name, value, ok, err := w.Next()
			if err != nil {
				return nil, err
			}
			if !ok {
				break
			}
			if string(name) == wanted {
				found = value
			}
		}
		if found == nil {
			return nil, nil
		}
		text = found
	}
	return text, nil
}

// endOfString returns the position of the '"' that ends the string whose first character is text[i], or len(text); plain says that the string has
// no escape.
func endOfString(text []byte, i int) (end int, plain bool) {
	plain = true
	for {
		for i+8 <= len(text) {
			w := binary.LittleEndian.Uint64(text[i:])
			quote, slash := w^every01*'"', w^every01*'\\'
			if m := ((quote-every01)&^quote | (slash-every01)&^slash) & every80; m != 0 {
				i += bits.TrailingZeros64(m) >> 3
				break
			}
			i += 8
		}
		for i < len(text) && text[i] != '"' && text[i] != '\\' {
			i++
		}
		if i >= len(text) {
			return len(text), plain
		}
		if text[i] == '"' {
			return i, plain
		}
		i, plain = i+2, false
	}
}

// endOfValue returns the position behind the value that starts at text[i].
func endOfValue(text []byte, i int) int {
	depth := 0
	for i < len(text) {
		switch text[i] {
		case '"':
			i, _ = endOfString(text, i+1)
			i++
		case '{', '[':
			depth++
			i++
		case '}', ']':
			if depth == 0 {
				return i
			}
			depth--
			i++
		case ',':
			if depth == 0 {
				return i
			}
			i++
		default:
			i++
			continue
		}
		if depth == 0 && i > 0 && i <= len(text) {
			switch text[i-1] {
			case '"', '}', ']':
				return i
			}
		}
	}
	return len(text)
}
