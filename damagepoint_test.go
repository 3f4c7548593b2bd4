package stele_test

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/testkit"
	"github.com/stelehq/stele/internal/vfs"
)

// A damageCase is a sound store and what it is known to hold.
type damageCase struct {
	disk    *vfs.Mem
	options stele.Options
	h       *history
	sound   *content
	newest  map[string]bool // the document file that no later one vouches for
}

func newDamageCase(t *testing.T, seed uint64) *damageCase {
	t.Helper()
	disk := vfs.NewMem()
	w := newWorkload(seed, disk)
	if err := errors.Join(w.steps(12), w.release(), w.inOrder(), w.set(), w.reopen(),
		w.inOrder(), w.outOfOrder(), w.flush(), w.set(), w.inOrder(), w.delete(), w.flush(), w.inOrder(), w.set(), w.inOrder(),
		w.reopen(), w.inOrder(), w.outOfOrder(), w.inOrder(), w.set()); err != nil {
		t.Fatal(err)
	}
	c, err := contentOf(w.store)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.close(); err != nil {
		t.Fatal(err)
	}
	d := &damageCase{disk: disk, options: w.options, h: &w.h, sound: c, newest: map[string]bool{}}
	last := ""
	for _, name := range disk.Names() {
		if fileKind(name) == "document" {
			last = name
		}
	}
	d.newest[last] = true
	return d
}

func fileKind(name string) string {
	kind, _, _ := strings.Cut(path.Base(name), "-")
	return kind
}

// A verdict says what damage did.
type verdict struct {
	lost  int  // events
	stale int  // documents that are gone or have an older value
	again int  // deleted events that are back
	named bool // the file stands in Stats().Damage, or in the error of a reader
	at    bool // and an offset with it
	what  []stele.Damage
	any   bool // anything is reported
}

// judge opens a damaged store: whatever was done to it, it opens, and each event and each document that it gives is one that
// it was given.
func (d *damageCase) judge(disk *vfs.Mem, damaged string) (v verdict, err error) {
	o := d.options
	o.FS = disk
	s, err := stele.Open(testkit.Dir, &o)
	if err != nil {
		return v, fmt.Errorf("open: %w", err)
	}
	defer s.Close()
	c, rerr := contentOf(s)
	if err := d.compare(c, &v); err != nil {
		return v, err
	}
	v.any, v.what = rerr != nil, s.Stats().Damage
	for _, found := range s.Stats().Damage {
		v.any = true
		is := path.Base(found.File) == path.Base(damaged)
		v.named = v.named || is || strings.Contains(found.What, path.Base(damaged))
		v.at = v.at || is && found.Offset >= 0
	}
	v.named = v.named || rerr != nil && strings.Contains(rerr.Error(), path.Base(damaged))
	v.at = v.at || rerr != nil && strings.Contains(rerr.Error(), path.Base(damaged)+" at byte ")

	// The store goes on, and the next opening shows the same.
	h := d.h.copy()
	if _, err := h.append(s, "", "", testkit.Epoch); err != nil {
		return v, fmt.Errorf("append: %w", err)
	}
	if err := s.Documents("").Set(ctx, "after", []byte(`1`)); err != nil {
		return v, fmt.Errorf("set: %w", err)
	}
	if err := s.Close(); err != nil {
		return v, fmt.Errorf("close: %w", err)
	}
	if s, err = stele.Open(testkit.Dir, &o); err != nil {
		return v, fmt.Errorf("open again: %w", err)
	}
	defer s.Close()
	again, _ := contentOf(s)
	if added := h.steps[len(h.steps)-1].lines[0]; !slices.Contains(again.lines, added) {
		return v, fmt.Errorf("an event that was appended after the damage is lost")
	} else if i := slices.Index(again.lines, added); !slices.Equal(slices.Delete(slices.Clone(again.lines), i, i+1), c.lines) {
		return v, fmt.Errorf("opened again, %d events are read; there were %d", len(again.lines)-1, len(c.lines))
	}
	if again.documents["after"] != "1" {
		return v, fmt.Errorf("a document that was set after the damage is lost")
	}
	delete(again.documents, "after")
	if !maps.Equal(again.documents, c.documents) {
		return v, fmt.Errorf("opened again, the documents are %v; they were %v", again.documents, c.documents)
	}
	return v, nil
}

func (d *damageCase) compare(c *content, v *verdict) error {
	at := map[stele.Key]string{}
	for b, s := range d.h.steps {
		for r, k := range s.keys {
			at[k] = d.h.steps[b].lines[r]
		}
	}
	for i, l := range c.lines {
		if i > 0 && c.keys[i-1].Compare(c.keys[i]) >= 0 {
			return fmt.Errorf("event %s follows %s", c.keys[i], c.keys[i-1])
		}
		if at[c.keys[i]] != l {
			return fmt.Errorf("event %s is %s; %s was written", c.keys[i], l, at[c.keys[i]])
		}
		if _, found := slices.BinarySearchFunc(d.sound.keys, c.keys[i], stele.Key.Compare); !found {
			v.again++
		}
	}
	for _, k := range d.sound.keys {
		if _, found := slices.BinarySearchFunc(c.keys, k, stele.Key.Compare); !found {
			v.lost++
		}
	}
	for key, value := range c.documents {
		if !slices.ContainsFunc(d.h.steps, func(s *step) bool { return s.kind == stepSet && s.key == key && s.value == value }) {
			return fmt.Errorf("document %s is %q, which was never written", key, value)
		}
		if d.sound.documents[key] != value {
			v.stale++
		}
	}
	for key := range d.sound.documents {
		if _, found := c.documents[key]; !found {
			v.stale++
		}
	}
	return nil
}

// accept says what damage of that kind may do.
func (d *damageCase) accept(v verdict, harm, name string) error {
	kind := fileKind(name)
	maxLost, maxStale := 0, 0
	switch {
	case kind == "segment" && harm == "flipped":
		maxLost = d.options.Hooks.BlockRows * 3 / 2 // merging adds a few rows to a block that is large enough
	case kind == "journal" && harm == "flipped":
		maxLost = 12 // of the batches that share a frame
	case kind == "document" && harm == "flipped":
		maxStale = 1
	case kind == "segment", kind == "journal":
		maxLost = len(d.sound.keys)
	case kind == "document":
		maxStale = 5
	}
	switch {
	case v.lost > maxLost || v.stale > maxStale:
		return fmt.Errorf("%d events are lost, and %d documents", v.lost, v.stale)
	case v.again > 0 && kind != "manifest":
		return fmt.Errorf("%d deleted events are back", v.again)
	case harm == "flipped" && v.named && !v.at:
		return fmt.Errorf("no offset is named: %v", v.what)
	case v.named || v.lost+v.stale+v.again == 0:
		return nil
	case harm != "flipped" && d.newest[name]:
		return nil // what is missing at the end of the last file looks like a torn tail
	case harm == "truncated" && kind == "manifest" && v.lost == 0:
		return nil // and so do edits: a deletion at the end of the file
	}
	return fmt.Errorf("%d events are lost, %d documents, %d deleted events are back; %s is not named (anything reported: %v)", v.lost, v.stale, v.again, path.Base(name), v.any)
}

// TestDamagePoints flips one bit in every file of a store, cuts each off and takes each away. The store opens, gives
// nothing that was not written, serves what is sound, and names the file that is not: unless nothing is lost
// by it, or it is the newest document file without its end, or the manifest without a deletion at its end, which
// look like a torn tail.
//
// STELE_LONG=1 takes every byte.
func TestDamagePoints(t *testing.T) {
	start := time.Now()
	type point struct {
		d          *damageCase
		harm, name string
		at         int
	}
	points := make(chan point)
	var all sync.WaitGroup
	var mu sync.Mutex
	table := map[string]*[4]int{}
	for range min(runtime.GOMAXPROCS(0), 8) {
		all.Go(func() {
			for p := range points {
				if t.Failed() {
					continue
				}
				disk := p.d.disk.CrashClone(nil, vfs.CrashKill)
				b := mustRead(t, disk, p.name)
				switch p.harm {
				case "flipped":
					b[p.at] ^= 1 << (p.at * 5 % 8)
					disk.WriteFile(p.name, b)
				case "truncated":
					disk.WriteFile(p.name, b[:p.at])
				case "removed":
					_ = disk.Remove(p.name)
					_ = disk.SyncDir(testkit.Dir)
				}
				v, err := p.d.judge(disk, p.name)
				if err == nil {
					err = p.d.accept(v, p.harm, p.name)
				}
				if err != nil {
					t.Errorf("%s %s at %d: %v", p.name, p.harm, p.at, err)
				}
				mu.Lock()
				row := table[fileKind(p.name)+" "+p.harm]
				if row == nil {
					row = &[4]int{}
					table[fileKind(p.name)+" "+p.harm] = row
				}
				row[0]++
				lost := v.lost+v.stale+v.again > 0
				switch {
				case lost && v.named:
					row[1]++
				case v.any && !lost:
					row[2]++
				case lost:
					row[3]++
				}
				mu.Unlock()
			}
		})
	}
	flips, cuts := 13, 61
	if long() {
		flips, cuts = 1, 1
	}
	for _, seed := range seeds(2) {
		d := newDamageCase(t, seed)
		for _, name := range d.disk.Names() {
			size := len(mustRead(t, d.disk, name))
			points <- point{d, "removed", name, 0}
			for at := int(seed) % min(flips, max(size, 1)); at < size; at += flips {
				points <- point{d, "flipped", name, at}
			}
			for at := 0; at < size; at += cuts {
				points <- point{d, "truncated", name, at}
			}
		}
	}
	close(points)
	all.Wait()
	t.Logf("in %.1fs", time.Since(start).Seconds())
	t.Logf("%-20s %7s %15s %14s %15s", "", "points", "lost and named", "named, no loss", "looks like torn")
	for _, name := range slices.SortedFunc(maps.Keys(table), cmp.Compare[string]) {
		t.Logf("%-20s %7d %15d %14d %15d", name, table[name][0], table[name][1], table[name][2], table[name][3])
	}
}

// A catalog that lost its last edits looks like one with a torn tail. The segment that they named is not litter: the journal
// that it replaced is gone.
func TestACatalogThatIsCutOffLosesNoSegment(t *testing.T) {
	s := testkit.OpenMem(t, nil)
	disk := s.FS.(*vfs.Mem)
	manifest := named(disk, "manifest-")
	before := len(mustRead(t, disk, manifest))
	s.AppendSeries(0, 10, 5)
	if err := s.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	if err := s.Store.Close(); err != nil {
		t.Fatal(err)
	}
	disk.WriteFile(manifest, mustRead(t, disk, manifest)[:before])
	again := reopen(t, disk)
	same(t, "the segment's events", series(0, 10), again.All())
	if !damageIn(again, path.Base(manifest)) {
		t.Errorf("damage: %v", again.Stats().Damage)
	}
	again.Reopen()
	same(t, "opened again", series(0, 10), again.All())
	if d := live(again); len(d) > 0 {
		t.Errorf("repaired, and still reported: %v", d)
	}
}

// A segment that came from another store, under the right name, is damage and not data.
func TestASegmentOfAnotherStoreIsNotRead(t *testing.T) {
	fill := func(from int) *vfs.Mem {
		s := testkit.OpenMem(t, nil)
		s.AppendSeries(from, from+10, 5)
		if err := s.Flush(ctx); err != nil {
			t.Fatal(err)
		}
		if err := s.Store.Close(); err != nil {
			t.Fatal(err)
		}
		return s.FS.(*vfs.Mem)
	}
	disk, other := fill(0), fill(100)
	name := named(disk, "segment-")
	disk.WriteFile(name, mustRead(t, other, named(other, "segment-")))
	s := reopen(t, disk)
	got, err := testkit.Drain(s.Read(ctx, stele.ReadOptions{}))
	if len(got) > 0 || stele.KindOf(err) != stele.Corrupt {
		t.Errorf("read %v: %v", got, err)
	}
	if got, err = testkit.DrainText(s.ReadText(ctx, stele.ReadOptions{})); len(got) > 0 || stele.KindOf(err) != stele.Corrupt {
		t.Errorf("read as text %v: %v", got, err)
	}
	if !damageIn(s, path.Base(name)) {
		t.Errorf("damage: %v", s.Stats().Damage)
	}
}
