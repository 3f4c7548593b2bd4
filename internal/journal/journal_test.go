package journal

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/vfs"
)

var store = [16]byte{1, 2, 3}

func group(n int) Group {
	return Group{Base: uint64(n), Time: int64(n) * 1000, Batches: []Batch{{ID: fmt.Sprint("id", n), Rows: 2}, {Rows: 3}}, Blocks: []Block{
		{Rows: 4, First: Mark{int64(n), 3}, Last: Mark{int64(n) + 7, 0}, Data: bytes.Repeat([]byte{byte(n)}, 50)},
		{Rows: 1, First: Mark{-1, 0}, Last: Mark{-1, 0}, Data: []byte{1, 2, byte(n)}},
	}}
}

// body is a group as a frame holds it.
func body(g Group) []byte {
	b := appendGroup(nil, g)
	for i := range g.Blocks {
		b = append(b, g.Blocks[i].Data...)
	}
	return b
}

// write commits groups from to to-1, one by one, and returns the writer.
func write(t *testing.T, fs vfs.FS, number uint64, from, to int, cuts ...Cut) *Writer {
	t.Helper()
	w, err := Create(fs, ".", Header{StoreID: store, Number: number, Epoch: 7, Cuts: cuts})
	if err != nil {
		t.Fatal(err)
	}
	for i := from; i < to; i++ {
		if err := w.Commit([]Group{group(i)}); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

func replay(t *testing.T, fs vfs.FS, number uint64, cut *Cut) ([]Group, Result) {
	t.Helper()
	var got []Group
	res, err := Replay(fs, ".", number, cut, func(g Group) error {
		for i := range g.Blocks {
			b := &g.Blocks[i]
			file, err := fs.Open(Name(number))
			if err != nil {
				t.Fatal(err)
			}
			there := make([]byte, len(b.Data))
			if _, err := file.ReadAt(there, b.Offset); err != nil || !bytes.Equal(there, b.Data) {
				t.Errorf("block %d of the group from %d on is not at %d: %v", i, g.Base, b.Offset, err)
			}
			_ = file.Close()
			b.Data, b.Offset = there, 0
		}
		got = append(got, g)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got, res
}

func groups(from, to int) []Group {
	var all []Group
	for i := from; i < to; i++ {
		all = append(all, group(i))
	}
	return all
}

func TestReplayGivesWhatWasCommitted(t *testing.T) {
	fs := vfs.NewMem()
	w := write(t, fs, 5, 0, 3, Cut{3, 9})
	if err := w.Commit(groups(3, 6)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got, res := replay(t, fs, 5, nil)
	if diff := cmp.Diff(groups(0, 6), got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(Header{StoreID: store, Number: 5, Epoch: 7, Cuts: []Cut{{3, 9}}}, res.Header); diff != "" {
		t.Error(diff)
	}
	if len(res.Damage) > 0 || group(1).Rows() != 5 {
		t.Errorf("damage: %v", res.Damage)
	}
}

// TestSmallGroupsHaveRoom: a sync of a small group seldom makes the file longer.
func TestSmallGroupsHaveRoom(t *testing.T) {
	fs := vfs.NewMem()
	w := write(t, fs, 5, 0, 1)
	longer, last := 0, int64(0)
	for i := 1; i < 300; i++ {
		if err := w.Commit([]Group{group(i)}); err != nil {
			t.Fatal(err)
		}
		size, err := fs.Size(Name(5))
		if err != nil || size <= w.Size() || size > 2*w.Size() {
			t.Fatalf("%d bytes, %d of them written: %v", size, w.Size(), err)
		}
		if size > last {
			longer, last = longer+1, size
		}
	}
	if longer > 9 {
		t.Errorf("the file became longer %d times", longer)
	}
	large := group(300)
	large.Blocks[0].Data = make([]byte, 3<<20)
	for range 2 {
		if err := w.Commit([]Group{large}); err != nil {
			t.Fatal(err)
		}
	}
	if size, err := fs.Size(Name(5)); err != nil || size != w.Size() {
		t.Errorf("%d bytes behind a large group, %d of them written: %v", size, w.Size(), err)
	}
	if err := w.Commit([]Group{group(301)}); err != nil {
		t.Fatal(err)
	}
	if size, err := fs.Size(Name(5)); err != nil || size != w.Size()+mostRoom {
		t.Errorf("%d bytes behind a small one, %d of them written: %v", size, w.Size(), err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if got, res := replay(t, fs, 5, nil); len(got) != 303 || len(res.Damage) > 0 || res.Size != w.Size() {
		t.Errorf("%d groups, %+v", len(got), res)
	}
}

func TestR12ReplayStopsAtTheCut(t *testing.T) {
	fs := vfs.NewMem()
	w := write(t, fs, 1, 0, 4)
	cut := Cut{1, w.Cut().Sequence - 2}
	_ = w.Close()
	got, res := replay(t, fs, 1, &cut)
	if diff := cmp.Diff(groups(0, 2), got); diff != "" || len(res.Damage) > 0 {
		t.Error(diff, res.Damage)
	}
	// A cut beyond the end: the last frames are lost, which is no torn tail.
	beyond := Cut{1, cut.Sequence + 5}
	if _, res = replay(t, fs, 1, &beyond); len(res.Damage) != 1 {
		t.Errorf("damage: %v", res.Damage)
	}
}

func TestR13DamageToOneFrameLosesThatFrameAlone(t *testing.T) {
	fs := vfs.NewMem()
	_ = write(t, fs, 1, 0, 5).Close()
	clean, err := fs.ReadFile(Name(1))
	if err != nil {
		t.Fatal(err)
	}
	want := groups(0, 5)
	for at := 0; at < len(clean); at += 3 {
		b := bytes.Clone(clean)
		b[at] ^= 0x10
		fs.WriteFile(Name(1), b)
		got, res := replay(t, fs, 1, nil)
		if len(got) < 4 {
			t.Fatalf("byte %d: %d groups left", at, len(got))
		}
		if len(got) == 4 && len(res.Damage) == 0 {
			t.Fatalf("byte %d: a lost group is not reported", at)
		}
		next := 0
		for _, g := range got {
			for next < len(want) && !cmp.Equal(want[next], g) {
				next++
			}
			if next == len(want) {
				t.Fatalf("byte %d: a group that was not written", at)
			}
		}
	}
}

func TestR18OtherFormatsAreRefused(t *testing.T) {
	_, _, err := decodeHeader([]byte{1, 2, 3})
	if !errors.Is(err, fault.Corrupt) {
		t.Errorf("a short header: %v", err)
	}
	if _, err := ReadHeader(vfs.NewMem(), ".", 3); !errors.Is(err, fault.NotFound) {
		t.Errorf("no file: %v", err)
	}
}

func TestNames(t *testing.T) {
	if n, ok := ParseName(Name(0xabc)); !ok || n != 0xabc {
		t.Errorf("%d, %v", n, ok)
	}
	for _, bad := range []string{"", "journal-.log", "journal-00000000000000ZZ.log", "journal-000000000000000A.log", "manifest-0000000000000001.log", path.Join("x", Name(1))} {
		if _, ok := ParseName(bad); ok {
			t.Errorf("%q is taken for a journal", bad)
		}
	}
}

func TestTooLongAnIDIsRefusedBeforeWriting(t *testing.T) {
	w := write(t, vfs.NewMem(), 1, 0, 1)
	defer w.Close()
	size := w.Size()
	err := w.Commit([]Group{{Batches: []Batch{{ID: string(make([]byte, MaxID+1)), Rows: 1}}}})
	if !errors.Is(err, fault.Invalid) || w.Size() != size || w.Dead() != nil {
		t.Errorf("%v, %d bytes, dead %v", err, w.Size(), w.Dead())
	}
}

// FuzzGroup: what decodes encodes to the same bytes, and nothing panics.
func FuzzGroup(f *testing.F) {
	f.Add(body(group(3)))
	f.Add(body(Group{}))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, src []byte) {
		if g, err := decodeGroup(src, 0); err == nil {
			if again := body(g); !bytes.Equal(src, again) {
				t.Fatalf("%x became %x", src, again)
			}
		}
		if epoch, cuts, err := decodeHeader(src); err == nil {
			if again := appendHeader(nil, Header{Epoch: epoch, Cuts: cuts}); !bytes.Equal(src, again) {
				t.Fatalf("header %x became %x", src, again)
			}
		}
	})
}
