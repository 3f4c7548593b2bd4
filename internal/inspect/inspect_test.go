package inspect_test

import (
	"context"
	"encoding/json"
	"path"
	"strings"
	"testing"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/inspect"
	"github.com/stelehq/stele/internal/testkit"
	"github.com/stelehq/stele/internal/vfs"
)

// everyKind is a store that has a file of each kind.
func everyKind(t *testing.T) *vfs.Mem {
	t.Helper()
	ctx := context.Background()
	s := testkit.OpenMem(t, func(o *stele.Options) { o.Hooks.BlockRows, o.Hooks.ReserveBytes, o.Hooks.NoTelling = 20, 100, true })
	s.AppendSeries(0, 50, 50)
	if err := s.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	s.AppendSeries(50, 60, 5)
	for _, key := range []string{"a", "b"} {
		if err := s.Documents("space").Set(ctx, key, []byte(`{"n":1}`)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Documents("space").Delete(ctx, "b"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Delete(ctx, stele.Range{To: stele.BeforeTime(testkit.Epoch)}); err != nil {
		t.Fatal(err)
	}
	if err := s.Store.Close(); err != nil {
		t.Fatal(err)
	}
	s.Abandon()
	return s.FS.(*vfs.Mem)
}

func kindsOf(p *inspect.Part, into map[string]int) map[string]int {
	into[p.Kind]++
	for _, inner := range p.Parts {
		kindsOf(inner, into)
	}
	return into
}

func TestEveryKindOfFileIsShown(t *testing.T) {
	fs := everyKind(t)
	p, err := inspect.Path(fs, testkit.Dir, inspect.Options{Columns: true})
	if err != nil || p.IsDamaged() {
		t.Fatalf("%+v: %v", p, err)
	}
	kinds := kindsOf(p, map[string]int{})
	for _, kind := range []string{"store", "lock", "current", "reserve", "journal", "manifest", "documents", "segment", "file header", "frame", "closing mark", "checkpoint", "edit",
		"add segment", "set", "delete", "head", "block", "index", "footer", "shape", "column", "section"} {
		if kinds[kind] == 0 {
			t.Errorf("no %s among %v", kind, kinds)
		}
	}
	if kinds["segment"] != 1 || kinds["block"] < 4 || kinds["set"] != 2 || kinds["delete"] != 1 {
		t.Error(kinds)
	}
	if text, err := json.Marshal(p); err != nil || !json.Valid(text) {
		t.Errorf("%s: %v", text, err)
	}
	rows, want := 0, map[string]int{"journal": 10, "segment": 50}
	for _, file := range p.Parts {
		var count func(p *inspect.Part)
		count = func(p *inspect.Part) {
			for _, f := range p.Facts {
				if n, ok := f.Value.(int); ok && p.Kind == "block" && f.Name == "rows" {
					rows += n
				}
			}
			for _, inner := range p.Parts {
				count(inner)
			}
		}
		rows = 0
		if count(file); rows != want[file.Kind] {
			t.Errorf("%s has blocks of %d rows", file.Name, rows)
		}
	}
}

// TestRoomIsShownAsSuch: a journal that is being written, or whose writer was killed, ends with zeros, which are no damage.
func TestRoomIsShownAsSuch(t *testing.T) {
	s := testkit.OpenMem(t, nil)
	s.AppendSeries(0, 5, 1)
	p, err := inspect.Path(s.FS.(*vfs.Mem).CrashClone(nil, vfs.CrashKill), testkit.Dir, inspect.Options{})
	if err != nil || p.IsDamaged() || kindsOf(p, map[string]int{})["room"] != 1 {
		t.Errorf("%+v: %v", p, err)
	}
}

// TestDamagedFilesAreShownAsFarAsTheyGo: a wrong byte anywhere is told of, and hides little.
func TestDamagedFilesAreShownAsFarAsTheyGo(t *testing.T) {
	fs := everyKind(t)
	names, err := fs.List(testkit.Dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, base := range names {
		if !strings.HasSuffix(base, ".log") && !strings.HasSuffix(base, ".seg") {
			continue
		}
		name := path.Join(testkit.Dir, base)
		whole, err := fs.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		sound, err := inspect.Path(fs, name, inspect.Options{})
		if err != nil {
			t.Fatal(err)
		}
		step := 1 + len(whole)/1500
		for at := 0; at < len(whole); at += step {
			data := append([]byte(nil), whole...)
			data[at] ^= 0x20
			fs.WriteFile(name, data)
			p, err := inspect.Path(fs, name, inspect.Options{Columns: true})
			if err != nil || !p.IsDamaged() {
				t.Fatalf("%s, byte %d: %v, %+v", base, at, err, p)
			}
			if found := kindsOf(p, map[string]int{}); found["block"] < kindsOf(sound, map[string]int{})["block"]-2 {
				t.Fatalf("%s, byte %d: only %v", base, at, found)
			}
			fs.WriteFile(name, whole[:at])
			if _, err := inspect.Path(fs, name, inspect.Options{}); err != nil {
				t.Fatalf("%s, cut off at %d: %v", base, at, err)
			}
		}
		fs.WriteFile(name, whole)
	}
}

func TestWhatIsNoFileOfAStore(t *testing.T) {
	fs := vfs.NewMem()
	if err := fs.MkdirAll("d"); err != nil {
		t.Fatal(err)
	}
	fs.WriteFile("d/x.txt", []byte("hello"))
	fs.WriteFile("d/CURRENT.tmp", nil)
	if _, err := inspect.Path(fs, "d/x.txt", inspect.Options{}); fault.KindOf(err) != fault.Invalid {
		t.Error(err)
	}
	if _, err := inspect.Path(fs, "d/none.seg", inspect.Options{}); fault.KindOf(err) != fault.NotFound {
		t.Error(err)
	}
	p, err := inspect.Path(fs, "d", inspect.Options{})
	if err != nil || len(p.Parts) != 2 || p.Parts[0].Kind != "litter" || p.Parts[1].Kind != "unknown" {
		t.Errorf("%+v: %v", p, err)
	}
}
