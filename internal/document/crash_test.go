package document

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/vfs"
)

// history is what was asked for and what was acknowledged, by key: values in order, "" for
// deleted.
type history struct {
	mu      *sync.Mutex
	written map[string][]string
	acked   map[string]int // how many of written are acknowledged
}

// allows says why the documents cannot be those of a store with this history.
func (h history) allows(docs map[string]string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	for key, v := range docs {
		if _, known := h.written[key]; !known {
			return fmt.Sprintf("%s = %.20q was never written", key, v)
		}
	}
	for key, written := range h.written {
		v, found := docs[key], false
		// The last acknowledged value or a later one.
		for i := max(h.acked[key]-1, 0); i < len(written); i++ {
			found = found || written[i] == v
		}
		if !found && (h.acked[key] > 0 || v != "") {
			return fmt.Sprintf("%s = %.20q, acknowledged %d of %.60q", key, v, h.acked[key], written)
		}
	}
	return ""
}

// run makes changes, some of which fail when fs does, and keeps h.
func (h history) run(rng *rand.Rand, l *Log, steps int) {
	write := func(key, value string, change func() error) {
		h.mu.Lock()
		before := h.written[key]
		n := len(before)
		h.written[key] = append(before[:n:n], value)
		h.mu.Unlock()
		err := change()
		h.mu.Lock()
		if fault.KindOf(err) == fault.NotFound {
			h.written[key] = before
		} else if err == nil {
			h.acked[key] = n + 1
		}
		h.mu.Unlock()
		settle(l)
	}
	for i := range steps {
		key := fmt.Sprint("k", rng.IntN(4))
		switch n := rng.IntN(10); {
		case n == 0 && i > 5:
			_ = l.Compact(ctx)
			settle(l)
		case n < 3:
			write("/"+key, "", func() error { return l.Delete(ctx, "", key) })
		default:
			v := fmt.Sprintf("%s-%d-%s", key, i, strings.Repeat("v", rng.IntN(40)))
			write("/"+key, v, func() error {
				_, err := l.Set(ctx, "", key, []byte(v))
				return err
			})
		}
	}
}

// settle waits for a compaction that follows an acknowledged change.
func settle(l *Log) {
	l.queue.Lock()
	defer l.queue.Unlock()
	for l.queue.committing {
		l.queue.idle.Wait()
	}
}

func newHistory() history { return history{&sync.Mutex{}, map[string][]string{}, map[string]int{}} }

func seeds() uint64 {
	if os.Getenv("STELE_LONG") == "1" {
		return 200
	}
	return 1
}

// A power cut or a kill before and after every call: acknowledged ⊆ survived ⊆ written for
// every key, no damage reported, and the store goes on; also when a second cut follows.
func TestR10R15PowerCuts(t *testing.T) {
	points := map[vfs.OpKind]int{}
	for seed := range seeds() {
		rng := rand.New(rand.NewPCG(seed, 1))
		m, h := vfs.NewMem(), newHistory()
		cuts := rand.New(rand.NewPCG(seed, 2))
		m.OnOp(func(op vfs.Op) {
			if op.Kind == vfs.OpReadAt || op.Kind == vfs.OpSize || t.Failed() {
				return
			}
			for _, mode := range vfs.CrashModes() {
				points[op.Kind]++
				if why := survives(cuts, m.CrashClone(cuts, mode), h, mode == vfs.CrashKill); why != "" {
					t.Errorf("seed %d, %s at %+v: %s", seed, mode, op, why)
				}
			}
		})
		for range 3 { // three processes, one after the other
			l, err := Open(m, ".", Options{CompactBytes: 500})
			ok(t, err)
			h.run(rng, l, 15)
			ok(t, l.Close())
		}
	}
	t.Logf("points by kind of call: %v", points)
}

// survives opens what a cut has left and says what is wrong with it.
func survives(rng *rand.Rand, m *vfs.Mem, h history, during bool) string {
	if during {
		// Recovery is cut, too.
		var why string
		m.OnOp(func(op vfs.Op) {
			if why == "" && (op.Kind == vfs.OpRemove || op.Kind == vfs.OpSync || op.Kind == vfs.OpSyncDir) {
				if why = survives(rng, m.CrashClone(rng, vfs.CrashRandom), h, false); why != "" {
					why = fmt.Sprintf("recovery cut at %+v: %s", op, why)
				}
			}
		})
		l, err := Open(m, ".", Options{CompactBytes: 500})
		m.OnOp(nil)
		if why == "" && err == nil {
			err = l.Close()
		}
		if why != "" || err != nil {
			return fmt.Sprint(why, err)
		}
	}
	l, err := Open(m, ".", Options{CompactBytes: 500})
	if err != nil {
		return err.Error()
	}
	docs, err := contents(l)
	if why := h.allows(docs); why != "" || len(l.Damage()) != 0 || err != nil {
		return fmt.Sprint(why, l.Damage(), err, m.Names())
	}
	// What is served is on disk (R10): another cut changes nothing.
	for _, mode := range vfs.CrashModes() {
		again, err := Open(m.CrashClone(rng, mode), ".", Options{})
		if err != nil {
			return fmt.Sprintf("cut again, %s: %v", mode, err)
		}
		same, err := contents(again)
		if diff := cmp.Diff(docs, same); diff != "" || len(again.Damage()) != 0 || err != nil {
			return fmt.Sprint("cut again: ", mode, diff, again.Damage(), err)
		}
	}
	if _, err := l.Set(ctx, "", "after", []byte("x")); err != nil {
		return "the log does not go on: " + err.Error()
	}
	return ""
}

// Each call fails, one at a time, with and without a power cut afterwards.
func TestR12EveryCallFails(t *testing.T) {
	failed := map[vfs.OpKind]int64{}
	for _, kind := range []vfs.OpKind{vfs.OpCreate, vfs.OpOpen, vfs.OpWrite, vfs.OpSync, vfs.OpSyncDir, vfs.OpRename, vfs.OpRemove, vfs.OpReadAt, vfs.OpSize} {
		for nth := int64(1); nth < 40; nth++ {
			rng := rand.New(rand.NewPCG(uint64(nth), uint64(kind)))
			m, h := vfs.NewMem(), newHistory()
			fs := vfs.NewFaulty(m)
			l := open(t, fs, Options{CompactBytes: 500})
			rule := &vfs.Rule{Kind: kind, Nth: nth, Err: vfs.EIO, Short: rng.IntN(100), DropUnsynced: rng.IntN(2) == 0, Late: rng.IntN(3) == 0}
			fs.Add(rule)
			h.run(rng, l, 40)
			fs.Clear()
			failed[kind] += fs.Hits(rule)
			what := fmt.Sprintf("%s %d", kind, nth)
			if why := h.allows(all(t, l)); why != "" {
				t.Fatalf("%s: %s", what, why)
			}
			if _, err := l.Set(ctx, "", "after", []byte("x")); err != nil {
				t.Fatalf("%s: the log does not go on: %v", what, err)
			}
			h.written["/after"], h.acked["/after"] = []string{"x"}, 1
			for _, mode := range vfs.CrashModes() {
				l, err := Open(m.CrashClone(rng, mode), ".", Options{})
				ok(t, err)
				if why := h.allows(all(t, l)); why != "" || len(l.Damage()) != 0 {
					t.Fatalf("%s, then %s: %s %v", what, mode, why, l.Damage())
				}
			}
			ok(t, l.Close())
		}
	}
	t.Logf("failures by kind of call: %v", failed)
}

func TestModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := vfs.NewMem()
		model := map[string]string{}
		l := open(t, m, Options{CompactBytes: 300})
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			space, key := rapid.SampledFrom([]string{"", "s"}).Draw(rt, "space"), rapid.SampledFrom([]string{"a", "ab", "b", "é"}).Draw(rt, "key")
			at := space + "/" + key
			switch rapid.IntRange(0, 5).Draw(rt, "op") {
			case 0, 1, 2:
				v := rapid.StringN(0, 30, 60).Draw(rt, "value")
				_, err := l.Set(ctx, space, key, []byte(v))
				ok(t, err)
				model[at] = v
			case 3:
				err := l.Delete(ctx, space, key)
				if _, there := model[at]; there != (err == nil) {
					rt.Fatalf("delete of %s: %v", at, err)
				}
				delete(model, at)
			case 4:
				ok(t, l.Compact(ctx))
			case 5:
				ok(t, l.Close())
				l = open(t, m, Options{CompactBytes: 300})
			}
			if diff := cmp.Diff(model, all(t, l)); diff != "" || int(l.Stats().Documents) != len(model) {
				rt.Fatal(diff)
			}
			for i, infos := 1, l.List("", "a"); i < len(infos); i++ {
				if infos[i-1].Key >= infos[i].Key {
					rt.Fatal("not sorted")
				}
			}
		}
		ok(t, l.Close())
	})
}

// logOf returns the files of a log with several of them.
func logOf(t testing.TB) (*vfs.Mem, map[string]string) {
	t.Helper()
	m := vfs.NewMem()
	for i := range 3 {
		l := open(t, m, Options{})
		for j := range 4 {
			set(t, l, fmt.Sprint("k", i, j), fmt.Sprint("value ", i, j))
		}
		if i > 0 {
			ok(t, l.Delete(ctx, "", fmt.Sprint("k", i-1, 0)))
		}
		ok(t, l.Close())
	}
	l := open(t, m, Options{})
	defer l.Close()
	return m, all(t, l)
}

func TestR13EveryFlippedBitIsReportedAndTheRestServed(t *testing.T) {
	m, want := logOf(t)
	for _, name := range m.Names() {
		good, err := m.ReadFile(name)
		ok(t, err)
		for bit := 0; bit < len(good)*8; bit += 5 {
			c := m.CrashClone(nil, vfs.CrashKill)
			b := bytes.Clone(good)
			b[bit/8] ^= 1 << (bit % 8)
			c.WriteFile(name, b)
			l := open(t, c, Options{})
			docs := all(t, l)
			for key, v := range docs {
				if w, there := want[key]; v != w && there || !there && !strings.HasSuffix(key, "0") {
					t.Fatalf("%s, bit %d: %s = %q", name, bit, key, v)
				}
			}
			damage := l.Damage()
			if len(docs) < len(want)-1 || len(docs) != len(want) && len(damage) == 0 {
				t.Fatalf("%s, bit %d: %d of %d, %v", name, bit, len(docs), len(want), damage)
			}
			for _, d := range damage {
				if d.Kind != fault.Corrupt || d.File != name {
					t.Fatalf("%s, bit %d: %v", name, bit, d)
				}
			}
			ok(t, l.Close())
		}
	}
}

func TestMissingAndTruncatedFilesAreNamed(t *testing.T) {
	m, want := logOf(t)
	names := m.Names()
	for i, name := range names[:len(names)-1] {
		c := m.CrashClone(nil, vfs.CrashKill)
		ok(t, c.Remove(name))
		l := open(t, c, Options{})
		if d := l.Damage(); len(d) != 1 || d[0].File != name {
			t.Errorf("without %s: %v", name, d)
		}
		if n := len(all(t, l)); n < len(want)-4 {
			t.Errorf("without %s: %d documents", name, n)
		}
		set(t, l, "after", "x")
		ok(t, l.Close())

		b, err := m.ReadFile(name)
		ok(t, err)
		c = m.CrashClone(nil, vfs.CrashKill)
		c.WriteFile(name, b[:len(b)-80]) // the mark and the last change
		l = open(t, c, Options{})
		if d := l.Damage(); len(d) != 1 || d[0].File != name || !strings.Contains(d[0].Error(), "lost") {
			t.Errorf("truncated %s (%d): %v", name, i, d)
		}
		ok(t, l.Close())
	}
}

func TestUnreadableFileIsNotCompactedAway(t *testing.T) {
	m, want := logOf(t)
	fs := vfs.NewFaulty(m)
	fs.Add(&vfs.Rule{Kind: vfs.OpReadAt, Match: m.Names()[0], Err: vfs.EIO, Forever: true})
	l := open(t, fs, Options{})
	if d := l.Damage(); len(d) == 0 || d[0].Kind != fault.IO {
		t.Errorf("%v", d)
	}
	if err := l.Compact(ctx); fault.KindOf(err) != fault.IO {
		t.Error(err)
	}
	set(t, l, "after", "x")
	ok(t, l.Close())
	want["/after"] = "x"
	l = open(t, m, Options{})
	if diff := cmp.Diff(want, all(t, l)); diff != "" {
		t.Error(diff)
	}
	ok(t, l.Close())
}

// FuzzReplay gives Open a file of any bytes beside a sound one: it does not panic, and the
// sound file's documents that the other one does not speak of are served.
func FuzzReplay(f *testing.F) {
	m, _ := logOf(f)
	names := m.Names()
	for _, name := range names {
		b, err := m.ReadFile(name)
		ok(f, err)
		f.Add(b)
		f.Add(b[:len(b)-30])
	}
	f.Add([]byte{})
	first, err := m.ReadFile(names[0])
	ok(f, err)
	f.Fuzz(func(t *testing.T, b []byte) {
		m := vfs.NewMem()
		m.WriteFile(fileName(1), first)
		m.WriteFile(fileName(2), b)
		l, err := Open(m, ".", Options{})
		if err != nil {
			if fault.KindOf(err) != fault.Unsupported {
				t.Fatal(err)
			}
			return
		}
		all(t, l)
		if _, err := l.Verify(ctx); err != nil {
			t.Fatal(err)
		}
		set(t, l, "after", "x")
		ok(t, l.Close())
	})
}
