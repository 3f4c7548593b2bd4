package plan

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"

	"github.com/stelehq/stele/internal/event"
)

// Numbers that come as integers of one scale count as those that come one by one, however they are divided.
func TestNumbersAtOnceCountAsOneByOne(t *testing.T) {
	for seed := range uint64(12) {
		r := rand.New(rand.NewPCG(seed, 7))
		scale := uint8(r.IntN(5))
		if seed%4 == 3 {
			scale = uint8(r.IntN(29))
		}
		values := make([]int64, 30000)
		for i := range values {
			switch r.IntN(3) {
			case 0:
				values[i] = r.Int64N(1000) - 300
			case 1:
				values[i] = r.Int64N(1e9) * 10
			case 2:
				values[i] = r.Int64() >> r.IntN(63)
			}
		}
		if seed%3 == 0 {
			values = values[:5000] // few enough to be exact
		}
		m := NewMemory(1 << 30)
		one, many, joined := newQuantile(defaultBits), newQuantile(defaultBits), newQuantile(defaultBits)
		var sumOne, sumMany sumState
		account := account{memory: m}
		for _, v := range values {
			if err := one.add(scaled(v, scale), 1, &account); err != nil {
				t.Fatal(err)
			}
			if err := sumOne.add([]*sample{{num: scaled(v, scale), parsed: true, number: true}}, 1, Place{}, nil); err != nil {
				t.Fatal(err)
			}
		}
		for part := range slices.Chunk(values, 7000) {
			if err := many.addNumbers(part, scale, &account); err != nil {
				t.Fatal(err)
			}
			q := newQuantile(defaultBits)
			if err := q.addNumbers(part, scale, &account); err != nil {
				t.Fatal(err)
			}
			if err := joined.merge(&q, &account); err != nil {
				t.Fatal(err)
			}
			if err := sumMany.addNumbers(part, scale, nil); err != nil {
				t.Fatal(err)
			}
		}
		for _, p := range []int64{0, 1, 25, 50, 75, 95, 99, 100} {
			want, _ := one.at(event.DecimalOf(p))
			got, _ := many.at(event.DecimalOf(p))
			merged, _ := joined.at(event.DecimalOf(p))
			if got != want || merged != want {
				t.Errorf("seed %d, scale %d, %d %%: %v, %v merged, expected %v", seed, scale, p, got, merged, want)
			}
		}
		if got, want := sumMany.result().String(), sumOne.result().String(); got != want {
			t.Errorf("seed %d: sum %s, expected %s", seed, got, want)
		}
		for _, sign := range []int{1, -1} {
			s := extremeState{sign: sign}
			if err := s.addNumbers(values, scale, nil); err != nil {
				t.Fatal(err)
			}
			want := slices.Max(values)
			if sign < 0 {
				want = slices.Min(values)
			}
			if s.num.Compare(scaled(want, scale)) != 0 {
				t.Errorf("seed %d: extreme %v, expected %v", seed, s.num, scaled(want, scale))
			}
		}
	}
}

func TestTalliesCountFarApart(t *testing.T) {
	var c tally
	a := account{memory: NewMemory(1 << 30)}
	want := map[int32]uint64{}
	for _, b := range []int32{5, -1, 1 << 20, -(1 << 20), 5, 0, 127, 128, -128, -129} {
		if err := c.add(b, 2, &a); err != nil {
			t.Fatal(err)
		}
		want[b] += 2
	}
	last := int32(-1 << 30)
	for b, n := range c.all {
		if b <= last || want[b] != n {
			t.Errorf("bucket %d after %d: %d times, expected %d", b, last, n, want[b])
		}
		last = b
		delete(want, b)
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
	small := account{memory: NewMemory(1000)}
	var d tally
	if err := d.add(1, 1, &small); err == nil {
		t.Error("a page was made without memory")
	}
}

// What stands in a key is what the key's value is shown as.
func TestKeysAreReadBack(t *testing.T) {
	var key []byte
	var want []event.Value
	for _, text := range []string{"null", "true", "false", "0", "-0", "1.50", "-3e2", "1e400", "-1e-400", "79228162514264337593543950335", "0.0000000000000000000000000001", `""`, `"x"`, `"\ud800"`,
		"[]", `[1,[null,"y"],{"a":1.0}]`, "{}", `{"b":2,"a":{"c":[true]},"b":3.0}`} {
		v, err := event.ParseValue([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		key = appendKey(key, v, false)
		want = append(want, keyValue(v))
	}
	key = appendKey(key, event.Value{}, false)
	want = append(want, keyValue(event.Value{}))
	for i, v := range want {
		var got event.Value
		got, key = readKey(key)
		if got.String() != v.String() || got.Kind != v.Kind {
			t.Errorf("value %d: %v, expected %v", i, got, v)
		}
	}
	if len(key) > 0 {
		t.Errorf("%d bytes are left", len(key))
	}
}

func TestGroupTablesFindWhatWasAdded(t *testing.T) {
	if size := unsafe.Sizeof(group{}); size != 128 && unsafe.Sizeof(size) == 8 {
		t.Errorf("a group takes %d bytes, expected two lines of the cache", size)
	}
	table := newGroupTable()
	key := func(i int) []byte { return appendKey(nil, event.StringValue(fmt.Sprint("user-", i)), false) }
	for i := range 5000 {
		hash := table.hash(key(i))
		g := table.find(key(i), hash)
		if g != nil {
			t.Fatalf("key %d is there before it was added", i)
		}
		table.add(key(i), hash).slice = int64(i)
	}
	for i := range 5000 {
		if g := table.find(key(i), table.hash(key(i))); g == nil || g.slice != int64(i) {
			t.Fatalf("key %d finds %v", i, g)
		}
	}
	n := int64(0)
	for g := range table.all {
		if g.slice != n {
			t.Fatalf("group %d comes as number %d", g.slice, n)
		}
		n++
	}
	long := make([]byte, 1<<20)
	if g := table.find(long, table.hash(long)); g != nil || len(table.add(long, table.hash(long)).key) != 1<<20 {
		t.Error("a long key is not kept")
	}
}

func TestHashSetsHaveWhatWasAdded(t *testing.T) {
	var s hashSet
	want := map[[2]uint64]bool{}
	r := rand.New(rand.NewPCG(3, 5))
	for range 3000 {
		h := [2]uint64{r.Uint64N(40), r.Uint64N(60)}
		if s.add(h) == want[h] {
			t.Fatalf("%v: new %v", h, want[h])
		}
		want[h] = true
	}
	if s.n != len(want) || !want[[2]uint64{}] {
		t.Errorf("%d hashes, expected %d", s.n, len(want))
	}
	for h := range s.all {
		if !want[h] {
			t.Errorf("%v comes twice, or was never added", h)
		}
		delete(want, h)
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
}
