package server

import (
	"encoding/binary"
	"net"
	"syscall"
	"unsafe"
)

// countLost asks the kernel to say with each datagram how many it had to drop before it, since the socket was opened.
func countLost(conn *net.UDPConn) {
	if raw, err := conn.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) {
			_ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RXQ_OVFL, 1)
		})
	}
}

// lostByKernel reads that number from a datagram's control message; without one nothing was dropped.
//
//	+----------------+-------------+------------+------------+
//	| length (size)  | level (4B)  | type (4B)  | lost (4B)  |
//	+----------------+-------------+------------+------------+
func lostByKernel(control []byte) uint32 {
	const header = int(unsafe.Sizeof(syscall.Cmsghdr{}))
	if len(control) < header+4 {
		return 0
	}
	kind := control[header-8 : header]
	if binary.NativeEndian.Uint32(kind) != syscall.SOL_SOCKET || binary.NativeEndian.Uint32(kind[4:]) != syscall.SO_RXQ_OVFL {
		return 0
	}
	return binary.NativeEndian.Uint32(control[header:])
}
