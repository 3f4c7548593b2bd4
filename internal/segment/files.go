package segment

import (
	"container/list"
	"sync"

	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/vfs"
)

// Files bounds how many segments' files are open at once: beyond that the one read longest ago is closed, and opened again when it is
// read next. Those that are being read do not count. Safe for concurrent use.
type Files struct {
	limit int
	ended func(name string, removed bool) // see OnEnd

	mu   sync.Mutex
	idle *list.List // of *handle, open and not being read, the one read last in front
	open int
}

// NewFiles returns a Files that keeps up to limit files open; below 1 means 1.
func NewFiles(limit int) *Files { return &Files{limit: max(limit, 1), idle: list.New()} }

// OnEnd has do told of each file that was retired and that nobody reads any more, and whether it could be removed. It must be set before anything is opened.
func (f *Files) OnEnd(do func(name string, removed bool)) { f.ended = do }

// Open is how many files are open.
func (f *Files) Open() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.open
}

// A handle is a reader's file, open or not.
type handle struct {
	files *Files
	fs    vfs.FS
	name  string

	// Guarded by files.mu.
	file  vfs.File      // nil: not open
	users int           // who read it
	place *list.Element // among the idle ones
}

// take opens the file if need be, and keeps it open until give.
func (h *handle) take() (vfs.File, error) {
	f := h.files
	f.mu.Lock()
	defer f.mu.Unlock()
	if h.file == nil {
		file, err := h.fs.Open(h.name)
		if err != nil {
			return nil, fault.Wrap(err, "open segment", "cannot open the file").At(h.name, fault.NoOffset)
		}
		vfs.ExpectJumps(file)
		h.file = file
		f.open++
	}
	if h.place != nil {
		f.idle.Remove(h.place)
		h.place = nil
	}
	h.users++
	return h.file, nil
}

func (h *handle) give() {
	f := h.files
	f.mu.Lock()
	defer f.mu.Unlock()
	if h.users--; h.users > 0 || h.file == nil {
		return
	}
	h.place = f.idle.PushFront(h)
	for f.open > f.limit && f.idle.Len() > 0 {
		// What was written to it has been synced: nothing can be lost by an error.
		_ = f.idle.Back().Value.(*handle).close()
	}
}

// close closes the file. files.mu is held.
func (h *handle) close() error {
	if h.place != nil {
		h.files.idle.Remove(h.place)
		h.place = nil
	}
	if h.file == nil {
		return nil
	}
	err := h.file.Close()
	h.file = nil
	h.files.open--
	return err
}

// end closes the file for good. Nobody reads it any more.
func (h *handle) end() error {
	h.files.mu.Lock()
	defer h.files.mu.Unlock()
	return h.close()
}

func (h *handle) ReadAt(p []byte, offset int64) (int, error) {
	file, err := h.take()
	if err != nil {
		return 0, err
	}
	defer h.give()
	return file.ReadAt(p, offset)
}

// Size is the file's length.
func (h *handle) Size() (int64, error) {
	file, err := h.take()
	if err != nil {
		return 0, err
	}
	defer h.give()
	return file.Size()
}
