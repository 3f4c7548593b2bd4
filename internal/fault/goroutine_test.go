package fault

import (
	"errors"
	"strings"
	"sync"
	"testing"
)

func TestAPanicInAGoroutineIsADefect(t *testing.T) {
	var running sync.WaitGroup
	var met error
	done := false
	Go(&running, "work", func() { done = true }, func(err error) { t.Error(err) })
	Go(&running, "work", func() { panic("a drill") }, func(err error) { met = err })
	running.Wait() // for failed too
	if !done || !errors.Is(met, Internal) {
		t.Fatalf("done %v, met %v", done, met)
	}
	var e *Error
	if !errors.As(met, &e) || e.Line() != "work: a defect in Stele: a drill (please report it with what follows)" || !strings.Contains(e.Err.Error(), "TestAPanicInAGoroutineIsADefect") {
		t.Errorf("met %v", met)
	}
}
