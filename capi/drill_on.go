//go:build drill

package main

// #include "../include/stele.h"
// __attribute__((visibility("default"))) void stele_drill(const char *function);
import "C"

import "sync/atomic"

// drilled is the function that is to panic.
var drilled atomic.Pointer[string]

func drill(function string) {
	if p := drilled.Load(); p != nil && (*p == function || *p == "*") {
		panic("drill")
	}
}

// stelego_drill makes a public function panic inside Go, "*" all of them, until it is called with an empty name. It exists in libraries that are built for the drill alone (tag drill).
//
//export stelego_drill
func stelego_drill(function *C.char) {
	if name := C.GoString(function); name != "" {
		drilled.Store(&name)
	} else {
		drilled.Store(nil)
	}
}
