package engine

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stelehq/stele/internal/block"
	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/manifest"
	"github.com/stelehq/stele/internal/vfs"
)

// evenRows compiles the one filter of these tests: events of even seconds. asked counts the blocks that it is asked about.
func evenRows(asked *int) func(string) (Selector, error) {
	return func(text string) (Selector, error) {
		if text != "even" {
			return nil, fault.New(fault.Invalid, "compile", "%q is no filter", text)
		}
		return func(b *block.Block) (block.Bitmap, error) {
			*asked++
			m := block.NewBitmap(b.Rows())
			for row := range b.Rows() {
				if b.Instant(row)/1e9%2 == 0 {
					m.Set(row)
				}
			}
			return m, nil
		}, nil
	}
}

// A deletion by filter that is made again looks only at what it has not looked at.
func TestAFilterIsAskedOnce(t *testing.T) {
	asked := 0
	e := open(t, vfs.NewMem(), Options{Compile: evenRows(&asked), CacheBytes: 1, Hooks: Hooks{NoCompact: true, BlockRows: 10, NoTelling: true}})
	for i := range 10 {
		add(t, e, 40*i, 40)
		ok(t, e.Flush(ctx))
	}
	epoch := seconds(0, 0).From.Instant()
	until := func(second int) Doomed {
		return Doomed{Span: Span{event.MinKey, event.MakeKey(epoch+int64(second)*1e9, 0)}, Filter: "even"}
	}
	for _, c := range []struct{ second, deleted, asked int }{{195, 98, 20}, {195, 0, 0}, {199, 2, 1}, {205, 3, 2}, {400, 97, 20}, {500, 0, 0}} {
		asked = 0
		n, err := e.Hide(ctx, until(c.second))
		ok(t, err)
		if int(n) != c.deleted || asked > c.asked {
			t.Errorf("until %d: %d are deleted, expected %d; %d blocks were looked at, expected %d at most", c.second, n, c.deleted, asked, c.asked)
		}
	}
	if n := len(e.current().deletions); n != 1 {
		t.Errorf("%d deletions are in force", n)
	}
	ok(t, e.Settle(ctx))
	if n := len(e.current().deletions); n != 0 {
		t.Errorf("%d deletions are in force after all is merged", n)
	}
	if got := read(t, e); len(got) != 200 || got[0] != 1 || got[199] != 399 {
		t.Errorf("read %d events: %v", len(got), got)
	}
}

// Trimming is atomic wherever the power is cut: all of what it drops is there, or nothing.
func TestTrimIsAtomic(t *testing.T) {
	fs := vfs.NewMem()
	e := open(t, fs, Options{Hooks: Hooks{NoCompact: true, NoTelling: true}})
	for i := range 6 {
		add(t, e, 10*i, 10)
		ok(t, e.Flush(ctx))
	}
	e.catalogMu.Lock()
	live := e.liveBytes()
	e.catalogMu.Unlock()
	var clones []*vfs.Mem
	fs.OnOp(func(op vfs.Op) {
		for _, mode := range []vfs.CrashMode{vfs.CrashKill, vfs.CrashLose} {
			clones = append(clones, fs.CrashClone(nil, mode))
		}
	})
	if n, err := e.Trim(ctx, live, Everything, 0); n != 0 || err != nil {
		t.Errorf("%d events of a store that is small enough: %v", n, err)
	}
	n, err := e.Trim(ctx, live-e.current().set.parts[0].Bytes-1, Everything, 0)
	fs.OnOp(nil)
	ok(t, err)
	if n != 20 {
		t.Errorf("%d events were trimmed", n)
	}
	whole, trimmed := 0, 0
	for i, c := range clones {
		o := open(t, c, Options{Hooks: Hooks{NoCompact: true, NoTelling: true}})
		switch got := read(t, o); {
		case slices.Equal(got, upTo(60)):
			whole++
		case slices.Equal(got, upTo(60)[20:]):
			trimmed++
		default:
			t.Errorf("crash %d: %v", i, got)
		}
		ok(t, o.Close())
	}
	if whole == 0 || trimmed == 0 {
		t.Errorf("%d crashes before, %d after", whole, trimmed)
	}
	// Not what is too young, by its own time or by arrival.
	if n, err := e.Trim(ctx, 0, seconds(0, 35), 0); n != 10 || err != nil {
		t.Errorf("%d events until second 35: %v", n, err)
	}
	if n, err := e.Trim(ctx, 0, Everything, e.current().set.parts[0].MaxArrival); n != 0 || err != nil {
		t.Errorf("%d events that arrived before the first segment did: %v", n, err)
	}
}

// A file that is held by somebody else when the last snapshot ends is removed later.
func TestWhatCannotBeRemovedIsTriedAgain(t *testing.T) {
	mem := vfs.NewMem()
	fs := vfs.NewFaulty(mem)
	e := open(t, fs, Options{Hooks: Hooks{NoCompact: true}})
	add(t, e, 0, 10)
	ok(t, e.Flush(ctx))
	v, err := e.Snapshot()
	ok(t, err)
	_, err = e.Delete(ctx, Everything)
	ok(t, err)
	if n := e.Stats().PinnedBytes; n == 0 {
		t.Error("nothing is pinned")
	}
	// Until it is lifted: loops in the background sweep too.
	fs.Add(&vfs.Rule{Kind: vfs.OpRemove, Match: "segment-*", Err: vfs.EIO, Forever: true})
	v.Release()
	if got := names(mem, "segment-"); len(got) != 1 {
		t.Fatalf("the files are %v", got)
	}
	fs.Clear()
	e.Sweep()
	if got := names(mem, "segment-"); len(got) != 0 {
		t.Errorf("the files are %v", got)
	}
}

// What a catalog does not know of how much deletions hide is found out when the store is opened; a filter that nobody can read is refused by name.
func TestDeletionsAreCountedWhenTheCatalogDoesNotKnow(t *testing.T) {
	asked := 0
	o := Options{Compile: evenRows(&asked), Hooks: Hooks{NoCompact: true}}
	fs := vfs.NewMem()
	e := open(t, fs, o)
	add(t, e, 0, 100)
	ok(t, e.Flush(ctx))
	_, err := e.Hide(ctx, Doomed{Span: seconds(0, 9), Filter: "even"})
	ok(t, err)
	e.catalogMu.Lock()
	s := e.current().set.parts[0].Segment
	s.Hidden = 0
	ok(t, e.catalog.Append(manifest.Edit{Add: []manifest.Segment{s}}))
	e.catalogMu.Unlock()
	ok(t, e.Close())
	e = open(t, fs, o)
	if st := e.Stats(); st.Events != 95 || st.HiddenEvents != 5 {
		t.Errorf("%d events, %d are hidden", st.Events, st.HiddenEvents)
	}
	ok(t, e.Close())
	if _, err := Open("store", Options{FS: fs}); fault.KindOf(err) != fault.Unsupported || !strings.Contains(err.Error(), "deletion 1 has a filter") {
		t.Errorf("without filters: %v", err)
	}
}

func TestArrivals(t *testing.T) {
	var now atomic.Int64 // seconds
	fs := vfs.NewMem()
	o := Options{Hooks: Hooks{Now: func() time.Time { return time.Unix(now.Load(), 0) }, NoCompact: true}}
	now.Store(1000)
	e := open(t, fs, o)
	arrived := func(second int64) string {
		h, some := e.ArrivedBy(time.Unix(second, 0))
		if !some {
			return "none"
		}
		n, err := e.Hide(context.Background(), Doomed{Span: Everything, Horizon: h, Keys: nil, Filter: ""})
		if err != nil {
			return err.Error()
		}
		return fmt.Sprint(n)
	}
	add(t, e, 0, 3)
	now.Store(2000)
	ok(t, e.Mark(0))
	ok(t, e.Mark(math.MaxInt64)) // too soon
	add(t, e, 3, 4)
	now.Store(3000)
	ok(t, e.Flush(ctx))
	for _, c := range []struct {
		second int64
		want   string
	}{{999, "none"}, {1999, "0"}, {2000, "3"}, {2999, "0"}, {3000, "4"}} {
		if got := arrived(c.second); got != c.want {
			t.Errorf("at %d: %s, expected %s", c.second, got, c.want)
		}
	}
}

// A catalog that says something else than its segments do of how much is hidden is damaged.
func TestVerifyCountsWhatIsHidden(t *testing.T) {
	fs := vfs.NewMem()
	e := open(t, fs, Options{Hooks: Hooks{NoCompact: true}})
	add(t, e, 0, 100)
	ok(t, e.Flush(ctx))
	_, err := e.Delete(ctx, seconds(10, 14))
	ok(t, err)
	for _, hidden := range []int64{5, 4} {
		e.mu.Lock()
		e.state.set.parts[0].Hidden = hidden
		e.mu.Unlock()
		r, err := e.Verify(ctx)
		ok(t, err)
		if hidden == 5 && len(r.Damage) > 0 || hidden == 4 && (len(r.Damage) != 1 || !strings.Contains(r.Damage[0].Err.Error(), "expected 4 events of segment-")) {
			t.Errorf("%d are hidden: %+v", hidden, r.Damage)
		}
	}
}

// A disk that fails at one call of a deletion by filter and of trimming, whichever: each happens or does not, whoever asked is told the right kind, and
// the same again succeeds in the same process.
func TestEveryCallOfRetentionMayFail(t *testing.T) {
	asked := 0
	o := Options{Compile: evenRows(&asked), CacheBytes: 1, Hooks: Hooks{NoCompact: true, NoTelling: true}}
	sound := vfs.NewMem()
	e := open(t, sound, o)
	for i := range 4 {
		add(t, e, 10*i, 10)
		ok(t, e.Flush(ctx))
	}
	ok(t, e.Close())
	even := func(second int) bool { return second%2 == 0 }
	for _, disease := range []struct {
		rule vfs.Rule
		kind fault.Kind
	}{
		{vfs.Rule{Kind: vfs.OpAny, Err: vfs.EIO}, fault.IO},
		{vfs.Rule{Kind: vfs.OpAny, Err: vfs.EIO, Late: true}, fault.IO},
		{vfs.Rule{Kind: vfs.OpWrite, Err: vfs.ENOSPC, Short: 5}, fault.Full},
		{vfs.Rule{Kind: vfs.OpSync, Err: vfs.EIO, DropUnsynced: true}, fault.IO},
	} {
		for nth := int64(1); ; nth++ {
			mem := sound.CrashClone(nil, vfs.CrashKill)
			fs := vfs.NewFaulty(mem)
			e := open(t, fs, o)
			rule := disease.rule
			rule.Nth = nth
			fs.Add(&rule)
			want := upTo(40)
			for _, do := range []struct {
				change func() (int64, error)
				left   func(before []int) []int
			}{
				{func() (int64, error) { return e.Hide(ctx, Doomed{Span: Everything, Filter: "even"}) },
					func(before []int) []int { return slices.DeleteFunc(slices.Clone(before), even) }},
				{func() (int64, error) { return e.Trim(ctx, 1, seconds(0, 25), 0) }, func(before []int) []int { return before[10:] }},
			} {
				n, err := do.change()
				if err != nil {
					if kind := fault.KindOf(err); kind != disease.kind || n != 0 || fs.Hits(&rule) == 0 {
						t.Fatalf("%v at call %d: %d events, %v", rule.Err, nth, n, err)
					}
					fs.Clear()
					if got := read(t, e); !slices.Equal(got, want) {
						t.Fatalf("%v at call %d, refused, read %v, expected %v", rule.Err, nth, got, want)
					}
					if n, err = do.change(); err != nil {
						t.Fatalf("%v at call %d, again: %v", rule.Err, nth, err)
					}
				}
				left := do.left(want)
				if int(n) != len(want)-len(left) {
					t.Fatalf("%v at call %d: %d of %d events", rule.Err, nth, n, len(want)-len(left))
				}
				want = left
			}
			hit := fs.Hits(&rule) > 0
			fs.Clear()
			for _, disk := range []*vfs.Mem{mem, mem.CrashClone(nil, vfs.CrashLose)} {
				if disk == mem {
					if got := read(t, e); !slices.Equal(got, want) || e.Stats().Events != int64(len(want)) {
						t.Fatalf("%v at call %d, read %v, expected %v", rule.Err, nth, got, want)
					}
					continue
				}
				again := open(t, disk, o)
				if got := read(t, again); !slices.Equal(got, want) {
					t.Fatalf("%v at call %d, then the power is cut: read %v, expected %v", rule.Err, nth, got, want)
				}
				ok(t, again.Close())
			}
			ok(t, e.Close())
			if !hit {
				t.Logf("%v, late %v: %d calls", rule.Err, rule.Late, nth-1)
				break
			}
		}
	}
}
