package main

import (
	"context"
	"path/filepath"
	"time"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
)

// local is the door into a directory.
type local struct {
	dir   string
	store *stele.Store
	batch *stele.Batch
}

func openLocal(dir string, a access) (*local, error) {
	if a == changes {
		there, err := openLocal(dir, reads)
		if err == nil {
			err = there.close()
		}
		if err != nil {
			return nil, err
		}
	}
	store, err := stele.Open(dir, &stele.Options{ReadOnly: a == reads})
	if err != nil {
		return nil, err
	}
	return &local{dir: dir, store: store}, nil
}

func (l *local) close() error { return l.store.Close() }

func (l *local) ingest(ctx context.Context, b *batch, partial bool) (refused refusals, err error) {
	if l.batch == nil {
		l.batch = l.store.NewBatch()
	}
	l.batch.Reset()
	l.batch.SetID(b.id)
	for line := range event.Lines(b.body) {
		err := l.batch.AddCLEF(line.Text)
		if err == nil {
			continue
		}
		if kind := stele.KindOf(err); kind != fault.Invalid && kind != fault.TooLarge {
			return refused, err
		}
		refused.count++
		refused.lines = append(refused.lines, refusedLine{line.Number, explain(err)})
		if !partial {
			return refused, err
		}
	}
	if l.batch.Len() == 0 {
		return refused, nil
	}
	_, err = l.store.Append(ctx, l.batch)
	return refused, err
}

func (l *local) search(ctx context.Context, q searchQuery, yield func([]byte) error) (note searchNote, err error) {
	filter, err := parseFilter(q.filter, &note)
	if err != nil {
		return note, err
	}
	if filter, err = l.narrow(ctx, filter, q.signal); err != nil {
		return note, err
	}
	o := stele.ReadOptions{Ordering: stele.Descending, Filter: filter, Limit: q.count}
	if q.ascending {
		o.Ordering = stele.Ascending
	}
	if !q.from.IsZero() {
		o.Range.From = stele.FromTime(q.from)
	}
	if !q.to.IsZero() {
		o.Range.To = stele.BeforeTime(q.to)
	}
	n, err := l.store.ReadText(ctx, o).WriteTo(writerFunc(yield))
	if n == 0 && err == nil {
		note.hints = hintTexts(l.store.Hints(ctx, filter))
	}
	if stele.KindOf(err) == fault.Corrupt {
		note.damage = explain(err)
		err = nil
	}
	return note, err
}

type writerFunc func([]byte) error

func (f writerFunc) Write(p []byte) (int, error) { return len(p), f(p) }

// parseFilter reads what a person typed; nil is everything.
func parseFilter(text string, note *searchNote) (*stele.Filter, error) {
	if text == "" {
		return nil, nil
	}
	f, reason, err := stele.ParseSearch(text)
	if reason != nil {
		note.asText = reason.Error()
	}
	return f, err
}

// tail of a directory: nobody else can write to it (R17), so there is nothing to wait for.
func (l *local) tail(context.Context, string, string, func(searchNote), func([]byte) error) error {
	return fault.New(fault.Invalid, "", "nothing arrives in a store that no server has open").
		WithHint("tail needs a server (--url); stele search --datapath shows what is there")
}

func (l *local) stats(context.Context) (storeStats, error) {
	s := l.store.Stats()
	dir, err := filepath.Abs(l.dir)
	if err != nil {
		dir = l.dir
	}
	out := storeStats{
		Where: dir, StoreID: s.StoreID, Events: s.Events, Segments: s.Segments, JournalEvents: s.JournalEvents, Documents: s.Documents,
		SegmentBytes: s.SegmentBytes, JournalBytes: s.JournalBytes, DocumentBytes: s.DocumentBytes, DiskBytes: s.DiskBytes,
		Oldest: timeOrNil(s.Oldest), Newest: timeOrNil(s.Newest), LastArrival: s.LastArrival,
		HiddenEvents: s.HiddenEvents, HiddenBytes: s.HiddenBytes, PinnedBytes: s.PinnedBytes, FreeBytes: s.FreeBytes, MinFreeBytes: s.MinFreeBytes,
		Snapshots: int64(s.Snapshots), OldestSnapshotMs: s.OldestSnapshot.Milliseconds(),
	}
	for _, d := range s.Damage {
		out.Damage = append(out.Damage, noteOf(d))
	}
	return out, nil
}

func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
