package meter

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

// Busy returns the processor time that everything on the machine has used since it started.
func Busy() float64 {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(string(text), "\n")
	fields := strings.Fields(line)
	if len(fields) < 9 || fields[0] != "cpu" {
		return 0
	}
	sum := 0.0
	for _, i := range []int{1, 2, 3, 6, 7, 8} { // user, nice, system, irq, softirq, steal
		sum += ticks(fields[i])
	}
	return sum
}

// Idle waits for a second in which the machine does little, at most as long as it is told, and reports
// whether there was one.
func Idle(most time.Duration) bool {
	for deadline := time.Now().Add(most); time.Now().Before(deadline); {
		before := Busy()
		time.Sleep(time.Second)
		if Busy()-before < 0.15 {
			return true
		}
	}
	return false
}

// Others counts what the rest of the machine uses while a process is measured.
type Others struct {
	pid                int
	busy, server, self float64
}

// Watch begins to count; pid is the process that is measured.
func Watch(pid int) *Others {
	return &Others{pid: pid, busy: Busy(), server: CPU(pid), self: CPU(os.Getpid())}
}

// CPU returns the processor time that neither the process nor this one has used since, less what
// children of this one are known to have used.
func (o *Others) CPU(children float64) float64 {
	return max(Busy()-o.busy-(CPU(o.pid)-o.server)-(CPU(os.Getpid())-o.self)-children, 0)
}

// Machine describes the machine in one line.
func Machine() string {
	model, memory := "unknown processor", ""
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				model = strings.TrimSpace(value)
				break
			}
		}
	}
	if text, err := os.ReadFile("/proc/meminfo"); err == nil {
		var kb float64
		if _, err := fmt.Sscanf(string(text), "MemTotal: %f kB", &kb); err == nil {
			memory = fmt.Sprintf(", %.1f GiB", kb/(1<<20))
		}
	}
	return fmt.Sprintf("%d cores of %s%s, %s/%s, %s, %s", runtime.NumCPU(), model, memory, runtime.GOOS, runtime.GOARCH, runtime.Version(), time.Now().UTC().Format("2006-01-02 15:04"))
}
