package stele_test

import (
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stelehq/stele/internal/testkit"
	"github.com/stelehq/stele/internal/vfs"
)

// A journal that ends while it is verified loses the room behind its frames, and is shorter than it was a moment before: that is no damage.
func TestVerifyBesideTheEndOfAJournal(t *testing.T) {
	s := testkit.OpenMem(t, nil)
	s.AppendSeries(0, 10, 3)
	var once atomic.Bool
	s.FS.(*vfs.Mem).OnOp(func(op vfs.Op) {
		if op.Kind == vfs.OpSize && !op.Before && strings.Contains(op.Name, "/journal-") && once.CompareAndSwap(false, true) {
			if err := s.Flush(ctx); err != nil {
				t.Error(err)
			}
		}
	})
	r, err := s.Verify(ctx)
	s.FS.(*vfs.Mem).OnOp(nil)
	if err != nil || len(r.Damage) > 0 || !once.Load() {
		t.Errorf("%v %+v, ended: %t", err, r, once.Load())
	}
	same(t, "afterwards", series(0, 10), s.All())
}
