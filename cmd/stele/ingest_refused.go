package main

import (
	"encoding/base64"
	"os"
	"strconv"
	"unicode/utf8"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
)

// refusal is a line that was left out.
type refusal struct {
	file         *fileSummary
	line, offset int64
	why          string
	text         []byte // nil: not at hand
}

// refusedFile keeps the text of what was refused, one JSON object a line:
//
//	{"file":"app.jsonl","line":3,"byte":412,"reason":"…","text":"{\"a\":"}
//
// Text that is not UTF-8 is there twice: readable, and exactly as "base64".
type refusedFile struct {
	name string
	f    *os.File
	buf  []byte
	err  error // the first failure; nothing is written after it
}

func openRefused(name string) (*refusedFile, error) {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fault.Wrap(err, "", "--refused %s cannot be written", name)
	}
	return &refusedFile{name: name, f: f}, nil
}

func (r *refusedFile) add(one refusal) {
	b := append(r.buf[:0], `{"file":`...)
	b = event.AppendString(b, []byte(one.file.name))
	b = strconv.AppendInt(append(b, `,"line":`...), one.line, 10)
	b = strconv.AppendInt(append(b, `,"byte":`...), one.offset, 10)
	b = event.AppendString(append(b, `,"reason":`...), []byte(one.why))
	if one.text != nil {
		b = event.AppendString(append(b, `,"text":`...), one.text)
		if !utf8.Valid(one.text) {
			b = append(b, `,"base64":"`...)
			b = base64.StdEncoding.AppendEncode(b, one.text)
			b = append(b, '"')
		}
	}
	r.buf = append(b, '}', '\n')
	if r.err == nil {
		_, r.err = r.f.Write(r.buf)
	}
}

func (r *refusedFile) close() error {
	err := r.f.Close()
	if r.err != nil {
		err = r.err
	}
	if err != nil {
		return fault.Wrap(err, "", "--refused %s is not whole", r.name)
	}
	return nil
}
