package exec

import (
	"sync"
	"time"

	"github.com/stelehq/stele/internal/event"
)

// Bounds of one evaluation, so that no filter stops a server: what would go over is undefined.
const (
	maxSteps  = 1 << 20 // wildcard elements, values compared inside others, and like
	maxResult = 1 << 20 // bytes of a text that a function makes
)

// An env is the state of one evaluation over one row.
type env struct {
	row   Row
	asOf  time.Time     // what Now is; zero: the time when it is first asked
	slots []event.Value // the elements that wildcards stand for at the moment
	steps int           // left to spend

	message messageText
}

var envs = sync.Pool{New: func() any { return new(env) }}

// spend takes n steps; false if too few are left.
func (e *env) spend(n int) bool {
	e.steps -= n
	return e.steps >= 0
}

func (e *env) now() time.Time {
	if e.asOf.IsZero() {
		e.asOf = time.Now()
	}
	return e.asOf
}
