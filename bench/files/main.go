// Command files measures what real logs take on disk: each JSON-lines file of the sample collection beside the checkout is
// ingested into a store of its own by the command line, sealed and settled, and its segments are held beside zstd at its default
// level over the file as it is. The table goes to standard output.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/zstd"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/bench/meter"
)

func main() {
	binary := flag.String("stele", "../bin/stele", "the binary that ingests")
	data := flag.String("data", "../../shared/data", "folder of the sample collection")
	work := flag.String("work", "work", "folder for the stores")
	flag.Parse()
	if err := run(*binary, *data, *work); err != nil {
		fmt.Fprintln(os.Stderr, "files:", err)
		os.Exit(1)
	}
}

func run(binary, data, work string) error {
	if _, err := os.Stat(data); err != nil {
		fmt.Printf("skipped: there is no sample collection in %s\n", data)
		return nil
	}
	list, err := jsonLines(data)
	if err != nil {
		return err
	}
	var table [][]string
	for _, name := range list {
		text, err := os.ReadFile(filepath.Join(data, name))
		if err != nil {
			return err
		}
		events, size, err := stored(binary, filepath.Join(data, name), filepath.Join(work, "store"))
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		packed, err := compressed(text)
		if err != nil {
			return err
		}
		perEvent := func(bytes int64) string { return meter.Number(float64(bytes)/float64(events), 1) }
		table = append(table, []string{name, meter.Number(float64(events), 0), perEvent(int64(len(text))), perEvent(packed), perEvent(size),
			fmt.Sprintf("%.2f", float64(size)/float64(packed))})
	}
	meter.Table(os.Stdout, []string{"file", "events", "raw B/event", "zstd B/event", "stele B/event", "ratio"}, table)
	return nil
}

// jsonLines lists the files in which every line is a JSON object.
func jsonLines(dir string) (list []string, err error) {
	err = filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || strings.Contains(name, "wire") {
			return err
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		lines := 0
		for line := range bytes.Lines(text) {
			if line = bytes.TrimSpace(line); len(line) == 0 {
				continue
			}
			if line[0] != '{' || !json.Valid(line) {
				return nil
			}
			lines++
		}
		if lines > 0 {
			short, _ := filepath.Rel(dir, name)
			list = append(list, short)
		}
		return nil
	})
	return list, err
}

// stored ingests a file and returns how many events it is and how many bytes their segments take, with everything that is in them: indexes,
// filters, checksums, headers.
func stored(binary, file, dir string) (events, size int64, err error) {
	if err := os.RemoveAll(dir); err != nil {
		return 0, 0, err
	}
	defer os.RemoveAll(dir)
	if out, err := exec.Command(binary, "ingest", "--datapath", dir, file).CombinedOutput(); err != nil {
		return 0, 0, fmt.Errorf("%w\n%s", err, out)
	}
	s, err := stele.Open(dir, nil)
	if err != nil {
		return 0, 0, err
	}
	ctx := context.Background()
	err = errors.Join(s.Flush(ctx), s.Settle(ctx))
	stats := s.Stats()
	if err == nil && stats.JournalEvents > 0 {
		err = fmt.Errorf("%d events are still in the journal", stats.JournalEvents)
	}
	return stats.Events, stats.SegmentBytes, errors.Join(err, s.Close())
}

// compressed returns the size under zstd at its default level: the smaller of what the zstd on the path, if there is
// one, and Go's make of it.
func compressed(text []byte) (int64, error) {
	encoder, err := zstd.NewWriter(nil)
	if err != nil {
		return 0, err
	}
	size := len(encoder.EncodeAll(text, nil))
	cmd := exec.Command("zstd", "-q", "-c")
	cmd.Stdin = bytes.NewReader(text)
	if out, err := cmd.Output(); err == nil {
		size = min(size, len(out))
	}
	return int64(size), nil
}
