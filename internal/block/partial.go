package block

import (
	"io"
	"sync"
	"sync/atomic"

	"github.com/stelehq/stele/internal/column"
	"github.com/stelehq/stele/internal/fault"
)

// A partial is what a block that is there in part reads the rest of itself from. Safe for concurrent use.
type partial struct {
	src    io.ReaderAt
	length int
	sets   int // of the block's last bytes

	mu     sync.Mutex // of the sections' stored bytes
	whole  bool       // all of them are there
	broken atomic.Bool

	shapes, instants, keys loaded
}

// A loaded part of a block is read once.
type loaded struct {
	once sync.Once
	err  error
}

// PartBytes is how much of a block is best read before OpenPart, in one call: of most blocks that is the head and the schema.
const PartBytes = 16 << 10

// OpenPart opens the block of length bytes that src begins with, for who asks for a few columns of many events: only the head and the
// schema are read now, and any other section when it is first needed, each with its own checksum. first is the beginning of the block, as much as was read of it. Keys (Key, Search, Cursor and what is
// read by rows) may only be asked for after LoadKeys or Fetch, instants after LoadInstants too. src has to stay readable, and the same, as long as something is left to read: until Fetch.
func OpenPart(first []byte, src io.ReaderAt, length int, base uint64) (*Block, error) {
	data, err := first, error(nil)
	d := &column.Decoder{Src: data}
	d.Bytes("version and checksum", 1+checksumBytes)
	head := d.Uvarint("bytes of the head")
	if end := uint64(len(data)-len(d.Src)) + head; d.Err() == nil && head > 0 && end > uint64(len(data)) && end <= uint64(length) {
		if data, err = readBytes(src, 0, int(end)); err != nil {
			return nil, err
		}
	}
	if head == 0 || d.Err() != nil { // one section, or told
		if data, err = readBytes(src, 0, length); err != nil {
			return nil, err
		}
		return Open(data, base)
	}
	p := &partial{src: src, length: length}
	b := &Block{base: base, schema: &schema{}, part: p}
	if _, p.sets, err = b.readHead(data, length); err != nil {
		return nil, err
	}
	for i := range b.sections { // what was read with the head
		if s := &b.sections[i]; s.at+int(s.bytes) <= len(data) {
			s.take(data[s.at : s.at+int(s.bytes)])
		}
	}
	if err := b.readSchema(); err != nil {
		return nil, err
	}
	b.account.Take(len(data) + 96*len(b.columns) + 512)
	return b, nil
}

func readBytes(src io.ReaderAt, at, n int) ([]byte, error) {
	data := make([]byte, n)
	if read, err := src.ReadAt(data, int64(at)); read < n {
		if err == nil || err == io.EOF {
			return nil, corrupt("the block ends after %d of %d bytes", at+read, at+n)
		}
		return nil, fault.WrapAs(fault.IO, err, opOpen, "cannot read %d bytes at %d", n, at)
	}
	return data, nil
}

// read has a section's bytes if they are not there yet.
func (p *partial) read(b *Block, s *section) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.stored == nil && s.err == nil {
		stored, err := readBytes(p.src, s.at, int(s.bytes))
		if err != nil {
			s.err = err
		} else {
			b.account.Take(len(stored))
			s.take(stored)
		}
	}
	if s.err != nil {
		p.broken.Store(true)
	}
}

// nearBytes is how far apart sections may stand that are read in one call: to read that much for nothing takes less time than another call.
const nearBytes = 32 << 10

// want reads what is not there yet of some columns, in as few calls as pay. What cannot be read is told when it is asked for.
func (b *Block) want(columns []bool) {
	p := b.part
	p.mu.Lock()
	defer p.mu.Unlock()
	missing := make([]bool, len(b.sections))
	for i, wanted := range columns {
		at := b.payloads[payloadColumns+i].section
		if s := &b.sections[at]; wanted && s.stored == nil && s.err == nil {
			missing[at] = true
		}
	}
	for i := 0; i < len(missing); i++ {
		if !missing[i] {
			continue
		}
		first, last := &b.sections[i], i
		end := func() int { return b.sections[last].at + int(b.sections[last].bytes) }
		for j := i + 1; j < len(missing) && b.sections[j].at-end() <= nearBytes; j++ {
			if missing[j] {
				last = j
			}
		}
		data, err := readBytes(p.src, first.at, end()-first.at)
		if err != nil {
			return
		}
		b.account.Take(len(data))
		for ; i <= last; i++ {
			if s := &b.sections[i]; s.stored == nil && s.err == nil {
				at := s.at - first.at
				s.take(data[at : at+int(s.bytes) : at+int(s.bytes)])
			}
		}
		i = last
	}
}

// Broken says that a part of the block could not be read, or was found damaged, after it was opened: it has to be opened anew.
func (b *Block) Broken() bool { return b.part != nil && b.part.broken.Load() }

// load reads a part of the block, unless all of it is there.
func (b *Block) load(part func(p *partial) *loaded, read func() error) error {
	if b.part == nil {
		return nil
	}
	l := part(b.part)
	l.once.Do(func() {
		if l.err = read(); l.err != nil {
			b.part.broken.Store(true)
		}
	})
	return l.err
}

// loadShapes has the shapes of the rows be there.
func (b *Block) loadShapes() error {
	return b.load(func(p *partial) *loaded { return &p.shapes }, func() error { return b.readShapes(b.rows) })
}

// LoadInstants has the instants of the rows be there.
func (b *Block) LoadInstants() error {
	return b.load(func(p *partial) *loaded { return &p.instants }, func() error { return b.readTimes(b.rows) })
}

// LoadKeys has the keys of the rows be there, and what else is needed to go from row to row.
func (b *Block) LoadKeys() error {
	return b.load(func(p *partial) *loaded { return &p.keys }, func() error {
		if err := b.loadShapes(); err != nil {
			return err
		}
		if err := b.LoadInstants(); err != nil {
			return err
		}
		return b.readArrivals(b.rows)
	})
}

// Fetch has all of the block be there, which then stands as if Open had opened it: every section's checksum is right, and nothing is left to read.
func (b *Block) Fetch() error {
	p := b.part
	if p == nil {
		return nil
	}
	if err := p.fetch(b); err != nil {
		p.broken.Store(true)
		return err
	}
	return b.LoadKeys()
}

func (p *partial) fetch(b *Block) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.whole {
		return nil
	}
	data, err := readBytes(p.src, 0, p.length)
	if err != nil {
		return err
	}
	end := 0
	for i := range b.sections {
		s := &b.sections[i]
		end = s.at + int(s.bytes)
		if s.stored == nil && s.err == nil {
			s.take(data[s.at:end:end])
		}
	}
	b.account.Take(len(data))
	for _, c := range data[end : p.length-p.sets] {
		if c != 0 {
			return corrupt("the %d bytes behind the last section are not zero", p.length-p.sets-end)
		}
	}
	for i := range b.sections {
		if err := b.sections[i].err; err != nil {
			return fault.Wrap(err, opOpen, "section %d (%s)", i, b.describeSection(i))
		}
	}
	b.sets = data[p.length-p.sets:]
	p.whole, p.src = true, nil
	return nil
}
