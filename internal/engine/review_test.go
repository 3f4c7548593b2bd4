package engine

import (
	"context"
	"fmt"
	"path"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/journal"
	"github.com/stelehq/stele/internal/manifest"
	"github.com/stelehq/stele/internal/vfs"
)

var ctx = context.Background()

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t testing.TB, fs vfs.FS, o Options) *Engine {
	t.Helper()
	o.FS = fs
	if o.Hooks.ReserveBytes == 0 {
		o.Hooks.ReserveBytes = 4 << 10
	}
	e, err := Open("store", o)
	ok(t, err)
	t.Cleanup(func() { _ = e.Close() })
	return e
}

// batch has n events, a second apart from the second from on.
func batch(t testing.TB, e *Engine, from, n int) *Batch {
	t.Helper()
	b := e.NewBatch()
	for i := range n {
		ok(t, b.AddCLEF(fmt.Appendf(nil, `{"@t":%q,"n":%d}`, time.Unix(int64(from+i), 0).UTC().Format(time.RFC3339), from+i)))
	}
	return b
}

func add(t testing.TB, e *Engine, from, n int) Keys {
	t.Helper()
	keys, err := e.Append(ctx, batch(t, e, from, n), "")
	ok(t, err)
	return keys
}

// read returns the seconds of the events that a new scan finds.
func read(t testing.TB, e *Engine) []int {
	t.Helper()
	v, err := e.Pin()
	ok(t, err)
	s := v.Scan(ctx, Everything, false, nil, true)
	var got []int
	for s.Next() {
		got = append(got, int(s.Row().Key.Time().Unix()))
	}
	ok(t, s.Close())
	return got
}

func seconds(from, to int) Span {
	return Span{event.MakeKey(int64(from)*1e9, 0), event.MakeKey(int64(to)*1e9, ^uint64(0))}
}

// A call that leaves between two looks of shut must not leave it waiting.
func TestGateShutSeesTheLastCallLeave(t *testing.T) {
	for range 5_000 {
		g := newGate()
		if err := g.enter(); err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		var start sync.WaitGroup
		start.Add(1)
		go func() {
			start.Wait()
			g.leave()
		}()
		go func() {
			start.Wait()
			g.shut()
			close(done)
		}()
		start.Done()
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			t.Fatal("nobody is inside, and shut waits")
		}
	}
}

// Closing a snapshot takes the files away from a reader that is under way: that is no damage.
func TestReaderOfAClosedSnapshotAnswersClosed(t *testing.T) {
	e := open(t, vfs.NewMem(), Options{CacheBytes: 1, Hooks: Hooks{BlockRows: 4}})
	add(t, e, 0, 20)
	ok(t, e.Flush(ctx))
	v, err := e.Snapshot()
	ok(t, err)
	s := v.Scan(ctx, Everything, false, nil, false)
	if !s.Next() {
		t.Fatal(s.Err())
	}
	_, err = e.Delete(ctx, Everything)
	ok(t, err)
	v.Release()
	for s.Next() {
	}
	if err := s.Close(); fault.KindOf(err) != fault.Closed {
		t.Error(err)
	}
	if d := e.Stats().Damage; len(d) > 0 {
		t.Errorf("damage: %v", d)
	}
}

// A follower that finds nothing it wants must not keep the store from closing.
func TestCloseEndsAFollowerThatSearches(t *testing.T) {
	e := open(t, vfs.NewMem(), Options{})
	for i := range 4 {
		add(t, e, i*followWindow, followWindow)
	}
	seen, closed := 0, make(chan error)
	f := e.Follow(ctx, 0, func(Row) bool {
		if seen++; seen == 1 {
			go func() { closed <- e.Close() }()
			<-e.gate.closing
		}
		return false
	})
	if f.Next() || fault.KindOf(f.Err()) != fault.Closed {
		t.Error(f.Err())
	}
	ok(t, <-closed)
	if seen > followWindow {
		t.Errorf("%d events were looked at after the store began to close", seen)
	}
}

// Deletions that a later one covers are not kept: each costs every reader.
func TestDeletionsThatALaterOneCoversAreDropped(t *testing.T) {
	m := vfs.NewMem()
	e := open(t, m, Options{})
	add(t, e, 0, 100)
	ok(t, e.Flush(ctx))
	add(t, e, 100, 1)
	for i := range 50 {
		n, err := e.Delete(ctx, seconds(0, i))
		ok(t, err)
		if n != 1 {
			t.Fatalf("%d deleted", n)
		}
	}
	if n := len(e.current().deletions); n != 1 {
		t.Errorf("%d deletions in force", n)
	}
	ok(t, e.Close())
	e = open(t, m, Options{})
	if n := len(e.current().deletions); n != 1 {
		t.Errorf("%d deletions in force after opening", n)
	}
	if got := read(t, e); len(got) != 51 || got[0] != 50 {
		t.Errorf("read %v", got)
	}
}

// The disk is ill when an append is refused, so that no other journal can be started, and well
// again when the store is closed: the events do not come back.
func TestR12CloseMakesARefusalFinal(t *testing.T) {
	for _, kept := range []int{0, 1} {
		m := vfs.NewMem()
		fs := vfs.NewFaulty(m)
		e := open(t, fs, Options{})
		add(t, e, 0, 1)
		ok(t, e.Flush(ctx))
		if kept > 0 {
			add(t, e, 1, kept)
		}
		fs.Add(&vfs.Rule{Kind: vfs.OpSync, Match: "journal-*", Nth: int64(2 - kept), Err: vfs.EIO},
			&vfs.Rule{Kind: vfs.OpCreate, Match: "journal-*", Nth: int64(2 - kept), Err: vfs.EIO})
		if _, err := e.Append(ctx, batch(t, e, 9, 1), ""); fault.KindOf(err) != fault.IO {
			t.Fatal(err)
		}
		fs.Clear()
		ok(t, e.Close())
		e = open(t, m, Options{})
		if got := read(t, e); len(got) != 1+kept || got[kept] != kept {
			t.Errorf("read %v", got)
		}
		ok(t, e.Close())
	}
}

// A journal of another store says nothing of this one's files.
func TestAForeignJournalCutsNothing(t *testing.T) {
	m := vfs.NewMem()
	e := open(t, m, Options{})
	add(t, e, 0, 3)
	number := e.writer.Number()
	ok(t, e.Close())
	w, err := journal.Create(m, "store", journal.Header{StoreID: [16]byte{9}, Number: number + 50, Epoch: 9999,
		Cuts: []journal.Cut{{Number: number, Sequence: journal.FirstSequence - 1}}})
	ok(t, err)
	ok(t, w.Close())
	e = open(t, m, Options{})
	if got := read(t, e); len(got) != 3 {
		t.Errorf("read %v", got)
	}
	if e.epoch > 100 {
		t.Errorf("epoch %d", e.epoch)
	}
	if len(e.Stats().Damage) == 0 {
		t.Error("the file is not reported")
	}
}

// A segment of another store is neither served nor removed, and what it says of journals is
// not believed, even when the catalog is lost.
func TestAForeignSegmentIsLeftAlone(t *testing.T) {
	other := vfs.NewMem()
	e := open(t, other, Options{})
	for i := range 5 {
		add(t, e, 100+i, 1)
		ok(t, e.Flush(ctx))
	}
	name := e.state.set.parts[4].reader.Name()
	foreign := segmentName(e.state.set.parts[4].Number)
	ok(t, e.Close())
	bytes, err := other.ReadFile(name)
	ok(t, err)

	m := vfs.NewMem()
	e = open(t, m, Options{})
	add(t, e, 0, 1)
	ok(t, e.Flush(ctx))
	own := segmentName(e.state.set.parts[0].Number)
	add(t, e, 1, 1)
	ok(t, e.Close())
	for _, lost := range []bool{false, true} {
		c := m.CrashClone(nil, vfs.CrashKill)
		c.WriteFile("store/"+foreign, bytes)
		if lost {
			for _, n := range c.Names() {
				if _, is := manifest.ParseName(path.Base(n)); is {
					ok(t, c.Remove(n))
				}
			}
		}
		e := open(t, c, Options{})
		if got := read(t, e); len(got) != 2 || got[0] != 0 || got[1] != 1 {
			t.Errorf("lost %v: read %v", lost, got)
		}
		ok(t, e.Close())
		for _, n := range []string{own, foreign} {
			if _, err := c.Size("store/" + n); err != nil && (lost || n == own) {
				t.Errorf("lost %v: %s is gone", lost, n)
			}
		}
	}
}

// A journal whose events and header are destroyed is damage, not a file whose creation was interrupted.
func TestADestroyedJournalIsReported(t *testing.T) {
	m := vfs.NewMem()
	e := open(t, m, Options{})
	for i := range 20 {
		add(t, e, i, 10)
	}
	name := "store/" + journal.Name(e.writer.Number())
	fs := m.CrashClone(nil, vfs.CrashLose)
	size, err := fs.Size(name)
	ok(t, err)
	fs.WriteFile(name, make([]byte, size))
	e = open(t, fs, Options{})
	if len(e.Stats().Damage) == 0 {
		t.Errorf("a journal of %d bytes of zeros is not reported", size)
	}
}

func TestAFailedOpenLeavesNoFileOpen(t *testing.T) {
	m := vfs.NewMem()
	e := open(t, m, Options{})
	add(t, e, 0, 1)
	ok(t, e.Flush(ctx))
	add(t, e, 1, 1)
	ok(t, e.Close())
	for _, kind := range []vfs.OpKind{vfs.OpReadAt, vfs.OpOpen} {
		fs := vfs.NewFaulty(m)
		fs.Add(&vfs.Rule{Kind: kind, Match: "journal-*", Err: syscall.EACCES})
		open := func() int64 {
			n := m.Counts()
			return n[vfs.OpOpen] + n[vfs.OpCreate] + n[vfs.OpAppend] - n[vfs.OpClose]
		}
		before := open()
		if _, err := Open("store", Options{FS: fs}); fault.KindOf(err) != fault.IO {
			t.Fatal(err)
		}
		if n := open() - before; n != 0 {
			t.Errorf("%v: %d files are left open", kind, n)
		}
	}
}

// The directory that was there before the store may be known to nobody after a power cut.
func TestAFirstOpenMakesItsDirectoryDurable(t *testing.T) {
	m := vfs.NewMem()
	ok(t, m.MkdirAll("a/store"))
	synced := false
	m.OnOp(func(op vfs.Op) { synced = synced || op.Kind == vfs.OpSyncDir && op.Name == "a" })
	e, err := Open("a/store/", Options{FS: m})
	ok(t, err)
	m.OnOp(nil)
	ok(t, e.Close())
	if !synced {
		t.Error("the parent was not synced")
	}
}

// The catalog can have been written anew while a segment was, without it: what tells that its edit is lost are the journals.
func TestALostEditIsNoticedWhateverTheNumbers(t *testing.T) {
	m := vfs.NewMem()
	e := open(t, m, Options{})
	add(t, e, 0, 3)
	ok(t, e.Flush(ctx))
	ok(t, e.Close())
	names, err := m.List("store")
	ok(t, err)
	loaded, err := manifest.Load(m, "store", names)
	ok(t, err)
	next := loaded.Catalog.NextFile + 10
	without := manifest.Catalog{StoreID: loaded.Catalog.StoreID, Epoch: loaded.Catalog.Epoch, NextFile: next}
	l, err := manifest.Start(m, "store", without, loaded.Name, func() uint64 { return next })
	ok(t, err)
	ok(t, l.Close())
	e = open(t, m, Options{})
	if got := read(t, e); len(got) != 3 {
		t.Errorf("read %v", got)
	}
	if len(e.Stats().Damage) == 0 {
		t.Error("nothing is reported")
	}
}

// A batch whose caller gave up before the committer took it is not stored, and takes no memory from then on.
func TestACanceledBatchLeavesTheQueue(t *testing.T) {
	fs := vfs.NewFaulty(vfs.NewMem())
	e := open(t, fs, Options{})
	hold := make(chan struct{})
	rule := &vfs.Rule{Kind: vfs.OpSync, Match: "journal-*", Hold: hold}
	fs.Add(rule)
	first := make(chan error)
	go func() {
		_, err := e.Append(ctx, batch(t, e, 0, 1), "")
		first <- err
	}()
	for fs.Hits(rule) == 0 {
		time.Sleep(time.Millisecond)
	}
	for range 10 {
		canceled, cancel := context.WithCancel(ctx)
		time.AfterFunc(time.Millisecond, cancel)
		b := batch(t, e, 1, 1)
		if _, err := e.Append(canceled, b, ""); fault.KindOf(err) != fault.Canceled || b.Rows() != 1 {
			t.Errorf("%d events left, %v", b.Rows(), err)
		}
	}
	if n := len(e.queue.pending); n != 0 {
		t.Errorf("%d batches wait", n)
	}
	close(hold)
	ok(t, <-first)
	if got := read(t, e); len(got) != 1 {
		t.Errorf("read %v", got)
	}
}

// Neighbours that make too large a block are tried once, not after every append.
func TestTidyingGivesLargeNeighboursUp(t *testing.T) {
	e := open(t, vfs.NewMem(), Options{JournalBytes: 1 << 30, Hooks: Hooks{NoTidy: true}})
	text := strings.Repeat("x", 200<<10)
	for i := range tierWidth {
		b := e.NewBatch()
		for n := range 21 {
			ok(t, b.AddCLEF([]byte(`{"@t":"2026-01-01T00:00:00Z","x":"`+fmt.Sprint(i, n)+text+`"}`)))
		}
		_, err := e.Append(ctx, b, "")
		ok(t, err)
	}
	for i := 0; e.tidy(ctx, e.newTidier()); i++ {
		if i > 2 {
			t.Fatal("it never ends")
		}
	}
	if run := tidyRun(e.current().recent); run != nil {
		t.Errorf("%d neighbours would be tried again", len(run))
	}
	before := len(e.current().recent)
	for i := range 2 * tierWidth {
		add(t, e, i, 1)
	}
	for e.tidy(ctx, e.newTidier()) {
	}
	if n := len(e.current().recent); n > before+2 {
		t.Errorf("%d blocks, %d of them large", n, before)
	}
}

// A disk that is full for long makes the store try again and again: what it remembers of that is bounded.
func TestRefusalsTakeNoMemory(t *testing.T) {
	fs := vfs.NewFaulty(vfs.NewMem())
	e := open(t, fs, Options{})
	add(t, e, 0, 1)
	fs.Add(&vfs.Rule{Kind: vfs.OpWrite, Match: "journal-*", Err: vfs.ENOSPC})
	for i := range 4 * journal.MaxCuts {
		if _, err := e.Append(ctx, batch(t, e, 1, 1), ""); fault.KindOf(err) != fault.Full {
			t.Fatalf("append %d: %v", i, err)
		}
		// The next file can be started, and is full at its first frame.
		fs.Clear()
		fs.Add(&vfs.Rule{Kind: vfs.OpWrite, Match: "journal-*", Err: vfs.ENOSPC})
	}
	if n := len(e.cuts); n > 2*journal.MaxCuts {
		t.Errorf("%d cuts", n)
	}
	fs.Clear()
	add(t, e, 2, 1)
	if got := read(t, e); len(got) != 2 || got[1] != 2 {
		t.Errorf("read %v", got)
	}
}
