package main

// #include "shim.h"
import "C"

import (
	"context"
	"math"
	"time"
	"unsafe"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
)

// What streams give.

// events are a reader's.
type events struct{ *stele.Reader }

func (e events) next(time.Duration) error {
	if e.Next() {
		return nil
	}
	if err := e.Err(); err != nil {
		return err
	}
	return errDone
}

func (e events) append(dst []byte) []byte { return e.Event().AppendCLEF(dst) }
func (e events) key() stele.Key           { return e.Event().Key() }
func (e events) close() error             { return e.Close() }

// unlessDamaged leaves out what a source tells when it has given the rest.
func unlessDamaged(err error) error {
	if k := stele.KindOf(err); k == stele.Corrupt || k == stele.IO {
		return nil
	}
	return err
}

//export stelego_read_begin
func stelego_read_begin(slot, into C.uint32_t, o *C.stele_read_options) C.stele_result {
	return onStore("stele_read_begin", slot, func(s *store) error {
		ro := stele.ReadOptions{Limit: int(min(uint64(o.limit), math.MaxInt))}
		if o.ordering == C.STELE_DESCENDING {
			ro.Ordering = stele.Descending
		}
		var err error
		if ro.Range, err = rangeOf(o._range); err != nil {
			return err
		}
		if ro.Filter, err = filterOf(o.filter, o.filter_len); err != nil {
			return err
		}
		st, err := s.begin(into, ofReader, 0, func(ctx context.Context) (source, error) {
			r := s.Read(ctx, ro)
			return events{r}, unlessDamaged(r.Err())
		})
		if err == nil && o.flags&C.STELE_READ_AHEAD != 0 {
			st.readAhead()
		}
		return err
	})
}

// arrivals are a follower's.
type arrivals struct {
	*stele.Follower
	ctx context.Context
}

func (a arrivals) next(wait time.Duration) error {
	ok, caughtUp := a.TryNext()
	for !ok && !caughtUp {
		ok, caughtUp = a.TryNext()
	}
	if !ok && wait > 0 && a.ctx.Err() == nil && a.Err() == nil {
		var late bool
		if ok, late = a.NextWithin(wait); late {
			return errTimedOut
		}
	}
	switch {
	case ok:
		return nil
	case a.ctx.Err() != nil:
		return fault.WrapAs(fault.Canceled, a.ctx.Err(), "follow", "the tail was canceled")
	case stele.KindOf(a.Err()) == stele.Closed:
		return a.Err()
	}
	return errTimedOut
}

func (a arrivals) append(dst []byte) []byte { return a.Event().AppendCLEF(dst) }
func (a arrivals) key() stele.Key           { return a.Event().Key() }
func (a arrivals) close() error             { return a.Close() }

//export stelego_tail_begin
func stelego_tail_begin(slot, into C.uint32_t, o *C.stele_tail_options) C.stele_result {
	return onStore("stele_tail_begin", slot, func(s *store) error {
		f, err := filterOf(o.filter, o.filter_len)
		if err != nil {
			return err
		}
		_, err = s.begin(into, ofTail, 0, func(ctx context.Context) (source, error) {
			fl := s.Follow(ctx, uint64(o.after), f)
			return arrivals{fl, ctx}, unlessDamaged(fl.Err())
		})
		return err
	})
}

// stelego_tail_position is asked for when the C side has nothing left to give.
//
//export stelego_tail_position
func stelego_tail_position(slot C.uint32_t, arrival *C.uint64_t) C.stele_result {
	return doorway("stele_tail_position", func() error {
		s := at(slot).stream
		if s.has {
			*arrival = C.uint64_t(s.key.Arrival() - 1)
		} else {
			*arrival = C.uint64_t(s.from.(arrivals).Arrival())
		}
		return nil
	})
}

// results are a query's.
type results struct{ *stele.Rows }

func (r results) next(time.Duration) error {
	if r.Next() {
		return nil
	}
	if err := r.Err(); err != nil {
		return err
	}
	return errDone
}

func (r results) append(dst []byte) []byte { return r.AppendRow(dst) }
func (results) key() (none stele.Key)      { return none }
func (r results) close() error             { return r.Close() }

//export stelego_query_begin
func stelego_query_begin(slot, into C.uint32_t, query *C.char, n C.size_t, o *C.stele_query_options) C.stele_result {
	return onStore("stele_query_begin", slot, func(s *store) error {
		q, err := stele.ParseQuery(string(bytesOf(query, n)))
		if err != nil {
			return err
		}
		qo := stele.QueryOptions{Memory: int64(min(uint64(o.memory_bytes), math.MaxInt64))}
		if qo.Range, err = rangeOf(o._range); err != nil {
			return err
		}
		if qo.Filter, err = filterOf(o.filter, o.filter_len); err != nil {
			return err
		}
		_, err = s.begin(into, ofRows, time.Duration(o.timeout_ms)*time.Millisecond, func(ctx context.Context) (source, error) {
			return results{s.Query(ctx, q, qo)}, nil
		})
		return err
	})
}

// stelego_rows_describe is told whether the C side has given all that was fetched.
//
//export stelego_rows_describe
func stelego_rows_describe(slot C.uint32_t, given C.int, buffer unsafe.Pointer, n C.size_t, actual *C.size_t) C.stele_result {
	return doorway("stele_rows_describe", func() error {
		s := at(slot).stream
		text := []byte{'{'}
		if r, ok := s.from.(results); ok {
			text = append(text, `"Columns":[`...)
			for i, name := range r.Columns() {
				if i > 0 {
					text = append(text, ',')
				}
				text = event.AppendText(text, name)
			}
			text = append(text, ']')
			if given != 0 && s.over != nil {
				text = r.Statistics().AppendJSON(append(text, `,"Statistics":`...))
			}
		}
		return give(append(text, '}'), buffer, n, actual)
	})
}

// reports are texts that are there.
type reports struct{ left [][]byte }

func (r *reports) next(time.Duration) error {
	if len(r.left) <= 1 {
		return errDone
	}
	r.left = r.left[1:]
	return nil
}

func (r *reports) append(dst []byte) []byte { return append(dst, r.left[0]...) }
func (*reports) key() (none stele.Key)      { return none }
func (*reports) close() error               { return nil }

// report makes a result of texts.
func (s *store) report(into C.uint32_t, texts ...[]byte) {
	_, _ = s.begin(into, ofRows, 0, func(context.Context) (source, error) {
		return &reports{append([][]byte{nil}, texts...)}, nil
	})
}
