package event

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/stelehq/stele/internal/fault"
)

func anInstant() *rapid.Generator[int64] {
	return rapid.OneOf(rapid.Int64(), rapid.SampledFrom([]int64{math.MinInt64, -1, 0, 1, math.MaxInt64}))
}

func TestR1KeysOrderByInstantThenArrival(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		i, j := anInstant().Draw(t, "i"), anInstant().Draw(t, "j")
		if rapid.Bool().Draw(t, "same instant") {
			j = i
		}
		m, n := rapid.Uint64().Draw(t, "m"), rapid.Uint64().Draw(t, "n")
		a, b := MakeKey(i, m), MakeKey(j, n)
		want := 0
		switch {
		case i < j || i == j && m < n:
			want = -1
		case i > j || i == j && m > n:
			want = 1
		}
		if got := a.Compare(b); got != want {
			t.Fatalf("(%d, %d) against (%d, %d): %d, want %d", i, m, j, n, got, want)
		}
		if slices.Compare(a[:], b[:]) != want || strings.Compare(a.String(), b.String()) != want {
			t.Fatal("bytes or texts are ordered otherwise")
		}
		if a.Instant() != i || a.Arrival() != m || a.Time().UnixNano() != i {
			t.Fatalf("MakeKey(%d, %d) gives back (%d, %d)", i, m, a.Instant(), a.Arrival())
		}
		if MinKey.Compare(a) > 0 || MaxKey.Compare(a) < 0 {
			t.Fatal("MinKey and MaxKey do not bound it")
		}
	})
}

func TestR1TextForm(t *testing.T) {
	for text, k := range map[string]Key{
		"event-80000000000000000000000000000000": MakeKey(0, 0),
		"event-7fffffffffffffff0000010000000001": MakeKey(-1, ArrivalOf(1, 1)),
		"event-ffffffffffffffffffffffffffffffff": MakeKey(math.MaxInt64, math.MaxUint64),
		"event-00000000000000000000000000000000": MakeKey(math.MinInt64, 0),
	} {
		if k.String() != text {
			t.Errorf("%v is written %s, want %s", [16]byte(k), k, text)
		}
		if back, err := ParseKey(text); err != nil || back != k {
			t.Errorf("ParseKey(%s) = %v, %v", text, back, err)
		}
	}
	if k, err := ParseKey("event-" + strings.Repeat("AbCdEf01", 4)); err != nil || k.String() != "event-"+strings.Repeat("abcdef01", 4) {
		t.Errorf("upper case: %v, %v", k, err)
	}
	for _, bad := range []string{"", "event-", "event-80", "80000000000000000000000000000000", "event-8000000000000000000000000000000g",
		"event-800000000000000000000000000000000", "Event-80000000000000000000000000000000", strings.Repeat("x", 1000)} {
		_, err := ParseKey(bad)
		if !errors.Is(err, fault.Invalid) || len(err.Error()) > 300 {
			t.Errorf("ParseKey(%.40q) = %v", bad, err)
		}
	}
}

func TestR2ArrivalIsEpochThenCounter(t *testing.T) {
	if n := ArrivalOf(1, 0); n != 1<<40 {
		t.Errorf("epoch 1 begins at %d", n)
	}
	if n := ArrivalOf(MaxEpoch, MaxCounter); n != math.MaxUint64 {
		t.Errorf("the last arrival number is %d", n)
	}
	if n := ArrivalOf(2, MaxCounter+6); n != 2<<40|5 {
		t.Errorf("a counter that ran over reached the epoch: %x", n)
	}
	rapid.Check(t, func(t *rapid.T) {
		epoch := rapid.Uint32Range(0, MaxEpoch-1).Draw(t, "epoch")
		low := rapid.Uint64Range(0, MaxCounter).Draw(t, "counter")
		high := rapid.Uint64Range(0, MaxCounter).Draw(t, "counter of the next epoch")
		if ArrivalOf(epoch, low) >= ArrivalOf(epoch+1, high) {
			t.Fatal("a later epoch's number is not higher")
		}
		if low > 0 && ArrivalOf(epoch, low-1) >= ArrivalOf(epoch, low) {
			t.Fatal("a later counter's number is not higher")
		}
	})
}

// Readers compare keys for every event.
func TestCompareAllocatesNothing(t *testing.T) {
	a, b := MakeKey(1, 2), MakeKey(1, 3)
	var escapes int
	if n := testing.AllocsPerRun(100, func() { escapes += a.Compare(b) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
