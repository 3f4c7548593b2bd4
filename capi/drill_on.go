//go:build drill

package main

// #include "../include/stele.h"
// __attribute__((visibility("default"))) void stele_drill(const char *function);
// __attribute__((visibility("default"))) uint64_t stele_drill_goroutines(void);
import "C"

import (
	"runtime"
	"sync/atomic"
	"time"
)

// drilled is the function that is to panic.
var drilled atomic.Pointer[string]

func drill(function string) {
	switch p := drilled.Load(); {
	case p == nil:
	case *p == function || *p == "*":
		panic("drill")
	case *p == "slow "+function:
		time.Sleep(300 * time.Millisecond)
	}
}

// stelego_drill makes a public function panic inside Go, "*" all of them, or with "slow " before the name be slow, until it is called with an empty name. It exists in libraries that are built for the drill alone (tag drill).
//
//export stelego_drill
func stelego_drill(function *C.char) {
	if name := C.GoString(function); name != "" {
		drilled.Store(&name)
	} else {
		drilled.Store(nil)
	}
}

// stelego_drill_goroutines returns how many goroutines there are.
//
//export stelego_drill_goroutines
func stelego_drill_goroutines() C.uint64_t { return C.uint64_t(runtime.NumGoroutine()) }
