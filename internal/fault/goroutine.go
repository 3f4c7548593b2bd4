package fault

import (
	"errors"
	"runtime/debug"
	"sync"
)

// Defect is what a panic is as an error: Internal, with the value and, as its cause, the stack. Called while the panic is being recovered.
func Defect(op string, recovered any) *Error {
	return WrapAs(Internal, errors.New(string(debug.Stack())), op, "a defect in Stele: %v", recovered).WithHint("please report it with what follows")
}

// Go runs f in a goroutine of its own. A panic in it, which would end the process of whoever has Stele in it, becomes a Defect and is given to failed, which makes whatever f worked for fail.
// running, if not nil, counts the goroutine until then. No other way to begin a goroutine is taken (internal/lint).
func Go(running *sync.WaitGroup, op string, f func(), failed func(error)) {
	if running != nil {
		running.Add(1)
	}
	go func() {
		if running != nil {
			defer running.Done()
		}
		Guarded(op, f, failed)()
	}()
}

// Guarded returns f with a guard as Go has it, for what begins a goroutine by itself, as context.AfterFunc does.
func Guarded(op string, f func(), failed func(error)) func() {
	return func() {
		defer func() {
			if p := recover(); p != nil {
				failed(Defect(op, p))
			}
		}()
		f()
	}
}
