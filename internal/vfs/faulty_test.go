package vfs

import (
	"errors"
	"syscall"
	"testing"
	"time"

	"github.com/stelehq/stele/internal/fault"
)

func TestFaultyRules(t *testing.T) {
	m := NewMem()
	fsys := NewFaulty(m)
	write(t, fsys, "a", "a")

	fsys.Add(&Rule{Kind: OpOpen, Match: "a*", Nth: 2, Err: EIO})
	must[File](t)(fsys.Open("a"))
	if _, err := fsys.Open("b"); fault.KindOf(err) != fault.NotFound {
		t.Errorf("no rule for b: %v", err)
	}
	if _, err := fsys.Open("a"); !errors.Is(err, syscall.EIO) || fault.KindOf(err) != fault.IO {
		t.Errorf("second call: %v", err)
	}
	must[File](t)(fsys.Open("a"))

	full := &Rule{Kind: OpWrite, Forever: true, Err: ENOSPC, Short: 3}
	fsys.Add(full)
	f := must[File](t)(fsys.Create("w"))
	if n, err := f.Write([]byte("12345")); n != 3 || fault.KindOf(err) != fault.Full {
		t.Errorf("short write: %d, %v", n, err)
	}
	if n, err := f.Write([]byte("6")); n != 1 || fault.KindOf(err) != fault.Full {
		t.Errorf("still full: %d, %v", n, err)
	}
	if h := fsys.Hits(full); h != 2 {
		t.Errorf("%d hits", h)
	}
	fsys.Clear()
	must[int](t)(f.Write([]byte("7")))
	if s := read(t, fsys, "w"); s != "12367" {
		t.Errorf("%q", s)
	}

	for kind, call := range map[OpKind]func() error{
		OpCreate:   func() error { return second(fsys.Create("new")) },
		OpAppend:   func() error { return second(fsys.Append("a")) },
		OpRename:   func() error { return fsys.Rename("a", "z") },
		OpRemove:   func() error { return fsys.Remove("a") },
		OpList:     func() error { return second(fsys.List(".")) },
		OpSize:     func() error { return second(fsys.Size("a")) },
		OpMkdirAll: func() error { return fsys.MkdirAll("dir") },
		OpSyncDir:  func() error { return fsys.SyncDir(".") },
		OpLock: func() error {
			_, _, err := fsys.Lock("LOCK", true, nil)
			return err
		},
		OpReadAt: func() error { return second(f.ReadAt(make([]byte, 1), 0)) },
		OpSync:   f.Sync,
	} {
		fsys.Clear()
		fsys.Add(&Rule{Kind: kind, Err: EIO})
		if err := call(); !errors.Is(err, syscall.EIO) {
			t.Errorf("%s: %v", kind, err)
		}
		if kind == OpCreate {
			if _, err := m.Size("new"); err == nil {
				t.Error("a failing create made the file")
			}
		}
	}
	fsys.Clear()
	fsys.Add(&Rule{Kind: OpRemove, Err: EIO, Late: true})
	if err := fsys.Remove("a"); err == nil {
		t.Error("did not fail")
	}
	if _, err := m.Size("a"); fault.KindOf(err) != fault.NotFound {
		t.Error("a late failure happens after the deed")
	}
}

func TestFaultyHolds(t *testing.T) {
	fsys := NewFaulty(OS{Root: t.TempDir()})
	f := must[File](t)(fsys.Create("a"))
	defer f.Close()
	release := make(chan struct{})
	fsys.Add(&Rule{Kind: OpSync, Hold: release})
	done := make(chan error, 1)
	go func() { done <- f.Sync() }()
	select {
	case <-done:
		t.Fatal("the sync was not held")
	case <-time.After(20 * time.Millisecond):
	}
	close(release)
	ok(t, <-done)
}

func TestMemCapacity(t *testing.T) {
	m := NewMem()
	write(t, m, "old", "12345678")
	m.SetCapacity(10)
	f := must[File](t)(m.Create("a"))
	if n, err := f.Write([]byte("abc")); n != 2 || fault.KindOf(err) != fault.Full {
		t.Errorf("%d, %v", n, err)
	}
	ok(t, m.Remove("old"))
	must[int](t)(f.Write([]byte("c")))
	if s := read(t, m, "a"); s != "abc" {
		t.Errorf("%q", s)
	}
	if n := m.Used(); n != 3 {
		t.Errorf("used %d", n)
	}
}
