package exec

import (
	"sync"
	"time"

	"github.com/stelehq/stele/internal/event"
)

// Bounds of one evaluation, so that no filter stops a server: what would go over is undefined.
const (
	maxSteps  = 1 << 20  // elements of loops, what is done for each, values compared inside others, and like
	maxResult = 1 << 20  // bytes of a text that a function makes, and of a value that an expression builds
	maxTexts  = 16 << 20 // bytes of all the texts that functions make
)

// An env is the state of one evaluation over one row.
type env struct {
	row    Row
	asOf   time.Time     // what Now is; zero: the time when it is first asked
	slots  []event.Value // the elements that wildcards stand for at the moment
	locals []value       // what the names of let, lambda and query stand for at the moment
	steps  int           // left to spend
	texts  int           // bytes left for texts
	loops  int           // of wildcards and lambdas around what is evaluated
	kept   []kept        // what is read of the row inside loops

	message messageText
}

var envs = sync.Pool{New: func() any { return new(env) }}

// spend takes n steps; false if too few are left.
func (e *env) spend(n int) bool {
	e.steps -= n
	return e.steps >= 0
}

// A kept value is read of the row once.
type kept struct {
	value
	read bool
}

// charge takes what looking at the values costs where that is done again and again: in a loop. Elsewhere the size of the filter
// bounds how often.
func (e *env) charge(values ...*value) bool {
	if e.loops == 0 {
		return true
	}
	n := 1
	for _, v := range values {
		n += len(v.Text)/64 + len(v.Items)/8 + len(v.Members)/8
	}
	return e.spend(n)
}

// grow takes n bytes of text; false if one text has too many, or too few are left.
func (e *env) grow(n int) bool {
	e.texts -= n
	return n <= maxResult && e.texts >= 0
}

func (e *env) now() time.Time {
	if e.asOf.IsZero() {
		e.asOf = time.Now()
	}
	return e.asOf
}
