package engine

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stelehq/stele/internal/block"
	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
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
func batch(t testing.TB, from, n int) *block.Builder {
	t.Helper()
	b := block.NewBuilder(block.Limits{})
	for i := range n {
		ok(t, b.AddCLEF(fmt.Appendf(nil, `{"@t":%q,"n":%d}`, time.Unix(int64(from+i), 0).UTC().Format(time.RFC3339), from+i)))
	}
	return b
}

func add(t testing.TB, e *Engine, from, n int) Keys {
	t.Helper()
	keys, _, err := e.Append(ctx, batch(t, from, n), "")
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
	for range 20_000 {
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
