package stele_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/query/exec"
)

// TestQueryLanguagePage runs the searches and queries of docs/query-language.md. A block ```clef, or a comment that names a file of
// ../shared/data, is what the store holds from there on. Each line of a block ```search is a filter, ⇒, and how many events it finds, and if none what hints there are; after each block
// ```query comes a block ```text with its result. Expressions (```filter) are the matter of package exec's tests.
func TestQueryLanguagePage(t *testing.T) {
	page, err := os.ReadFile("docs/query-language.md")
	if err != nil {
		t.Fatal(err)
	}
	var store *stele.Store
	var query string
	queries, called := 0, ""
	for _, b := range blocksOf(string(page)) {
		switch b.kind {
		case "events":
			store = storeOf(t, filepath.Join("../shared/data", b.text))
		case "clef":
			store = storeWith(t, b.text)
		case "search":
			if store == nil {
				continue
			}
			for line := range strings.Lines(b.text) {
				filter, want, _ := strings.Cut(strings.TrimSpace(line), "⇒")
				if got := found(t, store, strings.TrimSpace(filter)); got != strings.TrimSpace(want) {
					t.Errorf("%s finds %s events, not %s", filter, got, want)
				}
			}
		case "query":
			query, called = b.text, called+b.text
			queries++
		case "text":
			if store == nil || query == "" {
				continue
			}
			if got := table(t, store, query); words(got) != words(b.text) {
				t.Errorf("%sgives\n%snot\n%s", query, got, b.text)
			}
			query = ""
		}
	}
	if queries < 20 {
		t.Errorf("the page has only %d queries", queries)
	}
	for _, a := range exec.Aggregates() {
		if !strings.Contains(called, a.Name+"(") {
			t.Errorf("no query on the page has %s", a.Name)
		}
	}
}

type pageBlock struct{ kind, text string }

// blocksOf takes a page's fenced blocks, and its comments `<!-- events: FILE -->`.
func blocksOf(page string) []pageBlock {
	var all []pageBlock
	inside := false
	for line := range strings.Lines(page) {
		trimmed := strings.TrimSpace(line)
		if file, ok := strings.CutPrefix(trimmed, "<!-- events: "); ok {
			all = append(all, pageBlock{"events", strings.TrimSuffix(file, " -->")})
		}
		switch fence, ok := strings.CutPrefix(trimmed, "```"); {
		case ok && !inside:
			all, inside = append(all, pageBlock{kind: fence}), true
		case ok:
			inside = false
		case inside:
			all[len(all)-1].text += line
		}
	}
	return all
}

// storeOf has the events of a file; nil if the file is absent.
func storeOf(t *testing.T, file string) *stele.Store {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Logf("skipped: the tutorial's events are absent: %v", err)
		return nil
	}
	return storeWith(t, string(text))
}

func storeWith(t *testing.T, clef string) *stele.Store {
	store, err := stele.Open(t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	b := store.NewBatch()
	for line := range strings.Lines(strings.TrimPrefix(clef, "\ufeff")) {
		if err := b.AddCLEF([]byte(strings.TrimSpace(line))); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := store.Append(context.Background(), b); err != nil {
		t.Fatal(err)
	}
	return store
}

// found counts the events that a person's text selects, and says what hints there are if those are none.
func found(t *testing.T, store *stele.Store, text string) string {
	f, _, err := stele.ParseSearch(text)
	if err != nil {
		t.Fatal(err)
	}
	r := store.Read(context.Background(), stele.ReadOptions{Filter: f})
	defer r.Close()
	n := 0
	for r.Next() {
		n++
	}
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	said := fmt.Sprint(n)
	if n == 0 {
		for _, h := range store.Hints(context.Background(), f) {
			said += ": " + h.String()
		}
	}
	return said
}

// table is a query's result: names, then rows, aligned.
func table(t *testing.T, store *stele.Store, query string) string {
	q, err := stele.ParseQuery(query)
	if err != nil {
		return err.Error() + "\n"
	}
	rows := store.Query(context.Background(), q, stele.QueryOptions{})
	cells := [][]string{q.Columns()}
	for rows.Next() {
		var row []string
		for i, v := range rows.Values() {
			cell := string(v.AppendDisplay(nil))
			if i == 0 && q.Layout().Time {
				cell = evaluate(t, store, "ToIsoString("+cell+")")
			}
			row = append(row, cell)
		}
		cells = append(cells, row)
	}
	if err := rows.Close(); err != nil {
		return err.Error() + "\n"
	}
	var b strings.Builder
	for _, row := range cells {
		for i, cell := range row {
			if i == len(row)-1 {
				b.WriteString(cell)
				continue
			}
			width := 0
			for _, r := range cells {
				width = max(width, len([]rune(r[i])))
			}
			fmt.Fprintf(&b, "%-*s  ", width, cell)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func evaluate(t *testing.T, store *stele.Store, expression string) string {
	_, value, _ := strings.Cut(table(t, store, expression), "\n")
	return strings.TrimSpace(value)
}

// words is a text without its line's alignment.
func words(s string) string {
	var b strings.Builder
	for line := range strings.Lines(s) {
		b.WriteString(strings.Join(strings.Fields(line), " ") + "\n")
	}
	return b.String()
}
