package server

import (
	"compress/zlib"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
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
// Exhausted.
func (a *api) readBody(w http.ResponseWriter, r *http.Request, limit int) (body []byte, release func(), err error) {
	hold := a.memory.hold()
	raw := &pacedReader{
		r: r.Body, control: http.NewResponseController(w),
		end: time.Now().Add(a.o.bodyGrace), most: int64(limit),
	}
	defer raw.done()
	body, err = a.readDecoded(r, raw, limit, hold)
	var refused *bodyError
	if errors.As(err, &refused) && !refused.gone {
		refused.bytes += raw.drain()
	}
	a.meters.bodyBytes.Add(int(raw.read))
	return body, hold.release, err
}

func (a *api) readDecoded(r *http.Request, raw *pacedReader, limit int, hold *hold) ([]byte, error) {
	coding := strings.ToLower(strings.TrimSpace(strings.Join(r.Header.Values("Content-Encoding"), ",")))
	raw.keep = coding != ""
	var decoded io.Reader = raw
	switch coding {
	case "", "identity":
		coding = ""
	case "gzip", "x-gzip":
		decoded = &lateReader{open: func() (io.Reader, error) { return gzip.NewReader(raw) }}
	case "deflate":
		decoded = &lateReader{open: func() (io.Reader, error) { return zlib.NewReader(raw) }}
	default:
		body, _, _ := readLimited(raw, keepOfOver, 0, hold)
		return nil, &bodyError{
			err: &statusError{http.StatusUnsupportedMediaType,
				fault.New(fault.Invalid, "", "the content encoding %q is not understood; allowed: gzip, deflate, identity", clip(coding, 60))},
			kept: body, coding: clip(coding, 60), bytes: raw.read, truncated: len(body) == keepOfOver, gone: raw.err != nil,
		}
	}
	expect := 0
	if coding == "" && r.ContentLength > 0 {
		expect = int(min(r.ContentLength, int64(limit)))
	}
	body, over, err := readLimited(decoded, limit, expect, hold)
	switch {
	case raw.err != nil:
		return nil, &bodyError{err: raw.failure(), bytes: raw.read, gone: true}
	case raw.over || over:
		what := "the body"
		if coding != "" {
			what = "the body, decompressed,"
		}
		return nil, &bodyError{
			err:  fault.New(fault.TooLarge, "", "%s is over the limit of %d bytes", what, limit).WithHint("send less at once, or raise the limit in the server's settings"),
			kept: body[:min(len(body), keepOfOver)], bytes: int64(len(body)), truncated: true,
		}
	case stelErr(err):
		return nil, err
	case errors.Is(err, io.ErrUnexpectedEOF):
		return nil, unsound(raw, body, coding,
			fault.New(fault.Invalid, "", "the %s body ends too early: its first %d bytes, decompressed to %d, are not all of it", coding, raw.read, len(body)))
	case err != nil:
		return nil, unsound(raw, body, coding,
			fault.WrapAs(fault.Invalid, err, "", "the body is not sound %s, near its byte %d", coding, raw.read))
	}
	return body, nil
}

// unsound is a coded body that breaks off: what could be decoded is kept, or, where that is
// nothing, the bytes as they came (R21).
func unsound(raw *pacedReader, decoded []byte, coding string, err error) *bodyError {
	if len(decoded) > 0 {
		return &bodyError{err: err, kept: decoded, bytes: int64(len(decoded)), truncated: true}
	}
	return &bodyError{err: err, kept: raw.head, coding: coding, bytes: raw.read, truncated: !raw.ended || raw.read > int64(len(raw.head))}
}

// stelErr tells the budget's refusal from what readers return.
func stelErr(err error) bool {
	var e *fault.Error
	return errors.As(err, &e)
}

// readLimited reads all of r, if it is at most limit bytes; over says that it is more, body
// is then its start. The memory is taken from hold before it is allocated.
func readLimited(r io.Reader, limit, expect int, hold *hold) (body []byte, over bool, err error) {
	grow := func(size int) error {
		if err := hold.take(int64(size - cap(body))); err != nil {
			return err
		}
		bigger := make([]byte, len(body), size)
		copy(bigger, body)
		body = bigger
		return nil
	}
	// A declared length is believed little by little: a client may declare and not send.
	if err := grow(min(max(expect, 4<<10)+1, limit+1, firstPiece)); err != nil {
		return nil, false, err
	}
	for {
		if len(body) == cap(body) {
			// Twice as much, or what was declared up to eight times what has come.
			if err := grow(min(max(2*cap(body), min(expect+1, 8*cap(body))), limit+1)); err != nil {
				return body, false, err
			}
		}
		n, err := r.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		if len(body) > limit {
			return body, true, nil
		}
		if err == io.EOF {
			return body, false, nil
		}
		if err != nil {
			return body, false, err
		}
	}
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

// budget bounds the bytes of bodies held at one time.
type budget struct {
	most int64
	used atomic.Int64
}

// hold is one request's part of the budget.
type hold struct {
	b     *budget
	bytes int64
}

func (b *budget) hold() *hold { return &hold{b: b} }

// take adds n bytes, or fails with kind Exhausted, which is 503: the client tries again.
func (h *hold) take(n int64) error {
	if h.b.used.Add(n) > h.b.most {
		h.b.used.Add(-n)
		return fault.New(fault.Exhausted, "", "too many bytes of request bodies are being taken in at once")
	}
	h.bytes += n
	return nil
}

func (h *hold) release() {
	h.b.used.Add(-h.bytes)
	h.bytes = 0
}
