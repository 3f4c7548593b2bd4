package stele_test

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
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
	name    string
	disk    *vfs.Mem
	options stele.Options
	h       *history
	sound   *content
	newest  map[string]bool // files that no other one vouches for
	tail    map[string]int  // of such a file: where the last frame begins, of which nothing says that it is durable
}

// damageCases are stores with files of every kind: of one that was closed, of one with few events that are kept as text, and of one whose process was
// killed, so that there is room in its journal and nothing says how far its files count.
func damageCases(t *testing.T) []*damageCase {
	return []*damageCase{newDamageCase(t, "closed", 1, false), newDamageCase(t, "told", 2, false), newDamageCase(t, "killed", 3, true)}
}

func newDamageCase(t *testing.T, name string, seed uint64, killed bool) *damageCase {
	t.Helper()
	disk := vfs.NewMem()
	w := newWorkload(seed, disk)
	w.options.Hooks.NoTelling = name != "told" || raceDetector
	if err := errors.Join(w.steps(12), w.release(), w.inOrder(), w.set(), w.reopen(),
		w.inOrder(), w.outOfOrder(), w.flush(), w.set(), w.inOrder(), w.delete(), w.flush(), w.inOrder(), w.set(), w.inOrder(),
		w.reopen(), w.inOrder(), w.outOfOrder(), w.inOrder(), w.set()); err != nil {
		t.Fatal(err)
	}
	c, err := contentOf(w.store)
	if err != nil {
		t.Fatal(err)
	}
	d := &damageCase{name: name, options: w.options, h: &w.h, sound: c, newest: map[string]bool{}, tail: map[string]int{}}
	if killed {
		d.disk = disk.CrashClone(nil, vfs.CrashKill)
	}
	if err := w.close(); err != nil {
		t.Fatal(err)
	}
	if !killed {
		d.disk = disk
	}
	last := map[string]string{}
	for _, name := range d.disk.Names() {
		if !strings.HasSuffix(name, ".tmp") { // of a compaction that was cut off, which counts for nothing
			last[fileKind(name)] = name
		}
	}
	for _, kind := range []string{"document", "journal", "manifest"} {
		if name := last[kind]; killed {
			d.newest[name] = true
			d.tail[name] = bytes.LastIndex(mustRead(t, d.disk, name), []byte("STLF"))
		}
	}
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
// it was given. seals: it is verified and sealed too, which takes some milliseconds.
func (d *damageCase) judge(disk *vfs.Mem, seals bool, damaged ...string) (v verdict, err error) {
	harmed := map[string][]byte{}
	for _, name := range damaged {
		if b, err := disk.ReadFile(name); err == nil {
			harmed[name] = b
		}
	}
	is := func(text string) bool {
		return slices.ContainsFunc(damaged, func(name string) bool { return strings.Contains(text, path.Base(name)) })
	}
	o := d.options
	o.FS = disk
	o.Hooks.NoTelling = true // what is told is read all the same
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
		v.named = v.named || is(found.File) || is(found.What)
		v.at = v.at || is(found.File) && found.Offset >= 0
	}
	if rerr != nil {
		v.named = v.named || is(rerr.Error())
		v.at = v.at || slices.ContainsFunc(damaged, func(name string) bool { return strings.Contains(rerr.Error(), path.Base(name)+" at byte ") })
	}
	if seals {
		if _, err := s.Verify(ctx); err != nil {
			return v, fmt.Errorf("verify: %w", err)
		}
	}

	// The store goes on, and the next opening shows the same. What is damaged is not thrown away by it.
	h := d.h.copy()
	if _, err := h.append(s, "", "", testkit.Epoch); err != nil {
		return v, fmt.Errorf("append: %w", err)
	}
	if err := s.Documents("").Set(ctx, "after", []byte(`1`)); err != nil {
		return v, fmt.Errorf("set: %w", err)
	}
	if seals {
		if err := errors.Join(s.Flush(ctx), s.Settle(ctx)); err != nil {
			return v, fmt.Errorf("seal: %w", err)
		}
	}
	if err := s.Close(); err != nil {
		return v, fmt.Errorf("close: %w", err)
	}
	for name, was := range harmed {
		kept := func(n string) bool {
			b, err := disk.ReadFile(n)
			return err == nil && bytes.Equal(b, was)
		}
		found := slices.ContainsFunc(v.what, func(d stele.Damage) bool { return path.Base(d.File) == path.Base(name) })
		if found && !kept(name) && !kept(path.Join(testkit.Dir, "quarantine", path.Base(name))) && kindOfLog(name) {
			return v, fmt.Errorf("%s is gone, with what is damaged in it: %v", name, disk.Names())
		}
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

// kindOfLog is whether a file's bytes are of worth.
func kindOfLog(name string) bool {
	kind := fileKind(name)
	return kind == "segment" || kind == "journal" || kind == "document"
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

// A harm is what is done to a file.
type harm struct {
	kind, name string
	at         int
	bit        byte
}

func (h harm) do(disk *vfs.Mem) {
	b, err := disk.ReadFile(h.name)
	if err != nil {
		return // of two harms
	}
	switch h.kind {
	case "flipped":
		if h.at < len(b) {
			b[h.at] ^= h.bit
			disk.WriteFile(h.name, b)
		}
	case "truncated":
		disk.WriteFile(h.name, b[:min(h.at, len(b))])
	case "removed":
		_ = disk.Remove(h.name)
		_ = disk.SyncDir(testkit.Dir)
	}
}

// accept says what one harm may do.
func (d *damageCase) accept(v verdict, h harm) error {
	kind := fileKind(h.name)
	maxLost, maxStale := 0, 0
	switch {
	case kind == "segment" && h.kind == "flipped":
		maxLost = d.options.Hooks.BlockRows * 3 / 2 // merging adds a few rows to a block that is large enough
	case kind == "journal" && h.kind == "flipped":
		maxLost = 12 // of the batches that share a frame
	case kind == "document" && h.kind == "flipped":
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
	case h.kind == "flipped" && v.named && !v.at && !(d.newest[h.name] && h.at >= d.tail[h.name]):
		return fmt.Errorf("no offset is named: %v", v.what)
	case v.named || v.lost+v.stale+v.again == 0:
		return nil
	case d.newest[h.name] && (h.kind != "flipped" || h.at >= d.tail[h.name]):
		return nil // what is missing at the end of the last file looks like a torn tail
	case h.kind == "truncated" && kind == "manifest" && v.lost == 0:
		return nil // and so do edits: a deletion at the end of the file
	}
	return fmt.Errorf("%d events are lost, %d documents, %d deleted events are back; %s is not named (anything reported: %v)", v.lost, v.stale, v.again, path.Base(h.name), v.any)
}

// A damagePoint is a store with one harm or two.
type damagePoint struct {
	d     *damageCase
	harms []harm
}

func (p damagePoint) String() string { return fmt.Sprintf("%s: %v", p.d.name, p.harms) }

// row is where the point stands in the table.
func (p damagePoint) row() string {
	if len(p.harms) > 1 {
		return "two flips"
	}
	return fileKind(p.harms[0].name) + " " + p.harms[0].kind
}

func (p damagePoint) run() (v verdict, err error) {
	disk := p.d.disk.CrashClone(nil, vfs.CrashKill)
	var names []string
	for _, h := range p.harms {
		h.do(disk)
		names = append(names, h.name)
	}
	if v, err = p.d.judge(disk, p.harms[0].at%5 == 0, names...); err != nil {
		return v, err
	}
	if len(p.harms) == 1 {
		return v, p.d.accept(v, p.harms[0])
	}
	// Two may hit both copies of what is there twice: then more is lost than by each alone, but never in silence.
	looksTorn := slices.ContainsFunc(p.harms, func(h harm) bool { return p.d.newest[h.name] })
	if v.lost+v.stale+v.again > 0 && !v.any && !looksTorn {
		return v, fmt.Errorf("%d events are lost, %d documents, %d deleted events are back, and nothing is reported", v.lost, v.stale, v.again)
	}
	return v, nil
}

// points sends every harm to each file, or those of every few bytes, and pairs of flips at random.
func (d *damageCase) points(seed uint64, flips, cuts, pairs int, to chan<- damagePoint) error {
	rng := rand.New(rand.NewPCG(seed, 7))
	var all []harm
	for _, name := range d.disk.Names() {
		b, err := d.disk.ReadFile(name)
		if err != nil {
			return err
		}
		to <- damagePoint{d, []harm{{"removed", name, 0, 0}}}
		for at := range b {
			h := harm{"flipped", name, at, 1 << (at * 5 % 8)}
			all = append(all, h)
			if at%flips == int(seed)%flips {
				to <- damagePoint{d, []harm{h}}
			}
			if at%cuts == 0 {
				to <- damagePoint{d, []harm{{"truncated", name, at, 0}}}
			}
		}
	}
	// Not in the reserve, which is most of the store.
	all = slices.DeleteFunc(all, func(h harm) bool { return fileKind(h.name) == "reserve" })
	for range pairs {
		to <- damagePoint{d, []harm{all[rng.IntN(len(all))], all[rng.IntN(len(all))]}}
	}
	return nil
}

// TestDamagePoints flips one bit in every file of a store, cuts each off, takes each away, and flips two bits anywhere. The store opens, gives
// nothing that was not written, serves what is sound, names the file that is not, with the place, and keeps what is damaged: unless nothing is lost
// by it, or it is the end of a file of which no other one says how far it counts (a newest one of a process that was killed), or the manifest without a deletion at its end, which look like a torn tail.
//
// STELE_LONG=1 takes every byte and every length.
func TestDamagePoints(t *testing.T) {
	start := time.Now()
	points := make(chan damagePoint)
	var all sync.WaitGroup
	var mu sync.Mutex
	table := map[string]*[4]int{}
	for range min(runtime.GOMAXPROCS(0), 8) {
		all.Go(func() {
			for p := range points {
				if t.Failed() {
					continue
				}
				v, err := p.run()
				if err != nil {
					t.Errorf("%s: %v", p, err)
				}
				mu.Lock()
				row := table[p.row()]
				if row == nil {
					row = &[4]int{}
					table[p.row()] = row
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
	flips, cuts, pairs := 23, 97, 40
	if raceDetector {
		flips, cuts, pairs = 5*flips, 5*cuts, pairs/5
	}
	if long() {
		flips, cuts, pairs = 1, 1, 10_000
	}
	for i, d := range damageCases(t) {
		if err := d.points(uint64(i+1), flips, cuts, pairs, points); err != nil {
			t.Error(err)
		}
	}
	close(points)
	all.Wait()
	total := 0
	t.Logf("%-20s %7s %15s %14s %15s", "", "points", "lost and named", "named, no loss", "looks like torn")
	for _, name := range slices.SortedFunc(maps.Keys(table), cmp.Compare[string]) {
		t.Logf("%-20s %7d %15d %14d %15d", name, table[name][0], table[name][1], table[name][2], table[name][3])
		total += table[name][0]
	}
	t.Logf("%d points in %.1fs", total, time.Since(start).Seconds())
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

// And if they were merging, what was merged is not missed.
func TestACatalogThatIsCutOffMissesNothingThatWasMerged(t *testing.T) {
	s := testkit.OpenMem(t, func(o *stele.Options) { o.Hooks.CompactFan, o.Hooks.NoCompact = 2, true })
	disk := s.FS.(*vfs.Mem)
	for i := range 4 {
		s.AppendSeries(10*i, 10*i+10, 5)
		if err := s.Flush(ctx); err != nil {
			t.Fatal(err)
		}
	}
	manifest := named(disk, "manifest-")
	before := len(mustRead(t, disk, manifest))
	if err := s.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	if n := s.Stats().Compactions; n != 1 {
		t.Fatalf("%d mergings", n)
	}
	if err := s.Store.Close(); err != nil {
		t.Fatal(err)
	}
	disk.WriteFile(manifest, mustRead(t, disk, manifest)[:before])
	again := reopen(t, disk)
	same(t, "what was merged", series(0, 40), again.All())
	if d := again.Stats().Damage; len(d) != 1 || !strings.Contains(d[0].File, path.Base(manifest)) {
		t.Errorf("damage: %v", d)
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
