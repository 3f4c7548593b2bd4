package main

// #include <stdlib.h>
// #include "shim.h"
import "C"

import (
	"context"
	"errors"
	"math"
	"time"
	"unsafe"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/fault"
)

// A stream gives items one after the other: events, rows, reports. It lays them into buffers as records (stele_record in the header).
type stream struct {
	functions functions
	store     *store
	ctx       context.Context
	cancel    context.CancelFunc
	from      source
	reader    *stele.Reader // from, if it is a reader
	over      error         // what every call says once there is nothing more
	buffer    buffer
	pending   []byte // an item's text that did not fit where it was to go; it is the next one
	has       bool
	key       stele.Key
	ahead     *ahead // nil: items are read when they are asked for
}

// functions are the public ones of a kind of stream, for messages.
type functions struct{ next, batch, end string }

var (
	ofReader = functions{"stele_read_next", "stele_read_next_batch", "stele_read_end"}
	ofTail   = functions{"stele_tail_next", "stele_tail_next_batch", "stele_tail_end"}
	ofRows   = functions{"stele_rows_next", "stele_rows_next_batch", "stele_rows_end"}
)

// A source is where a stream has its items from.
type source interface {
	// next goes to the next item, and waits for it if that is its way: errDone, errTimedOut, or why there are no more.
	next(wait time.Duration) error
	append(dst []byte) []byte
	key() stele.Key
	close() error // what was passed over on the way, too
}

const (
	recordSize = C.sizeof_stele_record
	forever    = math.MaxUint32 // milliseconds
)

func stride(text int) int { return (recordSize + text + 7) &^ 7 }

// begin gives a stream its place.
func (s *store) begin(into C.uint32_t, of functions, most time.Duration, from func(ctx context.Context) (source, error)) (*stream, error) {
	st := &stream{functions: of, store: s}
	if most > 0 {
		st.ctx, st.cancel = context.WithTimeout(s.ctx, most)
	} else {
		st.ctx, st.cancel = context.WithCancel(s.ctx)
	}
	var err error
	if st.from, err = from(st.ctx); err != nil {
		st.cancel()
		return nil, err
	}
	if e, ok := st.from.(events); ok {
		st.reader = e.Reader
	}
	place(into).Store(&object{stream: st})
	return st, nil
}

// lay puts items at p, where there are n bytes, and returns how many bytes and how many items that were. Not even one fits: errTooSmall, and how many bytes it
// needs.
func (s *stream) lay(p unsafe.Pointer, n int, wait time.Duration) (used, count int, err error) {
	if s.over != nil {
		return 0, 0, s.over
	}
	room := unsafe.Slice((*byte)(p), n) // SAFETY: as the caller says; no pointer to it is kept
	for {
		var text []byte
		if s.has {
			text = s.pending
		} else {
			if count > 0 {
				wait = 0
			}
			if r := s.reader; r != nil && r.Next() {
				// The one source that is read by the million is asked by its name.
			} else if err := s.from.next(wait); err != nil {
				if err != errTimedOut {
					s.over = s.ended(err)
				}
				if count > 0 {
					return used, count, nil
				}
				if s.over != nil {
					err = s.over
				}
				return 0, 0, err
			}
			into := s.pending[:0]
			if at := used + recordSize; at < n {
				into = room[at:at:n]
			}
			if s.reader != nil {
				e := s.reader.Event()
				s.key, text = e.Key(), e.AppendCLEF(into)
			} else {
				s.key, text = s.from.key(), s.from.append(into)
			}
		}
		step := stride(len(text))
		if used+step > n {
			s.pending, s.has = append(s.pending[:0], text...), true
			if count > 0 {
				return used, count, nil
			}
			return step, 0, errTooSmall
		}
		r := (*C.stele_record)(unsafe.Pointer(&room[used]))
		*(*stele.Key)(unsafe.Pointer(&r.key)) = s.key
		r.len, r.stride = C.uint32_t(len(text)), C.uint32_t(step)
		if into := room[used+recordSize:]; len(text) > 0 && &into[0] != &text[0] { // it was not put there
			copy(into, text)
		}
		clear(room[used+recordSize+len(text) : used+step])
		s.has = false
		used += step
		count++
	}
}

// ended says why a stream ended, as its caller should know it.
func (s *stream) ended(err error) error {
	switch {
	case err == errDone || stele.KindOf(err) != stele.Canceled:
		return err
	case s.store.ctx.Err() != nil:
		return errClosing
	case errors.Is(s.ctx.Err(), context.DeadlineExceeded):
		return fault.New(fault.Exhausted, "query", "the time given to it ran out").WithHint("give it more, or ask for less: a shorter range, a filter")
	}
	return err
}

// A buffer is C's memory, which outlives a call.
type buffer struct {
	p unsafe.Pointer
	n int
}

func (b *buffer) grow(n int) error {
	if n <= b.n {
		return nil
	}
	p := C.realloc(b.p, C.size_t(n))
	if p == nil {
		return fault.New(fault.Exhausted, "read", "there is no memory for %d bytes", n)
	}
	b.p, b.n = p, n
	return nil
}

func (b *buffer) free() {
	C.free(b.p)
	*b = buffer{}
}

const (
	firstBuffer = 16 << 10
	wholeBuffer = 256 << 10 // coming back into Go after some time costs microseconds, so that less is dearer
)

// fill lays items into a buffer of its own, which grows to hold one at least.
func (s *stream) fill(b *buffer, wait time.Duration) (used int, err error) {
	size := wholeBuffer
	if b.n == 0 && s.ahead == nil {
		size = firstBuffer
	}
	if err := b.grow(size); err != nil {
		return 0, err
	}
	used, _, err = s.lay(b.p, b.n, wait)
	if err == errTooSmall {
		if err := b.grow(used); err != nil {
			return 0, err
		}
		used, _, err = s.lay(b.p, b.n, wait)
	}
	return used, err
}

func waiting(ms C.uint32_t) time.Duration {
	if ms == forever {
		return math.MaxInt64
	}
	return time.Duration(ms) * time.Millisecond
}

// stelego_fetch reads on, and says where what was read lies. It stays there until the next call.
//
//export stelego_fetch
func stelego_fetch(slot C.uint32_t, ms C.uint32_t, next *unsafe.Pointer, n *C.size_t) (r C.stele_result) {
	s := at(slot).stream
	defer guard(s.functions.next, &r)
	drill(s.functions.next)
	b := &s.buffer
	var used int
	var err error
	if s.ahead != nil {
		b, used, err = s.ahead.take()
	} else {
		used, err = s.fill(b, waiting(ms))
	}
	if err == nil {
		*next, *n = b.p, C.size_t(used)
	}
	return result(err)
}

// stelego_fetch_into reads on into a caller's buffer. No items without an error: the stream has a buffer of its own to be fetched.
//
//export stelego_fetch_into
func stelego_fetch_into(slot C.uint32_t, ms C.uint32_t, p unsafe.Pointer, n C.size_t, size, count *C.size_t) (r C.stele_result) {
	s := at(slot).stream
	defer guard(s.functions.batch, &r)
	drill(s.functions.batch)
	if s.ahead != nil {
		return C.STELE_OK
	}
	used, items, err := s.lay(p, int(min(n, 1<<30)), waiting(ms))
	*size, *count = C.size_t(used), C.size_t(items)
	return result(err)
}

func (s *stream) end() error {
	s.cancel()
	if s.ahead != nil {
		s.ahead.end()
	}
	s.buffer.free()
	err := s.from.close()
	if s.over != nil && s.over != errDone {
		err = s.over
	}
	switch stele.KindOf(err) {
	case stele.Closed, stele.Canceled, stele.Exhausted:
		return nil // it ended early, which was told, or is what this end does
	}
	return err
}

// An ahead lays the next buffer while the last one is used.
type ahead struct {
	s       *stream
	free    chan *buffer
	full    chan filled
	filling *buffer // while it is filled
	inUse   *buffer
	over    error
	done    chan struct{}
}

type filled struct {
	b    *buffer
	used int
	err  error
}

func (s *stream) readAhead() {
	a := &ahead{s: s, free: make(chan *buffer, 2), full: make(chan filled, 2), done: make(chan struct{})}
	a.free <- new(buffer)
	a.free <- new(buffer)
	s.ahead = a
	fault.Go(nil, "read ahead", func() {
		a.run()
		a.stopped()
	}, func(err error) {
		a.full <- filled{b: a.filling, err: err}
		a.stopped()
	})
}

func (a *ahead) stopped() {
	close(a.full)
	close(a.done)
}

func (a *ahead) run() {
	for {
		select {
		case a.filling = <-a.free:
		case <-a.s.ctx.Done():
			a.full <- filled{err: a.s.ended(fault.WrapAs(fault.Canceled, a.s.ctx.Err(), "read", "it was canceled"))}
			return
		}
		drill("read ahead")
		used, err := a.s.fill(a.filling, 0)
		a.full <- filled{a.filling, used, err}
		if err != nil {
			return
		}
	}
}

func (a *ahead) take() (*buffer, int, error) {
	if a.over != nil {
		return nil, 0, a.over
	}
	if a.inUse != nil {
		a.free <- a.inUse
		a.inUse = nil
	}
	f := <-a.full
	if f.err != nil {
		a.over = f.err
		if f.b != nil {
			a.free <- f.b
		}
		return nil, 0, f.err
	}
	a.inUse = f.b
	return f.b, f.used, nil
}

// end waits for the reading to stop; the stream's context has ended.
func (a *ahead) end() {
	for f := range a.full {
		if f.b != nil {
			f.b.free()
		}
	}
	<-a.done
	if a.inUse != nil {
		a.inUse.free()
	}
	for {
		select {
		case b := <-a.free:
			b.free()
		default:
			return
		}
	}
}
