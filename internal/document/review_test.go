package document

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/vfs"
)

// The frames of one group do not say of each other that they are durable; the next file does.
func TestR13DamageBeforeTheNextFileLosesThatFrameAlone(t *testing.T) {
	m := vfs.NewMem()
	l := open(t, m, Options{})
	var group []*request
	for _, key := range []string{"a", "b", "c"} {
		group = append(group, &request{kind: kindSet, key: key, bytes: 1, body: appendChange(nil, "", key, []byte("value of "+key)), done: make(chan struct{})})
	}
	l.commit(group)
	for _, r := range group {
		ok(t, r.err)
	}
	crashed := m.CrashClone(nil, vfs.CrashLose) // no closing mark
	next := open(t, crashed, Options{})
	set(t, next, "d", "value of d")
	ok(t, next.Close())
	ok(t, l.Close())
	b, err := crashed.ReadFile(fileName(1))
	ok(t, err)
	b[bytes.Index(b, []byte("value of a"))]++
	crashed.WriteFile(fileName(1), b)

	l = open(t, crashed, Options{})
	if diff := cmp.Diff(map[string]string{"/b": "value of b", "/c": "value of c", "/d": "value of d"}, all(t, l)); diff != "" {
		t.Error(diff)
	}
	if len(l.Damage()) != 1 {
		t.Errorf("damage: %v", l.Damage())
	}
	ok(t, l.Close())
}

// A file that was read in part says nothing of where it ends: the next file must not cut it there.
func TestR12FileReadInPartIsNotCut(t *testing.T) {
	m := vfs.NewMem()
	l := open(t, m, Options{})
	want := map[string]string{}
	for i := range 40 {
		key, value := fmt.Sprint("k", i), strings.Repeat("v", 10<<10)
		set(t, l, key, value)
		want["/"+key] = value
	}
	ok(t, l.Close())
	fs := vfs.NewFaulty(m)
	fs.Add(&vfs.Rule{Kind: vfs.OpReadAt, Match: fileName(1), Nth: 4, Forever: true, Err: vfs.EIO})
	l = open(t, fs, Options{})
	if n := len(l.List("", "")); n == 0 || n == len(want) {
		t.Fatalf("%d of %d documents were read", n, len(want))
	}
	set(t, l, "after", "x")
	want["/after"] = "x"
	ok(t, l.Close())

	l = open(t, m, Options{})
	if diff := cmp.Diff(want, all(t, l)); diff != "" {
		t.Error(diff)
	}
	if d := l.Damage(); len(d) > 0 {
		t.Error(d)
	}
	ok(t, l.Close())
}

// The disk is ill when a change is refused, so that nothing can be written about it, and well
// again when the log is closed: the change does not come back.
func TestR12CloseMakesARefusalFinal(t *testing.T) {
	m := vfs.NewMem()
	fs := vfs.NewFaulty(m)
	l := open(t, fs, Options{})
	set(t, l, "k", "kept")
	fs.Add(&vfs.Rule{Kind: vfs.OpSync, Err: vfs.EIO}, &vfs.Rule{Kind: vfs.OpCreate, Err: vfs.EIO})
	if _, err := l.Set(ctx, "", "k", []byte("refused")); fault.KindOf(err) != fault.IO {
		t.Fatal(err)
	}
	fs.Clear()
	ok(t, l.Close())
	l = open(t, m, Options{})
	if diff := cmp.Diff(map[string]string{"/k": "kept"}, all(t, l)); diff != "" {
		t.Error(diff)
	}
	ok(t, l.Close())
}
