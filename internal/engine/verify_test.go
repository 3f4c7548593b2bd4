package engine

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"strings"
	"testing"

	"github.com/stelehq/stele/internal/block"
	"github.com/stelehq/stele/internal/fault"
)

// Opening a block checks that instants ascend, and takes for granted that arrival numbers do at one instant: whoever searches it would miss events.
// Checksums that are right prove nothing of that, so verifying looks at every key.
func TestVerifyFindsKeysThatDescendAtOneInstant(t *testing.T) {
	one := func(base uint64) block.Run {
		b := block.NewBuilder(block.Limits{})
		ok(t, b.AddCLEF([]byte(`{"@t":"2026-11-20T12:00:00.0000000Z","n":1}`)))
		data, _ := block.NewEncoder(block.Fast).Encode(nil, b)
		opened, err := block.Open(data, base)
		ok(t, err)
		return block.Run{Block: opened, From: 0, To: 1}
	}
	b := block.NewBuilder(block.Limits{})
	ok(t, b.AppendRuns([]block.Run{one(100), one(105)}))
	data, base := block.NewEncoder(block.Fast).Encode(nil, b)
	verify := func() *Report {
		opened, err := block.Open(data, base)
		ok(t, err)
		r := &Report{}
		verifyBlock(opened, r, "segment")
		return r
	}
	if r := verify(); r.Events != 2 || len(r.seen.all()) > 0 {
		t.Fatalf("sound: %d events, %v", r.Events, r.seen.all())
	}
	// The arrival offsets, 0 and 5 in a byte each, change places; the checksum is made right.
	sound, forged := []byte{0, 0, 1, 0, 5}, []byte{0, 0, 1, 5, 0}
	if bytes.Count(data, sound) != 1 {
		t.Fatalf("no arrival offsets in %x", data)
	}
	data = bytes.Replace(data, sound, forged, 1)
	table := crc32.MakeTable(crc32.Castagnoli)
	binary.LittleEndian.PutUint32(data[1:], crc32.Update(crc32.Checksum(data[:1], table), table, data[5:]))
	found := verify().seen.all()
	if len(found) != 1 || fault.KindOf(found[0].Err) != fault.Corrupt || !strings.Contains(found[0].Err.Error(), "does not follow") {
		t.Errorf("found %v", found)
	}
}
