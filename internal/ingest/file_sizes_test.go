package ingest

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/stelehq/stele/internal/testkit"
)

// TestRealFilesOnDisk holds what files of JSON lines take once they are sealed, all of their segments with checksums, indexes and
// headers: never more than zstd makes of the file at its default level, and of Windows' events at most two thirds of that.
func TestRealFilesOnDisk(t *testing.T) {
	if _, err := os.Stat(sharedLogs); err != nil {
		t.Skip("skipped: the log files are not in ../shared/data")
	}
	encoder, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	files := 0
	for _, name := range sharedFiles(t) {
		text, err := os.ReadFile(filepath.Join(sharedLogs, name))
		if err != nil {
			t.Fatal(err)
		}
		if !isJSONLines(text) {
			continue
		}
		files++
		packed := len(encoder.EncodeAll(text, nil))
		most := packed
		if strings.HasPrefix(filepath.ToSlash(name), "windows-events/") {
			most = packed * 2 / 3
		}
		size := sealedSize(t, text)
		t.Logf("%-55s %9d bytes, zstd %8d, stored in %8d (%.2f)", name, len(text), packed, size, float64(size)/float64(packed))
		if size > int64(most) {
			t.Errorf("%s takes %d bytes on disk, zstd %d; at most %d are allowed", name, size, packed, most)
		}
	}
	if files < 20 {
		t.Errorf("only %d files of JSON lines were found", files)
	}
}

func isJSONLines(text []byte) bool {
	lines := 0
	for line := range bytes.Lines(text) {
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		if line[0] != '{' || !json.Valid(line) {
			return false
		}
		lines++
	}
	return lines > 0
}

// sealedSize ingests a file and returns the bytes of the segments it becomes.
func sealedSize(t *testing.T, text []byte) int64 {
	t.Helper()
	store := testkit.OpenMem(t, nil)
	batch := store.NewBatch()
	r := NewFileReader(bytes.NewReader(text), FileOptions{Patient: true, Now: testNow, Modified: testNow})
	for r.Next() {
		if err := batch.AddCLEF(r.Event().CLEF); err != nil {
			t.Fatal(err)
		}
	}
	ctx := context.Background()
	if _, err := store.Store.Append(ctx, batch); err != nil {
		t.Fatal(err)
	}
	if err := store.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	if err := store.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	stats := store.Stats()
	if stats.JournalEvents != 0 || stats.Events != r.Report().Events {
		t.Fatalf("%d events were read, %d are stored, %d of them in the journal", r.Report().Events, stats.Events, stats.JournalEvents)
	}
	return stats.SegmentBytes
}
