package stele_test

import (
	"context"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/testkit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var ctx = context.Background()

func series(from, to int) []string {
	var lines []string
	for i := from; i < to; i++ {
		lines = append(lines, testkit.Line(i))
	}
	return lines
}

func reversed(lines []string) []string {
	lines = slices.Clone(lines)
	slices.Reverse(lines)
	return lines
}

func same(t *testing.T, what string, want, got []string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("%s (-want +got):\n%s", what, diff)
	}
}

func TestAppendReadReopen(t *testing.T) {
	for _, where := range []func(testing.TB, func(*stele.Options)) *testkit.Fixture{testkit.OpenMem, testkit.OpenTemp} {
		s := where(t, nil)
		s.AppendSeries(0, 10, 3)
		same(t, "ascending", series(0, 10), s.All())
		same(t, "descending", reversed(series(0, 10)), s.Lines(stele.ReadOptions{Ordering: stele.Descending}))
		s.Reopen()
		same(t, "after reopening", series(0, 10), s.All())
		s.AppendSeries(10, 700, 300)
		same(t, "large batches", series(0, 700), s.All())
		if err := s.Flush(ctx); err != nil {
			t.Fatal(err)
		}
		same(t, "sealed", series(0, 700), s.All())
		s.AppendSeries(700, 710, 1)
		s.Reopen()
		same(t, "sealed and reopened", series(0, 710), s.All())
		st := s.Stats()
		if st.Events != 710 || st.Segments != 1 || st.JournalEvents != 10 || len(st.Damage) != 0 {
			t.Errorf("statistics: %+v", st)
		}
	}
}

func TestSettle(t *testing.T) {
	s := testkit.OpenMem(t, nil)
	s.AppendSeries(0, 10, 5)
	if err := s.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	if err := s.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	same(t, "settled", series(0, 10), s.All())
	if err := s.Store.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Settle(ctx); stele.KindOf(err) != stele.Closed {
		t.Errorf("a closed store: %v", err)
	}
}
