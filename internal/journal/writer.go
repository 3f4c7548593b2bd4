package journal

import (
	"path"

	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/frame"
	"github.com/stelehq/stele/internal/vfs"
)

// Writer appends groups to one new file. One goroutine at a time.
type Writer struct {
	w      *frame.Writer
	number uint64
	items  []frame.Item
	buf    []byte
	room   int64 // where the room ends that was made
}

// Create makes the file and its header durable, so that the cuts in it hold before
// anything is acknowledged from the new file (R12).
func Create(fs vfs.FS, dir string, h Header) (*Writer, error) {
	w, err := frame.NewWriter(fs, path.Join(dir, Name(h.Number)), frame.FileHeader{
		Format: Format, Version: Version, StoreID: h.StoreID, Number: h.Number, Extra: appendHeader(nil, h),
	})
	if err != nil {
		return nil, err
	}
	return &Writer{w: w, number: h.Number}, nil
}

// keptBuffer is the most memory a writer keeps between commits.
const keptBuffer = 1 << 20

// Commit writes each group as a frame, all by one write, and syncs. It fills in where the blocks lie. After a failure
// the writer is dead: the file is never written again, and what counts of it is Cut (R12).
func (w *Writer) Commit(groups []Group) error {
	w.items, w.buf = w.items[:0], w.buf[:0]
	size := 0
	for _, g := range groups {
		size += groupBytes + EntryBytes*len(g.Blocks)
		for _, b := range g.Batches {
			if len(b.ID) > MaxID {
				return fault.New(fault.Invalid, "append", "a batch id of %d bytes is over the limit of %d", len(b.ID), MaxID)
			}
			size += batchBytes + len(b.ID)
		}
	}
	// One allocation up front: the bodies' heads are parts of buf, which must not move.
	if cap(w.buf) < size {
		w.buf = make([]byte, 0, size)
	}
	for _, g := range groups {
		start := len(w.buf)
		w.buf = appendGroup(w.buf, g)
		item := frame.Item{Kind: kindGroup, Body: w.buf[start:len(w.buf):len(w.buf)]}
		for i := range g.Blocks {
			item.More = append(item.More, g.Blocks[i].Data)
		}
		w.items = append(w.items, item)
	}
	places, err := w.w.Append(w.items...)
	for i, g := range groups {
		if err != nil {
			break
		}
		at := places[i].Offset + frame.HeaderSize + int64(len(w.items[i].Body))
		for j := range g.Blocks {
			g.Blocks[j].Offset = at
			at += int64(len(g.Blocks[j].Data))
		}
	}
	clear(w.items)
	if cap(w.buf) > keptBuffer {
		w.buf = nil
	}
	if err != nil {
		return err
	}
	if err := w.reserve(places); err != nil {
		return err
	}
	return w.w.Sync()
}

const (
	// Room is made for groups that take no more than this together. For larger ones the zeros would be too much to write.
	reserveFor = 16 << 10

	// A file is given as much room as it is long, up to mostRoom.
	mostRoom = 1 << 20
)

// reserve makes room for groups like the one just appended, if they are small and there is none. The next sync writes it.
func (w *Writer) reserve(places []frame.Place) error {
	size := w.w.Size()
	appended := size - places[0].Offset
	if appended > reserveFor || size+appended <= w.room {
		return nil
	}
	n := min(size, mostRoom)
	w.room = size + n
	return w.w.Reserve(n)
}

// Number is the file's number, Size how many bytes were written to it.
func (w *Writer) Number() uint64 { return w.number }
func (w *Writer) Size() int64    { return w.w.Size() }

// Empty reports whether no group was written.
func (w *Writer) Empty() bool { return w.w.LastSequence() < frame.FirstSequence }

// Cut says how far the file counts: to its last frame known durable.
func (w *Writer) Cut() Cut { return Cut{Number: w.number, Sequence: w.w.SyncedSequence()} }

// Dead returns why the writer takes no more, or nil.
func (w *Writer) Dead() error { return w.w.Err() }

// Close ends the file.
func (w *Writer) Close() error { return w.w.Close() }
