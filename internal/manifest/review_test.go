package manifest

import (
	"testing"

	"github.com/stelehq/stele/internal/vfs"
)

// The disk is ill when an edit is refused, so that no other manifest can be started, and well
// again when the log is closed: the edit does not come back.
func TestR12CloseMakesARefusalFinal(t *testing.T) {
	m := vfs.NewMem()
	fs := vfs.NewFaulty(m)
	l := start(t, fs)
	fs.Add(&vfs.Rule{Kind: vfs.OpSync, Err: vfs.EIO}, &vfs.Rule{Kind: vfs.OpCreate, Err: vfs.EIO})
	if err := l.Append(sample()[1]); err == nil {
		t.Fatal("no error")
	}
	fs.Clear()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if got := load(t, m); len(got.Catalog.Deletions) > 0 || len(got.Damage) > 0 {
		t.Errorf("%+v", got)
	}
}
