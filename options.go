package stele

import (
	"log/slog"

	"github.com/stelehq/stele/internal/engine"
	"github.com/stelehq/stele/internal/vfs"
)

// Options of an open store. The zero value, as nil, means the defaults.
type Options struct {
	// ReadOnly opens the store without the right to write, and writes nothing to the directory. Several
	// processes may do so at the same time, as long as none has it open for writing.
	ReadOnly bool
	// MustExist: NotFound if there is no store in the directory, rather than a new one.
	MustExist bool
	// URL is told to whoever finds the store locked, if this process serves it.
	URL string
	// EventBytes is the most bytes of one event's text. 0: 256 KiB.
	EventBytes int
	// BatchBytes is the most bytes of one batch's text. 0: 64 MiB.
	BatchBytes int
	// MemoryBytes is about how much memory the store is to get along with, Go's garbage included; the settings below follow from it. Batches and
	// what readers hold are their callers'. 0: half of what there is (physical memory, the cgroup's limit, GOMEMLIMIT, whichever is least), but
	// from 32 MiB to 512 MiB.
	MemoryBytes int64
	// JournalBytes is the size at which a journal file is sealed into a segment. 0: a quarter of MemoryBytes, at most 64 MiB.
	JournalBytes int64
	// CacheBytes is about how much memory blocks may take that stay decoded for the next reader. 0: half of MemoryBytes.
	CacheBytes int64
	// DocumentBytes is the most bytes of one document. 0: 16 MiB.
	DocumentBytes int
	// MinFreeBytes: appends are refused (Full) while the disk has fewer bytes free, and go on by themselves when it has more. What is left is for sealing, merging, deletions and
	// whoever else uses the disk. 0: a 64th of the disk, at most 128 MiB. Negative: appends are refused when the disk is full.
	MinFreeBytes int64
	// OpenFiles is how many files of segments are kept open at a time; others are opened when they are read. 0: 256.
	OpenFiles int
	// Retention are policies that are in force beside those that are stored (SetRetention). They are applied in the background: when the store is opened, every
	// minute, and when the disk is full.
	Retention []RetentionPolicy
	// Logger is told of damage and of what the store does in the background. nil: nobody is.
	Logger *slog.Logger
	// FS is the file system. nil: the operating system's. For tests inside this module.
	FS vfs.FS
	// Hooks reach what takes long in life. For tests inside this module.
	Hooks engine.Hooks
}

const defaultBatchBytes = 64 << 20

func (o *Options) engine() engine.Options {
	return engine.Options{
		ReadOnly: o.ReadOnly, MustExist: o.MustExist, URL: o.URL, EventBytes: o.EventBytes, MemoryBytes: o.MemoryBytes, JournalBytes: o.JournalBytes, CacheBytes: o.CacheBytes,
		DocumentBytes: o.DocumentBytes, OpenFiles: o.OpenFiles, MinFreeBytes: o.MinFreeBytes, Logger: o.Logger, FS: o.FS, Hooks: o.Hooks, Compile: compileSelector,
	}
}
