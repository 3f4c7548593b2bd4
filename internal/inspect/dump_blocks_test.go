package inspect_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"hash/crc32"
	"path"
	"testing"
	"time"

	"github.com/stelehq/stele/internal/block"
	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/frame"
	"github.com/stelehq/stele/internal/journal"
	"github.com/stelehq/stele/internal/segment"
	"github.com/stelehq/stele/internal/testkit"
	"github.com/stelehq/stele/internal/vfs"
)

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// twoEvents are the block that the pages show, as the journal's codec and as a sealed segment has it.
func twoEvents(t *testing.T) (fast, told []byte) {
	t.Helper()
	b := block.NewBuilder(block.Limits{})
	for _, line := range []string{
		`{"@t":"2026-11-20T12:00:00.0000000Z","@mt":"Hi {Name}","Name":"you","o":{"n":7}}`,
		`{"@t":"2026-11-20T12:00:01.0000000Z","@mt":"Hi {Name}","Name":"me","o":{"n":8}}`,
	} {
		ok(t, b.AddCLEF([]byte(line)))
	}
	fast, _ = b.Encode(nil, block.Fast)
	told, _ = block.NewEncoder(block.Thorough).Seal(nil, b)
	return fast, told
}

func TestDumpsOfBlocks(t *testing.T) {
	fast, told := twoEvents(t)
	check(t, "block.md", "block", dump(fast, field{1, "version 7"}, field{4, "CRC of all but itself"}, field{1, "h 0: there is one section"}, field{1, "rows 2"}, field{1, "sections 1"},
		field{1, "section 0: method 0, as it is"}, field{1, "payloads 8"}, field{1, "bytes 92"}, field{1, "payload 0, the schema: bytes 38"}, field{1, "1, the shapes: 3"}, field{1, "2, the instants: 17"},
		field{1, "3, the arrival offsets: 0"}, field{1, "4, column 0: 0"}, field{1, "5, column 1: 18"}, field{1, "6, column 2: 11"}, field{1, "7, column 3: 5"},
		field{1, "schema: objects 2, the event and one more"}, field{1, "object 1: parent 0"}, field{2, `name "o"`}, field{1, "columns 4"},
		field{2, "column 0: of object 0, kind 7 (time), way 0 (own)"}, field{3, `name "@t"`}, field{2, "column 1: of object 0, kind 6 (string), way 0"}, field{4, `name "@mt"`},
		field{2, "column 2: of object 0, kind 6, way 0"}, field{5, `name "Name"`}, field{2, "column 3: of object 1, kind 3 (int), way 0"}, field{2, `name "n"`},
		field{1, "layouts 1"}, field{1, "layout 0: tokens 6"}, field{3, "the next columns: 0, 1, 2"}, field{1, "2·1 and 1: object 1 begins"}, field{1, "the next column: 3"}, field{1, "0 and 1: the object ends"},
		field{1, "shapes 1"}, field{2, "shape 0: rows 2, layout 0"},
		field{3, "shapes of the rows: form 0, base 0, in 0 bytes each: all 0"},
		field{1, "instants: form 2, steps"}, field{9, "first: 2026-11-20T12:00:00Z"}, field{5, "divisor 1,000,000,000"}, field{1, "in 1 byte each"}, field{1, "1 times the divisor later"},
		field{1, "column 1: form 1, a dictionary"}, field{1, "entries 1"}, field{3, "codes: form 0, base 0, in 0 bytes each: all 0"}, field{1, "entries: form 0, plain"}, field{3, "lengths: form 0, base 9, in 0 bytes each"}, field{9, `"Hi {Name}"`},
		field{1, "column 2: form 0, plain"}, field{3, "lengths: form 0, base 2, in 1 byte each"}, field{2, "3, 2"}, field{5, `"you", "me"`},
		field{3, "column 3: form 0, base 7, in 1 byte each"}, field{2, "7, 8"}))
	check(t, "block.md", "told", dump(told, field{1, "version 7"}, field{4, "CRC of all but itself"}, field{1, "h 0"}, field{1, "rows 2"}, field{1, "sections 0: it is told"},
		field{2, "4 · 160 bytes of text; offsets follow each other; no zstd"}, field{-1, "the text, as internal/terse has it"}))
}

func TestDumpsOfSegments(t *testing.T) {
	_, told := twoEvents(t)
	id := segment.Identity{Number: 7, StoreID: [16]byte([]byte("an id of a store")), Journals: []uint64{5}}
	at := testkit.Epoch.UnixNano()
	const base = 1<<40 | 5
	meta := segment.Meta{Rows: 2, MinKey: event.MakeKey(at, base), MaxKey: event.MakeKey(at+1e9, base+1), MinArrival: base, MaxArrival: base + 1, Base: base}
	file := func(blocks ...[]byte) []byte {
		fs := vfs.NewMem()
		w, err := segment.Create(fs, "seg", id)
		ok(t, err)
		for _, b := range blocks {
			ok(t, w.Add(b, meta))
		}
		_, err = w.Finish()
		ok(t, err)
		data, err := fs.ReadFile("seg")
		ok(t, err)
		return data
	}
	check(t, "segment.md", "small", dump(file(told), field{len(told), "the block"}, field{1, "number 7"}, field{16, "store id"}, field{2, "journals 1: number 5"}, field{1, "segments 0"},
		field{1, "2 · 2 rows, arrival numbers follow each other"}, field{8, "instant of the smallest key: 2026-11-20T12:00:00Z"}, field{5, "that of the largest is 1,000,000,000 ns later"}, field{2, "smallest arrival number: epoch 1, counter 5"},
		field{1, "version 4"}, field{3, "length of identity and meta, 36"}, field{4, "checksum of all before"}, field{4, `magic "STLO"`}))

	data := file([]byte("a block"), []byte("another"))
	settleSegment(t, data, 20, 7)
	header := []field{{4, `magic "STLB"`}, {4, "ordinal"}, {8, "file id"}, {4, "length 7"}, {4, "rows 2"}, {16, "smallest key"}, {16, "largest key"}, {8, "smallest arrival number"}, {8, "largest arrival number"},
		{8, "base"}, {4, "bytes of sets 0"}, {4, "checksum of the block"}, {4, "checksum of the 88 bytes before"}}
	fields := []field{{4, `magic "STLS"`}, {1, "version 4"}, {3, "zero"}, {8, "file id"}, {4, "length of the identity, 20"}, {4, "checksum of the 20 bytes before"}, {1, "number 7"}, {16, "store id"}, {2, "journals 1: number 5"},
		{1, "segments 0"}, {4, "checksum of the identity"}}
	fields = append(append(fields, header...), field{7, `block 0: "a block"`})
	fields = append(append(fields, header...), field{7, `block 1: "another"`})
	for range 2 {
		fields = append(append(fields, field{8, "index: offset of the block's header"}), header...)
	}
	fields = append(fields, []field{{8, "footer: file id"}, {4, "blocks 2"}, {4, "zero"}, {8, "rows 4"}, {16, "smallest key"}, {16, "largest key"}, {8, "smallest arrival number"}, {8, "largest arrival number"},
		{8, "offset of the index"}, {4, "checksum of the index"}, {1, "number 7"}, {16, "store id"}, {2, "journals 1: number 5"}, {1, "segments 0"},
		{1, "trailer: version 4"}, {3, "length of the footer"}, {4, "checksum of the footer and the 4 bytes before"}, {4, `magic "STLT"`}}...)
	check(t, "segment.md", "segment", dump(data, fields...))
}

// settleSegment gives a segment of two blocks of n bytes each, with an identity of id bytes, a file id that is always the same, checksums made right.
func settleSegment(t *testing.T, data []byte, id, n int) {
	t.Helper()
	le, sum := binary.LittleEndian, func(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }
	fileID := []byte("\x11\x22\x33\x44\x55\x66\x77\x88")
	const head, header = 24, 92
	copy(data[8:], fileID)
	le.PutUint32(data[20:], sum(data[:20]))
	blocks := head + id + 4
	index := data[blocks+2*(header+n):]
	for i := range 2 {
		b := data[blocks+i*(header+n):][:header]
		copy(b[8:], fileID)
		le.PutUint32(b[88:], sum(b[:88]))
		copy(index[i*(8+header)+8:], b)
	}
	footer := index[2*(8+header):]
	copy(footer, fileID)
	le.PutUint32(footer[80:], sum(index[:2*(8+header)]))
	le.PutUint32(footer[len(footer)-8:], sum(footer[:len(footer)-8]))
	fs := vfs.NewMem()
	fs.WriteFile("seg", data)
	r, err := segment.Open(fs, "seg", nil)
	ok(t, err)
	if damage, err := r.Verify(context.Background()); len(damage) > 0 || err != nil {
		t.Fatal(damage, err)
	}
	ok(t, r.Release())
}

func TestDumpsOfJournals(t *testing.T) {
	fast, _ := twoEvents(t)
	fs := vfs.NewMem()
	ok(t, fs.MkdirAll(testkit.Dir))
	w, err := journal.Create(fs, testkit.Dir, journal.Header{StoreID: [16]byte{1}, Number: 9, Epoch: 1, Cuts: []journal.Cut{{Number: 8, Sequence: 3}}})
	ok(t, err)
	at := testkit.Epoch.UnixNano()
	ok(t, w.Commit([]journal.Group{{
		Base: 1<<40 | 5, Time: at + int64(1012*time.Millisecond), Batches: []journal.Batch{{ID: "retry-1", Rows: 2}},
		Blocks: []journal.Block{{Rows: 2, First: journal.Mark{Instant: at}, Last: journal.Mark{Instant: at + 1e9, Place: 1}, Data: fast}},
	}}))
	ok(t, w.Close())
	data, frames := settled(t, fs, path.Base(journal.Name(9)))
	header := data[frame.HeaderSize : frames[0].Length-4]
	own := bytes.LastIndex(header, []byte("an id of a store")) + 24
	check(t, "journal.md", "header", dump(header[own:], field{4, "epoch 1"}, field{4, "cuts 1"}, field{8, "file number 8"}, field{8, "sequence 3"}))
	group := data[frames[2].Offset+frame.HeaderSize : frames[2].Offset+frames[2].Length-4]
	check(t, "journal.md", "group", dump(group, field{1, "epoch 1"}, field{1, "counter 5"}, field{8, "committed 2026-11-20T12:00:01.012Z"}, field{1, "batches 1"}, field{1, "blocks 1"},
		field{1, "batch 0: rows 2"}, field{1, "length of its id, 7"}, field{7, `"retry-1"`}, field{1, "block 0: rows 2"}, field{1, "bytes 111"}, field{5, "the first event is 1,012,000,000 ns before the commit"}, field{1, "it is row 0"},
		field{5, "the last is 1,000,000,000 ns after the first"}, field{1, "it is row 1"}, field{-1, "the block (block.md)"}))
}
