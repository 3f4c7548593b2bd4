package block_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stelehq/stele/internal/block"
	"github.com/stelehq/stele/internal/fault"
)

// A block with damage in one section gives the rows that need nothing of it, as they were, and no other.
func TestRowsBesideDamagedColumns(t *testing.T) {
	const rows = 12000
	w := block.NewBuilder(block.Limits{})
	r := rand.New(rand.NewPCG(1, 2))
	var lines [][]byte
	for i := range rows {
		line := fmt.Appendf(nil, `{"@t":"2024-01-01T%02d:%02d:%02dZ","@mt":"No {N}","N":%d`, i/3600, i/60%60, i%60, i*i)
		if i%3 == 0 {
			line = fmt.Appendf(line, `,"Id":"%016x"`, r.Uint64())
		}
		if i%5 == 0 {
			line = fmt.Appendf(line, `,"Of":{"Id":"%016x"},"Same":"%[1]016x"`, r.Uint64())
		}
		lines = append(lines, append(line, '}'))
		if err := w.AddCLEF(lines[i]); err != nil {
			t.Fatal(err)
		}
	}
	for _, codec := range []block.Codec{block.Fast, block.Thorough} {
		data, base := w.Encode(nil, codec)
		if b, err := block.OpenDamaged(data, base); err != nil || b.Damaged() != nil {
			t.Fatalf("a sound block: %v", err)
		}
		partly := map[int]int{} // by how many rows are lost: points
		for at := 0; at < len(data); at += 1 + len(data)/40 {
			bad := bytes.Clone(data)
			bad[at] ^= 0x55
			if _, err := block.Open(bad, base); !errors.Is(err, fault.Corrupt) && !errors.Is(err, fault.Unsupported) {
				t.Fatalf("byte %d: Open says %v", at, err)
			}
			b, err := block.OpenDamaged(bad, base)
			if err != nil {
				if !errors.Is(err, fault.Corrupt) && !errors.Is(err, fault.Unsupported) {
					t.Fatalf("byte %d: %v", at, err)
				}
				continue
			}
			d := b.Damaged()
			if d == nil || d.Lost == 0 || d.Lost != d.Rows.Count() || !errors.Is(d.Err, fault.Corrupt) {
				t.Fatalf("byte %d: %+v", at, d)
			}
			partly[d.Lost]++
			for i := range rows {
				if d.Rows.Has(i) {
					if _, err := b.AppendCLEF(nil, i); err == nil {
						t.Fatalf("byte %d: row %d is lost, and read", at, i)
					}
				} else if text, err := b.AppendCLEF(nil, i); err != nil || !bytes.Equal(text, lines[i]) {
					t.Fatalf("byte %d, row %d: %s, %v", at, i, text, err)
				}
			}
		}
		if len(partly) < 2 {
			t.Errorf("codec %d: rows lost, and for how many damaged bytes: %v", codec, partly)
		}
	}
}
