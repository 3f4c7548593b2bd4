package frame

import (
	"io"

	"github.com/stelehq/stele/internal/fault"
)

// Found is what Walk met: a frame, or bytes that are none.
type Found struct {
	Frame               // of bytes that are no frame Offset and Length alone
	None   bool         // the bytes are no frame of this file
	Room   bool         // they are zeros to the end of the file: room for frames to come (Writer.Reserve)
	Bad    *fault.Error // what is wrong with the frame; its Body is then nil
	Header *FileHeader  // if it holds one
	Mark   bool         // it is a closing mark
}

// Walk calls fn with everything that is in a file, damaged or not, in the file's order: it judges nothing, other than Scan does.
// An error of fn ends it; others are those of Scan.
func Walk(r io.ReaderAt, size int64, name string, fn func(Found) error) error {
	s := scanner{window: window{r: r, size: size, name: name}}
	for at := int64(0); at < size; {
		p, err := s.next(at)
		if err != nil {
			return err
		}
		start := size
		if p.found {
			start = p.offset
		}
		if start > at {
			none := Found{Frame: Frame{Offset: at, Length: start - at}, None: true, Bad: p.reason}
			if !p.found {
				if none.Room, err = s.zeros(at); err != nil {
					return err
				}
			}
			if none.Room {
				none.Bad = nil
			}
			if err := fn(none); err != nil {
				return err
			}
			p.reason = nil
		}
		if !p.found {
			return nil
		}
		f := Found{Frame: p.header.frame(p.offset, p.body), Mark: p.header.kind == kindMark}
		at = p.resume()
		if !p.whole {
			f.Bad, f.Body, f.Length = p.header.wrong(s.size-p.offset, name, p.offset), nil, at-p.offset
		} else if p.header.kind == kindFileHeader {
			if h, ok := decodeFileHeader(p.body); ok {
				f.Header = &h
			}
		}
		if err := fn(f); err != nil {
			return err
		}
	}
	return nil
}

// wrong says what is wrong with a frame whose header is sound.
func (h header) wrong(left int64, name string, offset int64) *fault.Error {
	if h.total() > left {
		return fault.New(fault.Corrupt, "read frame", "frame %d: expected %d bytes, found %d", h.sequence, h.total(), left).At(name, offset)
	}
	return fault.New(fault.Corrupt, "read frame", "frame %d: the body's checksum is wrong", h.sequence).At(name, offset)
}
