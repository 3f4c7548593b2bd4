package engine

import (
	"errors"
	"fmt"
	"path"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/stelehq/stele/internal/block"
	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/vfs"
)

// wide adds events whose columns are large enough for sections of their own, a second apart, and seals them.
func wide(t testing.TB, e *Engine, n int) {
	t.Helper()
	b := e.NewBatch()
	for i := range n {
		ok(t, b.AddCLEF(fmt.Appendf(nil, `{"@t":"2026-01-01T%02d:%02d:%02dZ","Id":"%08x%08x","Other":"%08x%08x","N":%d}`,
			i/3600, i/60%60, i%60, i*2654435761, i*40503, i*7919, i*104729, i)))
	}
	_, err := e.Append(ctx, b, "")
	ok(t, err)
	flush(t, e)
}

// numberIs wants the events with a number, as a filter would.
func numberIs(name string, n int) *Wanted {
	holds := func(v event.Value) bool { return v.Kind == event.Number && v.Text == fmt.Sprint(n) }
	return &Wanted{
		Match: func(r Row) bool {
			v, err := r.Block.Lookup(r.Index, name)
			return err == nil && holds(v)
		},
		Select: func(b *block.Block) Selection {
			yes, open, _ := b.Test(&block.Test{Path: []string{name}, Holds: holds})
			return Selection{Yes: yes, Open: open}
		},
	}
}

// A search reads the rest of a block only if some of it is wanted.
func TestSearchesReadWhatTheyNeed(t *testing.T) {
	fs := vfs.NewMem()
	e := open(t, fs, Options{CacheBytes: 64 << 20, Hooks: Hooks{BlockRows: 40000, NoCompact: true}})
	wide(t, e, 80000)
	size := e.current().set.parts[0].Bytes
	var bytes atomic.Int64
	fs.OnOp(func(op vfs.Op) {
		if op.Kind == vfs.OpReadAt && !op.Before {
			bytes.Add(int64(op.Bytes))
		}
	})
	found := func(want *Wanted) (n int) {
		v, err := e.Pin()
		ok(t, err)
		s := v.Scan(ctx, Everything, true, want, true)
		for s.Next() {
			n++
			if text, err := s.Row().Block.AppendCLEF(nil, s.Row().Index); err != nil || len(text) < 80 {
				t.Errorf("event %q: %v", text, err)
			}
		}
		ok(t, s.Close())
		return n
	}
	if n := found(numberIs("N", -1)); n != 0 || bytes.Load() > size/2 {
		t.Errorf("%d events; read %d of %d bytes for nothing", n, bytes.Load(), size)
	}
	bytes.Store(0)
	if n := found(numberIs("N", 20000)); n != 1 || bytes.Load() == 0 || bytes.Load() > size/2 {
		t.Errorf("%d events; read %d of %d bytes for one", n, bytes.Load(), size)
	}
	bytes.Store(0)
	if n := found(numberIs("N", 20000)); n != 1 || bytes.Load() != 0 {
		t.Errorf("%d events; read %d bytes once more", n, bytes.Load())
	}
}

// Blocks without anything that is wanted are gone through side by side; where there is something in each, one is opened ahead.
func TestMoreIsOpenedAheadWhereNothingIsFound(t *testing.T) {
	fs := vfs.NewMem()
	e := open(t, fs, Options{CacheBytes: 64 << 20, Hooks: Hooks{BlockRows: 4096, NoCompact: true}})
	wide(t, e, 80000)
	wide(t, e, 5000) // of the same time
	scan := func(descending bool, want *Wanted) (rows, most int) {
		v, err := e.Pin()
		ok(t, err)
		s := v.Scan(ctx, Everything, descending, want, true)
		a := newReadAhead(false)
		s.merge.ahead = a
		last := event.Key{}
		for s.Next() {
			key := s.Row().Key
			if rows > 0 && (key.Compare(last) < 0) != descending {
				t.Errorf("%v comes after %v", key, last)
			}
			rows, last = rows+1, key
			most = max(most, len(a.opened))
		}
		ok(t, s.Close())
		if len(a.opened) > 0 {
			t.Errorf("%d blocks were opened for nothing", len(a.opened))
		}
		return rows, max(most, a.most)
	}
	for _, descending := range []bool{false, true} {
		for number, want := range map[int]int{-1: 0, 3000: 2, 20000: 1, 79999: 1} {
			rows, most := scan(descending, numberIs("N", number))
			if rows != want || want == 0 && most != mostAhead*runtime.GOMAXPROCS(0) {
				t.Errorf("%d: found %d of %d, with up to %d blocks opened ahead", number, rows, want, most)
			}
		}
		all := &Wanted{Match: func(Row) bool { return true }, Select: func(b *block.Block) Selection {
			yes := block.NewBitmap(b.Rows())
			yes.SetAll(b.Rows())
			return Selection{Yes: yes}
		}}
		if rows, most := scan(descending, all); rows != 85000 || most != 1 {
			t.Errorf("read %d of 85000, with up to %d blocks opened ahead", rows, most)
		}
	}
}

// Damage where nobody looks is not met; where somebody does, what is sound of the block is served and the damage told, whichever came first.
func TestDamageInPartsThatAreReadLater(t *testing.T) {
	fs := vfs.NewMem()
	o := Options{CacheBytes: 64 << 20, Hooks: Hooks{BlockRows: 8192, NoCompact: true}}
	e := open(t, fs, o)
	wide(t, e, 20000)
	name := path.Join("store", names(fs, "segment-")[0])
	data, err := fs.ReadFile(name)
	ok(t, err)
	for at := int64(300); at < int64(len(data))/3; at += int64(len(data)) / 40 {
		ok(t, e.Close())
		bad := slices.Clone(data)
		bad[at] ^= 0x20
		fs.WriteFile(name, bad)
		e = open(t, fs, o)
		v, err := e.Pin()
		ok(t, err)
		sum, met := 0, 0
		b := &Blocks{Span: Everything, Workers: 2, Each: func(_ int, s Slab) error {
			var numbers block.Numbers
			if err := s.Block.GatherNumbers([]string{"N"}, nil, &numbers); err != nil {
				return err
			}
			return nil
		}}
		if _, err := b.Walk(ctx, v); err != nil && !errors.Is(err, fault.Corrupt) {
			t.Fatalf("byte %d: %v", at, err)
		}
		s := v.Scan(ctx, Everything, false, numberIs("N", 15000), false)
		for s.Next() {
			met++
		}
		if err := s.Close(); met != 1 || err != nil && !errors.Is(err, fault.Corrupt) {
			t.Errorf("byte %d: met %d of the sound events: %v", at, met, err)
		}
		s = v.Scan(ctx, Everything, false, nil, true)
		for s.Next() {
			if _, err := s.Row().Block.AppendCLEF(nil, s.Row().Index); err != nil {
				t.Fatalf("byte %d: %v", at, err)
			}
			sum++
		}
		if err := s.Close(); !errors.Is(err, fault.Corrupt) || sum >= 20000 {
			t.Errorf("byte %d: read %d events: %v", at, sum, err)
		}
	}
}
