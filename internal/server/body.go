package server

import (
	"compress/zlib"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/stelehq/stele/internal/fault"
)

// Reading a request's body: a coding is undone, the decoded bytes are counted (never the
// header believed), and a client must keep a pace.

const (
	firstPiece = 16 << 10         // bytes of memory for a body of which nothing has come
	leastRate  = 10 << 10         // bytes a second that a body must keep after its grace
	keepOfOver = 64 << 10         // bytes kept of a body over its limit (R21)
	drainBytes = 64 << 20         // bytes read and dropped so that a client sees the answer to too large a body
	drainTime  = 10 * time.Second // and for how long
)

// bodyError is a body that cannot be taken, with what was read of it.
type bodyError struct {
	err       error
	kept      []byte // the start of the body, decoded if its coding is sound
	coding    string // the content coding that kept is still in, if any
	bytes     int64  // how long the body is, as far as it was read
	truncated bool   // kept is not all of it
	gone      bool   // the client went away or was too slow: there is nobody to be told
}

func (e *bodyError) Error() string { return e.err.Error() }
func (e *bodyError) Unwrap() error { return e.err }

// readBody reads a body of at most limit bytes, decoded. release gives its memory back to
// the budget and must be called whatever the result. Errors are *bodyError or of kind
// Exhausted or Canceled.
func (a *api) readBody(w http.ResponseWriter, r *http.Request, limit int) (text []byte, release func(), err error) {
	b := a.openBody(w, r, limit)
	defer b.close()
	text, err = b.rest(nil)
	return text, b.hold.release, b.failed(err, func() []byte { return text })
}

// A body is one that is being read.
type body struct {
	a       *api
	raw     *pacedReader
	decoded io.Reader
	coding  string
	limit   int
	hold    *hold // of everything that the request brings
	expect  int   // how long it says it is; 0: it does not
	bytes   int64 // decoded so far
}

// openBody begins to read a request's body. Who has read it closes it, and releases its hold.
func (a *api) openBody(w http.ResponseWriter, r *http.Request, limit int) *body {
	b := &body{a: a, limit: limit, hold: a.memory.patient(r.Context(), a.o.bodyWait)}
	b.raw = &pacedReader{
		r: r.Body, control: http.NewResponseController(w),
		end: time.Now().Add(a.o.bodyGrace), most: int64(limit),
	}
	b.decoded = b.raw
	b.coding = strings.ToLower(strings.TrimSpace(strings.Join(r.Header.Values("Content-Encoding"), ",")))
	switch b.coding {
	case "", "identity":
		b.coding = ""
		if r.ContentLength > 0 {
			b.expect = int(min(r.ContentLength, int64(limit)))
		}
	case "gzip", "x-gzip":
		b.decoded = &lateReader{open: func() (io.Reader, error) { return gzip.NewReader(b.raw) }}
	case "deflate":
		b.decoded = &lateReader{open: func() (io.Reader, error) { return zlib.NewReader(b.raw) }}
	default:
		b.decoded = unknownCoding{b.raw}
	}
	b.raw.keep = b.coding != ""
	return b
}

func (b *body) close() {
	b.raw.done()
	b.a.meters.bodyBytes.Add(int(b.raw.read))
}

var (
	errOver   = errors.New("over the limit")
	errCoding = errors.New("unknown coding")
)

// unknownCoding reads as much of a body that cannot be decoded as is kept.
type unknownCoding struct{ raw *pacedReader }

func (u unknownCoding) Read([]byte) (int, error) {
	_, err := io.CopyN(io.Discard, u.raw, keepOfOver)
	if err == io.EOF || err == nil {
		err = errCoding
	}
	return 0, err
}

// fill reads until buf is full or the body ends.
func (b *body) fill(buf []byte) (_ []byte, end bool, err error) {
	for len(buf) < cap(buf) {
		n, err := b.decoded.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		b.bytes += int64(n)
		switch {
		case b.raw.over || b.bytes > int64(b.limit):
			return buf, false, errOver
		case err == io.EOF:
			return buf, true, nil
		case err != nil:
			return buf, false, err
		}
	}
	return buf, false, nil
}

// grow gives buf more room, at most to a capacity of most. The memory is taken from the budget before it is allocated.
func (b *body) grow(buf []byte, most int) ([]byte, error) {
	// A declared length is believed little by little: a client may declare and not send. So first some, then twice as much, or what was
	// declared, up to eight times what has come.
	left := max(b.expect-int(b.bytes), 0) + len(buf) + 1
	size := min(b.expect+1, firstPiece)
	if b.expect == 0 {
		size = 4 << 10
	}
	if cap(buf) > 0 {
		size = max(2*cap(buf), min(left, 8*cap(buf)))
	}
	if size = min(size, most); size <= cap(buf) {
		return buf, nil
	}
	if err := b.hold.take(int64(size - cap(buf))); err != nil {
		return buf, err
	}
	bigger := make([]byte, len(buf), size)
	copy(bigger, buf)
	return bigger, nil
}

// rest reads what is left of the body behind text.
func (b *body) rest(text []byte) (_ []byte, err error) {
	for end := false; !end; {
		if len(text) == cap(text) {
			// One byte more than the limit, which tells that a body is over it.
			if text, err = b.grow(text, len(text)+b.limit+1-int(b.bytes)); err != nil {
				return text, err
			}
		}
		if text, end, err = b.fill(text); err != nil {
			return text, err
		}
	}
	return text, nil
}

// failed is what becomes of a failure to read the body: a *bodyError, or err if that is of the store's kinds. kept returns what is kept of the
// body, as it was decoded so far.
func (b *body) failed(err error, kept func() []byte) error {
	if err == nil || stelErr(err) && b.raw.err == nil {
		return err
	}
	raw := b.raw
	var bad *bodyError
	switch {
	case raw.err != nil:
		return &bodyError{err: raw.failure(), bytes: raw.read, gone: true}
	case errors.Is(err, errCoding):
		bad = &bodyError{
			err: &statusError{http.StatusUnsupportedMediaType,
				fault.New(fault.Invalid, "", "the content encoding %q is not understood; allowed: gzip, deflate, identity", clip(b.coding, 60))},
			kept: raw.head, coding: clip(b.coding, 60), bytes: raw.read, truncated: len(raw.head) == keepOfOver,
		}
	case errors.Is(err, errOver):
		what := "the body"
		if b.coding != "" {
			what = "the body, decompressed,"
		}
		text := kept()
		bad = &bodyError{
			err:  fault.New(fault.TooLarge, "", "%s is over the limit of %d bytes", what, b.limit).WithHint("send less at once, or raise the limit in the server's settings"),
			kept: text[:min(len(text), keepOfOver)], bytes: b.bytes, truncated: true,
		}
	case errors.Is(err, io.ErrUnexpectedEOF):
		bad = b.unsound(kept, fault.New(fault.Invalid, "", "the %s body ends too early: its first %d bytes, decompressed to %d, are not all of it", b.coding, raw.read, b.bytes))
	default:
		bad = b.unsound(kept, fault.WrapAs(fault.Invalid, err, "", "the body is not sound %s, near its byte %d", b.coding, raw.read))
	}
	bad.bytes += raw.drain()
	return bad
}

// unsound is a coded body that breaks off: what could be decoded is kept, or, where that is
// nothing, the bytes as they came (R21).
func (b *body) unsound(kept func() []byte, err error) *bodyError {
	if b.bytes > 0 {
		return &bodyError{err: err, kept: kept(), bytes: b.bytes, truncated: true}
	}
	raw := b.raw
	return &bodyError{err: err, kept: raw.head, coding: b.coding, bytes: raw.read, truncated: !raw.ended || raw.read > int64(len(raw.head))}
}

// stelErr tells the budget's refusal from what readers return.
func stelErr(err error) bool {
	var e *fault.Error
	return errors.As(err, &e)
}

// lateReader opens a decoder at the first read, so that errors of its header come from Read.
// An empty body is empty whatever coding it claims.
type lateReader struct {
	open func() (io.Reader, error)
	r    io.Reader
}

func (l *lateReader) Read(p []byte) (int, error) {
	if l.r == nil {
		r, err := l.open()
		if err != nil {
			return 0, err
		}
		l.r = r
	}
	return l.r.Read(p)
}

// pacedReader reads the connection. A client that falls behind leastRate after its grace is
// given up; so is one that sends more than most bytes, since a coded body may decode to nothing.
type pacedReader struct {
	r       io.Reader
	control *http.ResponseController
	end     time.Time // the deadline of a body without a byte
	most    int64
	read    int64
	keep    bool   // whether to keep the start of what is read
	head    []byte // at most keepOfOver bytes
	err     error  // what the connection said, if not EOF
	over    bool
	ended   bool
}

func (p *pacedReader) Read(b []byte) (int, error) {
	if p.over {
		return 0, io.EOF
	}
	_ = p.control.SetReadDeadline(p.end.Add(time.Duration(p.read) * time.Second / leastRate))
	n, err := p.r.Read(b)
	p.read += int64(n)
	if p.keep {
		p.head = append(p.head, b[:min(n, keepOfOver-len(p.head))]...)
	}
	if p.read > p.most {
		p.over = true
	}
	if err == io.EOF {
		p.ended = true
	} else if err != nil {
		p.err = err
	}
	return n, err
}

// failure is the answer to a client that is gone or too slow. Its data is not judged, so
// the status is one that clients retry.
func (p *pacedReader) failure() error {
	if errors.Is(p.err, os.ErrDeadlineExceeded) {
		return fault.WrapAs(fault.Exhausted, p.err, "", "the body came too slowly: %d bytes so far", p.read)
	}
	return fault.WrapAs(fault.Canceled, p.err, "", "the body broke off after %d bytes", p.read)
}

// drain reads and drops what follows, so that a client that is still sending gets to read the
// answer; it returns how much that was.
func (p *pacedReader) drain() int64 {
	_ = p.control.SetReadDeadline(time.Now().Add(drainTime))
	n, err := io.CopyN(io.Discard, p.r, drainBytes)
	p.ended = p.ended || err == io.EOF
	return n
}

// done gives what is left of a body that did not end a last moment. After one that ended
// net/http itself takes the deadline away, and watches the connection.
func (p *pacedReader) done() {
	if !p.ended {
		_ = p.control.SetReadDeadline(time.Now().Add(time.Second))
	}
}
