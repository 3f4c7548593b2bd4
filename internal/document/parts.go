package document

import (
	"time"

	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/frame"
)

// Format stands in every file's header frame.
const Format = formatName

// A Change is what one frame does.
type Change struct {
	Version    uint64
	Changed    time.Time
	Space, Key string
	Bytes      int // of the value
	Deleted    bool
}

// ChangeOf reads a frame.
func ChangeOf(f frame.Frame) (Change, error) {
	c, ok := decodeChange(f.Body)
	if !ok || f.Kind != kindSet && f.Kind != kindDelete {
		return Change{}, fault.New(fault.Corrupt, "read document log", "frame %d, of kind %d, is no change", f.Sequence, f.Kind)
	}
	return Change{Version: c.version, Changed: c.changed, Space: string(c.space), Key: string(c.key), Bytes: len(c.value), Deleted: f.Kind == kindDelete}, nil
}

// Predecessor is what a file's header says of the file before it and of itself.
type Predecessor struct {
	Complete bool   // files of lower numbers are litter
	Previous uint64 // the file before, 0 if there is none
	Last     uint64 // its last sequence that counts
	Version  uint64 // the highest given before
}

// PredecessorOf reads the extra bytes of a file's header.
func PredecessorOf(h frame.FileHeader) (Predecessor, error) {
	e, ok := decodeExtra(h.Extra)
	if !ok {
		return Predecessor{}, fault.New(fault.Corrupt, "read document log", "expected %d extra bytes in the header, found %d", extraSize, len(h.Extra))
	}
	return Predecessor{e.complete, e.previous, e.last, e.version}, nil
}
