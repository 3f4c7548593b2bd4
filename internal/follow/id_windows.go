package follow

import (
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/windows"
)

// look fills in what tells a file apart, and its size and time. It asks the file itself: a
// directory knows of the size of an open file only when it is closed.
func (f *File) look(fs.FileInfo) error {
	h, err := open(f.Real, 0)
	if err != nil {
		return err
	}
	defer windows.CloseHandle(h)
	return f.lookAt(h)
}

// lookInto is look for the file that is open.
func (f *File) lookInto(open *os.File) error { return f.lookAt(windows.Handle(open.Fd())) }

func (f *File) lookAt(h windows.Handle) error {
	var info windows.ByHandleFileInformation
	if err := windows.GetFileInformationByHandle(h, &info); err != nil {
		return &fs.PathError{Op: "GetFileInformationByHandle", Path: f.Path, Err: err}
	}
	f.ID = ID{Device: uint64(info.VolumeSerialNumber), File: uint64(info.FileIndexHigh)<<32 | uint64(info.FileIndexLow)}
	f.Size = int64(info.FileSizeHigh)<<32 | int64(info.FileSizeLow)
	f.Mod = time.Unix(0, info.LastWriteTime.Nanoseconds())
	return nil
}

// openShared opens a file so that others can rename and delete it.
func openShared(path string) (*os.File, error) {
	h, err := open(path, windows.GENERIC_READ)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(h), path), nil
}

func open(path string, access uint32) (windows.Handle, error) {
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return 0, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	const share = windows.FILE_SHARE_READ | windows.FILE_SHARE_WRITE | windows.FILE_SHARE_DELETE
	h, err := windows.CreateFile(name, access, share, nil, windows.OPEN_EXISTING, windows.FILE_FLAG_BACKUP_SEMANTICS, 0)
	if err != nil {
		return 0, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return h, nil
}
