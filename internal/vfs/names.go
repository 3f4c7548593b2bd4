package vfs

import (
	"fmt"
	"strconv"
	"strings"
)

// Numbered is a family of file names: a prefix, a number as 16 hex digits, a suffix, so
// that names sort as their numbers do.
type Numbered struct{ Prefix, Suffix string }

// Name returns the name with number n.
func (f Numbered) Name(n uint64) string { return fmt.Sprintf("%s%016x%s", f.Prefix, n, f.Suffix) }

// Parse is the inverse of Name; ok is false for every other name, and for numbers over 63
// bits, which nothing ever counts up to.
func (f Numbered) Parse(name string) (n uint64, ok bool) {
	digits, found := strings.CutPrefix(name, f.Prefix)
	digits, ended := strings.CutSuffix(digits, f.Suffix)
	if !found || !ended || len(digits) != 16 {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 16, 63)
	return n, err == nil && f.Name(n) == name
}
