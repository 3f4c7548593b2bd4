//go:build !windows

package fault

import (
	"os"
	"syscall"
	"testing"
)

func TestQuotaIsAFullDisk(t *testing.T) {
	if k := KindOf(&os.SyscallError{Syscall: "write", Err: syscall.EDQUOT}); k != Full {
		t.Errorf("KindOf(EDQUOT) = %s", k)
	}
}
