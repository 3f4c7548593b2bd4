package vfs

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"pgregory.net/rapid"
)

func seeded(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

func TestR10CrashKeepsWhatWasSynced(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := NewMem()
		ok := func(err error) {
			if err != nil {
				t.Fatal(err)
			}
		}
		type state struct {
			f      File
			synced []byte
			all    []byte
			kept   int // the length, room included, when it was synced
			end    int // the greatest that it ever had
		}
		files := map[string]*state{} // by the name that a SyncDir covered
		fresh := map[string]*state{}
		for i := range rapid.IntRange(1, 60).Draw(t, "steps") {
			switch name := fmt.Sprint("f", rapid.IntRange(0, 4).Draw(t, "file")); rapid.IntRange(0, 5).Draw(t, "op") {
			case 0:
				if files[name] == nil && fresh[name] == nil {
					f, err := m.Create(name)
					ok(err)
					fresh[name] = &state{f: f}
				}
			case 1, 2:
				for _, s := range []*state{files[name], fresh[name]} {
					if s != nil {
						b := bytes.Repeat([]byte{byte(i + 1)}, rapid.IntRange(0, 600).Draw(t, "n"))
						_, err := s.f.Write(b)
						ok(err)
						s.all = append(s.all, b...)
						s.end = max(s.end, len(s.all))
					}
				}
			case 3:
				for _, s := range []*state{files[name], fresh[name]} {
					if s != nil {
						ok(s.f.Sync())
						s.synced = bytes.Clone(s.all)
						n, err := s.f.Size()
						ok(err)
						s.kept = int(n)
					}
				}
			case 4:
				ok(m.SyncDir("."))
				for name, s := range fresh {
					files[name] = s
					delete(fresh, name)
				}
			case 5:
				for _, s := range []*state{files[name], fresh[name]} {
					if s != nil {
						n := rapid.Int64Range(0, 900).Draw(t, "room")
						ok(s.f.Reserve(n))
						s.end = max(s.end, len(s.all)+int(n))
					}
				}
			}
			mode := rapid.SampledFrom(CrashModes()).Draw(t, "mode")
			c := m.CrashClone(seeded(rapid.Uint64().Draw(t, "seed")), mode)
			for name, s := range files {
				got, err := c.ReadFile(name)
				ok(err)
				if !bytes.HasPrefix(got, s.synced) {
					t.Fatalf("%s, %s: %d synced bytes are not there (%d are)", mode, name, len(s.synced), len(got))
				}
				if len(got) > s.end || mode == CrashLose && len(got) != s.kept {
					t.Fatalf("%s, %s: %d bytes, written %d, synced %d", mode, name, len(got), len(s.all), len(s.synced))
				}
				written := bytes.TrimRight(got, "\x00") // room may follow
				if (mode == CrashTorn || mode == CrashKill) && !bytes.HasPrefix(s.all, written) {
					t.Fatalf("%s, %s: not a prefix of what was written", mode, name)
				}
			}
			if mode == CrashLose && len(c.Names()) != len(files) {
				t.Fatalf("names that no SyncDir covered: %v", c.Names())
			}
		}
	})
}

func TestCrashIsDeterministicAndVaried(t *testing.T) {
	m := NewMem()
	f := must[File](t)(m.Create("a"))
	ok(t, m.SyncDir("."))
	must[int](t)(f.Write([]byte("synced.")))
	ok(t, f.Sync())
	must[int](t)(f.Write([]byte("first write.")))
	must[int](t)(f.Write([]byte("second write.")))
	write(t, m, "b.tmp", "new")
	ok(t, m.Rename("b.tmp", "b"))
	write(t, m, "c", "c")

	look := func(c *Mem) string {
		s := ""
		for _, name := range c.Names() {
			b, _ := c.ReadFile(name)
			s += fmt.Sprintf("%s=%q ", name, b)
		}
		return s
	}
	seen := map[string]bool{}
	for seed := range uint64(3000) {
		a, b := look(m.CrashClone(seeded(seed), CrashRandom)), look(m.CrashClone(seeded(seed), CrashRandom))
		if a != b {
			t.Fatalf("seed %d: %s and %s", seed, a, b)
		}
		seen[a] = true
	}
	names, tails := map[string]bool{}, map[string]bool{}
	for s := range seen {
		var rest string
		if _, err := fmt.Sscanf(s, "a=%q", &rest); err == nil {
			tails[rest] = true
		}
		names[fmt.Sprint(bytes.Contains([]byte(s), []byte("b.tmp=")), bytes.Contains([]byte(s), []byte("b=")), bytes.Contains([]byte(s), []byte("c=")))] = true
	}
	// b.tmp or b or neither, each with and without c.
	if len(names) != 6 {
		t.Errorf("%d combinations of names: %v", len(names), names)
	}
	second := "synced." + string(make([]byte, 12)) + "second write."
	for _, want := range []string{"synced.", "synced.first write.", "synced.first write.second write.", second, "synced." + string(make([]byte, 25))} {
		if !tails[want] {
			t.Errorf("never seen: %q", want)
		}
	}
	if len(tails) < 200 {
		t.Errorf("%d different tails", len(tails))
	}
}

func TestCrashKillKeepsAllButDoesNotSyncIt(t *testing.T) {
	m := NewMem()
	f := must[File](t)(m.Create("a"))
	must[int](t)(f.Write([]byte("abc")))
	c := m.CrashClone(nil, CrashKill)
	if s := read(t, c, "a"); s != "abc" {
		t.Fatalf("after a kill: %q", s)
	}
	if n := c.CrashClone(nil, CrashLose).Names(); len(n) != 0 {
		t.Errorf("after a kill and a power cut: %v", n)
	}
	g := must[File](t)(c.Append("a"))
	ok(t, g.Sync())
	ok(t, c.SyncDir("."))
	if s := read(t, c.CrashClone(nil, CrashLose), "a"); s != "abc" {
		t.Errorf("synced by the next process: %q", s)
	}
	if n := m.CrashClone(nil, CrashLose).Names(); len(n) != 0 {
		t.Errorf("the original is not the clone: %v", n)
	}
}

func TestCrashClonesAreApart(t *testing.T) {
	m := NewMem()
	f := must[File](t)(m.Create("a"))
	must[int](t)(f.Write([]byte("abc")))
	ok(t, f.Sync())
	ok(t, m.SyncDir("."))
	c := m.CrashClone(nil, CrashLose)
	must[int](t)(f.Write([]byte("original")))
	g := must[File](t)(c.Append("a"))
	must[int](t)(g.Write([]byte("clone")))
	if a, b := read(t, m, "a"), read(t, c, "a"); a != "abcoriginal" || b != "abcclone" {
		t.Errorf("%q and %q", a, b)
	}
}

func TestFailedSyncLosesForGood(t *testing.T) {
	m := NewMem()
	fsys := NewFaulty(m)
	f := must[File](t)(fsys.Create("a"))
	ok(t, fsys.SyncDir("."))
	must[int](t)(f.Write([]byte("kept.")))
	ok(t, f.Sync())
	must[int](t)(f.Write([]byte("lost.")))
	fsys.Add(&Rule{Kind: OpSync, Err: EIO, DropUnsynced: true})
	if err := f.Sync(); err == nil {
		t.Fatal("the sync did not fail")
	}
	if s := read(t, m, "a"); s != "kept.lost." {
		t.Errorf("still in memory: %q", s)
	}
	must[int](t)(f.Write([]byte("after")))
	ok(t, f.Sync())
	want := "kept.\x00\x00\x00\x00\x00after"
	if s := read(t, m.CrashClone(nil, CrashLose), "a"); s != want {
		t.Errorf("after the power cut %q", s)
	}
}

func TestMemOnOpHoldsACall(t *testing.T) {
	m := NewMem()
	f := must[File](t)(m.Create("a"))
	ok(t, m.SyncDir("."))
	must[int](t)(f.Write([]byte("x")))
	held, release := make(chan Op), make(chan struct{})
	m.OnOp(func(op Op) {
		if op.Kind == OpSync && op.Before {
			held <- op
			<-release
		}
	})
	done := make(chan error)
	go func() { done <- f.Sync() }()
	if op := <-held; op.Nth != 1 || op.Name != "a" {
		t.Errorf("%+v", op)
	}
	if s := read(t, m.CrashClone(nil, CrashLose), "a"); s != "" {
		t.Errorf("synced while held: %q", s)
	}
	close(release)
	ok(t, <-done)
	if s := read(t, m.CrashClone(nil, CrashLose), "a"); s != "x" {
		t.Errorf("after: %q", s)
	}
	if n := m.Counts(); n[OpSync] != 1 || n[OpWrite] != 1 || n[OpCreate] != 1 {
		t.Errorf("%v", n)
	}
}

func TestMemCloneIsCheap(t *testing.T) {
	m := NewMem()
	for i := range 10 {
		f := must[File](t)(m.Create(fmt.Sprint(i)))
		must[int](t)(f.Write(make([]byte, 200_000)))
		ok(t, f.Sync())
	}
	ok(t, m.SyncDir("."))
	const clones = 100
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for i := range clones {
		m.CrashClone(seeded(uint64(i)), CrashRandom)
	}
	runtime.ReadMemStats(&after)
	// The files hold 2 MB: a clone shares them.
	if each := (after.TotalAlloc - before.TotalAlloc) / clones; each > 100_000 {
		t.Errorf("a clone allocates %d bytes", each)
	}
}
