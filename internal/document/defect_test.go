package document

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/vfs"
)

// A panic in the committer fails those that wait and all changes after it; reading goes on, and who opens the log again has what was acknowledged.
func TestADefectInTheCommitter(t *testing.T) {
	ctx := context.Background()
	disk := vfs.NewMem()
	var armed atomic.Bool
	l, err := Open(disk, ".", Options{Now: func() time.Time {
		if armed.Load() {
			panic("a drill")
		}
		return time.Now()
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Set(ctx, "", "k", []byte(`1`)); err != nil {
		t.Fatal(err)
	}
	armed.Store(true)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if _, err := l.Set(ctx, "", "k", []byte(`2`)); !errors.Is(err, fault.Internal) || !strings.Contains(err.Error(), "a drill") {
				t.Errorf("a change that meets the defect: %v", err)
			}
		})
	}
	all.Wait()
	armed.Store(false)
	if err := l.Delete(ctx, "", "k"); !errors.Is(err, fault.Internal) {
		t.Errorf("a change after it: %v", err)
	}
	if v, _, err := l.Get(ctx, "", "k"); err != nil || string(v) != `1` {
		t.Errorf("read %s, %v", v, err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if l, err = Open(disk, ".", Options{}); err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if v, _, err := l.Get(ctx, "", "k"); err != nil || string(v) != `1` {
		t.Errorf("read %s, %v after opening it again", v, err)
	}
	if _, err := l.Set(ctx, "", "k", []byte(`3`)); err != nil {
		t.Error(err)
	}
}
