package segment

import (
	"bytes"
	"context"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/vfs"
)

// write writes a segment of blocks and returns its file.
func write(t *testing.T, id Identity, blocks ...block) (*vfs.Mem, Info) {
	t.Helper()
	m := vfs.NewMem()
	w, err := create(m, "seg", id, testFileID)
	ok(t, err)
	size := int64(0)
	for _, b := range blocks {
		body := []byte(b.body)
		ok(t, w.Add(body, b.meta))
		clear(body)
		if size += int64(len(b.body)); w.Size() < size {
			t.Errorf("%d bytes are said, there are %d", w.Size(), size)
		}
	}
	info, err := w.Finish()
	ok(t, err)
	return m, info
}

func TestR14SmallSegmentsSayWhatTheyAre(t *testing.T) {
	first, last := event.MakeKey(math.MinInt64, 5), event.MakeKey(math.MaxInt64, 4)
	for _, id := range []Identity{testIdentity, {}, {Number: math.MaxUint64, Segments: []uint64{9, 1, math.MaxUint64}}} {
		for _, m := range []Meta{
			{Rows: 1, MinKey: event.MakeKey(-7, 1<<40), MaxKey: event.MakeKey(-7, 1<<40), MinArrival: 1 << 40, MaxArrival: 1 << 40, Base: 1 << 40},
			{Rows: math.MaxInt32, MinKey: first, MaxKey: last, MinArrival: 4, MaxArrival: math.MaxUint64, Base: 0},
			{Rows: 2, MinKey: last, MaxKey: first, MinArrival: 9, MaxArrival: 1, Base: math.MaxUint64}, // what nobody has
		} {
			for _, body := range []string{"", "x", strings.Repeat("y", 3000)} {
				fs, info := write(t, id, block{body, m})
				r, err := Open(fs, "seg", nil)
				ok(t, err)
				if !r.small || !cmp.Equal(info, r.Info()) || !cmp.Equal(info.Identity, id) || info.Bytes > int64(len(body))+130 {
					t.Errorf("%+v, %+v", info, r.Info())
				}
				got, err := r.ReadBlock(0, nil)
				ok(t, err)
				if string(got) != body || r.Meta(0) != m || r.BlockBytes(0) != len(body) {
					t.Errorf("%d bytes, %+v: expected %d, %+v", len(got), r.Meta(0), len(body), m)
				}
				found := 0
				salvaged, damage, err := Salvage(fs, "seg", func(b []byte, is Meta) error {
					found++
					if string(b) != body || is != m {
						t.Errorf("salvaged %d bytes, %+v", len(b), is)
					}
					return nil
				})
				ok(t, err)
				if found != 1 || len(damage) != 0 || !cmp.Equal(info, salvaged) {
					t.Error(found, damage, salvaged)
				}
				damage, err = r.Verify(context.Background())
				if err != nil || len(damage) != 0 {
					t.Error(damage, err)
				}
				ok(t, r.Release())
			}
		}
	}
}

// A file is small if all of it is in a page, whatever the order of what is said of it.
func TestSmallSegmentsFitInAPage(t *testing.T) {
	for _, n := range []int{3900, smallBytes - 100, smallBytes - 1, smallBytes, 5000} {
		fs, info := write(t, testIdentity, block{strings.Repeat("z", n), testBlocks(1)[0].meta})
		r, err := Open(fs, "seg", nil)
		ok(t, err)
		if r.small != (info.Bytes <= smallBytes) {
			t.Errorf("a block of %d bytes in a file of %d: small %v", n, info.Bytes, r.small)
		}
		got, err := r.ReadBlock(0, nil)
		if err != nil || len(got) != n {
			t.Error(len(got), err)
		}
		ok(t, r.Release())
	}
}

func TestDamageToSmallSegmentsIsFound(t *testing.T) {
	good, _ := testSegment(t, 1)
	check := func(what string, b []byte) {
		t.Helper()
		if _, err := Open(memOf(b), "seg", nil); fault.KindOf(err) != fault.Corrupt || !strings.Contains(err.Error(), "seg") {
			t.Fatalf("%s: %v", what, err)
		}
		found, _, damage := salvageAll(t, memOf(b))
		if len(found) != 0 || len(damage) == 0 {
			t.Fatalf("%s: salvaged %v, %v", what, found, damage)
		}
	}
	for bit := range len(good) * 8 {
		b := bytes.Clone(good)
		b[bit/8] ^= 1 << (bit % 8)
		check("a bit", b)
		// So when it happens while the file is open.
		m := memOf(good)
		r, err := Open(m, "seg", nil)
		ok(t, err)
		m.WriteFile("seg", b)
		ok(t, r.handle.end()) // it is opened again
		if _, err := r.ReadBlock(0, nil); fault.KindOf(err) != fault.Corrupt {
			t.Fatalf("bit %d: %v", bit, err)
		}
		if damage, err := r.Verify(context.Background()); len(damage) != 1 || err != nil {
			t.Fatalf("bit %d: %v, %v", bit, damage, err)
		}
		ok(t, r.Release())
	}
	for n := range good {
		check("cut off", good[:n])
	}
	check("too long", append(make([]byte, smallBytes), good...))
}

// What a checksum vouches for is not trusted either.
func TestForgedSmallSegments(t *testing.T) {
	footer := appendMeta(appendIdentity(nil, testIdentity), testBlocks(1)[0].meta)
	forge := func(length int, footer ...byte) []byte {
		b := appendLength(footer, length)
		return append(le.AppendUint32(b, checksum(b)), smallMagic...)
	}
	for what, b := range map[string][]byte{
		"longer than the file":   forge(len(footer)+1, footer...),
		"something left over":    forge(len(footer)+1, append([]byte{0}, footer...)...),
		"too short":              forge(len(footer)-1, footer[:len(footer)-1]...),
		"a list without end":     forge(20, append(make([]byte, 17), 0xff, 0xff, 1)...),
		"a number without end":   forge(11, bytes.Repeat([]byte{0xff}, 11)...),
		"nothing":                forge(0),
		"more rows than a block": forge(40, append(make([]byte, 19), 0xff, 0xff, 0xff, 0xff, 0x1f, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)...),
	} {
		if _, err := Open(memOf(b), "seg", nil); fault.KindOf(err) != fault.Corrupt {
			t.Errorf("%s: %v", what, err)
		}
	}
}
