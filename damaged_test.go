package stele_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/engine"
	"github.com/stelehq/stele/internal/testkit"
	"github.com/stelehq/stele/internal/vfs"
)

// Damage to one column of a block takes the events that have a value in it, and no others: from readers, from a follower, from verifying, repairing and letting go.
func TestEventsBesideADamagedColumn(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	s := testkit.OpenMem(t, func(o *stele.Options) { o.Hooks = engine.Hooks{ReserveBytes: -1, NoCompact: true} })
	const n = 6000
	var lines []string
	for i := range n {
		line := fmt.Sprintf(`{"@t":"2024-01-01T%02d:%02d:%02d.0000000Z","N":%d`, i/3600, i/60%60, i%60, r.IntN(1000))
		if i%4 == 0 {
			line += fmt.Sprintf(`,"Id":"%016x%016x"`, r.Uint64(), r.Uint64())
		}
		lines = append(lines, line+"}")
	}
	s.Append(lines...)
	if err := s.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	mem := s.FS.(*vfs.Mem)
	names, err := mem.List(s.Dir)
	if err != nil {
		t.Fatal(err)
	}
	name := path.Join(s.Dir, names[slices.IndexFunc(names, func(n string) bool { return strings.HasPrefix(n, "segment-") })])
	data, err := mem.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1 // most of the block is ids
	mem.WriteFile(name, data)
	s.Reopen()

	sound := slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return strings.Contains(l, "Id") })
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
	repaired, err := stele.Repair(ctx, s.Dir, "/repaired", &stele.Options{FS: mem, Hooks: engine.Hooks{ReserveBytes: -1}})
	if err != nil || repaired.Events != int64(len(sound)) {
		t.Fatalf("%+v, %v", repaired, err)
	}
	again, err := stele.Open("/repaired", &stele.Options{FS: mem, Hooks: engine.Hooks{ReserveBytes: -1}})
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
