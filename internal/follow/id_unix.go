//go:build !windows

package follow

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// look fills in what tells a file apart, and its size and time.
func (f *File) look(info fs.FileInfo) error {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return &fs.PathError{Op: "stat", Path: f.Path, Err: errors.ErrUnsupported}
	}
	f.ID, f.Size, f.Mod = ID{Device: uint64(st.Dev), File: st.Ino}, info.Size(), info.ModTime()
	return nil
}

// lookInto is look for the file that is open.
func (f *File) lookInto(open *os.File) error {
	info, err := open.Stat()
	if err != nil {
		return err
	}
	return f.look(info)
}

// openShared opens a file so that others can rename and delete it.
func openShared(path string) (*os.File, error) { return os.Open(path) }
