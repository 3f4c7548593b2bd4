package exec

import (
	"sync"
	"time"

	"github.com/stelehq/stele/internal/event"
)

// Bounds of one evaluation, so that no filter stops a server: what would go over is undefined.
const (
	maxSteps  = 1 << 20  // wildcard elements, values compared inside others, and like
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

	message messageText
}

var envs = sync.Pool{New: func() any { return new(env) }}

// spend takes n steps; false if too few are left.
func (e *env) spend(n int) bool {
	e.steps -= n
	return e.steps >= 0
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
