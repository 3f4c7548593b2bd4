// Package vfs is the one seam between the engine and the disk. Three file systems stand
// behind it: the operating system's, one in memory that can cut the power, and one that
// makes calls fail. Names are slash-separated paths; the operating system's translates.
package vfs

import "io"

// FS is what the engine asks of a file system. All methods may be called concurrently.
// A change to a directory (create, rename, remove) is durable once SyncDir of that
// directory has returned nil; a file's bytes once its Sync has.
type FS interface {
	// Create makes a new file for appending and reading. The name must not exist.
	Create(name string) (File, error)
	// Open opens an existing file for reading only.
	Open(name string) (File, error)
	// Append opens an existing file for appending and reading.
	Append(name string) (File, error)
	// Rename moves a file atomically, replacing the target.
	Rename(from, to string) error
	// Remove deletes a file.
	Remove(name string) error
	// List returns the names (without directory) of the files in dir, sorted.
	List(dir string) ([]string, error)
	// Size returns a file's length in bytes.
	Size(name string) (int64, error)
	// MkdirAll makes a directory and its parents.
	MkdirAll(dir string) error
	// SyncDir makes the directory's entries durable.
	SyncDir(dir string) error
	// Free returns how many bytes this process may still write to the disk that dir is on, and how many there are on it.
	Free(dir string) (free, total int64, err error)
	// Lock takes the lock file name for this process, exclusively or shared, without
	// waiting. content is stored in the file by an exclusive holder. When another holds it the
	// error is of kind fault.Locked and holder is what that one stored.
	Lock(name string, exclusive bool, content []byte) (lock io.Closer, holder []byte, err error)
}

// ExpectJumps tells the operating system, if it listens, that a file is read a piece here and a piece there, each in one call.
func ExpectJumps(f File) {
	if f, ok := f.(interface{ expectJumps() }); ok {
		f.expectJumps()
	}
}

// File is an open file. ReadAt may be called concurrently with everything; Write and
// Sync by one goroutine at a time.
type File interface {
	io.ReaderAt
	io.Writer // appends
	io.Closer
	// Sync makes everything written durable.
	Sync() error
	// Reserve makes the room behind what was written n bytes: to sync writes into it takes less than to make the file longer. Room
	// counts in Size and reads as zeros; 0 gives it back. Of created files alone, and by the goroutine that writes.
	Reserve(n int64) error
	// Size returns the length in bytes, unsynced writes included.
	Size() (int64, error)
}
