package block

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
)

// variedEvents are events of which a member is there or not, twice, nested, under a name with dots, and of any kind.
func variedEvents(r *rand.Rand, n int) [][]byte {
	odd := []string{`"x"`, `"x"`, `""`, `1`, `1.0`, `1.50`, `-3`, `1e2`, `9223372036854775807`, `0.000000000000000001`, `-0`, `true`, `false`, `null`, `[1,"x"]`, `{}`, `{"B":1}`, `{"B":{"C":"x"},"B.C":2}`, `"2024-01-01"`}
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	var events [][]byte
	mixed := r.IntN(3) // 0: every member has one kind
	for i := range n {
		e := fmt.Appendf(nil, `{"@t":"2024-01-01T%02d:%02d:%02d.%03dZ"`, i/3600%24, i/60%60, i%60, r.IntN(1000))
		for range r.IntN(5) {
			switch r.IntN(10) {
			case 0:
				e = fmt.Appendf(e, `,"A":%q`, pick("a", "b", "c", "d"))
			case 1:
				e = fmt.Appendf(e, `,"N":%d`, 100+r.IntN(50))
			case 2:
				e = fmt.Appendf(e, `,"D":%d.%02d`, r.IntN(300), r.IntN(100))
			case 3:
				e = fmt.Appendf(e, `,"Id":"%016x"`, r.Uint64())
			case 4:
				e = fmt.Appendf(e, `,"B":{"C":%d,"D":%q}`, r.IntN(5), pick("u", "v"))
			case 5:
				e = fmt.Appendf(e, `,"Big":%d`, r.Int64()-1<<62)
			case 6:
				e = fmt.Appendf(e, `,"ok":%v`, r.IntN(2) == 0)
			case 7:
				e = append(e, `,"@mt":"at {A}, {N}"`...)
			default:
				if mixed > 0 {
					e = fmt.Appendf(e, `,%q:%s`, pick("A", "N", "D", "B", "A.B", "B.C", "Id"), pick(odd...))
				}
			}
		}
		if mixed == 2 && r.IntN(100) == 0 { // kept whole
			for j := range 600 {
				e = fmt.Appendf(e, `,"m%d":%d`, j, j)
			}
		}
		events = append(events, append(e, '}'))
	}
	return events
}

// pathsOf lists the paths of an event's members.
func pathsOf(v event.Value, above []string, into map[string][]string) {
	for _, m := range v.Members {
		path := append(above[:len(above):len(above)], m.Name)
		into[strings.Join(path, "\x00")] = path
		if len(path) < 3 {
			pathsOf(m.Value, path, into)
		}
	}
}

func dotted(path []string) (others [][]string) {
	for i := 1; i < len(path); i++ {
		others = append(others, []string{strings.Join(path[:i+1], ".")})
	}
	return others
}

// checkVectors compares vectors of every path with what the field says of each row.
func checkVectors(t *testing.T, b *Block, events [][]byte) {
	t.Helper()
	paths := map[string][]string{"none": {"no such member"}, "inside": {"B", "no such member"}, "AB": {"A", "B"}, "BCD": {"B", "C", "D"}, "@t": {"@t"}}
	for _, e := range events {
		v, err := event.ParseValue(e)
		if err != nil {
			t.Fatal(err)
		}
		pathsOf(v, nil, paths)
	}
	var v Vector
	var numbers Numbers
	for _, path := range paths {
		checkVector(t, b, path, dotted(path), &v, &numbers)
		if len(path) > 1 {
			checkVector(t, b, path, nil, &v, &numbers)
		}
	}
}

func checkVector(t *testing.T, b *Block, path []string, others [][]string, v *Vector, numbers *Numbers) {
	t.Helper()
	if err := b.Gather(path, others, v); err != nil {
		t.Fatalf("%q: %v", path, err)
	}
	if err := b.GatherNumbers(path, others, numbers); err != nil {
		t.Fatalf("%q: %v", path, err)
	}
	if len(v.Codes) != b.Rows() || len(numbers.Mantissas) != b.Rows() {
		t.Fatalf("%q: %d codes and %d numbers for %d rows", path, len(v.Codes), len(numbers.Mantissas), b.Rows())
	}
	counted := make([]int64, v.Classes())
	field, head := b.Field(path...), b.Field(path[0])
	for row, class := range v.Codes {
		counted[class]++
		want, err := field.Value(row)
		if err != nil {
			t.Fatal(err)
		}
		above, _ := head.Value(row)
		rest := want.Kind == event.Object || want.Kind == event.Undefined && above.Kind == event.Object || b.schema.isEvent(&b.schema.shapes[b.shapes.At(row)])
		for _, o := range others {
			other, _ := b.Lookup(row, o...)
			rest = rest || other.Kind != event.Undefined
		}
		if rest != (class == RestClass) || rest != v.Rest.Has(row) {
			t.Fatalf("%q, row %d: %v is of class %d, rest %v, expected %v", path, row, want, class, v.Rest.Has(row), rest)
		}
		got, err := v.Value(class)
		if err != nil {
			t.Fatal(err)
		}
		if rest {
			if got.Kind != event.Undefined || numbers.Has.Has(row) || !numbers.Rest.Has(row) {
				t.Fatalf("%q, row %d: %v, a number %v, rest %v", path, row, got, numbers.Has.Has(row), numbers.Rest.Has(row))
			}
			continue
		}
		if got.Kind != want.Kind || got.Kind != event.Undefined && string(got.AppendJSON(nil)) != string(want.AppendJSON(nil)) || (class == AbsentClass) != (want.Kind == event.Undefined) {
			t.Fatalf("%q, row %d: class %d is %v, expected %v", path, row, class, got, want)
		}
		if text, ok, err := v.Text(class); err != nil || ok != (want.Kind == event.String) || ok && string(text) != want.Text {
			t.Fatalf("%q, row %d: class %d is the text %q, %v, expected %v", path, row, class, text, err, want)
		}
		number, isNumber := event.ParseDecimal(want.Text)
		isNumber = isNumber && want.Kind == event.Number
		switch {
		case numbers.Has.Has(row):
			if !isNumber || numbers.Rest.Has(row) || decimalOf(numbers.Mantissas[row], numbers.Scale).Compare(number) != 0 {
				t.Fatalf("%q, row %d: %d at scale %d, expected %v", path, row, numbers.Mantissas[row], numbers.Scale, want)
			}
		case numbers.Mantissas[row] != 0:
			t.Fatalf("%q, row %d: %d is no number", path, row, numbers.Mantissas[row])
		case want.Kind == event.Number && !numbers.Rest.Has(row) || want.Kind != event.Number && numbers.Rest.Has(row):
			t.Fatalf("%q, row %d: %v, rest %v", path, row, want, numbers.Rest.Has(row))
		}
	}
	counts, err := b.CountClasses(path, others, v)
	if err != nil || fmt.Sprint(counts) != fmt.Sprint(counted) {
		t.Fatalf("%q: %v, counts %v, expected %v", path, err, counts, counted)
	}
}

// everyBlock gives the events in the forms that blocks have.
func everyBlock(t *testing.T, events [][]byte, do func(b *Block)) {
	t.Helper()
	built := build(t, events)
	do(reopen(t, built, Fast, 0))
	do(reopen(t, built, Thorough, 0))
	_, sealed := seal(t, events, 0)
	do(sealed)
}

func TestVectorsSayWhatFieldsSay(t *testing.T) {
	t.Parallel()
	seeds, long := uint64(3), 400
	if os.Getenv("STELE_LONG") != "" {
		seeds, long = 100, 5000
	}
	for seed := range seeds {
		r := rand.New(rand.NewPCG(seed, 3))
		events := variedEvents(r, 1+r.IntN([]int{20, 100, long}[seed%3]))
		everyBlock(t, events, func(b *Block) { checkVectors(t, b, events) })
	}
	// Windows of chunks begin and end in between.
	events := variedEvents(rand.New(rand.NewPCG(0, 6)), 9000)
	b := reopen(t, build(t, events), Thorough, 0)
	var v Vector
	var numbers Numbers
	for _, path := range []string{"A", "D", "Id"} {
		checkVector(t, b, []string{path}, nil, &v, &numbers)
	}
}

func TestVectorsOfRealEvents(t *testing.T) {
	t.Parallel()
	for name, events := range realEvents(t) {
		if os.Getenv("STELE_LONG") == "" {
			events = events[:min(len(events), 5)]
		}
		t.Run(filepath.Base(name), func(t *testing.T) {
			everyBlock(t, events, func(b *Block) { checkVectors(t, b, events) })
		})
	}
}

// A vector of a damaged column has every row in Rest; one of a sound column is right.
func TestVectorsOfDamagedBlocks(t *testing.T) {
	t.Parallel()
	events := variedEvents(rand.New(rand.NewPCG(2, 4)), 9000)
	data, base := build(t, events).Encode(nil, Thorough)
	var v Vector
	var numbers Numbers
	damaged := 0
	for at := 0; at < len(data); at += 1 + len(data)/20 {
		bad := bytes.Clone(data)
		bad[at] ^= 0x55
		b, err := OpenDamaged(bad, base)
		if err != nil {
			continue
		}
		for _, path := range []string{"A", "N", "D", "Id", "Big", "ok"} {
			err := b.Gather([]string{path}, nil, &v)
			err2 := b.GatherNumbers([]string{path}, nil, &numbers)
			if err == nil && err2 == nil {
				checkVector(t, b, []string{path}, nil, &v, &numbers)
				continue
			}
			damaged++
			if err != nil && (!errors.Is(err, fault.Corrupt) || v.Rest.Count() != b.Rows() || v.Codes[0] != RestClass) {
				t.Fatalf("byte %d, %s: %v, %d rows left", at, path, err, v.Rest.Count())
			}
			if err2 != nil && (!errors.Is(err2, fault.Corrupt) || numbers.Rest.Count() != b.Rows() || numbers.Has.Any()) {
				t.Fatalf("byte %d, %s: %v, %d rows left", at, path, err2, numbers.Rest.Count())
			}
		}
	}
	if damaged == 0 {
		t.Error("no column was damaged")
	}
}

func BenchmarkGather(b *testing.B) {
	for _, codec := range []Codec{Thorough, Fast} {
		data, rows := encoded(b, codec)
		blk, err := Open(data, 0)
		if err != nil {
			b.Fatal(err)
		}
		for _, path := range []string{"@l", "@mt", "Application", "StatusCode", "Elapsed", "UserId", "TraceId", "RequestId", "@t"} {
			name := map[Codec]string{Thorough: "sealed/", Fast: "recent/"}[codec] + path
			b.Run(name, func(b *testing.B) {
				var v Vector
				for b.Loop() {
					if err := blk.Gather([]string{path}, nil, &v); err != nil {
						b.Fatal(err)
					}
				}
				perEvent(b, rows)
			})
			b.Run("numbers/"+name, func(b *testing.B) {
				var v Numbers
				for b.Loop() {
					if err := blk.GatherNumbers([]string{path}, nil, &v); err != nil {
						b.Fatal(err)
					}
				}
				perEvent(b, rows)
			})
		}
	}
}
