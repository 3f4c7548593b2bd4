package block

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
)

// A touchy source counts what is read of it, and fails from some call on.
type touchy struct {
	data  []byte
	mu    sync.Mutex
	calls int
	bytes int
	fail  int // the call that fails, counted from 1; 0: none
}

var errDisk = errors.New("the disk is tired")

func (s *touchy) ReadAt(p []byte, off int64) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	if s.calls == s.fail {
		return 0, errDisk
	}
	n, err := bytes.NewReader(s.data).ReadAt(p, off)
	s.bytes += n
	return n, err
}

// beginning is what was read of a block before it is opened.
func beginning(data []byte) []byte { return data[:min(len(data), 1<<10)] }

func encodedAs(t testing.TB, events [][]byte, codec Codec) (data []byte, base uint64) {
	t.Helper()
	b := build(t, events)
	return b.Encode(nil, codec)
}

// A block that is there in part answers as one that is there whole, and reads no more than it has to.
func TestPartsOfABlock(t *testing.T) {
	for _, events := range [][][]byte{smallEvents, manyEvents(20000), variedEvents(rand.New(rand.NewPCG(1, 2)), 3000)} {
		for _, codec := range []Codec{Fast, Thorough} {
			data, base := encodedAs(t, events, codec)
			whole, err := Open(data, base)
			if err != nil {
				t.Fatal(err)
			}
			want, err := readAll(whole)
			if err != nil {
				t.Fatal(err)
			}
			src := &touchy{data: data}
			b, err := OpenPart(beginning(data), src, len(data), base)
			if err != nil {
				t.Fatal(err)
			}
			if b.Rows() != whole.Rows() {
				t.Fatalf("%d rows, expected %d", b.Rows(), whole.Rows())
			}
			var v, other Vector
			for _, path := range [][]string{{"Id"}, {"A"}, {"o", "x"}, {"@t"}, {"N"}} {
				if err := b.Gather(path, nil, &v); err != nil {
					t.Fatal(err)
				}
				if err := whole.Gather(path, nil, &other); err != nil {
					t.Fatal(err)
				}
				for row, class := range v.Codes {
					got, err := v.Value(class)
					if err != nil {
						t.Fatal(err)
					}
					if expected, _ := other.Value(other.Codes[row]); got.String() != expected.String() {
						t.Fatalf("%v, row %d: %v, expected %v", path, row, got, expected)
					}
				}
			}
			if err := b.LoadKeys(); err != nil || b.Key(0) != whole.Key(0) {
				t.Fatalf("key %v, expected %v: %v", b.Key(0), whole.Key(0), err)
			}
			if err := b.Fetch(); err != nil {
				t.Fatal(err)
			}
			calls := src.calls
			got, err := readAll(b)
			if err != nil || strings.Join(got, "\n") != strings.Join(want, "\n") {
				t.Fatalf("read in parts the block holds other events: %v", err)
			}
			if src.calls != calls || b.Broken() {
				t.Errorf("%d calls after all had been read; broken: %v", src.calls-calls, b.Broken())
			}
		}
	}
}

func TestOneColumnOfABlockIsReadAlone(t *testing.T) {
	data, base := encodedAs(t, manyEvents(20000), Thorough)
	src := &touchy{data: data}
	b, err := OpenPart(beginning(data), src, len(data), base)
	if err != nil {
		t.Fatal(err)
	}
	var v Vector
	if err := b.Gather([]string{"Elapsed"}, nil, &v); err != nil {
		t.Fatal(err)
	}
	if src.bytes > len(data)/2 {
		t.Errorf("read %d of %d bytes for one column of three", src.bytes, len(data))
	}
}

// What follows from the schema alone needs no shapes, and instants need none; of damaged ones is told when they are needed.
func TestShapesAreReadWhenTheyAreNeeded(t *testing.T) {
	events := manyEvents(20000)
	for i := range events {
		for _, name := range []string{"A", "B", "C"} {
			if rand.IntN(2) == 0 {
				events[i] = fmt.Appendf(events[i][:len(events[i])-1], `,%q:%d}`, name, i)
			}
		}
	}
	data, base := encodedAs(t, events, Thorough)
	whole, err := Open(data, base)
	if err != nil {
		t.Fatal(err)
	}
	shapes := &whole.sections[whole.payloads[payloadShapes].section]
	damaged := bytes.Clone(data)
	damaged[shapes.at+int(shapes.bytes)/2] ^= 1
	anything := func(event.Value) bool { return true }
	for _, data := range [][]byte{data, damaged} {
		src := &touchy{data: data}
		b, err := OpenPart(beginning(data), src, len(data), base)
		if err != nil {
			t.Fatal(err)
		}
		calls := src.calls
		none, left, err := b.Test(&Test{Path: []string{"nowhere"}, Holds: func(v event.Value) bool { return v.Kind != event.Undefined }})
		if none.Any() || left.Any() || err != nil {
			t.Errorf("%d rows have what is nowhere, %d may have: %v", none.Count(), left.Count(), err)
		}
		all, left, err := b.Test(&Test{Path: []string{"@t"}, Holds: anything, Kinds: true})
		if all.Count() != b.Rows() || left.Any() || err != nil {
			t.Errorf("%d of %d rows have a time, %d more may have: %v", all.Count(), b.Rows(), left.Count(), err)
		}
		if src.calls > calls {
			t.Errorf("%d reads for what the schema tells", src.calls-calls)
		}
		if err := b.LoadInstants(); err != nil || src.calls > calls+1 {
			t.Errorf("%d reads for the instants: %v", src.calls-calls, err)
		}
		if row := b.SearchInstant(whole.Instant(15000)); b.Instant(row) != whole.Instant(15000) || row > 15000 {
			t.Errorf("row %d is found, expected 15000 or one of the same instant", row)
		}
		var v Vector
		if err := b.Gather([]string{"B"}, nil, &v); (err != nil) != b.Broken() || (err == nil) != (&data[0] != &damaged[0]) {
			t.Errorf("values by shapes: %v, broken: %v", err, b.Broken())
		}
		if v.Rest.Any() != b.Broken() {
			t.Errorf("%d rows are left", v.Rest.Count())
		}
	}
}

// Whichever byte is damaged: what is read says so, or is as it was.
func TestDamageInPartsOfABlock(t *testing.T) {
	data, base := encodedAs(t, manyEvents(6000), Thorough)
	whole, err := Open(data, base)
	if err != nil {
		t.Fatal(err)
	}
	part, err := OpenPart(beginning(data), &touchy{data: data}, len(data), base)
	if err != nil {
		t.Fatal(err)
	}
	end := len(data) - part.part.sets // these have checksums of their own, for who asks them
	for at := 0; at < end; at += max(1, end/400) {
		bad := bytes.Clone(data)
		bad[at] ^= 0x10
		b, err := OpenPart(beginning(bad), &touchy{data: bad}, len(bad), base)
		if err != nil {
			continue
		}
		broken := false
		for _, path := range [][]string{{"Id"}, {"Elapsed"}, {"N"}} {
			f, want := b.Field(path...), whole.Field(path...)
			for _, row := range []int{0, 1, 3000, 5999} {
				got, err := f.Value(row)
				if err != nil {
					broken = true
					continue
				}
				if expected, _ := want.Value(row); got.String() != expected.String() {
					t.Fatalf("byte %d: %v of row %d is %v, expected %v", at, path, row, got, expected)
				}
			}
		}
		if err := b.Fetch(); err == nil {
			t.Errorf("byte %d: nothing was found", at)
		} else if !errors.Is(err, fault.Corrupt) {
			t.Errorf("byte %d: %v", at, err)
		} else {
			broken = true
		}
		if broken != b.Broken() {
			t.Errorf("byte %d: broken is %v", at, b.Broken())
		}
	}
	for n := range len(data) / 100 {
		short := data[:n*100]
		if b, err := OpenPart(beginning(short), &touchy{data: short}, len(data), base); err == nil {
			if err := b.Fetch(); !errors.Is(err, fault.Corrupt) {
				t.Errorf("cut after %d: %v", len(short), err)
			}
		}
	}
}

// A read that fails breaks this block, and no other that is opened after it.
func TestReadsThatFailInPartsOfABlock(t *testing.T) {
	data, base := encodedAs(t, manyEvents(6000), Thorough)
	use := func(src io.ReaderAt) (*Block, error) {
		b, err := OpenPart(beginning(data), src, len(data), base)
		if err != nil {
			return nil, err
		}
		if _, err := b.Lookup(5, "Id"); err != nil {
			return b, err
		}
		if err := b.LoadKeys(); err != nil {
			return b, err
		}
		return b, b.Fetch()
	}
	src := &touchy{data: data}
	if _, err := use(src); err != nil {
		t.Fatal(err)
	}
	for call := range src.calls {
		b, err := use(&touchy{data: data, fail: call + 1})
		if !errors.Is(err, errDisk) || fault.KindOf(err) != fault.IO {
			t.Errorf("call %d: %v", call, err)
		}
		if b != nil && !b.Broken() {
			t.Errorf("call %d: the block is not broken", call)
		}
	}
}

func TestPartsOfABlockForMany(t *testing.T) {
	data, base := encodedAs(t, manyEvents(6000), Thorough)
	whole, err := Open(data, base)
	if err != nil {
		t.Fatal(err)
	}
	b, err := OpenPart(beginning(data), &touchy{data: data}, len(data), base)
	if err != nil {
		t.Fatal(err)
	}
	var done sync.WaitGroup
	for worker := range 8 {
		done.Go(func() {
			for i := range 20 {
				if worker == 3 && i == 10 {
					if err := b.Fetch(); err != nil {
						t.Error(err)
					}
				}
				row := (worker*997 + i*131) % b.Rows()
				path := []string{"Id", "Elapsed", "N", "@t"}[(worker+i)%4]
				got, err := b.Lookup(row, path)
				if err != nil {
					t.Error(err)
				}
				if want, _ := whole.Lookup(row, path); got.String() != want.String() || got.Kind == event.Undefined {
					t.Errorf("%s of row %d is %v, expected %v", path, row, got, want)
				}
			}
		})
	}
	done.Wait()
}
