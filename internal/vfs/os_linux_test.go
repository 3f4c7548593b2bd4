package vfs

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// A store on a full disk opens, so that something can be deleted from it (R14).
func TestR14ALockIsHeldOnAFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skip("skipped: a small disk that can be filled cannot be mounted here; root can: ", err)
	}
	defer func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) }()
	fs := OS{Root: dir}
	lock, _, err := fs.Lock("LOCK", true, []byte("who"))
	if err != nil {
		t.Fatal(err)
	}
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(filepath.Join(dir, "rest"))
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	_ = f.Close()
	if lock, _, err = fs.Lock("LOCK", true, []byte("who")); err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if _, _, err := fs.Lock("LOCK", true, []byte("another")); err == nil {
		t.Error("two hold it")
	}
}
