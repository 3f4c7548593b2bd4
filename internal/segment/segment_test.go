package segment

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/vfs"
)

var update = flag.Bool("update", false, "write the golden files")

const testFileID = 0x1122334455667788

var testIdentity = Identity{Number: 7, StoreID: [16]byte{1, 15: 16}, Journals: []uint64{3, 4}, Segments: []uint64{5}}

type block struct {
	body string
	meta Meta
}

func testBlocks(n int) []block {
	var blocks []block
	for i := range n {
		blocks = append(blocks, block{strings.Repeat(string(rune('a'+i)), 10+i), Meta{
			Rows: 10 + i, MinKey: event.MakeKey(int64(i), 1), MaxKey: event.MakeKey(int64(i+1), 9),
			MinArrival: uint64(i * 10), MaxArrival: uint64(i*10 + 9), Base: uint64(i * 10),
		}})
	}
	return blocks
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// testSegment writes a segment of n blocks and returns its bytes.
func testSegment(t testing.TB, n int) ([]byte, Info) {
	t.Helper()
	m := vfs.NewMem()
	w, err := create(m, "seg", testIdentity, testFileID)
	ok(t, err)
	for _, b := range testBlocks(n) {
		ok(t, w.Add([]byte(b.body), b.meta))
	}
	info, err := w.Finish()
	ok(t, err)
	b, err := m.ReadFile("seg")
	ok(t, err)
	return b, info
}

func memOf(b []byte) *vfs.Mem {
	m := vfs.NewMem()
	m.WriteFile("seg", b)
	return m
}

func TestGoldenBytes(t *testing.T) {
	for name, blocks := range map[string]int{"testdata/segment.hex": 2, "testdata/small.hex": 1} {
		b, _ := testSegment(t, blocks)
		dump := hex.Dump(b)
		if *update {
			ok(t, os.WriteFile(name, []byte(dump), 0o644))
		}
		want, err := os.ReadFile(name)
		ok(t, err)
		if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(dump, "\n")); diff != "" {
			t.Errorf("%s: the format has changed (R18: raise its version): %s", name, diff)
		}
	}
}

func TestR14FooterRepeatsTheIdentity(t *testing.T) {
	b, info := testSegment(t, 3)
	want := Info{Identity: testIdentity, Rows: 33, MinKey: event.MakeKey(0, 1), MaxKey: event.MakeKey(3, 9), MaxArrival: 29, Blocks: 3, Bytes: int64(len(b))}
	if diff := cmp.Diff(want, info); diff != "" {
		t.Error(diff)
	}
	r, err := Open(memOf(b), "seg", nil)
	ok(t, err)
	if diff := cmp.Diff(want, r.Info()); diff != "" {
		t.Error(diff)
	}
	for i, want := range testBlocks(3) {
		got, err := r.ReadBlock(i, nil)
		ok(t, err)
		if string(got) != want.body || !cmp.Equal(r.Meta(i), want.meta) || r.BlockBytes(i) != len(want.body) {
			t.Errorf("block %d: %q %+v", i, got, r.Meta(i))
		}
	}
	damage, err := r.Verify(context.Background())
	if err != nil || len(damage) != 0 {
		t.Error(damage, err)
	}
	ok(t, r.Release())
}

// salvageAll checks that each block that is found is one that was written, in order.
func salvageAll(t *testing.T, fs vfs.FS) (found []int, info Info, damage []*fault.Error) {
	t.Helper()
	blocks := testBlocks(20)
	info, damage, err := Salvage(fs, "seg", func(b []byte, m Meta) error {
		i := int(m.MinKey.Instant())
		if i < 0 || i >= len(blocks) || blocks[i].body != string(b) || !cmp.Equal(blocks[i].meta, m) || len(found) > 0 && found[len(found)-1] >= i {
			t.Fatalf("salvaged what was not written: %q %+v after %v", b, m, found)
		}
		found = append(found, i)
		return nil
	})
	ok(t, err)
	return found, info, damage
}

func TestEveryFlippedBitIsFound(t *testing.T) {
	good, _ := testSegment(t, 3)
	for bit := range len(good) * 8 {
		b := bytes.Clone(good)
		b[bit/8] ^= 1 << (bit % 8)
		m := memOf(b)
		place := func(err error) int64 {
			var e *fault.Error
			if !errors.As(err, &e) || e.Kind != fault.Corrupt || e.File != "seg" || e.Offset < 0 || e.Offset >= int64(len(b)) {
				t.Fatalf("bit %d: not a located error: %v", bit, err)
			}
			return e.Offset
		}
		hurt := -1 // the block that was hit
		r, err := Open(m, "seg", nil)
		if err != nil {
			place(err)
		} else {
			damage, err := r.Verify(context.Background())
			ok(t, err)
			if len(damage) != 1 {
				t.Fatalf("bit %d: %v", bit, damage)
			}
			place(damage[0])
			for i, want := range testBlocks(3) {
				got, err := r.ReadBlock(i, nil)
				if err != nil {
					if hurt >= 0 || place(err) > int64(bit/8) {
						t.Fatalf("bit %d: %v", bit, err)
					}
					hurt = i
				} else if string(got) != want.body {
					t.Fatalf("bit %d: wrong data: %q", bit, got)
				}
			}
		}
		found, info, damage := salvageAll(t, m)
		want := 3
		if hurt >= 0 {
			want--
		}
		if len(found) != want || len(damage) != 1 && err == nil || !cmp.Equal(info.Identity, testIdentity) {
			// Bits of the index alone leave nothing to complain of to Salvage.
			t.Fatalf("bit %d: salvaged %v, %+v, %v", bit, found, info, damage)
		}
	}
}

func TestEveryTruncationIsFoundAndSalvaged(t *testing.T) {
	good, _ := testSegment(t, 3)
	whole, err := Open(memOf(good), "seg", nil)
	ok(t, err)
	for n := range len(good) {
		m := memOf(good[:n])
		if _, err := Open(m, "seg", nil); fault.KindOf(err) != fault.Corrupt || !strings.Contains(err.Error(), "seg") {
			t.Fatalf("%d bytes: %v", n, err)
		}
		found, _, damage := salvageAll(t, m)
		want := 0
		for i, e := range whole.entries {
			if e.offset+blockHeaderSize+int64(e.length) <= int64(n) {
				want = i + 1
			}
		}
		if len(found) != want || len(damage) == 0 {
			t.Fatalf("%d bytes: salvaged %v: %v", n, found, damage)
		}
	}
}

func TestSalvageNamesWhatIsLost(t *testing.T) {
	good, _ := testSegment(t, 4)
	r, err := Open(memOf(good), "seg", nil)
	ok(t, err)
	for _, footerLost := range []bool{false, true} {
		for lost := range 4 {
			for _, headerLost := range []bool{false, true} {
				b := bytes.Clone(good)
				b[r.entries[lost].offset+blockHeaderSize+3] ^= 8
				if headerLost {
					b[r.entries[lost].offset] ^= 8
				}
				if footerLost {
					b[len(b)-1] ^= 1
				}
				found, info, damage := salvageAll(t, memOf(b))
				said := false
				for _, d := range damage {
					said = said || strings.Contains(d.Error(), "block "+string(rune('0'+lost))+" is lost")
				}
				if len(found) != 3 || !said || info.Blocks != 3 || info.Number != 7 {
					t.Errorf("block %d, header lost %v, footer lost %v: %v, %v", lost, headerLost, footerLost, found, damage)
				}
			}
		}
	}
	// Both ends gone: the blocks are still there, whose they are is not known.
	b := bytes.Clone(good)
	b[0], b[len(b)-1] = 0, 0
	found, info, damage := salvageAll(t, memOf(b))
	if len(found) != 4 || len(damage) != 2 || info.Number != 0 || info.Rows != 46 {
		t.Errorf("%v %+v %v", found, info, damage)
	}
}

func TestSalvageRandomDamage(t *testing.T) {
	good, _ := testSegment(t, 20)
	r, err := Open(memOf(good), "seg", nil)
	ok(t, err)
	for seed := range uint64(500) {
		rng := rand.New(rand.NewPCG(seed, 0))
		b := bytes.Clone(good)
		from := rng.IntN(len(b))
		to := min(len(b), from+1+rng.IntN(300))
		for i := from; i < to; i++ {
			b[i] = byte(rng.Uint32())
		}
		found, _, _ := salvageAll(t, memOf(b))
		untouched := 0
		for _, e := range r.entries {
			if end := e.offset + blockHeaderSize + int64(e.length); end <= int64(from) || e.offset >= int64(to) {
				untouched++
			}
		}
		if len(found) < untouched {
			t.Fatalf("seed %d: salvaged %v of %d untouched", seed, found, untouched)
		}
	}
}

func TestR18NewerFormatIsRefusedByName(t *testing.T) {
	for blocks, from := range map[int]func([]byte) int{
		1: func([]byte) int { return 0 },
		2: func(b []byte) int { return len(b) - trailerSize - int(trailer{b[len(b)-trailerSize:]}.length()) },
	} {
		b, _ := testSegment(t, blocks)
		at := len(b) - trailerSize
		b[at] = version + 1
		le.PutUint32(b[at+4:], checksum(b[from(b):at+4]))
		if _, err := Open(memOf(b), "seg", nil); fault.KindOf(err) != fault.Unsupported || !strings.Contains(err.Error(), fmt.Sprintf("segment format %d", version+1)) {
			t.Error(err)
		}
	}
	if _, err := Open(memOf([]byte("a file of format 1 ends so: STLE")), "seg", nil); fault.KindOf(err) != fault.Unsupported || !strings.Contains(err.Error(), "segment format 1") {
		t.Error(err)
	}
}

func TestReferencesAndRemoval(t *testing.T) {
	b, _ := testSegment(t, 1)
	m := memOf(b)
	r, err := Open(m, "seg", nil)
	ok(t, err)
	if !r.Acquire() {
		t.Fatal("not acquired")
	}
	r.Retire()
	ok(t, r.Release())
	if _, err := r.ReadBlock(0, nil); err != nil {
		t.Errorf("a snapshot still reads: %v", err)
	}
	if _, err := m.Size("seg"); err != nil {
		t.Error("removed too early")
	}
	ok(t, r.Release())
	if _, err := m.Size("seg"); fault.KindOf(err) != fault.NotFound {
		t.Error("not removed")
	}
	if r.Acquire() {
		t.Error("acquired after the end")
	}
	if err := r.Release(); fault.KindOf(err) != fault.Internal {
		t.Error(err)
	}
	if _, err := Open(m, "seg", nil); fault.KindOf(err) != fault.NotFound {
		t.Error(err)
	}
}

func TestR12FailingDisk(t *testing.T) {
	for _, kind := range []vfs.OpKind{vfs.OpCreate, vfs.OpWrite, vfs.OpSync, vfs.OpSyncDir} {
		for nth := int64(1); nth < 8; nth++ {
			m := vfs.NewMem()
			fs := vfs.NewFaulty(m)
			rule := &vfs.Rule{Kind: kind, Nth: nth, Err: vfs.ENOSPC, Short: 5, DropUnsynced: true}
			fs.Add(rule)
			err := func() error {
				w, err := Create(fs, "seg", testIdentity)
				if err != nil {
					return err
				}
				defer w.Abort()
				for _, b := range testBlocks(2) {
					if err := w.Add([]byte(b.body), b.meta); err != nil {
						if again := w.Add([]byte(b.body), b.meta); again == nil {
							t.Error("a dead writer took a block")
						}
						if _, again := w.Finish(); again == nil {
							t.Error("a dead writer finished")
						}
						return err
					}
				}
				_, err = w.Finish()
				return err
			}()
			if hit := fs.Hits(rule) > 0; hit != (fault.KindOf(err) == fault.Full) || hit != (err != nil) {
				t.Errorf("%s %d: %v", kind, nth, err)
			}
			if err != nil && len(m.Names()) != 0 {
				t.Errorf("%s %d: left %v", kind, nth, m.Names())
			}
		}
	}
}

func TestFinishedSegmentSurvivesAPowerCut(t *testing.T) {
	m := vfs.NewMem()
	w, err := Create(m, "seg", testIdentity)
	ok(t, err)
	ok(t, w.Add([]byte("x"), Meta{Rows: 1}))
	if _, err := w.Finish(); err != nil {
		t.Fatal(err)
	}
	w.Abort() // harmless
	r, err := Open(m.CrashClone(nil, vfs.CrashLose), "seg", nil)
	ok(t, err)
	b, err := r.ReadBlock(0, nil)
	if err != nil || string(b) != "x" {
		t.Errorf("%q, %v", b, err)
	}
	if _, err := create(m, "empty", testIdentity, 1); err != nil {
		t.Fatal(err)
	}
	w, err = Create(m, "none", testIdentity)
	ok(t, err)
	if _, err := w.Finish(); fault.KindOf(err) != fault.Internal {
		t.Error(err)
	}
}

// FuzzOpen gives Open and Salvage any bytes: they do not panic, allocate no more than the
// file is long, and give no block but one that stands in the file under its checksum.
func FuzzOpen(f *testing.F) {
	good, _ := testSegment(f, 3)
	small, _ := testSegment(f, 1)
	f.Add(small)
	f.Add(good)
	f.Add(good[:len(good)-30])
	f.Add(bytes.Repeat([]byte(blockMagic), 200))
	f.Add([]byte{})
	flipped := bytes.Clone(good)
	flipped[150] ^= 2
	f.Add(flipped)
	f.Fuzz(func(t *testing.T, b []byte) {
		m := memOf(b)
		under := func(body []byte) {
			if !bytes.Contains(b, body) {
				t.Fatal("a block that is not in the file")
			}
		}
		if r, err := Open(m, "seg", nil); err == nil {
			for i := range r.Blocks() {
				if body, err := r.ReadBlock(i, nil); err == nil {
					under(body)
				}
			}
			if _, err := r.Verify(context.Background()); err != nil && fault.KindOf(err) != fault.Unsupported {
				t.Fatal(err)
			}
		} else if k := fault.KindOf(err); k != fault.Corrupt && k != fault.Unsupported {
			t.Fatal(err)
		}
		_, _, err := Salvage(m, "seg", func(body []byte, _ Meta) error { under(body); return nil })
		if err != nil && fault.KindOf(err) != fault.Unsupported {
			t.Fatal(err)
		}
	})
}

// A block of another segment, sound in itself, is not this one's: neither where a disk put it
// in the place of ours, nor inside ours.
func TestForeignBlocksAreNotRead(t *testing.T) {
	good, _ := testSegment(t, 2)
	foreign := appendBlockHeader(nil, blockHeader{fileID: 99, length: 10, crc: checksum([]byte("foreign...")), meta: testBlocks(1)[0].meta})
	foreign = append(foreign, "foreign..."...)
	r, err := Open(memOf(good), "seg", nil)
	ok(t, err)
	b := bytes.Clone(good)
	copy(b[r.entries[0].offset:], foreign)
	r, err = Open(memOf(b), "seg", nil)
	ok(t, err)
	if got, err := r.ReadBlock(0, nil); fault.KindOf(err) != fault.Corrupt {
		t.Errorf("%q, %v", got, err)
	}
	if found, _, _ := salvageAll(t, memOf(b)); !cmp.Equal(found, []int{1}) {
		t.Errorf("salvaged %v", found)
	}
}
