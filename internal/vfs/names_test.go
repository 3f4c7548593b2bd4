package vfs

import "testing"

func TestNumberedNames(t *testing.T) {
	f := Numbered{"journal-", ".log"}
	for _, n := range []uint64{0, 1, 0xabc, 1<<63 - 1} {
		if got, ok := f.Parse(f.Name(n)); !ok || got != n {
			t.Errorf("%s gives %d, %t", f.Name(n), got, ok)
		}
	}
	for _, name := range []string{
		"", "journal-", "journal-.log", "journal-1.log", "journal-00000000000000ab.log.tmp", "journal-00000000000000AB.log",
		"journal-+0000000000000ab.log", "segment-00000000000000ab.log", "journal-00000000000000ab.seg", "journal-8000000000000000.log",
	} {
		if n, ok := f.Parse(name); ok {
			t.Errorf("%q gives %d", name, n)
		}
	}
}
