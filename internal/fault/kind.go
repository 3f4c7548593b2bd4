package fault

// Kind says what sort of failure an error is (R20). Numbers are never reused.
type Kind uint8

// The kinds of R20.
const (
	Invalid     Kind = 1  // the caller's input is wrong; sending it again will not help
	NotFound    Kind = 2  // what was named does not exist
	Closed      Kind = 3  // the store or reader is closed
	Unavailable Kind = 4  // starting or stopping; try again
	Locked      Kind = 5  // another process owns the directory (R17)
	Full        Kind = 6  // the disk is full
	TooLarge    Kind = 7  // over a limit that is a setting
	Exhausted   Kind = 8  // a budget of memory or time ran out
	Canceled    Kind = 9  // the caller gave up
	Denied      Kind = 10 // not allowed
	Unsupported Kind = 11 // a newer format or an unknown feature
	Corrupt     Kind = 12 // data on disk is damaged
	IO          Kind = 13 // the file system failed
	Internal    Kind = 14 // a defect in Stele
)

// faces has one row for each kind: its name, HTTP status, and exit code of the command line.
var faces = [...]struct {
	name string
	http int
	exit int
}{
	0:           {"OK", 200, 0},
	Invalid:     {"Invalid", 400, 2},
	NotFound:    {"NotFound", 404, 3},
	Closed:      {"Closed", 503, 4},
	Unavailable: {"Unavailable", 503, 5},
	Locked:      {"Locked", 503, 6},
	Full:        {"Full", 503, 7},
	TooLarge:    {"TooLarge", 413, 8},
	Exhausted:   {"Exhausted", 503, 9},
	Canceled:    {"Canceled", 499, 10},
	Denied:      {"Denied", 403, 11},
	Unsupported: {"Unsupported", 501, 12},
	Corrupt:     {"Corrupt", 500, 13},
	IO:          {"IO", 500, 14},
	Internal:    {"Internal", 500, 70},
}

// Kinds returns every kind, in numeric order.
func Kinds() []Kind {
	all := make([]Kind, 0, len(faces)-1)
	for k := Invalid; int(k) < len(faces); k++ {
		all = append(all, k)
	}
	return all
}

func (k Kind) face() int {
	if k == 0 || int(k) >= len(faces) {
		return int(Internal)
	}
	return int(k)
}

// Error makes a kind usable as the target of errors.Is.
func (k Kind) Error() string { return k.String() }

// String returns the kind's name as R20 spells it.
func (k Kind) String() string { return faces[k.face()].name }

// HTTPStatus returns the status that reports this kind over HTTP. IO while writing is
// 503, which the caller must choose: clients retry it.
func (k Kind) HTTPStatus() int { return faces[k.face()].http }

// ExitCode returns the exit code that reports this kind on the command line.
func (k Kind) ExitCode() int { return faces[k.face()].exit }
