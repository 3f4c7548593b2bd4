package plan

import (
	"strings"
	"sync/atomic"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
)

// Memory is how many bytes one query may hold at a time, counted roughly; all its partials share it. Safe for concurrent use.
type Memory struct {
	limit int64
	used  atomic.Int64
}

// NewMemory returns a budget of limit bytes.
func NewMemory(limit int64) *Memory { return &Memory{limit: limit} }

// Used returns the bytes that are taken.
func (m *Memory) Used() int64 { return m.used.Load() }

// Take asks for n bytes more. fault.Exhausted if there are not as many.
func (m *Memory) Take(n int) error {
	if used := m.used.Add(int64(n)); used > m.limit {
		m.used.Add(int64(-n))
		return fault.New(fault.Exhausted, "query", "the query needs more than the %d MiB of memory that it may use", max(m.limit>>20, 1)).
			WithHint("ask for a shorter time, for fewer or coarser groups, or set a limit")
	}
	return nil
}

// Give returns n bytes.
func (m *Memory) Give(n int) { m.used.Add(int64(-n)) }

// An account is what one partial has taken. Not for concurrent use.
type account struct {
	memory *Memory
	spare  int // taken from memory, and not used yet
	used   int
}

// accountStep is how much an account takes at a time, so that partials do not meet at each value.
const accountStep = 16 << 10

func (a *account) take(n int) error {
	if n > a.spare {
		more := max(n-a.spare, min(accountStep, int(a.memory.limit/64)))
		if err := a.memory.Take(more); err != nil {
			return err
		}
		a.spare += more
	}
	a.spare -= n
	a.used += n
	return nil
}

// give returns n bytes to the account.
func (a *account) give(n int) {
	a.spare += n
	a.used -= n
}

// close returns everything to the memory.
func (a *account) close() {
	a.memory.Give(a.spare + a.used)
	a.spare, a.used = 0, 0
}

// What things take, besides the bytes of their texts.
const (
	valueBytes = 88  // an event.Value
	entryBytes = 48  // an entry of a map, its share of empty room counted
	groupBytes = 160 // a group without its key and states
	rowBytes   = 64  // a row without its values
)

// RowBytes is what a row takes.
func RowBytes(values []event.Value) int {
	n := rowBytes
	for i := range values {
		n += sizeOf(values[i])
	}
	return n
}

// detached returns v without ties to the event that it was in, of which it may be a small part.
func detached(v event.Value) event.Value {
	v.Text = strings.Clone(v.Text)
	if v.Items != nil {
		items := make([]event.Value, len(v.Items))
		for i := range items {
			items[i] = detached(v.Items[i])
		}
		v.Items = items
	}
	if v.Members != nil {
		members := make([]event.Member, len(v.Members))
		for i, m := range v.Members {
			members[i] = event.Member{Name: strings.Clone(m.Name), Value: detached(m.Value)}
		}
		v.Members = members
	}
	return v
}

// sizeOf is what a value takes.
func sizeOf(v event.Value) int {
	n := valueBytes + len(v.Text)
	for i := range v.Items {
		n += sizeOf(v.Items[i])
	}
	for i := range v.Members {
		n += len(v.Members[i].Name) + 16 + sizeOf(v.Members[i].Value)
	}
	return n
}
