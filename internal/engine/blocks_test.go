package engine

import (
	"context"
	"errors"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stelehq/stele/internal/block"
	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/vfs"
)

// walked returns the seconds of the events that a walk finds in a span, in order.
func walked(t testing.TB, e *Engine, s Span, workers int) (all []int, b *Blocks, err error) {
	t.Helper()
	v, err := e.Pin()
	ok(t, err)
	defer v.Release()
	var mu sync.Mutex
	b = &Blocks{Span: s, Workers: workers, Each: func(_ int, s Slab) error {
		rows := block.NewBitmap(s.Block.Rows())
		s.Rows(rows)
		mu.Lock()
		defer mu.Unlock()
		for row := range s.Block.Rows() {
			if rows.Has(row) {
				all = append(all, int(s.Block.Instant(row)/1e9))
			}
		}
		return nil
	}}
	_, err = b.Walk(ctx, v)
	slices.Sort(all)
	return all, b, err
}

func TestAWalkMeetsEachEventOnce(t *testing.T) {
	e := open(t, vfs.NewMem(), small)
	add(t, e, 0, 20)
	flush(t, e)
	add(t, e, 10, 20) // overlaps
	flush(t, e)
	add(t, e, 40, 5) // recent
	if _, err := e.Delete(ctx, seconds(12, 15)); err != nil {
		t.Fatal(err)
	}
	for _, s := range []Span{Everything, seconds(5, 42), seconds(13, 14), seconds(100, 200), Nothing} {
		for _, workers := range []int{0, 1, 3, 100} {
			var want []int
			v, err := e.Pin()
			ok(t, err)
			scan := v.Scan(ctx, s, false, nil, true)
			for scan.Next() {
				want = append(want, int(scan.Row().Key.Instant()/1e9))
			}
			ok(t, scan.Close())
			got, _, err := walked(t, e, s, workers)
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("%v with %d workers: walked %v, read %v: %v", s, workers, got, want, err)
			}
		}
	}
}

// Blocks of which all is shown may be counted without being opened; others are not offered.
func TestAWalkOpensWhatItHasTo(t *testing.T) {
	e := open(t, vfs.NewMem(), small)
	add(t, e, 0, 24) // three blocks
	flush(t, e)
	v, err := e.Pin()
	ok(t, err)
	defer v.Release()
	counted, opened := 0, 0
	b := &Blocks{Span: seconds(4, 23), Counted: func(_ int, c Closed) bool {
		counted += c.Rows
		return true
	}, Each: func(_ int, s Slab) error {
		opened += s.To - s.From
		return nil
	}}
	if _, err := b.Walk(ctx, v); err != nil {
		t.Fatal(err)
	}
	if counted != 16 || opened != 4 || b.Passed.Load() != 2 || b.Opened.Load() != 1 {
		t.Errorf("counted %d, opened %d; %d blocks passed, %d opened", counted, opened, b.Passed.Load(), b.Opened.Load())
	}
}

func TestAWalkEndsEarly(t *testing.T) {
	e := open(t, vfs.NewMem(), small)
	add(t, e, 0, 80)
	flush(t, e)
	v, err := e.Pin()
	ok(t, err)
	defer v.Release()

	gone, cancel := context.WithCancel(ctx)
	b := &Blocks{Span: Everything, Each: func(int, Slab) error { cancel(); return nil }}
	if early, err := b.Walk(gone, v); !early || !errors.Is(err, fault.Canceled) || b.Opened.Load() != 1 {
		t.Errorf("canceled: %v, %v after %d blocks", early, err, b.Opened.Load())
	}
	full := fault.New(fault.Exhausted, "query", "no more")
	b = &Blocks{Span: Everything, Workers: 2, Each: func(int, Slab) error { return full }}
	if early, err := b.Walk(ctx, v); !early || !errors.Is(err, fault.Exhausted) {
		t.Errorf("refused: %v, %v", early, err)
	}
	b = &Blocks{Span: Everything, Workers: 2, Each: func(int, Slab) error { panic("a drill") }}
	if early, err := b.Walk(ctx, v); !early || !errors.Is(err, fault.Internal) || !strings.Contains(err.Error(), "a drill") || !strings.Contains(err.Error(), "TestAWalkEndsEarly") {
		t.Errorf("panicked: %v, %v", early, err)
	}
	v.Release()
	b = &Blocks{Span: Everything, Each: func(int, Slab) error { return nil }}
	if early, err := b.Walk(ctx, v); !early || !errors.Is(err, fault.Closed) {
		t.Errorf("released: %v, %v", early, err)
	}
	ok(t, e.Close())
	if early, err := b.Walk(ctx, v); !early || !errors.Is(err, fault.Closed) {
		t.Errorf("closed: %v, %v", early, err)
	}
}

func TestAWalkTellsOfDamage(t *testing.T) {
	fs := vfs.NewMem()
	e := open(t, fs, small)
	add(t, e, 0, 24)
	flush(t, e)
	at := e.current().set.parts[0].reader.SetsOffset(0) - 5 // in the first block, which has none
	ok(t, e.Close())
	name := path.Join("store", names(fs, "segment-")[0])
	data, err := fs.ReadFile(name)
	ok(t, err)
	data[at] ^= 0xff
	fs.WriteFile(name, data)
	e = open(t, fs, small)
	got, _, err := walked(t, e, Everything, 2)
	if !errors.Is(err, fault.Corrupt) || !strings.Contains(err.Error(), "lost") {
		t.Errorf("error %v", err)
	}
	if !slices.Equal(got, span(8, 24)) {
		t.Errorf("walked %v", got)
	}
}
