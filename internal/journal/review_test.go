package journal

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stelehq/stele/internal/vfs"
)

// The frames of one commit do not say of each other that they are durable; a cut does.
func TestR13DamageBeforeTheCutLosesThatFrameAlone(t *testing.T) {
	fs := vfs.NewMem()
	w := write(t, fs, 1, 0, 1)
	if err := w.Commit(groups(1, 4)); err != nil {
		t.Fatal(err)
	}
	cut := w.Cut()
	b, err := fs.ReadFile(Name(1))
	if err != nil {
		t.Fatal(err)
	}
	b[bytes.Index(b, group(1).Blocks[0].Data)]++
	fs.WriteFile(Name(1), b)
	got, res := replay(t, fs, 1, &cut)
	if diff := cmp.Diff(append(groups(0, 1), groups(2, 4)...), got); diff != "" {
		t.Error(diff)
	}
	if len(res.Damage) != 1 {
		t.Errorf("damage: %v", res.Damage)
	}
	_ = w.Close()
}
