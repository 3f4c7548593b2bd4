package stele_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/frame"
	"github.com/stelehq/stele/internal/testkit"
	"github.com/stelehq/stele/internal/vfs"
)

// filled returns the files of a closed store with two segments, a deletion, and a journal of several frames.
func filled(t *testing.T) (*vfs.Mem, []string) {
	t.Helper()
	s := testkit.OpenMem(t, func(o *stele.Options) { o.Hooks.BlockRows = 10; o.Hooks.NoTidy = true; quick(o) })
	s.AppendSeries(0, 40, 20)
	if err := s.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	s.AppendSeries(40, 60, 20)
	if err := s.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	s.AppendSeries(60, 80, 5)
	if _, err := s.Delete(ctx, stele.Range{From: stele.FromTime(timeOf(15)), To: stele.BeforeTime(timeOf(18))}); err != nil {
		t.Fatal(err)
	}
	if err := s.Documents("").Set(ctx, "k", []byte("1")); err != nil {
		t.Fatal(err)
	}
	want := slices.Concat(series(0, 15), series(18, 80))
	same(t, "filled", want, s.All())
	if err := s.Store.Close(); err != nil {
		t.Fatal(err)
	}
	return s.FS.(*vfs.Mem), want
}

func named(fs *vfs.Mem, prefix string) string {
	for _, n := range fs.Names() {
		if strings.HasPrefix(path.Base(n), prefix) {
			return n
		}
	}
	return ""
}

func reopen(t *testing.T, fs *vfs.Mem) *testkit.Fixture {
	t.Helper()
	s := testkit.OpenOn(t, fs, testkit.Dir, quick)
	s.Damaged()
	return s
}

// quick is for tests of many stores: see quickHooks.
func quick(o *stele.Options) { o.Hooks.NoTelling = o.Hooks.NoTelling || raceDetector }

func damageIn(s *testkit.Fixture, part string) bool {
	return slices.ContainsFunc(s.Stats().Damage, func(d stele.Damage) bool {
		return strings.Contains(d.File, part) || strings.Contains(d.What, part)
	})
}

func TestR14ALostManifestIsRebuiltFromTheSegments(t *testing.T) {
	original, want := filled(t)
	withDeleted := series(0, 80)
	flip := func(name string, at int) func(*vfs.Mem) {
		return func(fs *vfs.Mem) {
			b, err := fs.ReadFile(named(fs, name))
			if err != nil {
				t.Fatal(err)
			}
			b = slices.Clone(b)
			b[at%len(b)] ^= 4
			fs.WriteFile(named(fs, name), b)
		}
	}
	remove := func(name string) func(*vfs.Mem) {
		return func(fs *vfs.Mem) { _ = fs.Remove(named(fs, name)); _ = fs.SyncDir(testkit.Dir) }
	}
	empty := func(name string) func(*vfs.Mem) {
		return func(fs *vfs.Mem) { fs.WriteFile(named(fs, name), nil) }
	}
	cases := map[string]struct {
		harm    func(*vfs.Mem)
		deleted bool // the deletion may be lost
	}{
		"CURRENT removed":  {remove("CURRENT"), false},
		"CURRENT empty":    {empty("CURRENT"), false},
		"CURRENT flipped":  {flip("CURRENT", 3), false},
		"manifest removed": {remove("manifest-"), true},
		"manifest empty":   {empty("manifest-"), true},
		"both removed":     {func(fs *vfs.Mem) { remove("CURRENT")(fs); remove("manifest-")(fs) }, true},
	}
	size := len(mustRead(t, original, named(original, "manifest-")))
	for at := 0; at < size; at += 13 {
		cases[fmt.Sprintf("manifest flipped at %d", at)] = struct {
			harm    func(*vfs.Mem)
			deleted bool
		}{flip("manifest-", at), true}
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			fs := original.CrashClone(nil, vfs.CrashKill)
			c.harm(fs)
			s := reopen(t, fs)
			got := s.All()
			if !slices.Equal(got, want) && !(c.deleted && slices.Equal(got, withDeleted)) {
				same(t, "read", want, got)
			}
			if len(s.Stats().Damage) == 0 && !strings.Contains(name, "flipped at") {
				t.Error("no damage reported")
			}
			if v, err := s.Documents("").Get(ctx, "k"); err != nil || string(v) != "1" {
				t.Errorf("document: %q, %v", v, err)
			}
			s.AppendSeries(80, 85, 1)
			got = append(got, series(80, 85)...)
			if err := s.Flush(ctx); err != nil {
				t.Fatal(err)
			}
			s.Reopen()
			same(t, "written on and reopened", got, s.All())
			if d := live(s); len(d) > 0 {
				t.Errorf("the damage was repaired, and is still reported: %v", d)
			}
		})
	}
}

// live returns the damage that is not in quarantine.
func live(s *testkit.Fixture) []stele.Damage {
	return slices.DeleteFunc(s.Stats().Damage, func(d stele.Damage) bool { return d.Kept })
}

func mustRead(t *testing.T, fs *vfs.Mem, name string) []byte {
	t.Helper()
	b, err := fs.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A missing file stopped start-up elsewhere (datalust/seq-tickets 857).
func TestPitfall857AnyFileMayBeMissing(t *testing.T) {
	original, want := filled(t)
	for _, name := range original.Names() {
		t.Run(path.Base(name), func(t *testing.T) {
			fs := original.CrashClone(nil, vfs.CrashKill)
			_ = fs.Remove(name)
			_ = fs.SyncDir(testkit.Dir)
			s := reopen(t, fs)
			got, err := testkit.Drain(s.Read(ctx, stele.ReadOptions{}))
			if strings.HasPrefix(path.Base(name), "segment-") != errors.Is(err, stele.Corrupt) {
				t.Errorf("reading said %v", err)
			}
			switch base := path.Base(name); {
			case strings.HasPrefix(base, "segment-"):
				if !damageIn(s, base) || len(got) == 0 {
					t.Errorf("%d events, damage %v", len(got), s.Stats().Damage)
				}
				// Deleting what is lost ends the matter.
				if _, err := s.Delete(ctx, stele.Range{To: stele.BeforeTime(timeOf(60))}); err != nil {
					t.Fatal(err)
				}
				same(t, "what is left", series(60, 80), s.All())
				s.Reopen()
				same(t, "reopened", series(60, 80), s.All())
			case strings.HasPrefix(base, "journal-"):
				same(t, "the segments", want[:57], got)
			case strings.HasPrefix(base, "manifest-"):
				same(t, "all, deleted ones too", series(0, 80), got)
			default:
				same(t, "all", want, got)
			}
		})
	}
}

// A flipped bit anywhere loses at most what its frame or block holds, is reported, and never gives wrong data.
func TestAFlippedBitIsNeverData(t *testing.T) {
	original, want := filled(t)
	rng := rand.New(rand.NewPCG(1, 2))
	known := map[string]bool{}
	for _, l := range series(0, 80) {
		known[l] = true
	}
	for _, name := range original.Names() {
		base := path.Base(name)
		if !strings.HasPrefix(base, "segment-") && !strings.HasPrefix(base, "journal-") {
			continue
		}
		size := len(mustRead(t, original, name))
		for range 150 {
			fs := original.CrashClone(nil, vfs.CrashKill)
			at, bit := rng.IntN(size), byte(1)<<rng.IntN(8)
			b := slices.Clone(mustRead(t, fs, name))
			b[at] ^= bit
			fs.WriteFile(name, b)
			s, err := stele.Open(testkit.Dir, &stele.Options{FS: fs, Hooks: testkit.Hooks()})
			if err != nil {
				t.Fatalf("%s byte %d bit %02x: %v", base, at, bit, err)
			}
			got, rerr := testkit.Drain(s.Read(ctx, stele.ReadOptions{}))
			for _, l := range got {
				if !known[l] {
					t.Fatalf("%s byte %d bit %02x: read %s", base, at, bit, l)
				}
			}
			if lost := len(want) - len(got); lost > 20 || lost > 0 && len(s.Stats().Damage) == 0 {
				t.Fatalf("%s byte %d bit %02x: %d events lost, read said %v, damage %v", base, at, bit, lost, rerr, s.Stats().Damage)
			}
			if strings.HasPrefix(base, "segment-") && len(got) < len(want) && rerr == nil && len(s.Stats().Damage) == 0 {
				t.Fatalf("%s byte %d: a reader that lost data did not say so", base, at)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestR12AReaderThatLostDataSaysSo(t *testing.T) {
	fs, want := filled(t)
	name := named(fs, "segment-")
	b := slices.Clone(mustRead(t, fs, name))
	b[len(b)/3] ^= 1
	fs.WriteFile(name, b)
	s := reopen(t, fs)
	got, err := testkit.Drain(s.Read(ctx, stele.ReadOptions{}))
	if len(got) >= len(want) || len(got) < len(want)-10 {
		t.Errorf("%d of %d events", len(got), len(want))
	}
	var at *stele.Error
	if !errors.Is(err, stele.Corrupt) || !errors.As(err, &at) || !strings.Contains(err.Error(), path.Base(name)) || !strings.Contains(err.Error(), "10 events from 2026-11-20T12:00:") {
		t.Errorf("the reader said: %v", err)
	}
	if !damageIn(s, path.Base(name)) {
		t.Errorf("damage: %v", s.Stats().Damage)
	}
	if r, err := s.Verify(ctx); err != nil || len(r.Damage) == 0 {
		t.Errorf("verify: %+v, %v", r, err)
	}
	s.Store.Close()
	if r, err := stele.VerifyDir(ctx, testkit.Dir, &stele.Options{FS: fs}); err != nil || len(r.Damage) == 0 {
		t.Errorf("verify of the directory: %+v, %v", r, err)
	}
}

func TestR14TheReserveMakesDeletesPossibleOnAFullDisk(t *testing.T) {
	s := testkit.OpenMem(t, nil)
	fs := s.FS.(*vfs.Mem)
	s.AppendSeries(0, 600, 300)
	if err := s.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	s.AppendSeries(600, 610, 1)
	reserve := named(fs, "reserve")
	if reserve == "" {
		t.Fatal("no reserve file")
	}
	fs.SetCapacity(fs.Used())
	end := 610 // the journal may have room for a few more
	_, err := s.TryAppend(testkit.Line(end))
	for ; err == nil && end < 700; end++ {
		_, err = s.TryAppend(testkit.Line(end + 1))
	}
	if !errors.Is(err, stele.Full) || !strings.Contains(err.Error(), "free space") {
		t.Fatalf("append on a full disk: %v", err)
	}
	// What a failed append freed is taken too.
	fs.SetCapacity(fs.Used())
	same(t, "reading on a full disk", series(0, end), s.All())
	n, err := s.Delete(ctx, stele.Range{To: stele.BeforeTime(timeOf(605))})
	if err != nil || n != 605 {
		t.Fatalf("delete on a full disk: %d, %v", n, err)
	}
	same(t, "what is left", series(605, end), s.All())
	// It goes when nobody reads it any more, and the background may at this moment.
	for deadline := time.Now().Add(10 * time.Second); named(fs, "segment-") != ""; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the segment is still there")
		}
	}
	s.AppendSeries(end, end+2, 1) // space came back: writes go on
	if err := s.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	if named(fs, "reserve") == "" {
		t.Error("the reserve was not put back")
	}
	s.Reopen()
	same(t, "reopened", series(605, end+2), s.All())
}

func TestR18OtherVersionsAreRefusedByName(t *testing.T) {
	original, _ := filled(t)
	for _, name := range []string{"manifest-", "journal-"} {
		fs := original.CrashClone(nil, vfs.CrashKill)
		file := named(fs, name)
		replaceVersion(t, fs, file)
		_, err := stele.Open(testkit.Dir, &stele.Options{FS: fs, Hooks: testkit.Hooks()})
		if !errors.Is(err, stele.Unsupported) || !strings.Contains(err.Error(), "version") || !strings.Contains(err.Error(), path.Base(file)) {
			t.Errorf("%s of another version: %v", name, err)
		}
		same(t, "files", original.Names(), fs.Names())
	}
}

// replaceVersion puts a file of the same format in a later version in a file's place.
func replaceVersion(t *testing.T, fs *vfs.Mem, name string) {
	t.Helper()
	b := mustRead(t, fs, name)
	f, err := fs.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	h, err := frame.ReadHeader(f, int64(len(b)), name)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Close(), fs.Remove(name)); err != nil {
		t.Fatal(err)
	}
	h.Version = 99
	w, err := frame.NewWriter(fs, name, h)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

func timeOf(i int) time.Time { return testkit.Epoch.Add(time.Duration(i) * time.Second) }
