package stele_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/testkit"
	"github.com/stelehq/stele/internal/vfs"
)

// What went wrong in public in a comparable store (datalust/seq-tickets), by the number of its ticket. Those of retention are in retention_test.go, that of
// memory budgets, TestPitfall749…, is in e2e, and that of accounting, TestPitfall2578…, in internal/engine.

// tear calls judge with clones of a disk in which a file's bytes from each place on, from first to its end, are missing, zeros, or garbage.
func tear(t *testing.T, disk *vfs.Mem, name string, first, every int, judge func(disk *vfs.Mem, at int)) (points int) {
	t.Helper()
	rng := rand.New(rand.NewPCG(uint64(first), 884))
	b := mustRead(t, disk, name)
	for at := first; at <= len(b); at += every {
		zeros, garbage := slices.Clone(b), slices.Clone(b)
		clear(zeros[at:])
		for i := at; i < len(b); i++ {
			garbage[i] = byte(rng.Uint32())
		}
		for _, torn := range [][]byte{b[:at], zeros, garbage} {
			c := disk.CrashClone(nil, vfs.CrashKill)
			c.WriteFile(name, torn)
			judge(c, at)
			points++
		}
	}
	return points
}

// A metadata file truncated by an unclean shutdown kept the store from starting. Here a write to any of them (the manifest, CURRENT on its way, documents, the note of a
// damaged file) is torn at each byte, and CURRENT itself: the store opens and has everything that was acknowledged before.
func TestPitfall884TornMetadata(t *testing.T) {
	every := 23
	if long() {
		every = 1
	}
	disk := vfs.NewMem()
	o := stele.Options{FS: disk, Hooks: quickHooks()}
	var events []string // acknowledged
	document := ""
	counts := map[string]int{}
	judge := func(name string) func(c *vfs.Mem, at int) {
		return func(c *vfs.Mem, at int) {
			o := o
			o.FS = c
			s, err := stele.Open(testkit.Dir, &o)
			if err != nil {
				t.Fatalf("%s torn at %d: %v", name, at, err)
			}
			defer s.Close()
			got, err := testkit.Drain(s.Read(ctx, stele.ReadOptions{}))
			if err != nil || !containsAll(got, events) {
				t.Fatalf("%s torn at %d: %d events of %d: %v", name, at, len(got), len(events), err)
			}
			if v, err := s.Documents("").Get(ctx, "k"); document != "" && (err != nil || string(v) < document) {
				t.Fatalf("%s torn at %d: the document is %q, was %q: %v", name, at, v, document, err)
			}
		}
	}
	synced := map[string]int{}
	disk.OnOp(func(op vfs.Op) {
		kind := fileKind(op.Name)
		if op.Kind != vfs.OpSync || kind == "segment" || kind == "journal" || kind == "reserve" {
			return
		}
		if !op.Before {
			synced[op.Name] = len(mustRead(t, disk, op.Name))
			return
		}
		counts[strings.TrimRight(path.Base(kind), "0123456789abcdef-")] += tear(t, disk, op.Name, synced[op.Name], every, judge(op.Name))
	})
	s, err := stele.Open(testkit.Dir, &o)
	for round := 0; err == nil && round < 2; round++ {
		for i := range 3 {
			b := s.NewBatch()
			n := 10*round + i
			if err = errors.Join(err, b.AddCLEF([]byte(testkit.Line(n)))); err == nil {
				_, err = s.Append(ctx, b)
				events = append(events, testkit.Line(n))
			}
			value := fmt.Sprint(10 + n)
			if err == nil {
				err = s.Documents("").Set(ctx, "k", []byte(value))
				document = value
			}
		}
		err = errors.Join(err, s.Flush(ctx), s.Close())
		if err == nil {
			s, err = stele.Open(testkit.Dir, &o)
		}
	}
	disk.OnOp(nil)
	if err = errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	current := testkit.Dir + "/CURRENT"
	counts["CURRENT, in place"] = tear(t, disk, current, 0, 1, func(c *vfs.Mem, at int) {
		judge(current)(c, at)
		o := o
		o.FS = c
		if r, err := stele.VerifyDir(ctx, testkit.Dir, &o); err != nil || len(r.Damage) > 0 && slices.ContainsFunc(r.Damage, func(d stele.Damage) bool { return !d.Kept && d.File != current }) {
			t.Fatalf("CURRENT torn at %d, opened, verified: %v, %v", at, r, err)
		}
	})
	t.Logf("torn writes: %v", counts)
}

func containsAll(got, want []string) bool {
	for _, w := range want {
		if !slices.Contains(got, w) {
			return false
		}
	}
	return true
}

// "Ingest buffer shorter than frame", "payload exceeds file length" after a power cut. Here the journal's end is cut off, zeroed and garbled at each byte of
// its last frames: the store opens to the last whole frame.
func TestPitfall716And724TornJournal(t *testing.T) {
	s := testkit.OpenMem(t, func(o *stele.Options) { o.Hooks.NoTidy = true })
	disk := s.FS.(*vfs.Mem)
	var ends []int // of the frames, with room behind them
	for i := range 6 {
		s.Append(testkit.Line(i))
		b := mustRead(t, disk, named(disk, "journal-"))
		ends = append(ends, len(bytes.TrimRight(b, "\x00")))
	}
	killed := disk.CrashClone(nil, vfs.CrashKill)
	name := named(killed, "journal-")
	every := 5
	if long() {
		every = 1
	}
	points := tear(t, killed, name, ends[2]+4, every, func(c *vfs.Mem, at int) {
		again, err := stele.Open(testkit.Dir, &stele.Options{FS: c, Hooks: quickHooks()})
		if err != nil {
			t.Fatalf("torn at %d: %v", at, err)
		}
		defer again.Close()
		got, err := testkit.Drain(again.Read(ctx, stele.ReadOptions{}))
		whole := 0
		for whole < len(ends) && ends[whole] <= at {
			whole++
		}
		// A checksum may end with zeros, which zeros in their place do not harm.
		if err != nil || len(got) < whole || len(got) > whole+1 || !slices.Equal(got, series(0, len(got))) {
			t.Fatalf("torn at %d: %d events of %d: %v", at, len(got), whole, err)
		}
		b := again.NewBatch()
		if err := b.AddCLEF([]byte(testkit.Line(50))); err != nil {
			t.Fatal(err)
		}
		if _, err := again.Append(ctx, b); err != nil {
			t.Fatalf("torn at %d, then: %v", at, err)
		}
	})
	t.Logf("%d torn journals", points)
}

// EBUSY when a checkpoint was deleted, for a virus scanner had it open. Here no file can be removed, and renaming fails for a while: nothing that was asked for
// is lost, and what could not be removed goes later.
func TestPitfall920FilesThatAreBusy(t *testing.T) {
	disk := vfs.NewMem()
	faulty := vfs.NewFaulty(disk)
	s := testkit.OpenOn(t, faulty, testkit.Dir, func(o *stele.Options) { o.Hooks.CompactFan = 2; o.Hooks.CompactBytes = 500; quick(o) })
	faulty.Add(&vfs.Rule{Kind: vfs.OpRemove, Err: syscall.EBUSY, Forever: true})
	for i := range 4 {
		s.AppendSeries(10*i, 10*i+10, 5)
		if err := errors.Join(s.Flush(ctx), s.Settle(ctx)); err != nil {
			t.Fatalf("sealing, when no file can be removed: %v", err)
		}
		for range 5 {
			if err := s.Documents("").Set(ctx, "k", []byte(`"`+strings.Repeat("x", 100)+`"`)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n, err := s.Delete(ctx, stele.Range{To: stele.BeforeTime(timeOf(10))}); err != nil || n != 10 {
		t.Fatalf("delete: %d, %v", n, err)
	}
	same(t, "busy", series(10, 40), s.All())
	litter := len(disk.Names())
	s.Reopen()
	same(t, "busy, reopened", series(10, 40), s.All())
	faulty.Clear()
	s.AppendSeries(40, 50, 5)
	if err := errors.Join(s.Flush(ctx), s.Settle(ctx)); err != nil {
		t.Fatal(err)
	}
	s.Reopen()
	if left := len(disk.Names()); left >= litter || left > 10 {
		t.Errorf("%d files were left, and are: %v", litter, disk.Names())
	}
	same(t, "afterwards", series(10, 50), s.All())

	// Renames.
	faulty.Add(&vfs.Rule{Kind: vfs.OpRename, Err: syscall.EBUSY, Forever: true})
	s.AppendSeries(50, 60, 5) // the journal needs none
	for range 10 {
		if err := s.Documents("").Set(ctx, "k", []byte(`"`+strings.Repeat("y", 100)+`"`)); err != nil {
			t.Fatal(err)
		}
	}
	_ = s.Flush(ctx)
	same(t, "without renames", series(10, 60), s.All())
	faulty.Clear()
	if err := s.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	s.Reopen()
	same(t, "renames work again", series(10, 60), s.All())
	if v, err := s.Documents("").Get(ctx, "k"); err != nil || !strings.Contains(string(v), "yyy") {
		t.Errorf("%s, %v", v, err)
	}
}

// "snappy: corrupt input" kept the store from starting. Here a bit flips in each block of a segment and of the journal: the store opens, names the checksum, serves
// the other blocks, takes events in, and keeps the block for whoever wants to look.
func TestPitfall2039DamagedBlocks(t *testing.T) {
	original, want := filled(t)
	points := 0
	for _, name := range original.Names() {
		if kind := fileKind(name); kind != "segment" && kind != "journal" {
			continue
		}
		content := mustRead(t, original, name)
		magic := []byte("STLB")
		if fileKind(name) == "journal" {
			magic = []byte("STLF")
		}
		for at := bytes.Index(content, magic); at >= 0; {
			next := bytes.Index(content[at+1:], magic)
			if next < 0 {
				break // the last one is the index, or a closing mark
			}
			end := at + 1 + next
			disk := original.CrashClone(nil, vfs.CrashKill)
			flip(t, disk, name, end-9)
			s := reopen(t, disk)
			got, err := testkit.Drain(s.Read(ctx, stele.ReadOptions{}))
			if len(got) < len(want)-20 || !containsAll(want, got) {
				t.Errorf("%s at %d: %d events of %d", name, end-9, len(got), len(want))
			}
			damage := s.Stats().Damage
			if len(got) < len(want) && (len(damage) == 0 || !strings.Contains(damage[0].Err.Error(), "checksum") || !strings.Contains(damage[0].Err.Error(), "expected")) {
				t.Errorf("%s at %d: %v, %v", name, end-9, err, damage)
			}
			s.AppendSeries(100, 105, 5)
			if err := s.Flush(ctx); err != nil {
				t.Errorf("%s at %d: %v", name, end-9, err)
			}
			if len(got) < len(want) && !damageIn(s, path.Base(name)) {
				t.Errorf("%s at %d, sealed: %v", name, end-9, s.Stats().Damage)
			}
			points++
			at = end
		}
	}
	t.Logf("%d blocks and frames", points)
}

// A share that gives less than was asked for (SMB): a file system whose reads end early every now and then.
type shortReads struct {
	vfs.FS
	count *atomic.Int64
	nth   int64 // that read is short
	quiet bool  // without an error, against the contract of io.ReaderAt
}

func (f shortReads) Open(name string) (vfs.File, error) {
	file, err := f.FS.Open(name)
	if err != nil {
		return nil, err
	}
	return shortFile{file, f}, nil
}

type shortFile struct {
	vfs.File
	fs shortReads
}

func (f shortFile) ReadAt(p []byte, at int64) (int, error) {
	n, err := f.File.ReadAt(p, at)
	if f.fs.count.Add(1) != f.fs.nth || n == 0 {
		return n, err
	}
	clear(p[n/2 : n])
	if f.fs.quiet {
		return n / 2, nil
	}
	return n / 2, io.ErrUnexpectedEOF
}

// Damage on a network share that is no local disk. Each read in turn gives less than was asked for, with an error and without one; writes are cut short, and what
// was not synced reaches the disk in any order: never a wrong event, nothing acknowledged is lost. A file system without locks is refused.
func TestPitfall2279NetworkShares(t *testing.T) {
	original, want := filled(t)
	known := series(0, 80)
	points := 0
	for _, quiet := range []bool{false, true} {
		for nth := int64(1); ; nth++ {
			fs := shortReads{original.CrashClone(nil, vfs.CrashKill), &atomic.Int64{}, nth, quiet}
			s, err := stele.Open(testkit.Dir, &stele.Options{FS: fs, ReadOnly: true, Hooks: quickHooks()})
			if err == nil {
				got, rerr := testkit.Drain(s.Read(ctx, stele.ReadOptions{}))
				if !containsAll(known, got) || len(got) < len(want) && rerr == nil && len(s.Stats().Damage) == 0 {
					t.Fatalf("read %d short, quiet %v: %d events, %v", nth, quiet, len(got), rerr)
				}
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
			} else if kind := stele.KindOf(err); kind != stele.IO && kind != stele.Corrupt {
				t.Fatalf("read %d short, quiet %v: %v", nth, quiet, err)
			}
			points++
			if fs.count.Load() < nth {
				break
			}
		}
	}
	// What it was for a moment does not last.
	s := reopen(t, original)
	same(t, "when reads are whole again", want, s.All())
	if d := s.Stats().Damage; len(d) > 0 {
		t.Errorf("damage: %v", d)
	}
	t.Logf("%d short reads", points)

	// Short writes, and a flush in any order.
	for nth := int64(1); nth < 12; nth++ {
		disk := vfs.NewMem()
		faulty := vfs.NewFaulty(disk)
		s := testkit.OpenOn(t, faulty, testkit.Dir, quick)
		s.AppendSeries(0, 4, 2)
		faulty.Add(&vfs.Rule{Kind: vfs.OpWrite, Err: io.ErrShortWrite, Short: int(nth * 7), Nth: nth % 3})
		var acked []int
		for i := 4; i < 10; i++ {
			if _, err := s.TryAppend(testkit.Line(i)); err == nil {
				acked = append(acked, i)
			}
		}
		faulty.Clear()
		for seed := range uint64(3) {
			c := disk.CrashClone(rand.New(rand.NewPCG(seed, uint64(nth))), vfs.CrashRandom)
			again := testkit.OpenOn(t, c, testkit.Dir, quick)
			got := again.All()
			for _, i := range acked {
				if !slices.Contains(got, testkit.Line(i)) {
					t.Errorf("write %d short: event %d was acknowledged", nth, i)
				}
			}
		}
	}
	faulty := vfs.NewFaulty(vfs.NewMem())
	faulty.Add(&vfs.Rule{Kind: vfs.OpLock, Err: syscall.ENOLCK, Forever: true})
	if _, err := stele.Open(testkit.Dir, &stele.Options{FS: faulty, Hooks: testkit.Hooks()}); !errors.Is(err, stele.IO) || !strings.Contains(err.Error(), "lock") {
		t.Errorf("a file system without locks: %v", err)
	}
}

// On a full disk the store had to be reopened. Here the disk is full at one call of each kind that takes room, and for good, whichever call it is, until
// space returns: then the same process goes on. (TestFaultPoints has every call.)
func TestPitfall2350FullDiskAtEachCall(t *testing.T) {
	points := 0
	eachFault(2, healthyCounts(t, 2), 6, func(d disease, rule *vfs.Rule, where string) {
		if d.kind != stele.Full {
			return
		}
		p := faultPoint{seed: 2, disease: d, rule: rule}
		if err := p.run(); err != nil {
			t.Fatalf("%s: %v", where, err)
		}
		points++
	})
	t.Logf("%d calls that found no room", points)
}

// An extent that was read-only for a while opened a circuit breaker. Here one file, of each kind in turn, fails in every way for a while, with EIO and with EROFS: the rest of the
// store is served, what is refused is told, and when the file is well again all is well without a restart.
func TestPitfall845OneFileFails(t *testing.T) {
	for _, kind := range []string{"segment-*", "journal-*", "manifest-*", "CURRENT*", "document-*", "reserve"} {
		for _, sick := range []error{vfs.EIO, syscall.EROFS} {
			name := fmt.Sprintf("%s, %v", kind, sick)
			disk := vfs.NewMem()
			faulty := vfs.NewFaulty(disk)
			s := testkit.OpenOn(t, faulty, testkit.Dir, func(o *stele.Options) { o.CacheBytes = 1; o.OpenFiles = 1; quick(o) })
			s.AppendSeries(0, 10, 5)
			if err := s.Flush(ctx); err != nil {
				t.Fatal(err)
			}
			s.AppendSeries(10, 20, 5)
			if err := s.Flush(ctx); err != nil {
				t.Fatal(err)
			}
			s.AppendSeries(20, 30, 5)
			if err := s.Documents("").Set(ctx, "k", []byte("1")); err != nil {
				t.Fatal(err)
			}
			file := path.Base(named(disk, strings.TrimRight(kind, "*")))
			faulty.Add(&vfs.Rule{Kind: vfs.OpAny, Match: file, Err: sick, Forever: true})

			got, err := testkit.Drain(s.Read(ctx, stele.ReadOptions{}))
			if err == nil && len(got) != 30 || err != nil && !errors.Is(err, stele.IO) || len(got) < 10 {
				t.Errorf("%s: %d events, %v", name, len(got), err)
			}
			acked := slices.Clone(series(0, 30))
			refused := 0
			for i := 40; i < 46; i++ {
				if _, err := s.TryAppend(testkit.Line(i)); err == nil {
					acked = append(acked, testkit.Line(i))
				} else if refused++; !errors.Is(err, stele.IO) {
					t.Errorf("%s: append: %v", name, err)
				}
			}
			if refused > 1 {
				t.Errorf("%s: %d appends were refused; the next file should have taken them", name, refused)
			}
			derr := s.Documents("").Set(ctx, "k", []byte("2"))
			if derr != nil {
				derr = s.Documents("").Set(ctx, "k", []byte("3"))
			}
			if derr != nil {
				t.Errorf("%s: document: %v", name, derr)
			}
			_ = s.Flush(ctx)
			faulty.Clear()
			if err := errors.Join(s.Flush(ctx), s.Settle(ctx)); err != nil {
				t.Errorf("%s, well again: %v", name, err)
			}
			if got := s.All(); !containsAll(got, acked) || len(got) != len(acked) {
				t.Errorf("%s, well again: %d events of %d", name, len(got), len(acked))
			}
			s.Damaged() // what could not be read was told
			s.Reopen()
			if got := s.All(); !containsAll(got, acked) || len(got) != len(acked) {
				t.Errorf("%s, reopened: %d events of %d", name, len(got), len(acked))
			}
			if d := s.Stats().Damage; len(d) > 0 {
				t.Errorf("%s, reopened: %v", name, d)
			}
		}
	}
}

// A batch across the boundary of two partitions was durable in part after a crash. Here the power is cut at every call while a batch with events of three centuries is appended, and
// sealed into segments of their own: all of it is there or nothing.
func TestPitfall2551BatchAcrossPartitions(t *testing.T) {
	var lines []string
	for year, n := range map[int]int{1970: 2, 2026: 40, 2099: 2} {
		for i := range n {
			lines = append(lines, fmt.Sprintf(`{"@t":"%s","@mt":"%s"}`, time.Date(year, 1, 1, 0, 0, i, 0, time.UTC).Format("2006-01-02T15:04:05.0000000Z"), strings.Repeat("x", 100)))
		}
	}
	slices.Sort(lines)
	points := 0
	for _, limit := range []int64{1 << 20, 500} {
		disk := vfs.NewMem()
		o := &stele.Options{FS: disk, JournalBytes: limit, Hooks: quickHooks()}
		o.Hooks.SmallBytes, o.Hooks.PieceRows, o.Hooks.NoCompact = 10, 5, true
		s, err := stele.Open(testkit.Dir, o)
		if err != nil {
			t.Fatal(err)
		}
		var acked atomic.Bool
		rng := rand.New(rand.NewPCG(1, 2551))
		disk.OnOp(func(op vfs.Op) {
			if op.Kind == vfs.OpReadAt || op.Kind == vfs.OpOpen || op.Kind == vfs.OpSize || t.Failed() {
				return
			}
			was := acked.Load()
			for _, mode := range vfs.CrashModes() {
				c := disk.CrashClone(rng, mode)
				oc := *o
				oc.FS = c
				again, err := stele.Open(testkit.Dir, &oc)
				if err != nil {
					t.Errorf("%s, %s: %v", op.Kind, mode, err)
					return
				}
				got, err := testkit.Drain(again.Read(ctx, stele.ReadOptions{}))
				if err != nil || len(got) != 0 && !slices.Equal(got, lines) || was && len(got) == 0 {
					t.Errorf("%s of %s, %s: %d of %d events, acknowledged %v: %v", op.Kind, op.Name, mode, len(got), len(lines), was, err)
				}
				_ = again.Close()
				points++
			}
		})
		b := s.NewBatch()
		for _, l := range lines {
			if err := b.AddCLEF([]byte(l)); err != nil {
				t.Fatal(err)
			}
		}
		_, err = s.Append(ctx, b)
		acked.Store(err == nil)
		err = errors.Join(err, s.Flush(ctx))
		segments := s.Stats().Segments
		disk.OnOp(nil)
		if err = errors.Join(err, s.Close()); err != nil {
			t.Fatal(err)
		}
		if segments != 3 {
			t.Errorf("%d segments, expected one for each time", segments)
		}
	}
	t.Logf("%d crash points", points)
}
