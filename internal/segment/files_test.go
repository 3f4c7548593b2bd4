package segment

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/vfs"
)

// However many segments there are and are read, no more files are open than the limit says, but for those that are being read.
func TestFilesAreOpenedAgain(t *testing.T) {
	data, _ := testSegment(t, 3)
	fs := vfs.NewMem()
	files := NewFiles(4)
	var readers []*Reader
	for i := range 20 {
		name := fmt.Sprintf("seg-%d", i)
		fs.WriteFile(name, data)
		r, err := Open(fs, name, files)
		ok(t, err)
		readers = append(readers, r)
	}
	if n := files.Open(); n != 4 {
		t.Errorf("%d files are open", n)
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 500 {
				b := rand.IntN(3)
				got, err := readers[rand.IntN(20)].ReadBlock(b, nil)
				if err != nil || string(got) != testBlocks(3)[b].body {
					t.Errorf("block %d: %q %v", b, got, err)
					return
				}
			}
		})
	}
	all.Wait()
	if n := files.Open(); n > 4 {
		t.Errorf("%d files are open", n)
	}
	counts := fs.Counts()
	if counts[vfs.OpOpen] < 100 {
		t.Errorf("files were opened %d times", counts[vfs.OpOpen])
	}
	// A file that cannot be opened again is an error of that read.
	ok(t, fs.Remove("seg-0"))
	for _, r := range readers[1:6] {
		_, err := r.ReadBlock(0, nil)
		ok(t, err)
	}
	if _, err := readers[0].ReadBlock(0, nil); fault.KindOf(err) != fault.IO {
		t.Errorf("a file that is gone: %v", err)
	}
	for _, r := range readers {
		r.Retire()
		if err := r.Release(); err != nil && r != readers[0] {
			t.Error(err)
		}
	}
	if n := files.Open(); n != 0 || len(fs.Names()) != 0 {
		t.Errorf("%d files are open, and %v are left", n, fs.Names())
	}
}
