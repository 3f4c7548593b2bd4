package plan

import (
	"testing"

	"github.com/stelehq/stele/internal/query/exec"
)

// For the fuzz target, which stands outside as package testkit imports this one.

var MergedQueries = mergedQueries

func RowsOf(t testing.TB, clef string) []exec.Row { return rowsOf(t, clef) }

func AnswerText(p *Plan, rows []exec.Row, memory int64) (string, error) {
	table, _, err := answer(p, rows, memory)
	return tableText(table), err
}
