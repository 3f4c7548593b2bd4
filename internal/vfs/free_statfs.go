//go:build linux || darwin || freebsd

package vfs

import (
	"os"

	"golang.org/x/sys/unix"
)

func (o OS) Free(dir string) (free, total int64, err error) {
	var st unix.Statfs_t
	if err := unix.Statfs(o.path(dir), &st); err != nil {
		return 0, 0, &os.PathError{Op: "statfs", Path: dir, Err: err}
	}
	return bytesOf(uint64(max(st.Bavail, 0)), uint64(st.Bsize)), bytesOf(st.Blocks, uint64(st.Bsize)), nil
}

// bytesOf bounds what a file system says of itself.
func bytesOf(blocks, size uint64) int64 {
	const most = 1<<63 - 1
	if size > 0 && blocks > most/size {
		return most
	}
	return int64(blocks * size)
}
