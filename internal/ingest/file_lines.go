package ingest

import (
	"bufio"
	"bytes"
	"io"
	"time"
)

// A fileLine is one line of a file without its end (LF or CRLF). text is valid until the
// next line is read.
type fileLine struct {
	text   []byte
	number int64 // from 1
	offset int64 // of its first byte, in the text after decompression
	bytes  int64 // how long it is; more than text holds if it is over the limit
	over   bool  // longer than the limit: text is its beginning

	arrived time.Time // when a container's runtime took it; zero: not known
	stream  string    // that it came through, if a runtime says so
}

// lineReader reads lines of at most limit bytes; of longer ones it keeps the beginning.
// Memory is bounded by the limit, whatever is read.
type lineReader struct {
	br     *bufio.Reader
	limit  int
	long   []byte // a line that does not fit in br's buffer
	number int64
	offset int64
}

const lineBuffer = 128 << 10

func newLineReader(r io.Reader, limit int) *lineReader {
	size := lineBuffer
	if text, ok := r.(*bytes.Reader); ok { // it does not grow: one byte more than it has shows its end
		size = min(size, text.Len()+1)
	}
	return &lineReader{br: bufio.NewReaderSize(r, size), limit: limit}
}

// next returns the next line; the error is io.EOF at the end, or why reading failed. What
// was read of a last line before a failure is returned first.
func (l *lineReader) next() (fileLine, error) {
	part, err := l.br.ReadSlice('\n')
	line := fileLine{number: l.number + 1, offset: l.offset, text: part, bytes: int64(len(part))}
	end := lineEnd(part, 0)
	if err == bufio.ErrBufferFull {
		l.long = append(l.long[:0], part...)
		for err == bufio.ErrBufferFull {
			before := part[len(part)-1]
			part, err = l.br.ReadSlice('\n')
			end = lineEnd(part, before)
			line.bytes += int64(len(part))
			if room := l.limit + 2 - len(l.long); room > 0 { // 2: the line's end may be read as well
				l.long = append(l.long, part[:min(len(part), room)]...)
			}
		}
		line.text = l.long
	}
	if line.bytes == 0 {
		return fileLine{}, err
	}
	l.number++
	l.offset += line.bytes
	line.bytes -= int64(end)
	if line.over = line.bytes > int64(l.limit); line.over {
		line.text = line.text[:min(len(line.text), l.limit)]
	} else {
		line.text = line.text[:line.bytes]
	}
	return line, nil
}

// lineEnd counts the bytes of LF or CRLF at the end of part, which before came before.
func lineEnd(part []byte, before byte) int {
	n := len(part)
	switch {
	case n == 0 || part[n-1] != '\n':
		return 0
	case n > 1 && part[n-2] == '\r', n == 1 && before == '\r':
		return 2
	}
	return 1
}

// sample returns what is known of the text's beginning without consuming it: what one read
// gives, and at least a whole line of it if lines are not longer than the buffer. A patient
// reader waits for a buffer full, which a pipe that is written slowly may never give.
func (l *lineReader) sample(patient bool) (text []byte, whole bool) {
	if patient {
		text, err := l.br.Peek(lineBuffer)
		return text, err != nil
	}
	for {
		text, err := l.br.Peek(l.br.Buffered() + 1)
		if err != nil {
			return text, true
		}
		text, _ = l.br.Peek(l.br.Buffered())
		if bytes.IndexByte(text, '\n') >= 0 || len(text) >= lineBuffer {
			return text, false
		}
	}
}

// skip passes over n bytes that sample has shown.
func (l *lineReader) skip(n int) {
	d, _ := l.br.Discard(n)
	l.offset += int64(d)
}
