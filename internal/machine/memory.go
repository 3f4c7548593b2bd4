// Package machine tells what the machine, or the container, has to give.
package machine

import (
	"bytes"
	"io/fs"
	"math"
	"os"
	"path"
	"runtime/debug"
	"strconv"
	"strings"
)

const (
	// MostMemory is what Memory gives at most: more brings nothing that would be worth it unasked.
	MostMemory = 512 << 20
	// LeastMemory is the least with which a store works well.
	LeastMemory = 32 << 20
)

// Memory is how much memory a store should get along with if nobody says otherwise: half of what there is, from LeastMemory to
// MostMemory. What there is is the least of physical memory, the limit of the process's cgroup (both versions), and GOMEMLIMIT; a machine that tells
// none has enough.
func Memory() int64 {
	limit := debug.SetMemoryLimit(-1)
	return share(min(limit, limitIn(os.DirFS("/"))))
}

func share(all int64) int64 { return max(min(all/2, MostMemory), LeastMemory) }

// limitIn is what Linux's files say: proc(5), and cgroups(7) for both versions of control groups.
func limitIn(root fs.FS) int64 {
	limit := int64(math.MaxInt64)
	if text, err := fs.ReadFile(root, "proc/meminfo"); err == nil {
		for line := range bytes.Lines(text) {
			if rest, ok := bytes.CutPrefix(line, []byte("MemTotal:")); ok {
				if kib, err := strconv.ParseInt(string(bytes.TrimSpace(bytes.TrimSuffix(bytes.TrimSpace(rest), []byte("kB")))), 10, 64); err == nil && kib < math.MaxInt64>>10 {
					limit = min(limit, kib<<10)
				}
			}
		}
	}
	groups, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return limit
	}
	for line := range strings.Lines(string(groups)) {
		// hierarchy:controllers:path; the second version has hierarchy 0 and no controllers.
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		switch {
		case len(parts) < 3:
		case parts[1] == "":
			limit = min(limit, groupLimit(root, "sys/fs/cgroup", parts[2], "memory.max"))
		case strings.Contains(","+parts[1]+",", ",memory,"):
			limit = min(limit, groupLimit(root, "sys/fs/cgroup/memory", parts[2], "memory.limit_in_bytes"))
		}
	}
	return limit
}

// groupLimit is the least limit of a group and those that it is in. In a container the path may be one that is only to be seen from outside:
// then the group is the root.
func groupLimit(root fs.FS, mount, group, file string) int64 {
	limit := int64(math.MaxInt64)
	for at := path.Clean("/" + group); ; at = path.Dir(at) {
		if text, err := fs.ReadFile(root, path.Join(mount, at, file)); err == nil {
			// "max" is no number, and no limit.
			if n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil && n > 0 {
				limit = min(limit, n)
			}
		}
		if at == "/" {
			return limit
		}
	}
}
