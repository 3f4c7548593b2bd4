// Command bench measures the server as its users meet it: a real process with default settings, HTTP on loopback, every
// acknowledgement on disk. It builds the event generator and the loader that lie beside the checkout, in
// ../shared/bench, and prints Markdown tables; each run goes to standard error as it ends.
package main

import (
	"flag"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/stelehq/stele/bench/meter"
)

type options struct {
	stele        string // the binary to measure
	victoriaLogs string // the binary to measure beside it; "": none
	shared       string // where gen and load are
	work         string // where the events and the stores go
	events       int
	conns        int
	batch        int // bytes of a request body
	runs         int
	more         int           // events that are taken in beside questions; 0: twice as many as there are
	patience     time.Duration // how long to wait for the machine to be idle before each measurement

	protocols bool // compare the protocols instead
	scale     bool // see how cost grows instead
	backup    bool // make backups instead
	queries   bool // ask questions instead
	growth    bool // see how the questions' times grow instead
	duckdb    bool // ask questions of DuckDB too instead
	mixed     bool // ask questions while events are taken in instead
	only      string
}

func main() {
	var o options
	flag.StringVar(&o.stele, "stele", "../bin/stele", "the binary to measure")
	flag.StringVar(&o.victoriaLogs, "victorialogs", "", "a binary of VictoriaLogs 1.26 to measure beside it")
	flag.StringVar(&o.shared, "shared", "../../shared/bench", "folder with gen/ and load/")
	flag.StringVar(&o.work, "work", "work", "folder for the events and the stores")
	flag.IntVar(&o.events, "n", 5_000_000, "events")
	flag.IntVar(&o.conns, "conns", 4, "connections")
	flag.IntVar(&o.batch, "batch-bytes", 8<<20, "most bytes of a request body")
	flag.IntVar(&o.runs, "runs", 3, "runs, each into an empty store")
	flag.DurationVar(&o.patience, "patience", 30*time.Second, "how long to wait for the machine to be idle before each measurement")
	flag.BoolVar(&o.protocols, "protocols", false, "send the events by each protocol and compare")
	flag.BoolVar(&o.scale, "scale", false, "see how cost grows at 1, 5 and 20 million events")
	flag.BoolVar(&o.backup, "backup", false, "make backups, and restore them")
	flag.BoolVar(&o.queries, "queries", false, "ask questions; the loaded stores stay in the folder of -work")
	flag.BoolVar(&o.growth, "growth", false, "ask questions of -n events and of four times as many; the loaded stores stay in the folder of -work")
	flag.BoolVar(&o.duckdb, "duckdb", false, "ask questions, and of DuckDB over a Parquet file of the same events")
	flag.BoolVar(&o.mixed, "mixed", false, "ask questions while events are taken in")
	flag.IntVar(&o.more, "more", 0, "events that are taken in while questions are asked; 0: twice as many as -n")
	flag.StringVar(&o.only, "only", "", "regular expression: the questions to ask")
	flag.Parse()

	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(o options) error {
	work, t, err := meter.Prepare(o.shared, o.work)
	if err != nil || work == "" {
		return err
	}
	switch {
	case o.protocols:
		return runProtocols(o, t, work)
	case o.scale:
		return runScale(o, t, work)
	case o.mixed:
		return runMixed(o, t, work)
	case o.growth:
		return runGrowth(o, t, work)
	case o.duckdb:
		return runDuckDB(o, t, work)
	case o.queries:
		return runQueries(o, t, work)
	case o.backup:
		return runBackup(o, t, work)
	}
	return runComparison(o, t, work)
}

// bodies are the loader's flags for large bodies.
func (o options) bodies() []string {
	return []string{"-conns", strconv.Itoa(o.conns), "-batch-bytes", strconv.Itoa(o.batch)}
}
