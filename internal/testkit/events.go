package testkit

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stelehq/stele"
)

// Epoch is the time of the first event that Line makes.
var Epoch = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// Line returns the i-th of a series of small events, a second apart.
func Line(i int) string {
	return fmt.Sprintf(`{"@t":%q,"@mt":"Event {N} of {Who}","@l":%q,"N":%d,"Who":%q}`,
		Epoch.Add(time.Duration(i)*time.Second).Format("2006-01-02T15:04:05.0000000Z"), []string{"Information", "Warning", "Error"}[i%3], i, []string{"ann", "bob", "cid", "dee"}[i%4])
}

// Append adds lines as one batch and fails the test if that fails.
func (f *Fixture) Append(lines ...string) stele.Keys {
	f.t.Helper()
	keys, err := f.TryAppend(lines...)
	if err != nil {
		f.t.Fatalf("append: %v", err)
	}
	return keys
}

// TryAppend adds lines as one batch.
func (f *Fixture) TryAppend(lines ...string) (stele.Keys, error) {
	f.t.Helper()
	return f.Store.Append(context.Background(), f.Batch(lines...))
}

// Batch returns a batch of lines.
func (f *Fixture) Batch(lines ...string) *stele.Batch {
	f.t.Helper()
	b := f.Store.NewBatch()
	for _, l := range lines {
		if err := b.AddCLEF([]byte(l)); err != nil {
			f.t.Fatalf("add %s: %v", l, err)
		}
	}
	return b
}

// AppendSeries adds Line(from) to Line(to-1) in batches of some.
func (f *Fixture) AppendSeries(from, to, some int) {
	f.t.Helper()
	for from < to {
		var lines []string
		for range min(some, to-from) {
			lines = append(lines, Line(from))
			from++
		}
		f.Append(lines...)
	}
}

// Lines reads what a range has, in both ways that there are, and fails the test if that fails.
func (f *Fixture) Lines(o stele.ReadOptions) []string {
	f.t.Helper()
	s, err := f.Store.Snapshot()
	if err != nil {
		f.t.Fatalf("read: %v", err)
	}
	defer s.Close()
	lines, err := Drain(s.Read(context.Background(), o))
	if err != nil {
		f.t.Fatalf("read: %v", err)
	}
	texts, err := DrainText(s.ReadText(context.Background(), o))
	if err != nil || !slices.Equal(texts, lines) {
		f.t.Fatalf("read as text (%v):\n%q\nas events:\n%q", err, texts, lines)
	}
	return lines
}

// All reads everything, oldest first.
func (f *Fixture) All() []string {
	f.t.Helper()
	return f.Lines(stele.ReadOptions{})
}

// Drain reads a reader to its end and closes it.
func Drain(r *stele.Reader) ([]string, error) {
	var lines []string
	for r.Next() {
		lines = append(lines, string(r.Event().AppendCLEF(nil)))
	}
	return lines, r.Close()
}

// DrainText reads a reader of text to its end and closes it.
func DrainText(r *stele.TextReader) ([]string, error) {
	var lines []string
	for r.Next() {
		lines = append(lines, string(r.CLEF()))
	}
	return lines, r.Close()
}

// Followed returns what a follower has at the moment.
func Followed(t testing.TB, f *stele.Follower) []string {
	t.Helper()
	var lines []string
	for {
		ok, caughtUp := f.TryNext()
		if ok {
			lines = append(lines, string(f.Event().AppendCLEF(nil)))
		} else if caughtUp {
			return lines
		}
	}
}
