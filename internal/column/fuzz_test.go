package column_test

import (
	"bytes"
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

// FuzzTexts reads arbitrary bytes as texts: how many (2 bytes), then the column.
func FuzzTexts(f *testing.F) {
	for _, c := range textSeeds() {
		f.Add(c)
	}
	f.Fuzz(func(t *testing.T, seed []byte) {
		testkit.Soak(t, seed, func(data []byte) { readAnyTexts(t, data) })
	})
}

// textSeeds are columns in every form.
func textSeeds() (seeds [][]byte) {
	for _, s := range []string{
		"", "a\x01bc\x01\x01def", "red\x01green\x01red\x01red\x01green",
		"0123456789abcdef\x01fedcba9876543210\x01aaaaaaaaaaaaaaaa\x010000000012345678\x01none\x01bbbbbbbbbbbbbbb1\x01cccccccccccccc2c\x01ddddddddddddd3dd\x01eeeeeeeeeeee4eee\x01fffffffffff5ffff",
		"2026-11-21T16:05:09.123Z\x012026-11-21T16:05:10Z\x012026-11-21T16:05:11.4Z\x012026-11-21T16:05:11.5Z\x01-\x012026-11-21T16:06:11.6Z\x012026-11-21T16:07:11.7Z\x012026-11-21T16:08:11.8Z",
		"/api/orders/771308/lines/7\x01/api/orders/98/lines/12\x01/api/orders/12345/lines/1\x01/api/users/anna/007\x01/api/orders/5/lines/3\x01/api/users/bob/018\x01/api/orders/4/lines/3\x01/api/users/eve/118",
		"error\n  at one:17\n  at two:4\x01error\n  at two:9\n  at one:17\n  at one:21\x01fine\x01error\n  at three:5\x01error\n  at one:5\n\n",
	} {
		var t column.Texts
		for range 6 { // worth a form of their own
			for v := range bytes.SplitSeq([]byte(s), []byte{1}) {
				t.Bytes = append(t.Bytes, v...)
				t.Ends = append(t.Ends, uint32(len(t.Bytes)))
			}
		}
		n := len(t.Ends)
		for form := range column.TextForms {
			if data, ok := column.InForm([]byte{byte(n), byte(n >> 8)}, form, t); ok {
				seeds = append(seeds, data)
			}
		}
	}
	return seeds
}

func readAnyTexts(t *testing.T, data []byte) {
	if len(data) < 2 {
		return
	}
	n := int(data[0]) | int(data[1])<<8
	var a column.Account
	v, rest, err := column.ReadTexts(data[2:], n, &a)
	if err != nil {
		if fault.KindOf(err) != fault.Corrupt {
			t.Fatalf("%v is not Corrupt", err)
		}
		return
	}
	if len(rest) > len(data)-2 {
		t.Fatal("more is left than was given")
	}
	var texts, alone column.Texts
	for i := 0; i < n && len(alone.Bytes) < 1<<20; i++ { // before those around it are made
		alone.Bytes = v.AppendText(alone.Bytes, i)
		alone.Ends = append(alone.Ends, uint32(len(alone.Bytes)))
	}
	clean := v.Clean()
	for i := range n {
		text := v.At(i)
		if len(texts.Bytes)+len(text) > 1<<20 {
			return
		}
		texts.Bytes = append(texts.Bytes, text...)
		texts.Ends = append(texts.Ends, uint32(len(texts.Bytes)))
		if v.Entries() > 0 && !bytes.Equal(v.Entry(v.Code(i)), text) {
			t.Fatalf("text %d is %q, its entry %q", i, text, v.Entry(v.Code(i)))
		}
	}
	if err := a.Err(); err != nil {
		if fault.KindOf(err) != fault.Corrupt {
			t.Fatalf("%v is not Corrupt", err)
		}
		return
	}
	if !bytes.HasPrefix(texts.Bytes, alone.Bytes) || !slices.Equal(texts.Ends[:len(alone.Ends)], alone.Ends) {
		t.Fatalf("%s: %q together, alone %q", v.Form(), texts.Bytes, alone.Bytes)
	}
	if clean && bytes.ContainsAny(texts.Bytes, "\x00\n\"\\") {
		t.Fatalf("%s: %q is clean", v.Form(), texts.Bytes)
	}
	if most := 4096*len(data) + 64*n + 1<<16; a.MemSize() > 2*most {
		t.Fatalf("%d bytes of memory for %d bytes and %d texts", a.MemSize(), len(data), n)
	}
	e := column.Encoder{Effort: column.Thorough}
	out, room := e.Texts(nil, texts, nil)
	w, rest, err := column.ReadTexts(out, n, &a)
	if err != nil || len(rest) > 0 {
		t.Fatalf("%v, %d bytes are left", err, len(rest))
	}
	if w.Room() > room {
		t.Fatalf("room for %d bytes, %d expected", w.Room(), room)
	}
	for i := range n {
		if !bytes.Equal(v.At(i), w.At(i)) {
			t.Fatalf("text %d is %q, wrote %q", i, w.At(i), v.At(i))
		}
	}
	if a.Err() != nil {
		t.Fatal(a.Err())
	}
}

// FuzzTextsRoundTrip writes and reads arbitrary texts: the input cut at the bytes 1, repeated as often as the first byte says.
func FuzzTextsRoundTrip(f *testing.F) {
	f.Add([]byte("\x05a\x01bc\x012026-11-21T16:05:09.123Z\x010123456789abcdef"))
	f.Add([]byte("\x20/orders/1\x01/orders/2\n x17\x01/orders/00000000-1111-2222-3333-444444444444\xff\x01"))
	f.Fuzz(func(t *testing.T, seed []byte) {
		testkit.Soak(t, seed, func(data []byte) { writeAnyTexts(t, data) })
	})
}

func writeAnyTexts(t *testing.T, data []byte) {
	if len(data) == 0 {
		return
	}
	var texts column.Texts
	values := bytes.Split(data[1:], []byte{1})
	for range 1 + data[0]%40 {
		for _, v := range values {
			texts.Bytes = append(texts.Bytes, v...)
			texts.Ends = append(texts.Ends, uint32(len(texts.Bytes)))
		}
	}
	n := len(texts.Ends)
	for form := range column.TextForms {
		out, ok := column.InForm(nil, form, texts)
		if !ok {
			continue
		}
		var a column.Account
		r, rest, err := column.ReadTexts(out, n, &a)
		if err != nil || len(rest) > 0 {
			t.Fatalf("form %d: %v, %d bytes are left", form, err, len(rest))
		}
		for i := range n {
			if want := values[i%len(values)]; !bytes.Equal(r.At(i), want) {
				t.Fatalf("form %d: text %d is %q, wrote %q (%v)", form, i, r.At(i), want, a.Err())
			}
		}
	}
}
