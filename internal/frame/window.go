package frame

import (
	"bytes"
	"errors"
	"io"

	"github.com/stelehq/stele/internal/fault"
)

// window reads parts of a file: small ones through a buffer, so that a log of small frames is
// read in large pieces, large ones into memory of their own that is reused.
type window struct {
	r    io.ReaderAt
	size int64
	name string

	from  int64
	bytes []byte // of the file from there on
	large []byte
}

const windowSize = 64 << 10

// at returns n bytes from offset on, which are inside the file. They are valid until the next call.
func (w *window) at(offset int64, n int) ([]byte, error) {
	if n < 0 || offset < 0 || offset > w.size || int64(n) > w.size-offset {
		return nil, fault.New(fault.Internal, "read log", "%d bytes of a file of %d", n, w.size).At(w.name, offset)
	}
	if skip := offset - w.from; skip >= 0 && skip <= int64(len(w.bytes)) && int64(n) <= int64(len(w.bytes))-skip {
		return w.bytes[skip:][:n], nil
	}
	if n > windowSize {
		if cap(w.large) < n {
			w.large = make([]byte, n)
		}
		return w.large[:n], w.read(w.large[:n], offset)
	}
	if cap(w.bytes) == 0 {
		w.bytes = make([]byte, min(windowSize, w.size))
	}
	w.bytes = w.bytes[:min(int64(cap(w.bytes)), w.size-offset)]
	w.from = offset
	if err := w.read(w.bytes, offset); err != nil {
		w.bytes = w.bytes[:0]
		return nil, err
	}
	return w.bytes[:n], nil
}

func (w *window) read(p []byte, offset int64) error {
	n, err := w.r.ReadAt(p, offset)
	if n == len(p) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		return fault.New(fault.Corrupt, "read log", "expected %d bytes, found %d: the file has become shorter", len(p), n).At(w.name, offset)
	}
	return fault.WrapAs(fault.IO, err, "read log", "cannot read %d bytes", len(p)).At(w.name, offset)
}

// findMagic returns the first offset, from on, at which a frame's magic stands and a header fits.
func (w *window) findMagic(from int64) (int64, bool, error) {
	for w.size-from >= HeaderSize {
		b := w.ahead(from)
		if len(b) < HeaderSize {
			// Fills the window from here on.
			if _, err := w.at(from, HeaderSize); err != nil {
				return 0, false, err
			}
			b = w.ahead(from)
		}
		if i := bytes.Index(b, []byte(magic)); i >= 0 {
			at := from + int64(i)
			return at, w.size-at >= HeaderSize, nil
		}
		from += int64(len(b)) - int64(len(magic)) + 1
	}
	return 0, false, nil
}

// zeros tells whether the file has nothing but zeros from an offset on.
func (w *window) zeros(from int64) (bool, error) {
	for from < w.size {
		b, err := w.at(from, int(min(windowSize, w.size-from)))
		if err != nil || len(bytes.TrimLeft(b, "\x00")) > 0 {
			return false, err
		}
		from += int64(len(b))
	}
	return true, nil
}

// ahead returns what the window holds from offset on.
func (w *window) ahead(offset int64) []byte {
	if skip := offset - w.from; skip >= 0 && skip < int64(len(w.bytes)) {
		return w.bytes[skip:]
	}
	return nil
}
