package server

import "syscall"

// errAddressInUse is Winsock's WSAEADDRINUSE.
const errAddressInUse = syscall.Errno(10048)
