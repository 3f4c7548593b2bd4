package meter

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

// Tools are the event generator and the loader, built.
type Tools struct{ Gen, Load string }

// Prepare makes the folder work, returns its absolute path, and builds the tools of the shared folder into it. Without that
// folder it says so on standard output and returns an empty path.
func Prepare(shared, work string) (string, Tools, error) {
	if _, err := os.Stat(filepath.Join(shared, "gen")); err != nil {
		fmt.Printf("skipped: the generator and the loader are not in %s\n", shared)
		return "", Tools{}, nil
	}
	work, err := filepath.Abs(work)
	if err != nil {
		return "", Tools{}, err
	}
	if err := os.MkdirAll(work, 0o755); err != nil {
		return "", Tools{}, err
	}
	t, err := buildTools(shared, work)
	return work, t, err
}

func buildTools(shared, work string) (t Tools, err error) {
	if t.Gen, err = build(shared, "gen", work); err != nil {
		return t, err
	}
	t.Load, err = build(shared, "load", work)
	return t, err
}

func build(shared, name, work string) (string, error) {
	bin := filepath.Join(work, name)
	cmd := exec.Command("go", "build", "-o", bin, ".")
	cmd.Dir = filepath.Join(shared, name)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", name, err, out)
	}
	return bin, nil
}

const generatedFrom = "2025-06-01T00:00:00Z"

// Generator makes n events, always the same, on its standard output.
func (t Tools) Generator(n int, format string) *exec.Cmd {
	return t.generatorFrom(n, format, generatedFrom)
}

func (t Tools) generatorFrom(n int, format, start string) *exec.Cmd {
	return exec.Command(t.Gen, "-n", strconv.Itoa(n), "-seed", "1", "-start", start, "-rate", "50", "-format", format)
}

// Generate writes n events to a file in work, which is kept for later runs.
func (t Tools) Generate(n int, format, work string) (string, error) {
	return t.generate(filepath.Join(work, fmt.Sprintf("events-%d.%s", n, format)), t.Generator(n, format))
}

// GenerateFrom is Generate for events that begin at another time.
func (t Tools) GenerateFrom(n int, format, start, work string) (string, error) {
	return t.generate(filepath.Join(work, fmt.Sprintf("events-%d-%s.%s", n, start[:10], format)), t.generatorFrom(n, format, start))
}

func (t Tools) generate(name string, cmd *exec.Cmd) (string, error) {
	if _, err := os.Stat(name); err == nil {
		return name, nil
	}
	f, err := os.Create(name + ".tmp")
	if err != nil {
		return "", err
	}
	cmd.Stdout, cmd.Stderr = f, os.Stderr
	if err := errors.Join(cmd.Run(), f.Close()); err != nil {
		return "", fmt.Errorf("generate events: %w", err)
	}
	return name, os.Rename(f.Name(), name)
}
