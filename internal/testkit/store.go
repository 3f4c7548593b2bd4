// Package testkit opens stores for tests. A store from here is closed and verified when
// its test ends: damage that the test did not announce fails it.
package testkit

import (
	"context"
	"testing"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/engine"
	"github.com/stelehq/stele/internal/vfs"
)

// Dir is where stores in memory live.
const Dir = "store"

// smallReserve keeps stores in memory small.
const smallReserve = 4 << 10

// Hooks are the defaults of stores in memory.
func Hooks() engine.Hooks { return engine.Hooks{ReserveBytes: smallReserve} }

// Fixture is a store of a test.
type Fixture struct {
	*stele.Store
	FS      vfs.FS
	Dir     string
	Options stele.Options

	t       testing.TB
	damaged bool
}

// OpenMem opens a store in a new file system in memory. change may adapt its options.
func OpenMem(t testing.TB, change func(*stele.Options)) *Fixture {
	t.Helper()
	return OpenOn(t, vfs.NewMem(), Dir, change)
}

// OpenTemp opens a store in a temporary directory of the operating system.
func OpenTemp(t testing.TB, change func(*stele.Options)) *Fixture {
	t.Helper()
	return OpenOn(t, nil, t.TempDir(), change)
}

// OpenOn opens the store in dir of a file system, nil for the operating system's.
func OpenOn(t testing.TB, fs vfs.FS, dir string, change func(*stele.Options)) *Fixture {
	t.Helper()
	f := &Fixture{FS: fs, Dir: dir, t: t, Options: stele.Options{FS: fs, Hooks: Hooks()}}
	if change != nil {
		change(&f.Options)
	}
	f.FS = f.Options.FS
	s, err := stele.Open(dir, &f.Options)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	f.Store = s
	t.Cleanup(f.check)
	return f
}

// Damaged says that the test damages the store.
func (f *Fixture) Damaged() { f.damaged = true }

// Reopen closes the store and opens it again.
func (f *Fixture) Reopen() {
	f.t.Helper()
	if err := f.Store.Close(); err != nil {
		f.t.Fatalf("close: %v", err)
	}
	s, err := stele.Open(f.Dir, &f.Options)
	if err != nil {
		f.t.Fatalf("reopen: %v", err)
	}
	f.Store = s
}

// Abandon forgets the store without closing it, as after a crash; the test has closed or cloned what it needs.
func (f *Fixture) Abandon() { f.Store = nil }

func (f *Fixture) check() {
	if f.Store == nil || f.t.Failed() {
		if f.Store != nil {
			_ = f.Store.Close()
		}
		return
	}
	r, err := f.Store.Verify(context.Background())
	if stele.KindOf(err) == stele.Closed {
		return
	}
	if err != nil {
		f.t.Errorf("verify: %v", err)
	} else if !f.damaged {
		for _, d := range r.Damage {
			f.t.Errorf("verify: %s at %d: %s: %v", d.File, d.Offset, d.What, d.Err)
		}
	}
	if err := f.Store.Close(); err != nil {
		f.t.Errorf("close: %v", err)
	}
}
