package document

// A change is the body of one frame. Integers are little-endian.
//
//	+-------------+---------------------+------------------+----------------+-----------+---------+-------+
//	| version (8) | changed, unix ns (8) | space length (2) | key length (2) | space (s) | key (k) | value |
//	+-------------+---------------------+------------------+----------------+-----------+---------+-------+
//
// The frame's kind says whether the document is set or deleted; a deletion has no value.
//
// Extra data of the file header:
//
//	+-----------+------------------+----------------------------------+-----------------------+
//	| flags (1) | previous file (8) | its last sequence that counts (8) | version before it (8) |
//	+-----------+------------------+----------------------------------+-----------------------+

import (
	"encoding/binary"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/vfs"
)

const (
	formatName    = "stele document log"
	formatVersion = 1

	kindSet    = 1
	kindDelete = 2

	changeFixed = 20
	extraSize   = 25
)

// flagComplete marks a file that compaction wrote: files of lower numbers are litter.
const flagComplete = 1

var le = binary.LittleEndian

// A change as decoded; space, key and value are parts of the frame's body.
type change struct {
	version           uint64
	changed           time.Time
	space, key, value []byte
}

// appendChange leaves version and time to stamp.
func appendChange(dst []byte, space, key string, value []byte) []byte {
	dst = append(dst, make([]byte, 16)...)
	dst = le.AppendUint16(dst, uint16(len(space)))
	dst = le.AppendUint16(dst, uint16(len(key)))
	dst = append(dst, space...)
	dst = append(dst, key...)
	return append(dst, value...)
}

// stamp writes version and time into a change.
func stamp(body []byte, version uint64, changed time.Time) {
	le.PutUint64(body, version)
	le.PutUint64(body[8:], uint64(changed.UnixNano()))
}

func decodeChange(body []byte) (c change, ok bool) {
	if len(body) < changeFixed {
		return change{}, false
	}
	c.version, c.changed = le.Uint64(body), time.Unix(0, int64(le.Uint64(body[8:]))).UTC()
	s, k := int(le.Uint16(body[16:])), int(le.Uint16(body[18:]))
	rest := body[changeFixed:]
	if s+k > len(rest) {
		return change{}, false
	}
	c.space, c.key, c.value = rest[:s], rest[s:s+k], rest[s+k:]
	return c, checkName("key", string(c.key), 1) == nil && checkName("space", string(c.space), 0) == nil
}

type extra struct {
	complete bool
	previous uint64 // 0: none
	last     uint64
	version  uint64
}

func (e extra) encode() []byte {
	b := make([]byte, 1, extraSize)
	if e.complete {
		b[0] |= flagComplete
	}
	b = le.AppendUint64(b, e.previous)
	b = le.AppendUint64(b, e.last)
	return le.AppendUint64(b, e.version)
}

func decodeExtra(b []byte) (e extra, ok bool) {
	if len(b) != extraSize {
		return extra{}, false
	}
	return extra{b[0]&flagComplete != 0, le.Uint64(b[1:]), le.Uint64(b[9:]), le.Uint64(b[17:])}, true
}

// checkName holds keys and spaces to what they may be.
func checkName(what, name string, least int) error {
	switch {
	case len(name) < least || len(name) > MaxKey:
		return fault.New(fault.Invalid, "document", "a %s of %d bytes; it has %d to %d", what, len(name), least, MaxKey)
	case !utf8.ValidString(name):
		return fault.New(fault.Invalid, "document", "the %s %q is not valid UTF-8", what, name)
	case strings.IndexByte(name, 0) >= 0:
		return fault.New(fault.Invalid, "document", "the %s %q has a NUL", what, name)
	}
	return nil
}

var fileNames = vfs.Numbered{Prefix: "document-", Suffix: ".log"}

const tmpSuffix = ".tmp"

func fileName(number uint64) string { return fileNames.Name(number) }

// fileNumber reads the number from a name that fileName made.
func fileNumber(name string) (uint64, bool) { return fileNames.Parse(name) }
