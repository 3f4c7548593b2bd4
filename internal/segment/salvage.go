package segment

import (
	"bytes"
	"errors"

	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/vfs"
)

// Salvage reads what is sound of a file whose footer or index is damaged: fn gets each sound
// block, which is valid until it returns. info has the identity from whichever end of the
// file has it, and the ranges, rows and number of the blocks that were found. What is missing
// or damaged is in damage. err is fn's, or one of reading.
func Salvage(fs vfs.FS, name string, fn func(block []byte, m Meta) error) (info Info, damage []*fault.Error, err error) {
	f, err := fs.Open(name)
	if err != nil {
		return Info{}, nil, fault.Wrap(err, "salvage segment", "cannot open the file").At(name, fault.NoOffset)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	size, err := f.Size()
	if err != nil {
		return Info{}, nil, fault.WrapAs(fault.IO, err, "salvage segment", "no length").At(name, fault.NoOffset)
	}
	s := salvage{file: f, size: size, name: name, fn: fn}
	err = s.run()
	return s.info, s.damage, err
}

type salvage struct {
	file   vfs.File
	size   int64
	name   string
	fn     func(block []byte, m Meta) error
	info   Info
	damage []*fault.Error

	known  bool // whether fileID is known
	fileID uint64
	blocks int   // as the footer says, -1 if it is lost
	end    int64 // where blocks end: at the index, or with the file
	buf    []byte
	window []byte
}

func (s *salvage) run() error {
	s.info.Bytes, s.blocks, s.end = s.size, -1, s.size
	var at int64
	var foot footer
	t, err := readTrailer(s.file, s.size, s.name)
	if err == nil && t.magic() == smallMagic {
		return s.whole()
	}
	if err == nil {
		foot, _, err = readFooter(s.file, s.size, t, s.name)
	}
	if lost, err := s.note(err); err != nil {
		return err
	} else if !lost {
		s.known, s.fileID, s.info.Identity, s.blocks = true, foot.fileID, foot.info.Identity, foot.info.Blocks
		s.end = int64(min(foot.indexOffset, uint64(s.size)))
	}
	fileID, id, end, err := readHead(s.file, s.size, s.name)
	if lost, err := s.note(err); err != nil {
		return err
	} else if !lost {
		s.known, s.fileID, s.info.Identity, at = true, fileID, id, end
	}
	return s.scan(at)
}

// whole reads a small file, which is sound as a whole or not at all.
func (s *salvage) whole() error {
	block, id, m, err := readSmall(s.file, s.size, s.name)
	if lost, err := s.note(err); lost || err != nil {
		return err
	}
	s.info.Identity = id
	s.info.add(m)
	return s.fn(block, m)
}

// note files damage and passes on other errors.
func (s *salvage) note(err error) (lost bool, _ error) {
	if err == nil {
		return false, nil
	}
	var e *fault.Error
	if errors.As(err, &e) && e.Kind == fault.Corrupt {
		s.damage = append(s.damage, e)
		return true, nil
	}
	return true, err
}

// scan finds block headers by their magic, from at on.
func (s *salvage) scan(at int64) error {
	var next uint32      // ordinal of the block that should come
	var why *fault.Error // the first thing that is wrong since the last sound block
	// Rows by ordinal, of headers that are sound and whose blocks are not. Those in an index
	// that has outlived its footer are among them.
	seen := map[uint32]int{}
	for {
		found, more, err := s.findMagic(at)
		if err != nil {
			return err
		}
		if !more {
			break
		}
		if why == nil && found != at {
			why = fault.New(fault.Corrupt, "salvage segment", "expected block %d, found bytes of no block", next).At(s.name, at)
		}
		h, body, bad, err := s.block(found)
		if err != nil {
			return err
		}
		if bad == nil && h.ordinal < next {
			bad = fault.New(fault.Corrupt, "salvage segment", "expected block %d, found block %d", next, h.ordinal).At(s.name, found)
		}
		if bad != nil {
			if why == nil {
				why = bad
			}
			if h.fileID != 0 && h.ordinal >= next {
				seen[h.ordinal] = h.meta.Rows
			}
			at = found + int64(len(blockMagic))
			continue
		}
		if h.ordinal > next {
			s.lost(next, h.ordinal, seen, why)
		}
		next, why = h.ordinal+1, nil
		s.info.add(h.meta)
		if err := s.fn(body, h.meta); err != nil {
			return err
		}
		at = found + blockHeaderSize + int64(h.length)
	}
	last := next
	if s.blocks > int(next) {
		last = uint32(s.blocks)
	} else if s.blocks < 0 {
		for ordinal := range seen {
			last = max(last, ordinal+1)
		}
	}
	if last > next {
		s.lost(next, last, seen, why)
	}
	return nil
}

// lost reports the blocks from to to, to not included.
func (s *salvage) lost(from, to uint32, seen map[uint32]int, why *fault.Error) {
	rows := 0
	for ordinal, n := range seen {
		if ordinal >= from && ordinal < to {
			rows += n
		}
	}
	what := fault.New(fault.Corrupt, "salvage segment", "blocks %d to %d are lost, at least %d rows", from, to-1, rows)
	if to-from == 1 {
		what = fault.New(fault.Corrupt, "salvage segment", "block %d is lost, at least %d rows", from, rows)
	}
	if why != nil {
		what.Err = why
		what.At(s.name, why.Offset)
	} else {
		what.At(s.name, fault.NoOffset)
	}
	s.damage = append(s.damage, what)
}

// block reads and checks the block at offset. bad is damage, err a failure to read.
func (s *salvage) block(offset int64) (h blockHeader, body []byte, bad *fault.Error, err error) {
	var b [blockHeaderSize]byte
	n := min(blockHeaderSize, s.end-offset)
	if err := readFull(s.file, b[:n], offset, s.name); err != nil {
		return h, nil, nil, err
	}
	if h, bad = decodeBlockHeader(b[:n]); bad != nil {
		return blockHeader{}, nil, bad.At(s.name, offset), nil
	}
	if s.known && h.fileID != s.fileID {
		bad = fault.New(fault.Corrupt, "salvage segment", "expected file id %016x, found %016x", s.fileID, h.fileID)
		return blockHeader{}, nil, bad.At(s.name, offset), nil
	}
	s.known, s.fileID = true, h.fileID
	if left := s.end - offset - blockHeaderSize; int64(h.length) > left {
		bad = fault.New(fault.Corrupt, "salvage segment", "block %d: expected %d bytes, found %d", h.ordinal, h.length, left)
		return h, nil, bad.At(s.name, offset), nil
	}
	if cap(s.buf) < int(h.length) {
		s.buf = make([]byte, h.length)
	}
	body = s.buf[:h.length:h.length]
	if err := readFull(s.file, body, offset+blockHeaderSize, s.name); err != nil {
		return h, nil, nil, err
	}
	if bad := h.check(body); bad != nil {
		return h, nil, bad.At(s.name, offset+blockHeaderSize), nil
	}
	return h, body, nil, nil
}

// findMagic returns the first offset from at on at which a block may begin.
func (s *salvage) findMagic(at int64) (int64, bool, error) {
	const step = 64 << 10
	if s.window == nil {
		s.window = make([]byte, min(step, s.size))
	}
	for size := int64(4096); s.end-at >= int64(len(blockMagic)); size = step {
		b := s.window[:min(int64(len(s.window)), size, s.end-at)]
		if err := readFull(s.file, b, at, s.name); err != nil {
			return 0, false, err
		}
		if i := bytes.Index(b, []byte(blockMagic)); i >= 0 {
			return at + int64(i), true, nil
		}
		at += int64(len(b) - len(blockMagic) + 1)
	}
	return 0, false, nil
}
