package backup_test

import (
	"bytes"
	"crypto/sha256"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/stelehq/stele/internal/backup"
	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/testkit"
)

func example() *backup.Description {
	f := backup.File{Kind: backup.Segment, Number: 7, Bytes: 4321, Mark: 0xc0ffee, Rows: 12, Applied: 1, Size: 4321, SHA256: backup.Sum{1, 2, 3}}
	f.Pool = f.Name(backup.ID{0xab})
	log := backup.File{Kind: backup.Journal, Number: 8, Bytes: 99, Last: 4}
	return &backup.Description{
		StoreID: backup.ID{0xab}, Taken: time.Date(2026, 11, 20, 12, 0, 0, 5, time.UTC), Events: 12, Documents: 1, Added: 4321, Catalog: []byte("catalog"),
		Files: []backup.File{f, log}, Damage: []backup.Damage{{File: "journal-0000000000000008.log", Offset: fault.NoOffset, What: "all of it", Error: "gone"}},
	}
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := &backup.Description{Taken: time.Unix(0, rapid.Int64().Draw(rt, "taken")).UTC(), Events: rapid.Int64().Draw(rt, "events"), Catalog: rapid.SliceOf(rapid.Byte()).Draw(rt, "catalog")}
		copy(d.StoreID[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(rt, "id"))
		for range rapid.IntRange(0, 3).Draw(rt, "files") {
			f := backup.File{
				Kind: rapid.SampledFrom([]string{backup.Segment, backup.Journal, backup.Document}).Draw(rt, "kind"), Number: rapid.Uint64Range(0, 1<<63-1).Draw(rt, "number"), Bytes: rapid.Int64Range(0, 1<<62).Draw(rt, "bytes"),
				Mark: rapid.Uint32().Draw(rt, "mark"), Applied: rapid.Uint64().Draw(rt, "applied"), Last: rapid.Uint64().Draw(rt, "last"),
			}
			switch rapid.IntRange(0, 2).Draw(rt, "pool") {
			case 1:
				f.Pool, f.Size, f.SHA256 = f.Name(d.StoreID), f.Bytes, backup.Sum{9}
			case 2:
				f.Pool, f.Size = f.SalvagedName(d.StoreID, 3, backup.Sum{}), 3
			}
			d.Files = append(d.Files, f)
		}
		for range rapid.IntRange(0, 2).Draw(rt, "damage") {
			d.Damage = append(d.Damage, backup.Damage{rapid.String().Draw(rt, "file"), rapid.Int64().Draw(rt, "offset"), rapid.String().Draw(rt, "what"), "e"})
		}
		for i := range d.Damage {
			d.Damage[i].File, d.Damage[i].What = strings.ToValidUTF8(d.Damage[i].File, "\uFFFD"), strings.ToValidUTF8(d.Damage[i].What, "\uFFFD")
		}
		text, err := backup.Append(nil, d)
		if err != nil {
			rt.Fatal(err)
		}
		got, err := backup.Decode(text)
		if err != nil {
			rt.Fatal(err)
		}
		if diff := cmp.Diff(d, got); diff != "" {
			rt.Fatal(diff)
		}
	})
}

// TestNoByteIsIndifferent changes each byte of a description.
func TestNoByteIsIndifferent(t *testing.T) {
	text, err := backup.Append(nil, example())
	if err != nil {
		t.Fatal(err)
	}
	for i := range text {
		for bit := range 8 {
			damaged := bytes.Clone(text)
			damaged[i] ^= 1 << bit
			d, err := backup.Decode(damaged)
			// Upper and lower case are one to JSON, in the line of the checksum alone.
			if err == nil && !strings.EqualFold(string(damaged), string(text)) {
				t.Errorf("bit %d of byte %d: nothing is noticed: %+v", bit, i, d)
			}
		}
		if _, err := backup.Decode(text[:i]); fault.KindOf(err) != fault.Corrupt {
			t.Errorf("cut off at %d: %v", i, err)
		}
	}
}

func TestR18OtherVersionsAreRefusedByName(t *testing.T) {
	text, err := backup.Append(nil, example())
	if err != nil {
		t.Fatal(err)
	}
	_, err = backup.Decode(resum(bytes.Replace(text, []byte(`"Version":1`), []byte(`"Version":2`), 1)))
	if fault.KindOf(err) != fault.Unsupported || !strings.Contains(err.Error(), "version 2") {
		t.Error(err)
	}
}

// resum gives a forged description its checksum.
func resum(text []byte) []byte {
	at := bytes.LastIndex(bytes.TrimSuffix(text, []byte("\n")), []byte("\n")) + 1
	body := text[:at]
	out, _ := backup.Append(nil, &backup.Description{})
	line := out[bytes.LastIndex(out[:len(out)-1], []byte("\n"))+1:]
	sum := backup.Sum(sha256.Sum256(body))
	hex, _ := sum.MarshalText()
	start := bytes.Index(line, []byte(`:"`)) + 2
	return append(append(append(bytes.Clone(body), line[:start]...), hex...), `"}`+"\n"...)
}

// TestForgedNamesAreRefused: a name in a description never leads out of the directory.
func TestForgedNamesAreRefused(t *testing.T) {
	for _, name := range []string{"../../etc/passwd", "CURRENT", "LOCK", "backup-0000000000000001.json", "", "a/b"} {
		d := example()
		d.Files[0].Pool = name
		text, err := backup.Append(nil, d)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := backup.Decode(text); (name != "") != (fault.KindOf(err) == fault.Corrupt) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// TestTheExampleInTheDocs holds docs/format/backup.md to the code.
func TestTheExampleInTheDocs(t *testing.T) {
	page, err := os.ReadFile("../../docs/format/backup.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "<!-- example -->\n```\n")
	shown, _, ok := strings.Cut(rest, "```")
	text, err := backup.Append(nil, example())
	if err != nil {
		t.Fatal(err)
	}
	if !ok || shown != string(text) {
		t.Errorf("the page shows\n%s\nthe code writes\n%s", shown, text)
	}
}

func FuzzDecode(f *testing.F) {
	for _, d := range []*backup.Description{{}, example()} {
		text, err := backup.Append(nil, d)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		testkit.Soak(t, text, func(text []byte) {
			for _, text := range [][]byte{text, resum(append(text, '\n'))} {
				d, err := backup.Decode(text)
				if err != nil {
					if kind := fault.KindOf(err); kind != fault.Corrupt && kind != fault.Unsupported {
						t.Fatal(err)
					}
					continue
				}
				again, err := backup.Append(nil, d)
				if err != nil {
					continue // a time that JSON cannot have
				}
				if back, err := backup.Decode(again); err != nil || cmp.Diff(d, back) != "" {
					t.Fatalf("%v\n%s", err, cmp.Diff(d, back))
				}
			}
		})
	})
}
