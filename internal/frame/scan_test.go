package frame

import (
	"bytes"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/vfs"
)

var update = flag.Bool("update", false, "write the golden files")

const testID = 0x1122334455667788

var testHeader = FileHeader{Format: "stele test", Version: 3, StoreID: [16]byte{1, 2, 15: 16}, Number: 7, Extra: []byte("ex")}

// testLog writes groups of frames, each group synced, and returns the file's bytes.
func testLog(t testing.TB, closing bool, groups ...[]Item) []byte {
	t.Helper()
	return logOf(t, testID, closing, groups...)
}

func logOf(t testing.TB, id uint64, closing bool, groups ...[]Item) []byte {
	t.Helper()
	fs := vfs.NewMem()
	w, err := newWriter(fs, "log", testHeader, id)
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range groups {
		if _, err := w.Append(g...); err != nil {
			t.Fatal(err)
		}
		if err := w.Sync(); err != nil {
			t.Fatal(err)
		}
	}
	if closing {
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	b, err := fs.ReadFile("log")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

type got struct {
	Sequence uint64
	Kind     uint8
	Body     string
}

func scan(t testing.TB, b []byte) ([]got, Result) {
	t.Helper()
	var frames []got
	r, err := Scan(bytes.NewReader(b), int64(len(b)), "log", func(f Frame) error {
		frames = append(frames, got{f.Sequence, f.Kind, string(f.Body)})
		again, err := ReadAt(bytes.NewReader(b), int64(len(b)), "log", f.Offset)
		if err != nil || again.Sequence != f.Sequence || !bytes.Equal(again.Body, f.Body) || again.Length != f.Length {
			t.Fatalf("ReadAt of frame %d: %+v, %v", f.Sequence, again, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return frames, r
}

var smallGroups = [][]Item{
	{{Kind: 1, Body: []byte("first")}},
	{{Kind: 2, Body: []byte("second")}, {Kind: 3}},
	{{Kind: 1, Body: []byte("fourth, "), More: [][]byte{[]byte("STLF"), nil, []byte(" inside")}}},
}

var smallFrames = []got{{3, 1, "first"}, {4, 2, "second"}, {5, 3, ""}, {6, 1, "fourth, STLF inside"}}

func TestGoldenBytes(t *testing.T) {
	dump := hex.Dump(testLog(t, true, smallGroups...))
	const name = "testdata/log.hex"
	if *update {
		if err := os.WriteFile(name, []byte(dump), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(dump, "\n")); diff != "" {
		t.Errorf("the format has changed (R18: raise its version): %s", diff)
	}
}

func TestScanReadsWhatWasWritten(t *testing.T) {
	for _, closing := range []bool{false, true} {
		b := testLog(t, closing, smallGroups...)
		frames, r := scan(t, b)
		if diff := cmp.Diff(smallFrames, frames); diff != "" {
			t.Error(diff)
		}
		// The closing mark does not count: it is not waited for.
		want := Result{Header: testHeader, End: int64(len(b)), LastSequence: 6}
		if diff := cmp.Diff(want, r); diff != "" {
			t.Error(diff)
		}
		h, err := ReadHeader(bytes.NewReader(b), int64(len(b)), "log")
		if err != nil || !cmp.Equal(h, testHeader) {
			t.Errorf("header %+v, %v", h, err)
		}
	}
}

func TestScanLargeAndManyFrames(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var groups [][]Item
	var want []got
	for i := range 300 {
		n := rng.IntN(3000)
		if i%50 == 0 {
			n = copyBelow + rng.IntN(copyBelow)
		}
		body := make([]byte, n)
		for j := range body {
			body[j] = byte(rng.Uint32())
		}
		groups = append(groups, []Item{{Kind: uint8(i % 200), Body: body}})
		want = append(want, got{uint64(i + 3), uint8(i % 200), string(body)})
	}
	frames, r := scan(t, testLog(t, false, groups...))
	if !cmp.Equal(want, frames) || r.Torn || len(r.Damage) > 0 {
		t.Errorf("%d frames, %+v", len(frames), r)
	}
}

// frameAt says which frame (1..) each byte of the log belongs to, the header's copies included.
func frameAt(t testing.TB, b []byte) []uint64 {
	owner := make([]uint64, len(b))
	for at := int64(0); at < int64(len(b)); {
		f, err := ReadAt(bytes.NewReader(b), int64(len(b)), "log", at)
		if err != nil {
			t.Fatal(err)
		}
		for i := range f.Length {
			owner[at+i] = f.Sequence
		}
		at += f.Length
	}
	return owner
}

func TestR13FrameDamageLosesThatFrameAlone(t *testing.T) {
	for _, closing := range []bool{false, true} {
		good := testLog(t, closing, smallGroups...)
		owner := frameAt(t, good)
		last := owner[len(owner)-1]
		for bit := range len(good) * 8 {
			b := bytes.Clone(good)
			b[bit/8] ^= 1 << (bit % 8)
			hit := owner[bit/8]
			frames, r := scan(t, b)
			var want []got
			for _, f := range smallFrames {
				if f.Sequence != hit {
					want = append(want, f)
				}
			}
			if diff := cmp.Diff(want, frames); diff != "" {
				t.Fatalf("bit %d of frame %d: %s", bit, hit, diff)
			}
			if r.HeaderLost || !cmp.Equal(r.Header, testHeader) {
				t.Fatalf("bit %d of frame %d: the header is lost", bit, hit)
			}
			if hit == last {
				// Nothing after it says that it was durable: a torn tail.
				if !r.Torn || len(r.Damage) != 0 {
					t.Fatalf("bit %d of the last frame: %+v", bit, r)
				}
				continue
			}
			if r.Torn || len(r.Damage) != 1 || r.Lost != 1 {
				t.Fatalf("bit %d of frame %d: %+v", bit, hit, r)
			}
			d := r.Damage[0]
			inside := d.Offset >= 0 && d.Offset < int64(len(b)) && owner[d.Offset] == hit
			if d.Kind != fault.Corrupt || d.File != "log" || !inside || !strings.Contains(d.Error(), fmt.Sprintf("frame %d is lost", hit)) || !strings.Contains(d.Error(), "expected") {
				t.Fatalf("bit %d of frame %d: %v", bit, hit, d)
			}
		}
	}
}

func TestR13TruncationIsATornTail(t *testing.T) {
	good := testLog(t, true, smallGroups...)
	owner := frameAt(t, good)
	for n := range len(good) {
		frames, r := scan(t, good[:n])
		var want []got
		for _, f := range smallFrames {
			if n == len(good) || owner[n] > f.Sequence {
				want = append(want, f)
			}
		}
		if diff := cmp.Diff(want, frames); diff != "" || len(r.Damage) != 0 || r.Torn != (r.End < int64(n)) {
			t.Fatalf("%d bytes: %+v %s", n, r, diff)
		}
		for _, tail := range []byte{0, 0xff, 'S'} {
			b := append(bytes.Clone(good[:n]), bytes.Repeat([]byte{tail}, 100)...)
			// A tail can by chance be what stood there.
			if bytes.HasPrefix(b, good[:min(n+100, len(good))]) {
				continue
			}
			again, r2 := scan(t, b)
			if diff := cmp.Diff(frames, again); diff != "" || len(r2.Damage) != 0 || !r2.Torn || r2.End != r.End {
				t.Fatalf("%d bytes and a tail of %d: %+v %s", n, tail, r2, diff)
			}
		}
	}
}

func TestR13HoleAfterTheLastSyncEndsReading(t *testing.T) {
	good := testLog(t, false, []Item{{Kind: 1, Body: []byte("acknowledged")}},
		[]Item{{Kind: 1, Body: []byte("in flight a")}, {Kind: 1, Body: []byte("in flight b")}, {Kind: 1, Body: []byte("in flight c")}})
	owner := frameAt(t, good)
	for i := range good {
		if owner[i] != 5 { // in flight b
			continue
		}
		b := bytes.Clone(good)
		b[i] ^= 0x10
		frames, r := scan(t, b)
		want := []got{{3, 1, "acknowledged"}, {4, 1, "in flight a"}}
		if diff := cmp.Diff(want, frames); diff != "" || !r.Torn || len(r.Damage) != 0 || r.LastSequence != 4 {
			t.Fatalf("byte %d: %+v %s", i, r, diff)
		}
	}
}

func TestR13LongStretchesOfDamage(t *testing.T) {
	var groups [][]Item
	for i := range 40 {
		groups = append(groups, []Item{{Kind: 1, Body: fmt.Appendf(nil, "frame %d %s", i+3, strings.Repeat("x", i*7))}})
	}
	good := testLog(t, true, groups...)
	owner := frameAt(t, good)
	rng := rand.New(rand.NewPCG(3, 4))
	for range 2000 {
		b := bytes.Clone(good)
		from := rng.IntN(len(b))
		to := min(from+1+rng.IntN(len(b)/2), len(b))
		what := rng.IntN(4)
		switch what {
		case 0:
			clear(b[from:to])
		case 1:
			for i := from; i < to; i++ {
				b[i] = byte(rng.Uint32())
			}
		case 2: // the bytes are gone
			b = append(b[:from], b[to:]...)
		case 3: // bytes come twice
			b = append(b[:to:to], good[from:]...)
		}
		frames, r := scan(t, b)
		lost := map[uint64]bool{owner[from]: true} // broken up even when bytes come twice
		if what < 3 {
			for i := from; i < to; i++ {
				lost[owner[i]] = true
			}
		}
		have := map[uint64]bool{}
		for _, f := range frames {
			if have[f.Sequence] || f.Body != string(groups[f.Sequence-3][0].Body) {
				t.Fatalf("frame %d is wrong", f.Sequence)
			}
			have[f.Sequence] = true
		}
		for s := uint64(3); s < 43; s++ {
			if !have[s] && !lost[s] {
				t.Fatalf("case %d: frame %d is gone with bytes %d to %d, frames %d to %d: %v", what, s, from, to, owner[from], owner[to-1], r.Damage)
			}
		}
		cutAtFrame := what == 2 && to == len(good) // a file that merely ends earlier tells nothing
		if int(r.Lost) < 40-len(frames)-1 && !r.Torn && !r.HeaderLost && !cutAtFrame {
			t.Fatalf("case %d: %d frames, %d lost, not torn", what, len(frames), r.Lost)
		}
	}
}

func TestForeignFramesAreNotRead(t *testing.T) {
	// Bodies that hold whole frames of another file, in a log whose own frames are damaged.
	forged := logOf(t, testID+1, true, []Item{{Kind: 9, Body: []byte("forged")}})
	good := testLog(t, false, []Item{{Kind: 1, Body: []byte("a")}}, []Item{{Kind: 1, Body: forged}}, []Item{{Kind: 1, Body: []byte("b")}})
	owner := frameAt(t, good)
	for i := range good {
		if owner[i] != 4 {
			continue
		}
		b := bytes.Clone(good)
		b[i] ^= 1
		frames, r := scan(t, b)
		if diff := cmp.Diff([]got{{3, 1, "a"}, {5, 1, "b"}}, frames); diff != "" || len(r.Damage) != 1 {
			t.Fatalf("byte %d: %s", i, diff)
		}
	}
}

func TestBothHeadersLost(t *testing.T) {
	b := testLog(t, true, smallGroups...)
	owner := frameAt(t, b)
	for i := range b {
		if owner[i] < 3 {
			b[i] = 0
		}
	}
	frames, r := scan(t, b)
	if diff := cmp.Diff(smallFrames, frames); diff != "" || !r.HeaderLost || r.Lost != 2 || len(r.Damage) != 1 {
		t.Errorf("%+v %s", r, diff)
	}
	if _, err := ReadHeader(bytes.NewReader(b), int64(len(b)), "log"); fault.KindOf(err) != fault.Corrupt {
		t.Error(err)
	}
	_, r = scan(t, make([]byte, longestPreamble+1))
	if len(r.Damage) != 1 || r.Torn {
		t.Errorf("a large file of zeros: %+v", r)
	}
	_, r = scan(t, make([]byte, longestPreamble))
	if len(r.Damage) != 0 || !r.Torn || !r.HeaderLost {
		t.Errorf("a small file of zeros: %+v", r)
	}
}

func TestR18NewerFrameFormatIsRefusedByName(t *testing.T) {
	b := testLog(t, true, smallGroups...)
	b[5] = 2
	binaryFixHeader(b)
	_, err := Scan(bytes.NewReader(b), int64(len(b)), "log", nil)
	if fault.KindOf(err) != fault.Unsupported || !strings.Contains(err.Error(), "frame format 2") {
		t.Error(err)
	}
	if _, err := ReadHeader(bytes.NewReader(b), int64(len(b)), "log"); fault.KindOf(err) != fault.Unsupported {
		t.Error(err)
	}
	if _, err := ReadAt(bytes.NewReader(b), int64(len(b)), "log", 0); fault.KindOf(err) != fault.Unsupported {
		t.Error(err)
	}
}

func TestScanStopsWhenToldTo(t *testing.T) {
	b := testLog(t, true, smallGroups...)
	stop := errors.New("stop")
	n := 0
	_, err := Scan(bytes.NewReader(b), int64(len(b)), "log", func(Frame) error { n++; return stop })
	if !errors.Is(err, stop) || n != 1 {
		t.Errorf("%d, %v", n, err)
	}
}

func TestScanReportsFailingReads(t *testing.T) {
	m := vfs.NewMem()
	m.WriteFile("log", testLog(t, true, smallGroups...))
	fs := vfs.NewFaulty(m)
	fs.Add(&vfs.Rule{Kind: vfs.OpReadAt, Err: vfs.EIO, Forever: true})
	f, err := fs.Open("log")
	if err != nil {
		t.Fatal(err)
	}
	size, _ := f.Size()
	if _, err := Scan(f, size, "log", nil); fault.KindOf(err) != fault.IO {
		t.Error(err)
	}
	// A file that is shorter than its size says is damage, and no endless loop.
	b := testLog(t, true, smallGroups...)
	if _, err := Scan(bytes.NewReader(b), int64(len(b))+10, "log", func(Frame) error { return nil }); fault.KindOf(err) != fault.Corrupt {
		t.Error(err)
	}
}

func TestReadAtRefusesNonsense(t *testing.T) {
	b := testLog(t, true, smallGroups...)
	owner := frameAt(t, b)
	for at := int64(-1); at <= int64(len(b))+1; at++ {
		f, err := ReadAt(bytes.NewReader(b), int64(len(b)), "log", at)
		starts := at == 0 || at > 0 && at < int64(len(b)) && owner[at] != owner[at-1]
		if starts != (err == nil) || err != nil && fault.KindOf(err) != fault.Corrupt {
			t.Errorf("at %d: %+v, %v", at, f, err)
		}
	}
}

// The last frame's body is damaged and so is the one before, which the last one's header
// still knows to be durable.
func TestR13DamageAtTheVeryEnd(t *testing.T) {
	b := testLog(t, false, []Item{{Kind: 1, Body: []byte("a")}}, []Item{{Kind: 1, Body: []byte("b")}}, []Item{{Kind: 1, Body: []byte("c")}})
	owner := frameAt(t, b)
	for i := range b {
		if next := i + crcSize + 1; owner[i] > 3 && (next == len(b) || next < len(b) && owner[next] != owner[i]) {
			b[i] ^= 1 // the one byte of the body
		}
	}
	frames, r := scan(t, b)
	if diff := cmp.Diff([]got{{3, 1, "a"}}, frames); diff != "" || r.Lost != 1 || len(r.Damage) != 1 || !r.Torn {
		t.Errorf("%+v %s", r, diff)
	}
}
