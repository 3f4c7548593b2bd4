package frame

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"testing"

	"github.com/stelehq/stele/internal/fault"
)

// FuzzScan gives the scanner any bytes: it does not panic, holds no more than the file is
// long, and returns no body but one that stands in the file under a checksum that holds.
func FuzzScan(f *testing.F) {
	good := testLog(f, true, smallGroups...)
	f.Add(good)
	f.Add(good[:len(good)-20])
	f.Add([]byte{})
	f.Add(bytes.Repeat([]byte(magic), 300))
	flipped := bytes.Clone(good)
	flipped[200] ^= 4
	f.Add(flipped)
	f.Fuzz(func(t *testing.T, b []byte) {
		last := uint64(0)
		r, err := Scan(bytes.NewReader(b), int64(len(b)), "log", func(fr Frame) error {
			raw := b[fr.Offset : fr.Offset+fr.Length]
			crc := crc32.Checksum(raw[:36], castagnoli)
			body := raw[HeaderSize : len(raw)-crcSize]
			if binary.LittleEndian.Uint32(raw[36:]) != crc || !bytes.Equal(body, fr.Body) ||
				binary.LittleEndian.Uint32(raw[len(raw)-crcSize:]) != crc32.Update(crc, castagnoli, body) {
				t.Fatalf("frame %d at %d stands under no checksum", fr.Sequence, fr.Offset)
			}
			if fr.Sequence <= last || fr.Kind > MaxKind || cap(fr.Body) > len(b) {
				t.Fatalf("frame %d after %d, kind %d", fr.Sequence, last, fr.Kind)
			}
			last = fr.Sequence
			return nil
		})
		if err != nil && fault.KindOf(err) != fault.Unsupported {
			t.Fatal(err)
		}
		if r.End > int64(len(b)) || r.LastSequence < last {
			t.Fatalf("%+v", r)
		}
		_, _ = ReadHeader(bytes.NewReader(b), int64(len(b)), "log")
		if len(b) > 0 {
			_, _ = ReadAt(bytes.NewReader(b), int64(len(b)), "log", int64(b[0]))
		}
	})
}
