package segment

import (
	"bytes"
	"crypto/rand"
	"errors"
	"math"
	"path"

	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/vfs"
)

// Writer writes one segment. One goroutine at a time.
type Writer struct {
	fs     vfs.FS
	file   vfs.File // nil once finished or aborted
	name   string
	fileID uint64
	info   Info
	size   int64
	index  []byte
	buf    []byte
	held   []byte // the first block, while the file may become a small one: nothing is written then
	meta   Meta   // of it
	dead   error
}

// Create makes the file. Name it as it shall be called: a segment that no catalog entry names
// is litter, finished or not.
func Create(fs vfs.FS, name string, id Identity) (*Writer, error) {
	var b [8]byte
	if _, err := rand.Read(b[:]); err != nil {
		return nil, fault.WrapAs(fault.Internal, err, "create segment", "no random bytes for a file id").At(name, fault.NoOffset)
	}
	return create(fs, name, id, le.Uint64(b[:]))
}

func create(fs vfs.FS, name string, id Identity, fileID uint64) (*Writer, error) {
	if len(id.Journals) > maxReplaced || len(id.Segments) > maxReplaced {
		return nil, fault.New(fault.Internal, "create segment", "it replaces %d journals and %d segments", len(id.Journals), len(id.Segments)).At(name, fault.NoOffset)
	}
	f, err := fs.Create(name)
	if err != nil {
		return nil, fault.WrapAs(kindOf(err), err, "create segment", "cannot create the file").At(name, fault.NoOffset)
	}
	return &Writer{fs: fs, file: f, name: name, fileID: fileID, info: Info{Identity: id}}, nil
}

// kindOf keeps what matters to the caller of a failed call (a full disk) and makes the rest IO.
func kindOf(err error) fault.Kind {
	if k := fault.KindOf(err); k == fault.Full {
		return k
	}
	return fault.IO
}

// Add takes a block; it is the caller's again. The order of blocks is the caller's. After a
// failure the writer is dead: Abort it (R12).
func (w *Writer) Add(block []byte, m Meta) error {
	switch {
	case len(block) > MaxBlock:
		return fault.New(fault.TooLarge, "write segment", "a block of %d bytes; the limit is %d", len(block), MaxBlock).At(w.name, w.size)
	case m.Sets < 0 || m.Sets > len(block):
		return fault.New(fault.Internal, "write segment", "sets of %d bytes in a block of %d", m.Sets, len(block)).At(w.name, w.size)
	case m.Rows < 0 || m.Rows > math.MaxInt32 || w.info.Blocks == math.MaxInt32:
		return fault.New(fault.Internal, "write segment", "a block of %d rows after %d blocks", m.Rows, w.info.Blocks).At(w.name, w.size)
	}
	if w.dead == nil && w.info.Blocks == 0 && len(block) < smallBytes && m.Sets == 0 {
		w.held, w.meta = bytes.Clone(block), m
		w.info.add(m)
		return nil
	}
	if err := w.release(); err != nil {
		return err
	}
	if err := w.put(uint32(w.info.Blocks), block, m); err != nil {
		return err
	}
	w.info.add(m)
	return nil
}

// release writes the block that was held, of a file that is no small one.
func (w *Writer) release() error {
	if w.held == nil {
		return nil
	}
	block := w.held
	w.held = nil
	return w.put(0, block, w.meta)
}

// put writes a block.
func (w *Writer) put(ordinal uint32, block []byte, m Meta) error {
	if ordinal == 0 {
		if err := w.write(appendHead(nil, w.fileID, w.info.Identity)); err != nil {
			return err
		}
	}
	h := blockHeader{ordinal: ordinal, fileID: w.fileID, length: uint32(len(block)), crc: checksum(block), meta: m}
	offset := w.size
	w.buf = appendBlockHeader(w.buf[:0], h)
	if err := w.write(w.buf); err != nil {
		return err
	}
	if err := w.write(block); err != nil {
		return err
	}
	w.index = le.AppendUint64(w.index, uint64(offset))
	w.index = append(w.index, w.buf...)
	return nil
}

func (w *Writer) write(b []byte) error {
	if w.dead != nil {
		return fault.Wrap(w.dead, "write segment", "the file is not written again after a failure").At(w.name, fault.NoOffset)
	}
	n, err := w.file.Write(b)
	if err == nil && n < len(b) {
		err = fault.New(fault.IO, "write segment", "%d of %d bytes were taken", n, len(b))
	}
	if err != nil {
		return w.die(err, "cannot write %d bytes", len(b))
	}
	w.size += int64(n)
	return nil
}

func (w *Writer) die(err error, format string, args ...any) error {
	w.dead = fault.WrapAs(kindOf(err), err, "write segment", format, args...).At(w.name, w.size)
	return w.dead
}

// Size returns the bytes of the file so far.
func (w *Writer) Size() int64 { return w.size + int64(len(w.held)) }

// Finish writes index and footer, syncs file and directory and closes it: once it has
// returned nil, the segment is there to stay. After a failure the writer is dead: Abort it.
func (w *Writer) Finish() (Info, error) {
	if w.info.Blocks == 0 {
		return Info{}, fault.New(fault.Internal, "write segment", "a segment without blocks").At(w.name, fault.NoOffset)
	}
	if err := w.end(); err != nil {
		return Info{}, err
	}
	if err := w.file.Sync(); err != nil {
		return Info{}, w.die(err, "cannot sync the file")
	}
	if err := w.fs.SyncDir(path.Dir(w.name)); err != nil {
		return Info{}, w.die(err, "cannot sync the directory")
	}
	err := w.file.Close()
	w.file = nil
	w.dead = fault.New(fault.Closed, "write segment", "the segment is finished").At(w.name, fault.NoOffset)
	if err != nil {
		return Info{}, fault.WrapAs(fault.IO, err, "write segment", "cannot close the file").At(w.name, fault.NoOffset)
	}
	w.info.Bytes = w.size
	return w.info, nil
}

// end writes what is left to write.
func (w *Writer) end() error {
	if w.held != nil {
		if file := appendSmall(nil, w.held, w.info.Identity, w.meta); len(file) <= smallBytes {
			return w.write(file)
		}
	}
	if err := w.release(); err != nil {
		return err
	}
	return w.write(appendFooter(w.index, footer{fileID: w.fileID, info: w.info, indexOffset: uint64(w.size), indexCRC: checksum(w.index)}))
}

// Abort closes and removes an unfinished file, as far as that is possible: what is left is
// litter. It is harmless after Finish.
func (w *Writer) Abort() {
	if w.file == nil {
		return
	}
	_ = errors.Join(w.file.Close(), w.fs.Remove(w.name))
	w.file = nil
	if w.dead == nil {
		w.dead = fault.New(fault.Closed, "write segment", "the segment was given up").At(w.name, fault.NoOffset)
	}
}
