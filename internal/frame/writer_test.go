package frame

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/vfs"
)

// binaryFixHeader makes the first header's checksum right again.
func binaryFixHeader(b []byte) {
	binary.LittleEndian.PutUint32(b[36:], crc32.Checksum(b[:36], castagnoli))
}

func TestR12DeadWriterWritesNoMore(t *testing.T) {
	for name, rule := range map[string]*vfs.Rule{
		"write fails":       {Kind: vfs.OpWrite, Nth: 2, Err: vfs.EIO},
		"write is short":    {Kind: vfs.OpWrite, Nth: 2, Err: vfs.ENOSPC, Short: 20},
		"no room":           {Kind: vfs.OpReserve, Nth: 1, Err: vfs.ENOSPC},
		"room fails, late":  {Kind: vfs.OpReserve, Nth: 1, Err: vfs.EIO, Late: true},
		"sync fails":        {Kind: vfs.OpSync, Nth: 2, Err: vfs.EIO, DropUnsynced: true},
		"write fails, late": {Kind: vfs.OpWrite, Nth: 2, Err: vfs.EIO, Late: true},
	} {
		t.Run(name, func(t *testing.T) {
			m := vfs.NewMem()
			fs := vfs.NewFaulty(m)
			w, err := NewWriter(fs, "log", testHeader)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Append(Item{Kind: 1, Body: []byte("kept")}); err != nil {
				t.Fatal(err)
			}
			if err := w.Sync(); err != nil {
				t.Fatal(err)
			}
			fs.Add(rule)
			rule.Nth = 1
			_, err = w.Append(Item{Kind: 1, Body: []byte("refused")})
			if err == nil {
				err = w.Reserve(100)
			}
			if err == nil {
				err = w.Sync()
			}
			want := fault.IO
			if rule.Err == vfs.ENOSPC {
				want = fault.Full
			}
			if fault.KindOf(err) != want || w.Err() == nil || w.SyncedSequence() != 3 {
				t.Fatalf("%v, dead %v, synced %d", err, w.Err(), w.SyncedSequence())
			}
			before, _ := m.ReadFile("log")
			if _, err := w.Append(Item{Kind: 1, Body: []byte("more")}); fault.KindOf(err) != want || !strings.Contains(err.Error(), "not written again") {
				t.Errorf("append to the dead: %v", err)
			}
			if err := w.Reserve(1000); fault.KindOf(err) != want {
				t.Errorf("room in the dead: %v", err)
			}
			if err := w.Sync(); fault.KindOf(err) != want {
				t.Errorf("sync of the dead: %v", err)
			}
			if err := w.Close(); err != nil {
				t.Errorf("close of the dead: %v", err)
			}
			if after, _ := m.ReadFile("log"); !bytes.Equal(before, after) {
				t.Error("the file was written again")
			}
		})
	}
}

// TestRoomIsNoDamage: zeros behind the frames are a torn tail to those who read while there is room, and gone after Close.
func TestRoomIsNoDamage(t *testing.T) {
	m := vfs.NewMem()
	w, err := NewWriter(m, "log", testHeader)
	if err != nil {
		t.Fatal(err)
	}
	kinds := func() (frames, rooms int) {
		b, err := m.ReadFile("log")
		if err != nil {
			t.Fatal(err)
		}
		if _, r := scan(t, b); len(r.Damage) > 0 || r.End != w.Size() {
			t.Errorf("%+v", r)
		}
		err = Walk(bytes.NewReader(b), int64(len(b)), "log", func(f Found) error {
			switch {
			case f.Room && f.None && f.Bad == nil && f.Offset == w.Size() && f.Offset+f.Length == int64(len(b)):
				rooms++
			case f.None || f.Bad != nil:
				t.Errorf("%+v", f)
			default:
				frames++
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return frames, rooms
	}
	for i := range 5 {
		if _, err := w.Append(Item{Kind: 1, Body: []byte("frame")}); err != nil {
			t.Fatal(err)
		}
		if err := w.Reserve(200_000); err != nil {
			t.Fatal(err)
		}
		if err := w.Sync(); err != nil {
			t.Fatal(err)
		}
		if frames, rooms := kinds(); frames != 3+i || rooms != 1 {
			t.Errorf("after %d: %d frames, %d rooms", i+1, frames, rooms)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if frames, rooms := kinds(); frames != 8 || rooms != 0 {
		t.Errorf("closed: %d frames, %d rooms", frames, rooms)
	}
}

func TestNewWriterFailsCleanly(t *testing.T) {
	for _, kind := range []vfs.OpKind{vfs.OpCreate, vfs.OpWrite, vfs.OpSync, vfs.OpSyncDir} {
		m := vfs.NewMem()
		fs := vfs.NewFaulty(m)
		fs.Add(&vfs.Rule{Kind: kind, Err: vfs.ENOSPC})
		if _, err := NewWriter(fs, "log", testHeader); fault.KindOf(err) != fault.Full {
			t.Errorf("%s: %v", kind, err)
		}
		if n := m.Names(); len(n) != 0 {
			t.Errorf("%s: left %v", kind, n)
		}
		if _, err := NewWriter(fs, "log", testHeader); err != nil {
			t.Errorf("%s: the next try: %v", kind, err)
		}
	}
	for _, h := range []FileHeader{{}, {Format: strings.Repeat("x", 65)}, {Format: "x", Extra: make([]byte, MaxExtra+1)}} {
		if _, err := NewWriter(vfs.NewMem(), "log", h); fault.KindOf(err) != fault.Internal {
			t.Errorf("%+v: %v", h, err)
		}
	}
}

func TestNewWriterSurvivesAPowerCut(t *testing.T) {
	m := vfs.NewMem()
	if _, err := NewWriter(m, "log", testHeader); err != nil {
		t.Fatal(err)
	}
	b, err := m.CrashClone(nil, vfs.CrashLose).ReadFile("log")
	if err != nil {
		t.Fatal(err)
	}
	if h, err := ReadHeader(bytes.NewReader(b), int64(len(b)), "log"); err != nil || h.Number != testHeader.Number {
		t.Errorf("%+v, %v", h, err)
	}
}

func TestAppendRefusesWhatCannotBe(t *testing.T) {
	w, err := NewWriter(vfs.NewMem(), "log", testHeader)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Append(Item{Kind: 1, Body: make([]byte, MaxBody+1)}); fault.KindOf(err) != fault.TooLarge {
		t.Error(err)
	}
	if _, err := w.Append(Item{Kind: MaxKind + 1, Body: nil}); fault.KindOf(err) != fault.Internal {
		t.Error(err)
	}
	places, err := w.Append(Item{Kind: 1, Body: []byte("a")}, Item{Kind: 1, Body: []byte("bc")})
	if err != nil || places[1].Sequence != 4 || places[1].Offset != places[0].Offset+places[0].Length || places[0].Length != Overhead+1 {
		t.Errorf("a refusal does not kill: %+v, %v", places, err)
	}
	f, err := ReadAt(w.File(), w.Size(), "log", places[1].Offset)
	if err != nil || string(f.Body) != "bc" || f.Sequence != 4 || f.Synced != 2 {
		t.Errorf("%+v, %v", f, err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Append(); fault.KindOf(err) != fault.Closed {
		t.Error(err)
	}
}

// A power cut at every call: acknowledged ⊆ survived ⊆ written, in order, and never a report
// of damage.
func TestR10R13PowerCuts(t *testing.T) {
	const seed = 42
	rng := rand.New(rand.NewPCG(seed, 0))
	m := vfs.NewMem()
	acked, written := uint64(0), uint64(2)
	var clones int
	m.OnOp(func(vfs.Op) {
		for _, mode := range vfs.CrashModes() {
			for range 3 {
				clones++
				c := m.CrashClone(rng, mode)
				b, err := c.ReadFile("log")
				if err != nil {
					if acked > 0 {
						t.Fatalf("seed %d: the file is gone", seed)
					}
					continue
				}
				frames, r := scan(t, b)
				for i, f := range frames {
					if f.Sequence != uint64(i+3) || f.Body != strings.Repeat("b", int(f.Sequence)*5) {
						t.Fatalf("seed %d: frame %d is wrong", seed, f.Sequence)
					}
				}
				if n := uint64(len(frames)); len(r.Damage) > 0 || acked > 0 && (n+2 < acked || r.HeaderLost) || n+2 > written {
					t.Fatalf("seed %d, %s: %d frames, acknowledged %d, written %d, %v", seed, mode, n, acked, written, r.Damage)
				}
			}
		}
	})
	w, err := newWriter(m, "log", testHeader, testID)
	if err != nil {
		t.Fatal(err)
	}
	acked = 2
	for range 30 {
		var items []Item
		for range 1 + rng.IntN(4) {
			written++
			items = append(items, Item{Kind: uint8(written), Body: bytes.Repeat([]byte("b"), int(written)*5)})
		}
		if _, err := w.Append(items...); err != nil {
			t.Fatal(err)
		}
		if rng.IntN(4) == 0 {
			if err := w.Reserve(rng.Int64N(2000)); err != nil {
				t.Fatal(err)
			}
		}
		if rng.IntN(3) > 0 {
			if err := w.Sync(); err != nil {
				t.Fatal(err)
			}
			acked = written
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d crash points", clones)
}

func BenchmarkAppend(b *testing.B) {
	w, err := NewWriter(vfs.OS{Root: b.TempDir()}, "log", testHeader)
	if err != nil {
		b.Fatal(err)
	}
	body := make([]byte, 64<<10)
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if _, err := w.Append(Item{Kind: 1, Body: body}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkScan(b *testing.B) {
	m := vfs.NewMem()
	w, err := NewWriter(m, "log", testHeader)
	if err != nil {
		b.Fatal(err)
	}
	for range 1000 {
		if _, err := w.Append(Item{Kind: 1, Body: make([]byte, 16<<10)}); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(w.Size())
	for b.Loop() {
		if _, err := Scan(w.File(), w.Size(), "log", func(Frame) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}
