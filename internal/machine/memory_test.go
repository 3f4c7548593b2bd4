package machine

import (
	"math"
	"testing"
	"testing/fstest"
)

func TestLimitIn(t *testing.T) {
	for _, c := range []struct {
		name  string
		files map[string]string
		want  int64
	}{
		{"no Linux", nil, math.MaxInt64},
		{"no groups", map[string]string{"proc/meminfo": "MemFree:  1 kB\nMemTotal:       1000 kB\n"}, 1000 << 10},
		{"second version, in a container", map[string]string{
			"proc/meminfo": "MemTotal:       1000 kB\n", "proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "500000\n",
		}, 500_000},
		{"second version, a group outside sets the limit", map[string]string{
			"proc/self/cgroup": "0::/user.slice/some.service\n", "sys/fs/cgroup/user.slice/memory.max": "300000\n",
			"sys/fs/cgroup/user.slice/some.service/memory.max": "max\n",
		}, 300_000},
		{"second version, no limit", map[string]string{
			"proc/meminfo": "MemTotal: 7 kB\n", "proc/self/cgroup": "0::/a\n", "sys/fs/cgroup/a/memory.max": "max\n",
		}, 7 << 10},
		{"first version", map[string]string{
			"proc/self/cgroup":                                  "11:cpu,cpuacct:/\n9:memory:/docker/abc\n0::/\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes":        "9223372036854771712\n",
			"sys/fs/cgroup/memory/docker/abc/memory.limit":      "1",
			"sys/fs/cgroup/memory/docker/memory.limit_in_bytes": "268435456\n",
		}, 256 << 20},
		{"first version, from inside", map[string]string{
			"proc/self/cgroup": "9:hugetlb,memory:/docker/abc\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "268435456\n",
		}, 256 << 20},
		{"nonsense", map[string]string{
			"proc/meminfo": "MemTotal: 99999999999999999999 kB\nMemTotal: -\n", "proc/self/cgroup": "x\n::\n1:memory\n0::/../..\n", "sys/fs/cgroup/memory.max": "-5",
		}, math.MaxInt64},
	} {
		root := fstest.MapFS{}
		for name, text := range c.files {
			root[name] = &fstest.MapFile{Data: []byte(text)}
		}
		if got := limitIn(root); got != c.want {
			t.Errorf("%s: %d, expected %d", c.name, got, c.want)
		}
	}
}

func TestShare(t *testing.T) {
	for all, want := range map[int64]int64{0: LeastMemory, 100 << 20: 50 << 20, 256 << 20: 128 << 20, 1 << 40: MostMemory, math.MaxInt64: MostMemory} {
		if got := share(all); got != want {
			t.Errorf("of %d: %d, expected %d", all, got, want)
		}
	}
	if n := Memory(); n < LeastMemory || n > MostMemory {
		t.Error(n)
	}
}
