package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/stelehq/stele/bench/meter"
)

// needles are the questions that few events answer; tabulating ones are aggregates.
var needles = []string{"q3", "q4", "q9s", "q10"}

// runDuckDB asks Stele and DuckDB over a Parquet file of the same events all questions that have SQL, in turn.
func runDuckDB(o options, t meter.Tools, work string) error {
	if _, err := os.Stat("duckdb/node_modules/@duckdb/node-api"); err != nil {
		fmt.Println("skipped: @duckdb/node-api is not installed in bench/duckdb")
		return nil
	}
	ours, err := t.Generate(o.events, "clef", work)
	if err != nil {
		return err
	}
	theirs, err := t.Generate(o.events, "vl", work)
	if err != nil {
		return err
	}
	trace, err := traceIn(ours)
	if err != nil {
		return err
	}
	s := steleRespondent(o, work)
	if err := s.load(o, t, ours); err != nil {
		return err
	}
	parquet := filepath.Join(work, fmt.Sprintf("events-%d.parquet", o.events))
	if _, err := os.Stat(parquet); err != nil {
		if out, err := exec.Command("node", "duckdb/ask.mjs", "load", theirs, parquet+".tmp").CombinedOutput(); err != nil {
			return fmt.Errorf("write Parquet: %w\n%s", err, out)
		}
		if err := os.Rename(parquet+".tmp", parquet); err != nil {
			return err
		}
	}
	var table [][]string
	sums := map[string][]float64{} // logarithms of how much faster
	for _, q := range o.chosen(questions(trace)) {
		if q.sql == "" {
			continue
		}
		a, err := s.put(&q, o)
		if err != nil {
			return fmt.Errorf("stele, %s: %w", q.name, err)
		}
		b, err := putDuckDB(&q, o, parquet)
		if err != nil {
			return fmt.Errorf("duckdb, %s: %w", q.name, err)
		}
		kind, wanted := "others", ""
		switch {
		case slices.Contains(needles, q.name):
			kind, wanted = "needles", "≥ 10"
		case q.columns != nil:
			kind, wanted = "aggregates", "≥ 1"
		}
		cold, warm := b.cold/a.cold, meter.Median(b.warm)/meter.Median(a.warm)
		sums[kind] = append(sums[kind], math.Log(warm))
		same := nearly(&q, a.answer, b.answer)
		fmt.Fprintf(os.Stderr, "%s: Stele %.1f ms, DuckDB %.1f ms, %s\n", q.name, meter.Median(a.warm), meter.Median(b.warm), same)
		table = append(table, []string{q.name, q.about, meter.Number(a.cold, 1), meter.Spread(a.warm, 1), meter.Number(a.cpu, 1),
			meter.Number(b.cold, 1), meter.Spread(b.warm, 1), meter.Number(b.cpu, 1), fmt.Sprintf("%.1f", cold), fmt.Sprintf("%.1f", warm), wanted, same})
	}
	size, err := meter.TreeSize(s.store)
	if err != nil {
		return err
	}
	file, err := os.Stat(parquet)
	if err != nil {
		return err
	}
	fmt.Printf("%s. %s events, %.1f bytes an event in Stele's directory, %.1f in the Parquet file; medians of %d warm ones (least–most).\n\n",
		meter.Machine(), meter.Number(float64(o.events), 0), float64(size)/float64(o.events), float64(file.Size())/float64(o.events), warmRuns)
	meter.Table(os.Stdout, []string{"", "", "Stele cold ms", "warm ms", "CPU ms", "DuckDB cold ms", "warm ms", "CPU ms", "times faster cold", "warm", "wanted", "answers"}, table)
	for _, kind := range []string{"needles", "aggregates"} {
		if of := sums[kind]; len(of) > 0 {
			sum := 0.0
			for _, v := range of {
				sum += v
			}
			fmt.Printf("\nGeometric mean of the %s, warm: %.1f times faster.\n", kind, math.Exp(sum/float64(len(of))))
		}
	}
	return nil
}

// putDuckDB asks DuckDB one question, in a process of its own, as put does Stele. The times are those of that process.
func putDuckDB(q *question, o options, parquet string) (a asked, err error) {
	if err := forgetFiles(); err != nil {
		return a, err
	}
	meter.Idle(o.patience)
	cmd := exec.Command("node", "duckdb/ask.mjs", "ask", parquet)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return a, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return a, err
	}
	if err := cmd.Start(); err != nil {
		return a, err
	}
	defer func() {
		in.Close()
		if waited := cmd.Wait(); err == nil {
			err = waited
		}
	}()
	answers := bufio.NewReader(out)
	if _, err := answers.ReadString('\n'); err != nil {
		return a, fmt.Errorf("it did not start: %w", err)
	}
	var last struct {
		Ms, CPU float64
		Rows    [][]any
	}
	for run := range warmRuns + 2 {
		if err := json.NewEncoder(in).Encode(q.sql); err != nil {
			return a, err
		}
		line, err := answers.ReadBytes('\n')
		if err != nil && err != io.EOF {
			return a, err
		}
		if err := decode(line, &last); err != nil {
			return a, err
		}
		switch run {
		case 0:
			a.cold = last.Ms
		case 1:
		default:
			a.warm = append(a.warm, last.Ms)
			a.cpu += last.CPU / warmRuns
		}
	}
	for _, row := range last.Rows {
		if q.columns == nil { // a time as DuckDB writes it, in UTC
			text := fmt.Sprint(row[0])
			if row[0], err = instant(strings.Replace(text, " ", "T", 1) + "Z"); err != nil {
				return a, err
			}
		}
		a.answer = append(a.answer, joined(row))
	}
	slices.Sort(a.answer)
	return a, nil
}

// nearly says whether two answers are the same, or by how much the numbers of a percentile differ at most.
func nearly(q *question, ours, theirs []string) string {
	if !q.sampled || len(ours) != len(theirs) {
		return compared(q, ours, theirs)
	}
	most := 0.0
	for i := range ours {
		group, value, _ := strings.Cut(ours[i], " ")
		other, exact, _ := strings.Cut(theirs[i], " ")
		a, errA := strconv.ParseFloat(value, 64)
		b, errB := strconv.ParseFloat(exact, 64)
		if group != other || errA != nil || errB != nil {
			return compared(q, ours, theirs)
		}
		most = max(most, math.Abs(a/b-1))
	}
	if most == 0 {
		return "same"
	}
	return fmt.Sprintf("within %.2f %%", most*100)
}
