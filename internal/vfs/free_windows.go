package vfs

import (
	"os"

	"golang.org/x/sys/windows"
)

func (o OS) Free(dir string) (free, total int64, err error) {
	name, err := windows.UTF16PtrFromString(o.path(dir))
	if err != nil {
		return 0, 0, &os.PathError{Op: "GetDiskFreeSpaceEx", Path: dir, Err: err}
	}
	var ours, all uint64 // what this user may still take, and what there is for them
	if err := windows.GetDiskFreeSpaceEx(name, &ours, &all, nil); err != nil {
		return 0, 0, &os.PathError{Op: "GetDiskFreeSpaceEx", Path: dir, Err: err}
	}
	const most = 1<<63 - 1
	return int64(min(ours, most)), int64(min(all, most)), nil
}
