package ingest

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// BenchmarkSharedLogs reads each file of the shared data over and over, detection included.
func BenchmarkSharedLogs(b *testing.B) {
	if _, err := os.Stat(sharedLogs); err != nil {
		b.Skip("skipped: the log files are not in ../shared/data")
	}
	for _, name := range sharedFiles(b) {
		text, err := os.ReadFile(filepath.Join(sharedLogs, name))
		if err != nil {
			b.Fatal(err)
		}
		if len(text) < 100_000 {
			continue // the sample that the detection reads would weigh too much
		}
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			events := int64(0)
			for b.Loop() {
				r := NewFileReader(bytes.NewReader(text), FileOptions{Patient: true, Now: testNow, Modified: testNow})
				for r.Next() {
				}
				events += r.Report().Events
			}
			b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
		})
	}
}
