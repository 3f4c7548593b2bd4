package ingest

import (
	"bytes"
	"errors"
	"unicode/utf8"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
)

const opDetect = "detect format"

// countObjects tells how many of the sample's lines are JSON objects, how many of these are
// CLEF, and how many lines only begin like an object.
func countObjects(s *sample) (objects, clef, broken int) {
	scan := objectScan{lenient: true}
	for i, line := range s.lines {
		if line[0] != '{' {
			continue
		}
		err := scan.scan(line)
		switch {
		case err == nil:
			objects++
			if t, ok := scan.find("@t"); ok && t[0] == '"' {
				clef++
			}
		case !s.whole && i == len(s.lines)-1 && len(line) >= lineBuffer/2:
			// An object longer than the sample.
			objects++
			if bytes.Contains(line[:min(len(line), 4096)], []byte(`"@t":"`)) {
				clef++
			}
		case beginsMember(line):
			broken++
		}
	}
	return objects, clef, broken
}

func fitsJSON(s *sample) int {
	objects, _, broken := countObjects(s)
	if isDocument(s, objects) {
		return 90
	}
	if (objects+broken)*2 >= len(s.lines) {
		return s.share(objects+broken, 90)
	}
	// Objects after text, or among lines of logfmt.
	scan := objectScan{lenient: true}
	var r record
	var times stampFinder
	times.prefer(s)
	prefixed, pairs, stamped := 0, 0, 0
	for _, line := range s.lines {
		if _, ok := objectAt(&scan, line); ok {
			prefixed++ // or not
		} else if r.reset(); parseLogfmtLine(line, &r) {
			pairs++
		} else if _, ok := times.begins(line); ok {
			stamped++
		}
	}
	switch n := prefixed + broken; {
	case n*2 >= len(s.lines):
		return s.share(n, 70)
	case objects*10 >= len(s.lines) && (n+pairs)*10 >= len(s.lines)*9:
		return 85
	case n > 1 && n*4 >= len(s.lines) && stamped == 0: // between lines that have no time
		return s.share(n, 60)
	}
	return 0
}

// beginsMember recognises {"name": and what follows, though it is no whole object.
func beginsMember(line []byte) bool {
	if line[0] != '{' {
		return false
	}
	i := event.SkipSpace(line, 1)
	if i >= len(line) || line[i] != '"' {
		return false
	}
	next, err := event.SkipString(line, i)
	if err != nil {
		return false
	}
	next = event.SkipSpace(line, next)
	return next < len(line) && line[next] == ':'
}

// errorIfCoded refuses UTF-16, which looks like text full of NULs, and what is compressed in a way that is not undone here.
func errorIfCoded(sample []byte) error {
	for _, bom := range []string{"\xff\xfe", "\xfe\xff"} {
		if bytes.HasPrefix(sample, []byte(bom)) {
			return fault.New(fault.Invalid, opDetect, "the file is UTF-16").WithHint("convert it first, as with iconv -f UTF-16 -t UTF-8 FILE")
		}
	}
	for _, c := range [...]struct{ magic, name, undo string }{
		{"\x28\xb5\x2f\xfd", "zstd", "zstd -dc FILE"},
		{"\xfd7zXZ\x00", "xz", "xz -dc FILE"},
		{"BZh", "bzip2", "bzip2 -dc FILE"},
		{"PK\x03\x04", "zip", "unzip -p FILE"},
		{"\x04\x22\x4d\x18", "lz4", "lz4 -dc FILE"},
	} {
		if bytes.HasPrefix(sample, []byte(c.magic)) && !utf8.Valid(sample[:min(len(sample), 4096)]) {
			return fault.New(fault.Invalid, opDetect, "the file is compressed with %s; only gzip is understood", c.name).
				WithHint("decompress it first, as with %s | stele ingest -", c.undo)
		}
	}
	return nil
}

// ErrBinary is the cause when a file is no text.
var ErrBinary = errors.New("it has NUL bytes, and no timestamps")

// errorIfBinary refuses what is no text: it has NULs, and nothing in it looks like a log. Logs that a crash has filled up
// with NULs have timestamps.
func errorIfBinary(sample []byte) error {
	if bytes.IndexByte(sample, 0) < 0 {
		return nil
	}
	return fault.WrapAs(fault.Invalid, ErrBinary, opDetect, "the file is binary").
		WithHint("read it all the same with --format text")
}
