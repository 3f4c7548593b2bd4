package frame

import (
	"io"

	"github.com/stelehq/stele/internal/fault"
)

// Result is what a scan found.
type Result struct {
	Header       FileHeader
	HeaderLost   bool           // no copy of it is whole: Header is zero
	End          int64          // end of the last whole frame that counts
	LastSequence uint64         // of the last frame that counts or is lost to damage; not of a closing mark, which may be lost
	Torn         bool           // bytes after End were dropped as a torn tail: normal after a crash
	Damage       []*fault.Error // damage before the tail, in file order: file, offset, expected, found, what is lost
	Lost         uint64         // frames lost to damage
}

// Scan calls fn with every whole frame of the caller's (not headers and marks) that counts,
// in sequence. Damage does not stop it: reading goes on at the next magic that begins a frame
// of this file (R13). What is missing is damage up to the highest sequence that any frame
// knows to be durable; after that, reading ends at the first hole, which is a torn tail, and
// whole frames behind it are dropped: nobody was told that they were kept.
//
// An error of fn ends the scan and is returned. Other errors are of reading, or
// fault.Unsupported for a format of frames from the future (R18). At most one body is in
// memory at a time, and no more than the file is long.
func Scan(r io.ReaderAt, size int64, name string, fn func(Frame) error) (Result, error) {
	return ScanDurable(r, size, name, 0, fn)
}

// ScanDurable is Scan of a file of which another one says that its frames up to a sequence are durable.
// That the file ends before that sequence is for the caller to see, in LastSequence.
func ScanDurable(r io.ReaderAt, size int64, name string, durable uint64, fn func(Frame) error) (Result, error) {
	if durable < FirstSequence {
		durable = 0 // nobody waited for a header that no frame follows: one copy of it is as good as two
	}
	s := scanner{window: window{r: r, size: size, name: name}, durable: durable, fn: fn}
	s.result.HeaderLost = true
	err := s.run()
	if s.mark != 0 && s.mark == s.result.LastSequence {
		s.result.LastSequence--
	}
	return s.result, err
}

type scanner struct {
	window
	fn     func(Frame) error
	result Result

	known   bool // whether fileID is known
	fileID  uint64
	looked  bool   // whether durable is known
	durable uint64 // the highest sequence that the caller, or any frame in the file, knows to be durable
	mark    uint64 // the sequence of the closing mark
}

// A piece is what next finds: a header of this file that is sound, and perhaps its body.
type piece struct {
	found  bool
	whole  bool // the body is sound too
	header header
	offset int64
	body   []byte
	end    int64        // where this frame ends, or the file does
	reason *fault.Error // the first thing that is wrong, from where next was asked to look
}

// resume is where to look on. After a damaged body that is inside it: its length may be of
// bytes that are no longer there.
func (p piece) resume() int64 {
	if p.whole {
		return p.end
	}
	return p.offset + HeaderSize
}

// next returns the first frame of this file that begins at from or later.
func (s *scanner) next(from int64) (piece, error) {
	var p piece
	for at := from; ; {
		n := int(min(HeaderSize, s.size-at))
		b, err := s.at(at, n)
		if err != nil {
			return p, err
		}
		h, bad := decodeHeader(b)
		if bad == nil && s.known && h.fileID != s.fileID {
			bad = fault.New(fault.Corrupt, "read frame", "expected the file id %016x, found %016x", s.fileID, h.fileID)
		}
		if bad == nil {
			if h.version != version {
				return p, unsupported(h, s.name, at)
			}
			return s.body(p, h, at)
		}
		if p.reason == nil {
			p.reason = bad.At(s.name, at)
		}
		var more bool
		if at, more, err = s.findMagic(at + 1); err != nil || !more {
			p.end = s.size
			return p, err
		}
	}
}

// body completes p with the frame whose header is at offset.
func (s *scanner) body(p piece, h header, offset int64) (piece, error) {
	p.found, p.header, p.offset = true, h, offset
	s.known, s.fileID = true, h.fileID
	var bad *fault.Error
	if left := s.size - offset; h.total() > left {
		p.end = s.size
		bad = fault.New(fault.Corrupt, "read frame", "frame %d: expected %d bytes, found %d", h.sequence, h.total(), left)
	} else {
		p.end = offset + h.total()
		b, err := s.at(offset+HeaderSize, int(h.length)+crcSize)
		if err != nil {
			return p, err
		}
		p.body = b[:h.length:h.length]
		bad = h.checkBody(p.body, b[h.length:])
	}
	p.whole = bad == nil
	if bad != nil && p.reason == nil {
		p.reason = bad.At(s.name, offset)
	}
	return p, nil
}

func (s *scanner) run() error {
	var why *fault.Error // the first thing that is wrong since the last frame that counts
	for at := int64(0); at < s.size; {
		p, err := s.next(at)
		if err != nil {
			return err
		}
		if why == nil {
			why = p.reason
		}
		if !p.found {
			break
		}
		at = p.resume()
		expected := s.result.LastSequence + 1
		if why == nil && p.header.sequence != expected {
			why = fault.New(fault.Corrupt, "read frame", "expected frame %d, found frame %d", expected, p.header.sequence).At(s.name, p.offset)
		}
		if !p.whole || p.header.sequence < expected {
			continue
		}
		if why != nil {
			torn, err := s.hole(expected, p.header.sequence-1, why)
			if err != nil {
				return err
			}
			if torn {
				break
			}
			why = nil
		}
		s.result.LastSequence, s.result.End = p.header.sequence, p.end
		if err := s.deliver(p); err != nil {
			return err
		}
	}
	s.result.Torn = s.result.End < s.size
	if why == nil {
		return nil
	}
	if !s.known {
		if s.size > longestPreamble {
			s.result.Torn = false
			s.damage(1, 0, fault.New(fault.Corrupt, "read frame", "no frame in a file of %d bytes", s.size).At(s.name, 0))
		}
		return nil
	}
	if err := s.lookAhead(); err != nil {
		return err
	}
	if s.result.LastSequence < s.durable {
		s.damage(s.result.LastSequence+1, s.durable, why)
		s.result.LastSequence = s.durable
	}
	return nil
}

func (s *scanner) deliver(p piece) error {
	switch {
	case p.header.kind == kindFileHeader:
		if h, ok := decodeFileHeader(p.body); ok && s.result.HeaderLost && p.header.sequence < FirstSequence {
			s.result.Header, s.result.HeaderLost = h, false
		}
		return nil
	case p.header.kind == kindMark:
		s.mark = p.header.sequence
		return nil
	case p.header.kind > MaxKind:
		return nil
	}
	return s.fn(p.header.frame(p.offset, p.body))
}

// hole judges what stands before a whole frame in place of the frames first to last, which
// may be none. It returns whether this is the torn tail.
func (s *scanner) hole(first, last uint64, why *fault.Error) (torn bool, _ error) {
	if err := s.lookAhead(); err != nil {
		return false, err
	}
	switch {
	case last < first:
		s.damage(first, last, why)
	case first <= s.durable:
		s.damage(first, min(last, s.durable), why)
		s.result.LastSequence = min(last, s.durable)
	}
	// The two copies of the file header are written by one write, before all else: when
	// nothing follows, the second is as good as the first.
	return last > s.durable && last >= FirstSequence, nil
}

func (s *scanner) damage(first, last uint64, reason *fault.Error) {
	var e *fault.Error
	switch {
	case last < first:
		e = fault.Wrap(reason, "read log", "bytes that do not belong here")
	case last == first:
		e = fault.Wrap(reason, "read log", "frame %d is lost", first)
	default:
		e = fault.Wrap(reason, "read log", "frames %d to %d are lost", first, last)
	}
	s.result.Damage = append(s.result.Damage, e.At(s.name, reason.Offset))
	s.result.Lost += last + 1 - first
}

// lookAhead finds the highest sequence that any frame from here on knows to be durable.
func (s *scanner) lookAhead() error {
	if s.looked {
		return nil
	}
	s.looked = true
	ahead := scanner{window: window{r: s.r, size: s.size, name: s.name}, known: s.known, fileID: s.fileID}
	for at := s.result.End; at < s.size; {
		p, err := ahead.next(at)
		if err != nil {
			return err
		}
		if !p.found {
			break
		}
		s.durable = max(s.durable, p.header.synced)
		at = p.resume()
	}
	return nil
}

// ReadAt reads and checks the frame at offset. The body is the caller's.
func ReadAt(r io.ReaderAt, size int64, name string, offset int64) (Frame, error) {
	w := window{r: r, size: size, name: name}
	if offset < 0 || offset > size {
		return Frame{}, fault.New(fault.Corrupt, "read frame", "expected a frame, found the end of the file at %d", size).At(name, offset)
	}
	var b [HeaderSize]byte
	n := min(HeaderSize, size-offset)
	if err := w.read(b[:n], offset); err != nil {
		return Frame{}, err
	}
	h, bad := decodeHeader(b[:n])
	if bad != nil {
		return Frame{}, bad.At(name, offset)
	}
	if h.version != version {
		return Frame{}, unsupported(h, name, offset)
	}
	if left := size - offset; h.total() > left {
		return Frame{}, fault.New(fault.Corrupt, "read frame", "frame %d: expected %d bytes, found %d", h.sequence, h.total(), left).At(name, offset)
	}
	body := make([]byte, int(h.length)+crcSize)
	if err := w.read(body, offset+HeaderSize); err != nil {
		return Frame{}, err
	}
	if bad := h.checkBody(body[:h.length], body[h.length:]); bad != nil {
		return Frame{}, bad.At(name, offset)
	}
	return h.frame(offset, body[:h.length:h.length]), nil
}
