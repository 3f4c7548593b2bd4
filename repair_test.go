package stele_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/testkit"
	"github.com/stelehq/stele/internal/vfs"
)

const repaired = "repaired"

// repairOf repairs what is on a disk, and sees that the store itself stays as it is.
func repairOf(disk *vfs.Mem, fs vfs.FS) (*stele.Repaired, error) {
	before := filesIn(disk, testkit.Dir)
	r, err := stele.Repair(ctx, testkit.Dir, repaired, &stele.Options{FS: fs, Hooks: quickHooks()})
	if after := filesIn(disk, testkit.Dir); !slices.EqualFunc(before, after, func(a, b contentOfFile) bool { return a.name == b.name && bytes.Equal(a.bytes, b.bytes) }) {
		return r, fmt.Errorf("the damaged store has changed (%v)", err)
	}
	return r, err
}

type contentOfFile struct {
	name  string
	bytes []byte
}

// filesIn returns the files below a directory, but for LOCK.
func filesIn(disk *vfs.Mem, dir string) (all []contentOfFile) {
	for _, name := range disk.Names() {
		if b, err := disk.ReadFile(name); err == nil && strings.HasPrefix(name, dir+"/") && path.Base(name) != "LOCK" {
			all = append(all, contentOfFile{name, b})
		}
	}
	return all
}

// openRepaired opens the repaired store, and sees that it is sound.
func openRepaired(disk *vfs.Mem) (*stele.Store, error) {
	s, err := stele.Open(repaired, &stele.Options{FS: disk, Hooks: quickHooks()})
	if err != nil {
		return nil, err
	}
	v, err := s.Verify(ctx)
	if err == nil && len(v.Damage) > 0 {
		err = fmt.Errorf("the repaired store is damaged: %v", v.Damage)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Whatever is damaged: what a reader of the store gets, a reader of the repaired one gets, under the same keys, and no damage is in it.
func TestRepair(t *testing.T) {
	points := 0
	for i, d := range damageCases(t) {
		rng := rand.New(rand.NewPCG(uint64(i), 3))
		var harms [][]harm
		for _, name := range d.disk.Names() {
			size := len(mustRead(t, d.disk, name))
			harms = append(harms, []harm{{"removed", name, 0, 0}})
			if !kindOfLog(name) && fileKind(name) != "manifest" {
				continue
			}
			if size == 0 { // a log that was just begun: there is no byte of it to harm
				continue
			}
			n := 2
			if long() {
				n = 200
			}
			for range n {
				harms = append(harms, []harm{{"flipped", name, rng.IntN(size), 1 << rng.IntN(8)}}, []harm{{"truncated", name, rng.IntN(size), 0}})
			}
		}
		harms = append(harms, nil)
		for _, h := range harms {
			points++
			if err := repairPoint(d, h); err != nil {
				t.Fatalf("%s: %v: %v", d.name, h, err)
			}
		}
	}
	t.Logf("%d points", points)
}

func repairPoint(d *damageCase, harms []harm) error {
	disk := d.disk.CrashClone(nil, vfs.CrashKill)
	for _, h := range harms {
		h.do(disk)
	}
	o := d.options
	o.FS, o.ReadOnly = disk, true
	s, err := stele.Open(testkit.Dir, &o)
	if err != nil {
		return err
	}
	want, rerr := contentOf(s)
	id, last := s.Stats().StoreID, s.Stats().LastArrival
	if err := s.Close(); err != nil {
		return err
	}
	r, err := repairOf(disk, disk)
	if err != nil {
		return err
	}
	if rerr != nil && len(r.Damage) == 0 {
		return fmt.Errorf("a reader says %w, and nothing is reported lost", rerr)
	}
	if s, err = openRepaired(disk); err != nil {
		return err
	}
	defer s.Close()
	got, err := contentOf(s)
	if err == nil {
		err = sameContent(got, want)
	}
	if err != nil {
		return err
	}
	st := s.Stats()
	if st.Events != int64(len(got.lines)) || r.Events != st.Events || r.Documents != st.Documents || r.StoreID != st.StoreID || st.StoreID == id {
		return fmt.Errorf("repaired %+v, statistics %+v; %d events", r, st, len(got.lines))
	}
	added, err := d.h.copy().append(s, "", "", testkit.Epoch)
	if err == nil && (added.keys[0].Arrival() <= last || event.ArrivalOf(r.Epoch, 0) <= last) {
		err = fmt.Errorf("the arrival number %d is not above %d", added.keys[0].Arrival(), last)
	}
	if err == nil {
		err = errors.Join(s.Flush(ctx), s.Settle(ctx), s.Documents("").Set(ctx, "after", []byte("1")))
	}
	return err
}

// The power is cut at each call: the new directory is no store then, or all of one; and a repair into it begins anew.
func TestRepairCrashPoints(t *testing.T) {
	d := newDamageCase(t, "killed", 3, true)
	harm{"flipped", segmentIn(d.disk), 100, 1}.do(d.disk)
	r, err := repairOf(d.disk.CrashClone(nil, vfs.CrashKill), d.disk.CrashClone(nil, vfs.CrashKill))
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	// cuts repairs what is on a disk, and returns what power cuts leave of it meanwhile: one in every of them.
	cuts := func(disk *vfs.Mem, every int) (clones []*vfs.Mem) {
		n := 0
		disk.OnOp(func(op vfs.Op) {
			if op.Kind == vfs.OpReadAt || op.Kind == vfs.OpSize || !strings.HasPrefix(op.Name, repaired) {
				return
			}
			for _, mode := range vfs.CrashModes() {
				if n++; n%every == 0 {
					clones = append(clones, disk.CrashClone(rng, mode))
				}
			}
		})
		again, err := repairOf(disk, disk)
		disk.OnOp(nil)
		if err != nil || again.Events != r.Events {
			t.Fatalf("%v, %v", again, err)
		}
		return clones
	}
	// judge reports whether a disk has all of the store; if not it has none.
	judge := func(i int, c *vfs.Mem) (whole bool) {
		t.Helper()
		s, err := openHalf(c)
		switch stele.KindOf(err) {
		case 0:
			if s.Stats().Events != r.Events {
				t.Fatalf("point %d: %d events of %d", i, s.Stats().Events, r.Events)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			return true
		case stele.Invalid, stele.NotFound:
		default:
			t.Fatalf("point %d: %v", i, err)
		}
		return false
	}
	disk := d.disk.CrashClone(nil, vfs.CrashKill)
	first, then := 5, 3
	if long() {
		first, then = 1, 1
	}
	clones := cuts(disk, first)
	whole, halves := 0, 0
	for i, c := range append(clones, disk) {
		if judge(i, c) {
			whole++
			continue
		}
		// Beginning anew is cut off too.
		every := 1 << 30
		if halves++; halves%20 == 0 {
			every = then
		}
		for _, again := range cuts(c, every) {
			judge(i, again)
		}
		s, err := openRepaired(c)
		if err != nil {
			t.Fatalf("point %d, repaired again: %v", i, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d crash points, at %d the store was whole", len(clones), whole)
	if whole == 0 || whole > len(clones) {
		t.Error("never, or always")
	}
}

// openHalf opens what may be a half of a store, for reading alone.
func openHalf(disk *vfs.Mem) (*stele.Store, error) {
	return stele.Open(repaired, &stele.Options{FS: disk, ReadOnly: true, Hooks: quickHooks()})
}

func segmentIn(disk *vfs.Mem) string { return named(disk, "segment-") }

// A call fails: the repair says so, or reports what it could not read; the store stays as it is, and the next repair is whole.
func TestRepairFaultPoints(t *testing.T) {
	d := newDamageCase(t, "closed", 1, false)
	whole := d.disk.CrashClone(nil, vfs.CrashKill)
	var clean *stele.Repaired
	calls := callsOf(whole, func() {
		var err error
		if clean, err = repairOf(whole, whole); err != nil {
			t.Fatal(err)
		}
	})
	refused := 0
	points := eachFault(1, calls, 30, func(sick disease, rule *vfs.Rule, where string) {
		disk := d.disk.CrashClone(nil, vfs.CrashKill)
		faulty := vfs.NewFaulty(disk)
		faulty.Add(rule)
		r, err := repairOf(disk, faulty)
		faulty.Clear()
		switch {
		case err == nil && r.Events < clean.Events && len(r.Damage) == 0:
			t.Fatalf("%s: %d events of %d, and nothing is reported lost", where, r.Events, clean.Events)
		case err == nil:
		case stele.KindOf(err) == sick.kind:
			refused++
		default:
			t.Fatalf("%s: %v", where, err)
		}
		s, oerr := openHalf(disk)
		if oerr == nil {
			got, err := contentOf(s)
			if err != nil || int64(len(got.lines)) < clean.Events && (r == nil || len(r.Damage) == 0) {
				t.Fatalf("%s: %d events of %d, %v", where, len(got.lines), clean.Events, err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		} else if kind := stele.KindOf(oerr); kind != stele.Invalid && kind != stele.NotFound || err == nil {
			t.Fatalf("%s: %v, then %v", where, err, oerr)
		} else if r, err := repairOf(disk, disk); err != nil || r.Events != clean.Events {
			t.Fatalf("%s, then: %v, %v", where, r, err)
		}
	})
	t.Logf("%d fault points, %d refused", points, refused)
}

// A manifest that the disk does not give keeps a store from opening, and what it says is not worth that much: the rest is repaired without it.
func TestRepairWithoutAManifestThatCannotBeRead(t *testing.T) {
	disk, _ := filled(t)
	faulty := vfs.NewFaulty(disk)
	faulty.Add(&vfs.Rule{Kind: vfs.OpReadAt, Match: "manifest-*", Err: vfs.EIO, Forever: true})
	if _, err := stele.Open(testkit.Dir, &stele.Options{FS: faulty, ReadOnly: true, Hooks: testkit.Hooks()}); !errors.Is(err, stele.IO) {
		t.Fatalf("open: %v", err)
	}
	r, err := stele.Repair(ctx, testkit.Dir, repaired, &stele.Options{FS: faulty, Hooks: testkit.Hooks()})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(r.Damage, func(d stele.Damage) bool { return strings.Contains(d.What, "catalog") }) {
		t.Errorf("damage: %v", r.Damage)
	}
	faulty.Clear()
	s, err := openRepaired(disk)
	if err != nil {
		t.Fatal(err)
	}
	got, err := testkit.Drain(s.Read(ctx, stele.ReadOptions{}))
	if err != nil {
		t.Fatal(err)
	}
	same(t, "repaired", series(0, 80), got) // with what was deleted
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
