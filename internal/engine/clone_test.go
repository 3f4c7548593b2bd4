package engine

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"path"
	"slices"
	"testing"

	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/journal"
	"github.com/stelehq/stele/internal/manifest"
	"github.com/stelehq/stele/internal/vfs"
)

// cloneOf clones what is in the files of a closed store, and returns what was lost.
func cloneOf(t testing.TB, fs *vfs.Mem, dir string) (losses []error, rows int64) {
	t.Helper()
	fl, err := listFiles(fs, "store")
	ok(t, err)
	loaded, err := manifest.Load(fs, "store", fl.names)
	ok(t, err)
	ok(t, fs.MkdirAll(dir))
	c := clone{fs: fs, dir: dir, catalog: manifest.Catalog{Epoch: 1000}}
	_, _ = rand.Read(c.storeID[:])
	lost := func(err error, n int64) error {
		losses, rows = append(losses, err), rows+n
		return nil
	}
	for _, n := range fl.segments {
		_, err := c.segment(ctx, path.Join("store", segmentName(n)), loaded.Catalog.Segments[n], lost)
		ok(t, err)
	}
	for _, n := range fl.journals {
		res, err := journal.Replay(fs, "store", n, nil, func(journal.Group) error { return nil })
		ok(t, err)
		ok(t, c.journal(ctx, path.Join("store", journal.Name(n)), n, res.Last, lost))
	}
	ok(t, c.finish())
	return losses, rows
}

// A clone holds the same events under the same keys, is another store, and gives numbers of its own.
func TestR2ACloneIsAnotherStore(t *testing.T) {
	fs := vfs.NewMem()
	e := open(t, fs, small)
	add(t, e, 0, 20)
	flush(t, e)
	add(t, e, 50, 1) // a small segment
	flush(t, e)
	add(t, e, 30, 20)
	add(t, e, 5, 3)
	want, id := read(t, e), e.storeID
	keys := add(t, e, 99, 1)
	want = append(want, 99)
	ok(t, e.Close())
	if lost, _ := cloneOf(t, fs, "copy"); len(lost) > 0 {
		t.Fatal(lost)
	}
	o := small
	o.FS = fs
	c, err := Open("copy", o)
	ok(t, err)
	defer c.Close()
	if got := read(t, c); !slices.Equal(got, want) {
		t.Errorf("read %v, expected %v", got, want)
	}
	if c.storeID == id {
		t.Error("the clone has the store's id")
	}
	v, err := c.Pin()
	ok(t, err)
	_, err = v.Get(ctx, keys.At(0))
	ok(t, err)
	v.Release()
	r, err := c.Verify(ctx)
	ok(t, err)
	if len(r.Damage) > 0 {
		t.Errorf("damage: %v", r.Damage)
	}
	if n := add(t, c, 100, 1).At(0).Arrival(); n>>40 != 1001 {
		t.Errorf("the arrival number %x is not of epoch 1001", n)
	}
	for _, name := range fs.Names() {
		if b, err := fs.ReadFile(name); path.Dir(name) == "copy" && err == nil && bytes.Contains(b, id[:]) {
			t.Errorf("%s names the store that it is a clone of", name)
		}
	}
}

// Of a damaged file the sound blocks are cloned, and the clone is whole.
func TestACloneHasWhatIsSound(t *testing.T) {
	for _, at := range []string{"block", "footer", "head"} {
		t.Run(at, func(t *testing.T) {
			fs := vfs.NewMem()
			e := open(t, fs, small)
			add(t, e, 0, 64) // eight blocks
			flush(t, e)
			p := e.current().set.parts[0]
			name := p.reader.Name()
			ok(t, e.Close())
			b, err := fs.ReadFile(name)
			ok(t, err)
			lost := int64(8)
			switch at {
			case "block":
				b[len(b)/2] ^= 1
			case "footer":
				b[len(b)-30] ^= 1
				lost = 0
			case "head":
				b[len(b)-30] ^= 1
				b[2] ^= 1
				lost = 0
			}
			fs.WriteFile(name, b)
			losses, rows := cloneOf(t, fs, "copy")
			if len(losses) == 0 || rows != lost || fault.KindOf(losses[0]) != fault.Corrupt {
				t.Errorf("lost %d rows: %v", rows, losses)
			}
			o := small
			o.FS = fs
			c, err := Open("copy", o)
			ok(t, err)
			defer c.Close()
			r, err := c.Verify(ctx)
			ok(t, err)
			if fmt.Sprint(r.Damage) != "[]" || r.Events != 64-lost {
				t.Errorf("%d events, damage %v", r.Events, r.Damage)
			}
		})
	}
}
