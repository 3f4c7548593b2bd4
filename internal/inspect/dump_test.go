package inspect_test

import (
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"hash/crc32"
	"os"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/frame"
	"github.com/stelehq/stele/internal/testkit"
	"github.com/stelehq/stele/internal/vfs"
)

var update = flag.Bool("update", false, "write the dumps into docs/format")

// A field is so many bytes of a dump; -1 is the rest, -5 the rest but the last four.
type field struct {
	bytes int
	name  string
}

// dump writes bytes field by field, sixteen on a line.
func dump(data []byte, fields ...field) string {
	var w strings.Builder
	at := 0
	for _, f := range fields {
		n := f.bytes
		if n < 0 {
			n = len(data) - at + f.bytes + 1
		}
		for i := 0; i < n; i += 16 {
			name := f.name
			if i > 0 {
				name = ""
			}
			fmt.Fprintf(&w, "%s\n", strings.TrimRight(fmt.Sprintf("%04d  %-47s  %s", at+i, fmt.Sprintf("% x", data[at+i:at+min(n, i+16)]), name), " "))
		}
		at += n
	}
	return w.String()
}

// settled is a log's file with a file id and a store id that are always the same, checksums made right.
func settled(t *testing.T, fs *vfs.Mem, prefix string) (data []byte, frames []frame.Found) {
	t.Helper()
	names, err := fs.List(testkit.Dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasPrefix(name, prefix) {
			if data, err = fs.ReadFile(path.Join(testkit.Dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	data = append([]byte(nil), data...)
	err = frame.Walk(strings.NewReader(string(data)), int64(len(data)), prefix, func(f frame.Found) error {
		frames = append(frames, f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	table := crc32.MakeTable(crc32.Castagnoli)
	store := string(frames[0].Header.StoreID[:])
	data = []byte(strings.ReplaceAll(string(data), store, "an id of a store"))
	for _, f := range frames {
		b := data[f.Offset : f.Offset+f.Length]
		copy(b[8:16], "\x11\x22\x33\x44\x55\x66\x77\x88")
		sum := crc32.Checksum(b[:36], table)
		binary.LittleEndian.PutUint32(b[36:], sum)
		binary.LittleEndian.PutUint32(b[len(b)-4:], crc32.Update(sum, table, b[40:len(b)-4]))
	}
	return data, frames
}

// TestDumpsInTheDocumentation: the bytes that docs/format shows are those that the code writes. With -update they are written there.
func TestDumpsInTheDocumentation(t *testing.T) {
	s := testkit.OpenMem(t, func(o *stele.Options) {
		o.Hooks.Now = func() time.Time { return testkit.Epoch }
	})
	if err := s.Documents("views").Set(context.Background(), "home", []byte(`{"n":1}`)); err != nil {
		t.Fatal(err)
	}
	if err := s.Store.Close(); err != nil {
		t.Fatal(err)
	}
	fs := s.FS.(*vfs.Mem)
	s.Abandon()

	data, frames := settled(t, fs, "document-")
	set := frames[2]
	whole := data[set.Offset : set.Offset+set.Length]
	check(t, "frame.md", "frame", dump(whole, field{4, `magic "STLF"`}, field{1, "kind 1"}, field{1, "version 1"}, field{2, "zero"}, field{8, "file id"}, field{8, "sequence 3"}, field{8, "synced 2"},
		field{4, "length of the body, 36"}, field{4, "checksum of the 36 bytes before"}, field{-5, "body: a change of a document"}, field{4, "checksum of the body"}))
	first := data[:frames[0].Length]
	check(t, "frame.md", "header", dump(first[frame.HeaderSize:len(first)-4], field{1, "length of the format's name, 18"}, field{18, `"stele document log"`}, field{2, "version 1"}, field{16, "store id"}, field{8, "number of the file"},
		field{-1, "the owner's own: here what document.md says"}))
	check(t, "document.md", "change", dump(whole[frame.HeaderSize:len(whole)-4], field{8, "version 1"}, field{8, "changed 2026-11-20T12:00:00Z"}, field{2, "length of the space, 5"}, field{2, "length of the key, 4"},
		field{5, `"views"`}, field{4, `"home"`}, field{-1, `{"n":1}`}))

	data, frames = settled(t, fs, "manifest-")
	edit := data[frames[2].Offset+frame.HeaderSize : frames[2].Offset+frames[2].Length-4]
	check(t, "manifest.md", "checkpoint", dump(edit, field{1, "tag 1"}, field{16, "store id"}, field{1, "tag 2"}, field{4, "epoch 1"}, field{1, "tag 3"}, field{8, "next file number"}, field{1, "tag 12"}, field{8, "all below 1,099,511,627,776 (epoch 1, counter 0)"}, field{-1, "had arrived at 2026-11-20T12:00:00Z"}))
}

// check compares a dump with the block behind its mark in a page of docs/format.
func check(t *testing.T, page, name, want string) {
	t.Helper()
	file := "../../docs/format/" + page
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	open := "<!-- dump: " + name + " -->\n```\n"
	start := strings.Index(string(text), open)
	if start < 0 {
		t.Fatalf("%s has no %q", page, open)
	}
	start += len(open)
	end := strings.Index(string(text[start:]), "```")
	if end < 0 {
		t.Fatalf("%s: the dump %s does not end", page, name)
	}
	got := string(text[start : start+end])
	if got == want {
		return
	}
	if !*update {
		t.Errorf("%s shows %s as\n%s\nit is (go test ./internal/inspect -update)\n%s", page, name, got, want)
		return
	}
	if err := os.WriteFile(file, []byte(string(text[:start])+want+string(text[start+end:])), 0o644); err != nil {
		t.Fatal(err)
	}
}
