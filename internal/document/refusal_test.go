package document

import (
	"context"
	"testing"

	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/vfs"
)

// A change that was refused because its fsync failed is in the page cache all the same. A process that is killed right
// after that must not find it there.
func TestR12WhatWasRefusedStaysRefusedAfterACrash(t *testing.T) {
	disk := vfs.NewMem()
	faulty := vfs.NewFaulty(disk)
	l, err := Open(faulty, ".", Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := l.Set(context.Background(), "", "k", []byte(`1`)); err != nil {
		t.Fatal(err)
	}
	faulty.Add(&vfs.Rule{Kind: vfs.OpSync, Err: vfs.EIO})
	if _, err := l.Set(context.Background(), "", "k", []byte(`2`)); fault.KindOf(err) != fault.IO {
		t.Fatalf("a failed fsync: %v", err)
	}
	after, err := Open(disk.CrashClone(nil, vfs.CrashKill), ".", Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer after.Close()
	if v, _, err := after.Get(context.Background(), "", "k"); err != nil || string(v) != `1` {
		t.Errorf("after the crash: %s, %v", v, err)
	}
	if d := after.Damage(); len(d) > 0 {
		t.Errorf("damage: %v", d)
	}
}
