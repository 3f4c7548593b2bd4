package segment

import (
	"context"
	"errors"
	"io"
	"sync/atomic"

	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/vfs"
)

// Reader reads one segment; safe for concurrent use. It starts with one reference, the
// opener's.
type Reader struct {
	fs      vfs.FS
	file    content
	handle  *handle // the file, if Open made the reader
	name    string
	footer  footer
	entries []entry
	small   bool // of one block, which is what the file begins with
	refs    atomic.Int64
	retired atomic.Bool
}

// The content of a file.
type content interface {
	io.ReaderAt
	Size() (int64, error)
}

type entry struct {
	offset int64
	blockHeader
}

// Open reads and checks footer and index, and that blocks, index and footer fill the file; all of a small file. A
// file of which that does not hold is fault.Corrupt: Salvage then reads its blocks. files bounds how many
// are open with it; nil bounds nothing.
func Open(fs vfs.FS, name string, files *Files) (*Reader, error) {
	if files == nil {
		files = NewFiles(1)
	}
	h := &handle{files: files, fs: fs, name: name}
	r := &Reader{fs: fs, file: h, handle: h, name: name}
	// One opening serves all that load reads.
	if _, err := h.take(); err != nil {
		return nil, err
	}
	err := r.load()
	h.give()
	if err != nil {
		return nil, errors.Join(err, h.end())
	}
	r.refs.Store(1)
	return r, nil
}

func (r *Reader) load() error {
	size, err := r.file.Size()
	if err != nil {
		return fault.WrapAs(fault.IO, err, "open segment", "no length").At(r.name, fault.NoOffset)
	}
	t, err := readTrailer(r.file, size, r.name)
	if err != nil {
		return err
	}
	if t.magic() == smallMagic {
		block, id, m, err := readSmall(r.file, size, r.name)
		if err != nil {
			return err
		}
		r.small, r.entries = true, []entry{{blockHeader: blockHeader{length: uint32(len(block)), meta: m}}}
		r.footer.info = Info{Identity: id, Bytes: size}
		r.footer.info.add(m)
		return nil
	}
	foot, at, err := readFooter(r.file, size, t, r.name)
	if err != nil {
		return err
	}
	fail := func(offset int64, format string, args ...any) error {
		return fault.New(fault.Corrupt, "open segment", format, args...).At(r.name, offset)
	}
	if foot.indexOffset > uint64(at) || uint64(at)-foot.indexOffset != uint64(foot.info.Blocks)*entrySize {
		return fail(at, "an index at %d of %d blocks does not end at %d", foot.indexOffset, foot.info.Blocks, at)
	}
	index := make([]byte, uint64(at)-foot.indexOffset)
	from := int64(foot.indexOffset)
	if err := readFull(r.file, index, from, r.name); err != nil {
		return err
	}
	if found := checksum(index); found != foot.indexCRC {
		return fail(from, "index checksum: expected %08x, found %08x", foot.indexCRC, found)
	}
	r.footer, r.entries = foot, make([]entry, 0, foot.info.Blocks)
	sum := Info{Identity: foot.info.Identity, Bytes: size}
	end := int64(len(appendHead(nil, foot.fileID, foot.info.Identity)))
	for i := range foot.info.Blocks {
		b := index[i*entrySize:][:entrySize]
		h, bad := decodeBlockHeader(b[8:])
		if bad != nil {
			return bad.At(r.name, from+int64(i*entrySize)+8)
		}
		offset := le.Uint64(b)
		if h.fileID != foot.fileID || h.ordinal != uint32(i) || offset != uint64(end) || int64(h.length) > from-end-blockHeaderSize {
			return fail(from+int64(i*entrySize), "block %d of file %016x at %d, %d bytes: expected block %d of file %016x at %d", h.ordinal, h.fileID, offset, h.length, i, foot.fileID, end)
		}
		r.entries = append(r.entries, entry{end, h})
		sum.add(h.meta)
		end += blockHeaderSize + int64(h.length)
	}
	if end != from || sum.Rows != foot.info.Rows || sum.MinKey != foot.info.MinKey || sum.MaxKey != foot.info.MaxKey ||
		sum.MinArrival != foot.info.MinArrival || sum.MaxArrival != foot.info.MaxArrival || foot.info.Blocks == 0 {
		return fail(at, "footer and index do not agree: the blocks end at %d and have %d rows, expected %d and %d", end, sum.Rows, from, foot.info.Rows)
	}
	return nil
}

// Name returns the file's name as Open was given it.
func (r *Reader) Name() string { return r.name }

// Info returns what the footer says. Its lists are not to be changed.
func (r *Reader) Info() Info { return r.footer.info }

// Blocks returns how many blocks there are.
func (r *Reader) Blocks() int { return len(r.entries) }

// Meta returns what the index says of block i.
func (r *Reader) Meta(i int) Meta { return r.entries[i].meta }

// BlockBytes returns the length of block i.
func (r *Reader) BlockBytes(i int) int { return int(r.entries[i].length) }

// Sets returns the last bytes of block i that are sets, nil if it has none. They have checksums of their own: nothing is checked here.
func (r *Reader) Sets(i int) *io.SectionReader {
	e := &r.entries[i]
	if e.meta.Sets == 0 {
		return nil
	}
	return io.NewSectionReader(r.file, r.SetsOffset(i), int64(e.meta.Sets))
}

// SetsOffset is where they begin in the file.
func (r *Reader) SetsOffset(i int) int64 {
	e := &r.entries[i]
	return e.offset + blockHeaderSize + int64(e.length) - int64(e.meta.Sets)
}

// ReadBlock reads block i and checks it. The block is in the memory of buf if that is large
// enough, and the caller's. Damage is fault.Corrupt with file, offset, expected and found.
func (r *Reader) ReadBlock(i int, buf []byte) ([]byte, error) {
	e := r.entries[i]
	if r.small {
		block, _, m, err := readSmall(r.file, r.footer.info.Bytes, r.name)
		if err == nil && m != e.meta {
			err = fault.New(fault.Corrupt, "read block", "the file has changed since it was opened").At(r.name, 0)
		}
		return block, err
	}
	n := blockHeaderSize + int(e.length)
	if cap(buf) < n {
		buf = make([]byte, n)
	}
	buf = buf[:n]
	if err := readFull(r.file, buf, e.offset, r.name); err != nil {
		return nil, err
	}
	if bad := e.matches(buf); bad != nil {
		return nil, bad.At(r.name, e.offset)
	}
	if bad := e.check(buf[blockHeaderSize:]); bad != nil {
		return nil, bad.At(r.name, e.offset+blockHeaderSize)
	}
	return buf[blockHeaderSize:], nil
}

// Part returns the first bytes of block i, up to n, and all of them to be read here and there for as long as the reader is held, once the block's header was found
// where it has to be; nothing else is checked. all is nil for a file that is read whole.
func (r *Reader) Part(i, n int) (first []byte, all *io.SectionReader, err error) {
	if r.small {
		return nil, nil, nil
	}
	e := &r.entries[i]
	buf := make([]byte, blockHeaderSize+min(n, int(e.length)))
	if err := readFull(r.file, buf, e.offset, r.name); err != nil {
		return nil, nil, err
	}
	if err := e.matches(buf); err != nil {
		return nil, nil, err.At(r.name, e.offset)
	}
	return buf[blockHeaderSize:], io.NewSectionReader(r.file, e.offset+blockHeaderSize, int64(e.length)), nil
}

// matches says whether a block's header is the one of the index.
func (e *entry) matches(head []byte) *fault.Error {
	h, bad := decodeBlockHeader(head)
	if bad == nil && h != e.blockHeader {
		bad = fault.New(fault.Corrupt, "read block", "expected block %d of file %016x, found block %d of file %016x", e.ordinal, e.fileID, h.ordinal, h.fileID)
	}
	return bad
}

// ReadDamaged reads block i without its checksum, for those who find out what of it is sound.
func (r *Reader) ReadDamaged(i int) ([]byte, error) {
	e := r.entries[i]
	if r.small {
		return nil, fault.New(fault.Corrupt, "read block", "a damaged file of one page has nothing sound").At(r.name, 0)
	}
	block := make([]byte, e.length)
	if err := readFull(r.file, block, e.offset+blockHeaderSize, r.name); err != nil {
		return nil, err
	}
	return block, nil
}

// Acquire takes a reference; false if the last one is gone already.
func (r *Reader) Acquire() bool {
	for {
		n := r.refs.Load()
		if n <= 0 {
			return false
		}
		if r.refs.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// Release gives one up. The last closes the file and, if it was retired, removes it; the error
// is of that. Who releases more than was acquired gets fault.Internal.
func (r *Reader) Release() error {
	n := r.refs.Add(-1)
	if n > 0 {
		return nil
	}
	if n < 0 {
		return fault.New(fault.Internal, "close segment", "released more often than acquired").At(r.name, fault.NoOffset)
	}
	err := r.handle.end()
	if err != nil {
		err = fault.WrapAs(fault.IO, err, "close segment", "cannot close the file").At(r.name, fault.NoOffset)
	}
	if r.retired.Load() {
		rerr := r.fs.Remove(r.name)
		if rerr != nil {
			err = errors.Join(err, fault.WrapAs(fault.IO, rerr, "remove segment", "cannot remove the file").At(r.name, fault.NoOffset))
		}
		if f := r.handle.files; f != nil && f.ended != nil {
			f.ended(r.name, rerr == nil)
		}
	}
	return err
}

// Retire has the file removed when the last reference is released; the opener's, which the
// caller still has to release, is one of them.
func (r *Reader) Retire() { r.retired.Store(true) }

// Verify checks every byte of the file: head, all blocks, index, footer. It returns all
// damage; err only if reading failed or ctx ended.
func (r *Reader) Verify(ctx context.Context) (damage []*fault.Error, err error) {
	note := func(err error) error {
		var e *fault.Error
		if errors.As(err, &e) && e.Kind == fault.Corrupt {
			damage = append(damage, e)
			return nil
		}
		return err
	}
	// Footer and index once more: the disk may have changed since Open.
	again := &Reader{fs: r.fs, file: r.file, name: r.name}
	if err := note(again.load()); err != nil || r.small {
		return damage, err
	}
	fileID, id, _, err := readHead(r.file, r.footer.info.Bytes, r.name)
	if err := note(err); err != nil {
		return damage, err
	}
	if err == nil && (fileID != r.footer.fileID || string(appendIdentity(nil, id)) != string(appendIdentity(nil, r.footer.info.Identity))) {
		damage = append(damage, fault.New(fault.Corrupt, "read segment", "head and footer do not agree on the identity").At(r.name, 0))
	}
	var buf []byte
	for i := range r.entries {
		if err := ctx.Err(); err != nil {
			return damage, fault.WrapAs(fault.Canceled, err, "verify segment", "given up after %d blocks", i).At(r.name, fault.NoOffset)
		}
		b, err := r.ReadBlock(i, buf)
		if err := note(err); err != nil {
			return damage, err
		}
		if b != nil && cap(b)+blockHeaderSize > cap(buf) {
			buf = make([]byte, 0, cap(b)+blockHeaderSize)
		}
	}
	return damage, nil
}
