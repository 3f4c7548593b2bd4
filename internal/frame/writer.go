package frame

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"path"

	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/vfs"
)

// Writer appends frames to one file. One goroutine at a time.
type Writer struct {
	file   vfs.File
	name   string
	fileID uint64
	buf    []byte
	size   int64
	last   uint64 // sequence of the last frame appended
	synced uint64 // sequence of the last frame known durable
	dead   error

	reserved bool // there may be room behind the frames
}

const (
	// A part of a body of this size or more is written from where it lies instead of being copied.
	copyBelow = 64 << 10
	// The buffer is given back when a group left it larger.
	keepBuffer = 1 << 20
)

// NewWriter creates the file, writes and syncs its header and syncs its directory: once it
// has returned, the file is there to stay. After a failure at most litter of that name is left.
func NewWriter(fs vfs.FS, name string, h FileHeader) (*Writer, error) {
	var id [8]byte
	if _, err := rand.Read(id[:]); err != nil {
		return nil, fault.WrapAs(fault.Internal, err, "create log", "no random bytes for a file id").At(name, fault.NoOffset)
	}
	return newWriter(fs, name, h, binary.LittleEndian.Uint64(id[:]))
}

func newWriter(fs vfs.FS, name string, h FileHeader, fileID uint64) (*Writer, error) {
	if err := h.check(); err != nil {
		return nil, err.At(name, fault.NoOffset)
	}
	f, err := fs.Create(name)
	if err != nil {
		return nil, fault.WrapAs(kindOf(err), err, "create log", "cannot create the file").At(name, fault.NoOffset)
	}
	w := &Writer{file: f, name: name, fileID: fileID}
	body := appendFileHeader(nil, h)
	_, err = w.append(Item{Kind: kindFileHeader, Body: body}, Item{Kind: kindFileHeader, Body: body})
	if err == nil {
		err = w.Sync()
	}
	if err == nil {
		if err = fs.SyncDir(path.Dir(name)); err != nil {
			err = fault.WrapAs(kindOf(err), err, "create log", "cannot sync the directory").At(name, fault.NoOffset)
		}
	}
	if err != nil {
		// Whether the file is there after a crash is as good either way: it holds nothing.
		return nil, errors.Join(err, f.Close(), fs.Remove(name))
	}
	return w, nil
}

// kindOf keeps what matters to the caller of a failed call (a full disk) and makes the rest IO.
func kindOf(err error) fault.Kind {
	if k := fault.KindOf(err); k == fault.Full {
		return k
	}
	return fault.IO
}

// Append writes the items as frames, in order, as one write unless a body is large. They are
// durable after Sync. It keeps nothing of the bodies. An item that is too large is refused
// and nothing is written. After any other failure of Append or Sync the writer is dead: every
// later call fails and the file is never written again (R12).
func (w *Writer) Append(items ...Item) ([]Place, error) {
	for _, it := range items {
		if n := it.size(); n > MaxBody {
			return nil, fault.New(fault.TooLarge, "append to log", "a frame of %d bytes; the limit is %d", n, MaxBody).At(w.name, fault.NoOffset)
		}
		if it.Kind > MaxKind {
			return nil, fault.New(fault.Internal, "append to log", "kind %d is the codec's own", it.Kind).At(w.name, fault.NoOffset)
		}
	}
	return w.append(items...)
}

func (w *Writer) append(items ...Item) ([]Place, error) {
	if w.dead != nil {
		return nil, w.refuse("append to log")
	}
	places := make([]Place, 0, len(items))
	at, sequence := w.size, w.last
	w.buf = w.buf[:0]
	for _, it := range items {
		sequence++
		h := header{kind: it.Kind, fileID: w.fileID, sequence: sequence, synced: w.synced, length: uint32(it.size())}
		w.buf, h.crc = appendHeader(w.buf, h)
		sum := h.crc
		for i := -1; i < len(it.More); i++ {
			part := it.Body
			if i >= 0 {
				part = it.More[i]
			}
			sum = crc32.Update(sum, castagnoli, part)
			if len(part) < copyBelow {
				w.buf = append(w.buf, part...)
				continue
			}
			if err := w.write(w.buf); err != nil {
				return nil, err
			}
			if err := w.write(part); err != nil {
				return nil, err
			}
			w.buf = w.buf[:0]
		}
		w.buf = binary.LittleEndian.AppendUint32(w.buf, sum)
		places = append(places, Place{Sequence: sequence, Offset: at, Length: h.total()})
		at += h.total()
	}
	if err := w.write(w.buf); err != nil {
		return nil, err
	}
	if cap(w.buf) > keepBuffer {
		w.buf = nil
	}
	w.last = sequence
	return places, nil
}

func (w *Writer) write(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	n, err := w.file.Write(b)
	if err == nil && n < len(b) {
		err = fault.New(fault.IO, "append to log", "%d of %d bytes were taken", n, len(b))
	}
	if err != nil {
		return w.die(err, "append to log", "cannot write %d bytes", len(b))
	}
	w.size += int64(n)
	return nil
}

// Reserve makes n bytes of room behind what was appended, so that to sync what is appended next takes less. Close gives it back; to
// those who read the file meanwhile it is a torn tail. It fails as Append does.
func (w *Writer) Reserve(n int64) error {
	if w.dead != nil {
		return w.refuse("reserve room in log")
	}
	w.reserved = true
	if err := w.file.Reserve(n); err != nil {
		return w.die(err, "reserve room in log", "cannot make room for %d bytes", n)
	}
	return nil
}

// Sync makes everything appended durable.
func (w *Writer) Sync() error {
	if w.dead != nil {
		return w.refuse("sync log")
	}
	if w.synced == w.last {
		return nil
	}
	if err := w.file.Sync(); err != nil {
		return w.die(err, "sync log", "cannot make frames %d to %d durable", w.synced+1, w.last)
	}
	w.synced = w.last
	return nil
}

func (w *Writer) die(err error, op, format string, args ...any) error {
	w.dead = fault.WrapAs(kindOf(err), err, op, format, args...).At(w.name, w.size)
	return w.dead
}

func (w *Writer) refuse(op string) error {
	return fault.Wrap(w.dead, op, "the file is not written again after a failure").At(w.name, fault.NoOffset)
}

// Err returns why the writer is dead, or nil.
func (w *Writer) Err() error { return w.dead }

// Name returns the file's name as NewWriter was given it.
func (w *Writer) Name() string { return w.name }

// Size returns the bytes written, unsynced ones included.
func (w *Writer) Size() int64 { return w.size }

// LastSequence returns the sequence of the last frame appended.
func (w *Writer) LastSequence() uint64 { return w.last }

// SyncedSequence returns the sequence of the last frame known durable: after a failure, the
// last that counts.
func (w *Writer) SyncedSequence() uint64 { return w.synced }

// File returns the open file, for ReadAt. It is closed by Close.
func (w *Writer) File() vfs.File { return w.file }

// Close syncs what is not, leaves a closing mark and closes the file. The mark says that all
// frames are durable, so that later damage to the last of them is told from a torn tail; it
// is not waited for, and whether it could be written changes nothing. A dead writer's file is
// closed without another word in it.
func (w *Writer) Close() error {
	var err error
	if w.dead == nil {
		if err = w.Sync(); err == nil {
			_, _ = w.append(Item{Kind: kindMark})
			if w.reserved && w.dead == nil {
				_ = w.file.Reserve(0)
			}
		}
	}
	if w.dead == nil {
		w.dead = fault.New(fault.Closed, "append to log", "the file is closed").At(w.name, fault.NoOffset)
	}
	if cerr := w.file.Close(); cerr != nil {
		cerr = fault.WrapAs(kindOf(cerr), cerr, "close log", "cannot close the file").At(w.name, fault.NoOffset)
		err = errors.Join(err, cerr)
	}
	return err
}
