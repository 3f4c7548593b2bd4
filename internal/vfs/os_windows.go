package vfs

import (
	"errors"
	"os"
	"time"

	"golang.org/x/sys/windows"
)

// Windows keeps directory entries in its own journal and offers no call to flush them.
func syncDir(path string) error {
	info, err := os.Stat(path)
	if err == nil && !info.IsDir() {
		err = &os.PathError{Op: "syncdir", Path: path, Err: errors.New("not a directory")}
	}
	return err
}

// A lock on Windows is mandatory for its bytes. It covers one byte that lies far beyond any
// content, so that the content stays readable for whoever finds the store locked.
const lockOffsetHigh = 0x4000_0000

func tryLock(f *os.File, exclusive bool) (bool, error) {
	flags := uint32(windows.LOCKFILE_FAIL_IMMEDIATELY)
	if exclusive {
		flags |= windows.LOCKFILE_EXCLUSIVE_LOCK
	}
	at := &windows.Overlapped{OffsetHigh: lockOffsetHigh}
	err := windows.LockFileEx(windows.Handle(f.Fd()), flags, 0, 1, 0, at)
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, windows.ERROR_LOCK_VIOLATION), errors.Is(err, windows.ERROR_IO_PENDING):
		return false, nil
	}
	return false, &os.PathError{Op: "LockFileEx", Path: f.Name(), Err: err}
}

func readOnlyMedium(err error) bool {
	return errors.Is(err, windows.ERROR_WRITE_PROTECT) || errors.Is(err, windows.ERROR_ACCESS_DENIED)
}

// retryInUse tries for about two seconds while another process (a virus scanner, an indexer,
// a backup) has the file open.
func retryInUse(call func() error) error {
	wait := time.Millisecond
	for {
		err := call()
		inUse := errors.Is(err, windows.ERROR_SHARING_VIOLATION) || errors.Is(err, windows.ERROR_LOCK_VIOLATION) ||
			errors.Is(err, windows.ERROR_ACCESS_DENIED) || errors.Is(err, windows.ERROR_USER_MAPPED_FILE)
		if !inUse || wait > time.Second {
			return err
		}
		time.Sleep(wait)
		wait *= 2
	}
}
