// Command capi is libstele: the engine behind the C interface of include/stele.h. It is built as a C library (make capi).
//
// The public functions are in C (stele_*.c): they check handles and arguments, give out what was fetched before, and call the functions that are exported here for the rest. Each of those goes through one doorway
// (doorway.go), which lets no panic out. What belongs to a handle is found by the number of its slot (objects.go); the C side
// sees to it that nobody uses a slot whose object is gone, and an exclusive one from one thread at a time.
package main

// #cgo CFLAGS: -std=gnu11 -O2 -Wall -Wextra -Wno-unused-parameter -fvisibility=hidden -DSTELE_BUILDING
// #include "shim.h"
import "C"

import (
	"regexp"
	"runtime/debug"
	"unsafe"
)

// version is set by the build, as cmd/stele's.
var version string

var numbered = regexp.MustCompile(`^v?(\d+\.\d+\.\d+\S*)$`)

func versionText() string {
	if m := numbered.FindStringSubmatch(version); m != nil {
		return m[1]
	}
	if version == "" {
		return "0.0.0-dev"
	}
	return "0.0.0-" + version
}

//export stelego_version
func stelego_version(p *C.char, n C.size_t) C.stele_result {
	return doorway("stele_version", func() error {
		dst := unsafe.Slice((*byte)(unsafe.Pointer(p)), int(n)) // SAFETY: an array of the shim, of that length
		dst[copy(dst[:len(dst)-1], versionText())] = 0
		return nil
	})
}

// Runaway recursion is to end in a moment, not after a gigabyte.
var _ = debug.SetMaxStack(64 << 20)

func main() {}
