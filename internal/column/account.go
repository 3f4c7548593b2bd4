package column

import "sync/atomic"

// An Account keeps what readers that decode lazily have to tell afterwards: how much memory they have taken, and the
// first thing that they found wrong. Safe for concurrent use; nil keeps nothing.
type Account struct {
	Over *Account // is told as well

	memory atomic.Int64
	err    atomic.Pointer[error]
}

// Take adds n bytes of memory.
func (a *Account) Take(n int) {
	for ; a != nil; a = a.Over {
		a.memory.Add(int64(n))
	}
}

// MemSize is how many bytes of memory were taken.
func (a *Account) MemSize() int { return int(a.memory.Load()) }

// Fail notes an error; the first one stays.
func (a *Account) Fail(err error) {
	for ; a != nil; a = a.Over {
		a.err.CompareAndSwap(nil, &err)
	}
}

// Err is the first error noted, nil if there is none.
func (a *Account) Err() error {
	if e := a.err.Load(); e != nil {
		return *e
	}
	return nil
}
