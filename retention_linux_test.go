package stele_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/testkit"
)

// A disk of a few megabytes that the operating system has: filled by others to the last byte, it takes deletions and retention, and gives
// room back, without a restart.
func TestRetentionOnASmallDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=12m"); err != nil {
		t.Skipf("skipped: a small disk that can be filled cannot be mounted here; root can: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	s := testkit.OpenOn(t, nil, filepath.Join(dir, "store"), func(o *stele.Options) { o.Hooks.NoCompact, o.Hooks.ReserveBytes = true, 64<<10 })
	rng := rand.New(rand.NewPCG(7, 8))
	n := 0
	fill := func() (err error) {
		var lines []string
		for range 200 {
			lines = append(lines, bulk(rng, n/10, n))
			n++
		}
		if _, err = s.TryAppend(lines...); err == nil {
			err = s.Flush(ctx)
		}
		return err
	}
	for err := error(nil); err == nil; err = fill() {
		if n > 100_000 {
			t.Fatal("the disk is never full")
		}
	}
	// The store has left room. Somebody else takes it.
	other, err := os.Create(filepath.Join(dir, "other"))
	if err != nil {
		t.Fatal(err)
	}
	for err = error(nil); err == nil; _, err = other.Write(make([]byte, 4096)) {
	}
	if stele.KindOf(err) != stele.Full {
		t.Fatalf("the disk is not full: %v", err)
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	if err := fill(); stele.KindOf(err) != stele.Full {
		t.Fatalf("an append to a full disk: %v", err)
	}
	all := s.All()
	if d, err := s.DeleteMatching(ctx, stele.Range{}, filterOf(t, "N % 10 = 0")); err != nil || d == 0 {
		t.Errorf("deleted %d by filter: %v", d, err)
	}
	if d, err := s.Retain(ctx, stele.RetentionPolicy{ID: "small", Bytes: 4 << 20}); err != nil || d[0].Events == 0 {
		t.Errorf("deleted %v by size: %v", d, err)
	}
	left := s.All()
	if len(left) == 0 || len(left) > len(all)*2/3 || !slices.Equal(left[len(left)-2:], all[len(all)-2:]) {
		t.Errorf("%d events of %d are left", len(left), len(all))
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		err := fill()
		if err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("writing does not go on: %v", err)
		}
	}
}
