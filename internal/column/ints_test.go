package column

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
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

// distributions gives integers of many kinds, with the form that thorough effort is to find for them.
func distributions(n int) map[string][]int64 {
	random := rand.New(rand.NewPCG(1, 2))
	make := func(next func(i int) int64) (values []int64) {
		for i := range n {
			values = append(values, next(i))
		}
		return values
	}
	walk := int64(1e18)
	return map[string][]int64{
		"constant":            make(func(int) int64 { return -5 }),
		"uniform":             make(func(int) int64 { return 1000 + random.Int64N(1<<20) }),
		"any":                 make(func(int) int64 { return int64(random.Uint64()) }),
		"bits":                make(func(int) int64 { return random.Int64N(2) }),
		"rarely 1":            make(func(int) int64 { return int64(random.IntN(100) / 99) }),
		"arithmetic sequence": make(func(i int) int64 { return 7 + 300*int64(i) }),
		"ascending":           make(func(int) int64 { walk += 100 * random.Int64N(1e6); return walk }),
		"late":                make(func(int) int64 { walk += 1000 + random.Int64N(9); return walk - 1e6*(random.Int64N(9)/8) }),
		"walk":                make(func(int) int64 { walk += random.Int64N(200) - 100; return walk }),
		"regular with jitter": make(func(i int) int64 { return int64(i)*int64(i)*1000 + random.Int64N(3) }),
		"exponential":         make(func(int) int64 { return int64(math.Exp(random.ExpFloat64() * 3)) }),
		"wide exponential":    make(func(int) int64 { return int64(math.Exp(random.Float64() * 43)) }),
		"few codes":           make(func(int) int64 { return int64(random.ExpFloat64() * 3) }),
		"many codes":          make(func(int) int64 { return int64(random.ExpFloat64()*300) % 3000 }),
		"runs":                make(func(i int) int64 { return int64(i / 97 % 13 * 1000) }),
		"repeats":             make(func(i int) int64 { return int64(i*i%61) << 33 >> (i % 61 % 3) }),
		"batches in turn":     make(func(i int) int64 { return int64(i + (i/700%4)*10_000) }),
		"hundreds":            make(func(int) int64 { return -700 + 100*random.Int64N(50) }),
		"one far away":        make(func(i int) int64 { return int64(i%7) + map[bool]int64{true: math.MaxInt64 - 7}[i == n/2] }),
	}
}

func TestThoroughForms(t *testing.T) {
	for _, n := range []int{17, 100, 4095, 4096, 4097, 3*chunkLen + 1, 20_000} {
		e := &Encoder{Effort: Thorough}
		for name, values := range distributions(n) {
			var c Choice
			size := roundTrip(t, e, values, &c)
			again := roundTrip(t, e, values, &c) // from memory
			if again != size {
				t.Errorf("%s: %d bytes, then %d", name, size, again)
			}
			fast := len((&Encoder{}).Ints(nil, values, nil))
			if size > fast+12 {
				t.Errorf("%d of %s: %d bytes with thorough effort, %d with fast", n, name, size, fast)
			}
			if n == 20_000 {
				v, _, err := ReadInts(e.Ints(nil, values, &c), n, AnyInt, nil)
				if err != nil {
					t.Fatal(err)
				}
				t.Logf("%-20s %-22s %7.3f bits", name, v.Form(), float64(8*size)/float64(n))
			}
		}
	}
}

// Every form holds every distribution that it can hold at all.
func TestEveryFormComesBack(t *testing.T) {
	for name, values := range distributions(2*chunkLen + 77) {
		for form := range 256 {
			for _, detail := range []byte{0, 1, 3, maxDetail} {
				e := &Encoder{Effort: Thorough}
				coder := form & 15
				if form>>4 >= transforms || coder < coderPacked || coder > coderRuns || coder != coderClasses && detail > 0 {
					continue
				}
				data, ok := e.appendCoded(nil, e.levels[0].normalise(values), plan{form: byte(form), detail: detail}, nil, 0)
				if !ok {
					continue
				}
				v, rest, err := ReadInts(data, len(values), AnyInt, nil)
				if err != nil || len(rest) > 0 {
					t.Fatalf("%s in form %x: %v, %d bytes are left", name, form, err, len(rest))
				}
				got := make([]int64, len(values))
				if v.Fill(got, 0); !slices.Equal(got, values) {
					t.Fatalf("%s in form %x: other values", name, form)
				}
				if least, most := v.Span(); least != slices.Min(values) || most != slices.Max(values) {
					t.Fatalf("%s in form %x: from %d to %d", name, form, least, most)
				}
			}
		}
	}
}

func TestForgedInts(t *testing.T) {
	for _, c := range []struct {
		name string
		n    int
		src  []byte
		r    Bounds
		want string
	}{
		{"nothing", 1, nil, AnyInt, "the byte is missing"},
		{"form", 1, []byte{200}, AnyInt, "unknown form 200"},
		{"width", 1, []byte{formFixed, 0, 9}, AnyInt, "a width of 9 bytes"},
		{"too few", 3, []byte{formFixed, 0, 2, 1, 2, 3, 4, 5}, AnyInt, "3 of width 2 do not fit in 5 bytes"},
		{"too many", math.MaxInt, []byte{formFixed, 0, 8, 1}, AnyInt, "9223372036854775807 integers"},
		{"far too few", math.MaxInt32, []byte{formFixed, 0, 8, 1}, AnyInt, "do not fit"},
		{"too few deltas", 5, []byte{formDeltas, 0, 0}, AnyInt, "5 do not fit in 2 bytes"},
		{"a delta cut off", 2, []byte{formDeltas, 0x80, 0x80}, AnyInt, "cut off"},
		{"steps cut off", 2, []byte{formSteps, 0, 1, 8, 1}, AnyInt, "1 of width 8 do not fit in 1 bytes"},
		{"steps of nothing", 2, []byte{formSteps, 0, 0, 1, 1}, AnyInt, "integer 1 is out of range"},
		{"steps that run over", 2, []byte{formSteps, 0, 255, 255, 255, 255, 255, 255, 255, 255, 127, 1, 2}, AnyInt, "integer 1 is out of range"},
		{"descending", 2, []byte{formFixed, 0, 1, 2, 1}, Bounds{Max: 9, Ascending: true}, "integer 1 is 1, less than 2"},
		{"coder", 20, []byte{8, 0, 1, 1}, AnyInt, "unknown form 8"},
		{"transform", 20, []byte{coderPacked + 16*transforms, 0, 1, 1}, AnyInt, "unknown form 67"},
		{"divisor", 20, []byte{coderPacked, 0, 0, 1}, AnyInt, "in 1 steps of 0"},
		{"over 64 bits", 20, []byte{coderPacked, 2, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1, 1}, AnyInt, "integers from 1 on in 1 steps of 18446744073709551615"},
		{"coded over the range", 20, []byte{coderPacked, 0, 1, 2}, Below(2), "integers are within 0 and 2"},
		{"packed cut off", 20, []byte{coderPacked, 0, 1, 1, 0, 0}, AnyInt, "packed: 3 bytes are announced, 2 are left"},
		{"firsts cut off", 20, []byte{coderPacked + 16*deltas, 0, 1, 255, 1, 0}, AnyInt, "first of each chunk: 1 bytes are announced, 0 are left"},
		{"classes of nothing", 20, []byte{coderClasses + 16*deltas, 0, 1, 1, 0, 0, 0}, AnyInt, "form 20 of nothing"},
		{"detail", 20, []byte{coderClasses, 0, 1, 1, maxDetail + 1}, AnyInt, "12 bits of detail"},
		{"classes", 20, append(binary.AppendUvarint([]byte{coderClasses, 0, 1}, 1<<40), 11), AnyInt, "61441 classes"},
		{"a code that is too long", 20, []byte{coderClasses, 0, 1, 1, 0, formFixed, 26, 0}, AnyInt, "expected within 0 and 12"},
		{"chunks cut off", 20, []byte{coderClasses, 0, 1, 1, 0, formFixed, 2, 0, 3, 0, 0}, AnyInt, "chunks: 3 bytes are announced, 2 are left"},
		{"too long a chunk", 20, []byte{coderClasses, 0, 1, 1, 0, formFixed, 2, 0, 255, 255, 255, 127, 0}, AnyInt, "bytes of a chunk: 268435455 is over"},
		{"no zstd", 20, []byte{coderZstd, 0, 1, 1, 3, 1, 2, 3}, AnyInt, "zstd"},
		{"zstd of another length", 20, appendFrame([]byte{coderZstd, 0, 1, 1}, bytes.Repeat([]byte{1}, 21)), AnyInt, "zstd"},
		{"zstd over its top", 20, appendFrame([]byte{coderZstd, 0, 1, 1}, bytes.Repeat([]byte{2}, 20)), AnyInt, "2 at 0 is over 1"},
		{"too many runs", 20, []byte{coderRuns, 0, 1, 1, 21}, AnyInt, "runs: 21 is over 20"},
		{"runs too long", 20, []byte{coderRuns, 0, 1, 1, 1, formFixed, 2, 0, formFixed, 40, 0}, AnyInt, "run 0: 21 times 1, 20 are left"},
		{"runs too short", 20, []byte{coderRuns, 0, 1, 1, 1, formFixed, 2, 0, formFixed, 36, 0}, AnyInt, "the runs have 19 numbers, expected 20"},
		{"runs of too much", 20, []byte{coderRuns, 0, 1, 1, 1, formFixed, 4, 0, formFixed, 38, 0}, AnyInt, "run 0: 20 times 2"},
		{"a run of negative length", 20, []byte{coderRuns, 0, 1, 1, 1, formFixed, 2, 0, formFixed, 1, 0}, AnyInt, "expected within 0 and 20"},
		{"nested too deep", 20, []byte{coderRuns, 0, 1, 1, 1, coderRuns, 0, 1, 1, 1, coderRuns, 0, 1, 1, 1, coderRuns, 0, 1, 1, 1}, AnyInt, "unknown form 7"},
		{"chunks that descend", chunkLen + 1, append([]byte{coderPacked + 16*deltas, 0, 1, 1, 0, 1, 1}, make([]byte, chunkLen)...), Bounds{Max: 9, Ascending: true}, "chunk 1 starts below"},
		{"plain and descending", 20, []byte{coderPacked, 0, 1, 1, 1, 0, 0}, Bounds{Max: 9, Ascending: true}, "0 at 1 is less than the one before"},
		{"over the range", 2, []byte{formFixed, 0, 1, 0, 2}, Below(2), "integers are within 0 and 2, expected within 0 and 1"},
		{"all over the range", math.MaxInt32, []byte{formFixed, 4, 0}, Below(2), "integers are within 2 and 2, expected within 0 and 1"},
		{"below the range", 1, []byte{formDeltas, 1}, Below(2), "integers are within -1 and -1, expected within 0 and 1"},
	} {
		_, _, err := ReadInts(c.src, c.n, c.r, nil)
		if !errors.Is(err, fault.Corrupt) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, expected … %s …", c.name, err, c.want)
		}
	}
}

func appendFrame(dst, raw []byte) []byte {
	frame := Compress(nil, raw)
	return append(binary.AppendUvarint(dst, uint64(len(frame))), frame...)
}

// What is found only when a chunk is decoded is told to the account, and the chunk's integers are the base.
func TestForgedChunks(t *testing.T) {
	for _, c := range []struct {
		name string
		n    int
		src  []byte
		b    Bounds
		want string
	}{
		{"over the top", 20, []byte{coderPacked, 2, 1, 2, 0, 0, 0, 3, 0}, AnyInt, "chunk 0 of integers: 3 at 12 is over 2"},
		{"deltas over the top", 20, []byte{coderPacked + 16*deltas, 2, 1, 1, 2, 0, 1, 255, 0, 0}, AnyInt, "27 at 19 is over 1"},
		{"a chunk that is too long", 20, []byte{coderClasses, 2, 1, 1, 0, formFixed, 2, 0, 4, 0, 0, 0, 0}, AnyInt, "the codes do not end where the chunk does"},
		{"a chunk that is too short", 20, []byte{coderClasses, 2, 1, 1, 0, formFixed, 2, 0, 2, 0, 0}, AnyInt, "the codes do not end where the chunk does"},
		{"an empty chunk", 20, []byte{coderClasses, 2, 1, 1, 0, formFixed, 2, 0, 0}, AnyInt, "the codes do not end where the chunk does"},
		{"an incomplete code", 20, []byte{coderClasses, 2, 1, 1, 0, formFixed, 2, 1, 0, 1, 0}, AnyInt, "they fill 3072 of 4096"},
		{"too full a code", 20, []byte{coderClasses, 2, 1, 3, 1, formFixed, 2, 0, 0}, AnyInt, "they fill 8192 of 4096"},
		{"no code", 20, []byte{coderClasses, 2, 1, 1, 0, formFixed, 0, 0, 0}, AnyInt, "they fill 0 of 4096"},
		{"classes over the top", 20, []byte{coderClasses, 2, 1, 2, 0, formFixed, 2, 1, 0, 1, 1, 8, 255, 255, 255, 255, 255, 255, 255, 255}, AnyInt, "3 at 0 is over 2"},
		{"descending", 20, []byte{coderPacked + 16*deltas, 2, 1, 1, 1, 1, 1, 0xFE, 0xFF, 7}, Bounds{Max: 9, Ascending: true}, "0 at 1 is less than the one before"},
	} {
		var a Account
		v, rest, err := ReadInts(c.src, c.n, c.b, &a)
		if err != nil || len(rest) > 0 || a.Err() != nil {
			t.Errorf("%s: found at once: %v, %d bytes left", c.name, err, len(rest))
			continue
		}
		if got := v.At(c.n - 1); got != 1 || !errors.Is(a.Err(), fault.Corrupt) || !strings.Contains(a.Err().Error(), c.want) {
			t.Errorf("%s: %d and %v, expected … %s …", c.name, got, a.Err(), c.want)
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

// The bytes of each form, which are a format: a change here is a change of the block's version.
func TestFormsInBytes(t *testing.T) {
	for _, c := range []struct {
		name   string
		form   byte
		detail byte
		values []int64
		want   string
	}{
		{"fixed", formFixed, 0, []int64{-5, 300, 0}, "00 09 02 0000 3101 0500"},
		{"deltas", formDeltas, 0, []int64{-5, 300, 0}, "01 09 e204 d704"},
		{"steps", formSteps, 0, []int64{100, 100, 900, 1000}, "02 c801 64 01 00 08 01"},
		{"constant", coderPacked, 0, []int64{7, 7, 7}, "03 0e 01 00"},
		{"packed", coderPacked, 0, []int64{10, 20, 30, 60}, "03 14 0a 05 88 0a"},
		{"packed deltas", coderPacked + 16*deltas, 0, []int64{10, 11, 13, 14}, "13 14 01 04 02 00 01 02"},
		{"packed zigzag", coderPacked + 16*zigzag, 0, []int64{10, 11, 9, 10}, "23 12 01 02 00 01 03 2e"},
		{"packed double", coderPacked + 16*double, 0, []int64{10, 20, 31, 41}, "33 14 01 1f 14 00 03 18"},
		{"symbols", coderClasses, 1, []int64{0, 0, 1, 0, 2, 0, 0, 1}, "04 00 01 02 01 0302010106 02 6402"},
		{"classes", coderClasses, 0, []int64{0, 1, 2, 3, 7, 1, 0, 0}, "04 00 01 07 00 000400 03 98be00"},
		{"zstd", coderZstd, 0, []int64{0, 1, 300}, "05 00 01 ac02 0f"},
		{"planes", coderPlanes, 0, []int64{0, 1, 300}, "06 00 01 ac02 0f"},
		{"runs", coderRuns, 0, []int64{4, 4, 4, 6, 6}, "07 08 02 01 02 0300010102 0302010101"},
	} {
		e := &Encoder{Effort: Thorough}
		var got []byte
		switch c.form {
		case formFixed:
			got = e.Fixed(nil, c.values)
		case formDeltas:
			got = appendDeltas(nil, c.values)
		case formSteps:
			got = (&Encoder{}).Ascending(nil, c.values, nil)
		default:
			var ok bool
			if got, ok = e.appendCoded(nil, e.levels[0].normalise(c.values), plan{form: c.form, detail: c.detail}, nil, 0); !ok {
				t.Fatalf("%s does not fit", c.name)
			}
		}
		shown := got
		if coder := c.form & 15; coder == coderZstd || coder == coderPlanes {
			shown = got[:6] // the frame is the compressor's
		}
		if want := strings.ReplaceAll(c.want, " ", ""); hex.EncodeToString(shown) != want {
			t.Errorf("%s: % x, expected %s", c.name, shown, c.want)
		}
		v, rest, err := ReadInts(got, len(c.values), AnyInt, nil)
		if err != nil || len(rest) > 0 {
			t.Fatalf("%s: %v", c.name, err)
		}
		for i, want := range c.values {
			if v.At(i) != want {
				t.Errorf("%s: value %d is %d, expected %d", c.name, i, v.At(i), want)
			}
		}
	}
}

// A form is kept from block to block, and searched for again when it serves badly or has not been for a while.
func TestChoices(t *testing.T) {
	e := &Encoder{Effort: Thorough}
	all := distributions(8000)
	var c Choice
	form := func(name string) string {
		t.Helper()
		v, _, err := ReadInts(e.Ints(nil, all[name], &c), 8000, AnyInt, nil)
		if err != nil {
			t.Fatal(err)
		}
		return v.Form()
	}
	first := form("few codes")
	for range reviewAfter - 1 {
		if got := form("few codes"); got != first {
			t.Fatalf("%s, then %s", first, got)
		}
	}
	if c.age != reviewAfter-1 {
		t.Errorf("the choice is %d blocks old", c.age)
	}
	form("few codes")
	form("few codes")
	if c.age != 0 {
		t.Errorf("after a review the choice is %d blocks old", c.age)
	}
	for _, name := range []string{"runs", "repeats", "walk", "one far away", "any", "constant", "uniform"} {
		want := (&Encoder{Effort: Thorough}).Ints(nil, all[name], nil)
		if got := e.Ints(nil, all[name], &c); len(got) > len(want) {
			t.Errorf("%s after others takes %d bytes, alone %d", name, len(got), len(want))
		}
	}
}

// Chunks are decoded by whoever comes first; memory is counted once.
func TestIntsServeManyReaders(t *testing.T) {
	for name, values := range distributions(20_000) {
		data := (&Encoder{Effort: Thorough}).Ints(nil, values, nil)
		var alone, shared Account
		v, _, err := ReadInts(data, len(values), AnyInt, &alone)
		if err != nil {
			t.Fatal(err)
		}
		v.Fill(make([]int64, len(values)), 0)
		if v, _, err = ReadInts(data, len(values), AnyInt, &shared); err != nil {
			t.Fatal(err)
		}
		var readers sync.WaitGroup
		for seed := range uint64(4) {
			readers.Go(func() {
				random := rand.New(rand.NewPCG(seed, 1))
				for range 500 {
					if i := random.IntN(len(values)); v.At(i) != values[i] {
						t.Errorf("%s: value %d is %d, expected %d", name, i, v.At(i), values[i])
						return
					}
				}
				v.Fill(make([]int64, len(values)), 0)
			})
		}
		readers.Wait()
		if alone.MemSize() != shared.MemSize() {
			t.Errorf("%s: %d bytes for one reader, %d for four", name, alone.MemSize(), shared.MemSize())
		}
	}
}
