package document

import (
	"context"
	"errors"
	"path"
	"time"

	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/frame"
)

// A request is a change that waits to be made durable.
type request struct {
	kind       uint8
	space, key string
	body       []byte // the request's own
	bytes      int    // of the value

	done chan struct{} // closed when info and err are set
	info Info
	err  error
}

// maxGroup bounds the bytes that share a sync.
const maxGroup = 32 << 20

// Set stores value under key in space, durable before it is acknowledged or visible (R10).
// The value is kept byte for byte. Concurrent changes share a sync. When ctx ends while it
// waits the error is Canceled, and the change may still happen.
func (l *Log) Set(ctx context.Context, space, key string, value []byte) (Info, error) {
	if len(value) > l.o.MaxValue {
		return Info{}, fault.New(fault.TooLarge, "set document", "the value of %q has %d bytes; the limit is %d", key, len(value), l.o.MaxValue)
	}
	return l.change(ctx, kindSet, space, key, value)
}

// Delete removes a document. It is NotFound if there is none.
func (l *Log) Delete(ctx context.Context, space, key string) error {
	_, err := l.change(ctx, kindDelete, space, key, nil)
	return err
}

func (l *Log) change(ctx context.Context, kind uint8, space, key string, value []byte) (Info, error) {
	if err := errors.Join(checkName("space", space, 0), checkName("key", key, 1)); err != nil {
		return Info{}, err
	}
	if l.o.ReadOnly {
		return Info{}, fault.New(fault.Denied, "change document", "the store is open for reading only")
	}
	if err := ctx.Err(); err != nil {
		return Info{}, fault.WrapAs(fault.Canceled, err, "change document", "given up")
	}
	r := &request{kind: kind, space: space, key: key, bytes: len(value), done: make(chan struct{}),
		body: appendChange(make([]byte, 0, changeFixed+len(space)+len(key)+len(value)), space, key, value)}
	if err := l.enqueue(r); err != nil {
		return Info{}, err
	}
	select {
	case <-r.done:
		return r.info, r.err
	case <-ctx.Done():
		return Info{}, fault.WrapAs(fault.Canceled, ctx.Err(), "change document", "given up while it was being stored: it may still happen")
	}
}

// enqueue hands a request to the committer and starts one if there is none.
func (l *Log) enqueue(r *request) error {
	l.queue.Lock()
	defer l.queue.Unlock()
	if l.queue.closed {
		return errClosed()
	}
	if l.queue.failed != nil {
		return fault.Wrap(l.queue.failed, "change document", "documents are not written any more, because a defect was met before").WithHint("close the store and open it again")
	}
	l.queue.waiting = append(l.queue.waiting, r)
	if !l.queue.committing {
		l.queue.committing = true
		fault.Go(nil, "change document", l.commitAll, l.fail)
	}
	return nil
}

// fail refuses, after a defect, what waits and all that comes later.
func (l *Log) fail(err error) {
	l.queue.Lock()
	defer l.queue.Unlock()
	l.queue.failed = err
	for _, r := range append(l.queue.doing, l.queue.waiting...) {
		r.info, r.err = Info{}, err
		close(r.done)
	}
	l.queue.doing, l.queue.waiting = nil, nil
	l.queue.committing = false
	l.queue.idle.Broadcast()
}

// commitAll is the committer: there is one at a time, while there is something to do.
func (l *Log) commitAll() {
	for {
		l.queue.Lock()
		if len(l.queue.waiting) == 0 {
			l.queue.committing = false
			l.queue.idle.Broadcast()
			l.queue.Unlock()
			return
		}
		n, bytes := 0, 0
		for n < len(l.queue.waiting) && (n == 0 || bytes < maxGroup) {
			bytes += len(l.queue.waiting[n].body)
			n++
		}
		group := l.queue.waiting[:n:n]
		l.queue.waiting = l.queue.waiting[n:]
		l.queue.doing = group
		l.queue.Unlock()

		l.commit(group)
		l.queue.Lock()
		l.queue.doing = nil
		l.queue.Unlock()
		for _, r := range group {
			close(r.done)
		}
		if l.wantsCompaction() {
			l.compact()
		}
	}
}

// commit does what a group asks for: changes first, then compaction.
func (l *Log) commit(group []*request) {
	l.commitChanges(group)
	var compacted bool
	var err error
	for _, r := range group {
		if r.kind == kindCompact {
			if !compacted {
				compacted, err = true, l.compact()
			}
			r.err = err
		}
	}
}

// commitChanges makes the group's changes durable, then visible.
func (l *Log) commitChanges(group []*request) {
	items, made := l.prepare(group)
	if len(items) == 0 {
		return
	}
	fail := func(err error) {
		for _, r := range made {
			r.info, r.err = Info{}, err
		}
	}
	f, err := l.openWriter()
	if err != nil {
		fail(err)
		return
	}
	places, err := l.writer.Append(items...)
	if err == nil {
		err = l.writer.Sync()
	}
	l.last = l.writer.SyncedSequence()
	if err != nil {
		// A new file says how far this one counts, so that the refusal is final before it is
		// reported (R12). If it cannot be made now, the next change tries again, or Close.
		l.leaveWriter()
		_, left := l.openWriter()
		l.unsettled = left != nil
		fail(fault.Wrap(err, "change document", "it could not be stored"))
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	f.size = l.writer.Size()
	for i, r := range made {
		l.version = max(l.version, r.info.Version)
		if r.kind == kindDelete {
			l.drop(r.space, r.key)
			continue
		}
		l.put(r.space, doc{f, places[i].Sequence, places[i].Offset, places[i].Length, r.info})
	}
}

// prepare gives each change its version and refuses what cannot be deleted.
func (l *Log) prepare(group []*request) (items []frame.Item, made []*request) {
	type name struct{ space, key string }
	exists := map[name]bool{} // as the group changes it
	version, now := l.version, l.o.Now().UTC().Round(0)
	now = time.Unix(0, now.UnixNano()).UTC()
	for _, r := range group {
		if r.kind == kindCompact {
			continue
		}
		n := name{r.space, r.key}
		if _, known := exists[n]; !known {
			_, exists[n] = l.spaces[r.space][r.key]
		}
		if r.kind == kindDelete && !exists[n] {
			r.err = fault.New(fault.NotFound, "delete document", "there is no document %q", r.key)
			continue
		}
		exists[n] = r.kind == kindSet
		version++
		stamp(r.body, version, now)
		r.info = Info{r.key, r.bytes, now, version}
		items = append(items, frame.Item{Kind: r.kind, Body: r.body})
		made = append(made, r)
	}
	return items, made
}

// openWriter returns the file that changes go to, a new one if there is none.
func (l *Log) openWriter() (*file, error) {
	if l.writer != nil {
		return l.files[len(l.files)-1], nil
	}
	number := l.next
	l.next++ // also when it fails: what is left of that name is not to be met again
	e := extra{previous: l.previous, last: l.last, version: l.version}
	w, err := l.newWriter(path.Join(l.dir, fileName(number)), number, e)
	if err != nil {
		return nil, err
	}
	f, err := l.openFile(Named{number, path.Join(l.dir, fileName(number))})
	if err != nil {
		return nil, errors.Join(err, w.Close(), l.fs.Remove(w.Name()))
	}
	l.mu.Lock()
	l.files = append(l.files, f)
	l.mu.Unlock()
	l.writer, l.previous, l.last, l.unsettled = w, number, w.SyncedSequence(), false
	return f, nil
}

func (l *Log) newWriter(name string, number uint64, e extra) (*frame.Writer, error) {
	return frame.NewWriter(l.fs, name, frame.FileHeader{
		Format: formatName, Version: formatVersion, StoreID: l.o.StoreID, Number: number, Extra: e.encode(),
	})
}

// leaveWriter ends writing to the present file; what stands in it is still read.
func (l *Log) leaveWriter() {
	if l.writer != nil {
		_ = l.writer.Close()
		l.writer = nil
	}
}
