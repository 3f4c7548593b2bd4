//go:build !windows

package server

import "syscall"

const errAddressInUse = syscall.EADDRINUSE
