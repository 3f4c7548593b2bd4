package main

// #include "shim.h"
import "C"

import (
	"bytes"
	"context"
	"unsafe"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/fault"
)

// A writer collects a batch. If a line of it was refused its end fails, unless that was said to be allowed (R12).
type writer struct {
	store   *store
	ctx     context.Context
	cancel  context.CancelFunc
	batch   *stele.Batch
	partial bool
	refused error // the first one
}

//export stelego_write_begin
func stelego_write_begin(slot, into C.uint32_t, o *C.stele_write_options) C.stele_result {
	return onStore("stele_write_begin", slot, func(s *store) error {
		const op = "begin write"
		if s.readOnly {
			return fault.New(fault.Denied, op, "the store was opened read-only")
		}
		if o.id_len > 256 {
			return fault.New(fault.TooLarge, op, "the id has %d bytes; it may have 256", uint64(o.id_len))
		}
		w := &writer{store: s, batch: s.NewBatch(), partial: o.flags&C.STELE_WRITE_PARTIAL != 0}
		w.batch.SetID(string(bytesOf(o.id, o.id_len)))
		w.ctx, w.cancel = context.WithCancel(s.ctx)
		place(into).Store(&object{writer: w})
		return nil
	})
}

//export stelego_write_append
func stelego_write_append(slot C.uint32_t, clef *C.char, n C.size_t) C.stele_result {
	return doorway("stele_write_append", func() error {
		w := at(slot).writer
		if err := w.ctx.Err(); err != nil {
			return w.store.ended(fault.WrapAs(fault.Canceled, err, "append", "the write was canceled"))
		}
		err := w.add(bytesOf(clef, n))
		if w.refused == nil {
			w.refused = err
		}
		return err
	})
}

// add adds lines up to the first that is refused.
func (w *writer) add(text []byte) error {
	for number := 1; len(text) > 0; number++ {
		line, rest, _ := bytes.Cut(text, []byte{'\n'})
		if text = rest; len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		if err := w.batch.AddCLEF(line); err != nil {
			return fault.Wrap(err, "append", "line %d was refused", number)
		}
	}
	return nil
}

//export stelego_write_count
func stelego_write_count(slot C.uint32_t, count *C.size_t) C.stele_result {
	return doorway("stele_write_end", func() error {
		*count = C.size_t(at(slot).writer.batch.Len())
		return nil
	})
}

// stelego_write_end stores the batch. keys has room for all, or is NULL.
//
//export stelego_write_end
func stelego_write_end(slot C.uint32_t, keys *C.stele_key, count *C.size_t) C.stele_result {
	return doorway("stele_write_end", func() error {
		w := at(slot).writer
		if w.refused != nil && !w.partial {
			return fault.Wrap(w.refused, "end write", "nothing was stored, because an append was refused before").
				WithHint("leave the event out and write the others again, or begin the write with STELE_WRITE_PARTIAL")
		}
		stored, err := w.store.Append(w.ctx, w.batch)
		if err != nil {
			return w.store.ended(err)
		}
		*count = C.size_t(stored.Len())
		if keys != nil {
			for i, to := 0, unsafe.Slice(keys, stored.Len()); i < len(to); i++ { // SAFETY: the shim has compared the number with the room
				k := stored.At(i)
				to[i] = *(*C.stele_key)(unsafe.Pointer(&k))
			}
		}
		return nil
	})
}

func (w *writer) end() error {
	w.cancel()
	return nil
}
