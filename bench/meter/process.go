// Package meter measures processes and the machine that they share, as Linux's /proc tells it (proc(5)), and prints
// figures as Markdown. All processor times are seconds of one core, user and system together.
package meter

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// ticksPerSecond is the unit of processor times in /proc: 100 on every architecture that Go runs on.
const ticksPerSecond = 100

// CPU returns the processor time that a running process has used, 0 if there is none of that id.
func CPU(pid int) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), ") ") // the name before may hold blanks
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0
	}
	return ticks(fields[11]) + ticks(fields[12])
}

func ticks(text string) float64 {
	n, _ := strconv.ParseFloat(text, 64)
	return n / ticksPerSecond
}

// PeakMB returns the most memory that a running process has held, mapped files included, in 10^6 bytes.
func PeakMB(pid int) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kb * 1024 / 1e6
		}
	}
	return 0
}

// TreeSize returns the bytes of all files below a directory.
func TreeSize(dir string) (int64, error) {
	var size int64
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		size += info.Size()
		return nil
	})
	return size, err
}

// Rest waits until a process has done next to nothing for two seconds while its directory kept its size, so that what it does in the
// background is done and counted.
func Rest(pid int, dir string) error {
	const step, most = 500 * time.Millisecond, 10 * time.Minute
	used, size, calm := CPU(pid), int64(-1), 0
	for deadline := time.Now().Add(most); time.Now().Before(deadline); {
		time.Sleep(step)
		usedNow := CPU(pid)
		sizeNow, err := TreeSize(dir)
		if os.IsNotExist(err) { // a file went while it was being counted
			sizeNow = -1
		} else if err != nil {
			return err
		}
		if calm++; usedNow-used > 0.02 || sizeNow != size || sizeNow < 0 {
			calm = 0
		}
		if calm == 4 {
			return nil
		}
		used, size = usedNow, sizeNow
	}
	return fmt.Errorf("the process was not at rest within %s", most)
}
