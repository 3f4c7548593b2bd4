// Package fault is the one vocabulary of errors that every layer of Stele speaks.
//
// An error has a kind (rule R20), the operation that failed, and, where a file is
// concerned, its place. Kinds are errors themselves, so errors.Is(err, fault.Corrupt)
// asks for the kind anywhere in a chain of causes.
package fault

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
)

// Error is what every package of Stele returns. The zero Offset means the start of
// File only when File is set; NoOffset says that no single offset is to blame.
type Error struct {
	Kind   Kind
	Op     string // what was being done, as in "read frame"
	File   string // the file concerned, empty if none
	Offset int64  // byte offset in File, or NoOffset
	Msg    string // what happened, to what
	Hint   string // what the user can do about it, empty if nothing is known
	Err    error  // the cause, nil at the end of the chain
}

// NoOffset marks an error that concerns a file as a whole, or no file.
const NoOffset int64 = -1

// New returns an error of the given kind without a cause.
func New(kind Kind, op, format string, args ...any) *Error {
	return &Error{Kind: kind, Op: op, Offset: NoOffset, Msg: fmt.Sprintf(format, args...)}
}

// Wrap returns an error that adds a fact to cause. The kind is cause's own. Wrap of a
// nil cause is a nil *Error: test the cause first.
func Wrap(cause error, op, format string, args ...any) *Error {
	if cause == nil {
		return nil
	}
	e := New(KindOf(cause), op, format, args...)
	e.Err = cause
	return e
}

// WrapAs is Wrap with a kind that overrides the cause's.
func WrapAs(kind Kind, cause error, op, format string, args ...any) *Error {
	e := New(kind, op, format, args...)
	e.Err = cause
	return e
}

// At names the file and the offset (or NoOffset) that the error concerns.
func (e *Error) At(file string, offset int64) *Error {
	e.File, e.Offset = file, offset
	return e
}

// WithHint says what the user can do.
func (e *Error) WithHint(format string, args ...any) *Error {
	e.Hint = fmt.Sprintf(format, args...)
	return e
}

// Error renders this error and its whole chain of causes on one line.
func (e *Error) Error() string {
	if e.Err == nil {
		return e.Line()
	}
	return e.Line() + ": " + e.Err.Error()
}

// Line renders this error alone, without its causes.
func (e *Error) Line() string {
	var b strings.Builder
	if e.Op != "" {
		b.WriteString(e.Op)
		b.WriteString(": ")
	}
	if e.File != "" {
		b.WriteString(e.File)
		if e.Offset != NoOffset {
			fmt.Fprintf(&b, " at byte %d", e.Offset)
		}
		b.WriteString(": ")
	}
	b.WriteString(e.Msg)
	if e.Hint != "" {
		b.WriteString(" (")
		b.WriteString(e.Hint)
		b.WriteString(")")
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is makes errors.Is(err, kind) ask for the kind.
func (e *Error) Is(target error) bool {
	k, ok := target.(Kind)
	return ok && k == e.Kind
}

// KindOf returns the kind of the outermost *Error in err's chain. Errors from outside
// are sorted by what they are: a cancelled context is Canceled, a full disk is Full, a
// missing file is NotFound, any other file error is IO, and the rest is Internal.
func KindOf(err error) Kind {
	var e *Error
	var k Kind
	switch {
	case err == nil:
		return 0
	case errors.As(err, &e):
		return e.Kind
	case errors.As(err, &k):
		return k
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return Canceled
	case isDiskFull(err):
		return Full
	case errors.Is(err, fs.ErrNotExist):
		return NotFound
	case isFileError(err):
		return IO
	}
	return Internal
}

// isFileError knows the shapes in which the os package, and system calls themselves, report a failure.
func isFileError(err error) bool {
	var path *fs.PathError
	var link *os.LinkError
	var call *os.SyscallError
	var number syscall.Errno
	return errors.As(err, &path) || errors.As(err, &link) || errors.As(err, &call) || errors.As(err, &number)
}
