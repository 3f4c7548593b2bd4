package ingest

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/stelehq/stele"
)

// A file of a few events has names for most of its bytes, which zstd over its lines is not much worse at; it may take this much more.
const (
	fewEventsBytes = 100_000 // of a file
	fewEventsMore  = 128
)

// TestSharedFilesOnDisk holds that a file of JSON lines takes no more of the disk than zstd (default level) over its lines as a whole, though
// the store keeps what was detected besides; Windows events at most two thirds of that. Counted is the segment's file, less
// that of one event with nothing but a time, which is what every segment has for itself.
func TestSharedFilesOnDisk(t *testing.T) {
	if _, err := os.Stat(sharedLogs); err != nil {
		t.Skip("skipped: the log files are not in ../shared/data")
	}
	compressor, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer compressor.Close()
	own := segmentBytes(t, []byte(`{"@t":"2024-01-02T03:04:05.0000000Z"}`))
	var files []string
	for _, pattern := range []string{"clef/*", "*/*.jsonl", "*/*.ndjson"} {
		found, err := filepath.Glob(filepath.Join(sharedLogs, pattern))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		most := len(compressor.EncodeAll(text, nil))
		if strings.Contains(file, "windows-events") {
			most = most * 2 / 3
		}
		if len(text) < fewEventsBytes {
			most += fewEventsMore
		}
		got := segmentBytes(t, text) - own
		t.Logf("%-48s %8d bytes, at most %7d, stored %7d", filepath.Base(file), len(text), most, got)
		if got > most {
			t.Errorf("%s takes %d bytes, over %d", file, got, most)
		}
	}
}

// segmentBytes ingests a file into a store of its own and returns how long its one segment is.
func segmentBytes(t *testing.T, text []byte) int {
	t.Helper()
	store, err := stele.Open(t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	}()
	batch := store.NewBatch()
	r := NewFileReader(bytes.NewReader(text), FileOptions{Patient: true, Now: testNow, Modified: testNow})
	for r.Next() {
		if err := batch.AddCLEF(r.Event().CLEF); err != nil {
			t.Fatal(err)
		}
	}
	ctx := context.Background()
	if _, err := store.Append(ctx, batch); err != nil {
		t.Fatal(err)
	}
	if err := store.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	st := store.Stats()
	if st.Segments != 1 {
		t.Fatalf("%d segments", st.Segments)
	}
	return int(st.SegmentBytes)
}
