package stele_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/frame"
	"github.com/stelehq/stele/internal/testkit"
	"github.com/stelehq/stele/internal/vfs"
)

// quarantineOf returns the files in quarantine that are no notes.
func quarantineOf(disk *vfs.Mem) (names []string) {
	for _, n := range disk.Names() {
		if path.Dir(n) == testkit.Dir+"/quarantine" && !strings.HasSuffix(n, ".json") {
			names = append(names, n)
		}
	}
	return names
}

func flip(t *testing.T, disk *vfs.Mem, name string, at int) {
	t.Helper()
	b := slices.Clone(mustRead(t, disk, name))
	b[at] ^= 1
	disk.WriteFile(name, b)
}

// withDamagedJournal returns a store whose journal has ten groups of two events, the fourth of them damaged.
func withDamagedJournal(t *testing.T) (disk *vfs.Mem, name string, want []string) {
	t.Helper()
	s := testkit.OpenMem(t, func(o *stele.Options) { o.Hooks.NoTidy = true })
	s.AppendSeries(0, 20, 2)
	if err := s.Store.Close(); err != nil {
		t.Fatal(err)
	}
	disk = s.FS.(*vfs.Mem)
	name = named(disk, "journal-")
	b := mustRead(t, disk, name)
	at := 0
	for range 2 + 4 { // two headers
		at += 1 + bytes.Index(b[at+1:], []byte("STLF"))
	}
	flip(t, disk, name, at-20)
	return disk, name, slices.Concat(series(0, 6), series(8, 20))
}

// What is damaged in a journal is not thrown away when the rest is sealed: the file goes into quarantine, and is named until the user lets
// go of it.
func TestADamagedJournalGoesIntoQuarantine(t *testing.T) {
	disk, name, want := withDamagedJournal(t)
	damaged := mustRead(t, disk, name)
	s := reopen(t, disk)
	same(t, "the rest", want, s.All())
	found := s.Stats().Damage
	if len(found) != 1 || found[0].File != name || found[0].Offset <= 0 || found[0].Rows != 2 || found[0].Kept {
		t.Fatalf("damage: %+v", found)
	}
	if err := s.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	kept := testkit.Dir + "/quarantine/" + path.Base(name)
	check := func(when string) {
		t.Helper()
		same(t, when, want, s.All())
		if !bytes.Equal(mustRead(t, disk, kept), damaged) {
			t.Errorf("%s: the file is another one", when)
		}
		d := s.Stats().Damage
		if len(d) != 1 || d[0].File != kept || d[0].Offset != found[0].Offset || d[0].Rows != 2 || !d[0].Kept || !strings.Contains(d[0].What, "2 events that arrived between") ||
			!strings.Contains(d[0].Err.Error(), "checksum") {
			t.Errorf("%s: damage: %+v", when, d)
		}
	}
	check("sealed")
	s.Reopen()
	check("reopened")
	if err := s.Forget(ctx, named(disk, "segment-")); !errors.Is(err, stele.NotFound) {
		t.Errorf("forget a sound file: %v", err)
	}
	if err := s.Forget(ctx, kept); err != nil {
		t.Fatal(err)
	}
	if d := s.Stats().Damage; len(d) > 0 || len(quarantineOf(disk)) > 0 {
		t.Errorf("forgotten: %v, %v", d, disk.Names())
	}
	s.Reopen()
	same(t, "forgotten", want, s.All())
	if d := s.Stats().Damage; len(d) > 0 {
		t.Errorf("forgotten and reopened: %v", d)
	}
}

// What is in quarantine can be looked at.
func TestQuarantineIsInspected(t *testing.T) {
	disk, name, want := withDamagedJournal(t)
	dir := t.TempDir()
	for _, n := range disk.Names() {
		if err := os.WriteFile(filepath.Join(dir, path.Base(n)), mustRead(t, disk, n), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := testkit.OpenOn(t, nil, dir, quick)
	s.Damaged()
	if err := s.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	same(t, "the rest", want, s.All())
	kept := s.Stats().Damage[0].File
	p, err := stele.Inspect(kept, stele.InspectOptions{})
	if err != nil || !p.IsDamaged() || path.Base(kept) != path.Base(name) || len(p.Parts) < 10 {
		t.Fatalf("%s: %+v, %v", kept, p, err)
	}
	if _, err := os.Stat(kept + ".json"); err != nil {
		t.Error(err)
	}
	before := s.Stats().DiskBytes
	if err := s.Forget(ctx, kept); err != nil {
		t.Fatal(err)
	}
	if after := s.Stats().DiskBytes; after >= before {
		t.Errorf("%d bytes, and %d when it is forgotten", before, after)
	}
}

// Whenever the power goes, damaged bytes are somewhere afterwards.
func TestACrashThrowsNothingDamagedAway(t *testing.T) {
	disk, name, want := withDamagedJournal(t)
	damaged := mustRead(t, disk, name)
	if err := flipManifest(t, disk); err != nil {
		t.Fatal(err)
	}
	manifest := mustRead(t, disk, named(disk, "manifest-"))
	var clones []*vfs.Mem
	disk.OnOp(func(op vfs.Op) {
		if op.Before || op.Kind != vfs.OpReadAt && op.Kind != vfs.OpOpen {
			clones = append(clones, disk.CrashClone(nil, vfs.CrashLose), disk.CrashClone(nil, vfs.CrashKill))
		}
	})
	s, err := stele.Open(testkit.Dir, &stele.Options{FS: disk, Hooks: testkit.Hooks()})
	if err == nil {
		err = errors.Join(s.Flush(ctx), s.Close())
	}
	disk.OnOp(nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range append(clones, disk) {
		if i%3 > 0 && !long() || i%15 > 0 && raceDetector {
			continue
		}
		s, err := stele.Open(testkit.Dir, &stele.Options{FS: c, Hooks: testkit.Hooks()})
		if err != nil {
			t.Fatalf("after call %d: %v", i, err)
		}
		got, err := testkit.Drain(s.Read(ctx, stele.ReadOptions{}))
		if err != nil {
			t.Fatalf("after call %d: %v", i, err)
		}
		same(t, fmt.Sprintf("after call %d", i), want, got)
		if err := errors.Join(s.Flush(ctx), s.Close()); err != nil {
			t.Fatalf("after call %d: %v", i, err)
		}
		for what, bad := range map[string][]byte{"journal": damaged, "manifest": manifest} {
			if !slices.ContainsFunc(quarantineOf(c), func(n string) bool { return bytes.Equal(mustRead(t, c, n), bad) }) {
				t.Fatalf("after call %d the damaged %s is gone: %v", i, what, c.Names())
			}
		}
	}
	t.Logf("%d crash points", len(clones))
}

// flipManifest damages an edit of the manifest that changes nothing that counts.
func flipManifest(t *testing.T, disk *vfs.Mem) error {
	name := named(disk, "manifest-")
	b := mustRead(t, disk, name)
	flip(t, disk, name, bytes.LastIndex(b, []byte("STLF"))-6) // before the closing mark
	s, err := stele.Open(testkit.Dir, &stele.Options{FS: disk.CrashClone(nil, vfs.CrashKill), Hooks: testkit.Hooks()})
	if err != nil {
		return err
	}
	defer s.Close()
	if !slices.ContainsFunc(s.Stats().Damage, func(d stele.Damage) bool { return strings.Contains(d.File, "manifest-") }) {
		return fmt.Errorf("no damage in the manifest: %v", s.Stats().Damage)
	}
	return nil
}

// Compaction of the documents does not take damaged changes with it.
func TestDamagedDocumentsGoIntoQuarantine(t *testing.T) {
	s := testkit.OpenMem(t, nil)
	for i := range 4 {
		if err := s.Documents("").Set(ctx, "k", fmt.Appendf(nil, "%d", i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Store.Close(); err != nil {
		t.Fatal(err)
	}
	disk := s.FS.(*vfs.Mem)
	name := named(disk, "document-")
	b := mustRead(t, disk, name)
	flip(t, disk, name, bytes.LastIndex(b, []byte("k1")))
	damaged := mustRead(t, disk, name)
	s = reopen(t, disk)
	if !damageIn(s, path.Base(name)) {
		t.Fatalf("damage: %v", s.Stats().Damage)
	}
	if err := s.Forget(ctx, name); err != nil {
		t.Fatal(err)
	}
	if v, err := s.Documents("").Get(ctx, "k"); err != nil || string(v) != "3" {
		t.Errorf("%q, %v", v, err)
	}
	if d := s.Stats().Damage; len(d) > 0 {
		t.Errorf("forgotten: %v", d)
	}

	// And without a word of the user's it is kept.
	if err := s.Store.Close(); err != nil {
		t.Fatal(err)
	}
	s.Abandon()
	disk = vfs.NewMem()
	s = testkit.OpenOn(t, disk, testkit.Dir, func(o *stele.Options) { o.Hooks.CompactBytes = 2000 })
	s.Damaged()
	for i := range 4 {
		if err := s.Documents("").Set(ctx, "k", fmt.Appendf(nil, "%d", i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Store.Close(); err != nil {
		t.Fatal(err)
	}
	disk.WriteFile(name, damaged)
	again, err := stele.Open(testkit.Dir, &s.Options)
	if err != nil {
		t.Fatal(err)
	}
	s.Store = again
	for i := 0; i < 200 && len(quarantineOf(disk)) == 0; i++ {
		if err := s.Documents("").Set(ctx, "k", fmt.Appendf(nil, "[%d,%q]", i, strings.Repeat("x", 200))); err != nil {
			t.Fatal(err)
		}
	}
	if names := quarantineOf(disk); len(names) != 1 || !bytes.Equal(mustRead(t, disk, names[0]), damaged) {
		t.Errorf("in quarantine: %v", names)
	}
}

// A journal that the disk does not give does not keep the store from opening.
func TestAnUnreadableJournalGoesIntoQuarantine(t *testing.T) {
	s := testkit.OpenMem(t, nil)
	s.AppendSeries(0, 10, 5)
	if err := s.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	s.AppendSeries(10, 20, 5)
	if err := s.Store.Close(); err != nil {
		t.Fatal(err)
	}
	disk := s.FS.(*vfs.Mem)
	name := named(disk, "journal-")
	bad := mustRead(t, disk, name)
	for _, kind := range []vfs.OpKind{vfs.OpOpen, vfs.OpReadAt, vfs.OpSize} {
		clone := disk.CrashClone(nil, vfs.CrashKill)
		faulty := vfs.NewFaulty(clone)
		faulty.Add(&vfs.Rule{Kind: kind, Match: path.Base(name), Err: vfs.EIO, Forever: true})
		s := testkit.OpenOn(t, faulty, testkit.Dir, quick)
		s.Damaged()
		same(t, kind.String()+": the rest", series(0, 10), s.All())
		kept := quarantineOf(clone)
		if len(kept) != 1 || !bytes.Equal(mustRead(t, clone, kept[0]), bad) || !damageIn(s, kept[0]) {
			t.Errorf("%s: in quarantine: %v; damage %v", kind, kept, s.Stats().Damage)
		}
		s.AppendSeries(20, 25, 5)
		if err := s.Flush(ctx); err != nil {
			t.Error(err)
		}
		s.Reopen()
		same(t, kind.String()+": reopened", slices.Concat(series(0, 10), series(20, 25)), s.All())
		if d := s.Stats().Damage; len(d) != 1 {
			t.Errorf("%s: reopened: %v", kind, d)
		}
		if r, err := s.Verify(ctx); err != nil || len(r.Damage) != 1 {
			t.Errorf("%s: verify: %v, %v", kind, r, err)
		}
	}
	// Once is no reason.
	faulty := vfs.NewFaulty(disk)
	faulty.Add(&vfs.Rule{Kind: vfs.OpOpen, Match: path.Base(name), Err: vfs.EIO})
	s = testkit.OpenOn(t, faulty, testkit.Dir, quick)
	same(t, "after one failure", series(0, 20), s.All())
	if err := s.Store.Close(); err != nil {
		t.Fatal(err)
	}
	// Nor is that somebody else owns the file.
	faulty.Add(&vfs.Rule{Kind: vfs.OpOpen, Match: "journal-*", Err: syscall.EACCES, Forever: true})
	if _, err := stele.Open(testkit.Dir, &stele.Options{FS: faulty, Hooks: testkit.Hooks()}); !errors.Is(err, stele.IO) {
		t.Errorf("a journal of somebody else's: %v", err)
	}
}

// A block of a journal that cannot be read any more does not hold up sealing for ever.
func TestSealingGoesOnWithoutAnUnreadableBlock(t *testing.T) {
	disk := vfs.NewMem()
	faulty := vfs.NewFaulty(disk)
	s := testkit.OpenOn(t, faulty, testkit.Dir, func(o *stele.Options) { o.Hooks.NoTidy = true; o.Hooks.Patience = 50 * time.Millisecond })
	s.AppendSeries(0, 10, 5)
	s.Reopen() // nothing is held in memory
	s.Damaged()
	name := named(disk, "journal-")
	bad := mustRead(t, disk, name)
	faulty.Add(&vfs.Rule{Kind: vfs.OpReadAt, Match: path.Base(name), Err: vfs.EIO, Forever: true})
	if err := s.Flush(ctx); !errors.Is(err, stele.IO) {
		t.Fatalf("flush: %v", err)
	}
	s.AppendSeries(10, 15, 5)
	time.Sleep(s.Options.Hooks.Patience)
	var clones []*vfs.Mem
	disk.OnOp(func(op vfs.Op) {
		if op.Before && op.Kind != vfs.OpReadAt && op.Kind != vfs.OpOpen {
			clones = append(clones, disk.CrashClone(nil, vfs.CrashLose))
		}
	})
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if err := s.Flush(ctx); err == nil {
			break
		} else if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	disk.OnOp(nil)
	// Whenever the power goes, the journal is read again, or was put aside.
	for i, c := range clones {
		again := testkit.OpenOn(t, c, testkit.Dir, quick)
		again.Damaged()
		got := again.All()
		if err := again.Flush(ctx); err != nil {
			t.Fatal(err)
		}
		if kept := quarantineOf(c); !slices.Equal(got, series(0, 15)) && (len(kept) != 1 || !bytes.HasPrefix(mustRead(t, c, kept[0]), bad[:len(bad)-frame.HeaderSize-4])) { // a closing mark is not synced
			t.Fatalf("after call %d: %d events, in quarantine %v", i, len(got), kept)
		}
	}
	same(t, "the rest", series(10, 15), s.All())
	if kept := quarantineOf(disk); len(kept) != 1 || !bytes.Equal(mustRead(t, disk, kept[0]), bad) || !damageIn(s, kept[0]) {
		t.Errorf("in quarantine: %v; damage %v", kept, s.Stats().Damage)
	}
}

// A damaged segment stays as it is until the user lets go of what is lost.
func TestForgettingADamagedSegment(t *testing.T) {
	original, want := filled(t)
	name := named(original, "segment-")
	size := len(mustRead(t, original, name))
	for at := 3; at < size; at += size / 12 {
		disk := original.CrashClone(nil, vfs.CrashKill)
		flip(t, disk, name, at)
		s := reopen(t, disk)
		got, rerr := testkit.Drain(s.Read(ctx, stele.ReadOptions{}))
		if err := errors.Join(s.Flush(ctx), s.Settle(ctx)); err != nil {
			t.Fatal(err)
		}
		if _, err := disk.ReadFile(name); err != nil {
			t.Fatalf("at %d: the damaged segment is gone", at)
		}
		if err := s.Forget(ctx, name); err != nil {
			t.Fatalf("at %d: %v", at, err)
		}
		same(t, fmt.Sprintf("at %d", at), got, s.All())
		if n := s.Stats().Events; n != int64(len(got)) {
			t.Errorf("at %d: %d events, said to be %d", at, len(got), n)
		}
		if r, err := s.Verify(ctx); err != nil || len(r.Damage) > 0 {
			t.Errorf("at %d: verify: %v, %v", at, r, err)
		}
		s.Reopen()
		same(t, "reopened", got, s.All())
		if r, err := s.Verify(ctx); err != nil || len(r.Damage) > 0 {
			t.Errorf("at %d: verify: %v, %v", at, r, err)
		}
		if rerr == nil != (len(got) == len(want)) {
			t.Errorf("at %d: %d events, %v", at, len(got), rerr)
		}
		if err := s.Store.Close(); err != nil {
			t.Fatal(err)
		}
	}
	// One that is gone.
	disk := original.CrashClone(nil, vfs.CrashKill)
	_ = errors.Join(disk.Remove(name), disk.SyncDir(testkit.Dir))
	s := reopen(t, disk)
	got, _ := testkit.Drain(s.Read(ctx, stele.ReadOptions{}))
	if err := s.Forget(ctx, path.Base(name)); err != nil {
		t.Fatal(err)
	}
	same(t, "without it", got, s.All())
	s.Reopen()
	same(t, "without it, reopened", got, s.All())
	if r, err := s.Verify(ctx); err != nil || len(r.Damage) > 0 {
		t.Errorf("verify: %v, %v", r, err)
	}
}

// What is in quarantine is bounded: the oldest goes.
// A read that fails once while damage is let go of takes nothing along that is sound.
func TestForgettingBesideAFailingRead(t *testing.T) {
	block, _ := filled(t)
	name := segmentIn(block)
	flip(t, block, name, len(mustRead(t, block, name))/3)
	forgetBeside(t, block, name)
	s, name, _ := damagedColumn(t)
	s.Damaged()
	forgetBeside(t, s.FS.(*vfs.Mem), name)
}

func forgetBeside(t *testing.T, original *vfs.Mem, name string) {
	t.Helper()
	points := 0
	for nth := int64(1); ; nth++ {
		disk := original.CrashClone(nil, vfs.CrashKill)
		faulty := vfs.NewFaulty(disk)
		s := testkit.OpenOn(t, faulty, testkit.Dir, func(o *stele.Options) { o.CacheBytes = 1; quick(o) })
		want, _ := testkit.Drain(s.Read(ctx, stele.ReadOptions{}))
		rule := &vfs.Rule{Kind: vfs.OpReadAt, Match: "segment-*", Nth: nth, Err: vfs.EIO}
		faulty.Add(rule)
		err := s.Forget(ctx, name)
		faulty.Clear()
		if err != nil {
			if !errors.Is(err, stele.IO) {
				t.Errorf("read %d: %v", nth, err)
			}
			err = s.Forget(ctx, name)
		}
		if err != nil {
			t.Errorf("read %d, again: %v", nth, err)
		}
		same(t, fmt.Sprintf("read %d", nth), want, s.All())
		s.Reopen()
		same(t, fmt.Sprintf("read %d, reopened", nth), want, s.All())
		if err := s.Store.Close(); err != nil {
			t.Fatal(err)
		}
		s.Abandon()
		if points++; faulty.Hits(rule) == 0 {
			break
		}
	}
	t.Logf("%d reads", points)
}

func TestQuarantineIsBounded(t *testing.T) {
	disk, name, want := withDamagedJournal(t)
	size := int64(len(mustRead(t, disk, name)))
	for i, old := range []string{"journal-0000000000000aaa.log", "journal-0000000000000aab.log"} {
		disk.WriteFile(testkit.Dir+"/quarantine/"+old, make([]byte, 100))
		disk.WriteFile(testkit.Dir+"/quarantine/"+old+".json", fmt.Appendf(nil, `{"File":%q,"Since":"2020-01-0%dT00:00:00Z","Places":[{"Offset":1,"What":"w","Error":"e"}]}`, old, i+1))
	}
	s := testkit.OpenOn(t, disk, testkit.Dir, func(o *stele.Options) { o.Hooks.QuarantineBytes = size + 150 })
	s.Damaged()
	if d := s.Stats().Damage; len(d) != 3 {
		t.Errorf("damage: %v", d)
	}
	if err := s.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	same(t, "the rest", want, s.All())
	if names := quarantineOf(disk); len(names) != 2 || !strings.Contains(names[1], "aab") {
		t.Errorf("in quarantine: %v", names)
	}
	if d := s.Stats().Damage; len(d) != 2 {
		t.Errorf("damage: %v", d)
	}
}

// A store opens, and can be repaired, though the disk does not give a block that a deletion is about of which nobody knows how much it hides: another
// block was damaged when it was made.
func TestAStoreOpensBesideABlockThatCannotBeRead(t *testing.T) {
	original := vfs.NewMem()
	s := testkit.OpenOn(t, original, testkit.Dir, func(o *stele.Options) { quick(o); o.Hooks.BlockRows, o.Hooks.NoCompact = 10, true })
	s.Damaged()
	s.AppendSeries(0, 80, 10)
	if err := s.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	flip(t, original, segmentIn(original), 60) // in the first block
	s.Reopen()
	filter, err := stele.ParseFilter("N = 3")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.DeleteMatching(ctx, stele.Range{}, filter); err != nil {
		t.Fatal(err)
	}
	for nth := int64(1); ; nth++ {
		disk := original.CrashClone(nil, vfs.CrashKill)
		faulty := vfs.NewFaulty(disk)
		rule := &vfs.Rule{Kind: vfs.OpReadAt, Match: "segment-*", Nth: nth, Err: vfs.EIO, Forever: true}
		faulty.Add(rule)
		o := s.Options
		o.FS = faulty
		again, err := stele.Open(testkit.Dir, &o)
		if err != nil {
			t.Fatalf("read %d: %v", nth, err)
		}
		hit := faulty.Hits(rule) > 0
		got, rerr := testkit.Drain(again.Read(ctx, stele.ReadOptions{}))
		if !containsAll(series(10, 80), got) || hit && (rerr == nil || len(again.Stats().Damage) == 0) {
			t.Errorf("read %d: %d events, %v", nth, len(got), rerr)
		}
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
		if r, err := stele.Repair(ctx, testkit.Dir, repaired, &o); err != nil || len(r.Damage) == 0 {
			t.Errorf("read %d: repair: %+v, %v", nth, r, err)
		}
		if !hit {
			break
		}
		faulty.Clear()
		if again, err = stele.Open(testkit.Dir, &o); err != nil {
			t.Fatal(err)
		}
		got, _ = testkit.Drain(again.Read(ctx, stele.ReadOptions{}))
		same(t, "well again", series(10, 80), got)
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
