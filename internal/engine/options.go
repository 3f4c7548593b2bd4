// Package engine joins the journal, the manifest, the segments and the documents into a
// store. It alone knows the order of writes and syncs; docs/architecture.md numbers the
// invariants.
package engine

import (
	"log/slog"
	"time"

	"github.com/stelehq/stele/internal/machine"
	"github.com/stelehq/stele/internal/vfs"
)

// Options of an open store. The zero value is the default.
type Options struct {
	ReadOnly      bool
	MustExist     bool   // NotFound rather than a new store
	Salvage       bool   // a manifest that the disk does not give counts as lost
	URL           string // told to whoever finds the store locked (R17)
	EventBytes    int
	MemoryBytes   int64 // 0: machine.Memory
	JournalBytes  int64 // 0: a quarter of the memory, at most 64 MiB
	CacheBytes    int64 // 0: half of the memory
	DocumentBytes int
	MinFreeBytes  int64 // appends are refused while the disk has fewer free; 0: a 64th of it, at most 128 MiB; negative: none
	OpenFiles     int   // of segments at a time; 0: 256
	Logger        *slog.Logger
	Full          func()                                // is told that an append was refused for want of room; it must not wait. nil: nobody is
	Compile       func(filter string) (Selector, error) // of deletions; nil: none has a filter
	FS            vfs.FS
	Hooks         Hooks
}

// Hooks let tests reach what takes long in life. The zero value changes nothing.
type Hooks struct {
	Now          func() time.Time // nil: time.Now
	FirstCounter uint64           // the counter at which a freshly opened store starts (R2)
	BlockRows    int              // most rows of a block in a segment; 0: 65,536, or a fourth with little memory
	PieceRows    int              // rows at which a batch's builder becomes a block; 0: 8,192
	ReserveBytes int64            // size of the reserve file; 0: 1 MiB, negative: none
	NoTidy       bool             // recent blocks are not merged in memory
	NoCompact    bool             // segments are merged by Settle alone
	SegmentBytes int64            // up to what size segments are merged; 0: 512 MiB
	SmallBytes   int64            // smaller segments count as so large; 0: 1 MiB
	CompactFan   int              // how many segments of about the same size are merged; 0: 4 that overlap, 12 neighbours
	NoTelling    bool             // events are never written as text, which is short and takes tests of thousands of stores long
	CompactBytes int64            // the size from which the document log is compacted; 0: 1 MiB

	QuarantineBytes int64         // how much is kept in quarantine; 0: 1 GiB
	Patience        time.Duration // how long a journal that cannot be read keeps it from being sealed; 0: a minute

	Background func(loop string) // is called when a loop in the background (commit, seal, tidy, compact) begins to work; nil: nothing is
}

func (h *Hooks) background(loop string) {
	if h.Background != nil {
		h.Background(loop)
	}
}

const (
	mostJournalBytes    = 64 << 20
	defaultReserveBytes = 1 << 20
	defaultOpenFiles    = 256
	defaultBlockRows    = 64 << 10

	// With less memory than this, blocks of segments have a fourth of the rows: merging and encoding them takes some 50 MB.
	muchMemory = 100 << 20

	defaultPatience = time.Minute

	// maxRotated is how many rotated journal files may wait for sealing before appends wait too.
	maxRotated = 4

	// retryWindow is how long a batch id is remembered (R16), maxRetries how many are.
	retryWindow = 10 * time.Minute
	maxRetries  = 1 << 20
)

// pinBytes is how much memory small recent blocks may take beside the cache.
func (o *Options) pinBytes() int64 { return min(o.CacheBytes/4, o.MemoryBytes/16) }

func (o Options) withDefaults() Options {
	if o.MemoryBytes <= 0 {
		o.MemoryBytes = machine.Memory()
	}
	if o.JournalBytes <= 0 {
		// Sealing merges the blocks of a journal; those whose times overlap are decoded side by side.
		o.JournalBytes = min(o.MemoryBytes/4, mostJournalBytes)
	}
	if o.CacheBytes <= 0 {
		o.CacheBytes = o.MemoryBytes / 2
	}
	if o.OpenFiles <= 0 {
		o.OpenFiles = defaultOpenFiles
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.FS == nil {
		o.FS = vfs.OS{}
	}
	if o.Hooks.Now == nil {
		o.Hooks.Now = time.Now
	}
	if o.Hooks.SegmentBytes <= 0 {
		o.Hooks.SegmentBytes = defaultSegmentBytes
	}
	if o.Hooks.SmallBytes <= 0 {
		o.Hooks.SmallBytes = defaultSmallBytes
	}
	if o.Hooks.BlockRows <= 0 {
		o.Hooks.BlockRows = defaultBlockRows
		if o.MemoryBytes < muchMemory {
			o.Hooks.BlockRows /= 4
		}
	}
	if o.Hooks.PieceRows <= 0 {
		o.Hooks.PieceRows = pieceRows
	}
	if o.Hooks.QuarantineBytes == 0 {
		o.Hooks.QuarantineBytes = quarantineBytes
	}
	if o.Hooks.Patience == 0 {
		o.Hooks.Patience = defaultPatience
	}
	if o.Hooks.ReserveBytes == 0 {
		o.Hooks.ReserveBytes = defaultReserveBytes
	}
	return o
}
