package follow

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"time"
)

// A Log is one log file through all its names: renamed, copied and compressed. The members in
// JSON are remembered.
type Log struct {
	Path string    `json:"path"`          // where it is, or was last
	Live string    `json:"live"`          // where the arguments found it last
	ID   ID        `json:"id"`            // of the file there
	Head Print     `json:"head"`          // of its first bytes, after decompression
	Mod  time.Time `json:"modified"`      // when it was last written to, before it was copied or compressed
	Gone time.Time `json:"gone,omitzero"` // since when it is nowhere
	At   Position  `json:"at"`            // how far it was stored

	Shown string `json:"-"` // its name for people
	Told  int64  `json:"-"` // the offset up to which refused lines were told

	file    *os.File  // open while it is being written to, so that it can be read after it was deleted
	packed  bool      // compressed with gzip
	size    int64     // when it was last looked at
	mod     time.Time // then
	changed time.Time // when size last changed
	here    bool      // found by the scan
	seen    bool      // looked at since the start
	deleted bool      // only the open file is left
	tried   attempt   // the last reading
}

// open returns the log's file if it is kept open, or opens it at path; then own says that the
// caller is to close it. The file that is there may be another by now: then the error is
// fs.ErrNotExist.
func (l *Log) open(path string, id ID) (f *os.File, own bool, err error) {
	if l.file != nil {
		return l.file, false, nil
	}
	f, err = openAs(path, id)
	return f, true, err
}

// openAs opens the file at path if it is this one.
func openAs(path string, id ID) (*os.File, error) {
	f, err := openShared(path)
	if err != nil {
		return nil, err
	}
	now := File{Path: path}
	if err = now.lookInto(f); err == nil && now.ID != id {
		err = &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// attempt is what the outcome of reading depends on.
type attempt struct {
	size         int64
	mod          time.Time
	quiet, final bool
	read         bool
}

// fits reports whether an open file of a size is this log: whether what was read of it is still there.
func (l *Log) fits(f *os.File, size int64) bool {
	if isPacked(f) {
		return l.fitsPacked(f)
	}
	// The beginning last: if it is right, the file had not been written anew before.
	return size >= l.At.Offset &&
		l.At.Tail.fits(readAt(f, l.At.Offset-int64(l.At.Tail.Bytes), l.At.Tail.Bytes)) &&
		l.Head.fits(readAt(f, 0, l.Head.Bytes))
}

func (l *Log) fitsPacked(f *os.File) bool {
	text, err := unpack(f)
	if err != nil {
		return false
	}
	head := readFull(text, l.Head.Bytes)
	if !l.Head.fits(head) {
		return false
	}
	skip := l.At.Offset - int64(l.At.Tail.Bytes) - int64(len(head))
	if skip < 0 { // the two overlap
		if text, err = unpack(f); err != nil {
			return false
		}
		skip = l.At.Offset - int64(l.At.Tail.Bytes)
	}
	if n, _ := io.CopyN(io.Discard, text, skip); n != skip {
		return false
	}
	return l.At.Tail.fits(readFull(text, l.At.Tail.Bytes))
}

func readFull(r io.Reader, n int) []byte {
	b := make([]byte, n)
	n, _ = io.ReadFull(r, b)
	return b[:n]
}

// extend takes the print of as much of the beginning as there is, unless it is another by now.
func (l *Log) extend(f *os.File) {
	if l.Head.Bytes == headBytes {
		return
	}
	var b []byte
	if !l.packed {
		b = readAt(f, 0, headBytes)
	} else if text, err := unpack(f); err == nil {
		b = readFull(text, headBytes)
	}
	if len(b) > l.Head.Bytes && l.Head.fits(b[:l.Head.Bytes]) {
		l.Head = printOf(b)
	}
}

func (l *Log) close() {
	if l.file != nil {
		_ = l.file.Close() // it was only read
		l.file = nil
	}
}

// maxSample bounds the beginning that is read again to judge the format.
const (
	wantSample = 32 << 10
	maxSample  = 1 << 20
)

// GrowSample returns the sample of a log, of which an event begins at offset, after the
// sample was before.
func GrowSample(before, offset int64) int64 {
	if offset > before && before < wantSample && offset <= maxSample {
		return offset
	}
	return before
}

// Reading is a log that is open for reading from its position on. It is the reader of the
// text: whole lines, as many as there are.
type Reading struct {
	Head  []byte // the log's first events, for the format; empty at the beginning
	AtEnd func() // called when there is no more for now, before Read says so; may be nil
	Quiet bool   // what is there is whole: nothing was added for a while, or never will be

	log  *Log
	text io.Reader
	file *os.File
	own  bool // the file is to be closed
}

// Read gives the text.
func (r *Reading) Read(p []byte) (int, error) {
	n, err := r.text.Read(p)
	if n == 0 && err == io.EOF && r.AtEnd != nil {
		r.AtEnd()
	}
	return n, err
}

// Packed returns the size of the file if it is compressed, 0 if not.
func (r *Reading) Packed() int64 {
	if r.log.packed {
		return r.log.size
	}
	return 0
}

// Holds reports whether the file has not been cut short or written anew while it was read up to
// offset, and returns the print of what is before offset.
func (r *Reading) Holds(offset int64) (tail Print, ok bool) {
	if r.log.packed {
		return Print{}, true
	}
	n := min(offset, tailBytes)
	tail = printOf(readAt(r.file, offset-n, int(n)))
	info, err := r.file.Stat()
	if err != nil || info.Size() < offset || !r.log.fits(r.file, info.Size()) {
		r.log.tried = attempt{}
		return Print{}, false
	}
	return tail, true
}

// Close ends the reading.
func (r *Reading) Close() {
	if r.own {
		_ = r.file.Close() // it was only read
	}
}

// wholeLines returns where the last line ends that ends before size, or from.
func wholeLines(f *os.File, from, size int64) int64 {
	const step = 64 << 10
	for end := size; end > from; {
		n := min(step, end-from)
		b := readAt(f, end-n, int(n))
		if at := bytes.LastIndexByte(b, '\n'); at >= 0 {
			return end - n + int64(at) + 1
		}
		end -= n
	}
	return from
}
