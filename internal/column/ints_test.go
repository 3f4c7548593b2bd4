package column

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/stelehq/stele/internal/fault"
)

// roundTrip writes values with an encoder and reads them back.
func roundTrip(t testing.TB, e *Encoder, values []int64, c *Choice) (size int) {
	t.Helper()
	data := e.Ints([]byte("before"), values, c)
	v, rest, err := ReadInts(append(data, "behind"...)[len("before"):], len(values), AnyInt, nil)
	if err != nil || string(rest) != "behind" {
		t.Fatalf("%d values: %v, %q is left", len(values), err, rest)
	}
	got := make([]int64, len(values))
	v.Fill(got, 0)
	if !slices.Equal(got, values) {
		t.Fatalf("wrote %v, read %v", values, got)
	}
	for i := len(values) - 1; i >= 0; i -= 1 + len(values)/50 {
		if v.At(i) != values[i] {
			t.Fatalf("value %d is %d, expected %d", i, v.At(i), values[i])
		}
	}
	return len(data) - len("before")
}

func TestIntsComeBack(t *testing.T) {
	for _, effort := range []Effort{Fast, Thorough} {
		e := &Encoder{Effort: effort}
		for _, values := range [][]int64{
			nil, {0}, {-1}, {math.MinInt64}, {math.MaxInt64}, {math.MinInt64, math.MaxInt64}, {math.MaxInt64, math.MinInt64, 0},
			{7, 7, 7, 7}, {1, 2, 3, 4, 5}, {0, 255}, {0, 256}, {-1, 65535}, {0, 1 << 24, 5}, {1 << 40, 0, 3}, {1 << 50, 1<<50 + 1},
		} {
			roundTrip(t, e, values, nil)
		}
	}
	rapid.Check(t, func(r *rapid.T) {
		e := &Encoder{Effort: Effort(rapid.IntRange(0, 1).Draw(r, "effort"))}
		roundTrip(t, e, rapid.SliceOf(rapid.Int64()).Draw(r, "values"), nil)
	})
}

func TestForgedInts(t *testing.T) {
	for _, c := range []struct {
		name string
		n    int
		src  []byte
		r    Range
		want string
	}{
		{"nothing", 1, nil, AnyInt, "the byte is missing"},
		{"form", 1, []byte{200}, AnyInt, "unknown form 200"},
		{"width", 1, []byte{intsFixed, 0, 9}, AnyInt, "a width of 9 bytes"},
		{"too few", 3, []byte{intsFixed, 0, 2, 1, 2, 3, 4, 5}, AnyInt, "3 of width 2 do not fit in 5 bytes"},
		{"too many for an int", math.MaxInt, []byte{intsFixed, 0, 8, 1}, AnyInt, "do not fit"},
		{"too few deltas", 5, []byte{intsDeltas, 0, 0}, AnyInt, "5 do not fit in 2 bytes"},
		{"a delta cut off", 2, []byte{intsDeltas, 0x80, 0x80}, AnyInt, "cut off"},
		{"over the range", 2, []byte{intsFixed, 0, 1, 0, 2}, Below(2), "integer 1 is 2, not within 0 and 1"},
		{"all over the range", math.MaxInt, []byte{intsFixed, 4, 0}, Below(2), "integer 0 is 2, not within 0 and 1"},
		{"below the range", 1, []byte{intsDeltas, 1}, Below(2), "integer 0 is -1, not within 0 and 1"},
	} {
		_, _, err := ReadInts(c.src, c.n, c.r, nil)
		if !errors.Is(err, fault.Corrupt) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, expected … %s …", c.name, err, c.want)
		}
	}
}

func TestAnAccountTellsTheOneOverIt(t *testing.T) {
	var all Account
	one, none := &Account{Over: &all}, (*Account)(nil)
	one.Take(5)
	one.Fail(fault.New(fault.Corrupt, "test", "first"))
	one.Fail(fault.New(fault.Corrupt, "test", "second"))
	none.Take(1)
	none.Fail(errors.New("lost"))
	for _, a := range []*Account{&all, one} {
		if a.MemSize() != 5 || a.Err() == nil || !strings.Contains(a.Err().Error(), "first") {
			t.Errorf("%d bytes, %v", a.MemSize(), a.Err())
		}
	}
}
