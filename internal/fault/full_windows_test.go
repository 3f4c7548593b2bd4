package fault

import (
	"io/fs"
	"syscall"
	"testing"
)

func TestWindowsSaysDiskFullInTwoWays(t *testing.T) {
	for _, number := range []syscall.Errno{39, 112} {
		if k := KindOf(&fs.PathError{Op: "write", Path: "f", Err: number}); k != Full {
			t.Errorf("KindOf(%d) = %s", number, k)
		}
	}
}
