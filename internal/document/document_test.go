package document

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/frame"
	"github.com/stelehq/stele/internal/vfs"
)

var ctx = context.Background()

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t testing.TB, fs vfs.FS, o Options) *Log {
	t.Helper()
	l, err := Open(fs, ".", o)
	ok(t, err)
	return l
}

func set(t testing.TB, l *Log, key, value string) Info {
	t.Helper()
	info, err := l.Set(ctx, "", key, []byte(value))
	ok(t, err)
	return info
}

// all returns every document as space/key -> value. Damaged ones are left out.
func all(t testing.TB, l *Log) map[string]string {
	t.Helper()
	docs, err := contents(l)
	ok(t, err)
	return docs
}

func contents(l *Log) (map[string]string, error) {
	l.mu.RLock()
	spaces := slices.Collect(maps.Keys(l.spaces))
	l.mu.RUnlock()
	docs := map[string]string{}
	for _, space := range spaces {
		for _, info := range l.List(space, "") {
			v, got, err := l.Get(ctx, space, info.Key)
			switch {
			case fault.KindOf(err) == fault.Corrupt:
			case err != nil:
				return nil, err
			case got != info || info.Bytes != len(v):
				return nil, fmt.Errorf("%+v and %+v", got, info)
			default:
				docs[space+"/"+info.Key] = string(v)
			}
		}
	}
	return docs, nil
}

func TestSetGetListDelete(t *testing.T) {
	m := vfs.NewMem()
	at := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	o := Options{Now: func() time.Time { return at }}
	l := open(t, m, o)
	for i, key := range []string{"b", "a/2", "a/1", "ä"} {
		if got, want := set(t, l, key, "value "+key), (Info{key, len("value " + key), at, uint64(i + 1)}); got != want {
			t.Errorf("%+v, expected %+v", got, want)
		}
	}
	_, err := l.Set(ctx, "other", "a/1", []byte{0, 255})
	ok(t, err)
	set(t, l, "b", "")
	ok(t, l.Delete(ctx, "", "ä"))
	check := func(l *Log) {
		t.Helper()
		want := map[string]string{"/a/1": "value a/1", "/a/2": "value a/2", "/b": "", "other/a/1": "\x00\xff"}
		if diff := cmp.Diff(want, all(t, l)); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]Info{{"a/1", 9, at, 3}, {"a/2", 9, at, 2}}, l.List("", "a/")); diff != "" {
			t.Error(diff)
		}
		if err := l.Delete(ctx, "", "ä"); !errors.Is(err, fault.NotFound) && !errors.Is(err, fault.Denied) {
			t.Error(err)
		}
		if _, _, err := l.Get(ctx, "", "ä"); fault.KindOf(err) != fault.NotFound {
			t.Error(err)
		}
		if d := l.Damage(); len(d) != 0 {
			t.Error(d)
		}
		if d, err := l.Verify(ctx); err != nil || len(d) != 0 {
			t.Error(d, err)
		}
		if s := l.Stats(); s.Documents != 4 || s.LiveBytes <= 0 || s.FileBytes < s.LiveBytes {
			t.Errorf("%+v", s)
		}
	}
	check(l)
	ok(t, l.Close())
	if _, err := l.Set(ctx, "", "x", nil); fault.KindOf(err) != fault.Closed {
		t.Error(err)
	}
	if _, _, err := l.Get(ctx, "", "b"); fault.KindOf(err) != fault.Closed {
		t.Error(err)
	}
	if err := l.Close(); fault.KindOf(err) != fault.Closed {
		t.Error(err)
	}
	o.ReadOnly = true
	before := m.Counts()
	l = open(t, m, o)
	check(l)
	if _, err := l.Set(ctx, "", "x", nil); fault.KindOf(err) != fault.Denied {
		t.Error(err)
	}
	if err := l.Compact(ctx); fault.KindOf(err) != fault.Denied {
		t.Error(err)
	}
	ok(t, l.Close())
	if after := m.Counts(); after[vfs.OpWrite] != before[vfs.OpWrite] || after[vfs.OpSync] != before[vfs.OpSync] || after[vfs.OpRemove] != before[vfs.OpRemove] {
		t.Errorf("a reader wrote: %v %v", before, after)
	}
	o.ReadOnly = false
	l = open(t, m, o)
	if v := set(t, l, "b", "new").Version; v != 8 {
		t.Errorf("version %d after reopening", v)
	}
	ok(t, l.Compact(ctx))
	ok(t, l.Delete(ctx, "", "b"))
	ok(t, l.Compact(ctx))
	ok(t, l.Close())
	l = open(t, m, o)
	if v := set(t, l, "b", "").Version; v != 10 {
		t.Errorf("version %d after compaction", v)
	}
	set(t, l, "a/2", "value a/2")
	ok(t, l.Close())
}

func TestNamesAndLimits(t *testing.T) {
	l := open(t, vfs.NewMem(), Options{MaxValue: 10})
	defer l.Close()
	for _, key := range []string{"", strings.Repeat("x", MaxKey+1), "a\x00b", "\xff"} {
		if _, err := l.Set(ctx, "", key, nil); fault.KindOf(err) != fault.Invalid {
			t.Errorf("key %.10q: %v", key, err)
		}
		if err := l.Delete(ctx, "", key); fault.KindOf(err) != fault.Invalid {
			t.Errorf("key %.10q: %v", key, err)
		}
		if _, err := l.Set(ctx, key, "k", nil); (fault.KindOf(err) != fault.Invalid) != (key == "") {
			t.Errorf("space %.10q: %v", key, err)
		}
	}
	long := strings.Repeat("x", MaxKey)
	_, err := l.Set(ctx, long, long, make([]byte, 10))
	ok(t, err)
	if _, err := l.Set(ctx, "", "k", make([]byte, 11)); fault.KindOf(err) != fault.TooLarge {
		t.Error(err)
	}
	canceled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := l.Set(canceled, "", "k", nil); fault.KindOf(err) != fault.Canceled {
		t.Error(err)
	}
}

func TestR10NothingVisibleBeforeItIsOnDisk(t *testing.T) {
	m := vfs.NewMem()
	fs := vfs.NewFaulty(m)
	l := open(t, fs, Options{})
	set(t, l, "k", "old")
	release := make(chan struct{})
	hold := &vfs.Rule{Kind: vfs.OpSync, Hold: release}
	fs.Add(hold)
	done := make(chan error, 1)
	go func() {
		_, err := l.Set(ctx, "", "k", []byte("new"))
		done <- err
	}()
	for fs.Hits(hold) == 0 {
		time.Sleep(time.Millisecond)
	}
	// More wait meanwhile; one gives up.
	impatient, cancel := context.WithTimeout(ctx, 5*time.Millisecond)
	defer cancel()
	if _, err := l.Set(impatient, "", "other", nil); fault.KindOf(err) != fault.Canceled {
		t.Error(err)
	}
	if v, _, err := l.Get(ctx, "", "k"); err != nil || string(v) != "old" {
		t.Errorf("seen while it is synced: %q, %v", v, err)
	}
	if len(l.List("", "")) != 1 || len(done) != 0 {
		t.Error("acknowledged or listed while it is synced")
	}
	close(release)
	ok(t, <-done)
	if v, _, err := l.Get(ctx, "", "k"); err != nil || string(v) != "new" {
		t.Errorf("after: %q, %v", v, err)
	}
	ok(t, l.Close())
}

func TestR10ReplayedChangesAreSynced(t *testing.T) {
	m := vfs.NewMem()
	fs := vfs.NewFaulty(m)
	l := open(t, fs, Options{})
	set(t, l, "k", "old")
	fs.Add(&vfs.Rule{Kind: vfs.OpSync, Err: vfs.EIO})
	if _, err := l.Set(ctx, "", "k", []byte("new")); err == nil {
		t.Fatal("no error")
	}
	killed := m.CrashClone(nil, vfs.CrashKill) // the change is in the page cache
	l = open(t, killed, Options{})
	v, _, err := l.Get(ctx, "", "k")
	ok(t, err)
	cut := open(t, killed.CrashClone(nil, vfs.CrashLose), Options{})
	if after, _, err := cut.Get(ctx, "", "k"); err != nil || string(after) != string(v) {
		t.Errorf("%q was served and %q is there: %v", v, after, err)
	}
}

func TestConcurrentSetsShareASync(t *testing.T) {
	m := vfs.NewMem()
	m.OnOp(func(op vfs.Op) {
		if op.Kind == vfs.OpSync && op.Before {
			time.Sleep(time.Millisecond)
		}
	})
	l := open(t, m, Options{})
	var wg sync.WaitGroup
	const writers, each = 16, 20
	for w := range writers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range each {
				key := fmt.Sprint(w, "-", i%5)
				if _, err := l.Set(ctx, "", key, []byte(fmt.Sprint(i))); err != nil {
					t.Error(err)
				}
				if v, _, err := l.Get(ctx, "", key); err != nil || string(v) != fmt.Sprint(i) {
					t.Errorf("read own write: %q, %v", v, err)
				}
				if i%7 == 6 {
					if err := l.Delete(ctx, "", key); err != nil {
						t.Error(err)
					}
				}
				if w == 0 && i%10 == 9 {
					if err := l.Compact(ctx); err != nil {
						t.Error(err)
					}
				}
			}
		}()
	}
	wg.Wait()
	if n := m.Counts()[vfs.OpSync]; n > writers*each/2 {
		t.Errorf("%d syncs for %d changes", n, writers*each)
	}
	want := all(t, l)
	ok(t, l.Close())
	l = open(t, m, Options{})
	if diff := cmp.Diff(want, all(t, l)); diff != "" {
		t.Error(diff)
	}
	ok(t, l.Close())
}

func TestR15CompactionWhenHalfIsDead(t *testing.T) {
	m := vfs.NewMem()
	l := open(t, m, Options{CompactBytes: 20_000})
	value := strings.Repeat("v", 1000)
	for i := range 300 {
		set(t, l, fmt.Sprint("key", i%8), value+fmt.Sprint(i))
	}
	if s := l.Stats(); s.FileBytes > 30_000 || s.Documents != 8 || s.CompactErr != nil {
		t.Errorf("%+v", s)
	}
	if used := m.Used(); used > 30_000 {
		t.Errorf("%d bytes on disk: %v", used, m.Names())
	}
	want := all(t, l)
	ok(t, l.Close())
	l = open(t, m, Options{})
	if diff := cmp.Diff(want, all(t, l)); diff != "" || len(want) != 8 {
		t.Error(diff)
	}
	ok(t, l.Close())
	for range 2 * maxFiles {
		l = open(t, m, Options{})
		set(t, l, "k", "v")
		if n := l.Stats().Files; n > maxFiles+1 {
			t.Errorf("%d files", n)
		}
		ok(t, l.Close())
	}
}

func TestGetDuringCompaction(t *testing.T) {
	m := vfs.NewMem()
	l := open(t, m, Options{})
	set(t, l, "k", "value")
	held, release := make(chan struct{}), make(chan struct{})
	var first atomic.Bool
	m.OnOp(func(op vfs.Op) {
		if op.Kind == vfs.OpReadAt && op.Before {
			if first.CompareAndSwap(false, true) {
				close(held)
				<-release
			}
		}
	})
	done := make(chan error)
	go func() {
		v, _, err := l.Get(ctx, "", "k")
		if string(v) != "value" && err == nil {
			err = fmt.Errorf("read %q", v)
		}
		done <- err
	}()
	<-held
	ok(t, l.Compact(ctx))
	if n := len(m.Names()); n != 2 {
		t.Errorf("the file that is being read is gone: %v", m.Names())
	}
	close(release)
	ok(t, <-done)
	if n := len(m.Names()); n != 1 {
		t.Errorf("the old file stays: %v", m.Names())
	}
	ok(t, l.Close())
}

func TestR12FailedWriteStartsANewFile(t *testing.T) {
	for name, rule := range map[string]*vfs.Rule{
		"write":        {Kind: vfs.OpWrite, Err: vfs.EIO},
		"short write":  {Kind: vfs.OpWrite, Err: vfs.ENOSPC, Short: 60},
		"sync":         {Kind: vfs.OpSync, Err: vfs.EIO},
		"sync, lost":   {Kind: vfs.OpSync, Err: vfs.EIO, DropUnsynced: true},
		"late write":   {Kind: vfs.OpWrite, Err: vfs.EIO, Late: true},
		"create fails": {Kind: vfs.OpCreate, Err: vfs.ENOSPC},
	} {
		t.Run(name, func(t *testing.T) {
			m := vfs.NewMem()
			fs := vfs.NewFaulty(m)
			l := open(t, fs, Options{})
			if rule.Kind != vfs.OpCreate {
				set(t, l, "a", "1")
			}
			fs.Add(rule)
			if _, err := l.Set(ctx, "", "b", []byte("refused")); fault.KindOf(err) != fault.IO && fault.KindOf(err) != fault.Full {
				t.Fatal(err)
			}
			if _, _, err := l.Get(ctx, "", "b"); fault.KindOf(err) != fault.NotFound {
				t.Errorf("what was refused is there: %v", err)
			}
			set(t, l, "a", "1")
			set(t, l, "c", "3")
			want := map[string]string{"/a": "1", "/c": "3"}
			if diff := cmp.Diff(want, all(t, l)); diff != "" {
				t.Error(diff)
			}
			for _, mode := range []vfs.CrashMode{vfs.CrashKill, vfs.CrashLose} {
				l := open(t, m.CrashClone(nil, mode), Options{})
				if diff := cmp.Diff(want, all(t, l)); diff != "" || len(l.Damage()) != 0 {
					t.Errorf("%s: %s %v", mode, diff, l.Damage())
				}
				ok(t, l.Close())
			}
			ok(t, l.Close())
		})
	}
}

func TestFullDiskRefusesAndRecovers(t *testing.T) {
	m := vfs.NewMem()
	l := open(t, m, Options{})
	set(t, l, "a", "1")
	m.SetCapacity(m.Used() + 10)
	for range 3 {
		if _, err := l.Set(ctx, "", "b", make([]byte, 100)); fault.KindOf(err) != fault.Full {
			t.Fatal(err)
		}
	}
	m.SetCapacity(0)
	set(t, l, "b", "2")
	ok(t, l.Close())
	l = open(t, m, Options{})
	if diff := cmp.Diff(map[string]string{"/a": "1", "/b": "2"}, all(t, l)); diff != "" || len(l.Damage()) != 0 {
		t.Error(diff, l.Damage())
	}
	ok(t, l.Close())
}

func TestR18OtherFormatsAreRefusedByName(t *testing.T) {
	m := vfs.NewMem()
	_, err := frame.NewWriter(m, fileName(1), frame.FileHeader{Format: formatName, Version: 9, Number: 1})
	ok(t, err)
	if _, err := Open(m, ".", Options{}); fault.KindOf(err) != fault.Unsupported || !strings.Contains(err.Error(), "format 9") {
		t.Error(err)
	}
}

func TestGetReportsDamageOnce(t *testing.T) {
	m := vfs.NewMem()
	l := open(t, m, Options{})
	set(t, l, "k", "precious")
	b, err := m.ReadFile(fileName(1))
	ok(t, err)
	ok(t, l.Close())
	l = open(t, m, Options{})
	// The disk changes under the open log.
	i := bytes.Index(b, []byte("precious"))
	l.files[0].file = damaged{l.files[0].file, int64(i)}
	for range 2 {
		_, _, err = l.Get(ctx, "", "k")
		var e *fault.Error
		if !errors.As(err, &e) || e.Kind != fault.Corrupt || e.File != fileName(1) || !strings.Contains(err.Error(), `"k"`) || !strings.Contains(err.Error(), "expected") {
			t.Error(err)
		}
	}
	if n := len(l.Damage()); n != 1 {
		t.Errorf("%d reports", n)
	}
	if err := l.Compact(ctx); fault.KindOf(err) != fault.Corrupt || l.Stats().CompactErr == nil {
		t.Errorf("compaction threw it away: %v", err)
	}
	set(t, l, "k", "new")
	ok(t, l.Compact(ctx))
	ok(t, l.Close())
}

// damaged flips a bit of one byte.
type damaged struct {
	vfs.File
	at int64
}

func (d damaged) ReadAt(p []byte, off int64) (int, error) {
	n, err := d.File.ReadAt(p, off)
	if i := d.at - off; i >= 0 && i < int64(n) {
		p[i] ^= 1
	}
	return n, err
}

// A sound frame of another document is not this one's value.
func TestGetChecksWhoseValueItIs(t *testing.T) {
	l := open(t, vfs.NewMem(), Options{})
	defer l.Close()
	set(t, l, "k", "one")
	old := l.spaces[""]["k"]
	set(t, l, "k", "two")
	d := l.spaces[""]["k"]
	d.offset = old.offset
	l.spaces[""]["k"] = d
	if v, _, err := l.Get(ctx, "", "k"); fault.KindOf(err) != fault.Corrupt {
		t.Errorf("%q, %v", v, err)
	}
}
