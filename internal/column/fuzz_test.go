package column_test

import (
	"slices"
	"testing"

	"github.com/stelehq/stele/internal/column"
	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/testkit"
)

// FuzzInts reads arbitrary bytes as integers: how many (2 bytes), then the stream.
func FuzzInts(f *testing.F) {
	for _, values := range [][]int64{{}, {5, 5, 5}, {1, 2, 3, 1 << 40}, {-5, 100, 1, 1, 1, 1, 70000}} {
		for _, effort := range []column.Effort{column.Fast, column.Thorough} {
			e := column.Encoder{Effort: effort}
			f.Add(e.Ints([]byte{byte(len(values)), byte(len(values) >> 8)}, values, nil))
		}
	}
	many := make([]int64, 5000)
	for i := range many {
		many[i] = int64(i*i%300) * 100
	}
	for _, n := range []int{20, 300, 5000} {
		e := column.Encoder{Effort: column.Thorough}
		f.Add(e.Ints([]byte{byte(n), byte(n >> 8)}, many[:n], nil))
		f.Add(e.Ascending([]byte{byte(n), byte(n >> 8)}, many[:18], nil))
	}
	f.Fuzz(func(t *testing.T, seed []byte) {
		testkit.Soak(t, seed, func(data []byte) { readAnyInts(t, data) })
	})
}

func readAnyInts(t *testing.T, data []byte) {
	if len(data) < 2 {
		return
	}
	n := int(data[0]) | int(data[1])<<8
	var a column.Account
	v, rest, err := column.ReadInts(data[2:], n, column.AnyInt, &a)
	if err != nil {
		if fault.KindOf(err) != fault.Corrupt {
			t.Fatalf("%v is not Corrupt", err)
		}
		return
	}
	if len(rest) > len(data)-2 {
		t.Fatal("more is left than was given")
	}
	values := make([]int64, n)
	v.Fill(values, 0)
	if err := a.Err(); err != nil && fault.KindOf(err) != fault.Corrupt {
		t.Fatalf("%v is not Corrupt", err)
	}
	for i := range values {
		if v.At(i) != values[i] {
			t.Fatalf("integer %d is %d by itself, %d among all", i, v.At(i), values[i])
		}
	}
	e := column.Encoder{Effort: column.Thorough}
	w, rest, err := column.ReadInts(e.Ints(nil, values, nil), n, column.AnyInt, nil)
	if err != nil || len(rest) > 0 {
		t.Fatalf("%v, %d bytes are left", err, len(rest))
	}
	again := make([]int64, n)
	if w.Fill(again, 0); !slices.Equal(again, values) {
		t.Fatalf("wrote %v, read %v", values, again)
	}
}
