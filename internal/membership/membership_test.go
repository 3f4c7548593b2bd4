package membership_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/membership"
	"github.com/stelehq/stele/internal/testkit"
)

// setsOf makes sets of so many texts each, named a, b, ….
func setsOf(t testing.TB, counts ...int) []byte {
	var b membership.Builder
	for i, n := range counts {
		var keys []uint64
		for k := range n {
			keys = append(keys, membership.Key(fmt.Appendf(nil, "%d of %d", k, i)))
		}
		keys = append(keys, keys...) // the same twice
		if !b.Add(string(rune('a'+i)), keys) {
			t.Fatalf("no set of %d", n)
		}
	}
	return b.Append(nil)
}

func excludes(t testing.TB, sets []byte, name, text string) bool {
	out, err := membership.Excludes(bytes.NewReader(sets), int64(len(sets)), name, text)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// A text that is in a set is never excluded; of others one in 256 is not.
func TestNoTextOfASetIsExcluded(t *testing.T) {
	counts := []int{2, 3, 4, 7, 100, 1000, 4096, 40000}
	sets := setsOf(t, counts...)
	if most := 47109 * 3 / 2; len(sets) > most {
		t.Errorf("%d bytes", len(sets))
	}
	for i, n := range counts {
		name := string(rune('a' + i))
		for k := range n {
			if text := fmt.Sprintf("%d of %d", k, i); excludes(t, sets, name, text) {
				t.Fatalf("%q is excluded from the set of %d", text, n)
			}
			if k == 2000 {
				break // Excludes reads the set each time
			}
		}
		wrong := 0
		for k := range 1000 {
			if !excludes(t, sets, name, fmt.Sprintf("other %d", k)) {
				wrong++
			}
		}
		if n >= 1000 && wrong > 20 {
			t.Errorf("%d of 1,000 other texts seem to be in the set of %d", wrong, n)
		}
	}
	if excludes(t, sets, "z", "1 of 1") || excludes(t, sets, "", "1 of 1") {
		t.Error("a set that is not there excludes")
	}
}

func TestNoSets(t *testing.T) {
	var b membership.Builder
	if b.Add("a", nil) || b.Add("a", []uint64{7, 7}) {
		t.Error("a set of nearly nothing")
	}
	if out := b.Append([]byte("x")); string(out) != "x" {
		t.Errorf("%q", out)
	}
	if !b.Add("a", []uint64{7, 8}) || b.Add(strings.Repeat("a", 2<<20), []uint64{7, 8}) {
		t.Error("a name without bounds, or none")
	}
	if sets := b.Append(nil); membership.Check(bytes.NewReader(sets), int64(len(sets))) != nil || len(b.Append(nil)) > 0 {
		t.Error("what was appended is not forgotten, or bad")
	}
}

// Every byte counts.
func TestDamagedSets(t *testing.T) {
	sets := setsOf(t, 20, 100)
	check := func(b []byte) error { return membership.Check(bytes.NewReader(b), int64(len(b))) }
	if err := check(sets); err != nil {
		t.Fatal(err)
	}
	for i := range sets {
		for _, bit := range []byte{1, 16, 128} {
			sets[i] ^= bit
			if err := check(sets); !errors.Is(err, fault.Corrupt) {
				t.Errorf("byte %d: %v", i, err)
			}
			sets[i] ^= bit
		}
		if err := check(sets[:i]); !errors.Is(err, fault.Corrupt) {
			t.Errorf("%d of %d bytes: %v", i, len(sets), err)
		}
	}
	if err := check(append(sets, 0)); !errors.Is(err, fault.Corrupt) {
		t.Errorf("a byte more: %v", err)
	}
	if err := membership.Check(bytes.NewReader(sets), int64(len(sets)+9)); !errors.Is(err, fault.IO) {
		t.Errorf("sets that end early: %v", err)
	}
}

// TestSetsOfTheFormat holds the bytes.
func TestSetsOfTheFormat(t *testing.T) {
	var b membership.Builder
	b.Add("id", []uint64{membership.Key([]byte("one")), membership.Key([]byte("two"))})
	const want = "1200000001026964c15c0289ec2d0a9102013bd486a1e289d8ed000000000000000000bf8200"
	if got := hex.EncodeToString(b.Append(nil)); got != want {
		t.Errorf("%s, expected %s", got, want)
	}
}

func FuzzExcludes(f *testing.F) {
	f.Add(setsOf(f, 2))
	f.Add(setsOf(f, 5, 2))
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, seed []byte) {
		testkit.Soak(t, seed, func(data []byte) {
			src, size := bytes.NewReader(data), int64(len(data))
			_, err := membership.Excludes(src, size, "a", "text")
			names, sizes, headErr := membership.Names(src, size)
			for _, e := range []error{err, headErr, membership.Check(src, size)} {
				if e != nil && !errors.Is(e, fault.Corrupt) {
					t.Fatal(e)
				}
			}
			for i := range names {
				if sizes[i] > size {
					t.Fatalf("%q has %d of %d bytes", names[i], sizes[i], size)
				}
			}
		})
	})
}
