package stele_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/testkit"
)

// A deletion hides what arrived before it and nothing else (I8): also when blocks from before and after it are merged in
// memory.
func TestADeletionHidesOnlyWhatCameBefore(t *testing.T) {
	s := testkit.OpenMem(t, nil)
	s.AppendSeries(0, 6, 1)
	if n, err := s.Delete(ctx, stele.Range{To: stele.BeforeTime(timeOf(5))}); err != nil || n != 5 {
		t.Fatalf("deleted %d: %v", n, err)
	}
	s.AppendSeries(0, 10, 1)
	want := slices.Insert(series(0, 10), 5, testkit.Line(5))
	// The merging happens in the background, and nothing tells that it is done.
	for range 30 {
		same(t, "what came after", want, s.All())
		time.Sleep(time.Millisecond)
	}
	s.Reopen()
	same(t, "opened again", want, s.All())
	if err := s.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	same(t, "sealed", want, s.All())
}
