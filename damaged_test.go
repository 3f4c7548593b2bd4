package stele_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/testkit"
	"github.com/stelehq/stele/internal/vfs"
)

// damagedColumn is a store with one large block of 6,000 events in the segment name. Its column of ids, which one event in four has, is damaged; sound are
// the lines of the others.
func damagedColumn(t *testing.T) (s *testkit.Fixture, name string, sound []string) {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	s = testkit.OpenMem(t, func(o *stele.Options) { o.Hooks.NoCompact = true })
	var lines []string
	for i := range 6000 {
		line := fmt.Sprintf(`{"@t":"2024-01-01T%02d:%02d:%02d.0000000Z","N":%d`, i/3600, i/60%60, i%60, r.IntN(1000))
		if i%4 == 0 {
			lines = append(lines, line+fmt.Sprintf(`,"Id":"%016x%016x"}`, r.Uint64(), r.Uint64()))
			continue
		}
		lines = append(lines, line+"}")
		sound = append(sound, line+"}")
	}
	s.Append(lines...)
	if err := s.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	disk := s.FS.(*vfs.Mem)
	name = segmentIn(disk)
	flip(t, disk, name, len(mustRead(t, disk, name))/2) // most of the block is ids
	s.Reopen()
	return s, name, sound
}

// Damage to one column of a block takes the events that have a value in it, and no others: from readers, from a follower, from verifying, repairing and letting go.
func TestEventsBesideADamagedColumn(t *testing.T) {
	s, name, sound := damagedColumn(t)
	read := func(t *testing.T, s *stele.Store, o stele.ReadOptions) ([]string, error) {
		var got []string
		text := s.ReadText(ctx, o)
		for text.Next() {
			got = append(got, string(text.CLEF()))
		}
		return got, text.Close()
	}
	check := func(t *testing.T, o stele.ReadOptions, want []string) {
		t.Helper()
		got, err := read(t, s.Store, o)
		if !slices.Equal(got, want) {
			t.Errorf("%d events as text, not %d", len(got), len(want))
		}
		if !errors.Is(err, stele.Corrupt) || !strings.Contains(err.Error(), "lost are 1500 of its 6000 events") || !strings.Contains(err.Error(), "Id") || !strings.Contains(err.Error(), name) {
			t.Errorf("%v", err)
		}
		reader := s.Read(ctx, o)
		events := 0
		for reader.Next() {
			events++
		}
		if err := reader.Close(); events != len(want) || !errors.Is(err, stele.Corrupt) {
			t.Errorf("%d events, not %d: %v", events, len(want), err)
		}
	}
	check(t, stele.ReadOptions{}, sound)
	check(t, stele.ReadOptions{}, sound) // from the cache
	backwards := slices.Clone(sound)
	slices.Reverse(backwards)
	check(t, stele.ReadOptions{Ordering: stele.Descending}, backwards)
	for filter, of := range map[string]func(string) bool{
		"N = 7":          func(l string) bool { return strings.Contains(l, `"N":7}`) },
		"Id is null":     func(string) bool { return true },
		"Id = 'x'":       func(string) bool { return false },
		"Id <> 'x'":      func(string) bool { return false },
		"not (Id = 'x')": func(string) bool { return true },
	} {
		f, err := stele.ParseFilter(filter)
		if err != nil {
			t.Fatal(err)
		}
		var want []string
		for _, l := range sound {
			if of(l) {
				want = append(want, l)
			}
		}
		t.Run(filter, func(t *testing.T) { check(t, stele.ReadOptions{Filter: f}, want) })
	}

	report, err := s.Verify(ctx)
	if err != nil || report.Events != int64(len(sound)) || len(report.Damage) == 0 {
		t.Errorf("%+v, %v", report, err)
	}
	if !slices.ContainsFunc(report.Damage, func(d stele.Damage) bool { return d.Rows == 1500 && d.File == name }) {
		t.Errorf("%+v", report.Damage)
	}

	if err := s.Store.Close(); err != nil {
		t.Fatal(err)
	}
	repaired, err := stele.Repair(ctx, s.Dir, "/repaired", &stele.Options{FS: s.FS, Hooks: testkit.Hooks()})
	if err != nil || repaired.Events != int64(len(sound)) {
		t.Fatalf("%+v, %v", repaired, err)
	}
	again, err := stele.Open("/repaired", &stele.Options{FS: s.FS, Hooks: testkit.Hooks()})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := read(t, again, stele.ReadOptions{}); !slices.Equal(got, sound) || err != nil {
		t.Errorf("repaired: %d events, not %d: %v", len(got), len(sound), err)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}

	s.Reopen()
	if err := s.Forget(ctx, name); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got, err := read(t, s.Store, stele.ReadOptions{}); !slices.Equal(got, sound) || err != nil {
			t.Errorf("after letting go: %d events, not %d: %v", len(got), len(sound), err)
		}
		if n := s.Stats().Events; n != int64(len(sound)) {
			t.Errorf("%d events are counted, not %d", n, len(sound))
		}
		s.Reopen()
	}
}
