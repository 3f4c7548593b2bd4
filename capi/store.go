package main

// #include "shim.h"
import "C"

import (
	"context"
	"os"
	"strings"
	"time"
	"unicode/utf8"
	"unsafe"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/fault"
)

// checkPath refuses what is no path, or would be another one to the operating system.
func checkPath(op, path string) error {
	switch {
	case path == "":
		return fault.New(fault.Invalid, op, "the path is empty")
	case strings.IndexByte(path, 0) >= 0:
		return fault.New(fault.Invalid, op, "the path %q has a NUL in it", path)
	case !utf8.ValidString(path):
		return fault.New(fault.Invalid, op, "the path %q is not UTF-8", path)
	}
	return nil
}

//export stelego_open
func stelego_open(slot C.uint32_t, path *C.char, n C.size_t, o *C.stele_options) C.stele_result {
	return doorway("stele_open", func() error {
		dir := string(bytesOf(path, n))
		if err := checkPath("open store", dir); err != nil {
			return err
		}
		sizes := []struct {
			name  string
			value uint64
			most  uint64
		}{
			{"batch_bytes", uint64(o.batch_bytes), 1 << 30}, {"memory_bytes", uint64(o.memory_bytes), 1 << 50}, {"journal_bytes", uint64(o.journal_bytes), 1 << 40},
			{"cache_bytes", uint64(o.cache_bytes), 1 << 50}, {"document_bytes", uint64(o.document_bytes), 1 << 30}, {"event_bytes", uint64(o.event_bytes), 1 << 30}, {"open_files", uint64(o.open_files), 1 << 20},
		}
		for _, s := range sizes {
			if s.value > s.most {
				return fault.New(fault.Invalid, "open store", "%s is %d, over %d", s.name, s.value, s.most)
			}
		}
		if o.flags&C.STELE_MUST_EXIST != 0 {
			if _, err := os.Stat(dir); err != nil {
				return fault.Wrap(err, "open store", "there is no store in %s", dir)
			}
		}
		opened, err := stele.Open(dir, &stele.Options{
			ReadOnly: o.flags&C.STELE_READ_ONLY != 0, MustExist: o.flags&C.STELE_MUST_EXIST != 0, EventBytes: int(o.event_bytes), BatchBytes: int(o.batch_bytes), MemoryBytes: int64(o.memory_bytes),
			JournalBytes: int64(o.journal_bytes), CacheBytes: int64(o.cache_bytes), DocumentBytes: int(o.document_bytes), MinFreeBytes: int64(o.min_free_bytes), OpenFiles: int(o.open_files),
		})
		if err != nil {
			return err
		}
		s := &store{Store: opened, memory: int64(o.memory_bytes), readOnly: o.flags&C.STELE_READ_ONLY != 0}
		s.ctx, s.cancel = context.WithCancel(context.Background())
		place(slot).Store(&object{store: s})
		return nil
	})
}

// stelego_closing tells all that is inside a store to leave.
//
//export stelego_closing
func stelego_closing(slot C.uint32_t) {
	var r C.stele_result
	defer guard("stele_close", &r)
	at(slot).store.cancel()
}

func (s *store) close() error {
	s.mutex.Lock()
	servers := s.servers
	s.servers = nil
	s.mutex.Unlock()
	for v := range servers {
		<-v.done
	}
	return s.Store.Close()
}

// onStore runs what is asked of a store. Its context ends when the store is being closed.
func onStore(function string, slot C.uint32_t, f func(s *store) error) C.stele_result {
	return doorway(function, func() error {
		s := at(slot).store
		return s.ended(f(s))
	})
}

//export stelego_flush
func stelego_flush(slot C.uint32_t) C.stele_result {
	return onStore("stele_flush", slot, func(s *store) error { return s.Flush(s.ctx) })
}

//export stelego_statistics
func stelego_statistics(slot C.uint32_t, buffer unsafe.Pointer, n C.size_t, actual *C.size_t) C.stele_result {
	return onStore("stele_statistics", slot, func(s *store) error { return give(s.Stats().AppendJSON(nil), buffer, n, actual) })
}

//export stelego_verify
func stelego_verify(slot, into C.uint32_t) C.stele_result {
	return onStore("stele_verify", slot, func(s *store) error {
		report, err := s.Verify(s.ctx)
		if err != nil {
			return err
		}
		s.report(into, report.AppendJSON(nil))
		return nil
	})
}

//export stelego_backup
func stelego_backup(slot, into C.uint32_t, directory *C.char, n C.size_t, keep C.uint32_t) C.stele_result {
	return onStore("stele_backup", slot, func(s *store) error {
		dir := string(bytesOf(directory, n))
		if err := checkPath("back up", dir); err != nil {
			return err
		}
		made, err := s.Backup(s.ctx, dir, &stele.BackupOptions{Keep: int(keep)})
		if err != nil {
			return err
		}
		s.report(into, made.AppendJSON(nil))
		return nil
	})
}

//export stelego_get
func stelego_get(slot C.uint32_t, key *C.stele_key, buffer unsafe.Pointer, n C.size_t, actual *C.size_t) C.stele_result {
	return onStore("stele_get", slot, func(s *store) error {
		e, err := s.Get(s.ctx, keyOf(key))
		if err != nil {
			return err
		}
		return give(e.AppendCLEF(nil), buffer, n, actual)
	})
}

//export stelego_delete_keys
func stelego_delete_keys(slot C.uint32_t, keys *C.stele_key, n C.size_t, deleted *C.uint64_t) C.stele_result {
	return onStore("stele_delete_keys", slot, func(s *store) error {
		all := make([]stele.Key, n)
		for i, k := range unsafe.Slice(keys, n) { // SAFETY: the shim has checked the pointer, and the number is the caller's word
			all[i] = keyOf(&k)
		}
		found, err := s.DeleteKeys(s.ctx, all...)
		*deleted = C.uint64_t(found)
		return err
	})
}

//export stelego_delete
func stelego_delete(slot C.uint32_t, within *C.stele_range, filter *C.char, n C.size_t, deleted *C.uint64_t) C.stele_result {
	return onStore("stele_delete", slot, func(s *store) error {
		r, err := rangeOf(within)
		if err != nil {
			return err
		}
		f, err := filterOf(filter, n)
		if err != nil {
			return err
		}
		var found int64
		if f == nil {
			found, err = s.Delete(s.ctx, r)
		} else {
			found, err = s.DeleteMatching(s.ctx, r, f)
		}
		*deleted = C.uint64_t(found)
		return err
	})
}

// users is the space of documents that the HTTP API has as /api/documents.
const users = ""

//export stelego_document_set
func stelego_document_set(slot C.uint32_t, key *C.char, n C.size_t, json *C.char, size C.size_t) C.stele_result {
	return onStore("stele_document_set", slot, func(s *store) error {
		return s.Documents(users).Set(s.ctx, string(bytesOf(key, n)), bytesOf(json, size))
	})
}

//export stelego_document_get
func stelego_document_get(slot C.uint32_t, key *C.char, n C.size_t, buffer unsafe.Pointer, size C.size_t, actual *C.size_t) C.stele_result {
	return onStore("stele_document_get", slot, func(s *store) error {
		value, err := s.Documents(users).Get(s.ctx, string(bytesOf(key, n)))
		if err != nil {
			return err
		}
		return give(value, buffer, size, actual)
	})
}

//export stelego_document_delete
func stelego_document_delete(slot C.uint32_t, key *C.char, n C.size_t) C.stele_result {
	return onStore("stele_document_delete", slot, func(s *store) error {
		return s.Documents(users).Delete(s.ctx, string(bytesOf(key, n)))
	})
}

//export stelego_document_list
func stelego_document_list(slot, into C.uint32_t, prefix *C.char, n C.size_t) C.stele_result {
	return onStore("stele_document_list", slot, func(s *store) error {
		all, err := s.Documents(users).List(s.ctx, string(bytesOf(prefix, n)))
		if err != nil {
			return err
		}
		rows := make([][]byte, len(all))
		for i, d := range all {
			rows[i] = d.AppendJSON(nil)
		}
		s.report(into, rows...)
		return nil
	})
}

func keyOf(k *C.stele_key) stele.Key { return *(*stele.Key)(unsafe.Pointer(k)) } // SAFETY: both are 16 bytes, without alignment

// filterOf returns the filter that a text is, nil for none.
func filterOf(text *C.char, n C.size_t) (*stele.Filter, error) {
	if text == nil {
		return nil, nil
	}
	return stele.ParseFilter(string(bytesOf(text, n)))
}

func rangeOf(r *C.stele_range) (all stele.Range, err error) {
	if r == nil {
		return all, nil
	}
	if all.From, err = boundOf("from", &r.from, stele.FromTime, stele.AfterTime); err == nil {
		all.To, err = boundOf("to", &r.to, stele.ThroughTime, stele.BeforeTime)
	}
	return all, err
}

func boundOf(name string, b *C.stele_bound, inclusive, exclusive func(time.Time) stele.Bound) (stele.Bound, error) {
	instant := time.Unix(0, int64(b.instant))
	switch b.kind {
	case C.STELE_UNBOUNDED:
		return stele.Bound{}, nil
	case C.STELE_INCLUSIVE_KEY:
		return stele.Inclusive(keyOf(&b.key)), nil
	case C.STELE_EXCLUSIVE_KEY:
		return stele.Exclusive(keyOf(&b.key)), nil
	case C.STELE_INCLUSIVE_INSTANT:
		return inclusive(instant), nil
	case C.STELE_EXCLUSIVE_INSTANT:
		return exclusive(instant), nil
	}
	return stele.Bound{}, fault.New(fault.Invalid, "", "range: %s.kind is %d, which is no kind of bound", name, uint32(b.kind))
}
