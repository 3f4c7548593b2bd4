package stele_test

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/testkit"
	"github.com/stelehq/stele/internal/vfs"
)

// part sees that a holds nothing that b does not.
func part(a, b *content) error {
	for i, k := range a.keys {
		if at, found := slices.BinarySearchFunc(b.keys, k, stele.Key.Compare); !found || b.lines[at] != a.lines[i] {
			return fmt.Errorf("event %s is %s, which was never there", k, a.lines[i])
		}
	}
	return nil
}

// places is stride for bytes of files, of which the long version does not take all: each costs a restore or two.
func places(most, bytes int) int {
	if long() {
		return max(1, bytes/(10*most))
	}
	return stride(most, bytes)
}

// TestDamagedBackups damages each file of a directory of backups: that is found and named, a restore that needs the file is refused, and one that salvages has nothing
// that was not in the backup.
func TestDamagedBackups(t *testing.T) {
	points := 0
	for _, seed := range seeds(2) {
		b := newBackupCase(t, seed)
		if _, err := b.w.store.Backup(ctx, backups, nil); err != nil {
			t.Fatal(err)
		}
		if err := b.w.close(); err != nil {
			t.Fatal(err)
		}
		names, _ := b.disk.List(backups)
		for _, base := range names {
			name := backups + "/" + base
			content := mustRead(t, b.disk, name)
			step := places(6, len(content))
			for at := -1; at < len(content); at += step {
				if base == "LOCK" {
					break
				}
				points++
				disk := b.disk.CrashClone(nil, vfs.CrashKill)
				harm := "removed"
				switch {
				case at < 0:
					_ = disk.Remove(name)
				case at%2 == 0:
					harm = "flipped"
					damaged := slices.Clone(content)
					damaged[at] ^= 1 << (at % 8)
					disk.WriteFile(name, damaged)
				default:
					harm = "cut off"
					disk.WriteFile(name, content[:at])
				}
				if err := b.judgeDamage(disk, base, harm); err != nil {
					t.Fatalf("seed %d: %s %s at %d: %v", seed, base, harm, at, err)
				}
			}
		}
	}
	t.Logf("%d points", points)
}

func (b *backupCase) judgeDamage(disk *vfs.Mem, base, harm string) error {
	o := &stele.BackupOptions{FS: disk}
	r, err := stele.VerifyBackups(ctx, backups, o)
	if err != nil {
		return err
	}
	all, err := stele.Backups(backups, o)
	if err != nil {
		return err
	}
	description := strings.HasPrefix(base, "backup-")
	if description && harm == "removed" {
		if len(r.Bad) > 0 || len(all) != 1 {
			return fmt.Errorf("%+v, %v", r, all)
		}
		return nil
	}
	if len(r.Bad) != 1 || !strings.Contains(r.Bad[0].Err.Error(), base) || len(r.Bad[0].Backups) == 0 || len(all) != 2 {
		return fmt.Errorf("it is not named: %+v, %v", r, all)
	}
	for i, one := range all {
		want := []*content{b.before, b.now}[i]
		removeAll(disk, restored)
		if !slices.Contains(r.Bad[0].Backups, one.Name) {
			if err := b.restore(disk, one.Name, want); err != nil {
				return fmt.Errorf("%s, which does not need it: %w", one.Name, err)
			}
			continue
		}
		if (one.Err != nil) != description {
			return fmt.Errorf("%s is listed with %w", one.Name, one.Err)
		}
		_, err := stele.Restore(ctx, backups, restored, &stele.RestoreOptions{Backup: one.Name, FS: disk})
		if stele.KindOf(err) != stele.Corrupt || !strings.Contains(err.Error(), base) || !strings.Contains(err.Error(), "--backup") {
			return fmt.Errorf("%s is restored: %w", one.Name, err)
		}
		if names, _ := disk.List(restored); len(names) > 1 {
			return fmt.Errorf("a refused restore leaves %v", names)
		}
		if description {
			continue
		}
		done, err := stele.Restore(ctx, backups, restored, &stele.RestoreOptions{Backup: one.Name, Salvage: true, FS: disk})
		if err != nil || len(done.Damage) == 0 {
			return fmt.Errorf("salvage: %+v, %w", done, err)
		}
		opts := b.w.options
		opts.FS = disk
		s, err := stele.Open(restored, &opts)
		if err != nil {
			return fmt.Errorf("what was salvaged: %w", err)
		}
		defer s.Close()
		c, err := contentOf(s)
		if err != nil {
			return fmt.Errorf("what was salvaged: %w", err)
		}
		if err := part(c, want); err != nil {
			return fmt.Errorf("what was salvaged: %w", err)
		}
		if harm == "flipped" && len(want.lines)-len(c.lines) > 12+b.w.options.Hooks.BlockRows {
			return fmt.Errorf("%d of %d events were salvaged", len(c.lines), len(want.lines))
		}
		if report, err := s.Verify(ctx); err != nil || len(report.Damage) > 0 {
			return fmt.Errorf("what was salvaged: %+v %w", report, err)
		}
		if err := s.Close(); err != nil {
			return err
		}
	}
	return nil
}

// TestBackupOfADamagedStore damages each file of a store: a backup names what is lost, and restores to a sound store of all that is served. With an
// earlier backup that has the segment whole nothing of it is lost.
func TestBackupOfADamagedStore(t *testing.T) {
	points, lost, whole := 0, 0, 0
	for _, seed := range seeds(2) {
		b := newBackupCase(t, seed)
		if _, err := b.w.store.Backup(ctx, backups, nil); err != nil {
			t.Fatal(err)
		}
		if err := b.w.close(); err != nil {
			t.Fatal(err)
		}
		names, _ := b.disk.List(testkit.Dir)
		for _, base := range names {
			kind := fileKind(base)
			if kind != "segment" && kind != "journal" && kind != "document" {
				continue
			}
			name := testkit.Dir + "/" + base
			bytes := mustRead(t, b.disk, name)
			step := places(8, len(bytes))
			for at := int(seed) % step; at < len(bytes); at += step {
				points++
				disk := b.disk.CrashClone(nil, vfs.CrashKill)
				damaged := slices.Clone(bytes)
				damaged[at] ^= 1 << (at % 8)
				disk.WriteFile(name, damaged)
				o := b.w.options
				o.FS, o.ReadOnly = disk, true
				s, err := stele.Open(testkit.Dir, &o)
				if err != nil {
					t.Fatal(err)
				}
				served, _ := contentOf(s)
				made, err := s.Backup(ctx, "other", nil) // without an earlier one
				if err != nil {
					t.Fatalf("seed %d: %s at %d: %v", seed, base, at, err)
				}
				again, err := s.Backup(ctx, backups, &stele.BackupOptions{Keep: 1})
				if err != nil {
					t.Fatalf("seed %d: %s at %d: %v", seed, base, at, err)
				}
				if (again.Removed > 0) != (len(again.Damage) == 0) {
					t.Fatalf("seed %d: %s at %d: %d older backups are removed, beside %v", seed, base, at, again.Removed, again.Damage)
				}
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				var c, d *content
				for i, dir := range []string{"other", backups} {
					if _, err := stele.Restore(ctx, dir, restored, &stele.RestoreOptions{FS: disk}); err != nil {
						t.Fatalf("seed %d: %s at %d: %v", seed, base, at, err)
					}
					o.ReadOnly = false
					s, err := stele.Open(restored, &o)
					if err != nil {
						t.Fatal(err)
					}
					got, err := contentOf(s)
					report, verr := s.Verify(ctx)
					if err != nil || verr != nil || len(report.Damage) > 0 {
						t.Fatalf("seed %d: %s at %d: what was restored: %v %v %+v", seed, base, at, err, verr, report)
					}
					if err := s.Close(); err != nil {
						t.Fatal(err)
					}
					removeAll(disk, restored)
					if i == 0 {
						c = got
					} else {
						d = got
					}
				}
				missing := len(b.now.lines) - len(c.lines)
				switch {
				case !slices.Equal(c.keys, served.keys) || !slices.Equal(c.lines, served.lines) || !maps.Equal(c.documents, served.documents):
					t.Fatalf("seed %d: %s at %d: %d events and %v are restored, %d and %v were served", seed, base, at, len(c.lines), c.documents, len(served.lines), served.documents)
				case part(c, b.now) != nil:
					t.Fatal(part(c, b.now))
				case missing > 0 && !slices.ContainsFunc(made.Damage, func(d stele.Damage) bool { return strings.HasSuffix(d.File, base) }):
					t.Fatalf("seed %d: %s at %d: %d events are lost: %v", seed, base, at, missing, made.Damage)
				}
				if missing > 0 {
					lost++
					if len(d.lines) == len(b.now.lines) {
						whole++
					} else if len(again.Damage) == 0 {
						t.Fatalf("seed %d: %s at %d: %d events are lost, and nobody says so", seed, base, at, len(b.now.lines)-len(d.lines))
					}
				}
			}
		}
	}
	t.Logf("%d points; events were lost at %d of them, at %d the earlier backup had them", points, lost, whole)
	if (lost == 0 || whole == 0) && !raceDetector {
		t.Errorf("%d points; events were lost at %d of them, at %d the earlier backup had them", points, lost, whole)
	}
}

// TestBackupsShareFiles sees that a backup copies what is new alone.
func TestBackupsShareFiles(t *testing.T) {
	disk := vfs.NewMem()
	f := testkit.OpenOn(t, disk, testkit.Dir, nil)
	h := &history{}
	add := func() {
		t.Helper()
		if _, err := h.append(f.Store, "", "", testkit.Epoch); err != nil {
			t.Fatal(err)
		}
	}
	back := func(o *stele.BackupOptions) *stele.Backup {
		t.Helper()
		b, err := f.Backup(ctx, backups, o)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	pool := func() int {
		names, _ := disk.List(backups)
		return len(slices.DeleteFunc(names, func(n string) bool { return strings.HasPrefix(n, "backup-") || n == "LOCK" }))
	}
	add()
	if err := f.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	add()
	if err := h.set(f.Store, "a", "1"); err != nil {
		t.Fatal(err)
	}
	first := back(nil)
	if first.Files != 3 || first.Added != first.Bytes || pool() != 3 || first.Events != 2 || first.Documents != 1 {
		t.Errorf("the first: %+v, %d files", first, pool())
	}
	if again := back(nil); again.Added != 0 || again.Bytes != first.Bytes || pool() != 3 {
		t.Errorf("the same again: %+v, %d files", again, pool())
	}
	add()
	if next := back(nil); next.Files != 3 || next.Added == 0 || next.Added >= next.Bytes || pool() != 4 {
		t.Errorf("with one more event: %+v, %d files", next, pool())
	}
	if last := back(&stele.BackupOptions{Keep: 2}); last.Removed != 2 || last.Added != 0 || pool() != 3 {
		t.Errorf("pruned: %+v, %d files", last, pool())
	}
	// Another store's backups are left alone.
	other := testkit.OpenOn(t, disk, "other", nil)
	if _, err := h.append(other.Store, "", "", testkit.Epoch); err != nil {
		t.Fatal(err)
	}
	if b, err := other.Backup(ctx, backups, &stele.BackupOptions{Keep: 1}); err != nil || b.Removed != 0 || pool() != 4 {
		t.Errorf("of another store: %+v, %d files, %v", b, pool(), err)
	}
	all, err := stele.Backups(backups, &stele.BackupOptions{FS: disk})
	if err != nil || len(all) != 3 {
		t.Errorf("%v, %v", all, err)
	}
	if _, err := f.Backup(ctx, "other", nil); stele.KindOf(err) != stele.Invalid {
		t.Errorf("a backup into a store: %v", err)
	}
	if _, err := stele.Restore(ctx, backups, "other", &stele.RestoreOptions{FS: disk}); stele.KindOf(err) != stele.Invalid {
		t.Errorf("a restore into a store: %v", err)
	}
}

// TestR16RetriesSurviveARestore sends a batch again to what was restored: it is known there.
func TestR16RetriesSurviveARestore(t *testing.T) {
	disk := vfs.NewMem()
	f := testkit.OpenOn(t, disk, testkit.Dir, nil)
	h := &history{}
	var sent []*step
	for i := range 3 {
		a, err := h.append(f.Store, "", fmt.Sprint("id-", i), testkit.Epoch)
		if err != nil {
			t.Fatal(err)
		}
		sent = append(sent, a)
		if i == 0 {
			if err := f.Flush(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := f.Backup(ctx, backups, nil); err != nil {
		t.Fatal(err)
	}
	_, s, err := restoredContent(disk, f.Options, "")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, a := range sent {
		if keys, err := send(s, a); err != nil || keys[0] != a.keys[0] {
			t.Errorf("%s has the key %v, expected %v: %v", a.id, keys, a.keys, err)
		}
	}
	if n := s.Stats().Events; n != 3 {
		t.Errorf("%d events", n)
	}
}

// TestBackupBesideADamagedColumn backs up a store of which one column of a large block is damaged: the events that have nothing in it are in the backup.
func TestBackupBesideADamagedColumn(t *testing.T) {
	s, _, sound := damagedColumn(t)
	s.Damaged()
	made, err := s.Backup(ctx, backups, nil)
	if err != nil || len(made.Damage) == 0 || !strings.Contains(made.Damage[0].What, "1500 events of 6000 events") {
		t.Fatalf("%+v, %v", made, err)
	}
	if _, err := stele.Restore(ctx, backups, restored, &stele.RestoreOptions{FS: s.FS}); err != nil {
		t.Fatal(err)
	}
	o := s.Options
	again, err := stele.Open(restored, &o)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	c, err := contentOf(again)
	if err != nil || !slices.Equal(c.lines, sound) {
		t.Errorf("%d events are restored, expected %d: %v", len(c.lines), len(sound), err)
	}
	if report, err := again.Verify(ctx); err != nil || len(report.Damage) > 0 {
		t.Errorf("%+v, %v", report, err)
	}
}

// What a disk would not give once, and gives now, is no damage to a backup.
func TestABackupAfterAnErrorThatHasPassed(t *testing.T) {
	faulty := vfs.NewFaulty(vfs.NewMem())
	s := testkit.OpenOn(t, faulty, testkit.Dir, func(o *stele.Options) { o.CacheBytes = 1 })
	s.AppendSeries(0, 40, 10)
	if err := s.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	s.Reopen()
	faulty.Add(&vfs.Rule{Kind: vfs.OpReadAt, Match: "segment-*", Err: vfs.EIO})
	if _, err := testkit.Drain(s.Read(ctx, stele.ReadOptions{})); err == nil {
		t.Fatal("the error was not met")
	}
	s.Damaged() // it is told for as long as the store is open
	made, err := s.Backup(ctx, backups, nil)
	if err != nil || len(made.Damage) > 0 || made.Events != 40 {
		t.Errorf("%+v, %v", made, err)
	}
}

// A file that is shorter than the store knows it to be is damaged, though it ends with a whole frame and the store has not read it again.
func TestABackupOfAFileThatWasCutOff(t *testing.T) {
	disk := vfs.NewMem()
	s := testkit.OpenOn(t, disk, testkit.Dir, nil)
	for _, key := range []string{"a", "b"} {
		if err := s.Documents("").Set(ctx, key, []byte("1")); err != nil {
			t.Fatal(err)
		}
	}
	name := named(disk, "document-")
	before := mustRead(t, disk, name)
	if err := s.Documents("").Delete(ctx, "a"); err != nil {
		t.Fatal(err)
	}
	disk.WriteFile(name, before)
	made, err := s.Backup(ctx, backups, nil)
	if err != nil || len(made.Damage) != 1 || !strings.HasSuffix(made.Damage[0].File, path.Base(name)) {
		t.Errorf("%+v, %v", made, err)
	}
	s.Damaged()
}
