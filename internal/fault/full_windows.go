package fault

import (
	"errors"
	"syscall"
)

// The numbers are ERROR_HANDLE_DISK_FULL and ERROR_DISK_FULL of the Win32 system error codes.
func isDiskFull(err error) bool {
	return errors.Is(err, syscall.Errno(39)) || errors.Is(err, syscall.Errno(112)) || errors.Is(err, syscall.ENOSPC)
}
