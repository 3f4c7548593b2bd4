package engine

import (
	"path"
	"strings"

	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/journal"
	"github.com/stelehq/stele/internal/manifest"
	"github.com/stelehq/stele/internal/vfs"
)

// The files of a store, by kind, as a listing of its directory found them.
type files struct {
	names     []string // all
	journals  []uint64 // rising
	segments  []uint64 // rising
	manifests []string
	documents int
	temps     []string
	reserve   bool
	next      uint64 // above every number
}

const lockName = "LOCK"

var (
	segmentNames  = vfs.Numbered{Prefix: "segment-", Suffix: ".seg"}
	documentNames = vfs.Numbered{Prefix: "document-", Suffix: ".log"}
)

func segmentName(n uint64) string { return segmentNames.Name(n) }

func listFiles(fs vfs.FS, dir string) (files, error) {
	var f files
	names, err := fs.List(dir)
	if err != nil {
		return f, fault.Wrap(err, "open store", "cannot list the directory").At(dir, fault.NoOffset)
	}
	f.names = names
	for _, name := range names {
		number := uint64(0)
		if n, ok := journal.ParseName(name); ok {
			f.journals = append(f.journals, n)
			number = n
		} else if n, ok := segmentNames.Parse(name); ok {
			f.segments = append(f.segments, n)
			number = n
		} else if n, ok := manifest.ParseName(name); ok {
			f.manifests = append(f.manifests, name)
			number = n
		} else if n, ok := documentNames.Parse(name); ok {
			f.documents++
			number = n
		} else if strings.HasSuffix(name, ".tmp") {
			f.temps = append(f.temps, name)
		} else if name == reserveName {
			f.reserve = true
		}
		f.next = max(f.next, number+1)
	}
	f.next = max(f.next, 1)
	return f, nil
}

// reserveIsWhole reports whether the reserve file has its full size: a crash may have cut it.
func reserveIsWhole(fs vfs.FS, dir string, size int64) bool {
	n, err := fs.Size(path.Join(dir, reserveName))
	return err == nil && n >= size
}
