package engine

import (
	"fmt"
	"testing"

	"github.com/stelehq/stele/internal/vfs"
)

// Blocks without a text that is looked for are not opened, wherever segments came from: sealed, copied, merged, rewritten.
func TestBlocksWithoutATextAreNotOpened(t *testing.T) {
	const rows = 5000
	fs := vfs.NewMem()
	e := open(t, fs, Options{Hooks: Hooks{BlockRows: rows, CompactFan: 2}})
	id := func(i int) string { return fmt.Sprintf("%016x", uint64(i+1)*0x9E3779B97F4A7C15) }
	for from := 0; from < 4*rows; from += rows {
		b := e.NewBatch()
		for i := from; i < from+rows; i++ {
			ok(t, b.AddCLEF(fmt.Appendf(nil, `{"@t":"2024-01-01T%02d:%02d:%02dZ","Id":"%s","Of":{"Id":"%s"},"Kind":"k%d"}`, i/3600, i/60%60, i%60, id(i), id(-i), i%3)))
		}
		_, err := e.Append(ctx, b, "")
		ok(t, err)
		flush(t, e)
	}
	look := func(texts ...Text) (found, opened int) {
		t.Helper()
		e.cache.clear()
		v, err := e.Pin()
		ok(t, err)
		s := v.Scan(ctx, Everything, false, &Wanted{Match: func(r Row) bool {
			value, err := r.Block.Lookup(r.Index, texts[0].Name)
			ok(t, err)
			return value.Text == texts[0].Value
		}, Texts: texts}, true)
		for s.Next() {
			found++
		}
		ok(t, s.Close())
		return found, len(e.cache.byKey)
	}
	check := func(when string) {
		t.Helper()
		for _, i := range []int{0, rows - 1, rows, 2*rows + 7, 4*rows - 1} {
			if found, opened := look(Text{"Id", id(i)}); found != 1 || opened > 2 {
				t.Errorf("%s: %d found in %d blocks", when, found, opened)
			}
		}
		if found, opened := look(Text{"Id", "none"}); found != 0 || opened > 1 {
			t.Errorf("%s: %d found in %d blocks", when, found, opened)
		}
		if found, opened := look(Text{"Id", id(3)}, Text{"Id", "none"}); found > 1 || opened > 1 {
			t.Errorf("%s: %d found in %d blocks", when, found, opened)
		}
		// Columns without a set: a dictionary, another's member, none at all.
		for _, text := range []Text{{"Kind", "k1"}, {"Of", "x"}, {"Nothing", "x"}} {
			if _, opened := look(text); opened < 4 {
				t.Errorf("%s: only %d blocks were opened for %s", when, opened, text.Name)
			}
		}
	}
	check("sealed")
	ok(t, e.Settle(ctx))
	if n := len(e.current().set.parts); n != 1 {
		t.Fatalf("%d segments", n)
	}
	check("copied")
	ok(t, e.Close())
	e = open(t, fs, Options{})
	check("opened again")
}
