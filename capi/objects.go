package main

// #include "shim.h"
import "C"

import (
	"context"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/fault"
)

// An object is what a handle stands for: one of the fields.
type object struct {
	store  *store
	server *served
	writer *writer
	stream *stream
}

// Objects are found by the number of a handle's slot. Chunks are made as they are needed and stay.
const chunkSize = 1024

var (
	chunks   [1 << 20 / chunkSize]atomic.Pointer[[chunkSize]atomic.Pointer[object]]
	chunking sync.Mutex
)

func place(slot C.uint32_t) *atomic.Pointer[object] {
	p := &chunks[slot/chunkSize]
	c := p.Load()
	if c == nil {
		chunking.Lock()
		if c = p.Load(); c == nil {
			c = new([chunkSize]atomic.Pointer[object])
			p.Store(c)
		}
		chunking.Unlock()
	}
	return &c[slot%chunkSize]
}

// at returns a slot's object. The C side calls for none that is gone.
func at(slot C.uint32_t) *object { return place(slot).Load() }

// A store is an open store, with what its closing ends.
type store struct {
	*stele.Store
	ctx    context.Context // ends when the store is being closed
	cancel context.CancelFunc

	memory   int64 // as it was opened with
	readOnly bool

	mutex   sync.Mutex
	servers map[*served]struct{} // that serve it
}

// errClosing is why calls inside end while their store is being closed.
var errClosing = fault.New(fault.Closed, "", "the store is being closed")

// ended makes of an error that the store's context ended one that says so.
func (s *store) ended(err error) error {
	if err != nil && s.ctx.Err() != nil && stele.KindOf(err) == stele.Canceled {
		return errClosing
	}
	return err
}

// stelego_cancel asks whatever is inside an exclusive handle to end.
//
//export stelego_cancel
func stelego_cancel(slot C.uint32_t) C.stele_result {
	return doorway("stele_cancel", func() error {
		switch o := at(slot); {
		case o == nil:
		case o.writer != nil:
			o.writer.cancel()
		case o.stream != nil:
			o.stream.cancel()
		}
		return nil
	})
}

// stelego_end ends what a slot has, and lets go of it.
//
//export stelego_end
func stelego_end(slot C.uint32_t) (r C.stele_result) {
	o := at(slot)
	if o == nil {
		return C.STELE_OK
	}
	place(slot).Store(nil)
	switch {
	case o.store != nil:
		return ending("stele_close", o.store.close)
	case o.server != nil:
		return ending("stele_serve_end", o.server.end)
	case o.writer != nil:
		return ending("stele_write_abandon", o.writer.end)
	default:
		return ending(o.stream.functions.end, o.stream.end)
	}
}

// bytesOf returns what a text given by C has. It is C's, and valid during the call alone.
func bytesOf(p *C.char, n C.size_t) []byte {
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(p)), int(n)) // SAFETY: the shim has checked that p is not NULL and n at most 1 GiB
}

// give puts what is asked for into a caller's buffer, and says how long it is.
func give(text []byte, buffer unsafe.Pointer, n C.size_t, actual *C.size_t) error {
	*actual = C.size_t(len(text))
	if int64(n) >= 0 && int(n) < len(text) {
		return errTooSmall
	}
	if len(text) > 0 {
		copy(unsafe.Slice((*byte)(buffer), len(text)), text) // SAFETY: the buffer has n bytes, no fewer than the text
	}
	return nil
}
