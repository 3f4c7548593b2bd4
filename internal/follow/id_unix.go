//go:build !windows

package follow

import (
	"errors"
	"io/fs"
	"syscall"
)

func idOf(path string, info fs.FileInfo) (ID, error) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return ID{}, &fs.PathError{Op: "stat", Path: path, Err: errors.ErrUnsupported}
	}
	return ID{Device: uint64(st.Dev), File: st.Ino}, nil
}
