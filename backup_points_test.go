package stele_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/testkit"
	"github.com/stelehq/stele/internal/vfs"
)

// A backupCase is a disk with a store that is open, a whole backup of it as it was before, and what both hold.
type backupCase struct {
	seed   uint64
	disk   *vfs.Mem
	w      *workload
	before *content // in the backup
	now    *content
}

func newBackupCase(t *testing.T, seed uint64) *backupCase {
	t.Helper()
	b := &backupCase{seed: seed, disk: vfs.NewMem()}
	b.w = newWorkload(seed, b.disk)
	var err error
	do := func(steps ...func() error) {
		for _, step := range steps {
			if err == nil {
				err = step()
			}
		}
	}
	w := b.w
	w.options.Hooks.NoCompact = true // nothing in the background makes calls
	do(func() error { return w.steps(6) }, w.release, w.inOrder, w.set)
	if err == nil {
		_, err = w.store.Backup(ctx, backups, nil)
	}
	if err == nil {
		b.before, err = contentOf(w.store)
	}
	do(w.inOrder, w.flush, w.outOfOrder, w.delete, w.set, w.settle, w.reopen, w.inOrder, w.set)
	if err == nil {
		b.now, err = contentOf(w.store)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// judge sees that every backup which is there is whole and restores to what the store held, the first one whatever has happened.
func (b *backupCase) judge(disk *vfs.Mem) error {
	all, err := stele.Backups(backups, &stele.BackupOptions{FS: disk})
	if err != nil || len(all) == 0 || len(all) > 2 {
		return fmt.Errorf("the backups are %v: %w", all, err)
	}
	r, err := stele.VerifyBackups(ctx, backups, &stele.BackupOptions{FS: disk})
	if err != nil || len(r.Bad) > 0 {
		return fmt.Errorf("verify: %+v %w", r, err)
	}
	for i, one := range all {
		if err := b.restore(disk, one.Name, []*content{b.before, b.now}[i]); err != nil {
			return fmt.Errorf("%s: %w", one.Name, err)
		}
	}
	return nil
}

func (b *backupCase) restore(disk *vfs.Mem, name string, want *content) error {
	defer removeAll(disk, restored)
	c, s, err := restoredContent(disk, b.w.options, name)
	if s != nil {
		defer s.Close()
	}
	if err != nil {
		return err
	}
	return sameContent(c, want)
}

// again makes a backup of the store that a crash has left.
func (b *backupCase) again(disk *vfs.Mem) error {
	o := b.w.options
	o.FS = disk
	s, err := stele.Open(testkit.Dir, &o)
	if err != nil {
		return err
	}
	defer s.Close()
	made, err := s.Backup(ctx, backups, &stele.BackupOptions{Keep: 1})
	if err != nil || len(made.Damage) > 0 {
		return fmt.Errorf("the next backup: %v %w", made, err)
	}
	if err := b.restore(disk, "", b.now); err != nil {
		return fmt.Errorf("the next backup: %w", err)
	}
	all, err := stele.Backups(backups, &stele.BackupOptions{FS: disk})
	if err != nil || len(all) != 1 {
		return fmt.Errorf("the next backup leaves %v: %w", all, err)
	}
	// Pruning leaves nothing that nobody needs, nor anything of what was cut off.
	names, _ := disk.List(backups)
	if want := all[0].Files + 2; len(names) != want && all[0].Files == int(mustVerify(disk).Files) {
		return fmt.Errorf("%d files are left, expected %d: %v", len(names), want, names)
	}
	return nil
}

func mustVerify(disk *vfs.Mem) *stele.BackupReport {
	r, err := stele.VerifyBackups(ctx, backups, &stele.BackupOptions{FS: disk})
	if err != nil || len(r.Bad) > 0 {
		panic(fmt.Sprint(r, err))
	}
	return r
}

// stride says which of a series of calls are taken, every stride-th: most of them, fewer under the race detector, with STELE_LONG=1 all.
func stride(most, calls int) int {
	if long() {
		return 1
	}
	if raceDetector {
		most = max(1, most/8)
	}
	return max(1, calls/most)
}

// crashAt runs do and cuts the power before and after every stride-th call of it, in every mode; after judges each.
func crashAt(t *testing.T, disk *vfs.Mem, seed uint64, stride int, do func() error, judge func(disk *vfs.Mem) error) (points int) {
	t.Helper()
	var mu sync.Mutex
	modes := vfs.CrashModes()
	if !raceDetector {
		modes = append(modes, vfs.CrashRandom, vfs.CrashRandom, vfs.CrashRandom)
	}
	one := func(op vfs.Op, how string, left *vfs.Mem) (ok bool) {
		points++
		err := judge(left)
		if err != nil {
			t.Errorf("seed %d, call %d (%s %s), before: %v, %s: %v", seed, op.Index, op.Kind, op.Name, op.Before, how, err)
		}
		return err == nil
	}
	cut := func(op vfs.Op) {
		for i, mode := range modes {
			if !one(op, mode.String(), disk.CrashClone(rand.New(rand.NewPCG(seed, uint64(op.Index)<<4|uint64(i))), mode)) {
				return
			}
		}
		if op.Kind == vfs.OpRemove && !op.Before {
			one(op, "only removed", onlyRemoved(disk, op.Name))
		}
	}
	disk.OnOp(func(op vfs.Op) {
		mu.Lock()
		defer mu.Unlock()
		// What names are durable is decided at a few calls: none of them is left out.
		names := !raceDetector && (op.Kind == vfs.OpRename || op.Kind == vfs.OpSyncDir || op.Kind == vfs.OpRemove)
		if !t.Failed() && (names || int(op.Index)%stride == 0) {
			cut(op)
		}
	})
	err := do()
	disk.OnOp(nil)
	if err != nil {
		t.Errorf("seed %d: %v", seed, err)
	} else {
		cut(vfs.Op{})
	}
	return points
}

// TestBackupCrashPoints cuts the power at the calls of a backup, and of one that prunes: whatever is listed then is whole.
func TestBackupCrashPoints(t *testing.T) {
	n := 1
	if long() {
		n = 5
	}
	points := 0
	for _, seed := range seeds(n) {
		b := newBackupCase(t, seed)
		points += crashAt(t, b.disk, seed, stride(40, 300), func() error {
			made, err := b.w.store.Backup(ctx, backups, nil)
			if err == nil && len(made.Damage) > 0 {
				err = fmt.Errorf("damage: %v", made.Damage)
			}
			return err
		}, func(disk *vfs.Mem) error { return errors.Join(b.judge(disk), b.again(disk)) })
		points += crashAt(t, b.disk, seed, stride(20, 200), func() error {
			_, err := b.w.store.Backup(ctx, backups, &stele.BackupOptions{Keep: 1})
			return err
		}, func(disk *vfs.Mem) error {
			r, err := stele.VerifyBackups(ctx, backups, &stele.BackupOptions{FS: disk})
			if err != nil || r.Backups == 0 || len(r.Bad) > 0 {
				return fmt.Errorf("while pruning: %+v %w", r, err)
			}
			return b.restore(disk, "", b.now)
		})
		if err := b.w.close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d crash points", points)
}

// TestRestoreCrashPoints cuts the power at the calls of a restore: the directory is no store then, or all of one.
func TestRestoreCrashPoints(t *testing.T) {
	n := 1
	if long() {
		n = 5
	}
	points, whole := 0, 0
	for _, seed := range seeds(n) {
		b := newBackupCase(t, seed)
		points += crashAt(t, b.disk, seed, stride(300, 300), func() error {
			_, err := stele.Restore(ctx, backups, restored, &stele.RestoreOptions{FS: b.disk})
			return err
		}, func(disk *vfs.Mem) error {
			is, err := b.half(disk)
			if is {
				whole++
				return err
			}
			return errors.Join(err, b.restore(disk, "", b.before))
		})
		if err := b.w.close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d crash points, at %d of them the store was whole", points, whole)
	if whole == 0 || whole == points {
		t.Errorf("at %d of %d crash points the store was whole", whole, points)
	}
}

// half opens what is there of a restore; it is all of the store, or none.
func (b *backupCase) half(disk *vfs.Mem) (whole bool, err error) {
	o := b.w.options
	o.FS, o.ReadOnly = disk, true
	s, err := stele.Open(restored, &o)
	switch stele.KindOf(err) {
	case 0:
	case stele.NotFound:
		names, _ := disk.List(restored)
		names = slices.DeleteFunc(names, func(n string) bool { return n == "LOCK" })
		if len(names) > 0 {
			return false, fmt.Errorf("no store, but %v: %w", names, err)
		}
		return false, nil
	case stele.Invalid:
		if !strings.Contains(err.Error(), "stele restore") {
			return false, fmt.Errorf("no hint: %w", err)
		}
		return false, nil
	default:
		return false, err
	}
	defer s.Close()
	c, err := contentOf(s)
	if err == nil {
		err = sameContent(c, b.before)
	}
	if d := s.Stats().Damage; len(d) > 0 {
		err = fmt.Errorf("damage: %v", d)
	}
	return true, err
}

// TestBackupFaultPoints has calls of a backup fail, one at a time: it fails with the right kind of error, or says what it could not read; the earlier
// backup is whole, and the next one is.
func TestBackupFaultPoints(t *testing.T) {
	n := 1
	if long() {
		n = 5
	}
	points := 0
	for _, seed := range seeds(n) {
		b := newBackupCase(t, seed)
		if err := b.w.close(); err != nil {
			t.Fatal(err)
		}
		// run backs up what is on a clone of the disk, with a fault.
		var calls map[vfs.OpKind]int64
		run := func(rule *vfs.Rule) (disk *vfs.Mem, made *stele.Backup, err error) {
			disk = b.disk.CrashClone(nil, vfs.CrashKill)
			faulty := vfs.NewFaulty(disk)
			o := b.w.options
			o.FS, o.ReadOnly = faulty, true
			s, err := stele.Open(testkit.Dir, &o)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if rule != nil {
				faulty.Add(rule)
			}
			calls = callsOf(disk, func() { made, err = s.Backup(ctx, backups, nil) })
			faulty.Clear()
			return disk, made, err
		}
		if _, _, err := run(nil); err != nil {
			t.Fatal(err)
		}
		points += eachFault(seed, calls, 20, func(d disease, rule *vfs.Rule, where string) {
			disk, made, err := run(rule)
			switch {
			case err == nil && len(made.Damage) == 0:
			case err == nil: // something of the store could not be read
				if d.kind != stele.IO || made.Damage[0].File == "" {
					t.Fatalf("%s: damage: %v", where, made.Damage)
				}
				// What the backup has is in the store.
				removeAll(disk, restored)
				if _, err := stele.Restore(ctx, backups, restored, &stele.RestoreOptions{FS: disk}); err != nil {
					t.Fatalf("%s: restore what was read: %v", where, err)
				}
				removeAll(disk, restored)
			case stele.KindOf(err) != d.kind:
				t.Fatalf("%s: expected an error of kind %s: %v", where, d.kind, err)
			}
			if rerr := b.restore(disk, "backup-0000000000000001", b.before); rerr != nil {
				t.Fatalf("%s: the earlier backup, after %v: %v", where, err, rerr)
			}
			if aerr := b.again(disk); aerr != nil {
				t.Fatalf("%s: after %v: %v", where, err, aerr)
			}
		})
	}
	t.Logf("%d fault points", points)
}

// TestRestoreFaultPoints has calls of a restore fail: the directory is no store then, and the next restore makes one.
func TestRestoreFaultPoints(t *testing.T) {
	n := 1
	if long() {
		n = 5
	}
	points := 0
	for _, seed := range seeds(n) {
		b := newBackupCase(t, seed)
		if err := b.w.close(); err != nil {
			t.Fatal(err)
		}
		clone := b.disk.CrashClone(nil, vfs.CrashKill)
		var err error
		calls := callsOf(clone, func() { _, err = stele.Restore(ctx, backups, restored, &stele.RestoreOptions{FS: clone}) })
		if err != nil {
			t.Fatal(err)
		}
		points += eachFault(seed, calls, 25, func(d disease, rule *vfs.Rule, where string) {
			disk := b.disk.CrashClone(nil, vfs.CrashKill)
			faulty := vfs.NewFaulty(disk)
			faulty.Add(rule)
			_, err := stele.Restore(ctx, backups, restored, &stele.RestoreOptions{FS: faulty})
			faulty.Clear()
			if err != nil && stele.KindOf(err) != d.kind {
				t.Fatalf("%s: expected an error of kind %s: %v", where, d.kind, err)
			}
			whole, herr := b.half(disk)
			if herr != nil || err == nil && !whole {
				t.Fatalf("%s: whole: %v, %v; %v", where, whole, err, herr)
			}
			for i, mode := range vfs.CrashModes() {
				c := disk.CrashClone(rand.New(rand.NewPCG(seed, uint64(rule.Nth)<<4|uint64(i))), mode)
				if is, cerr := b.half(c); cerr != nil || err == nil && !is {
					t.Fatalf("%s: %v, and the power cut after it, %s: %v, %v", where, err, mode, is, cerr)
				}
			}
			if whole {
				return
			}
			if rerr := b.restore(disk, "", b.before); rerr != nil {
				t.Fatalf("%s: again, after %v: %v", where, err, rerr)
			}
		})
	}
	t.Logf("%d fault points", points)
}
