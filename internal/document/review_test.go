package document

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

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
