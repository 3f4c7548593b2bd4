package main

// #include "shim.h"
import "C"

import (
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"unsafe"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/fault"
)

// codes has the C face of each kind of error (R20). Numbers are never reused.
var codes = map[fault.Kind]int32{
	fault.Invalid: C.STELE_INVALID, fault.NotFound: C.STELE_NOT_FOUND, fault.Closed: C.STELE_CLOSED, fault.Unavailable: C.STELE_UNAVAILABLE,
	fault.Locked: C.STELE_LOCKED, fault.Full: C.STELE_FULL, fault.TooLarge: C.STELE_TOO_LARGE, fault.Exhausted: C.STELE_EXHAUSTED,
	fault.Canceled: C.STELE_CANCELED, fault.Denied: C.STELE_DENIED, fault.Unsupported: C.STELE_UNSUPPORTED, fault.Corrupt: C.STELE_CORRUPT,
	fault.IO: C.STELE_IO, fault.Internal: C.STELE_INTERNAL,
}

// errTooSmall, errDone and errTimedOut are answers, not failures: they have no text.
var (
	errTooSmall = errors.New("buffer too small")
	errDone     = errors.New("done")
	errTimedOut = errors.New("timed out")
)

// result turns an error into its code, and keeps its text for the calling thread.
func result(err error) C.stele_result {
	switch {
	case err == nil:
		return C.STELE_OK
	case err == errTooSmall:
		return C.STELE_BUFFER_TOO_SMALL
	case err == errDone:
		return C.STELE_DONE
	case err == errTimedOut:
		return C.STELE_TIMED_OUT
	}
	code, ok := codes[stele.KindOf(err)]
	if !ok {
		code = C.STELE_INTERNAL
	}
	return keep(C.stele_result(code), strings.Join(chain(nil, err), "\ncaused by: "))
}

func keep(code C.stele_result, text string) C.stele_result {
	// SAFETY: the text is copied before the call returns, and C keeps no pointer to it.
	return C.shim_fail(code, (*C.char)(unsafe.Pointer(unsafe.StringData(text))), C.size_t(len(text)))
}

// chain appends a line for each link of an error's chain of causes. Errors from elsewhere tell their causes themselves.
func chain(lines []string, err error) []string {
	var e *fault.Error
	switch x := err.(type) {
	case *fault.Error:
		e = x
	case interface{ Unwrap() []error }:
		for _, cause := range x.Unwrap() {
			lines = chain(lines, cause)
		}
		return lines
	default:
		return append(lines, line(err.Error()))
	}
	lines = append(lines, line(e.Line()))
	if e.Err != nil {
		lines = chain(lines, e.Err)
	}
	return lines
}

// line keeps a text on one line.
func line(s string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(s, "\n", " "), "\uFFFD")
}

// doorway runs what an exported function does. It is the only way from C to the engine: a panic ends here, as Internal.
func doorway(function string, f func() error) (r C.stele_result) {
	defer guard(function, &r)
	drill(function)
	return result(f())
}

// ending is a doorway for what lets go of something. A drill strikes when it is done.
func ending(function string, f func() error) (r C.stele_result) {
	defer guard(function, &r)
	defer drill(function)
	return result(f())
}

func guard(function string, r *C.stele_result) {
	if p := recover(); p != nil {
		*r = keep(C.STELE_INTERNAL, fmt.Sprintf("%s: a defect in Stele: %s; please report it with what follows\ncaused by: %s", function, line(fmt.Sprint(p)), debug.Stack()))
	}
}

//export stelego_visit
func stelego_visit() {}
