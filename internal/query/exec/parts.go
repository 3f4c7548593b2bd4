package exec

// IsFunction reports whether there is a function of that name, in whatever case.
func IsFunction(name string) bool { return findFunction(name) != nil }

// SameName compares names of functions, which are the same in any case.
func SameName(a, b string) bool { return compareFold(a, b) == 0 }

// AppendFold appends s folded: texts are the same by ci if they are the same folded.
func AppendFold(dst []byte, s string) []byte { return appendFold(dst, s) }
