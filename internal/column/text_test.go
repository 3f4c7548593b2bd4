package column

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// textsOf gathers values as the builder of a block does.
func textsOf(values []string, dictionary bool) (t Texts) {
	known := map[string]uint32{}
	for _, v := range values {
		code, found := known[v]
		if !found || !dictionary {
			code = uint32(len(t.Ends))
			known[v] = code
			t.Bytes = append(t.Bytes, v...)
			t.Ends = append(t.Ends, uint32(len(t.Bytes)))
		}
		if dictionary {
			t.Codes = append(t.Codes, code)
		}
	}
	return t
}

// A failer is a test or a part of one.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// textsComeBack writes values and reads them back.
func textsComeBack(t failer, e *Encoder, values []string, dictionary bool, c *Choice) (r *TextReader, size int) {
	t.Helper()
	data, room := e.Texts([]byte("before"), textsOf(values, dictionary), c)
	size = len(data) - len("before")
	a := &Account{}
	r, rest, err := ReadTexts(append(data, "behind"...)[len("before"):], len(values), a)
	if err != nil || string(rest) != "behind" || r.Len() != len(values) {
		t.Fatalf("%d values: %v, %q is left", len(values), err, rest)
	}
	if r.Room() > room {
		t.Fatalf("room for %d bytes, %d expected", r.Room(), room)
	}
	for i := 0; i < len(values); i += 1 + len(values)/500 { // before those around it are made
		if got := r.AppendText([]byte("before"), i); string(got) != "before"+values[i] {
			t.Fatalf("%s: value %d of %d is %q alone, expected %q (%v)", r.Form(), i, len(values), got, values[i], a.Err())
		}
	}
	var all []byte
	var ends []uint32
	for at := 0; at < len(values); {
		n := min(len(values)-at, at+1)
		all, ends = r.Append(all, ends, at, n)
		at += n
	}
	if string(all) != strings.Join(values, "") || len(ends) != len(values) || len(ends) > 0 && int(ends[len(ends)-1]) != len(all) {
		t.Fatalf("%s: %d texts of %d bytes one after the other", r.Form(), len(ends), len(all))
	}
	clean := needsNoEscape([]byte(strings.Join(values, "")))
	if r.Clean() && !clean {
		t.Fatalf("%s: clean", r.Form())
	}
	for i := len(values) - 1; i >= 0; i-- {
		if got := r.At(i); string(got) != values[i] {
			t.Fatalf("%s: value %d of %d is %q, expected %q (%v)", r.Form(), i, len(values), got, values[i], a.Err())
		}
		if r.Entries() > 0 && string(r.Entry(r.Code(i))) != values[i] {
			t.Fatalf("%s: the entry of value %d is %q, expected %q", r.Form(), i, r.Entry(r.Code(i)), values[i])
		}
	}
	if a.Err() != nil {
		t.Fatalf("%s: %v", r.Form(), a.Err())
	}
	return r, size
}

// textColumns are columns that have a form of their own.
var textColumns = []struct {
	name, form string
	most       float64 // bytes of a value
	value      func(r *rand.Rand, i int) string
}{
	{"hex of 16", "ids", 8.1, func(r *rand.Rand, _ int) string { return fmt.Sprintf("%016x", r.Uint64()) }},
	{"hex of 32", "ids", 16.1, func(r *rand.Rand, _ int) string { return fmt.Sprintf("%016x%016x", r.Uint64(), r.Uint64()) }},
	{"upper-case hex", "ids", 8.1, func(r *rand.Rand, _ int) string { return fmt.Sprintf("%016X", r.Uint64()) }},
	{"an odd number of digits", "ids", 8.1, func(r *rand.Rand, _ int) string { return fmt.Sprintf("x%015x", r.Uint64()>>4) }},
	{"GUIDs", "ids", 16.1, guid},
	{"GUIDs of version 4", "ids", 16.1, func(r *rand.Rand, i int) string { g := guid(r, i); return g[:14] + "4" + g[15:] }},
	{"GUIDs in braces, constant text before", "ids", 16.1, func(r *rand.Rand, i int) string { return "urn:{" + guid(r, i) + "}" }},
	{"GUIDs that begin with the time", "", 14, func(r *rand.Rand, i int) string {
		return fmt.Sprintf("0194b0e2-%04x-7%s", 8*i, guid(r, i)[15:])
	}},
	{"a prefix", "ids", 12.1, func(r *rand.Rand, _ int) string { return fmt.Sprintf("pay_%016x%08x", r.Uint64(), r.Uint32()) }},
	{"hex with exceptions", "ids", 9, func(r *rand.Rand, i int) string {
		if i%100 == 7 {
			return []string{"", "none", "0123456789ABCDEF", "\xffxyz", "0123456789abcdef0"}[r.IntN(5)]
		}
		return fmt.Sprintf("%016x", r.Uint64())
	}},
	{"times", "", 2.6, func(r *rand.Rand, i int) string {
		return fmt.Sprintf("2026-11-21T16:%02d:%02d.%06dZ", i/60%60, i%60, r.IntN(1e6))
	}},
	{"times without a fraction", "", 1.1, func(r *rand.Rand, i int) string {
		return fmt.Sprintf("2026-11-21 %02d:%02d:%02d", i/3600, i/60%60, i%60)
	}},
	{"times of several formats", "", 6, func(r *rand.Rand, i int) string {
		f := fmt.Sprintf("%09d", r.IntN(1000))
		return fmt.Sprintf("2026-11-21T16:%02d:%02d", i/60%60, i%60) + []string{"Z", "+02:00", "." + f[6:] + "Z", "," + f + " UTC"}[r.IntN(4)]
	}},
	{"times with exceptions", "", 3, func(r *rand.Rand, i int) string {
		if i%50 == 3 {
			return []string{"", "-", "2026-02-29T00:00:00Z", "2026-11-21T24:00:00Z", "2026-11-21T16:05:60Z", "0000-00-00 00:00:00", "2026-11-21T16:05:00.1234567890Z"}[r.IntN(7)]
		}
		return fmt.Sprintf("2026-11-21T16:%02d:%02dZ", i/60%60, r.IntN(60))
	}},
	{"paths", "patterns", 4.1, func(r *rand.Rand, _ int) string {
		return fmt.Sprintf([]string{"/api/orders/%d/lines/%d", "/api/users/%d/%d"}[r.IntN(2)], r.IntN(5000), r.IntN(9))
	}},
	{"paths with GUIDs", "patterns", 17.1, func(r *rand.Rand, i int) string {
		return "/api/carts/" + guid(r, i) + []string{"/items", ""}[r.IntN(2)]
	}},
	{"zeroes before numbers", "", 5.9, func(r *rand.Rand, _ int) string { return fmt.Sprintf("file%04d-%d.txt", r.IntN(10000), r.IntN(1e6)) }},
	{"zeroes before numbers, not of one width", "patterns", 6, func(r *rand.Rand, _ int) string {
		return fmt.Sprintf("%0*d km and %d m", r.IntN(4), r.IntN(90), r.Uint32())
	}},
	{"long digits", "", 30, func(r *rand.Rand, _ int) string { return fmt.Sprintf("n %d%d%d", r.Uint64(), r.Uint64(), r.Uint64()) }},
	{"messages", "patterns", 6, func(r *rand.Rand, _ int) string {
		return fmt.Sprintf("user %s has logged in from 10.0.%d.%d", []string{"anna", "bob", "carla", "dmitri", "eve", "frank", "grace", "heidi", "ivan", "judy"}[r.IntN(10)], r.IntN(256), r.IntN(256))
	}},
	{"stack traces", "", 24, func(r *rand.Rand, _ int) string {
		lines := []string{"System.InvalidOperationException: no elements"}
		for range 3 + r.IntN(5) {
			lines = append(lines, fmt.Sprintf("   at Orders.%s.Handle(PlaceOrder command) in /src/Orders/Handler.cs:line %d", []string{"Handler", "Repository", "Policy", "Ledger"}[r.IntN(4)], r.IntN(400)))
		}
		return strings.Join(lines, "\n")
	}},
	{"few distinct", "", 1.5, func(r *rand.Rand, _ int) string { return []string{"red", "green", "blue", ""}[r.IntN(4)] }},
	{"ids shared by neighbours", "", 3.6, func(_ *rand.Rand, i int) string {
		return fmt.Sprintf("%016x%016x", uint64(i/8+1)*0x9E3779B97F4A7C15, uint64(i/8+1)*0xC2B2AE3D27D4EB4F)
	}},
	{"words", "", 20, func(r *rand.Rand, _ int) string {
		s := ""
		for range 1 + r.IntN(12) {
			s += []string{"kettle", "tent", "café", "løse", "jacket", "🚲", "mug"}[r.IntN(7)] + " "
		}
		return s
	}},
	{"empty", "plain", 0.1, func(*rand.Rand, int) string { return "" }},
	{"arbitrary bytes", "", 9.1, func(r *rand.Rand, i int) string {
		return string(fmt.Appendf(nil, "%c%c%c%c", r.IntN(256), r.IntN(256), 0xD800, i))
	}},
}

func guid(r *rand.Rand, _ int) string {
	h := fmt.Sprintf("%016x%016x", r.Uint64(), r.Uint64())
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

func column(n int, value func(*rand.Rand, int) string) []string {
	r := rand.New(rand.NewPCG(1, 2))
	values := make([]string, n)
	for i := range values {
		values[i] = value(r, i)
	}
	return values
}

func TestTextsTakeTheirForm(t *testing.T) {
	for _, c := range textColumns {
		t.Run(c.name, func(t *testing.T) {
			e := &Encoder{Effort: Thorough}
			choice := &Choice{}
			// The first two as one after the other, so that what is remembered serves; then small ones.
			for _, n := range []int{3000, 3100, 1, 17} {
				values := column(n, c.value)
				r, size := textsComeBack(t, e, values, false, choice)
				if n >= 3000 && (!strings.HasPrefix(r.Form(), c.form) || float64(size)/float64(n) > c.most) {
					t.Errorf("%d values: %s, %.2f bytes each", n, r.Form(), float64(size)/float64(n))
				}
				textsComeBack(t, e, values, true, choice)
				textsComeBack(t, &Encoder{}, values, n%2 == 0, nil)
			}
		})
	}
}

func TestTextsComeBack(t *testing.T) {
	e := &Encoder{Effort: Thorough}
	c := &Choice{}
	for _, values := range [][]string{nil, {""}, {"a"}, {"", ""}, {"\xff\x00", "\xff@", "\xff"}, {strings.Repeat("\n", 300)}, {strings.Repeat("long ", 1<<18)}} {
		for _, dictionary := range []bool{false, true} {
			textsComeBack(t, e, values, dictionary, c)
			textsComeBack(t, &Encoder{}, values, dictionary, nil)
		}
	}
	pieces := rapid.SampledFrom([]string{
		"a", "\n", "\xff", "0", "00", "7", "-", "/", " ", "word", "other", "0123456789abcdef", "0123456789ABCDEF", "2026-11-21T16:05:09", ".5", "Z", ",123456789",
		"0123abcd-89ab-cdef-0123-456789abcdef", "999999999999999999", "1000000000000000000", "\"", "\xed\xa0\x80", "é", "x1y2z3",
	})
	rapid.Check(t, func(r *rapid.T) {
		distinct := rapid.SliceOfN(rapid.Custom(func(r *rapid.T) string { return strings.Join(rapid.SliceOfN(pieces, 0, 6).Draw(r, "pieces"), "") }), 1, 20).Draw(r, "distinct")
		values := rapid.SliceOfN(rapid.SampledFrom(distinct), 0, 300).Draw(r, "values")
		textsComeBack(r, e, values, rapid.Bool().Draw(r, "dictionary"), c)
	})
}

// What is small out of all proportion is written so that reading it takes no memory out of proportion.
func TestTextsAreNoTrap(t *testing.T) {
	for _, values := range [][]string{
		{strings.Repeat("0", 4<<20)},
		column(5_000, func(_ *rand.Rand, i int) string { return strings.Repeat("x", 1000) + fmt.Sprint(i) }),
		column(3, func(*rand.Rand, int) string { return strings.Repeat("\n", 1<<20) }),
	} {
		for _, dictionary := range []bool{false, true} {
			textsComeBack(t, &Encoder{Effort: Thorough}, values, dictionary, nil)
		}
	}
}

func TestTextsAreReadConcurrently(t *testing.T) {
	for _, c := range textColumns {
		values := column(9000, c.value)
		data, _ := (&Encoder{Effort: Thorough}).Texts(nil, textsOf(values, c.name == "few distinct"), nil)
		r, _, err := ReadTexts(data, len(values), nil)
		if err != nil {
			t.Fatal(err)
		}
		var wait sync.WaitGroup
		for k := range 4 {
			wait.Go(func() {
				for i := range 500 {
					i = (i*7919 + k*2347) % len(values)
					if got := r.At(i); string(got) != values[i] {
						t.Errorf("%s: value %d is %q, expected %q", c.name, i, got, values[i])
						return
					}
				}
				r.Clean()
			})
		}
		wait.Wait()
	}
}

func TestNeedsNoEscape(t *testing.T) {
	for i := range 256 {
		want := i >= ' ' && i != '"' && i != '\\' && i != 0xED
		for n := range 20 {
			for at := range n {
				s := bytes.Repeat([]byte{'a'}, n)
				s[at] = byte(i)
				if needsNoEscape(s) != want {
					t.Fatalf("%q: %v", s, !want)
				}
			}
		}
	}
}

func TestTimesOfAllDays(t *testing.T) {
	for d := firstSecond / 86400; d <= lastSecond/86400; d++ {
		y, m, day := date(d)
		if days(y, m, day) != d || m < 1 || m > 12 || day < 1 || day > daysIn(y, m) {
			t.Fatalf("day %d is %d-%d-%d", d, y, m, day)
		}
	}
	if y, m, d := date(0); y != 1970 || m != 1 || d != 1 {
		t.Errorf("day 0 is %d-%d-%d", y, m, d)
	}
	if y, m, d := date(20413); y != 2025 || m != 11 || d != 21 {
		t.Errorf("day 20413 is %d-%d-%d", y, m, d)
	}
}

// Texts that patterns would make so small that they may not be read are compressed all the same.
func TestTextsThatMayNotBePatternsArePacked(t *testing.T) {
	values := column(20_000, func(_ *rand.Rand, i int) string {
		return fmt.Sprintf(`{"Host":"h","gauge.%08d.requests":%d,"gauge.%08d.errors":%d,"rest":%q}`, i, 3*i, i, i, strings.Repeat("a gauge ", 40))
	})
	texts := textsOf(values, false)
	out, room := (&Encoder{Effort: Thorough}).Texts(nil, texts, nil)
	if len(out) > len(texts.Bytes)/20 {
		t.Errorf("%d bytes of texts take %d", len(texts.Bytes), len(out))
	}
	if got, _, err := ReadTexts(out, len(values), nil); err != nil || got.Room() != room || string(got.At(19_999)) != values[19_999] {
		t.Errorf("%v, room %d of %d", err, got.Room(), room)
	}
}
