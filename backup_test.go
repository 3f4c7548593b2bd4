package stele_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/testkit"
	"github.com/stelehq/stele/internal/vfs"
)

const (
	backups  = "backups"
	restored = "restored"
)

// restoredContent restores a backup into a new directory and returns what the store there holds.
func restoredContent(fs vfs.FS, options stele.Options, name string) (*content, *stele.Store, error) {
	r, err := stele.Restore(ctx, backups, restored, &stele.RestoreOptions{Backup: name, FS: fs})
	if err != nil {
		return nil, nil, fmt.Errorf("restore: %w", err)
	}
	if len(r.Damage) > 0 {
		return nil, nil, fmt.Errorf("restore: damage: %v", r.Damage)
	}
	o := options
	o.FS = fs
	s, err := stele.Open(restored, &o)
	if err != nil {
		return nil, nil, fmt.Errorf("open what was restored: %w", err)
	}
	c, err := contentOf(s)
	if err == nil {
		var report *stele.VerifyReport
		if report, err = s.Verify(ctx); err == nil && len(report.Damage) > 0 {
			err = fmt.Errorf("what was restored is damaged: %v", report.Damage)
		}
	}
	if n := s.Stats().Events; err == nil && (n != int64(len(c.lines)) || n != r.Events) {
		err = fmt.Errorf("%d events are read, %d counted, the backup had %d", len(c.lines), n, r.Events)
	}
	return c, s, err
}

func sameContent(a, b *content) error {
	switch {
	case !slices.Equal(a.keys, b.keys) || !slices.Equal(a.lines, b.lines):
		return fmt.Errorf("%d events, expected %d: %v and %v", len(a.lines), len(b.lines), a.lines, b.lines)
	case !maps.Equal(a.documents, b.documents):
		return fmt.Errorf("documents %v, expected %v", a.documents, b.documents)
	}
	return nil
}

func removeAll(fs *vfs.Mem, dir string) {
	for _, name := range fs.Names() {
		if strings.HasPrefix(name, dir+"/") {
			_ = fs.Remove(name)
		}
	}
	_ = fs.SyncDir(dir)
}

// TestBackups makes a backup after every few steps of workloads, while further steps go on, and restores each to exactly what the store held when it began.
func TestBackups(t *testing.T) {
	n := 3
	if long() {
		n = 300
	}
	for _, seed := range seeds(n) {
		disk := vfs.NewMem()
		w := newWorkload(seed, disk)
		if err := w.steps(10); err != nil {
			t.Fatal(err)
		}
		type taken struct {
			name  string
			known *history
		}
		var all []taken
		var wg sync.WaitGroup
		for round := range 4 {
			var v *stele.BackupView
			var known *history
			var err error
			w.h.during(func(h *history) {
				known = h
				v, err = w.store.BackupView(ctx)
			})
			if err != nil {
				t.Fatal(err)
			}
			made := make(chan error, 1)
			wg.Go(func() {
				b, err := stele.MakeBackup(ctx, v, backups, &stele.BackupOptions{FS: disk})
				if err == nil && len(b.Damage) > 0 {
					err = fmt.Errorf("damage: %v", b.Damage)
				}
				if err == nil {
					all = append(all, taken{b.Name, known})
				}
				made <- errors.Join(err, v.Close())
			})
			// Beside it: everything but closing.
			beside := []func() error{w.inOrder, w.deleteOld, w.flush, w.set, w.settle, w.outOfOrder, w.delete, w.unset, w.flush, w.settle, w.inOrder}
			for _, do := range beside {
				if err := do(); err != nil {
					t.Fatalf("seed %d, round %d: %v", seed, round, err)
				}
			}
			if err := errors.Join(<-made, w.reopen()); err != nil {
				t.Fatalf("seed %d, round %d: %v", seed, round, err)
			}
		}
		wg.Wait()
		report, err := stele.VerifyBackups(ctx, backups, &stele.BackupOptions{FS: disk})
		if err != nil || len(report.Bad) > 0 || report.Backups != int64(len(all)) {
			t.Fatalf("seed %d: %+v, %v", seed, report, err)
		}
		for _, b := range all {
			c, s, err := restoredContent(disk, w.options, b.name)
			if err == nil {
				_, err = b.known.judge(c)
			}
			if err != nil {
				t.Fatalf("seed %d, %s: %v", seed, b.name, err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			removeAll(disk, restored)
		}
		if err := w.close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestR2ARestoredStoreIsAnother sees that it gives no number that the backup's store has given since, and no store's id is in another's files.
func TestR2ARestoredStoreIsAnother(t *testing.T) {
	disk := vfs.NewMem()
	f := testkit.OpenOn(t, disk, testkit.Dir, nil)
	h := &history{}
	for range 3 {
		if _, err := h.append(f.Store, "", "", testkit.Epoch); err != nil {
			t.Fatal(err)
		}
		f.Reopen()
	}
	if _, err := f.Backup(ctx, backups, nil); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		f.Reopen()
	}
	last, err := h.append(f.Store, "", "", testkit.Epoch)
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{f.Stats().StoreID: true}
	epochs := map[uint64]bool{}
	for range 5 {
		_, s, err := restoredContent(disk, f.Options, "")
		if err != nil {
			t.Fatal(err)
		}
		next, err := h.append(s, "", "", testkit.Epoch)
		if err != nil {
			t.Fatal(err)
		}
		epoch := next.keys[0].Arrival() >> 40
		if before := last.keys[0].Arrival() >> 40; epoch < before+1<<16-30 || epochs[epoch] {
			t.Errorf("epoch %d, after %d of the store, and %v of others that were restored", epoch, before, epochs)
		}
		epochs[epoch] = true
		if id := s.Stats().StoreID; ids[id] {
			t.Errorf("the id %s is given twice", id)
		} else {
			ids[id] = true
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		removeAll(disk, restored)
	}
}

// TestAViewForABackupEndsWithItsStore reads from a store that is closed, and closes what is left.
func TestAViewForABackupEndsWithItsStore(t *testing.T) {
	disk := vfs.NewMem()
	f := testkit.OpenOn(t, disk, testkit.Dir, nil)
	if _, err := (&history{}).append(f.Store, "", "", testkit.Epoch); err != nil {
		t.Fatal(err)
	}
	v, err := f.BackupView(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Store.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := stele.MakeBackup(ctx, v, backups, &stele.BackupOptions{FS: disk}); stele.KindOf(err) != stele.Closed {
		t.Errorf("a backup of a closed store: %v", err)
	}
	if all, err := stele.Backups(backups, &stele.BackupOptions{FS: disk}); err != nil || len(all) > 0 {
		t.Errorf("%v, %v", all, err)
	}
	for range 2 {
		if err := v.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestDeletionsAreInABackup restores deletions by filter and by key that nothing has been rewritten for: they hide the same events, and none that comes later.
func TestDeletionsAreInABackup(t *testing.T) {
	disk := vfs.NewMem()
	f := testkit.OpenOn(t, disk, testkit.Dir, nil)
	h := &history{}
	instants := make([]time.Time, 12)
	for i := range instants {
		instants[i] = testkit.Epoch.Add(time.Duration(i) * time.Second)
	}
	a, err := h.append(f.Store, "", "", instants...)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := h.append(f.Store, "", "", instants...); err != nil {
		t.Fatal(err)
	}
	filter, err := stele.ParseFilter("R % 2 = 0")
	if err != nil {
		t.Fatal(err)
	}
	if n, err := f.DeleteMatching(ctx, stele.Range{}, filter); err != nil || n != 12 {
		t.Fatal(n, err)
	}
	if n, err := f.DeleteKeys(ctx, a.keys[1], a.keys[3]); err != nil || n != 2 {
		t.Fatal(n, err)
	}
	want, err := contentOf(f.Store)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Backup(ctx, backups, nil); err != nil {
		t.Fatal(err)
	}
	got, s, err := restoredContent(disk, f.Options, "")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := sameContent(got, want); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Flush(ctx), s.Settle(ctx)); err != nil {
		t.Fatal(err)
	}
	if got, err = contentOf(s); err == nil {
		err = sameContent(got, want)
	}
	if err != nil {
		t.Fatalf("rewritten: %v", err)
	}
	if _, err := h.append(s, "", "", instants...); err != nil {
		t.Fatal(err)
	}
	if n := s.Stats().Events; n != int64(len(want.lines)+12) {
		t.Errorf("%d events, expected %d", n, len(want.lines)+12)
	}
}

// What was refused does not come back with a backup, nor with a repair, when nothing but the catalog knows that it was: no file of documents could be made since that says so.
func TestR12WhatWasRefusedIsInNoBackup(t *testing.T) {
	disk := vfs.NewMem()
	faulty := vfs.NewFaulty(disk)
	s := testkit.OpenOn(t, faulty, testkit.Dir, nil)
	if err := s.Documents("").Set(ctx, "k", []byte(`"kept"`)); err != nil {
		t.Fatal(err)
	}
	faulty.Add(&vfs.Rule{Kind: vfs.OpSync, Match: "document-*", Err: vfs.EIO, Forever: true})
	faulty.Add(&vfs.Rule{Kind: vfs.OpCreate, Match: "document-*", Err: vfs.ENOSPC, Forever: true})
	if err := s.Documents("").Set(ctx, "k", []byte(`"refused"`)); err == nil {
		t.Fatal("it was not refused")
	}
	if err := s.Store.Close(); err != nil {
		t.Fatal(err)
	}
	s.Abandon()
	faulty.Clear()
	if _, err := stele.Repair(ctx, testkit.Dir, repaired, &stele.Options{FS: disk, Hooks: testkit.Hooks()}); err != nil {
		t.Fatal(err)
	}
	s = testkit.OpenOn(t, disk, testkit.Dir, nil)
	if v, err := s.Documents("").Get(ctx, "k"); string(v) != `"kept"` {
		t.Fatalf("the store has %s, %v", v, err)
	}
	if _, err := s.Backup(ctx, backups, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := stele.Restore(ctx, backups, restored, &stele.RestoreOptions{FS: disk}); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{repaired, restored} {
		again := testkit.OpenOn(t, disk, dir, nil)
		if v, err := again.Documents("").Get(ctx, "k"); string(v) != `"kept"` {
			t.Errorf("%s has %s, %v", dir, v, err)
		}
	}
}
