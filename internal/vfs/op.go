package vfs

// OpKind is one kind of call that a file system can be asked for. Tests count calls by kind,
// cut the power at them and make them fail.
type OpKind uint8

// The kinds of calls. OpAny stands for all of them in a Rule.
const (
	OpAny OpKind = iota
	OpCreate
	OpOpen
	OpAppend
	OpRename
	OpRemove
	OpList
	OpSize
	OpMkdirAll
	OpSyncDir
	OpLock
	OpUnlock
	OpReadAt
	OpWrite
	OpSync
	OpReserve
	OpClose
	opKinds // their number
)

var opNames = [opKinds]string{
	"any", "create", "open", "append", "rename", "remove", "list", "size", "mkdirall", "syncdir",
	"lock", "unlock", "readat", "write", "sync", "reserve", "close",
}

// OpKinds returns every kind but OpAny.
func OpKinds() []OpKind {
	all := make([]OpKind, 0, opKinds-1)
	for k := OpCreate; k < opKinds; k++ {
		all = append(all, k)
	}
	return all
}

func (k OpKind) String() string {
	if k >= opKinds {
		return "unknown"
	}
	return opNames[k]
}

// Op is one call, as a hook sees it: once before it takes effect and once after.
type Op struct {
	Kind   OpKind
	Name   string // the file or directory; for a rename the source
	To     string // the target of a rename
	Index  int64  // 1 for the first call of all
	Nth    int64  // 1 for the first call of its kind
	Bytes  int    // length of a write or read
	Before bool
	Err    error // the outcome, after
}
